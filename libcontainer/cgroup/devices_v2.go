// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"encoding/binary"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// On cgroup v2 device access is decided by programs of type BPF_PROG_TYPE_CGROUP_DEVICE, attached
// to the cgroup: all of them, here and in the cgroups above, must say 1. So a cgroup gets exactly
// one of ours; a second one could only deny more, and the kernel takes 64.

// insn is struct bpf_insn of linux/bpf.h.
type insn struct {
	code byte
	regs byte // two nibbles, destination and source
	off  int16
	imm  int32
}

// The operations used, as in Documentation/bpf/standardization/instruction-set.rst.
const (
	opLoadWord   = unix.BPF_LDX | unix.BPF_MEM | unix.BPF_W    // dst = *(u32 *)(src + off)
	opMoveImm    = unix.BPF_ALU | unix.BPF_MOV | unix.BPF_K    // dst = imm, 32 bits, as all below
	opMoveReg    = unix.BPF_ALU | unix.BPF_MOV | unix.BPF_X    // dst = src
	opAnd        = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K    // dst &= imm
	opShiftRight = unix.BPF_ALU | unix.BPF_RSH | unix.BPF_K    // dst >>= imm
	opJumpNotEq  = unix.BPF_JMP32 | unix.BPF_JNE | unix.BPF_K  // if dst != imm goto +off
	opJumpSet    = unix.BPF_JMP32 | unix.BPF_JSET | unix.BPF_K // if dst & imm goto +off
	opJump       = unix.BPF_JMP | unix.BPF_JA                  // goto +off
	opExit       = unix.BPF_JMP | unix.BPF_EXIT                // return r0
)

// deviceProgram compiles rules to a program for struct bpf_cgroup_dev_ctx: u32 access_type (kinds
// of access in the upper half, kind of device in the lower), u32 major, u32 minor.
//
// The rules are asked from the last to the first, which decides each kind of access by the last
// rule that fits it. R3 holds those still open; the answer is yes when none is left.
func deviceProgram(rules []deviceRule) []insn {
	const ret, ctx, kind, want, major, minor = 0, 1, 2, 3, 4, 5
	p := make(program, 0, 8*len(rules)+16)
	p.add(opLoadWord, kind, ctx, 0, 0)
	p.add(opMoveReg, want, kind, 0, 0)
	p.add(opShiftRight, want, 0, 0, 16)
	p.add(opAnd, kind, 0, 0, 0xffff)
	p.add(opLoadWord, major, ctx, 4, 0)
	p.add(opLoadWord, minor, ctx, 8, 0)
	// Access for nothing, as by access(2) with F_OK, is allowed.
	p.add(opJumpNotEq, want, 0, 2, 0)
	p.answer(ret, true)

	for i := len(rules) - 1; i >= 0; i-- {
		r := &rules[i]
		if r.kind == 'a' {
			// The verifier refuses what can never run, so this is the end.
			p.answer(ret, r.allow)
			return p
		}
		var skips [4]int // jumps to the next rule
		n := 0
		skip := func(op byte, reg byte, imm int32) {
			skips[n] = p.add(op, reg, 0, 0, imm)
			n++
		}
		device := int32(unix.BPF_DEVCG_DEV_CHAR)
		if r.kind == 'b' {
			device = unix.BPF_DEVCG_DEV_BLOCK
		}
		skip(opJumpNotEq, kind, device)
		if r.major != anyNumber {
			skip(opJumpNotEq, major, int32(uint32(r.major)))
		}
		if r.minor != anyNumber {
			skip(opJumpNotEq, minor, int32(uint32(r.minor)))
		}
		switch {
		case r.access == accAll:
		case r.allow:
			p.add(opAnd, want, 0, 0, int32(accAll&^r.access))
			skip(opJumpNotEq, want, 0)
		default:
			p.add(opJumpSet, want, 0, 1, int32(r.access))
			skip(opJump, 0, 0)
		}
		p.answer(ret, r.allow)
		for _, at := range skips[:n] {
			p[at].off = int16(len(p) - at - 1)
		}
	}
	p.answer(ret, false)
	return p
}

type program []insn

// add appends an instruction and says where it stands.
func (p *program) add(op byte, dst, src byte, off int16, imm int32) int {
	regs := dst | src<<4
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 { // big-endian
		regs = dst<<4 | src
	}
	*p = append(*p, insn{code: op, regs: regs, off: off, imm: imm})
	return len(*p) - 1
}

func (p *program) answer(ret byte, allow bool) {
	value := int32(0)
	if allow {
		value = 1
	}
	p.add(opMoveImm, ret, 0, 0, value)
	p.add(opExit, 0, 0, 0, 0)
}

