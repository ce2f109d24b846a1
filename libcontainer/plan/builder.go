// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/binary"
	"slices"
	"syscall"
)

// Builder collects a Program. Its methods return no errors: a mistake in their use is a bug of
// the caller and panics with "BUG:", or is found by Verify.
type Builder struct {
	p      Program
	labels []label
	note   int
	noted  bool
}

type label struct {
	at    int       // instruction it stands before; 0: not bound yet (nothing may jump to the first)
	used  bool      // first is one
	first reference // who jumps to it: most labels have one
	more  []reference
}

type reference struct {
	instruction int
	onError     bool
}

// Label is a place further down in the program.
type Label int

// FD is a descriptor as the program sees it: one that it opens, one that it is handed, or a
// fixed number.
type FD struct{ arg Arg }

// Cwd stands for the working directory (AT_FDCWD).
var Cwd = FD{Arg{Value: ^uint64(99)}}

// Fixed is the descriptor of that number.
func Fixed(n int) FD { return FD{Arg{Value: uint64(n)}} }

// Step is the instruction just added; its methods say what follows it.
type Step struct {
	b *Builder
	i int
}

// NewBuilder returns an empty Builder.
func NewBuilder() *Builder {
	b := &Builder{}
	b.p.Data = make([]byte, 8)
	b.p.Notes = make([]Note, 1)
	return b
}

// Grow makes room for about n more instructions, which saves copying them over and over.
func (b *Builder) Grow(n int) {
	b.p.Instructions = slices.Grow(b.p.Instructions, n)
	b.p.Objects = slices.Grow(b.p.Objects, n+n/2)
	b.p.Data = slices.Grow(b.p.Data, 20*n)
	b.p.Notes = slices.Grow(b.p.Notes, n/5)
	b.labels = slices.Grow(b.labels, n/2)
}

// At notes what the following instructions are for.
func (b *Builder) At(n Note) {
	b.note, b.noted = len(b.p.Notes), true
	b.p.Notes = append(b.p.Notes, n)
}

// Input declares a descriptor that the launcher hands over under this name.
func (b *Builder) Input(name string) FD { return b.input(Input{Name: name}) }

// Held declares a descriptor that stays open until execve closes it.
func (b *Builder) Held(name string) FD { return b.input(Input{Name: name, Keep: true}) }

func (b *Builder) input(in Input) FD {
	for i := range b.p.Inputs {
		if b.p.Inputs[i].Name == in.Name {
			return FD{Arg{Value: uint64(i), Kind: FromInput}}
		}
	}
	b.p.Inputs = append(b.p.Inputs, in)
	return FD{Arg{Value: uint64(len(b.p.Inputs) - 1), Kind: FromInput}}
}

// Label makes a label that Bind puts in its place later.
func (b *Builder) Label() Label {
	b.labels = append(b.labels, label{})
	return Label(len(b.labels) - 1)
}

// Bind puts l before the next instruction.
func (b *Builder) Bind(l Label) {
	at := len(b.p.Instructions)
	if b.labels[l].at != 0 {
		panic("BUG: label bound twice")
	}
	to := &b.labels[l]
	if at == 0 && to.used {
		panic("BUG: label bound before the first instruction")
	}
	to.at = at
	if to.used {
		b.patch(to.first, at)
	}
	for _, r := range to.more {
		b.patch(r, at)
	}
}

func (b *Builder) patch(r reference, at int) {
	if r.onError {
		b.p.Instructions[r.instruction].OnError = at
	} else {
		b.p.Instructions[r.instruction].OnSuccess = at
	}
}

func (b *Builder) refer(r reference, l Label) {
	if b.labels[l].at != 0 {
		panic("BUG: backward jump")
	}
	to := &b.labels[l]
	if to.used {
		to.more = append(to.more, r)
		return
	}
	to.used, to.first = true, r
}

// Build returns the finished Program. Every label must have been bound; one that is bound
// behind the last instruction is a bug that Verify reports.
func (b *Builder) Build() *Program {
	for i := range b.labels {
		if b.labels[i].used && b.labels[i].at == 0 {
			panic("BUG: label not bound")
		}
	}
	return &b.p
}

// Len is the number of instructions so far.
func (b *Builder) Len() int { return len(b.p.Instructions) }

