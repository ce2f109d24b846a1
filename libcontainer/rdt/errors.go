// SPDX-License-Identifier: Apache-2.0

package rdt

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// where all of this stands in config.json.
const where = "linux.intelRdt"

// Error is a step that went wrong, in the user's terms:
//
//	linux.intelRdt.l3CacheSchema "L3:0=0": write schemata: invalid argument (EINVAL): Mask out of range
type Error struct {
	Place  string // in config.json
	Call   string // what was done, to what; or all there is to say, when Err is nil
	Err    error  // a unix.Errno, or nil
	Reason string // the kernel's, from info/last_cmd_status, or ""
	Tip    string // what to do about it, or ""
}

func (e *Error) Error() string {
	s := e.Place + ": " + e.Call
	if errno, ok := e.Err.(unix.Errno); ok {
		s += ": " + errno.Error() + " (" + unix.ErrnoName(errno) + ")"
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it; it may be empty.
func (e *Error) Hint() string { return e.Tip }

// call is a call on a path, as errors tell of it.
func call(name, path string) string { return name + "(" + strconv.Quote(path) + ")" }

// place is what the control group is by.
func (g *Group) place() string {
	if g.closID == "" {
		return where
	}
	return where + ".closID " + strconv.Quote(g.closID)
}

// mkdirError is that of one of the groups.
func (g *Group) mkdirError(dir string, err error) error {
	e := &Error{Place: g.place(), Call: call("mkdir", dir), Err: err, Reason: g.reason(err)}
	count := "num_closids"
	if dir == g.mon {
		e.Place, count = where+".enableMonitoring", "L3_MON/num_rmids"
	}
	switch err {
	case unix.EEXIST:
		e.Tip = "another container or program has a group of this name; if nothing uses it: rmdir " + dir
	case unix.ENOSPC:
		e.Tip = "the CPU has no more groups (" + count + " below " + g.root + "/info): remove some that nothing uses"
	case unix.EPERM, unix.EACCES:
		e.Tip = "only root makes groups, and control groups only on a CPU that can allocate: see " + g.root + "/info"
	}
	return e
}

// reason is what the kernel says about the call that it has just refused with err. It keeps the
// last such sentence, so it is asked only after what resctrl itself refuses with.
func (g *Group) reason(err error) string {
	switch err {
	case unix.EINVAL, unix.ENOSPC, unix.ESRCH, unix.EBUSY:
	default:
		return ""
	}
	s, err := readFile(g.root + "/info/last_cmd_status")
	if err != nil {
		return ""
	}
	s = strings.Join(strings.Fields(s), " ")
	if s == "ok" {
		return ""
	}
	return s
}
