// Package executor (stand-in).
package executor

import (
	"encoding/binary"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

func call(code, base, args, size, first uintptr) uintptr
func bounds() (start, end uintptr)

type Launch struct {
	Program     *plan.Program
	Inputs      []int
	Report      int
	Preserve    int
	Flags       uint64
	Cgroup      int
	RestoreFork bool
}

type Process struct {
	PID   int
	PIDFD int
}

const isize = 72
const page = 4096

type encoder struct {
	buf []byte // from Header
	n   int
}

func (e *encoder) put(nr uint32, errno uint16, mask, flags byte, args [6]uint64, out, onErr, onOK uint32) {
	b := e.buf[plan.HeaderSize+e.n*isize:]
	binary.NativeEndian.PutUint32(b, nr)
	binary.NativeEndian.PutUint16(b[4:], errno)
	b[6], b[7] = mask, flags
	for i, a := range args {
		binary.NativeEndian.PutUint64(b[8+8*i:], a)
	}
	binary.NativeEndian.PutUint32(b[56:], out)
	binary.NativeEndian.PutUint32(b[60:], onErr)
	binary.NativeEndian.PutUint32(b[64:], onOK)
	e.n++
}

type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls, setTID, setTIDSize, cgroup uint64
}

const top = 1<<47 - 4096

func prologueLen(gaps int) int { return 3 + gaps }

var lastPrologue int

func Start(l *Launch) (Process, error) {
	p := l.Program
	keep := []int{0, 1, 2, l.Report}
	for i := 0; i < l.Preserve; i++ {
		keep = append(keep, 3+i)
	}
	keep = append(keep, l.Inputs...)
	sort.Ints(keep)
	type gap struct{ lo, hi uint32 }
	var gaps []gap
	next := 0
	for _, k := range keep {
		if k > next {
			gaps = append(gaps, gap{uint32(next), uint32(k - 1)})
		}
		if k+1 > next {
			next = k + 1
		}
	}
	gaps = append(gaps, gap{uint32(next), ^uint32(0)})
	pro := prologueLen(len(gaps))
	lastPrologue = pro
	dataOff := plan.HeaderSize + (pro+len(p.Instructions))*isize
	sigOff := dataOff + len(p.Data)
	size := (page + sigOff + 8 + page - 1) &^ (page - 1)
	arena, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return Process{}, err
	}
	defer unix.Munmap(arena)
	start, end := bounds()
	copy(arena, unsafe.Slice((*byte)(unsafe.Pointer(start)), end-start))
	if err := unix.Mprotect(arena[:page], unix.PROT_READ|unix.PROT_EXEC); err != nil {
		return Process{}, err
	}
	addr := uintptr(unsafe.Pointer(&arena[0]))
	base := addr + page
	e := &encoder{buf: arena[page:]}
	data := e.buf[dataOff:]
	copy(data, p.Data)
	for _, ptr := range p.Pointers {
		binary.NativeEndian.PutUint64(data[ptr.At:], uint64(base)+uint64(dataOff)+uint64(ptr.To))
	}
	for _, em := range p.Embedded {
		binary.NativeEndian.PutUint32(data[em.At:], uint32(l.Inputs[em.Input]))
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var mask [8]byte
	unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, 0, 0, uintptr(unsafe.Pointer(&mask)), 8, 0, 0)
	copy(e.buf[sigOff:], mask[:])
	binary.NativeEndian.PutUint64(e.buf, uint64(l.Report))
	e.put(unix.SYS_MUNMAP, 0, 0, 0, [6]uint64{0, uint64(addr)}, 0, 0, 0)
	e.put(unix.SYS_MUNMAP, 0, 0, 0, [6]uint64{uint64(addr) + uint64(size), uint64(top - addr - uintptr(size))}, 0, 0, 0)
	e.put(unix.SYS_RT_SIGPROCMASK, 0, 0, 0, [6]uint64{2, uint64(base) + uint64(sigOff), 0, 8}, 0, 0, 0)
	for _, g := range gaps {
		e.put(unix.SYS_CLOSE_RANGE, 0, 0, 0, [6]uint64{uint64(g.lo), uint64(g.hi)}, 0, 0, 0)
	}
	at := func(i int) uint32 {
		if i == 0 {
			return 0
		}
		return uint32(plan.HeaderSize + (pro+i)*isize)
	}
	for i := range p.Instructions {
		in := &p.Instructions[i]
		var args [6]uint64
		var mask, flags byte
		for k, a := range in.Args {
			switch a.Kind {
			case plan.Literal:
				args[k] = a.Value
			case plan.FromSlot:
				args[k] = uint64(base) + uint64(dataOff) + a.Value
				mask |= 1 << k
			case plan.InData:
				args[k] = uint64(base) + uint64(dataOff) + a.Value
			case plan.InHeader:
				args[k] = uint64(base) + a.Value
			case plan.FromInput:
				args[k] = uint64(l.Inputs[a.Value])
			}
		}
		if in.ZeroFails {
			flags |= 1
		}
		if in.Remember {
			flags |= 2
		}
		if in.Call == plan.Madvise {
			lo := uint64(base) + page
			hi := (uint64(base) + uint64(at(i))) &^ (page - 1)
			if hi < lo {
				hi = lo
			}
			args[0], args[1] = lo, hi-lo
		}
		if in.Call == plan.Prctl && in.Args[0].Value == unix.PR_SET_MM {
			mm := data[in.Args[2].Value:]
			b := uint64(addr)
			z := b + uint64(size)
			for k, v := range []uint64{b, b + page, b + page, b + 2*page, z, z, b, b, b, b, b, 0} {
				binary.NativeEndian.PutUint64(mm[8*k:], v)
			}
		}
		out := uint32(0)
		if in.Out != 0 {
			out = uint32(dataOff) + uint32(in.Out)
		}
		e.put(numbers[in.Call], uint16(in.Errno), mask, flags, args, out, at(in.OnError), at(in.OnSuccess))
	}
	pidfd := int32(-1)
	ca := &cloneArgs{
		flags: l.Flags | unix.CLONE_CLEAR_SIGHAND | unix.CLONE_PIDFD, exitSignal: uint64(unix.SIGCHLD),
		pidfd: uint64(uintptr(unsafe.Pointer(&pidfd))),
	}
	if l.Cgroup >= 0 {
		ca.flags |= unix.CLONE_INTO_CGROUP
		ca.cgroup = uint64(l.Cgroup)
	}
	syscall.RawSyscall(unix.SYS_MADVISE, 0, addr, unix.MADV_DONTFORK)
	syscall.RawSyscall(unix.SYS_MADVISE, addr+uintptr(size), top-addr-uintptr(size), unix.MADV_DONTFORK)
	pid := launch(addr, base, uintptr(unsafe.Pointer(ca)), unsafe.Sizeof(*ca), base+plan.HeaderSize)
	runtime.KeepAlive(ca)
	if int(pid) < 0 {
		return Process{}, os.NewSyscallError("clone3", syscall.Errno(-int(pid)))
	}
	return Process{int(pid), int(pidfd)}, nil
}

