// SPDX-License-Identifier: Apache-2.0

package rdt

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Create makes the groups that Plan named, and that of linux.intelRdt.closID if a schema says how
// it should be; it writes the schemata of what it makes and of nothing else. A closID that exists
// must have the schemata asked for.
//
// It holds the lock that the kernel's documentation asks programs to take, so nobody who does too
// sees a group before its schemata. After an error nothing is left that it made. Remove is still
// in order then, unless the error is EEXIST: such a group is somebody else's.
//
// One killed between mkdir and the write of schemata leaves a closID with the kernel's defaults,
// which a later Create reports as different.
func (g *Group) Create() (err error) {
	if g == nil {
		return nil
	}
	if err := g.checkNames(); err != nil {
		return err
	}
	if g.closID != "" && len(g.lines) == 0 && g.mon == "" {
		return nil
	}
	fd, err := g.lock()
	if err != nil {
		return err
	}
	defer unix.Close(fd)

	var made []string
	defer func() {
		if err != nil {
			_ = remove(made, g.rmdir)
		}
	}()
	if g.closID == "" || len(g.lines) > 0 {
		switch err := g.mkdir(g.dir); {
		case err == nil:
			made = append(made, g.dir)
			if err := g.writeSchemata(); err != nil {
				return err
			}
		case err == unix.EEXIST && g.closID != "":
			if err := g.compareSchemata(); err != nil {
				return err
			}
		default:
			return g.mkdirError(g.dir, err)
		}
	}
	if g.mon == "" {
		return nil
	}
	if err := g.mkdir(g.mon); err != nil {
		return g.mkdirError(g.mon, err)
	}
	return nil
}

// lock is the write lock of resctrl: flock(2) of its root. Anybody may take it who can read that
// directory, so it is not waited for without end. The caller closes the descriptor.
func (g *Group) lock() (int, error) {
	fd, err := open(g.root, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return -1, &Error{Place: where, Call: call("open", g.root), Err: err}
	}
	until := time.Now().Add(g.patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return fd, nil
		}
		if err == unix.EINTR || err == unix.EWOULDBLOCK && time.Now().Before(until) {
			time.Sleep(pause)
			continue
		}
		unix.Close(fd)
		e := &Error{Place: where, Call: call("flock", g.root), Err: err}
		if err == unix.EWOULDBLOCK {
			e.Tip = "another program holds the lock of resctrl: see lslocks"
		}
		return -1, e
	}
}

// writeSchemata writes all lines at once: the kernel takes or refuses them together.
func (g *Group) writeSchemata() error {
	if len(g.lines) == 0 {
		return nil
	}
	data := text(g.lines)
	step, err := writeFile(g.dir+"/schemata", data+"\n")
	if err == nil {
		return nil
	}
	e := &Error{Place: common(g.lines) + " " + strconv.Quote(data), Call: step + " schemata", Err: err}
	if step == "write" {
		e.Reason = g.reason(err)
	}
	return e
}

// compareSchemata says what differs between a group that exists and what is asked for.
func (g *Group) compareSchemata() error {
	file := g.dir + "/schemata"
	content, err := readFile(file)
	if err != nil {
		return &Error{Place: g.place(), Call: call("read", file), Err: err}
	}
	l, have, differ := difference(g.lines, content, g.step)
	if !differ {
		return nil
	}
	e := &Error{
		Place: l.place + " " + strconv.Quote(l.text),
		Call:  "closID " + strconv.Quote(g.closID) + " exists with " + strconv.Quote(have),
		Tip:   "make the two equal, or leave the schemas out to use the group as it is",
	}
	if have == "" {
		e.Call = "closID " + strconv.Quote(g.closID) + " exists and has no such line"
	}
	if g.dir != g.root {
		e.Tip += "; if nothing uses it: rmdir " + g.dir
	}
	return e
}

// step is what the kernel rounds up a bandwidth to, or 0 if that is not known.
func (g *Group) step(resource string) uint64 {
	if !name(resource) {
		return 0
	}
	s, err := readFile(g.root + "/info/" + resource + "/bandwidth_gran")
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return 0
	}
	return n
}
