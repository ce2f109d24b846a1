// SPDX-License-Identifier: Apache-2.0

package cgroup

import "golang.org/x/sys/unix"

// A v1 devices cgroup is a default, allow or deny, and a list of exceptions to it, each of which
// stands for itself: there is no order (Documentation/admin-guide/cgroup-v1/devices.rst). The
// kernel takes an exception back only if told in the words it was made with, and keeps quiet
// otherwise.

// exceptions is the state of a devices cgroup.
type exceptions struct {
	allow bool // the default
	list  []deviceRule
}

// v1Exceptions turns rules in order into a default and its exceptions. It is an error where v1
// cannot say it: a hole in an exception of more devices.
func v1Exceptions(rules []deviceRule) (exceptions, error) {
	var x exceptions
	x.list = make([]deviceRule, 0, len(rules))
	for i := range rules {
		r := &rules[i]
		if r.kind == 'a' {
			x.allow, x.list = r.allow, x.list[:0]
			continue
		}
		if r.allow != x.allow {
			x.add(r)
		} else if err := x.takeBack(r); err != nil {
			return x, err
		}
	}
	return x, nil
}

func (x *exceptions) add(r *deviceRule) {
	for i := range x.list {
		e := &x.list[i]
		if e.kind == r.kind && e.major == r.major && e.minor == r.minor {
			if e.access|r.access != e.access {
				e.access |= r.access
				e.index = max(e.index, r.index)
			}
			return
		}
	}
	x.list = append(x.list, *r)
}

func (x *exceptions) takeBack(r *deviceRule) error {
	kept := x.list[:0]
	for _, e := range x.list {
		switch {
		case e.access&r.access == 0 || !r.meets(&e):
		case r.covers(&e):
			if e.access &^= r.access; e.access == 0 {
				continue
			}
		default:
			return &Error{
				Place: devicePlace(r.index),
				Call:  "cgroup v1 cannot except " + r.String() + " from the wider rule " + e.String(),
				Hint:  "name the devices one by one, or use cgroup v2",
			}
		}
		kept = append(kept, e)
	}
	x.list = kept
	return nil
}

// setDevicesV1 puts rules in force in a devices cgroup, whatever was in force there before.
//
// A cgroup cannot allow what the one above it denies. For a default rule of ours that is no
// error: the container gets less than it might have.
func setDevicesV1(t tree, dir string, rules []deviceRule) error {
	x, err := v1Exceptions(rules)
	if err != nil {
		return err
	}
	first, then := dir+"/devices.deny", dir+"/devices.allow"
	if x.allow {
		first, then = then, first
	}
	if err := t.writeFile(first, "a"); err != nil {
		return atDevices(err) // EINVAL: there are cgroups below
	}
	if len(x.list) == 0 {
		return nil
	}
	fd, err := t.open(then, unix.O_WRONLY)
	if err != nil {
		return atDevices(err)
	}
	defer unix.Close(fd)
	for i := range x.list {
		r := &x.list[i]
		err := write(fd, r.String())
		if err == unix.EPERM && r.index < 0 && r.allow {
			continue
		}
		if err != nil {
			return &Error{Place: devicePlace(r.index), Call: "write " + quote(r.String()) + " to " + then, Err: err}
		}
	}
	return nil
}

func atDevices(err error) error {
	if e, ok := err.(*Error); ok {
		e.Place = devicePlace(-1)
	}
	return err
}
