// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"errors"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Error is a failure with the place that it is about: a place in config.json, a flag, a path.
type Error struct {
	Where string // "" where the message says all
	Err   error
	Tip   string // what to do about it
}

func (e *Error) Error() string {
	if e.Where == "" {
		return e.Err.Error()
	}
	return e.Where + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it; it may be empty.
func (e *Error) Hint() string { return e.Tip }

// text is an error that is its message.
type text string

func (t text) Error() string { return string(t) }

// callError is a failed system call: `openat2 "/x": no such file or directory (ENOENT)`.
type callError struct {
	call string
	err  error
}

func (e *callError) Error() string {
	var errno syscall.Errno
	if !errors.As(e.err, &errno) {
		return e.call + ": " + e.err.Error()
	}
	return e.call + ": " + errno.Error() + " (" + unix.ErrnoName(errno) + ")"
}

func (e *callError) Unwrap() error { return e.err }

// sysError tells which call failed.
func sysError(call string, err error) error { return &callError{call, err} }

// at is the place of an element of a list.
func at(where string, i int) string { return where + "[" + strconv.Itoa(i) + "]" }
