// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// access is what a device rule is about; the bits are BPF_DEVCG_ACC_* of linux/bpf.h.
type access uint8

const (
	accMknod access = 1 << iota
	accRead
	accWrite
	accAll = accMknod | accRead | accWrite
)

// anyNumber is the major or minor number of a rule for all of them.
const anyNumber = -1

// deviceRule allows or denies kinds of access to devices. Rules are told in order, for each kind
// of access the last that fits decides, and what no rule allows is denied.
type deviceRule struct {
	kind         byte // 'b', 'c', or 'a': every device, every access, the numbers are not looked at
	major, minor int64
	access       access
	allow        bool
	index        int // in linux.resources.devices, or -1: one of ours
}

// defaultRules come after the user's: a container has the devices of the default /dev, may make
// any node, which gives no access by itself, and may open /dev/net/tun.
var defaultRules = [...]deviceRule{
	{'c', anyNumber, anyNumber, accMknod, true, -1},
	{'b', anyNumber, anyNumber, accMknod, true, -1},
	{'c', 1, 3, accAll, true, -1},           // null
	{'c', 1, 5, accAll, true, -1},           // zero
	{'c', 1, 7, accAll, true, -1},           // full
	{'c', 1, 8, accAll, true, -1},           // random
	{'c', 1, 9, accAll, true, -1},           // urandom
	{'c', 5, 0, accAll, true, -1},           // tty
	{'c', 5, 1, accAll, true, -1},           // console
	{'c', 5, 2, accAll, true, -1},           // ptmx
	{'c', 136, anyNumber, accAll, true, -1}, // pts/*
	{'c', 10, 200, accAll, true, -1},        // net/tun
}

// deviceRules checks the user's rules and adds the default ones. An empty list allows nothing
// more than the defaults.
func deviceRules(list []specs.LinuxDeviceCgroup) ([]deviceRule, error) {
	rules := make([]deviceRule, 0, len(list)+len(defaultRules))
	for i := range list {
		r, why := parseRule(&list[i], i)
		if why != "" {
			return nil, &Error{Place: devicePlace(i), Call: why}
		}
		rules = append(rules, r)
	}
	return append(rules, defaultRules[:]...), nil
}

func devicePlace(i int) string {
	if i < 0 {
		return "linux.resources.devices"
	}
	return "linux.resources.devices[" + decimal(i) + "]"
}

// parseRule reads one rule, or says why it cannot.
func parseRule(d *specs.LinuxDeviceCgroup, i int) (r deviceRule, why string) {
	r = deviceRule{kind: 'a', major: anyNumber, minor: anyNumber, allow: d.Allow, index: i}
	switch d.Type {
	case "":
	case "a", "b", "c":
		r.kind = d.Type[0]
	default:
		return r, "type: want a, b or c, got " + quote(d.Type)
	}
	if d.Access == "" {
		return r, "access: want letters of rwm, got none: device access cannot be empty"
	}
	for _, letter := range d.Access {
		switch letter {
		case 'r':
			r.access |= accRead
		case 'w':
			r.access |= accWrite
		case 'm':
			r.access |= accMknod
		default:
			return r, "access: want letters of rwm, got " + quote(d.Access)
		}
	}
	for _, n := range [...]struct {
		name string
		from *int64
		to   *int64
	}{{"major", d.Major, &r.major}, {"minor", d.Minor, &r.minor}} {
		if n.from == nil {
			continue
		}
		if *n.from < anyNumber || *n.from > 1<<32-1 {
			return r, n.name + ": want a device number or -1"
		}
		*n.to = *n.from
	}
	if r.kind == 'a' {
		// As in the kernel's devices.allow and in runc: "a" is everything.
		r.major, r.minor, r.access = anyNumber, anyNumber, accAll
	}
	return r, ""
}

// setDevices puts the device rules in force. fresh says that every directory was made just now.
func (c *Cgroup) setDevices(t tree, unified, fresh bool) error {
	var err error
	if unified {
		err = setDevicesV2(c.loc.dir(""), c.devices, fresh)
	} else if dir := c.loc.dir("devices"); dir != "" {
		err = setDevicesV1(t, dir, c.devices)
	}
	if c.rootless && refused(err) {
		// A user who may not set rules may not make device nodes either.
		return nil
	}
	return err
}

// covers says whether every device of s is one of r.
func (r *deviceRule) covers(s *deviceRule) bool {
	return r.kind == 'a' || r.kind == s.kind &&
		(r.major == anyNumber || r.major == s.major) &&
		(r.minor == anyNumber || r.minor == s.minor)
}

// meets says whether some device is one of both r and s.
func (r *deviceRule) meets(s *deviceRule) bool {
	return r.kind == 'a' || s.kind == 'a' || r.kind == s.kind &&
		(r.major == anyNumber || s.major == anyNumber || r.major == s.major) &&
		(r.minor == anyNumber || s.minor == anyNumber || r.minor == s.minor)
}

// String is the rule as devices.allow and devices.deny take it.
func (r *deviceRule) String() string {
	if r.kind == 'a' {
		return "a"
	}
	b := append(make([]byte, 0, 24), r.kind, ' ')
	b = appendNumber(b, r.major)
	b = append(b, ':')
	b = appendNumber(b, r.minor)
	b = append(b, ' ')
	for _, one := range [...]struct {
		bit    access
		letter byte
	}{{accRead, 'r'}, {accWrite, 'w'}, {accMknod, 'm'}} {
		if r.access&one.bit != 0 {
			b = append(b, one.letter)
		}
	}
	return string(b)
}

func appendNumber(b []byte, n int64) []byte {
	if n == anyNumber {
		return append(b, '*')
	}
	return strconv.AppendInt(b, n, 10)
}
