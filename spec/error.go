// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Error is one mistake in a configuration. It prints as
//
//	config.json:14:22: process.user.uid: want a whole number, got "zero"
//
// without the parts that are empty: Validate knows no lines, and a syntax error
// has no place.
type Error struct {
	File         string
	Line, Column int    // from 1, the column in bytes; 0: not known
	Place        string // dotted, as in linux.sysctl["net.ipv4.ip_forward"] or mounts[5].options[0]
	Msg          string
	Err          error // what the operating system said, if it did
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			b.WriteString(":" + strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Column))
		}
		b.WriteString(": ")
	}
	if e.Place != "" {
		b.WriteString(e.Place + ": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// place is a position in the configuration, in dotted terms. The functions that
// check one element of a list report a place relative to it, and the loop around
// them puts it below the element: so a good configuration costs no text.
type place string

// within puts err, the place of which is relative, below p.
func within(p place, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		panic("BUG: no place: " + err.Error())
	}
	switch {
	case e.Place == "" || e.Place[0] == '[':
		e.Place = string(p) + e.Place
	default:
		e.Place = string(p) + "." + e.Place
	}
	return e
}

func (p place) errorf(format string, args ...any) error {
	return &Error{Place: string(p), Msg: fmt.Sprintf(format, args...)}
}

// field is the member name of the object at p.
func (p place) field(name string) place {
	if p == "" {
		return place(name)
	}
	return p + place("."+name)
}

// index is the element i of the list at p.
func (p place) index(i int) place {
	return p + place("["+strconv.Itoa(i)+"]")
}

// key is the entry of that key in the map at p.
func (p place) key(key string) place {
	return p + place("["+strconv.Quote(key)+"]")
}

// unknown is the error for a name that is not in the list.
func unknown[T ~string](p place, got T, list []T) error {
	var b strings.Builder
	for i, name := range list {
		switch {
		case i > 0 && i == len(list)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(name))
	}
	return p.errorf("want %s, got %q", b.String(), string(got))
}
