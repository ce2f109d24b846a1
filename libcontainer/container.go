// SPDX-License-Identifier: Apache-2.0

// Package libcontainer makes containers and looks after them: the life of a container as the
// runtime specification has it, as a Go library. Any program may use it, with any number of
// goroutines; nothing is executed again and nothing is needed in its main.
//
// The invariant: what is stored of a container is an intent or an identity, never a status. A
// status is asked of the kernel each time, so a container is never believed to be what it no
// longer is, whoever died in between.
package libcontainer

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/cgroup"
	"github.com/tare-runtime/tare/libcontainer/store"
)

// The errors that callers look for. Engines match on the texts.
const (
	ErrExist      = store.ErrExist
	ErrNotExist   = store.ErrNotExist
	ErrID         = store.ErrID
	ErrBusy       = store.ErrBusy
	ErrNotRunning = text("container not running")
	ErrNotPaused  = text("container not paused")
)

// patience is how long one tare waits for another that is at work on the same container.
const patience = 10 * time.Second

// Container is a container that exists, whatever its status. It holds two descriptors until
// Close. Its methods are not safe to be called at the same time.
type Container struct {
	dir   *store.Dir
	state *store.State
}

// Load finds a container. ErrNotExist: there is none in root, nor need there be a root.
func Load(root, id string) (*Container, error) {
	dir, err := openDir(root, id)
	if err != nil {
		return nil, err
	}
	state, err := dir.State()
	if err != nil {
		dir.Close()
		return nil, err
	}
	return &Container{dir, state}, nil
}

func openDir(root, id string) (*store.Dir, error) {
	if err := store.CheckID(id); err != nil {
		return nil, err
	}
	r, err := store.Open(root)
	if errors.Is(err, unix.ENOENT) {
		return nil, ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Dir(id)
}

// intend begins a container: its directory, locked, with the configuration and a state that names
// all that is going to be made. Nothing of that may be made before.
func intend(root string, sticky bool, s *store.State, config []byte) (*Container, error) {
	r, err := store.Make(root, sticky)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	dir, err := r.Create(s.ID)
	if err != nil {
		return nil, err
	}
	c := &Container{dir, s}
	s.Phase, s.Owner = store.Creating, uint32(unix.Geteuid())
	s.Created = time.Now().UTC().Format(time.RFC3339Nano)
	if err := dir.SaveConfig(config); err != nil {
		c.remove()
		return nil, err
	}
	if err := dir.Save(s); err != nil {
		c.remove()
		return nil, err
	}
	return c, nil
}

// setProcess stores who the container's process is. It must be a child that is not yet reaped, or
// its number could be another's.
func (c *Container) setProcess(pid int) error {
	p, err := readStat(pid)
	if err != nil {
		return sysError("read /proc/PID/stat", err)
	}
	c.state.PID, c.state.StartTime = pid, p.start
	return c.dir.Save(c.state)
}

// setCreated stores that the container is whole.
func (c *Container) setCreated() error {
	c.state.Phase = store.Created
	return c.dir.Save(c.state)
}

// remove takes the directory away and closes it.
func (c *Container) remove() error {
	err := c.dir.Remove()
	c.Close()
	return err
}

// lock makes the container the caller's until Close, and reads its state again, which
// may have changed before the lock was had.
func (c *Container) lock() error {
	if c.dir.Locked() {
		return nil
	}
	if err := c.dir.Lock(patience); err != nil {
		return err
	}
	state, err := c.dir.State()
	if err != nil {
		return err
	}
	c.state = state
	return nil
}

// Close lets go of the descriptors, and of the lock. The container is not touched.
func (c *Container) Close() { c.dir.Close() }

// ID is the container's name.
func (c *Container) ID() string { return c.state.ID }

// PID is the number of the container's process; 0: it never had one. The process may have ended.
func (c *Container) PID() int { return c.state.PID }

// Pids are the processes in the container's cgroup and below, ascending.
func (c *Container) Pids() ([]int, error) {
	cg, err := openCgroup(c.state)
	if err != nil {
		return nil, err
	}
	pids, err := cg.AllPids()
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
		return nil, nil
	}
	return pids, err
}

// openCgroup is the cgroup of a state.
func openCgroup(s *store.State) (*cgroup.Cgroup, error) {
	l, err := cgroup.ParseLocation(s.Cgroup)
	if err != nil {
		return nil, err
	}
	return cgroup.Open(l), nil
}

// pidfd opens the container's process. ErrNotRunning: it has ended. A number that now is another
// process's is not taken: the descriptor comes first, then the comparison of the start times, so
// what was compared is what is held.
func (c *Container) pidfd() (int, error) {
	if c.state.PID == 0 {
		return -1, ErrNotRunning
	}
	fd, err := unix.PidfdOpen(c.state.PID, 0)
	if err == unix.ESRCH {
		return -1, ErrNotRunning
	}
	if err != nil {
		return -1, sysError("pidfd_open", err)
	}
	p, err := readStat(c.state.PID)
	if err == nil && p.start == c.state.StartTime && !p.ended() {
		return fd, nil
	}
	unix.Close(fd)
	if err != nil && err != unix.ESRCH {
		return -1, sysError("read /proc/PID/stat", err)
	}
	return -1, ErrNotRunning
}
