// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/binary"
	"slices"
)

// member is one of a structure in Data.
type member struct {
	name   string
	offset uint32
	size   uint32 // 1, 2, 4, 8; see below for the others
	param  Param
}

// Two members are no plain numbers.
const (
	sizeSplit = 12 // the lower half at offset, the upper half twelve bytes further (capset)
	sizeName  = 16 // a NUL-padded name
)

// layout is the text form of a structure: its members in order, or only those that are not
// zero. What lies between the members must be zero.
type layout struct {
	param   Param
	name    string
	size    uint32
	sparse  bool
	members []member
}

// structures are all that have members to name.
var structures = [...]layout{
	{How, "open_how", 24, false, []member{
		{"flags", 0, 8, OpenFlags}, {"mode", 8, 8, Mode}, {"resolve", 16, 8, resolveFlag},
	}},
	{Attr, "mount_attr", 32, true, []member{
		{"attr_set", 0, 8, AttrFlags}, {"attr_clr", 8, 8, AttrFlags}, {"propagation", 16, 8, MountFlags}, {"userns_fd", 24, 8, Desc},
	}},
	{CloneArgs, "clone_args", 88, true, []member{
		{"flags", 0, 8, NSFlags}, {"pidfd", 8, 8, Hex}, {"child_tid", 16, 8, Hex}, {"parent_tid", 24, 8, Hex},
		{"exit_signal", 32, 8, Signal}, {"stack", 40, 8, Hex}, {"stack_size", 48, 8, Size}, {"tls", 56, 8, Hex},
		{"set_tid", 64, 8, Hex}, {"set_tid_size", 72, 8, Size}, {"cgroup", 80, 8, Desc},
	}},
	{CapHeader, "cap_header", 8, false, []member{{"version", 0, 4, Hex}, {"pid", 4, 4, Size}}},
	{CapData, "cap_data", 24, false, []member{
		{"effective", 0, sizeSplit, capMask}, {"permitted", 4, sizeSplit, capMask}, {"inheritable", 8, sizeSplit, capMask},
	}},
	{Rlimit, "rlimit64", 16, false, []member{{"soft", 0, 8, limit}, {"hard", 8, 8, limit}}},
	{MMMap, "prctl_mm_map", 104, false, []member{{"exe", 100, 4, Desc}}},
	{Winsize, "winsize", 8, false, []member{{"rows", 0, 2, Size}, {"columns", 2, 2, Size}, {"xpixel", 4, 2, Size}, {"ypixel", 6, 2, Size}}},
	{SchedAttr, "sched_attr", 48, true, []member{
		{"size", 0, 4, Size}, {"policy", 4, 4, schedPolicy}, {"flags", 8, 8, schedFlag}, {"nice", 16, 4, Int}, {"priority", 20, 4, Size},
		{"runtime", 24, 8, Size}, {"deadline", 32, 8, Size}, {"period", 40, 8, Size},
	}},
	{Ifreq, "ifreq", 40, false, []member{{"name", 0, sizeName, String}, {"flags", 16, 2, interfaces}}},
}

// structure is the layout of p, or nil.
func structure(p Param) *layout {
	for i := range structures {
		if structures[i].param == p {
			return &structures[i]
		}
	}
	return nil
}

// byMember is the layout that a structure in a place without a type of its own (ioctl, prctl)
// has, told by its first member; or nil.
func byMember(first string) *layout {
	for _, p := range [...]Param{MMMap, Winsize, Ifreq} {
		if l := structure(p); l.members[0].name == first {
			return l
		}
	}
	return nil
}

// load reads a number of the structure at data.
func (m *member) load(data []byte) uint64 {
	d := data[m.offset:]
	switch m.size {
	case 2:
		return uint64(binary.NativeEndian.Uint16(d))
	case 4:
		if m.param == Int {
			return uint64(int64(int32(binary.NativeEndian.Uint32(d))))
		}
		return uint64(binary.NativeEndian.Uint32(d))
	case sizeSplit:
		return uint64(binary.NativeEndian.Uint32(d)) | uint64(binary.NativeEndian.Uint32(d[12:]))<<32
	}
	return binary.NativeEndian.Uint64(d)
}

// store writes a number and tells whether it fits.
func (m *member) store(data []byte, v uint64) bool {
	d := data[m.offset:]
	switch m.size {
	case 2:
		binary.NativeEndian.PutUint16(d, uint16(v))
		return v < 1<<16
	case 4:
		binary.NativeEndian.PutUint32(d, uint32(v))
		return v < 1<<32 && m.param != Int || int64(v) == int64(int32(v))
	case sizeSplit:
		binary.NativeEndian.PutUint32(d, uint32(v))
		binary.NativeEndian.PutUint32(d[12:], uint32(v>>32))
		return true
	}
	binary.NativeEndian.PutUint64(d, v)
	return true
}