//go:nosplit
//go:norace
func launch(code, base, ca, size, first uintptr) uintptr {
	beforeFork()
	pid := call(code, base, ca, size, first)
	afterFork()
	return pid
}

type Failure struct {
	Note  plan.Note
	Call  string
	Errno syscall.Errno
	Text  string
}

func (f *Failure) Error() string {
	s := f.Note.Where
	if f.Note.Index >= 0 {
		s += "[" + strconv.Itoa(f.Note.Index) + "]"
	}
	if f.Note.Key != "" {
		s += "." + f.Note.Key
	}
	if f.Note.Object != "" {
		s += " " + f.Note.Object
	}
	s += ": " + f.Call + ": " + f.Errno.Error() + " (" + unix.ErrnoName(f.Errno) + ")"
	if f.Text != "" {
		s += ": " + f.Text
	}
	return s
}

func Decode(p *plan.Program, r []byte) *Failure {
	off := int(binary.NativeEndian.Uint64(r))
	i := (off-plan.HeaderSize)/isize - lastPrologue
	f := &Failure{Errno: syscall.Errno(binary.NativeEndian.Uint64(r[8:]))}
	if len(r) > 16 {
		f.Text = strings.TrimSpace(strings.TrimRight(string(r[16:]), "\x00"))
	}
	if i < 0 || i >= len(p.Instructions) {
		f.Call = "prologue " + strconv.Itoa(i)
		return f
	}
	f.Note = p.Notes[p.Instructions[i].Note]
	f.Call = p.Instructions[i].Call.String() + "#" + strconv.Itoa(i)
	return f
}

func SealedExe() (int, error) {
	fd, err := unix.MemfdCreate("tare-init", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|0x10)
	if err != nil {
		return -1, err
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, 15)
	return fd, err
}
