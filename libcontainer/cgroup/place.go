// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"bytes"
	"math"
	"path"
	"strings"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

const (
	mountRoot    = "/sys/fs/cgroup"
	unifiedMount = mountRoot + "/unified" // where hybrid hosts mount cgroup2
)

// innerPath is the cgroup's path below the starting point, clean: absolute (from the root of the
// hierarchy) or relative (from the caller's own cgroup).
func innerPath(o Options) (string, error) {
	if o.Path == "" {
		if o.ID == "" || o.ID == "." || o.ID == ".." || strings.ContainsAny(o.ID, "/\n\x00") {
			return "", &Error{Call: "container id " + quote(o.ID) + ": no name for a cgroup"}
		}
		return o.ID, nil
	}
	bad := func(what string) (string, error) {
		return "", &Error{Place: "linux.cgroupsPath", Call: quote(o.Path) + ": " + what}
	}
	if strings.ContainsAny(o.Path, "\n\x00") {
		return bad("a newline or NUL in a cgroup's name")
	}
	depth := 0
	for element := range strings.SplitSeq(o.Path, "/") {
		switch element {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return bad(`".." leaves the cgroup tree`)
			}
		default:
			depth++
		}
	}
	if depth == 0 {
		return bad("want a cgroup of the container's own")
	}
	return path.Clean(o.Path), nil
}

// host is what locate asks of the machine.
type host struct {
	fsType  func(dir string) int64                  // statfs(2) f_type, 0 if there is none
	own     func() ([]byte, error)                  // /proc/self/cgroup
	mounted func(dir string) mountKind              // how a directory is a mount point
	find    func(controller string) (string, error) // mountinfo: the hierarchy's mount point, or ""
	ownPath func(controller string) (string, error) // mountinfo: the directory of the caller's own cgroup
}

// mountKind tells what is at a directory.
type mountKind uint8

const (
	notMounted mountKind = iota
	mountedSub           // a mount of a directory below the hierarchy's root
	mountedTop           // a mount of the hierarchy's root
)

// liveHost is this machine. The caller calls done when it has been asked enough.
func liveHost() (h host, done func()) {
	t := anywhere
	h = host{
		fsType: fsType,
		own:    func() ([]byte, error) { return anywhere.readFile("/proc/self/cgroup") },
		mounted: func(dir string) mountKind {
			if t == anywhere {
				t = openTree(math.MaxInt)
			}
			return t.mounted(dir)
		},
		find: func(controller string) (string, error) {
			silence()
			dir, err := cgroups.FindCgroupMountpoint("", controller)
			if cgroups.IsNotFound(err) {
				return "", nil
			}
			return dir, err
		},
		ownPath: func(controller string) (string, error) {
			silence()
			return cgroups.GetOwnCgroupPath(controller)
		},
	}
	return h, func() { t.close() }
}

// locate finds the directory of the cgroup called name in each hierarchy that runc uses.
func locate(name string, h host) (Location, error) {
	switch h.fsType(mountRoot) {
	case unix.CGROUP2_SUPER_MAGIC:
		dir := mountRoot + name
		if !path.IsAbs(name) {
			own, err := h.own()
			if err != nil {
				return Location{}, err
			}
			mine, ok := unifiedOf(own)
			if !ok {
				return Location{}, &Error{Call: "/proc/self/cgroup: no line of cgroup2"}
			}
			// Beside the caller, not below: a cgroup that holds processes cannot hand
			// controllers to its children (cgroups(7), "no internal processes").
			dir = mountRoot + path.Join("/", path.Dir(path.Clean(mine)), name)
		}
		return Location{Dirs: []Dir{{Path: dir}}}, nil
	default:
		return locateV1(name, h)
	}
}

// unifiedOf is the path of the line "0::" of a /proc/PID/cgroup.
func unifiedOf(own []byte) (string, bool) {
	for line := range bytes.Lines(own) {
		if rest, ok := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\n")), []byte("0::")); ok {
			return string(rest), true
		}
	}
	return "", false
}

