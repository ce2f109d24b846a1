// SPDX-License-Identifier: Apache-2.0

// Package netdevice moves network devices into a container's network namespace
// (config-linux.md, "Network Devices").
//
// The invariant: the caller's thread never leaves its own namespace. What is asked of the
// container's goes through a socket that was opened in it, by another thread.
package netdevice

import (
	"errors"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Move moves network devices of the caller's network namespace into the one behind netns (a
// descriptor of /proc/PID/ns/net, which stays the caller's), gives each its new name, keeps its
// addresses, and brings it up. A name with %d is a template, which the kernel fills in.
//
// The devices are moved one by one, in the order of their names. The addresses that are kept are
// the permanent ones of global scope, IPv4 and IPv6. All else that belongs to a namespace and not
// to a device is gone, as after `ip link set netns`: routes, neighbours, the device's sysctls, its
// place in a bridge.
//
// A device that does not exist and a name that is taken are found before anything is moved.
// After a failure further on, all that were moved are moved back, get back their name, index and
// addresses, and are up if they were; the error tells of one with which that did not succeed. A
// caller that is killed meanwhile leaves the devices where they are.
//
// The error has the errno of the call that failed, and is one line that begins with
// `linux.netDevices`.
func Move(netns int, devices map[string]specs.LinuxNetDevice) error {
	if len(devices) == 0 {
		return nil
	}
	m, err := open(netns)
	if err != nil {
		return err
	}
	defer m.close()
	found, err := m.find(devices)
	if err != nil {
		return err
	}
	for i := range found {
		if err := m.move(&found[i]); err != nil {
			return m.undo(found[:i+1], err)
		}
	}
	return nil
}

// mover is what a Move works with.
type mover struct {
	netns, home int   // the container's namespace and the caller's
	there, here *conn // sockets in them
}

func open(netns int) (m *mover, err error) {
	m = &mover{netns: netns, home: -1}
	defer func() {
		if err != nil {
			m.close()
			m = nil
		}
	}()
	if m.home, err = openOwn(); err != nil {
		return m, failed(netDevices, `open "`+ownNetns+`"`, err)
	}
	if m.here, err = dial(); err != nil {
		return m, failed(netDevices, "socket(NETLINK_ROUTE)", err)
	}
	if m.there, err = dialIn(netns); err != nil {
		return m, failed(netDevices, "enter the container's network namespace", err)
	}
	return m, nil
}

func (m *mover) close() {
	if m.home >= 0 {
		unix.Close(m.home)
	}
	m.here.close()
	m.there.close()
}

const ownNetns = "/proc/thread-self/ns/net"

func openOwn() (int, error) {
	return unix.Open(ownNetns, unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

// dialIn opens a socket in another network namespace, where it stays whoever uses it.
func dialIn(netns int) (c *conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		var home int
		if home, err = openOwn(); err == nil {
			defer unix.Close(home)
			err = unix.Setns(netns, unix.CLONE_NEWNET)
		}
		if err != nil {
			runtime.UnlockOSThread()
			return
		}
		c, err = dial()
		// Who is root in a user namespace only may enter what that owns, and not come back. Then the
		// thread stays locked: Go ends it, or never uses it again, when this function returns.
		if unix.Setns(home, unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
	}()
	<-done
	return c, err
}

// isHome tells whether both namespaces are the same.
func (m *mover) isHome() bool {
	var a, b unix.Stat_t
	return unix.Fstat(m.netns, &a) == nil && unix.Fstat(m.home, &b) == nil && a.Dev == b.Dev && a.Ino == b.Ino
}

// device is one of linux.netDevices.
type device struct {
	link
	where     string // `linux.netDevices["eth1"]`
	wanted    string // its name in the container
	addresses []address
	there     int32 // its index in the container; 0 if it is not there
}

// find looks at all devices before the first is moved: none loses its routes for an error that
// could have been seen.
func (m *mover) find(devices map[string]specs.LinuxNetDevice) ([]device, error) {
	var all []device
	for _, name := range slices.Sorted(maps.Keys(devices)) {
		d := device{where: netDevices + "[" + strconv.Quote(name) + "]", wanted: devices[name].Name}
		if m.isHome() {
			return nil, &failure{d.where + ": already in the container's network namespace, which is the runtime's own", unix.EEXIST}
		}
		var err error
		if d.link, err = m.here.link(0, name); errors.Is(err, unix.ENODEV) {
			return nil, &failure{d.where + ": no such device in the runtime's network namespace", err}
		} else if err != nil {
			return nil, failed(d.where, "look it up", err)
		}
		if d.wanted == "" {
			d.wanted = d.name // which is not the key if that is an alternative name
		}
		if !d.template() {
			if _, err := m.there.link(0, d.wanted); err == nil {
				return nil, d.taken(unix.EEXIST)
			} else if !errors.Is(err, unix.ENODEV) {
				return nil, failed(d.where, "look up "+d.wanted+" in the container's network namespace", err)
			}
		}
		all = append(all, d)
	}
	return all, nil
}

func (d *device) template() bool { return strings.Contains(d.wanted, "%") }

func (d *device) taken(err error) error {
	message := d.where + ".name " + d.wanted + ": taken in the container's network namespace"
	if k, ok := err.(*kernelError); ok && k.detail != "" {
		message += ": " + k.detail
	}
	return &failure{message, err}
}

// move is over when the device is up in the container, or with an error; d.there tells where the
// device is then.
func (m *mover) move(d *device) (err error) {
	if d.addresses, err = m.here.addresses(d.index); err != nil {
		return failed(d.where, "list its addresses", err)
	}
	d.there, err = pass(m.here, m.there, m.netns, d.index, d.index, d.wanted)
	if errors.Is(err, unix.EEXIST) {
		return d.taken(err)
	} else if err != nil {
		return failed(d.where, "move it to the container's network namespace", err)
	}
	now := d.wanted
	if d.template() {
		l, err := m.there.link(d.there, "")
		if err != nil {
			return failed(d.where, "look it up in the container's network namespace", err)
		}
		now = l.name
	}
	for i := range d.addresses {
		a := &d.addresses[i]
		if err := m.there.add(d.there, a, relabel(a.label, d.name, now)); err != nil {
			return failed(d.where, "add "+a.String()+" in the container's network namespace", err)
		}
	}
	if err := m.there.up(d.there); err != nil {
		return failed(d.where, "bring it up in the container's network namespace", err)
	}
	return nil
}

// undo moves devices back, the last first. It returns err, which was the reason, and in it what
// went wrong here.
func (m *mover) undo(moved []device, err error) error {
	message := err.Error()
	for i := len(moved) - 1; i >= 0; i-- {
		d := &moved[i]
		if d.there == 0 {
			continue
		}
		if back := m.back(d); back != nil {
			message += "; put " + d.name + " back: " + back.Error()
		}
	}
	return &failure{message, err}
}

// back does as much as can be done, and returns the first error.
func (m *mover) back(d *device) error {
	index, err := pass(m.there, m.here, m.home, d.there, d.index, d.name)
	if index == 0 {
		return err
	}
	for i := range d.addresses {
		if e := m.here.add(index, &d.addresses[i], d.addresses[i].label); err == nil {
			err = e
		}
	}
	if d.isUp {
		if e := m.here.up(index); err == nil {
			err = e
		}
	}
	return err
}

// pass moves a device from one namespace to another, which is ns, and renames it. The kernel sets
// it down for that. Its index there is near, or the next that is free: an index that is chosen
// here (5.13) is how to know the device there, whatever it is called.
//
// The index is 0 if the device has not moved. It may have moved and there be an error too: the
// kernel moves a device, under its old name if that is free, and renames it then (do_setlink).
func pass(from, to *conn, ns int, index, near int32, name string) (int32, error) {
	for there := near; ; there++ {
		_, err := from.do(linkMessage(unix.RTM_NEWLINK, index, 0).
			text(unix.IFLA_IFNAME, name).
			number(unix.IFLA_NET_NS_FD, uint32(ns)).
			number(unix.IFLA_NEW_IFINDEX, uint32(there)))
		if err == nil {
			return there, nil
		}
		_, left := from.link(index, "")
		_, arrived := to.link(there, "")
		if errors.Is(left, unix.ENODEV) && arrived == nil {
			return there, err
		}
		if !errors.Is(err, unix.EBUSY) || arrived != nil {
			return 0, err
		}
	}
}

const netDevices = "linux.netDevices"

// failure is an error with the place in config.json that it is about.
type failure struct {
	message string
	err     error
}

func (f *failure) Error() string { return f.message }
func (f *failure) Unwrap() error { return f.err }

func failed(place, step string, err error) error {
	if errno, ok := err.(unix.Errno); ok {
		err = &kernelError{errno, ""}
	}
	return &failure{place + ": " + step + ": " + err.Error(), err}
}
