// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strconv"
	"syscall"
)

// AppendText appends the program in its text form, which Parse reads back: the inputs, then one
// line for each instruction, under a heading for each run of instructions with equal notes.
//
//	input <report> keep
//	mounts[1] /sys
//	  12  $3 = fsopen("sysfs", FSOPEN_CLOEXEC) ? EPERM -> 16
//	  13  fsconfig($3, FSCONFIG_CMD_CREATE, null, null, 0) ? -> 47 remember
//
// A slot is $N, a descriptor handed over <name>, a place in the Header @text. "-> N" is where
// success leads, "? E -> N" where the error E does, "? -> N" where every error does.
// What several instructions share has a name: a slot, buffer1[8], stat1[0755], list1.
func (p *Program) AppendText(dst []byte) []byte {
	pr := newPrinter(p)
	for i := range p.Inputs {
		dst = appendInput(append(dst, "input "...), &p.Inputs[i])
		if p.Inputs[i].Keep {
			dst = append(dst, " keep"...)
		}
		dst = append(dst, '\n')
	}
	for i := range p.Instructions {
		in := &p.Instructions[i]
		if i == 0 || *p.note(in) != *p.note(&p.Instructions[i-1]) {
			dst = appendHeading(dst, p.note(in))
		}
		dst = pr.instruction(dst, i)
		dst = append(dst, '\n')
	}
	return dst
}

// printer gives names to what has identity, in the order in which the text shows it.
type printer struct {
	p      *Program
	used   map[uint32]bool // places that an instruction writes or reads as a slot
	shared map[uint32]bool // lists that several arguments point to
	slots  map[uint32]int
	areas  map[uint32]int // buffers, statx buffers, shared lists
	count  [StatBuf + 1]int
}

func newPrinter(p *Program) *printer {
	pr := &printer{p: p, used: map[uint32]bool{}, shared: map[uint32]bool{}, slots: map[uint32]int{}, areas: map[uint32]int{}}
	seen := map[uint32]bool{}
	for i := range p.Instructions {
		in := &p.Instructions[i]
		if in.Out != 0 {
			pr.used[uint32(in.Out)] = true
		}
		for k, a := range in.Args {
			switch {
			case a.Kind == FromSlot:
				pr.used[uint32(a.Value)] = true
			case a.Kind == InData && in.Call.Signature().Params[k] == Vector:
				pr.shared[uint32(a.Value)] = seen[uint32(a.Value)]
				seen[uint32(a.Value)] = true
			}
		}
	}
	return pr
}

// instruction appends line i.
func (pr *printer) instruction(dst []byte, i int) []byte {
	in := &pr.p.Instructions[i]
	dst = append(dst, ' ') // no heading begins with a space
	for n := 100; n > 1 && i < n; n /= 10 {
		dst = append(dst, ' ')
	}
	dst = append(strconv.AppendInt(dst, int64(i), 10), "  "...)
	if in.Out != 0 {
		dst = append(pr.slot(dst, uint64(in.Out)), " = "...)
	}
	dst = append(append(dst, in.Call.String()...), '(')
	for k, param := range in.Call.Signature().Params {
		if param == None {
			break
		}
		if k > 0 {
			dst = append(dst, ", "...)
		}
		dst = pr.arg(dst, in, k)
	}
	dst = append(dst, ')')
	if in.OnSuccess != 0 {
		dst = strconv.AppendInt(append(dst, " -> "...), int64(in.OnSuccess), 10)
	}
	if in.OnError != 0 || in.Errno != 0 {
		dst = append(dst, " ?"...)
	}
	if in.Errno != 0 {
		dst = appendErrno(append(dst, ' '), in.Errno)
	}
	if in.OnError != 0 {
		dst = strconv.AppendInt(append(dst, " -> "...), int64(in.OnError), 10)
	}
	if in.ZeroFails {
		dst = append(dst, " zero-fails"...)
	}
	if in.Remember {
		dst = append(dst, " remember"...)
	}
	return dst
}

func appendErrno(dst []byte, e syscall.Errno) []byte { return appendName(dst, errnos[:], uint64(e)) }

// number is the name's number of what lies at offset, given out in order.
func number(names map[uint32]int, offset uint32, count *int) int {
	n := names[offset]
	if n == 0 {
		*count++
		n = *count
		names[offset] = n
	}
	return n
}

