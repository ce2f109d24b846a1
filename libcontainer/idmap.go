// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"errors"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/compile"
	"github.com/tare-runtime/tare/libcontainer/executor"
)

// tree clones the source of mounts[i] in the launcher's name, with its ids mapped if they are to be.
func (c *creation) tree(i int) (int, error) {
	m := &c.b.spec.Mounts[i]
	where := at("mounts", i) + " " + m.Destination
	source := compile.SourcePath(c.b.dir, m)
	fd, err := unix.OpenTree(unix.AT_FDCWD, source, uint(compile.TreeFlags(m)))
	if err != nil {
		return -1, &Error{Where: where, Err: sysError("open_tree "+strconv.Quote(source), err)}
	}
	mapped, recursive := compile.IDMapped(m)
	if !mapped {
		return fd, nil
	}
	if err := c.mapIDs(fd, m, recursive); err != nil {
		unix.Close(fd)
		e := &Error{Where: where, Err: err}
		switch {
		case errors.Is(err, unix.EINVAL):
			e.Tip = "the source's file system must support id-mapped mounts (NFS and hugetlbfs do not, FUSE since Linux 6.12), and must not be id-mapped already"
		case errors.Is(err, unix.EPERM):
			e.Tip = "id-mapped mounts need CAP_SYS_ADMIN in the user namespace that the source's file system was mounted in: rootless containers cannot have them"
		}
		return -1, e
	}
	return fd, nil
}

// mapIDs turns a detached mount into an id-mapped one (mount_setattr(2), MOUNT_ATTR_IDMAP): an owner
// on disk that is a containerID of the mapping is seen as the hostID.
func (c *creation) mapIDs(tree int, m *specs.Mount, recursive bool) error {
	userns, err := c.mappingFor(m)
	if err != nil {
		return err
	}
	defer unix.Close(userns)
	flags := uint(unix.AT_EMPTY_PATH)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(userns)}
	if err := unix.MountSetattr(tree, "", flags, &attr); err != nil {
		return sysError("mount_setattr(MOUNT_ATTR_IDMAP)", err)
	}
	return nil
}

// mappingFor is a user namespace with the mount's own mappings or, where it has none, with the
// container's. The descriptor is the caller's.
func (c *creation) mappingFor(m *specs.Mount) (int, error) {
	l := c.b.spec.Linux
	if len(m.UIDMappings) != 0 {
		return holdUserNamespace("", &specs.Linux{UIDMappings: m.UIDMappings, GIDMappings: m.GIDMappings})
	}
	for i, n := range l.Namespaces {
		if n.Type == specs.UserNamespace && n.Path != "" {
			fd, err := unix.FcntlInt(uintptr(c.around.namespaces[i]), unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				return -1, sysError("fcntl(F_DUPFD_CLOEXEC)", err)
			}
			return fd, nil
		}
	}
	return holdUserNamespace("linux.", l)
}

// holdUserNamespace makes a user namespace with the mappings of l. The process that it takes lives
// no longer than that.
func holdUserNamespace(where string, l *specs.Linux) (int, error) {
	h, err := newLaunch()
	if err != nil {
		return -1, err
	}
	defer h.abandon()
	k := compile.Holder()
	in := inputs{}
	fds, err := in.open(h, k.Inputs)
	if err != nil {
		return -1, err
	}
	if err := h.start(&executor.Launch{Program: k.Program, Inputs: fds, Flags: k.Flags, Cgroup: -1}); err != nil {
		return -1, err
	}
	if err := writeMappings(h.pid, where, l); err != nil {
		return -1, err
	}
	fd, err := openFile("/proc/"+strconv.Itoa(h.pid)+"/ns/user", unix.O_RDONLY)
	if err != nil {
		return -1, sysError("open ns/user", err)
	}
	return fd, nil
}
