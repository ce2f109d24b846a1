// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/binary"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// arg reads argument k of instruction i; param is what the call takes, text how it is written.
func (r *reader) arg(i, k int, param, text Param) Arg {
	switch {
	case r.take("$"):
		r.uses = append(r.uses, slotUse{i, k, r.slotNumber()})
		return Arg{Kind: FromSlot}
	case r.take("&$"):
		r.uses = append(r.uses, slotUse{i, k, r.slotNumber()})
		return Arg{Kind: InData}
	case strings.HasPrefix(r.s, "<"):
		return Arg{Value: uint64(r.handed()), Kind: FromInput}
	case r.take("@"):
		w := r.while(isPlace)
		v, ok := lookup(None, places[:], w)
		if !ok {
			n, err := strconv.ParseUint(w, 10, 64)
			if err != nil {
				r.fail("there is no place @" + w + " in the header")
			}
			v = n
		}
		return Arg{Value: v, Kind: InHeader}
	case r.take("&"):
		n, err := strconv.ParseInt(r.token(), 10, 32)
		if err != nil {
			r.fail("want an int after &")
		}
		return r.put(IntArg, binary.NativeEndian.AppendUint32(nil, uint32(n)))
	case strings.HasPrefix(r.s, `"`):
		s := r.quoted()
		if quoted(param) == Bytes {
			return r.put(Bytes, []byte(s))
		}
		return r.b.text(quoted(param), s)
	case strings.HasPrefix(r.s, `x"`):
		return r.put(RawStruct, r.hex())
	case strings.HasPrefix(r.s, "{"):
		return r.braces(param)
	case strings.HasPrefix(r.s, "["), strings.HasPrefix(r.s, "~["):
		return r.brackets(param)
	}
	if a, ok := r.area(); ok {
		return a
	}
	for p := Path; p <= RawStruct; p++ {
		if r.take(objectName(p) + `:x"`) {
			r.s = `x"` + r.s
			return r.put(p, r.hex())
		}
	}
	return Arg{Value: r.number(text)}
}

// put lays an object out. One without content gets room, so that no other has its offset.
func (r *reader) put(p Param, content []byte) Arg {
	a := r.b.data(p, content)
	if len(content) == 0 {
		r.b.p.Data = append(r.b.p.Data, make([]byte, 8)...)
	}
	return a
}

// handed reads <name>.
func (r *reader) handed() int {
	r.want("<")
	name := r.word(isPlain)
	r.want(">")
	for i := range r.b.p.Inputs {
		if r.b.p.Inputs[i].Name == name {
			return i
		}
	}
	r.fail("there is no input " + strconv.Quote(name))
	return 0
}

// token removes what stands before the next comma, bracket or space.
func (r *reader) token() string {
	return r.while(func(c byte) bool { return strings.IndexByte(", )}]", c) < 0 })
}

// number reads a literal of kind p.
func (r *reader) number(p Param) uint64 {
	w := r.token()
	switch {
	case p >= Path && p <= RawStruct && w == "null":
		return 0
	case p == Desc && w == "AT_FDCWD":
		return Cwd.arg.Value
	case p == limit && w == "unlimited":
		return 1<<64 - 1
	case p == DevNo && strings.Contains(w, ":"):
		a, b, _ := strings.Cut(w, ":")
		major, err := strconv.ParseUint(a, 10, 32)
		minor, err2 := strconv.ParseUint(b, 10, 32)
		if err != nil || err2 != nil {
			r.fail("want MAJOR:MINOR, got " + strconv.Quote(w))
		}
		return unix.Mkdev(uint32(major), uint32(minor))
	}
	names, flags := table(p)
	if p == Mode {
		names, flags = fileTypes[:], true
	}
	if !flags {
		return r.single(p, names, w)
	}
	var v uint64
	for {
		part, rest, more := strings.Cut(w, "|")
		if p != AccessMode || part != "F_OK" {
			v |= r.single(p, names, part)
		}
		if !more {
			return v
		}
		w = rest
	}
}

func (r *reader) single(p Param, names []name, w string) uint64 {
	if v, ok := lookup(p, names, w); ok {
		return v
	}
	if n, err := strconv.ParseInt(w, 0, 64); err == nil && n < 0 {
		return uint64(n)
	}
	n, err := strconv.ParseUint(w, 0, 64)
	if err != nil {
		r.fail("want a value, got " + strconv.Quote(w))
	}
	return n
}

