// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"path"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func checkMounts(mounts []specs.Mount, linux *specs.Linux) error {
	for i := range mounts {
		if err := checkMount(&mounts[i], linux); err != nil {
			return within(place("mounts").index(i), err)
		}
	}
	return nil
}

func checkMount(m *specs.Mount, linux *specs.Linux) error {
	if m.Destination == "" {
		return place("destination").errorf("missing; want a path in the container")
	}
	destination := m.Destination
	if !path.IsAbs(destination) {
		destination = "/" + destination // so "." and "a/.." are the root too
	}
	if path.Clean(destination) == "/" {
		return place("destination").errorf("want a path below the root, got %q: that is root.path", m.Destination)
	}
	bind := slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
	if bind && m.Source == "" {
		return place("source").errorf("missing; a bind mount wants a path on the host")
	}
	return checkMountMappings(m, linux)
}

// checkMountMappings is about idmapped mounts. The two lists go together; where
// there are none, the container's user namespace has to have them.
func checkMountMappings(m *specs.Mount, linux *specs.Linux) error {
	uids, gids := len(m.UIDMappings) > 0, len(m.GIDMappings) > 0
	idmap := slices.Contains(m.Options, "idmap") || slices.Contains(m.Options, "ridmap")
	switch {
	case uids && !gids:
		return place("gidMappings").errorf("missing; want them where there are uidMappings")
	case gids && !uids:
		return place("uidMappings").errorf("missing; want them where there are gidMappings")
	case idmap && !uids && !hasNamespace(linux, specs.UserNamespace):
		return place("uidMappings").errorf("missing; idmap wants them, or a user namespace to take them from")
	}
	if err := checkMapping("uidMappings", m.UIDMappings); err != nil {
		return err
	}
	return checkMapping("gidMappings", m.GIDMappings)
}
