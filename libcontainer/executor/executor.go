// SPDX-License-Identifier: Apache-2.0

// Package executor clones processes that run a plan.Program and nothing else.
//
// The child is born with one mapping, the arena: a page of code, the Program, its data. It has
// nothing of the Go process: no heap, no stack, no descriptor that the Program does not name. The
// code makes one system call after the other until one of them is execve, or reports which one
// failed. It has no arithmetic, no loop and no buffer, so there is nothing in it that hostile
// files could confuse.
package executor

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// Launch is a Program and what it is given.
type Launch struct {
	Program  *plan.Program
	Inputs   []int  // a descriptor for each of Program.Inputs; they stay the caller's
	Report   int    // where a failure is written: a socket, or a pipe
	Preserve int    // descriptors from 3 on that the child keeps
	Flags    uint64 // CLONE_NEW* for the child
	Cgroup   int    // directory of the cgroup (v2) to be born in; -1: the caller's own
}

// Process is a child.
type Process struct {
	PID   int
	PIDFD int // the caller's to close
}

// iscgo tells whether C is linked. Go keeps the name for others who must know (runtime/cgo.go).
//
//go:linkname iscgo runtime.iscgo
var iscgo bool

// Supported says why this program cannot clone a child, if it cannot.
func Supported() error {
	if iscgo {
		// The C library has registered memory of each thread with the kernel (rseq(2)), which kills
		// a child that lacks it.
		return text("tare must be built without cgo: CGO_ENABLED=0")
	}
	if supported {
		return nil
	}
	return text("tare has no executor for " + runtime.GOARCH + " yet; there is one for amd64 and arm64")
}

type text string

func (t text) Error() string { return string(t) }

// cloneArgs is struct clone_args (clone3(2)).
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls, setTID, setTIDSize, cgroup uint64
}

// Start clones the child that runs l.Program. It returns once the child exists; how far it comes
// is told by what it writes to l.Report.
//
// Other threads may run meanwhile. The calling process's memory is marked so that no other child
// gets a copy of it while the clone lasts; that is taken back.
func Start(l *Launch) (Process, error) {
	if err := Supported(); err != nil {
		return Process{}, err
	}
	a, err := newArena(l, true)
	if err != nil {
		return Process{}, err
	}
	defer unix.Munmap(a.memory)
	pidfd := int32(-1)
	args := &cloneArgs{
		flags: l.Flags | unix.CLONE_CLEAR_SIGHAND | unix.CLONE_PIDFD, exitSignal: uint64(unix.SIGCHLD),
		pidfd: uint64(uintptr(unsafe.Pointer(&pidfd))),
	}
	if l.Cgroup >= 0 {
		args.flags |= unix.CLONE_INTO_CGROUP
		args.cgroup = uint64(l.Cgroup)
	}
	// All but the arena stays behind (madvise(2)). Gaps in a range are ENOMEM, after all else of
	// it was done.
	a.others(unix.MADV_DONTFORK)
	pid, err := a.clone(unix.SYS_CLONE3, uintptr(unsafe.Pointer(args)), unsafe.Sizeof(*args))
	a.others(unix.MADV_DOFORK)
	runtime.KeepAlive(args)
	if err != nil {
		return Process{}, cloneError(err, l)
	}
	return Process{pid, int(pidfd)}, nil
}

// others gives advice on all of the address space but the arena.
func (a *arena) others(advice uintptr) {
	unix.RawSyscall(unix.SYS_MADVISE, 0, a.base(), advice)
	unix.RawSyscall(unix.SYS_MADVISE, a.end(), spaceTops[0]-a.end(), advice)
}

// clone makes the child by a system call with these two arguments.
func (a *arena) clone(nr, arg0, arg1 uintptr) (pid int, err error) {
	// The mask that the child restores. All threads of a Go program have the same; to lock this one
	// for the time would make the runtime start another (0.1 ms).
	mask := uintptr(unsafe.Pointer(&a.memory[a.page+a.mask]))
	unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, 0, mask, 8, 0, 0)
	r := clone(&entry{
		code: a.base(), header: a.header(), first: a.header() + plan.HeaderSize,
		nr: nr, arg0: arg0, arg1: arg1,
	})
	if int(r) < 0 {
		return 0, unix.Errno(-int(r))
	}
	return int(r), nil
}