// slot appends the name of the slot at offset: $1, or stat1[0755].mode.
func (pr *printer) slot(dst []byte, offset uint64) []byte {
	if offset >= statxMode {
		if o := pr.p.find(offset-statxMode, StatBuf, 256); o != nil && o.Param == StatBuf {
			return append(pr.area(dst, o), ".mode"...)
		}
	}
	return strconv.AppendInt(append(dst, '$'), int64(number(pr.slots, uint32(offset), &pr.count[Word])), 10)
}

// area appends the name of a buffer or statx buffer with its size or preset mode.
func (pr *printer) area(dst []byte, o *Object) []byte {
	n := int64(number(pr.areas, o.Offset, &pr.count[o.Param]))
	if o.Param == Buffer {
		dst = strconv.AppendInt(append(dst, "buffer"...), n, 10)
		dst = strconv.AppendUint(append(dst, '['), uint64(o.Len), 10)
		return append(dst, ']')
	}
	dst = strconv.AppendInt(append(dst, "stat"...), n, 10)
	mode := uint64(0)
	if content := pr.p.bytes(o); len(content) == 256 {
		mode = modeOf.load(content)
	}
	return append(appendMode(append(dst, '['), mode), ']')
}

var modeOf = member{offset: statxMode, size: 2}

// arg appends argument k.
func (pr *printer) arg(dst []byte, in *Instruction, k int) []byte {
	a, param := in.Args[k], refine(in.Call, k, &in.Args)
	switch a.Kind {
	case FromSlot:
		return pr.slot(dst, a.Value)
	case FromInput:
		if a.Value < uint64(len(pr.p.Inputs)) {
			return appendInput(dst, &pr.p.Inputs[a.Value])
		}
		return append(strconv.AppendUint(append(dst, "<#"...), a.Value, 10), '>')
	case InHeader:
		return appendPlace(append(dst, '@'), a.Value)
	case InData:
		if o := pr.p.find(a.Value, in.Call.Signature().Params[k], in.size(k)); o != nil {
			return pr.object(dst, o, in.Call.Signature().Params[k])
		}
		return appendHex(append(dst, "data+"...), a.Value)
	}
	return appendNumber(dst, param, a.Value)
}

var places = [...]name{{"errno", HeaderErrno}, {"failed", HeaderFailed}, {"report", HeaderReport}, {"text", HeaderText}}

func appendPlace(dst []byte, v uint64) []byte { return appendName(dst, places[:], v) }

// object appends what an address argument of that kind points to.
func (pr *printer) object(dst []byte, o *Object, param Param) []byte {
	content := pr.p.bytes(o)
	switch o.Param {
	case Path, String, Bytes:
		if o.Param != quoted(param) {
			break
		}
		if o.Param == Bytes {
			return strconv.AppendQuote(dst, string(content))
		}
		if n := len(content) - 1; n >= 0 && content[n] == 0 {
			return strconv.AppendQuote(dst, string(content[:n]))
		}
	case Buffer:
		if zero(content) && uint32(len(content)) == o.Len {
			return pr.area(dst, o)
		}
	case StatBuf:
		if len(content) == 256 && zero(content[:statxMode]) && zero(content[statxMode+2:]) {
			return pr.area(dst, o)
		}
	case Word:
		return pr.slot(append(dst, '&'), uint64(o.Offset))
	case Vector:
		if list, ok := pr.p.list(o); ok && param == Vector {
			return pr.list(dst, o, list)
		}
	case Message:
		if m, ok := pr.p.message(o); ok && param == Message {
			dst = strconv.AppendQuote(append(dst, "{byte="...), string([]byte{m.tag}))
			dst = pr.member(append(dst, ", fd="...), m.control, &member{offset: 16, size: 4, param: Desc})
			return append(dst, '}')
		}
	case GroupList, Sigset:
		if param == o.Param && len(content)%4 == 0 && (param == GroupList || len(content) == 8) {
			return appendSet(dst, content, param)
		}
	case IntArg:
		if len(content) == 4 {
			m := member{size: 4}
			return strconv.AppendInt(append(dst, '&'), int64(int32(m.load(content))), 10)
		}
	case RawStruct:
		return appendBytes(dst, content)
	default:
		l := structure(o.Param)
		if l != nil && l.clean(content) && (param == o.Param || structure(param) == nil && param != Message && byMember(l.members[0].name) == l) {
			return pr.structure(dst, o, l)
		}
	}
	return appendBytes(append(append(dst, objectName(o.Param)...), ':'), content)
}

