// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"bytes"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// freezeTime is how long Freeze waits: as long as runc.
const freezeTime = 10 * time.Second

// Frozen says whether the cgroup itself was told to freeze, not one above it. A container without
// a freezer is never frozen, nor is one whose cgroup is gone.
func (c *Cgroup) Frozen() (bool, error) {
	d, ok := c.freezer()
	if !ok {
		return false, nil
	}
	return isFrozen(d)
}

// Freeze stops every process in the cgroup and below, and waits until they stand still, 10
// seconds at most. On an error it thaws what it froze.
func (c *Cgroup) Freeze() error {
	d, ok := c.freezer()
	if !ok {
		return &Error{Call: "the container has no freezer cgroup"}
	}
	if err := c.freeze(d, time.Now().Add(freezeTime)); err != nil {
		_ = thaw(d)
		return err
	}
	return nil
}

// Thaw lets the processes run again. A cgroup that is not there is thawed.
func (c *Cgroup) Thaw() error {
	d, ok := c.freezer()
	if !ok {
		return nil
	}
	return thaw(d)
}

// freezer is where the container is frozen: the v1 freezer if there is one, since a frozen v1
// process does not even die of SIGKILL and so its state is the one that matters.
func (c *Cgroup) freezer() (Dir, bool) {
	for _, d := range c.loc.Dirs {
		if d.has("freezer") {
			return d, true
		}
	}
	if c.loc.Unified() {
		return c.loc.Dirs[0], true
	}
	return Dir{}, false
}

func isFrozen(d Dir) (bool, error) {
	file := "/cgroup.freeze"
	if d.Controllers != "" {
		file = "/freezer.self_freezing"
	}
	b, err := anywhere.readFile(d.Path + file)
	if gone(err) {
		return false, nil
	}
	return len(b) > 0 && b[0] == '1', err
}

func thaw(d Dir) error {
	var err error
	if d.Controllers == "" {
		err = anywhere.writeFile(d.Path+"/cgroup.freeze", "0")
	} else {
		err = anywhere.writeFile(d.Path+"/freezer.state", "THAWED")
	}
	if gone(err) {
		return nil
	}
	return err
}

func (c *Cgroup) freeze(d Dir, until time.Time) error {
	if d.Controllers == "" {
		if err := anywhere.writeFile(d.Path+"/cgroup.freeze", "1"); err != nil {
			return err
		}
		return awaitEvent(d.Path, "frozen 1", until)
	}
	// A v1 freezer can miss a process that is being born: it says FREEZING until it is told
	// again, and never catches up with a fork bomb unless that gets to run in between
	// (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst).
	for pause := 50 * time.Microsecond; ; pause = min(2*pause, 10*time.Millisecond) {
		if err := anywhere.writeFile(d.Path+"/freezer.state", "FROZEN"); err != nil {
			return err
		}
		state, err := anywhere.readFile(d.Path + "/freezer.state")
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(state)) == "FROZEN" {
			return nil
		}
		if time.Now().After(until) {
			return &Error{Call: "freeze " + d.Path, Err: unix.ETIMEDOUT}
		}
		if pause == 10*time.Millisecond {
			_ = thaw(d)
		}
		time.Sleep(pause)
	}
}

// awaitEvent waits until cgroup.events of a v2 cgroup has the line, or the cgroup is gone.
func awaitEvent(dir, line string, until time.Time) error {
	file := dir + "/cgroup.events"
	fd, err := anywhere.open(file, unix.O_RDONLY)
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	buf := make([]byte, 256)
	for {
		n, err := unix.Pread(fd, buf, 0)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.ENODEV:
			return nil
		case err != nil:
			return callError("read", file, err)
		}
		for one := range bytes.Lines(buf[:n]) {
			if string(bytes.TrimSuffix(one, []byte("\n"))) == line {
				return nil
			}
		}
		left := time.Until(until)
		if left <= 0 {
			return &Error{Call: "wait for " + quote(line) + " in " + file, Err: unix.ETIMEDOUT}
		}
		// The kernel raises POLLPRI when the file differs from what was read last.
		p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}
		_, err = unix.Poll(p[:], int(left.Milliseconds())+1)
		if err != nil && err != unix.EINTR {
			return callError("poll", file, err)
		}
	}
}
