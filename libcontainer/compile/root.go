// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"path"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// rootPath is the absolute path of the container's root on the host.
func (c *compiler) rootPath() string {
	p := c.spec.Root.Path
	if !path.IsAbs(p) {
		p = path.Join(c.opts.Bundle, p)
	}
	return path.Clean(p)
}

// ownMounts tells whether the container has a mount namespace made for it: only then may
// anything be mounted at all, since every other table of mounts belongs to somebody else.
func (c *compiler) ownMounts() bool { return c.ns.isNew(unix.CLONE_NEWNS) }

// rootfs puts a clone of the root's tree of mounts in its own place, so that it is a mount
// which pivot_root takes, and keeps a descriptor of it: every path of the container is
// resolved below that descriptor.
func (c *compiler) rootfs() {
	root := c.rootPath()
	if !c.ownMounts() {
		c.at("root.path", root)
		c.root = c.b.Openat2(plan.Cwd, root, openPath(unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)).FD()
		return
	}
	c.at("linux.rootfsPropagation", c.spec.Linux.RootfsPropagation)
	prop := propagation(c.spec.Linux.RootfsPropagation)
	first := prop.flag
	switch first {
	case 0:
		first = unix.MS_SLAVE
	case unix.MS_UNBINDABLE:
		first = unix.MS_PRIVATE // until the root has been bound
	}
	c.b.MountSetattr(plan.Cwd, "/", unix.AT_RECURSIVE, plan.MountAttr{Propagation: first})
	if first == unix.MS_SHARED {
		c.privateParent(c.realRoot())
	}
	c.at("root.path", root)
	c.root = c.b.OpenTree(plan.Cwd, root, unix.OPEN_TREE_CLONE|unix.AT_RECURSIVE|unix.OPEN_TREE_CLOEXEC|unix.AT_SYMLINK_NOFOLLOW).FD()
	at := c.b.Openat2(plan.Cwd, root, openPath(unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)).FD()
	c.b.MoveMount(c.root, at)
	c.b.Close(at)
	c.fsFailed = c.b.Label()
}

// realRoot is where the root is: its parent there is on the mount that it lies on.
func (c *compiler) realRoot() string {
	if c.facts.Root != "" {
		return c.facts.Root
	}
	return c.rootPath()
}

// privateParent makes the mount that the root lies on private: pivot_root refuses a shared
// parent, and what is mounted on it would appear on the host.
func (c *compiler) privateParent(root string) {
	done := c.b.Label()
	for dir := path.Dir(root); ; dir = path.Dir(dir) {
		s := c.b.MountSetattr(plan.Cwd, dir, 0, plan.MountAttr{Propagation: unix.MS_PRIVATE})
		if dir == "/" {
			break
		}
		s.Then(done)
		s.Ignore(unix.EINVAL) // no mount begins here
	}
	c.b.Bind(done)
}

// pivot makes the root the process's root and lets go of the host's mounts.
func (c *compiler) pivot() {
	c.at("root.path", c.rootPath())
	prop := propagation(c.spec.Linux.RootfsPropagation)
	switch {
	case !c.ownMounts():
		c.b.Fchdir(c.root)
		c.b.Chroot(".")
		c.b.Chdir("/")
		return
	case c.opts.NoPivot:
		c.moveRoot()
	case prop.flag == 0 || prop.flag == unix.MS_SLAVE:
		c.b.Fchdir(c.root)
		c.b.PivotRoot(".", ".")
		// The old root now lies on top of the new one, which is where umount2 finds it.
		c.b.Umount2(".", unix.MNT_DETACH)
		c.b.Chdir("/")
	default:
		old := c.b.Openat2(plan.Cwd, "/", openPath(unix.O_DIRECTORY, 0)).FD()
		c.b.Fchdir(c.root)
		c.b.PivotRoot(".", ".")
		// A slave first: what is unmounted here must not be unmounted on the host.
		c.b.Fchdir(old)
		c.b.MountSetattr(old, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, plan.MountAttr{Propagation: unix.MS_SLAVE})
		c.b.Umount2(".", unix.MNT_DETACH)
		c.b.Close(old)
		c.b.Chdir("/")
	}
	if prop.flag != 0 {
		c.at("linux.rootfsPropagation", c.spec.Linux.RootfsPropagation)
		c.b.MountSetattr(plan.Cwd, "/", prop.atFlags(), plan.MountAttr{Propagation: prop.flag})
	}
	if c.spec.Root.Readonly {
		c.at("root.readonly", "")
		c.b.MountSetattr(plan.Cwd, "/", 0, plan.MountAttr{Set: unix.MOUNT_ATTR_RDONLY})
	}
}

// moveRoot is what --no-pivot asks for, where the root is a ramfs that pivot_root refuses: the
// container's root is moved over the host's. What lies below stays in the table of mounts, so
// the host's procfs and sysfs, which are whole, are taken out first.
func (c *compiler) moveRoot() {
	c.at("--no-pivot", "")
	shared := propagation(c.spec.Linux.RootfsPropagation).flag == unix.MS_SHARED
	for _, dir := range c.facts.KernelMounts {
		if shared { // or they would be unmounted on the host too, and what is mounted on them
			c.privateParent(dir)
			c.b.MountSetattr(plan.Cwd, dir, unix.AT_RECURSIVE, plan.MountAttr{Propagation: unix.MS_PRIVATE})
		}
		c.b.Umount2(dir, unix.MNT_DETACH)
	}
	c.b.Fchdir(c.root)
	top := c.b.Openat2(plan.Cwd, "/", openPath(unix.O_DIRECTORY, 0)).FD()
	c.b.MoveMount(c.root, top)
	c.b.Close(top)
	c.b.Chroot(".")
	c.b.Chdir("/")
}
