// SPDX-License-Identifier: Apache-2.0

package host

import "golang.org/x/sys/unix"

// Namespace is an open namespace.
type Namespace struct {
	FD   int    // owned by the caller
	Type uint64 // CLONE_NEW*
	Ino  uint64
}

// OpenNamespace opens the namespace at path (namespaces(7)); the caller closes its descriptor.
func OpenNamespace(path string) (Namespace, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Namespace{}, &PathError{"open", path, err}
	}
	kind, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
	if err != nil {
		unix.Close(fd)
		return Namespace{}, &PathError{"open", path, errNoNamespace}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return Namespace{}, &PathError{"fstat", path, err}
	}
	return Namespace{fd, uint64(kind), st.Ino}, nil
}

type text string

func (t text) Error() string { return string(t) }

const errNoNamespace = text("is not a namespace")

// OwnedBy tells whether n belongs to the user namespace with inode user, or to one below it:
// then whoever is root in user may join n (ioctl_ns(2)).
func (n Namespace) OwnedBy(user uint64) bool {
	fd, err := unix.IoctlRetInt(n.FD, unix.NS_GET_USERNS)
	for err == nil {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) == nil && st.Ino == user {
			unix.Close(fd)
			return true
		}
		parent, parentErr := unix.IoctlRetInt(fd, unix.NS_GET_PARENT)
		unix.Close(fd)
		fd, err = parent, parentErr
	}
	return false
}

// IsOwn tells whether fd is this process's own namespace of a kind: "net", "ipc", in the words of
// /proc/PID/ns or of the runtime specification.
func IsOwn(fd int, kind string) bool {
	switch kind {
	case "network":
		kind = "net"
	case "mount":
		kind = "mnt"
	}
	var theirs, ours unix.Stat_t
	return unix.Fstat(fd, &theirs) == nil && unix.Stat("/proc/self/ns/"+kind, &ours) == nil &&
		theirs.Dev == ours.Dev && theirs.Ino == ours.Ino
}