// setDevicesV2 puts rules in force in a v2 cgroup. In one that is not fresh they replace what was
// attached to it before.
func setDevicesV2(dir string, rules []deviceRule, fresh bool) error {
	cgroup, err := anywhere.open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer unix.Close(cgroup)
	prog, err := loadProgram(deviceProgram(rules))
	if err != nil {
		return &Error{Place: devicePlace(-1), Call: "bpf(BPF_PROG_LOAD)", Err: err}
	}
	defer unix.Close(prog) // the cgroup holds it from here on
	var old []int
	if !fresh {
		if old, err = attached(cgroup); err != nil {
			return &Error{Place: devicePlace(-1), Call: "bpf(BPF_PROG_QUERY)", Err: err}
		}
		defer func() {
			for _, fd := range old {
				unix.Close(fd)
			}
		}()
	}
	// Multi: a container that may, as one with systemd inside, adds its own below ours.
	attr := attachAttr{target: uint32(cgroup), prog: uint32(prog), kind: unix.BPF_CGROUP_DEVICE, flags: unix.BPF_F_ALLOW_MULTI}
	if len(old) == 1 {
		attr.flags |= unix.BPF_F_REPLACE
		attr.replace = uint32(old[0])
	}
	if _, err := bpf(unix.BPF_PROG_ATTACH, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); err != nil {
		return &Error{Place: devicePlace(-1), Call: "bpf(BPF_PROG_ATTACH)", Err: err}
	}
	if len(old) < 2 {
		return nil
	}
	for _, fd := range old {
		attr := attachAttr{target: uint32(cgroup), prog: uint32(fd), kind: unix.BPF_CGROUP_DEVICE}
		if _, err := bpf(unix.BPF_PROG_DETACH, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); err != nil {
			return &Error{Place: devicePlace(-1), Call: "bpf(BPF_PROG_DETACH)", Err: err}
		}
	}
	return nil
}

// attachAttr is the part of union bpf_attr for BPF_PROG_ATTACH and BPF_PROG_DETACH.
type attachAttr struct {
	target, prog, kind, flags, replace uint32
	_                                  uint32
}

// loadProgram loads a device program and returns its descriptor.
func loadProgram(p []insn) (int, error) {
	// The attribute holds addresses as numbers, which the garbage collector does not see.
	var pin runtime.Pinner
	defer pin.Unpin()
	license := [...]byte{'A', 'p', 'a', 'c', 'h', 'e', 0}
	pin.Pin(&p[0])
	pin.Pin(&license)
	attr := struct {
		kind, count         uint32
		insns, license      uint64
		logLevel, logSize   uint32
		logBuf              uint64
		kernVersion, flags  uint32
		name                [16]byte
		ifindex, attachType uint32
	}{
		kind: unix.BPF_PROG_TYPE_CGROUP_DEVICE, count: uint32(len(p)),
		insns:   uint64(uintptr(unsafe.Pointer(&p[0]))),
		license: uint64(uintptr(unsafe.Pointer(&license))),
		name:    [16]byte{'t', 'a', 'r', 'e', '_', 'd', 'e', 'v', 'i', 'c', 'e', 's'},
	}
	fd, err := bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	return int(fd), err
}

// attached opens the device programs of a cgroup's own. Those that a security module keeps from
// us can only deny more, and are left.
func attached(cgroup int) ([]int, error) {
	const most = 64 // BPF_CGROUP_MAX_PROGS
	var pin runtime.Pinner
	defer pin.Unpin()
	ids := new([most]uint32)
	pin.Pin(ids)
	// Linux 6.17 to 7.1 write the last member whatever size they are told.
	attr := struct {
		target, kind, query, flags              uint32
		ids                                     uint64
		count, _                                uint32
		progFlags, linkIDs, linkFlags, revision uint64
	}{
		target: uint32(cgroup), kind: unix.BPF_CGROUP_DEVICE,
		ids: uint64(uintptr(unsafe.Pointer(ids))), count: most,
	}
	if _, err := bpf(unix.BPF_PROG_QUERY, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); err != nil {
		return nil, err
	}
	var fds []int
	for _, id := range ids[:min(attr.count, most)] {
		by := struct{ id, next, flags, _ uint32 }{id: id}
		fd, err := bpf(unix.BPF_PROG_GET_FD_BY_ID, unsafe.Pointer(&by), unsafe.Sizeof(by))
		switch {
		case err == nil:
			fds = append(fds, int(fd))
		case refused(err) || err == unix.ENOENT:
		default:
			for _, fd := range fds {
				unix.Close(fd)
			}
			return nil, err
		}
	}
	return fds, nil
}

// bpf is bpf(2). A descriptor it returns is O_CLOEXEC.
func bpf(cmd int, attr unsafe.Pointer, size uintptr) (uintptr, error) {
	for range 32 {
		r, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
		switch errno {
		case 0:
			return r, nil
		case unix.EINTR:
		case unix.EAGAIN: // the verifier met a signal
		default:
			return 0, errno
		}
	}
	return 0, unix.EAGAIN
}
