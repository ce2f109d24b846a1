// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"path"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// readonlyPaths makes each of them a mount of its own that is read-only, and keeps the flags
// that it has. A path that is not there needs nothing.
func (c *compiler) readonlyPaths() {
	list := c.spec.Linux.ReadonlyPaths
	if len(list) != 0 && !c.ownMounts() {
		c.fail("linux.readonlyPaths", "they need a mount namespace of the container's own")
		return
	}
	for i, p := range list {
		c.atIndex("linux.readonlyPaths", i, p)
		next := c.b.Label()
		at := c.b.Openat2(c.root, path.Clean("/"+p), openPath(0, inRoot)).OnError(unix.ENOENT, next).FD()
		tree := c.b.OpenTree(at, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH|unix.AT_RECURSIVE).FD()
		c.b.MountSetattr(tree, "", unix.AT_EMPTY_PATH, plan.MountAttr{Set: unix.MOUNT_ATTR_RDONLY})
		c.b.MoveMount(tree, at)
		c.b.Close(tree)
		c.b.Close(at)
		c.b.Bind(next)
	}
}

// maskedPaths hides files behind the host's /dev/null and directories behind one empty,
// read-only tmpfs that all of them share. A path that is not there needs nothing.
//
// The /dev/null is the host's, reached before the host's mounts are let go, and the launcher
// has looked at its device number: an image's own /dev/null may be anything (CVE-2025-31133).
func (c *compiler) maskedPaths() {
	list := c.spec.Linux.MaskedPaths
	if len(list) == 0 {
		return
	}
	if !c.ownMounts() {
		c.fail("linux.maskedPaths", "they need a mount namespace of the container's own")
		return
	}
	c.at("linux.maskedPaths", "")
	empty := c.newFilesystem("tmpfs", "tmpfs", &mountOptions{data: []string{"nr_blocks=1", "nr_inodes=1", "mode=755"}},
		unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC, nil)
	null := c.b.Openat2(plan.Cwd, "/dev/null", openPath(unix.O_NOFOLLOW, unix.RESOLVE_NO_SYMLINKS)).FD()
	// A mount can be cloned only while it is attached: until the host's mounts are let go it lies
	// where the root does, in this mount namespace alone. That place is private or a slave in any
	// case (see rootfs), so nothing of it appears on the host.
	park := c.b.Openat2(plan.Cwd, path.Dir(c.realRoot()), openPath(unix.O_DIRECTORY, 0)).FD()
	c.b.MoveMount(empty, park)
	c.b.Close(park)
	private := propagation(c.spec.Linux.RootfsPropagation).flag == unix.MS_SHARED
	for i, p := range list {
		c.atIndex("linux.maskedPaths", i, p)
		p = path.Clean(p)
		file, cover, next := c.b.Label(), c.b.Label(), c.b.Label()
		at := c.b.Openat2(c.root, p, openPath(unix.O_DIRECTORY, inRoot)).OnError(0, file).FD()
		tree := c.b.OpenTree(empty, "", cloneMount).Then(cover).FD()
		c.b.Bind(file)
		c.b.Openat2(c.root, p, openPath(0, inRoot)).OnError(unix.ENOENT, next).As(at)
		c.b.OpenTree(null, "", cloneMount).As(tree)
		c.b.Bind(cover)
		if private {
			// Or what the container mounts on it would appear on the host.
			c.b.MountSetattr(tree, "", unix.AT_EMPTY_PATH, plan.MountAttr{Propagation: unix.MS_PRIVATE})
		}
		c.b.MoveMount(tree, at)
		c.b.Close(tree)
		c.b.Close(at)
		c.b.Bind(next)
	}
	c.b.Close(null)
	c.b.Close(empty)
}

// cloneMount clones the mount that a descriptor lies on.
const cloneMount = unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_EMPTY_PATH
