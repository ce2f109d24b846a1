// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strconv"
	"strings"
	"syscall"
)

// ParseError is a fault of a text that is to be a Program.
type ParseError struct {
	Line int
	Msg  string
}

func (e *ParseError) Error() string { return "line " + strconv.Itoa(e.Line) + ": " + e.Msg }

// Parse reads the text form of a program (Program.AppendText). What it takes prints as the same
// text again, but for spaces and other spellings of numbers. It checks the form alone: Verify
// says whether the Program is any good.
func Parse(text []byte) (*Program, error) {
	r := &reader{b: NewBuilder(), areas: map[string]area{}, structures: map[string]Arg{}, slots: map[uint64]uint32{}}
	r.b.noted = true
	rest := string(text)
	for r.line = 1; rest != "" && r.err == nil; r.line++ {
		r.s, rest, _ = strings.Cut(rest, "\n")
		switch {
		case strings.TrimSpace(r.s) == "":
		case r.s[0] == ' ':
			r.instruction()
		case strings.HasPrefix(r.s, "input <"):
			r.input()
		case strings.HasPrefix(r.s, "# hint: "):
			r.hint()
		default:
			r.heading()
		}
		if r.err == nil && strings.TrimLeft(r.s, " ") != "" {
			r.fail("unexpected " + strconv.Quote(r.s))
		}
		if len(r.b.p.Data) > maxData {
			r.fail("the program needs too much memory")
		}
	}
	r.bind()
	if r.err != nil {
		return nil, r.err
	}
	return r.b.Build(), nil
}

// These are more than any program needs.
const (
	maxData   = 1 << 24
	maxBuffer = 1 << 16
)

// area is a buffer, a statx buffer or a list of strings: what has a name.
type area struct {
	arg    Arg
	detail uint64 // size or mode
}

// slotUse is the use of a slot, whose place is known at the end.
type slotUse struct {
	instruction int
	arg         int // -1: Out
	slot        uint64
}

// reader holds what is read so far; s is the rest of the line.
type reader struct {
	b          *Builder
	s          string
	line       int
	err        error
	headed     bool // a heading came
	hintable   bool // it was on the line before
	areas      map[string]area
	structures map[string]Arg
	slots      map[uint64]uint32 // those that stand inside a structure
	uses       []slotUse
}

func (r *reader) fail(msg string) {
	if r.err == nil {
		r.err = &ParseError{r.line, msg}
	}
}

// take removes prefix from the line if it is there.
func (r *reader) take(prefix string) bool {
	rest, ok := strings.CutPrefix(r.s, prefix)
	if ok {
		r.s = rest
	}
	return ok
}

// want removes prefix, which must be there.
func (r *reader) want(prefix string) {
	if r.err == nil && !r.take(prefix) {
		r.fail("want " + strconv.Quote(prefix) + " at " + strconv.Quote(r.s))
	}
}

func (r *reader) spaces() { r.s = strings.TrimLeft(r.s, " ") }

