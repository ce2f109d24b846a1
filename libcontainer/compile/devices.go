// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"path"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// defaultDevices are there in every container (runtime-spec, config-linux.md, Default Devices).
var defaultDevices = [...]struct {
	name         string
	major, minor uint32
}{
	{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
}

// defaultLinks lead from /dev into /proc, as on every Linux host (runtime-spec, runtime-linux.md).
var defaultLinks = [...]struct{ name, target string }{
	{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
}

// devices fills /dev. If /dev is bound from the host, it is the host's and nothing is made.
func (c *compiler) devices() {
	if c.devIsBound() || !c.ownMounts() && c.bindDevices() {
		return
	}
	c.at("linux.devices", "/dev")
	c.dev, c.hasDev = c.mountpoint("/dev", false, nil), true
	for i := range defaultDevices {
		d := &defaultDevices[i]
		if c.lists("/dev/" + d.name) {
			continue
		}
		c.at("linux.devices", "/dev/"+d.name)
		if c.bindDevices() {
			c.bindDevice("/dev/"+d.name, c.dev, d.name)
			continue
		}
		c.node(d.name, unix.S_IFCHR|0o666, unix.Mkdev(d.major, d.minor))
	}
	for i := range c.spec.Linux.Devices {
		c.device(i, &c.spec.Linux.Devices[i])
	}
	for i := range defaultLinks {
		c.link(defaultLinks[i].name, defaultLinks[i].target)
	}
	if c.facts.CoreLink {
		c.link("core", "/proc/kcore")
	}
	c.link("ptmx", "pts/ptmx")
	c.stdioNull()
}

// lists tells whether linux.devices has a device of its own at path.
func (c *compiler) lists(at string) bool {
	for i := range c.spec.Linux.Devices {
		if path.Clean(c.spec.Linux.Devices[i].Path) == at {
			return true
		}
	}
	return false
}

func (c *compiler) devIsBound() bool {
	for i := range c.spec.Mounts {
		m := &c.spec.Mounts[i]
		if path.Clean("/"+m.Destination) == "/dev" && IsBind(m) {
			return true
		}
	}
	return false
}

// bindDevices: a device node made in a user namespace opens nothing (mknod(2): EPERM).
func (c *compiler) bindDevices() bool { return c.facts.HostDev || c.ns.own(unix.CLONE_NEWUSER) }

// node makes a node in /dev, whatever the image has put there.
func (c *compiler) node(name string, mode uint32, dev uint64) {
	exists, made := c.b.Label(), c.b.Label()
	c.b.Mknodat(c.dev, name, mode, dev).OnError(unix.EEXIST, exists).Then(made)
	c.b.Bind(exists)
	c.b.Unlinkat(c.dev, name, 0)
	c.b.Mknodat(c.dev, name, mode, dev)
	c.b.Bind(made)
}

// link makes a symbolic link in /dev, whatever the image has put there.
func (c *compiler) link(name, target string) {
	c.at("linux.devices", "/dev/"+name)
	exists, made := c.b.Label(), c.b.Label()
	c.b.Symlinkat(target, c.dev, name).OnError(unix.EEXIST, exists).Then(made)
	c.b.Bind(exists)
	// A directory stays: an image may have a /dev/fd that is mounted over.
	c.b.Unlinkat(c.dev, name, 0).OnError(0, made)
	c.b.Symlinkat(target, c.dev, name)
	c.b.Bind(made)
}

// bindDevice puts the host's device source at name in the directory dir.
func (c *compiler) bindDevice(source string, dir plan.FD, name string) {
	c.b.Mknodat(dir, name, unix.S_IFREG|0o666, 0).Ignore(unix.EEXIST)
	at := c.b.Openat2(dir, name, openPath(unix.O_NOFOLLOW, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS)).FD()
	tree := c.b.OpenTree(plan.Cwd, source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC).FD()
	c.b.MoveMount(tree, at)
	c.b.Close(at)
	c.b.Close(tree)
}

// device makes one of linux.devices.
func (c *compiler) device(i int, d *specs.LinuxDevice) {
	dest := path.Clean(d.Path)
	c.atIndex("linux.devices", i, dest)
	dir, name := path.Split(dest)
	parent, own := c.dev, false
	if rest := strings.TrimSuffix(dir, "/"); rest != "/dev" {
		if rest == "" {
			parent = c.root
		} else {
			parent, own = c.mountpoint(rest, false, nil), true
		}
	}
	if c.bindDevices() && d.Type != "p" {
		if c.checkHostDevice(i, d) {
			c.bindDevice(d.Path, parent, name)
		}
	} else {
		c.makeDevice(i, parent, name, d)
	}
	if own {
		c.b.Close(parent)
	}
}

// deviceMode is the type and the permissions of a device.
func deviceMode(d *specs.LinuxDevice) uint32 {
	mode := uint32(0o666)
	if d.FileMode != nil {
		mode = uint32(*d.FileMode) & 0o7777
	}
	switch d.Type {
	case "b":
		return unix.S_IFBLK | mode
	case "p":
		return unix.S_IFIFO | mode
	}
	return unix.S_IFCHR | mode // "c", "u"
}

// DeviceNumber is what stat(2) tells of a device: its type, and its numbers if it has any.
func DeviceNumber(d *specs.LinuxDevice) (kind uint32, rdev uint64) {
	kind = deviceMode(d) & unix.S_IFMT
	if kind != unix.S_IFIFO {
		rdev = unix.Mkdev(uint32(d.Major), uint32(d.Minor))
	}
	return kind, rdev
}

// checkHostDevice makes sure that the host's node, which is bound because no node can be made,
// is the device that is wanted. Its owner and mode are the host's.
func (c *compiler) checkHostDevice(i int, d *specs.LinuxDevice) bool {
	if i >= len(c.facts.Devices) {
		return true // nobody has looked
	}
	h := &c.facts.Devices[i]
	kind, rdev := DeviceNumber(d)
	where := index("linux.devices", i) + " " + d.Path
	switch {
	case h.Mode == 0:
		c.fail(where, "is not there on the host; in a user namespace devices can only be bound from there")
		return false
	case h.Mode&unix.S_IFMT != kind || h.Rdev != rdev:
		c.fail(where, "is another device on the host; in a user namespace devices can only be bound from there")
		return false
	}
	if d.FileMode != nil && h.Mode != deviceMode(d) || d.UID != nil && h.UID != *d.UID || d.GID != nil && h.GID != *d.GID {
		c.warn(where + ": mode and owner stay those of the host's device, which is bound: in a user namespace none can be made")
	}
	return true
}

// makeDevice makes a node. What is there already must be the same device: the launcher looks, and
// gives it its mode (runtime-spec, config-linux.md, Devices). Only the default devices replace what an image has.
func (c *compiler) makeDevice(i int, parent plan.FD, name string, d *specs.LinuxDevice) {
	mode := deviceMode(d)
	_, rdev := DeviceNumber(d)
	exists, made := c.b.Label(), c.b.Label()
	c.b.Mknodat(parent, name, mode, rdev).OnError(unix.EEXIST, exists).Then(made)
	c.b.Bind(exists)
	if isDefault(path.Clean(d.Path)) {
		c.b.Unlinkat(parent, name, 0)
		c.b.Mknodat(parent, name, mode, rdev)
	} else {
		c.atIndex("linux.devices", i, path.Clean(d.Path)+": is there already")
		there := c.b.Openat2(parent, name, openPath(unix.O_NOFOLLOW, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS)).FD()
		c.ask(StageDevice, i, there)
		c.b.Close(there)
	}
	c.b.Bind(made)
	uid, gid := -1, -1
	if d.UID != nil {
		uid = int(*d.UID)
	}
	if d.GID != nil {
		gid = int(*d.GID)
	}
	if uid >= 0 || gid >= 0 {
		c.b.Fchownat(parent, name, uid, gid, unix.AT_SYMLINK_NOFOLLOW)
	}
}

// isDefault tells whether a device is one of those that every container has.
func isDefault(at string) bool {
	for i := range defaultDevices {
		if at == "/dev/"+defaultDevices[i].name {
			return true
		}
	}
	return false
}

// stdioNull reopens a standard stream that is the host's /dev/null as the container's, so that
// the container holds no file of the host through it.
func (c *compiler) stdioNull() {
	if c.bindDevices() || c.spec.Process != nil && c.spec.Process.Terminal || c.lists("/dev/null") {
		return
	}
	for i, s := range c.facts.Stdio {
		if !s.Null {
			continue
		}
		c.at("process", "standard stream "+strconv.Itoa(i))
		next := c.b.Label()
		fd := c.b.Openat2(c.dev, "null", plan.OpenHow{
			Flags:   unix.O_RDWR | unix.O_CLOEXEC | unix.O_NOFOLLOW,
			Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
		}).OnError(unix.EACCES, next).FD() // an image on a file system that is mounted nodev
		c.b.Dup3(fd, plan.Fixed(i), 0)
		c.b.Close(fd)
		c.b.Bind(next)
	}
}
