// SPDX-License-Identifier: Apache-2.0

// Package cgroup makes a container's cgroup, says how a process is born in it, and removes it
// with everything that lives there.
//
// The invariant: a Location is known before anything is made and names every directory that
// Create makes for the container, so Open(location).Remove() undoes a Create that was killed at
// any of its system calls. (Missing parents named by linux.cgroupsPath are made too; like runc,
// nobody removes those.)
//
// Limits are written by github.com/opencontainers/cgroups, from limits.go and nowhere else.
// Places, births, device rules, freezing, killing and removing are done here, with the fewest
// system calls that do it: see cgroups(7), Documentation/admin-guide/cgroup-v2.rst and
// Documentation/admin-guide/cgroup-v1 in the kernel.
package cgroup

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Options says where a container's cgroup is and what it may use.
type Options struct {
	ID        string                // the container's id: the cgroup's name if Path is empty
	Path      string                // linux.cgroupsPath
	Systemd   bool                  // let systemd make it: an *UnsupportedError for now
	Rootless  bool                  // go without the cgroups this user may not make, if none was asked for
	Resources *specs.LinuxResources // linux.resources
}

// Cgroup is the cgroup of one container: one directory on cgroup v2, one a hierarchy on v1.
// Its methods may run in any goroutine, but not two of them at once.
type Cgroup struct {
	loc      Location
	res      *specs.LinuxResources
	devices  []deviceRule
	rootless bool
	placed   bool // linux.cgroupsPath was given
}

// New decides where the cgroup is and checks o.Resources. It makes nothing. It reads
// /proc/self/cgroup and the file system types below /sys/fs/cgroup; mountinfo only where a
// hierarchy is not mounted in its usual place or not from its root, as inside a container.
//
// The place is runc's. An absolute Path starts at the hierarchy's root; a relative one, and the
// id if there is no Path, starts at the caller's own cgroup on v1, beside the caller's own on v2,
// and at the root of the cgroup2 mount of a hybrid host. A Path that climbs out or names the
// starting point itself is refused.
func New(o Options) (*Cgroup, error) {
	if o.Systemd {
		return nil, &UnsupportedError{Feature: "--systemd-cgroup", Hint: "without the flag the cgroup is made in cgroupfs"}
	}
	name, err := innerPath(o)
	if err != nil {
		return nil, err
	}
	c := &Cgroup{res: o.Resources, rootless: o.Rootless, placed: o.Path != ""}
	var rules []specs.LinuxDeviceCgroup
	if o.Resources != nil {
		rules = o.Resources.Devices
	}
	if c.devices, err = deviceRules(rules); err != nil {
		return nil, err
	}
	machine, done := liveHost()
	defer done()
	if c.loc, err = locate(name, machine); err != nil {
		if c.rootless && !c.placed && !limited(o.Resources) {
			return c, nil
		}
		return nil, err
	}
	if err := checkLimits(o.Resources, c.loc.Unified()); err != nil {
		return nil, err
	}
	return c, nil
}

// Open is the cgroup at l, made earlier. It touches nothing.
func Open(l Location) *Cgroup { return &Cgroup{loc: l} }

// Location is where the cgroup is. Create may shorten it (hierarchies that a rootless caller may
// not use), so store it again afterwards.
func (c *Cgroup) Location() Location { return c.loc }

// lenient says whether a refusal by the kernel is no error: rootless, no place asked for.
func (c *Cgroup) lenient(err error) bool {
	return c.rootless && !c.placed && refused(err)
}

// UnsupportedError is something tare cannot do yet, or the host cannot.
type UnsupportedError struct {
	Feature string
	Hint    string // what to do instead, or ""
}

func (e *UnsupportedError) Error() string { return e.Feature + ": not supported yet" }

// Error is a step that went wrong, in the user's terms:
//
//	linux.resources.pids.limit: write "x" to pids.max: invalid argument (EINVAL)
type Error struct {
	Place string // in config.json, or ""
	Call  string // what was done, to what; or all there is to say, when Err is nil
	Err   error  // most often a unix.Errno
	Hint  string // what to do about it, or ""
}

func (e *Error) Error() string {
	s := e.Call
	if e.Place != "" {
		s = e.Place + ": " + s
	}
	if e.Err == nil {
		return s
	}
	return s + ": " + errText(e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// errText is the kernel's sentence and the errno's name.
func errText(err error) string {
	errno, ok := err.(unix.Errno)
	if !ok {
		return err.Error()
	}
	if name := unix.ErrnoName(errno); name != "" {
		return errno.Error() + " (" + name + ")"
	}
	return errno.Error()
}

// callError is the failure of a system call on a path.
func callError(call, path string, err error) error {
	return &Error{Call: call + "(" + quote(path) + ")", Err: err}
}
