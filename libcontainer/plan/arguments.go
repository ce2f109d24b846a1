// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strconv"
)

// places collects what instructions use as slots, and checks where they lie.
func (v *verifier) places() {
	for i := range v.p.Instructions {
		in := &v.p.Instructions[i]
		if in.Out != 0 {
			v.slot(i, uint64(in.Out), true)
		}
		for k := range in.Args {
			if a := &in.Args[k]; a.Kind == FromSlot {
				v.slot(i, a.Value, false)
			} else if a.Kind == InData {
				if o := v.p.find(a.Value, Word, 8); o != nil && o.Param == Word {
					v.slot(i, a.Value, false)
				}
			}
		}
	}
	slices.Sort(v.slots)
	v.slots = slices.Compact(v.slots)
}

// slot checks one place; the mode of a StatBuf is no slot, but may be read as one.
func (v *verifier) slot(i int, offset uint64, out bool) {
	if offset+8 > uint64(len(v.p.Data)) || offset < 8 {
		v.at(i, "a slot lies outside of the data")
		return
	}
	at := uint32(offset)
	o := v.p.around(at)
	switch {
	case o == nil:
		v.at(i, "a slot lies in no object")
	case o.Param == StatBuf && at == o.Offset+statxMode && !out:
		return
	case at%8 != 0:
		v.at(i, "a slot inside ", objectName(o.Param), " is not aligned to eight bytes")
	case o.Param == Word && at == o.Offset && o.Len == 8:
	case o.Param != Word && v.place(o) == at && at+8 <= o.Offset+o.Len:
		if v.p.embedded(at) >= 0 {
			v.at(i, "a slot takes the place of an embedded descriptor")
		}
	default:
		v.at(i, "a slot lies inside ", objectName(o.Param), ", where none may be")
	}
	if v.err == nil && !zero(v.p.Data[at:][:8]) {
		v.at(i, "the slot ", v.named(at), " is preset")
	}
	v.slots = append(v.slots, at)
}

// arguments checks those of instruction i against the Signature of its call.
func (v *verifier) arguments(i int) {
	in := &v.p.Instructions[i]
	if v.err != nil {
		return
	}
	params := &in.Call.Signature().Params
	for k := range in.Args {
		a, name := in.Args[k], "argument "+strconv.Itoa(k+1)
		address := params[k] >= Path && params[k] <= RawStruct
		switch {
		case params[k] == None:
			if a != (Arg{}) {
				v.at(i, name, " is one too many")
			}
		case a.Kind == FromInput && a.Value >= uint64(len(v.p.Inputs)):
			v.at(i, name, " is input ", strconv.FormatUint(a.Value, 10), ", which there is not")
		case a.Kind == InHeader && (params[k] != Bytes && params[k] != Buffer):
			v.at(i, name, " is a place in the header, where none is wanted")
		case a.Kind == InHeader:
			if n := in.size(k); n < 0 || a.Value > HeaderSize || n > int64(HeaderSize-a.Value) {
				v.at(i, name, " reaches beyond the header")
			}
		case a.Kind == InData && !address && params[k] != Hex:
			v.at(i, name, " is an address, where a number is wanted")
		case a.Kind == InData:
			v.object(i, k)
		case a.Kind > FromInput:
			v.at(i, name, " is of no kind")
		case address && a.Kind != Literal, address && a.Value != 0:
			v.at(i, name, " is a number, where an address is wanted")
		case address && !nullable(in, k):
			v.at(i, name, " is null")
		}
		if v.err != nil {
			return
		}
	}
}

// nullable tells whether argument k may be null.
func nullable(in *Instruction, k int) bool {
	switch in.Call.Signature().Params[k] {
	case String:
		return in.Call != Fsopen && in.Call != Fsetxattr
	case GroupList:
		return in.Args[k-1] == Arg{}
	case RawStruct:
		return in.Call == SetMempolicy
	}
	return false
}

// object checks the memory behind argument k of instruction i.
func (v *verifier) object(i, k int) {
	in := &v.p.Instructions[i]
	want, a := in.Call.Signature().Params[k], in.Args[k]
	name := "argument " + strconv.Itoa(k+1)
	size := in.size(k)
	o := v.p.find(a.Value, want, size)
	if o == nil {
		v.at(i, name, " leads to no object")
		return
	}
	fits := o.Param == want
	switch want {
	case Bytes:
		fits = fits || o.Param == Word || o.Param == Buffer
	case Hex:
		switch o.Param {
		case String, IntArg, Winsize, Ifreq, MMMap, RawStruct:
			fits = true
		}
	}
	if !fits {
		v.at(i, name, " is a ", objectName(o.Param), ", which this call does not take")
		return
	}
	if size >= 0 && size != int64(o.Len) {
		v.at(i, name, " is ", strconv.FormatUint(uint64(o.Len), 10), " bytes long, but its size is given as ", strconv.FormatInt(size, 10))
	}
	if (want == Bytes || want == Buffer) && size < 0 {
		v.at(i, name, " has no size that is known")
	}
	v.content(i, name, o)
	if want < How || want > Sigset && want != GroupList || v.err != nil {
		return
	}
	// Where the size of a structure is an argument of its own, it is the next, or the last.
	given, length := k, uint64(o.Len)
	switch in.Call {
	case Clone3, Openat2, MountSetattr:
		given = k + 1
	case RtSigprocmask:
		given = k + 2
	case Setgroups:
		given, length = k-1, length/4
	}
	if given != k && in.Args[given] != (Arg{Value: length}) {
		v.at(i, name, " holds ", strconv.FormatUint(length, 10), ", but argument ", strconv.Itoa(given+1), " says otherwise")
	}
}

// content checks that o is what its kind says, down to what it points to.
func (v *verifier) content(i int, name string, o *Object) {
	content := v.p.bytes(o)
	switch o.Param {
	case Path, String:
		switch n := slices.Index(content, 0); {
		case n < 0:
			v.at(i, name, " does not end in NUL")
		case n != len(content)-1:
			v.at(i, name, " has a NUL inside")
		}
	case Buffer:
		if !zero(content) {
			v.at(i, name, " is a buffer that is preset")
		}
	case StatBuf:
		if len(content) != 256 || !zero(content[:statxMode]) || !zero(content[statxMode+2:]) {
			v.at(i, name, " is no struct statx with nothing but a mode")
		}
	case Vector:
		list, ok := v.p.list(o)
		if !ok {
			v.at(i, name, " is no list of strings")
		}
		for _, s := range list {
			v.content(i, "a string of "+name, s)
		}
	case Message:
		if _, ok := v.p.message(o); !ok {
			v.at(i, name, " is no message of one byte and one descriptor")
		}
	case GroupList:
		if len(content)%4 != 0 {
			v.at(i, name, " is no list of groups")
		}
	case IntArg:
		v.length(i, name, o, 4)
	case Sigset, Word:
		v.length(i, name, o, 8)
	case Ifreq:
		v.length(i, name, o, 40)
	default:
		if l := structure(o.Param); l != nil {
			v.length(i, name, o, l.size)
			if v.err == nil && !l.clean(content) {
				v.at(i, name, " has something between the members of ", l.name)
			}
		}
	}
}

func (v *verifier) length(i int, name string, o *Object, want uint32) {
	if o.Len != want {
		v.at(i, name, " is ", strconv.FormatUint(uint64(o.Len), 10), " bytes long, but a ", objectName(o.Param), " has ", strconv.FormatUint(uint64(want), 10))
	}
}
