// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"
)

// condition is what a slot or an input may be on the paths that lead to an instruction.
type condition uint8

const (
	unset  condition = 1 << iota // nothing was stored yet
	value                        // a number
	sealed                       // a descriptor that execve closes
	loose                        // a descriptor that execve leaves open
	closed                       // the number of a descriptor that was closed
)

const open = sealed | loose

// state has a condition for each slot, then for each input, then one for the descriptors above
// 2 that dup3 has given a number of their own choice.
type state []condition

// flow follows all paths at once: jumps lead only forward, so when an instruction's turn comes,
// all that lead to it have had theirs.
func (v *verifier) flow() {
	states := make([]state, len(v.p.Instructions))
	first := make(state, len(v.slots)+len(v.p.Inputs)+1)
	for i := range first {
		first[i] = sealed
		if i < len(v.slots) {
			first[i] = unset
		}
	}
	states[0] = first
	for i := range v.p.Instructions {
		in, s := &v.p.Instructions[i], states[i]
		if s == nil {
			v.at(i, "no path leads here")
			return
		}
		v.uses(i, s)
		if v.err != nil {
			return
		}
		if in.OnError != 0 {
			failed := s
			if in.Call == Close {
				failed = slices.Clone(s) // close(2): the descriptor is gone whatever it returns
				v.set(failed, in.Args[0], closed)
			}
			join(&states[in.OnError], failed)
		}
		if in.Call.Signature().Result == Never {
			continue
		}
		next := in.OnSuccess
		if next == 0 {
			next = i + 1
		}
		v.effect(in, s)
		join(&states[next], s)
		states[i] = nil
	}
}

// join adds the paths of s to those in to.
func join(to *state, s state) {
	if *to == nil {
		*to = slices.Clone(s)
		return
	}
	for i := range s {
		(*to)[i] |= s[i]
	}
}

// index is where a state keeps the descriptor or number of a; -1 if it does not.
func (v *verifier) index(a Arg) int {
	switch a.Kind {
	case FromSlot, InData:
		if k, ok := slices.BinarySearch(v.slots, uint32(a.Value)); ok {
			return k
		}
	case FromInput:
		return len(v.slots) + int(a.Value)
	}
	return -1
}

func (v *verifier) set(s state, a Arg, c condition) {
	if k := v.index(a); k >= 0 {
		s[k] = c
	}
}

// uses checks what instruction i reads, and that it forgets no descriptor.
func (v *verifier) uses(i int, s state) {
	in := &v.p.Instructions[i]
	for k, a := range in.Args {
		v.use(i, s, a, in.Call.Signature().Params[k])
		if a.Kind != InData {
			continue
		}
		o := v.p.find(a.Value, in.Call.Signature().Params[k], in.size(k))
		if o.Param == Message {
			m, _ := v.p.message(o)
			o = m.control
		}
		at := v.place(o)
		if at == 0 {
			continue
		}
		if n := v.p.embedded(at); n >= 0 {
			v.use(i, s, Arg{Value: uint64(n), Kind: FromInput}, Desc)
		} else {
			v.use(i, s, Arg{Value: uint64(at), Kind: FromSlot}, Desc)
		}
	}
	if in.Out != 0 {
		if a := in.Out.Value(); s[v.index(a)]&open != 0 {
			v.at(i, "it overwrites ", v.called(a), ", which is open")
		}
	}
	if in.Call != Execve && in.Call != Execveat {
		return
	}
	for k, c := range s {
		if c&loose == 0 {
			continue
		}
		switch {
		case k < len(v.slots):
			v.at(i, "it leaves ", v.named(v.slots[k]), " open")
		case k < len(s)-1:
			v.at(i, "it leaves ", v.called(Arg{Value: uint64(k - len(v.slots)), Kind: FromInput}), " open")
		default:
			v.at(i, "it leaves a descriptor above 2 open")
		}
	}
}

