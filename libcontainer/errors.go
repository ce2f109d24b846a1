// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/cgroup"
	"github.com/tare-runtime/tare/libcontainer/compile"
	"github.com/tare-runtime/tare/libcontainer/executor"
	"github.com/tare-runtime/tare/libcontainer/plan"
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

// Detail is what a failed system call was, for those who read errors by program. Members that do
// not apply are empty.
type Detail struct {
	Call  string // "openat2"
	Errno string // "ENOENT"
	Path  string // or whatever the call worked on
}

// Describe finds the system call behind an error.
func Describe(err error) (d Detail) {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		d.Errno = unix.ErrnoName(errno)
	}
	var failure *executor.Failure
	var call *callError
	var file *fs.PathError
	switch {
	case errors.As(err, &failure):
		d.Call, d.Errno = failure.Call, unix.ErrnoName(failure.Errno)
		d.Path, _, _ = strings.Cut(strings.TrimPrefix(failure.Note.Object, "exec: "), ": ")
	case errors.As(err, &file):
		d.Call, d.Path = file.Op, file.Path
	case errors.As(err, &call):
		d.Call, d.Path, _ = strings.Cut(call.call, " ")
		if unquoted, err := strconv.Unquote(d.Path); err == nil {
			d.Path = unquoted
		}
	}
	return d
}

// Hint says what to do about an error; "" if there is nothing to say.
func Hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	var group *cgroup.Error
	var lacking *cgroup.UnsupportedError
	switch {
	case errors.As(err, &group):
		return group.Hint
	case errors.As(err, &lacking):
		return lacking.Hint
	}
	return ""
}

// NeedsSealedCopy tells of an error that the kernel lets no process replace its /proc/self/exe.
// Nothing was made or left. ReexecSealed is the way round.
func NeedsSealedCopy(err error) bool {
	var f *executor.Failure
	return errors.As(err, &f) && f.Call == plan.Prctl.String() && f.Note.Object == compile.ExeObject
}

// ReexecSealed executes the calling program once more, from a sealed copy in memory, with the same
// arguments: containers then may see its executable, since nobody can change it. It returns only
// if that fails. A program that calls it must not have done anything that may not be done twice.
func ReexecSealed() error { return executor.ReexecSealed() }
