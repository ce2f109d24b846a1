// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/store"
)

// Status is where a container is in its life, in the words of the runtime specification.
type Status string

const (
	Creating Status = "creating" // somebody is making it
	Created  Status = "created"  // its process waits for start
	Running  Status = "running"
	Paused   Status = "paused"  // frozen, be it created or running
	Stopped  Status = "stopped" // its process has ended, or never came to be
)

// truth is what the kernel says of a container.
type truth struct {
	alive    bool // the process that was stored, not one that got its number, has not ended
	executed bool // it has executed a program
	frozen   bool
	making   bool // somebody holds the container's lock; asked only where it matters
}

// status derives the status from the little that is stored and what is true now.
//
// Created and running are not told apart by a note of start's: the kernel knows whether a process
// has executed anything (PF_FORKNOEXEC), and no crash of tare can come between the truth and the
// note. The phase is needed for the other end alone: before the last answer of its creator a
// process waits too, and dies when the creator does.
func (t truth) status(phase store.Phase) Status {
	switch {
	case t.alive && t.frozen:
		return Paused
	case t.alive && t.executed:
		return Running
	case t.alive && phase == store.Created:
		return Created
	case t.alive, t.making:
		return Creating
	}
	return Stopped
}

// Status derives the container's status from what is true now.
func (c *Container) Status() (Status, error) {
	t, err := c.truth()
	return t.status(c.state.Phase), err
}

func (c *Container) truth() (t truth, err error) {
	if c.state.PID != 0 {
		t, err = lookAt(c.state)
	}
	if err == nil && !t.alive && c.state.Phase == store.Creating {
		t.making = c.dir.Locked() || c.dir.Busy()
	}
	return t, err
}

// lookAt finds out about the process of a state.
func lookAt(s *store.State) (t truth, err error) {
	p, err := readStat(s.PID)
	if err == unix.ESRCH {
		return t, nil
	}
	if err != nil {
		return t, sysError("read /proc/PID/stat", err)
	}
	t.alive = p.start == s.StartTime && !p.ended()
	if !t.alive {
		return t, nil
	}
	t.executed = p.executed()
	cg, err := openCgroup(s)
	if err != nil {
		return t, err
	}
	t.frozen, err = cg.Frozen()
	return t, err
}
