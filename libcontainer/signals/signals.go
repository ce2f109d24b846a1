// SPDX-License-Identifier: Apache-2.0

// Package signals turns the signals of a process into bytes of a pipe.
//
// os/signal would do the same, but it takes a turn of its own thread for each signal that it
// watches: 2 to 3 ms for all of them, longer than the rest of a container's start. Here a
// signal's handler is a few instructions that write the signal's number to the pipe. They
// touch nothing of the Go runtime, so they may run on any of its threads at any time.
package signals

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Watch is the watching of a process's signals. There can be one in a process at a time.
type Watch struct {
	FD   int // the pipe: each byte is the number of a signal; non-blocking, owned by the Watch
	in   int
	list []unix.Signal
	old  []action
}

// action is the kernel's struct sigaction (rt_sigaction(2)).
type action struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const (
	saSiginfo = 0x4
	saOnStack = 0x08000000
	saRestart = 0x10000000
)

// All is every signal that means something to another process: not those that cannot be
// caught, not those that a program gets for its own faults, not those by which the Go runtime
// talks with itself (SIGURG, SIGPROF, and 32 and 33, which belong to C libraries), and not
// SIGPIPE.
func All() (list []unix.Signal) {
	for n := unix.Signal(1); n <= 64; n++ {
		switch n {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGILL, unix.SIGTRAP, unix.SIGABRT, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV,
			unix.SIGPIPE, unix.SIGSTKFLT, unix.SIGURG, unix.SIGPROF, unix.SIGSYS, 32, 33:
		default:
			list = append(list, n)
		}
	}
	return list
}

// Start begins to watch the signals of list. A signal that comes while the pipe is full is lost.
func Start(list []unix.Signal) (*Watch, error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, err
	}
	w := &Watch{FD: p[0], in: p[1], list: list, old: make([]action, len(list))}
	setPipe(uintptr(w.in))
	a := action{handler: handlerAddress(), flags: saSiginfo | saOnStack | saRestart | restorerFlag, restorer: restorerAddress(), mask: ^uint64(0)}
	for i, n := range list {
		if err := sigaction(n, &a, &w.old[i]); err != nil {
			w.list = list[:i]
			w.Stop()
			return nil, err
		}
	}
	return w, nil
}

// Stop puts the handlers back that were there before and closes the pipe.
func (w *Watch) Stop() {
	for i, n := range w.list {
		sigaction(n, &w.old[i], nil)
	}
	unix.Close(w.FD)
	unix.Close(w.in)
}

func sigaction(n unix.Signal, new, old *action) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(n), uintptr(unsafe.Pointer(new)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
