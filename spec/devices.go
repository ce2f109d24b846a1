// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"path"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// A device number has 12 bits of major and 20 of minor in the kernel.
const (
	maxMajor = 1<<12 - 1
	maxMinor = 1<<20 - 1
)

func checkDevices(devices []specs.LinuxDevice) error {
	for i := range devices {
		if err := checkDevice(&devices[i]); err != nil {
			return within(place("linux.devices").index(i), err)
		}
	}
	return nil
}

func checkDevice(d *specs.LinuxDevice) error {
	switch d.Type {
	case "c", "u", "b":
		if d.Major < 0 || d.Major > maxMajor {
			return place("major").errorf("want 0 to %d, got %d", maxMajor, d.Major)
		}
		if d.Minor < 0 || d.Minor > maxMinor {
			return place("minor").errorf("want 0 to %d, got %d", maxMinor, d.Minor)
		}
	case "p": // a FIFO has no numbers
	default:
		return place("type").errorf("want c, b, u or p, got %q", d.Type)
	}
	if !path.IsAbs(d.Path) {
		return place("path").errorf("want an absolute path, got %q", d.Path)
	}
	if d.UID != nil && *d.UID == noID {
		return checkID("uid", *d.UID)
	}
	if d.GID != nil && *d.GID == noID {
		return checkID("gid", *d.GID)
	}
	return nil
}

// checkNetDevices holds names to the rules of the kernel's dev_valid_name, and
// leaves %d in the new name to it: it is a template.
func checkNetDevices(linux *specs.Linux) error {
	const where = place("linux.netDevices")
	if len(linux.NetDevices) > 0 && !hasNamespace(linux, specs.NetworkNamespace) {
		return where.errorf("want a network namespace to move them to; linux.namespaces has none")
	}
	for name, device := range linux.NetDevices {
		if !isNetDevice(name) {
			return where.key(name).errorf("want the name of a network device")
		}
		if device.Name != "" && !isNetDevice(device.Name) {
			return where.key(name).field("name").errorf("want the name of a network device, got %q", device.Name)
		}
	}
	return nil
}

func isNetDevice(name string) bool {
	const most = 15 // IFNAMSIZ less the NUL
	return name != "" && len(name) <= most && name != "." && name != ".." && !strings.ContainsAny(name, "/: \t\n\v\f\r")
}
