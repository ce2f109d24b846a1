// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/hooks"
	"github.com/tare-runtime/tare/libcontainer/rdt"
	"github.com/tare-runtime/tare/spec"
)

// DeleteOptions is how Delete is to go about it.
type DeleteOptions struct {
	Force bool         // end the container first, whatever its status
	Warn  func(string) // gets what went wrong without keeping the container; may be nil
}

// Delete removes a container and all that it has: processes, cgroup, directory. Without Force it
// must be stopped, or created: then nothing of the user's has run yet.
//
// What a killed tare has left is removed too. ErrNotExist: there is no such container, or there
// was one that had not come as far as a state; with Force that is no error.
func Delete(root, id string, o DeleteOptions) error {
	dir, err := openDir(root, id)
	if err == nil {
		c := &Container{dir: dir}
		defer c.Close()
		err = c.delete(o)
	}
	if o.Force && errors.Is(err, ErrNotExist) {
		return nil
	}
	return err
}

// Delete is like the function of that name. The container is closed afterwards.
func (c *Container) Delete(force bool) error {
	defer c.Close()
	return c.delete(DeleteOptions{Force: force})
}

// delete goes from the outside in, and every step may be done twice: killed at any point, it
// leaves a container that delete finds stopped. The directory is last, since the state in it
// says what else there is.
func (c *Container) delete(o DeleteOptions) error {
	if err := c.lockToDelete(o.Force); err != nil {
		return err
	}
	state, err := c.dir.State()
	if err == ErrNotExist {
		// A creation was killed before its first state, so before it made anything else.
		if err := c.dir.Remove(); err != nil {
			return err
		}
		return ErrNotExist
	}
	if err != nil {
		return err
	}
	c.state = state
	if err := c.end(o.Force); err != nil {
		return err
	}
	cg, err := openCgroup(state)
	if err != nil {
		return err
	}
	if err := cg.Remove(); err != nil {
		return err
	}
	if state.Resctrl != "" {
		if err := rdt.Remove(strings.Split(state.Resctrl, "\n")); err != nil {
			return err
		}
	}
	if state.Poststop {
		c.poststop(o.Warn)
	}
	return c.dir.Remove()
}

// end makes sure that the container's process has ended.
func (c *Container) end(force bool) error {
	t := truth{}
	if c.state.PID != 0 {
		var err error
		if t, err = lookAt(c.state); err != nil {
			return err
		}
	}
	// The lock is ours, so nobody is creating: what still looks like it was left by the dead.
	switch status := t.status(c.state.Phase); status {
	case Stopped:
		return nil
	case Created, Creating:
	default:
		if !force {
			return &Error{
				Err: text("cannot delete container " + c.state.ID + " that is not stopped: " + string(status)),
				Tip: "tare kill " + c.state.ID + " KILL, or tare delete --force " + c.state.ID,
			}
		}
	}
	return c.killAndWait()
}

func (c *Container) killAndWait() error {
	fd, err := c.pidfd()
	if errors.Is(err, ErrNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := c.Kill(unix.SIGKILL, false); err != nil && !errors.Is(err, ErrNotRunning) {
		return err
	}
	until := time.Now().Add(patience)
	for {
		// A pidfd is readable when the process has ended, be it reaped or not.
		p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p[:], max(0, int(time.Until(until).Milliseconds())))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return sysError("poll", err)
		case n == 0:
			pid := strconv.Itoa(c.state.PID)
			return &Error{
				Err: text("process " + pid + " does not die"),
				Tip: "see /proc/" + pid + "/stack; then try again",
			}
		default:
			return nil
		}
	}
}

// lockToDelete waits for whoever is at work on the container. With force that work is made
// short, if there is a process whose death ends it.
func (c *Container) lockToDelete(force bool) error {
	if force && c.dir.Busy() {
		if state, err := c.dir.State(); err == nil {
			victim := Container{dir: c.dir, state: state}
			if err := victim.Kill(unix.SIGKILL, false); err != nil && !errors.Is(err, ErrNotRunning) {
				return err
			}
		}
	}
	return c.dir.Lock(patience)
}

// poststop runs the hooks of that name, every one of them. They come before the directory goes,
// so that a delete that is killed leaves them to the next one: rather twice than never.
func (c *Container) poststop(warn func(string)) {
	if warn == nil {
		warn = func(string) {}
	}
	raw, err := c.dir.Config()
	if errors.Is(err, unix.ENOENT) {
		return // a delete was killed after the hooks had run
	}
	if err != nil {
		warn(err.Error())
		return
	}
	config, err := spec.Decode("config.json", raw)
	if err != nil {
		warn(err.Error())
		return
	}
	if config.Hooks == nil {
		return
	}
	state := c.hookState(Stopped)
	for i := range config.Hooks.Poststop {
		if err := hooks.Run("poststop", i, &config.Hooks.Poststop[i], state, c.state.Bundle); err != nil {
			warn(err.Error())
		}
	}
}
