// SPDX-License-Identifier: Apache-2.0

package plan

import "strconv"

// fault is what Verify finds.
type fault struct{ text string }

func (f *fault) Error() string { return f.text }

// verifier checks one Program.
type verifier struct {
	p       *Program
	printer *printer
	slots   []uint32 // places used as slots, in order
	err     error
}

// Verify tells what is wrong with p, in one sentence about the first instruction that it finds
// at fault. For a Program without fault it holds on every path, whatever the calls return:
//
//   - it ends, in a call that does not return or in a report, and each instruction is reached
//     on some path;
//   - every argument is of the kind that its call takes, and every address leads to memory that
//     is as long as the call reads or writes;
//   - no slot is read before it is set, and no descriptor is used after it was closed, closed
//     twice, or forgotten while it is open;
//   - execve closes every descriptor that is still open, but those from 0 to 2.
//
// It looks at nothing that is not in the Program: not at what the calls mean.
func Verify(p *Program) error {
	v := &verifier{p: p, printer: newPrinter(p)}
	v.inputs()
	v.memory()
	v.places()
	for i := range p.Instructions {
		if v.err != nil {
			return v.err
		}
		v.edges(i)
		v.shape(i)
		v.arguments(i)
	}
	if v.err == nil {
		v.flow()
	}
	return v.err
}

// program records a fault that belongs to no instruction.
func (v *verifier) program(parts ...string) {
	if v.err == nil {
		v.err = &fault{"program: " + concat(parts)}
	}
}

// at records a fault of instruction i.
func (v *verifier) at(i int, parts ...string) {
	if v.err == nil {
		name := v.p.Instructions[i].Call.String()
		if name == "" {
			name = "call " + strconv.Itoa(int(v.p.Instructions[i].Call))
		}
		v.err = &fault{"instruction " + strconv.Itoa(i) + " (" + name + "): " + concat(parts)}
	}
}

func concat(parts []string) string {
	s := ""
	for _, p := range parts {
		s += p
	}
	return s
}

// named is the name that the text gives to the slot at offset.
func (v *verifier) named(offset uint32) string {
	pr := newPrinter(v.p)
	var line []byte
	for i := range v.p.Instructions {
		line = pr.instruction(line[:0], i)
	}
	return string(pr.slot(nil, uint64(offset)))
}

func (v *verifier) inputs() {
	for i := range v.p.Inputs {
		name := v.p.Inputs[i].Name
		if name == "" {
			v.program("input ", strconv.Itoa(i), " has no name")
		}
		for k := range i {
			if v.p.Inputs[k].Name == name {
				v.program("two inputs are named ", strconv.Quote(name))
			}
		}
	}
	if len(v.p.Instructions) == 0 {
		v.program("it has no instructions")
	}
}

// memory checks the tables over Data.
func (v *verifier) memory() {
	end := uint64(8)
	for i := range v.p.Objects {
		o := &v.p.Objects[i]
		switch {
		case o.Param < Path || o.Param > RawStruct:
			v.program("object ", strconv.Itoa(i), " is of no kind of memory")
		case uint64(o.Offset) < end || o.Offset%8 != 0:
			v.program("object ", strconv.Itoa(i), " is not aligned or lies in another")
		case uint64(o.Offset)+uint64(o.Len) > uint64(len(v.p.Data)):
			v.program("object ", strconv.Itoa(i), " lies outside of the data")
		}
		end = uint64(o.Offset) + uint64(o.Len)
	}
	for i, q := range v.p.Pointers {
		o := v.p.around(q.At)
		switch {
		case o == nil || q.At%8 != 0 || q.At-o.Offset+8 > o.Len:
			v.program("pointer ", strconv.Itoa(i), " does not lie aligned in an object")
		case o.Param != Vector && o.Param != Message && o.Param != RawStruct:
			v.program("pointer ", strconv.Itoa(i), " lies in an object that holds no addresses")
		case v.p.find(uint64(q.To), RawStruct, -1) == nil:
			v.program("pointer ", strconv.Itoa(i), " leads to no object")
		}
		for k := range i {
			if v.p.Pointers[k].At == q.At {
				v.program("pointer ", strconv.Itoa(i), " takes the place of another")
			}
		}
	}
	for i, e := range v.p.Embedded {
		o := v.p.around(e.At)
		switch {
		case o == nil || e.At%4 != 0 || e.At-o.Offset+4 > o.Len:
			v.program("embedded descriptor ", strconv.Itoa(i), " does not lie aligned in an object")
		case v.place(o) != e.At:
			v.program("embedded descriptor ", strconv.Itoa(i), " lies where its object holds none")
		case e.Input < 0 || e.Input >= len(v.p.Inputs):
			v.program("embedded descriptor ", strconv.Itoa(i), " is no input")
		case !zero(v.p.Data[e.At:][:4]):
			v.program("embedded descriptor ", strconv.Itoa(i), " is preset")
		}
		for k := range i {
			if v.p.Embedded[k].At == e.At {
				v.program("embedded descriptor ", strconv.Itoa(i), " takes the place of another")
			}
		}
	}
}