// hex reads x"0a1b".
func (r *reader) hex() []byte {
	r.want(`x"`)
	digits := r.while(func(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' })
	r.want(`"`)
	if len(digits)%2 != 0 {
		r.fail("an odd number of hex digits")
		return nil
	}
	content := make([]byte, len(digits)/2)
	for i := range content {
		n, _ := strconv.ParseUint(digits[2*i:2*i+2], 16, 8)
		content[i] = byte(n)
	}
	return content
}

// area reads buffer1[8], stat1[0755], stat1[0755].mode, list1 or list1=["a"].
func (r *reader) area() (Arg, bool) {
	kind := ""
	for _, k := range [...]string{"buffer", "stat", "list"} {
		if rest, ok := strings.CutPrefix(r.s, k); ok && rest != "" && isDigit(rest[0]) {
			kind = k
			r.s = rest
		}
	}
	if kind == "" {
		return Arg{}, false
	}
	name := kind + strconv.Itoa(r.index())
	known, ok := r.areas[name]
	if kind == "list" {
		switch {
		case r.take("=") && !ok:
			known.arg = r.brackets(Vector)
			r.areas[name] = known
		case !ok:
			r.fail(name + " is not known yet")
		}
		return known.arg, true
	}
	r.want("[")
	detail := r.number(Mode)
	r.want("]")
	switch {
	case r.err != nil:
	case ok && detail != known.detail:
		r.fail(name + " was another before")
	case !ok && (detail > maxBuffer || kind == "stat" && detail > 0xffff):
		r.fail(name + " is too large")
	case !ok && kind == "buffer":
		known = area{r.put(Buffer, make([]byte, detail)), detail}
	case !ok:
		p := r.b.Permission(uint16(detail))
		known = area{Arg{Value: uint64(p.at), Kind: InData}, detail}
	}
	r.areas[name] = known
	if kind == "stat" && r.take(".mode") {
		return Arg{Value: known.arg.Value + statxMode, Kind: FromSlot}, true
	}
	return known.arg, true
}

// braces reads a structure. One that is written like another is the same, since a slot has its
// place in one alone.
func (r *reader) braces(param Param) Arg {
	start := r.s
	key := strconv.Itoa(int(param)) + span(start)
	if a, ok := r.structures[key]; ok {
		r.s = start[len(span(start)):]
		return a
	}
	r.want("{")
	var a Arg
	if param == Message {
		a = r.message()
	} else {
		l := structure(param)
		if l == nil {
			l = byMember(r.s[:strings.IndexByte(r.s+"=", '=')])
		}
		if l == nil {
			r.fail("no structure stands here")
			return a
		}
		a = r.members(l)
	}
	r.want("}")
	r.structures[key] = a
	return a
}

// span is the part of s up to the bracket that closes its first.
func span(s string) string {
	inside := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && inside:
			i++
		case c == '"':
			inside = !inside
		case c == '}' && !inside:
			return s[:i+1]
		}
	}
	return s
}

// members reads those of a structure, in order; those left out are zero.
func (r *reader) members(l *layout) Arg {
	content := make([]byte, l.size)
	at := r.b.data(l.param, content)
	content = r.b.p.Data[at.Value:][:l.size]
	first := true
	for i := range l.members {
		m := &l.members[i]
		before := r.s
		if !first && !r.take(", ") || !r.take(m.name+"=") {
			r.s = before
			if !l.sparse {
				r.want(m.name + "=")
			}
			continue
		}
		first = false
		if m.size == sizeName {
			name := r.quoted()
			if len(name) >= sizeName || strings.IndexByte(name, 0) >= 0 {
				r.fail("a name of less than 16 bytes is wanted")
				return at
			}
			copy(content[m.offset:], name)
			continue
		}
		r.member(content, m, uint32(at.Value))
	}
	return at
}

// member reads the value of a member of the structure at offset.
func (r *reader) member(content []byte, m *member, offset uint32) {
	at := offset + m.offset
	switch {
	case m.param == Desc && r.take("$"):
		n := r.slotNumber()
		if r.slots[n] != 0 {
			r.fail("$" + strconv.FormatUint(n, 10) + " stands in two structures")
		}
		r.slots[n] = at
	case m.param == Desc && strings.HasPrefix(r.s, "<"):
		r.b.p.Embedded = append(r.b.p.Embedded, Embedded{At: at, Input: r.handed()})
	default:
		if !m.store(content, r.number(m.param)) {
			r.fail(m.name + " is too large")
		}
	}
}

// message reads the members of a Message.
func (r *reader) message() Arg {
	r.want("byte=")
	tag := r.quoted()
	if len(tag) != 1 {
		r.fail("a message has one byte")
		return Arg{}
	}
	r.want(", fd=")
	msg, control := r.b.sendFD(tag[0])
	r.member(r.b.p.Data[control:], &member{offset: 16, size: 4, param: Desc}, control)
	return msg
}

// sendFD lays out a Message as SendFD does, without its descriptor.
func (b *Builder) sendFD(tag byte) (msg Arg, control uint32) {
	payload := b.data(RawStruct, []byte{tag})
	iov := b.words(RawStruct, 0, 1)
	b.point(uint32(iov.Value), uint32(payload.Value))
	c := b.words(RawStruct, 20, 1|1<<32, 0)
	msg = b.words(Message, 0, 0, 0, 1, 0, 24, 0)
	b.point(uint32(msg.Value)+16, uint32(iov.Value))
	b.point(uint32(msg.Value)+32, uint32(c.Value))
	return msg, uint32(c.Value)
}

// brackets reads a list of strings, of groups, or a set of signals.
func (r *reader) brackets(param Param) Arg {
	all := r.take("~")
	r.want("[")
	var list []string
	var groups []byte
	var set uint64
	for n := 0; r.err == nil && !r.take("]"); n++ {
		if n > 0 {
			r.want(", ")
		}
		switch param {
		case Vector:
			list = append(list, r.quoted())
		case GroupList:
			g := r.number(Size)
			if g >= 1<<32 {
				r.fail("a group is too large")
			}
			groups = binary.NativeEndian.AppendUint32(groups, uint32(g))
		case Sigset:
			s := r.number(Signal)
			if s < 1 || s > 64 {
				r.fail("there is no such signal")
				break
			}
			set |= 1 << (s - 1)
		default:
			r.fail("no list stands here")
		}
	}
	switch param {
	case Vector:
		return r.b.vector(list)
	case GroupList:
		return r.put(GroupList, groups)
	case Sigset:
		if all {
			set = ^set
		}
		return r.b.words(Sigset, set)
	}
	r.fail("no list stands here")
	return Arg{}
}