func (b *Builder) add(c Call, args ...Arg) Step {
	if !b.noted {
		panic("BUG: instruction without a note")
	}
	in := Instruction{Call: c, Note: b.note}
	copy(in.Args[:], args)
	b.p.Instructions = append(b.p.Instructions, in)
	return Step{b, len(b.p.Instructions) - 1}
}

func (s Step) in() *Instruction { return &s.b.p.Instructions[s.i] }

// OnError sends an error equal to e, or any error if e is 0, to l.
func (s Step) OnError(e syscall.Errno, l Label) Step {
	s.in().Errno = e
	s.b.refer(reference{s.i, true}, l)
	return s
}

// Ignore goes on to the next instruction after an error equal to e, or any error if e is 0.
func (s Step) Ignore(e syscall.Errno) Step {
	in := s.in()
	in.Errno, in.OnError = e, s.i+1
	return s
}

// Then goes on at l after success.
func (s Step) Then(l Label) Step {
	s.b.refer(reference{s.i, false}, l)
	return s
}

// ZeroFails makes a result of zero an error, ZeroErrno.
func (s Step) ZeroFails() Step {
	s.in().ZeroFails = true
	return s
}

// Remember writes an error to the Header even when it is handled.
func (s Step) Remember() Step {
	s.in().Remember = true
	return s
}

// Into stores the result in slot.
func (s Step) Into(slot Slot) Step {
	s.in().Out = slot
	return s
}

// FD stores the result, a new descriptor, in a slot of its own.
func (s Step) FD() FD {
	slot := s.b.Slot()
	s.in().Out = slot
	return FD{Arg{Value: uint64(slot), Kind: FromSlot}}
}

// As stores the result, a new descriptor, in the slot of fd, as another branch does.
func (s Step) As(fd FD) Step {
	if fd.arg.Kind != FromSlot {
		panic("BUG: descriptor without a slot")
	}
	s.in().Out = Slot(fd.arg.Value)
	return s
}

// Slot makes a new slot.
func (b *Builder) Slot() Slot { return Slot(b.object(Word, make([]byte, 8))) }

// Value is what the program stored in s.
func (s Slot) Value() Arg { return Arg{Value: uint64(s), Kind: FromSlot} }

// FD is the descriptor that the program stored in s.
func (s Slot) FD() FD { return FD{s.Value()} }

// object appends content to Data, aligned to eight bytes, and returns its offset.
func (b *Builder) object(p Param, content []byte) uint32 {
	off := uint32(len(b.p.Data))
	b.p.Data = append(b.p.Data, content...)
	b.p.Objects = append(b.p.Objects, Object{off, uint32(len(content)), p})
	if len(content) == 0 { // no two objects have one offset
		b.p.Data = append(b.p.Data, 0)
	}
	b.align()
	return off
}

func (b *Builder) align() {
	const zeros = "\x00\x00\x00\x00\x00\x00\x00"
	b.p.Data = append(b.p.Data, zeros[:-len(b.p.Data)&7]...)
}

// text appends a NUL-terminated string to Data.
func (b *Builder) text(p Param, s string) Arg {
	off := uint32(len(b.p.Data))
	b.p.Data = append(append(b.p.Data, s...), 0)
	b.p.Objects = append(b.p.Objects, Object{off, uint32(len(s) + 1), p})
	b.align()
	return Arg{Value: uint64(off), Kind: InData}
}

func (b *Builder) data(p Param, content []byte) Arg {
	return Arg{Value: uint64(b.object(p, content)), Kind: InData}
}

// words appends a structure of 64-bit words to Data.
func (b *Builder) words(p Param, w ...uint64) Arg {
	off := uint32(len(b.p.Data))
	for _, v := range w {
		b.p.Data = binary.NativeEndian.AppendUint64(b.p.Data, v)
	}
	b.p.Objects = append(b.p.Objects, Object{off, uint32(8 * len(w)), p})
	return Arg{Value: uint64(off), Kind: InData}
}

// vector appends a null-terminated array of strings to Data.
func (b *Builder) vector(list []string) Arg {
	at := b.words(Vector, make([]uint64, len(list)+1)...)
	for i, s := range list {
		a := b.text(String, s)
		b.p.Pointers = append(b.p.Pointers, Pointer{At: uint32(at.Value) + uint32(8*i), To: uint32(a.Value)})
	}
	return at
}

func num(n int) Arg      { return Arg{Value: uint64(n)} }
func word(n uint64) Arg  { return Arg{Value: n} }
func flags(n uint32) Arg { return Arg{Value: uint64(n)} }
