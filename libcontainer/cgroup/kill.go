// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"time"

	"golang.org/x/sys/unix"
)

// Signal sends sig to every process in the cgroup and below, once each: they are frozen meanwhile
// where that can be done, so that none is born unseen and no pid changes hands. A container that
// was frozen before stays frozen, except for SIGKILL, which is Kill.
func (c *Cgroup) Signal(sig unix.Signal) error {
	if sig == unix.SIGKILL {
		return c.Kill()
	}
	was, err := c.Frozen()
	if err != nil {
		return err
	}
	if d, ok := c.freezer(); ok && !was {
		// Not frozen in time, or not permitted: the signal goes out all the same.
		_ = c.freeze(d, time.Now().Add(time.Second))
		defer func() { _ = thaw(d) }()
	}
	pids, err := c.AllPids()
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return killEach(pids, sig)
}

// Kill sends SIGKILL to every process in the cgroup and below so that none escapes by forking, and
// thaws them if they are frozen. It does not wait for their end, except on a hybrid host a tenth
// of a second. No cgroup is no error.
func (c *Cgroup) Kill() error {
	if dir := c.loc.dir(""); dir != "" {
		err := anywhere.writeFile(dir+"/cgroup.kill", "1") // Linux 5.14
		switch {
		case gone(err):
		case is(err, unix.EOPNOTSUPP): // a threaded cgroup
		case err != nil:
			return err
		case c.loc.Unified():
			return nil // v2 processes die frozen
		default:
			// v1 processes do not, and need not all be in the hybrid host's cgroup2.
			if err := c.Thaw(); err != nil {
				return err
			}
			if err := awaitEvent(dir, "populated 0", time.Now().Add(100*time.Millisecond)); err != nil && !is(err, unix.ETIMEDOUT) {
				return err
			}
		}
	}
	for _, d := range c.loc.Dirs {
		if err := c.killIn(d.Path); err != nil {
			return err
		}
	}
	return nil
}

// killIn kills the processes below one directory by pid: frozen they cannot fork, and as each has
// its signal pending when thawed, none runs again. Without a freezer it goes on until no process
// is there that has not been killed before.
func (c *Cgroup) killIn(dir string) error {
	pids, err := pidsBelow(dir)
	if gone(err) || err == nil && len(pids) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if d, ok := c.freezer(); ok {
		_ = c.freeze(d, time.Now().Add(100*time.Millisecond))
		defer func() { _ = thaw(d) }()
	}
	killed := 0
	for range 100 {
		pids, err := pidsBelow(dir)
		if gone(err) {
			return nil
		}
		if err != nil {
			return err
		}
		pids = visible(pids)
		if err := killEach(pids, unix.SIGKILL); err != nil {
			return err
		}
		if len(pids) <= killed {
			return nil
		}
		killed = len(pids)
	}
	return nil
}

// killEach signals all of pids, also after an error, of which it returns the first. A process
// that is gone is none.
func killEach(pids []int, sig unix.Signal) error {
	var first error
	for _, pid := range pids {
		if err := unix.Kill(pid, sig); err != nil && err != unix.ESRCH && first == nil {
			first = &Error{Call: "kill(" + decimal(pid) + ", " + unix.SignalName(sig) + ")", Err: err}
		}
	}
	return first
}
