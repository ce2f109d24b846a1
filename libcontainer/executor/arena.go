// SPDX-License-Identifier: Apache-2.0

package executor

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

const instructionSize = int(unsafe.Sizeof(instruction{}))

// arena is the only memory that a child has: a page of code, then the Header, the instructions,
// and the Program's data.
type arena struct {
	memory []byte // all of it, page-aligned
	page   int    // the size of a page
	steps  int    // instructions in front of the Program's
	next   int    // how many instructions were put
	data   int    // offset of the Program's data from the Header
	mask   int    // offset of the signal mask from the Header
}

// newArena lays l out. The memory must be unmapped.
func newArena(l *Launch, isolate bool) (*arena, error) {
	gaps := l.gaps()
	a := &arena{page: unix.Getpagesize(), steps: len(gaps) + 1}
	if isolate {
		a.steps += 1 + len(spaceTops)
	}
	a.data = plan.HeaderSize + (a.steps+len(l.Program.Instructions))*instructionSize
	a.data = (a.data + 7) &^ 7
	a.mask = (a.data + len(l.Program.Data) + 7) &^ 7
	size := (a.page + a.mask + 8 + a.page - 1) &^ (a.page - 1)
	var err error
	a.memory, err = unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE)
	if err != nil {
		return nil, &callError{"mmap", err}
	}
	if err := a.putCode(); err != nil {
		unix.Munmap(a.memory)
		return nil, err
	}
	binary.NativeEndian.PutUint64(a.memory[a.page+plan.HeaderReport:], uint64(l.Report))
	a.prologue(gaps, isolate)
	a.program(l)
	return a, nil
}

// putCode copies the code, which then can be executed but not written.
func (a *arena) putCode() error {
	start, end := bounds()
	copy(a.memory, unsafe.Slice((*byte)(start), uintptr(end)-uintptr(start)))
	publish(a.base(), a.base()+uintptr(end)-uintptr(start))
	switch err := unix.Mprotect(a.memory[:a.page], unix.PROT_READ|unix.PROT_EXEC); err {
	case nil:
		return nil
	case unix.EACCES, unix.EPERM:
		return a.mapCode()
	default:
		return &callError{"mprotect", err}
	}
}

// mapCode takes the page of code from a sealed file in memory. Where memory that was written must
// not become executable (SELinux without execmem, PR_SET_MDWE, MemoryDenyWriteExecute=), files may.
func (a *arena) mapCode() error {
	fd, err := memfd("tare-code")
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, a.memory[:a.page]); err != nil {
		return &callError{"write", err}
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, allSeals); err != nil {
		return &callError{"fcntl(F_ADD_SEALS)", err}
	}
	_, err = unix.MmapPtr(fd, 0, unsafe.Pointer(&a.memory[0]), uintptr(a.page), unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_FIXED|unix.MAP_POPULATE)
	if err != nil {
		return &callError{"mmap(PROT_EXEC)", err}
	}
	publish(a.base(), a.base()+uintptr(a.page))
	return nil
}

func (a *arena) base() uintptr   { return uintptr(unsafe.Pointer(&a.memory[0])) }
func (a *arena) end() uintptr    { return a.base() + uintptr(len(a.memory)) }
func (a *arena) header() uintptr { return a.base() + uintptr(a.page) }

// offset is where instruction i of the Program is, from the Header; 0 for 0, which nothing can
// jump to.
func (a *arena) offset(i int) uint32 {
	if i == 0 {
		return 0
	}
	return uint32(plan.HeaderSize + (a.steps+i)*instructionSize)
}

// put adds an instruction.
func (a *arena) put(in instruction) {
	at := a.page + plan.HeaderSize + a.next*instructionSize
	*(*instruction)(unsafe.Pointer(&a.memory[at])) = in
	a.next++
}

