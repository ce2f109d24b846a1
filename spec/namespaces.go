// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"math"
	"path"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

var namespaceTypes = [...]specs.LinuxNamespaceType{
	specs.PIDNamespace, specs.NetworkNamespace, specs.MountNamespace, specs.IPCNamespace,
	specs.UTSNamespace, specs.UserNamespace, specs.CgroupNamespace, specs.TimeNamespace,
}

// findNamespace is the entry of that type, nil if the container shares the
// runtime's.
func findNamespace(linux *specs.Linux, t specs.LinuxNamespaceType) *specs.LinuxNamespace {
	for i := range linux.Namespaces {
		if linux.Namespaces[i].Type == t {
			return &linux.Namespaces[i]
		}
	}
	return nil
}

func hasNamespace(linux *specs.Linux, t specs.LinuxNamespaceType) bool {
	return findNamespace(linux, t) != nil
}

// makesNamespace tells a new namespace from one that is joined by its path.
func makesNamespace(linux *specs.Linux, t specs.LinuxNamespaceType) bool {
	ns := findNamespace(linux, t)
	return ns != nil && ns.Path == ""
}

func checkNamespaces(linux *specs.Linux) error {
	var seen [len(namespaceTypes)]bool
	for i, ns := range linux.Namespaces {
		n := slices.Index(namespaceTypes[:], ns.Type)
		switch {
		case n < 0:
			return unknown(place("linux.namespaces").index(i).field("type"), ns.Type, namespaceTypes[:])
		case seen[n]:
			return place("linux.namespaces").index(i).errorf("duplicate %s namespace", ns.Type)
		case ns.Path != "" && !path.IsAbs(ns.Path):
			return place("linux.namespaces").index(i).field("path").errorf("want an absolute path, got %q", ns.Path)
		}
		seen[n] = true
	}
	return nil
}

// checkUserMappings wants mappings for a new user namespace, and a user
// namespace for mappings. One that is joined brings its own: whether those given
// are the same is for the host to tell.
func checkUserMappings(linux *specs.Linux) error {
	for _, m := range [...]struct {
		where    place
		mappings []specs.LinuxIDMapping
	}{{"linux.uidMappings", linux.UIDMappings}, {"linux.gidMappings", linux.GIDMappings}} {
		switch {
		case len(m.mappings) == 0 && makesNamespace(linux, specs.UserNamespace):
			return m.where.errorf("missing; a new user namespace wants at least one")
		case len(m.mappings) > 0 && !hasNamespace(linux, specs.UserNamespace):
			return m.where.errorf("want a user namespace to map in; linux.namespaces has none")
		}
		if err := checkMapping(m.where, m.mappings); err != nil {
			return err
		}
	}
	return nil
}

// checkMapping holds a list to the rules of user_namespaces(7).
func checkMapping(where place, mappings []specs.LinuxIDMapping) error {
	const most = 340 // UID_GID_MAP_MAX_EXTENTS, since Linux 4.15
	if len(mappings) > most {
		return where.errorf("want at most %d entries, got %d", most, len(mappings))
	}
	for i, m := range mappings {
		switch {
		case m.Size == 0:
			return where.index(i).field("size").errorf("want 1 or more, got 0")
		case m.ContainerID > math.MaxUint32-m.Size:
			return where.index(i).errorf("want ids up to 4294967294, got containerID %d and size %d", m.ContainerID, m.Size)
		case m.HostID > math.MaxUint32-m.Size:
			return where.index(i).errorf("want ids up to 4294967294, got hostID %d and size %d", m.HostID, m.Size)
		}
		for j, before := range mappings[:i] {
			if overlap(m.ContainerID, m.Size, before.ContainerID, before.Size) {
				return where.index(i).errorf("containerID %d to %d overlaps that of %s", m.ContainerID, m.ContainerID+m.Size-1, where.index(j))
			}
			if overlap(m.HostID, m.Size, before.HostID, before.Size) {
				return where.index(i).errorf("hostID %d to %d overlaps that of %s", m.HostID, m.HostID+m.Size-1, where.index(j))
			}
		}
	}
	return nil
}

// overlap tells whether two ranges, neither of which wraps around, share an id.
func overlap(a, aSize, b, bSize uint32) bool {
	return a < b+bSize && b < a+aSize
}

// checkTimeOffsets wants a new time namespace: offsets are written before the
// first process enters it, time_namespaces(7).
func checkTimeOffsets(linux *specs.Linux) error {
	const where = place("linux.timeOffsets")
	if len(linux.TimeOffsets) > 0 && !makesNamespace(linux, specs.TimeNamespace) {
		return where.errorf("want a new time namespace to set them in; linux.namespaces has none")
	}
	for clock, offset := range linux.TimeOffsets {
		if clock != "monotonic" && clock != "boottime" {
			return where.errorf("want the clocks monotonic and boottime, got %q", clock)
		}
		if offset.Nanosecs > 999_999_999 {
			return where.key(clock).field("nanosecs").errorf("want 0 to 999999999, got %d", offset.Nanosecs)
		}
	}
	return nil
}