// clean tells whether the text form of the structure says all that is in data.
func (l *layout) clean(data []byte) bool {
	if uint32(len(data)) != l.size {
		return false
	}
	rest := slices.Clone(data)
	for i := range l.members {
		m := &l.members[i]
		if m.size != sizeName {
			m.store(rest, 0)
			continue
		}
		field := rest[m.offset : m.offset+sizeName]
		n := slices.Index(field, 0)
		if n < 0 {
			return false
		}
		clear(field[:n])
	}
	return zero(rest)
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// find is the object at offset that is a p, and size bytes long where size is not negative. Only
// objects without content share an offset; among those that fit less well, the last is taken.
func (p *Program) find(offset uint64, want Param, size int64) *Object {
	i, _ := slices.BinarySearchFunc(p.Objects, offset, func(o Object, at uint64) int {
		switch {
		case uint64(o.Offset) < at:
			return -1
		case uint64(o.Offset) > at:
			return 1
		}
		return 0
	})
	var found *Object
	best := -1
	for ; i < len(p.Objects) && uint64(p.Objects[i].Offset) == offset; i++ {
		o, fit := &p.Objects[i], 0
		if o.Param == want {
			fit = 2
		}
		if int64(o.Len) == size {
			fit++
		}
		if fit >= best {
			found, best = o, fit
		}
	}
	return found
}

// around is the object whose content offset lies in, or nil.
func (p *Program) around(offset uint32) *Object {
	i, _ := slices.BinarySearchFunc(p.Objects, offset, func(o Object, at uint32) int {
		if o.Offset <= at {
			return -1
		}
		return 1
	})
	for i--; i >= 0; i-- {
		o := &p.Objects[i]
		if offset < o.Offset {
			return nil
		}
		if o.Len != 0 {
			if offset-o.Offset < o.Len {
				return o
			}
			return nil
		}
	}
	return nil
}

// bytes is the content of o, or nothing if it lies outside of Data.
func (p *Program) bytes(o *Object) []byte {
	if uint64(o.Offset)+uint64(o.Len) > uint64(len(p.Data)) {
		return nil
	}
	return p.Data[o.Offset : o.Offset+o.Len]
}

// pointer is where the address at offset leads, or 0.
func (p *Program) pointer(offset uint32) uint32 {
	for i := range p.Pointers {
		if p.Pointers[i].At == offset {
			return p.Pointers[i].To
		}
	}
	return 0
}

// embedded is the input whose number stands at offset, or -1.
func (p *Program) embedded(offset uint32) int {
	for i := range p.Embedded {
		if p.Embedded[i].At == offset {
			return p.Embedded[i].Input
		}
	}
	return -1
}

// size is how long the object behind argument i must be: the argument that says so, or -1.
func (in *Instruction) size(i int) int64 {
	params := &in.Call.Signature().Params
	switch {
	case (params[i] == Bytes || params[i] == Buffer) && i < 5 && params[i+1] == Size && in.Args[i+1].Kind == Literal:
		return int64(in.Args[i+1].Value)
	case params[i] == RawStruct && i > 0 && params[i-1] == Size && in.Args[i-1].Kind == Literal:
		return int64(in.Args[i-1].Value)
	}
	return -1
}

// message is what a struct msghdr sends: one byte and the place of one descriptor.
type message struct {
	payload, iov, control *Object
	tag                   byte
}

// message reads the structures behind a Message; ok is false if they are not as SendFD lays
// them out.
func (p *Program) message(o *Object) (m message, ok bool) {
	iov, control := p.pointer(o.Offset+16), p.pointer(o.Offset+32)
	m.iov, m.control = p.find(uint64(iov), RawStruct, 16), p.find(uint64(control), RawStruct, 24)
	if iov == 0 || control == 0 || m.iov == nil || m.control == nil {
		return m, false
	}
	payload := p.pointer(iov)
	m.payload = p.find(uint64(payload), RawStruct, 1)
	if payload == 0 || m.payload == nil {
		return m, false
	}
	tag := p.bytes(m.payload)
	if len(tag) != 1 || !words(p.bytes(o), 0, 0, 0, 1, 0, 24, 0) || !words(p.bytes(m.iov), 0, 1) {
		return m, false
	}
	c := p.bytes(m.control)
	if len(c) != 24 || !words(c[:16], 20, 1|1<<32) || !zero(c[20:]) {
		return m, false
	}
	m.tag = tag[0]
	return m, true
}

// words tells whether data is these 64-bit words.
func words(data []byte, want ...uint64) bool {
	if len(data) != 8*len(want) {
		return false
	}
	for i, w := range want {
		if binary.NativeEndian.Uint64(data[8*i:]) != w {
			return false
		}
	}
	return true
}