// prologue puts what comes before every Program. Another thread may have mapped memory between
// the madvise and the clone, and opened files that are not close-on-exec: so the child begins by
// unmapping everything but the arena, and closing everything that it was not given.
func (a *arena) prologue(gaps []gap, isolate bool) {
	step := func(name uint32, nr uint32, args ...uint64) instruction {
		in := instruction{nr: nr, index: prologueMark | name}
		copy(in.args[:], args)
		return in
	}
	if isolate {
		a.put(step(stepUnmap, unix.SYS_MUNMAP, 0, uint64(a.base())))
		for i, top := range spaceTops {
			in := step(stepUnmap, unix.SYS_MUNMAP, uint64(a.end()), uint64(top-a.end()))
			if last := len(spaceTops) - 1 - i; last > 0 {
				here := uint32(plan.HeaderSize + a.next*instructionSize)
				in.errno, in.onError = uint16(unix.EINVAL), here+uint32(instructionSize)
				in.onSuccess = here + uint32((last+1)*instructionSize)
			}
			a.put(in)
		}
	}
	a.put(step(stepSignals, unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uint64(a.header())+uint64(a.mask), 0, 8))
	for _, g := range gaps {
		a.put(step(stepClose, unix.SYS_CLOSE_RANGE, uint64(g.first), uint64(g.last)))
	}
}

// program puts the Program's own instructions, and binds its addresses and descriptors.
func (a *arena) program(l *Launch) {
	p := l.Program
	address := uint64(a.header()) + uint64(a.data)
	data := a.memory[a.page+a.data:]
	copy(data, p.Data)
	for _, q := range p.Pointers {
		binary.NativeEndian.PutUint64(data[q.At:], address+uint64(q.To))
	}
	for _, e := range p.Embedded {
		binary.NativeEndian.PutUint32(data[e.At:], uint32(l.Inputs[e.Input]))
	}
	for i := range p.Instructions {
		in := &p.Instructions[i]
		out := instruction{
			nr: numbers[in.Call], index: uint32(i), errno: uint16(in.Errno),
			onError: a.offset(in.OnError), onSuccess: a.offset(in.OnSuccess),
		}
		for k, arg := range in.Args {
			switch arg.Kind {
			case plan.Literal:
				out.args[k] = arg.Value
			case plan.FromSlot:
				out.args[k] = address + arg.Value
				out.mask |= 1 << k
			case plan.InData:
				out.args[k] = address + arg.Value
			case plan.InHeader:
				out.args[k] = uint64(a.header()) + arg.Value
			case plan.FromInput:
				out.args[k] = uint64(l.Inputs[arg.Value])
			}
		}
		if in.ZeroFails {
			out.flags |= zeroFails
		}
		if in.Remember {
			out.flags |= remember
		}
		if in.Out != 0 {
			out.out = uint32(a.data) + uint32(in.Out)
		}
		switch {
		case in.Call == plan.Madvise:
			out.args[0], out.args[1] = a.done(i)
		case in.Call == plan.Prctl && in.Args[0].Value == unix.PR_SET_MM:
			a.fillMap(data[in.Args[2].Value:])
		}
		a.put(out)
	}
}

// done is the range of pages that hold nothing but instructions before i: see
// plan.Builder.DropInstructions. The first page has the Header too.
func (a *arena) done(i int) (start, size uint64) {
	start = uint64(a.header()) + uint64(a.page)
	end := (uint64(a.header()) + uint64(a.offset(i))) &^ uint64(a.page-1)
	if end < start {
		return start, 0
	}
	return start, end - start
}

// fillMap fills a struct prctl_mm_map but for its exe_fd. The kernel wants addresses that lie in
// the address space, in their order; that is all it does with them.
func (a *arena) fillMap(mm []byte) {
	base, page, end := uint64(a.base()), uint64(a.page), uint64(a.end())
	for i, v := range [...]uint64{
		base, base + page, // start_code, end_code
		base + page, base + 2*page, // start_data, end_data
		end, end, // start_brk, brk
		base,       // start_stack
		base, base, // arg_start, arg_end
		base, base, // env_start, env_end
		0, // auxv
	} {
		binary.NativeEndian.PutUint64(mm[8*i:], v)
	}
}

// gap is a range of descriptors that the child must not have.
type gap struct{ first, last uint32 }

// gaps are all descriptors but those that the child is given.
func (l *Launch) gaps() []gap {
	keep := make([]int, 0, 8+l.Preserve+len(l.Inputs))
	for fd := range 3 + l.Preserve {
		keep = append(keep, fd)
	}
	keep = append(append(keep, l.Report), l.Inputs...)
	slices.Sort(keep)
	var list []gap
	next := 0
	for _, fd := range keep {
		if fd > next {
			list = append(list, gap{uint32(next), uint32(fd - 1)})
		}
		next = max(next, fd+1)
	}
	return append(list, gap{uint32(next), ^uint32(0)})
}
