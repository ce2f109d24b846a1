// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Kill sends a signal to the container's process; with all, to every process in its cgroup, and
// then it is no error that none is left. ErrNotRunning: the process has ended.
//
// SIGKILL to a container without a pid namespace of its own goes to its whole cgroup: with one,
// the kernel ends everybody when the first process dies; without, the others would stay.
func (c *Container) Kill(sig unix.Signal, all bool) error {
	cg, err := openCgroup(c.state)
	if err != nil {
		return err
	}
	group := len(cg.Location().Dirs) > 0
	if group && (all || sig == unix.SIGKILL && !c.state.PrivatePID) {
		pids, err := c.Pids()
		if err != nil {
			return err
		}
		switch {
		case len(pids) > 0:
			return cg.Signal(sig)
		case all:
			return nil
		}
		// The process may be where its cgroup is not: somebody has moved it.
	}
	err = c.signal(sig)
	if all && errors.Is(err, ErrNotRunning) {
		return nil
	}
	if err != nil || sig != unix.SIGKILL || cg.Location().Unified() {
		return err
	}
	// Frozen by a v1 freezer, a process does not even die.
	if frozen, err := cg.Frozen(); err != nil || !frozen {
		return err
	}
	return cg.Thaw()
}

// signal sends a signal to the container's process.
//
// A created container's process is the init of its pid namespace, with no handlers, and to such
// a process the kernel delivers nothing but SIGKILL (and SIGSTOP). Callers expect that a signal
// which ends programs ends a container that has no program yet: so SIGKILL takes its place.
func (c *Container) signal(sig unix.Signal) error {
	fd, err := c.pidfd()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if c.state.PrivatePID && ends(sig) {
		if p, err := readStat(c.state.PID); err == nil && !p.executed() {
			sig = unix.SIGKILL
		}
	}
	switch err := unix.PidfdSendSignal(fd, sig, nil, 0); err {
	case nil:
		return nil
	case unix.ESRCH:
		return ErrNotRunning
	default:
		return sysError("pidfd_send_signal", err)
	}
}
