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
	for k := range defaultDevices {
		if dest == "/dev/"+defaultDevices[k].name {
			return // it is there already, with the numbers that the name promises
		}
	}
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
		c.bindDevice(d.Path, parent, name)
	} else {
		c.makeDevice(parent, name, d)
	}
	if own {
		c.b.Close(parent)
	}
}

func (c *compiler) makeDevice(parent plan.FD, name string, d *specs.LinuxDevice) {
	mode := uint32(0o666)
	if d.FileMode != nil {
		mode = uint32(*d.FileMode) & 0o7777
	}
	kind := uint32(unix.S_IFCHR) // "c", "u"
	switch d.Type {
	case "b":
		kind = unix.S_IFBLK
	case "p":
		kind = unix.S_IFIFO
	}
	c.b.Mknodat(parent, name, kind|mode, unix.Mkdev(uint32(d.Major), uint32(d.Minor)))
	uid, gid := -1, -1
	if d.UID != nil {
		uid = int(*d.UID)
	}
	if d.GID != nil {
		gid = int(*d.GID)
	}
	if uid > 0 || gid > 0 {
		c.b.Fchownat(parent, name, uid, gid, unix.AT_SYMLINK_NOFOLLOW)
	}
}

// stdioNull reopens a standard stream that is the host's /dev/null as the container's, so that
// the container holds no file of the host through it.
func (c *compiler) stdioNull() {
	if c.bindDevices() || c.spec.Process != nil && c.spec.Process.Terminal {
		return
	}
	for i, s := range c.facts.Stdio {
		if !s.Null {
			continue
		}
		c.at("process", "standard stream "+strconv.Itoa(i))
		fd := c.b.Openat2(c.dev, "null", plan.OpenHow{
			Flags:   unix.O_RDWR | unix.O_CLOEXEC | unix.O_NOFOLLOW,
			Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
		}).FD()
		c.b.Dup3(fd, plan.Fixed(i), 0)
		c.b.Close(fd)
	}
}
