// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// decoder walks one JSON document. The functions of decode_gen.go pull from it
// what they expect. The first mistake ends the walk: err is set, and next and
// more answer false until everything has returned.
type decoder struct {
	dec  jsontext.Decoder
	text string // the document; strings without escapes are cut from it
	file string
	name string // of the member that next found
	maps uint64 // bit n: the object at depth n is a map, so its names are keys
	err  *Error
}

// decode reads a whole document by one, the function for its type.
func decode[T any](file string, raw []byte, one func(*decoder, *T)) (*T, error) {
	d := &decoder{text: string(raw), file: file}
	// The tokenizer reads a bytes.Buffer in place and does not write to it.
	d.dec.Reset(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	v := new(T)
	if strings.HasPrefix(d.text, "\uFEFF") {
		d.failAt(0, "want plain UTF-8, got a byte order mark")
	} else {
		one(d, v)
		d.end()
	}
	if d.err != nil {
		return nil, d.err
	}
	return v, nil
}

// open enters the next value if it is of that kind: '{' or '['. False means
// null, or a mistake.
func (d *decoder) open(kind jsontext.Kind) bool {
	if d.dec.PeekKind() == kind {
		_, err := d.dec.ReadToken()
		d.syntax(err)
		return err == nil
	}
	want := "an object"
	if kind == '[' {
		want = "a list"
	}
	d.scalar(kind, want)
	return false
}

// next goes to the next member of the object last opened and leaves its name in
// d.name. After the last it closes the object and answers false.
func (d *decoder) next() bool {
	if !d.more('}') {
		return false
	}
	d.name = d.unquoted(d.value())
	return d.err == nil
}

// more tells whether another element follows; if not, it takes the closing
// bracket.
func (d *decoder) more(closing jsontext.Kind) bool {
	if d.err != nil {
		return false
	}
	if d.dec.PeekKind() != closing {
		return true
	}
	_, err := d.dec.ReadToken()
	d.syntax(err)
	return false
}

// end checks that nothing follows the document.
func (d *decoder) end() {
	if d.err != nil {
		return
	}
	if kind := d.dec.PeekKind(); kind != jsontext.KindInvalid {
		if raw := d.value(); d.err == nil {
			d.failAt(int(d.dec.InputOffset())-len(raw), "want the end of the file, got "+show(raw))
		}
	} else if _, err := d.dec.ReadToken(); !errors.Is(err, io.EOF) {
		d.syntax(err)
	}
}

// value reads the next value whole; empty if there is none.
func (d *decoder) value() jsontext.Value {
	raw, err := d.dec.ReadValue()
	d.syntax(err)
	return raw
}

// skip passes over the next value, which need only be well-formed.
func (d *decoder) skip() {
	d.syntax(d.dec.SkipValue())
}

// scalar reads the next value, which must be of that kind. Empty means null, or
// a mistake.
func (d *decoder) scalar(kind jsontext.Kind, want string) jsontext.Value {
	raw := d.value()
	switch {
	case d.err != nil, raw.Kind() == 'n':
		return nil
	case raw.Kind() != kind:
		d.fail(raw, want)
		return nil
	}
	return raw
}

// unquoted is the text of the JSON string raw, which was read last.
func (d *decoder) unquoted(raw jsontext.Value) string {
	if len(raw) < len(`""`) {
		return ""
	}
	end := int(d.dec.InputOffset())
	s := d.text[end-len(raw)+1 : end-1]
	for i := range len(s) {
		if s[i] == '\\' || s[i] >= utf8.RuneSelf {
			// The error is about invalid UTF-8, of which the text has U+FFFD.
			b, _ := jsontext.AppendUnquote(nil, raw)
			return string(b)
		}
	}
	return s
}

// fail reports that the value just read is not what is wanted.
func (d *decoder) fail(raw jsontext.Value, want string) {
	d.failAt(int(d.dec.InputOffset())-len(raw), "want "+want+", got "+show(raw))
	d.err.Place = string(d.place())
}

// syntax reports an error of the tokenizer; nil is none.
func (d *decoder) syntax(err error) {
	if err == nil || d.err != nil {
		return
	}
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		d.failAt(len(d.text), "unexpected end of the file")
	case errors.As(err, &syntactic):
		d.failAt(int(syntactic.ByteOffset), syntactic.Err.Error())
	default:
		panic("BUG: reading from memory: " + err.Error())
	}
}

