// SPDX-License-Identifier: Apache-2.0

package store

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Decode reads what Append has written, and any other JSON of that shape; members that it does
// not know are passed over, so that an older tare reads a newer one's state.
//
// It is a parser of its own because state, kill and delete read nothing but this file: 1 µs for
// the whole, and hardly a page of code to fault in (BenchmarkDecode).
func Decode(raw []byte) (*State, error) {
	d := decoder{text: string(raw)}
	s := new(State)
	d.object(func(name string) {
		switch name {
		case "ociVersion":
			s.OCIVersion = d.str()
		case "id":
			s.ID = d.str()
		case "bundle":
			s.Bundle = d.str()
		case "rootfs":
			s.Rootfs = d.str()
		case "created":
			s.Created = d.str()
		case "phase":
			s.Phase = Phase(d.str())
		case "pid":
			s.PID = int(d.number(31))
		case "startTime":
			s.StartTime = d.number(64)
		case "privatePid":
			s.PrivatePID = d.flag()
		case "cgroup":
			s.Cgroup = d.str()
		case "resctrl":
			s.Resctrl = d.str()
		case "systemd":
			s.Systemd = d.flag()
		case "rootless":
			s.Rootless = d.flag()
		case "terminal":
			s.Terminal = d.flag()
		case "poststop":
			s.Poststop = d.flag()
		case "owner":
			s.Owner = uint32(d.number(32))
		case "annotations":
			s.Annotations = make(map[string]string)
			d.object(func(key string) { s.Annotations[key] = d.str() })
		default:
			d.skip(0)
		}
	})
	d.space()
	if !d.bad && (d.at != len(d.text) || s.ID == "" || s.Phase == "") {
		d.bad = true
	}
	if d.bad {
		return nil, text("byte " + strconv.Itoa(d.at) + ": not the state of a container")
	}
	return s, nil
}

// decoder walks the text. The first mistake makes it bad and every further step does nothing.
type decoder struct {
	text string
	at   int
	bad  bool
}

func (d *decoder) space() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\t', '\r', '\n':
			d.at++
		default:
			return
		}
	}
}

// take passes a byte if it is the next one that is no space.
func (d *decoder) take(c byte) bool {
	d.space()
	if d.bad || d.at == len(d.text) || d.text[d.at] != c {
		return false
	}
	d.at++
	return true
}

func (d *decoder) need(c byte) {
	if !d.take(c) {
		d.bad = true
	}
}

// object calls one for each member, which must read its value.
func (d *decoder) object(one func(name string)) {
	d.need('{')
	if d.take('}') {
		return
	}
	for !d.bad {
		name := d.str()
		d.need(':')
		if d.bad {
			return
		}
		one(name)
		if d.take('}') {
			return
		}
		d.need(',')
	}
}

func (d *decoder) str() string {
	d.need('"')
	start := d.at
	for !d.bad && d.at < len(d.text) {
		switch c := d.text[d.at]; {
		case c == '"':
			d.at++
			return d.text[start : d.at-1]
		case c == '\\':
			return d.escaped(start)
		case c < ' ':
			d.bad = true
		default:
			d.at++
		}
	}
	d.bad = true
	return ""
}

// escaped reads on in a string that has a backslash at d.at.
func (d *decoder) escaped(start int) string {
	b := []byte(d.text[start:d.at])
	for !d.bad && d.at < len(d.text) {
		c := d.text[d.at]
		d.at++
		switch {
		case c == '"':
			return string(b)
		case c < ' ':
			d.bad = true
		case c != '\\':
			b = append(b, c)
		default:
			b = d.escape(b)
		}
	}
	d.bad = true
	return ""
}

// escape reads what follows a backslash.
func (d *decoder) escape(b []byte) []byte {
	if d.at == len(d.text) {
		d.bad = true
		return b
	}
	c := d.text[d.at]
	d.at++
	switch c {
	case '"', '\\', '/':
		return append(b, c)
	case 'b':
		return append(b, '\b')
	case 'f':
		return append(b, '\f')
	case 'n':
		return append(b, '\n')
	case 'r':
		return append(b, '\r')
	case 't':
		return append(b, '\t')
	case 'u':
		r := d.hex()
		if utf16.IsSurrogate(r) {
			if rest := d.text[d.at:]; len(rest) >= 2 && rest[:2] == `\u` {
				back := d.at
				d.at += 2
				if pair := utf16.DecodeRune(r, d.hex()); pair != utf8.RuneError {
					return utf8.AppendRune(b, pair)
				}
				d.at = back
			}
			r = utf8.RuneError
		}
		return utf8.AppendRune(b, r)
	}
	d.bad = true
	return b
}

func (d *decoder) hex() rune {
	if len(d.text)-d.at < 4 {
		d.bad = true
		return 0
	}
	var r rune
	for _, c := range []byte(d.text[d.at : d.at+4]) {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			d.bad = true
		}
	}
	d.at += 4
	return r
}

// number reads a whole number that is not negative.
func (d *decoder) number(bits int) uint64 {
	d.space()
	start := d.at
	for d.at < len(d.text) && '0' <= d.text[d.at] && d.text[d.at] <= '9' {
		d.at++
	}
	n, err := strconv.ParseUint(d.text[start:d.at], 10, bits)
	if err != nil {
		d.bad = true
	}
	return n
}

func (d *decoder) flag() bool {
	switch {
	case d.word("true"):
		return true
	case d.word("false"):
		return false
	}
	d.bad = true
	return false
}

func (d *decoder) word(w string) bool {
	d.space()
	if rest := d.text[d.at:]; len(rest) < len(w) || rest[:len(w)] != w {
		return false
	}
	d.at += len(w)
	return true
}

// skip passes over a value of any kind.
func (d *decoder) skip(depth int) {
	const deepest = 64
	d.space()
	if d.bad || d.at == len(d.text) || depth == deepest {
		d.bad = true
		return
	}
	switch c := d.text[d.at]; {
	case c == '"':
		d.str()
	case c == '{':
		d.object(func(string) { d.skip(depth + 1) })
	case c == '[':
		d.at++
		if d.take(']') {
			return
		}
		for !d.bad {
			d.skip(depth + 1)
			if d.take(']') {
				return
			}
			d.need(',')
		}
	case d.word("true"), d.word("false"), d.word("null"):
	default:
		start := d.at
		for d.at < len(d.text) && isNumeric(d.text[d.at]) {
			d.at++
		}
		d.bad = d.bad || d.at == start
	}
}

func isNumeric(c byte) bool {
	return '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}