// while removes the longest prefix of bytes of a kind.
func (r *reader) while(kind func(byte) bool) string {
	n := 0
	for n < len(r.s) && kind(r.s[n]) {
		n++
	}
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// quoted removes a quoted string.
func (r *reader) quoted() string {
	q, err := strconv.QuotedPrefix(r.s)
	if err != nil || q[0] != '"' {
		r.fail("want a quoted string at " + strconv.Quote(r.s))
		return ""
	}
	r.s = r.s[len(q):]
	s, _ := strconv.Unquote(q)
	return s
}

// word removes a word as appendWord writes it.
func (r *reader) word(kind func(byte) bool) string {
	if strings.HasPrefix(r.s, `"`) {
		return r.quoted()
	}
	w := r.while(kind)
	if w == "" {
		r.fail("want a word at " + strconv.Quote(r.s))
	}
	return w
}

// index removes a number that counts something: no sign, not too large.
func (r *reader) index() int {
	n, err := strconv.ParseUint(r.while(isDigit), 10, 31)
	if err != nil {
		r.fail("want a number before " + strconv.Quote(r.s))
	}
	return int(n)
}

func (r *reader) input() {
	if len(r.b.p.Instructions) != 0 {
		r.fail("an input after the first instruction")
	}
	r.want("input <")
	in := Input{Name: r.word(isPlain)}
	r.want(">")
	in.Keep = r.take(" keep")
	for i := range r.b.p.Inputs {
		if r.b.p.Inputs[i].Name == in.Name {
			r.fail("input " + strconv.Quote(in.Name) + " comes twice")
		}
	}
	r.b.p.Inputs = append(r.b.p.Inputs, in)
}

func (r *reader) heading() {
	r.headed, r.hintable = true, true
	if r.s == "-" {
		r.s, r.b.note = "", 0
		return
	}
	n := Note{Index: -1}
	plain := r.s[0] != '"'
	n.Where = r.word(isPlace)
	switch {
	case plain && strings.HasPrefix(r.s, `"`) && strings.HasSuffix(n.Where, "."):
		n.Where = n.Where[:len(n.Where)-1]
		n.Key = r.quoted()
	default:
		if r.take("[") {
			sign := 1
			if r.take("-") {
				sign = -1
			}
			n.Index = sign * r.index()
			r.want("]")
		}
		if r.take(".") {
			n.Key = r.word(isPlace)
		}
	}
	if r.take(" ") {
		n.Object = r.word(isPlain)
	}
	r.b.At(n)
}

func (r *reader) hint() {
	r.want("# hint: ")
	if !r.hintable || r.b.note == 0 {
		r.fail("a hint without a heading")
		return
	}
	hint := r.s
	if strings.HasPrefix(hint, `"`) {
		hint = r.quoted()
	} else {
		r.s = ""
	}
	r.b.p.Notes[r.b.note].Hint = hint
	r.hintable = false
}

// instruction reads "  12  $3 = call(args) -> 50 ? ENOENT -> 47 zero-fails remember".
func (r *reader) instruction() {
	if !r.headed {
		r.fail("an instruction without a heading")
	}
	r.hintable = false
	r.spaces()
	i := len(r.b.p.Instructions)
	if n := r.index(); n != i {
		r.fail("instruction " + strconv.Itoa(i) + " has the number " + strconv.Itoa(n))
	}
	r.spaces()
	if r.take("$") {
		r.uses = append(r.uses, slotUse{i, -1, r.slotNumber()})
		r.want(" = ")
	}
	name := r.while(func(c byte) bool { return isPlace(c) })
	in := Instruction{Note: r.b.note}
	for c := Call(1); int(c) < NumCalls; c++ {
		if c.String() == name {
			in.Call = c
		}
	}
	if in.Call == 0 {
		r.fail("there is no call " + strconv.Quote(name))
		return
	}
	r.want("(")
	for k, param := range in.Call.Signature().Params {
		if param == None || r.err != nil {
			break
		}
		if k > 0 {
			r.want(", ")
		}
		in.Args[k] = r.arg(i, k, param, refine(in.Call, k, &in.Args))
	}
	r.want(")")
	r.outcome(&in)
	r.b.p.Instructions = append(r.b.p.Instructions, in)
}

func (r *reader) outcome(in *Instruction) {
	if r.take(" -> ") {
		in.OnSuccess = r.target()
	}
	if r.take(" ?") {
		if !strings.HasPrefix(r.s, " -> ") {
			r.want(" ")
			in.Errno = r.errno()
		}
		if r.take(" -> ") {
			in.OnError = r.target()
		}
	}
	in.ZeroFails = r.take(" zero-fails")
	in.Remember = r.take(" remember")
}

func (r *reader) target() int {
	n := r.index()
	if n == 0 {
		r.fail("nothing jumps to the first instruction")
	}
	return n
}

func (r *reader) errno() syscall.Errno {
	w := r.while(isPlace)
	v, ok := lookup(None, errnos[:], w)
	if !ok {
		n, err := strconv.ParseUint(w, 10, 16)
		if err != nil || n == 0 {
			r.fail("there is no error " + strconv.Quote(w))
		}
		v = n
	}
	return syscall.Errno(v)
}

func (r *reader) slotNumber() uint64 {
	n := r.index()
	if n == 0 {
		r.fail("slots begin at $1")
	}
	return uint64(n)
}

// bind puts each slot in its place: inside the structure that shows it, or in a word of its own.
func (r *reader) bind() {
	used := map[uint64]bool{}
	for _, u := range r.uses {
		if r.err != nil {
			return
		}
		used[u.slot] = true
		at, ok := r.slots[u.slot]
		if !ok {
			at = uint32(r.b.Slot())
			r.slots[u.slot] = at
		}
		if u.instruction >= len(r.b.p.Instructions) {
			return
		}
		in := &r.b.p.Instructions[u.instruction]
		if u.arg < 0 {
			in.Out = Slot(at)
		} else {
			in.Args[u.arg].Value = uint64(at)
		}
	}
	for n := range r.slots {
		if !used[n] {
			r.fail("a slot stands in a structure that nothing stores")
		}
	}
}