// place is where o holds the number of a descriptor; 0: nowhere.
func (v *verifier) place(o *Object) uint32 {
	switch o.Param {
	case Attr:
		return o.Offset + 24
	case CloneArgs:
		return o.Offset + 80
	case MMMap:
		return o.Offset + 100
	case RawStruct: // the control data of a Message
		for i := range v.p.Pointers {
			q := &v.p.Pointers[i]
			if m := v.p.around(q.At); q.To == o.Offset && m != nil && m.Param == Message && q.At == m.Offset+32 {
				return o.Offset + 16
			}
		}
	}
	return 0
}

// edges checks where instruction i leads.
func (v *verifier) edges(i int) {
	in := &v.p.Instructions[i]
	if in.Call == 0 || int(in.Call) >= NumCalls {
		v.at(i, "there is no such call")
		return
	}
	for _, e := range [...]struct {
		to   int
		what string
	}{{in.OnError, "after an error"}, {in.OnSuccess, "after success"}} {
		switch {
		case e.to == 0:
		case e.to < 0 || e.to >= len(v.p.Instructions):
			v.at(i, e.what, " it jumps to ", strconv.Itoa(e.to), ", where no instruction is")
		case e.to == i:
			v.at(i, e.what, " it jumps to itself")
		case e.to < i:
			v.at(i, e.what, " it jumps backward, to ", strconv.Itoa(e.to))
		}
	}
	never := in.Call.Signature().Result == Never
	switch {
	case never && in.OnSuccess != 0:
		v.at(i, "it goes on after success, but then it does not return")
	case !never && in.OnSuccess == 0 && i+1 == len(v.p.Instructions):
		v.at(i, "the program ends here, in a call that returns")
	}
}

// shape checks what of instruction i is neither an edge nor an argument.
func (v *verifier) shape(i int) {
	in := &v.p.Instructions[i]
	result := in.Call.Signature().Result
	switch {
	case *v.p.note(in) == (Note{}):
		v.at(i, "it has no note")
	case v.p.Notes[in.Note].Index < -1:
		v.at(i, "its note has the index ", strconv.Itoa(v.p.Notes[in.Note].Index))
	case in.Errno > 4095:
		v.at(i, "there is no error ", strconv.FormatUint(uint64(in.Errno), 10))
	case in.Errno != 0 && in.OnError == 0:
		v.at(i, "it expects ", string(appendErrno(nil, in.Errno)), ", which leads nowhere")
	case in.Remember && in.OnError == 0:
		v.at(i, "it remembers an error that leads nowhere")
	case in.ZeroFails && result != Value && result != Opened:
		v.at(i, "its result is always zero, which it counts as an error")
	case in.Out != 0 && (result == Nothing || result == Never):
		v.at(i, "it stores a result, but has none")
	case in.Out == 0 && opens(in):
		v.at(i, "it drops the descriptor that it opens")
	}
}