// quoted is the kind of object that a quoted string stands for in a place of that kind.
func quoted(param Param) Param {
	if param == Path || param == Bytes {
		return param
	}
	return String
}

var objectNames = [...]string{
	"path", "string", "bytes", "buffer", "open_how", "mount_attr", "clone_args", "vector", "message", "cap_header", "cap_data",
	"rlimit64", "sigset", "groups", "prctl_mm_map", "winsize", "sched_attr", "ifreq", "int", "word", "stat", "raw",
}

// objectName is what an object is called whose content has no better form than bytes.
func objectName(p Param) string {
	if p < Path || p > RawStruct {
		return "none"
	}
	return objectNames[p-Path]
}

func appendBytes(dst, content []byte) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, `x"`...)
	for _, c := range content {
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return append(dst, '"')
}

// structure appends {name=value, ...}.
func (pr *printer) structure(dst []byte, o *Object, l *layout) []byte {
	content := pr.p.bytes(o)
	dst = append(dst, '{')
	first := true
	for i := range l.members {
		m := &l.members[i]
		at := o.Offset + m.offset
		if l.sparse && m.load(content) == 0 && !pr.used[at] && pr.p.embedded(at) < 0 {
			continue
		}
		if !first {
			dst = append(dst, ", "...)
		}
		first = false
		dst = append(append(dst, m.name...), '=')
		dst = pr.member(dst, o, m)
	}
	return append(dst, '}')
}

// member appends the value of a member of o.
func (pr *printer) member(dst []byte, o *Object, m *member) []byte {
	content, at := pr.p.bytes(o), o.Offset+m.offset
	switch {
	case m.size == sizeName:
		n := 0
		for field := content[m.offset:]; field[n] != 0; {
			n++
		}
		return strconv.AppendQuote(dst, string(content[m.offset:][:n]))
	case m.param == Desc && pr.used[at]:
		return pr.slot(dst, uint64(at))
	case m.param == Desc && pr.p.embedded(at) >= 0:
		a := Instruction{Call: Close, Args: [6]Arg{{Value: uint64(pr.p.embedded(at)), Kind: FromInput}}}
		return pr.arg(dst, &a, 0)
	}
	return appendNumber(dst, m.param, m.load(content))
}

// list reads a null-terminated array of strings; ok is false if it is none.
func (p *Program) list(o *Object) (list []*Object, ok bool) {
	content := p.bytes(o)
	if len(content) < 8 || len(content)%8 != 0 || !zero(content) || p.pointer(o.Offset+o.Len-8) != 0 {
		return nil, false
	}
	for at := o.Offset; at < o.Offset+o.Len-8; at += 8 {
		s := p.find(uint64(p.pointer(at)), String, -1)
		if s == nil || s.Param != String {
			return nil, false
		}
		if c := p.bytes(s); len(c) == 0 || c[len(c)-1] != 0 {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}

// list appends ["a", "b"], or list1=["a", "b"] and later list1.
func (pr *printer) list(dst []byte, o *Object, list []*Object) []byte {
	if pr.shared[o.Offset] {
		known := pr.areas[o.Offset] != 0
		dst = strconv.AppendInt(append(dst, "list"...), int64(number(pr.areas, o.Offset, &pr.count[Vector])), 10)
		if known {
			return dst
		}
		dst = append(dst, '=')
	}
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = pr.object(dst, s, String)
	}
	return append(dst, ']')
}

// appendSet appends a list of groups, or a set of signals: [SIGINT, SIGTERM], or what it lacks
// where that is shorter: ~[SIGKILL].
func appendSet(dst, content []byte, p Param) []byte {
	m := member{size: 4}
	if p == GroupList {
		dst = append(dst, '[')
		for i := 0; i < len(content); i += 4 {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = strconv.AppendUint(dst, m.load(content[i:]), 10)
		}
		return append(dst, ']')
	}
	m.size = 8
	set, ones := m.load(content), 0
	for i := range 64 {
		ones += int(set >> i & 1)
	}
	if ones > 32 {
		set, dst = ^set, append(dst, '~')
	}
	dst = append(dst, '[')
	first := true
	for i := range uint64(64) {
		if set>>i&1 == 0 {
			continue
		}
		if !first {
			dst = append(dst, ", "...)
		}
		dst, first = appendName(dst, signals[:], i+1), false
	}
	return append(dst, ']')
}