// use checks one value that instruction i reads.
func (v *verifier) use(i int, s state, a Arg, p Param) {
	k := v.index(a)
	if k < 0 {
		return
	}
	switch c := s[k]; {
	case c&unset != 0:
		v.at(i, "it uses ", v.called(a), " before it is set")
	case c&closed != 0 && v.p.Instructions[i].Call == Close:
		v.at(i, "it closes ", v.called(a), " twice")
	case c&closed != 0:
		v.at(i, "it uses ", v.called(a), " after it was closed")
	case c&value != 0 && p == Desc:
		v.at(i, "it uses ", v.called(a), ", which is a number, as a descriptor")
	}
}

// called is the name of a slot or input.
func (v *verifier) called(a Arg) string {
	if a.Kind == FromInput {
		return string(appendInput(nil, &v.p.Inputs[a.Value]))
	}
	return v.named(uint32(a.Value))
}

// effect changes s to what is true after success.
func (v *verifier) effect(in *Instruction, s state) {
	if in.Out != 0 {
		c := value
		if opens(in) {
			c = loose
			if v.sealing(in) {
				c = sealed
			}
		}
		v.set(s, in.Out.Value(), c)
	}
	switch in.Call {
	case Close:
		v.set(s, in.Args[0], closed)
	case Dup3:
		target, c := in.Args[1], loose
		if in.has(2, unix.O_CLOEXEC) {
			c = sealed
		}
		if target.Kind != Literal {
			v.set(s, target, c)
		} else if target.Value > 2 && c == loose {
			s[len(s)-1] |= loose
		}
	case Fcntl:
		if in.Args[1] == (Arg{Value: unix.F_SETFD}) {
			c := loose
			if in.has(2, unix.FD_CLOEXEC) {
				c = sealed
			}
			v.set(s, in.Args[0], c)
		}
	case CloseRange:
		v.closeRange(in, s)
	}
}

// closeRange seals everything, where it goes from 3 at most to the end; a range that closes may
// close anything.
func (v *verifier) closeRange(in *Instruction, s state) {
	all := in.Args[0].Kind == Literal && in.Args[0].Value <= 3 && in.Args[1].Kind == Literal && in.Args[1].Value >= 1<<31-1
	for k, c := range s {
		switch {
		case c&open == 0:
		case in.has(2, unix.CLOSE_RANGE_CLOEXEC):
			if all {
				s[k] = c&^loose | sealed
			}
		case all && k < len(s)-1:
			s[k] = c&^open | closed
		case k < len(s)-1:
			s[k] = c | closed
		}
	}
}

// has tells whether argument k is a number with that flag.
func (in *Instruction) has(k int, flag uint64) bool {
	return in.Args[k].Kind == Literal && in.Args[k].Value&flag == flag
}

// opens tells whether the result of in is a descriptor of its own.
func opens(in *Instruction) bool {
	switch in.Call {
	case Fcntl:
		return in.Args[1] == Arg{Value: unix.F_DUPFD} || in.Args[1] == Arg{Value: unix.F_DUPFD_CLOEXEC}
	case Ioctl:
		return in.Args[1] == Arg{Value: unix.TIOCGPTPEER}
	case Seccomp:
		return in.Args[0] == Arg{Value: unix.SECCOMP_SET_MODE_FILTER} && in.has(1, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
	}
	return in.Call.Signature().Result == Opened
}

// sealing tells whether execve closes the descriptor that in opens.
func (v *verifier) sealing(in *Instruction) bool {
	switch in.Call {
	case Openat2:
		o := v.p.find(in.Args[2].Value, How, 24)
		return binary.NativeEndian.Uint64(v.p.bytes(o))&unix.O_CLOEXEC != 0
	case OpenTree:
		return in.has(2, unix.OPEN_TREE_CLOEXEC)
	case Fsopen:
		return in.has(1, unix.FSOPEN_CLOEXEC)
	case Fspick:
		return in.has(2, unix.FSPICK_CLOEXEC)
	case Fsmount:
		return in.has(1, unix.FSMOUNT_CLOEXEC)
	case Socket:
		return in.has(1, unix.SOCK_CLOEXEC)
	case Fcntl:
		return in.has(1, unix.F_DUPFD_CLOEXEC)
	case Ioctl:
		return in.has(2, unix.O_CLOEXEC)
	}
	return true // a seccomp listener
}