// failAt reports a mistake at the offset, in bytes.
func (d *decoder) failAt(offset int, msg string) {
	before := d.text[:offset]
	d.err = &Error{
		File:   d.file,
		Line:   1 + strings.Count(before, "\n"),
		Column: offset - strings.LastIndexByte(before, '\n'),
		Msg:    msg,
	}
}

// place is where the value just read stands. A pointer alone does not tell
// elements, members and keys apart: the stack knows lists, d.maps knows maps.
func (d *decoder) place() place {
	var p place
	depth := 1
	for name := range d.dec.StackPointer().Tokens() {
		kind, length := d.dec.StackIndex(depth)
		switch {
		case kind == '[':
			p = p.index(int(length) - 1)
		case d.maps&(1<<depth) != 0:
			p = p.key(name)
		default:
			p = p.field(name)
		}
		depth++
	}
	return p
}

// show is how a value stands in a message.
func show(raw jsontext.Value) string {
	switch raw.Kind() {
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	const most = 40
	s := strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return utf8.RuneError // it goes to a terminal
		}
		return r
	}, string(raw))
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "..."
	}
	return s
}

// str reads a string.
func str[T ~string](d *decoder, v *T) {
	if raw := d.scalar('"', "a string"); raw != nil {
		*v = T(d.unquoted(raw))
	}
}

// boolean reads true or false.
func boolean(d *decoder, v *bool) {
	raw := d.value()
	switch {
	case d.err != nil:
	case raw.Kind() == 't', raw.Kind() == 'f':
		*v = raw.Kind() == 't'
	case raw.Kind() != 'n':
		d.fail(raw, "true or false")
	}
}

// integer is the kinds of number in the specification.
type integer interface {
	~int | ~int32 | ~int64 | ~uint | ~uint16 | ~uint32 | ~uint64
}

// whole reads a number that fits T.
func whole[T integer](d *decoder, v *T) {
	raw := d.scalar('0', "a whole number")
	if raw == nil {
		return
	}
	bits := 8 * int(unsafe.Sizeof(*v))
	if signed := ^T(0) < 0; signed {
		*v = T(d.signed(raw, bits))
	} else {
		*v = T(d.unsigned(raw, bits))
	}
}

func (d *decoder) signed(raw jsontext.Value, bits int) int64 {
	n, err := strconv.ParseInt(string(raw), 10, bits)
	if errors.Is(err, strconv.ErrRange) {
		limit := int64(1)<<(bits-1) - 1
		d.fail(raw, "a whole number from "+strconv.FormatInt(-limit-1, 10)+" to "+strconv.FormatInt(limit, 10))
	} else if err != nil {
		d.fail(raw, "a whole number")
	}
	return n
}

func (d *decoder) unsigned(raw jsontext.Value, bits int) uint64 {
	n, err := strconv.ParseUint(string(raw), 10, bits)
	if errors.Is(err, strconv.ErrRange) || raw[0] == '-' {
		d.fail(raw, "a whole number from 0 to "+strconv.FormatUint(^uint64(0)>>(64-bits), 10))
	} else if err != nil {
		d.fail(raw, "a whole number")
	}
	return n
}

// pointer reads a value that may be absent. One that is there already, from an
// earlier member of the same name, is read over.
func pointer[T any](d *decoder, v **T, one func(*decoder, *T)) {
	if d.dec.PeekKind() == 'n' {
		d.skip()
		*v = nil
		return
	}
	if *v == nil {
		*v = new(T)
	}
	one(d, *v)
}

// list reads a list of values.
func list[T any](d *decoder, v *[]T, one func(*decoder, *T)) {
	*v = nil
	if !d.open('[') {
		return
	}
	all := make([]T, 0, 4)
	for d.more(']') {
		var zero T
		all = append(all, zero)
		one(d, &all[len(all)-1])
	}
	*v = all
}

// dict reads a map. An entry replaces one of the same key.
func dict[T any](d *decoder, v *map[string]T, one func(*decoder, *T)) {
	if !d.open('{') {
		*v = nil
		return
	}
	if *v == nil {
		*v = make(map[string]T)
	}
	depth := d.dec.StackDepth()
	d.maps |= 1 << depth
	for d.next() {
		key := d.name
		var value T
		one(d, &value)
		(*v)[key] = value
	}
	d.maps &^= 1 << depth
}
