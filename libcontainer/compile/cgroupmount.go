// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// cgroupV2 mounts the unified hierarchy. Where the kernel refuses a new one, which needs
// rights over the cgroup namespace, the host's is bound: the container's own part of it if the
// container has a cgroup namespace, since that is what it would see.
func (c *compiler) cgroupV2(dest string, o *mountOptions) {
	target := c.mountpoint(dest, false, nil)
	own := c.ns.own(unix.CLONE_NEWCGROUP)
	if !own && c.ns.own(unix.CLONE_NEWUSER) {
		// Without a cgroup namespace this is the host's tree (CVE-2023-25809).
		o.set |= unix.MOUNT_ATTR_RDONLY
	}
	refused, ready := c.b.Label(), c.b.Label()
	fs := c.fsopen("cgroup2", nil)
	c.b.FsconfigString(fs, "source", "cgroup").Remember().OnError(0, c.fsFailed)
	for _, d := range o.data {
		c.b.FsconfigFlag(fs, d).Remember().OnError(0, c.fsFailed)
	}
	c.b.FsconfigCreate(fs).OnError(0, refused)
	mount := c.b.Fsmount(fs, unix.FSMOUNT_CLOEXEC, uint32(o.set)).OnError(0, refused).Then(ready).FD()
	c.b.Bind(refused)
	source := "/sys/fs/cgroup"
	if own && c.facts.Cgroup.Path != "" {
		source = c.facts.Cgroup.Path
	}
	c.b.OpenTree(plan.Cwd, source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE).As(mount)
	c.b.MountSetattr(mount, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, plan.MountAttr{Set: o.set, Clear: o.clear, Propagation: unix.MS_PRIVATE})
	c.b.Bind(ready)
	c.b.Close(fs)
	c.b.MoveMount(mount, target)
	c.b.Close(target)
	c.propagate(mount, o)
	c.b.Close(mount)
}

// cgroupV1 mounts a tmpfs with a directory for each hierarchy, as hosts do: the hierarchy
// itself if the container has a cgroup namespace, else the container's part of the host's.
func (c *compiler) cgroupV1(dest string, o *mountOptions) {
	target := c.mountpoint(dest, false, nil)
	base := mountOptions{data: []string{"mode=755"}}
	top := c.newFilesystem("tmpfs", "tmpfs", &base, o.set&^unix.MOUNT_ATTR_RDONLY, nil)
	c.b.MoveMount(top, target)
	c.b.Close(target)
	attr := o.set | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	for i := range c.facts.Cgroup.Hierarchies {
		h := &c.facts.Cgroup.Hierarchies[i]
		c.b.Mkdirat(top, h.Name, 0o755)
		at := c.b.Openat2(top, h.Name, openPath(unix.O_DIRECTORY, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS)).FD()
		var mount plan.FD
		if c.ns.own(unix.CLONE_NEWCGROUP) {
			mount = c.newFilesystem("cgroup", "cgroup", &mountOptions{data: strings.Split(h.Options, ",")}, attr, nil)
		} else {
			mount = c.b.OpenTree(plan.Cwd, h.Path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC).FD()
			c.b.MountSetattr(mount, "", unix.AT_EMPTY_PATH, plan.MountAttr{Set: attr, Clear: o.clear, Propagation: unix.MS_PRIVATE})
		}
		c.b.MoveMount(mount, at)
		c.b.Close(at)
		c.b.Close(mount)
		for _, link := range h.Links {
			c.b.Symlinkat(h.Name, top, link)
		}
	}
	if o.set&unix.MOUNT_ATTR_RDONLY != 0 {
		c.b.MountSetattr(top, "", unix.AT_EMPTY_PATH, plan.MountAttr{Set: unix.MOUNT_ATTR_RDONLY})
	}
	c.propagate(top, o)
	c.b.Close(top)
}