func locateV1(name string, h host) (Location, error) {
	own, err := h.own()
	if err != nil {
		return Location{}, err
	}
	l := Location{Dirs: make([]Dir, 0, 16)}
	for line := range strings.Lines(string(own)) {
		_, line, _ = strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		controllers, mine, ok := strings.Cut(line, ":")
		switch {
		case !ok:
		case controllers == "":
			if h.fsType(unifiedMount) == unix.CGROUP2_SUPER_MAGIC {
				l.Dirs = append(l.Dirs, Dir{Path: path.Join(unifiedMount, name)})
			}
		case used(controllers):
			dir, err := placeV1(name, controllers, mine, h)
			if err != nil {
				return Location{}, err
			}
			if dir != "" {
				l.Dirs = append(l.Dirs, Dir{Controllers: controllers, Path: dir})
			}
		}
	}
	if l.dir("devices") == "" {
		// Without it a container could open every device of the host.
		return Location{}, &Error{
			Call: "mountpoint for devices not found",
			Hint: "mount cgroup2, or the cgroup v1 hierarchies, below " + mountRoot,
		}
	}
	return l, nil
}

// placeV1 is the cgroup's directory in one v1 hierarchy, "" if that is mounted nowhere. mine is
// the caller's own path in it.
func placeV1(name, controllers, mine string, h host) (string, error) {
	first, _, several := strings.Cut(controllers, ",")
	mount := mountRoot + "/" + strings.TrimPrefix(controllers, "name=")
	kind := h.mounted(mount)
	if kind == notMounted && several {
		for one := range strings.SplitSeq(controllers, ",") {
			mount = mountRoot + "/" + one
			if kind = h.mounted(mount); kind != notMounted {
				break
			}
		}
	}
	if kind == notMounted {
		var err error
		if mount, err = h.find(first); mount == "" {
			return "", err
		}
		kind = mountedSub
	}
	if path.IsAbs(name) {
		return mount + name, nil
	}
	if kind == mountedTop {
		return mount + path.Join("/", mine, name), nil
	}
	// Inside a container the mount shows a part of the hierarchy while /proc/self/cgroup
	// tells the path from its root; only mountinfo relates the two.
	dir, err := h.ownPath(first)
	if err != nil {
		return "", &Error{Call: "own cgroup of " + first, Err: err}
	}
	dir = path.Join(dir, name)
	if !strings.HasPrefix(dir, mount+"/") {
		return "", &Error{Call: "own cgroup of " + first + ": " + mine + " is not visible below " + mount}
	}
	return dir, nil
}

// used says whether runc makes a cgroup in the hierarchy of these controllers.
func used(controllers string) bool {
	for one := range strings.SplitSeq(controllers, ",") {
		switch one {
		case "cpuset", "devices", "memory", "cpu", "cpuacct", "pids", "blkio", "hugetlb",
			"net_cls", "net_prio", "perf_event", "freezer", "rdma", "name=systemd", "misc":
			return true
		}
	}
	return false
}

// optional says whether a container can do without its cgroup in d's hierarchy.
func (d Dir) optional() bool {
	return d.Controllers == "" || d.Controllers == "name=systemd" || d.Controllers == "misc"
}

func fsType(dir string) int64 {
	var st unix.Statfs_t
	for {
		switch err := unix.Statfs(dir, &st); err {
		case nil:
			return int64(st.Type)
		case unix.EINTR:
		default:
			return 0
		}
	}
}

// mounted asks statx(2): STATX_ATTR_MOUNT_ROOT is of Linux 5.8. The root directory of a kernfs
// tree, which every cgroup hierarchy is, has inode number 1.
func (t tree) mounted(dir string) mountKind {
	var st unix.Statx_t
	from, below := t.at(dir)
	err := unix.Statx(from, below, unix.AT_NO_AUTOMOUNT, unix.STATX_INO, &st)
	switch {
	case err != nil || st.Attributes&unix.STATX_ATTR_MOUNT_ROOT == 0:
		return notMounted
	case st.Ino == 1:
		return mountedTop
	default:
		return mountedSub
	}
}
