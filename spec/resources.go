// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"math"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// checkResources checks form and range. How limits fit together, and what the
// version of cgroups makes of them, is for the code that sets them.
func checkResources(r *specs.LinuxResources) error {
	const where = place("linux.resources")
	for i := range r.Devices {
		if err := checkDeviceRule(&r.Devices[i]); err != nil {
			return within(where.field("devices").index(i), err)
		}
	}
	if err := checkMemory(r.Memory); err != nil {
		return err
	}
	if r.CPU != nil && r.CPU.Idle != nil && *r.CPU.Idle != 0 && *r.CPU.Idle != 1 {
		return where.field("cpu.idle").errorf("want 0 or 1, got %d", *r.CPU.Idle)
	}
	if err := checkBlockIO(r.BlockIO); err != nil {
		return err
	}
	for i, limit := range r.HugepageLimits {
		if !isPageSize(limit.Pagesize) {
			return where.field("hugepageLimits").index(i).field("pageSize").errorf("want a size such as 64KB, 2MB or 1GB, got %q", limit.Pagesize)
		}
	}
	if r.Network != nil {
		for i, priority := range r.Network.Priorities {
			if priority.Name == "" {
				return where.field("network.priorities").index(i).field("name").errorf("missing; want the name of a network device")
			}
		}
	}
	for name, limit := range r.Rdma {
		if limit.HcaHandles == nil && limit.HcaObjects == nil {
			return where.field("rdma").key(name).errorf("want hcaHandles, hcaObjects or both")
		}
	}
	for name := range r.Unified {
		// A slash would lead out of the container's cgroup.
		if strings.Contains(name, "/") {
			return where.field("unified").key(name).errorf("must be a file name (no slashes)")
		}
		if controller, parameter, _ := strings.Cut(name, "."); controller == "" || parameter == "" {
			return where.field("unified").key(name).errorf("must be in the form CONTROLLER.PARAMETER")
		}
	}
	return nil
}

// checkDeviceRule takes -1 for every number, as callers write it.
func checkDeviceRule(rule *specs.LinuxDeviceCgroup) error {
	switch rule.Type {
	case "", "a", "b", "c":
	default:
		return place("type").errorf("want a, b or c, got %q", rule.Type)
	}
	if rule.Access == "" || strings.Trim(rule.Access, "rwm") != "" {
		return place("access").errorf("want some of rwm, got %q", rule.Access)
	}
	if rule.Major != nil && (*rule.Major < -1 || *rule.Major > math.MaxUint32) {
		return place("major").errorf("want a device number, or -1 for all, got %d", *rule.Major)
	}
	if rule.Minor != nil && (*rule.Minor < -1 || *rule.Minor > math.MaxUint32) {
		return place("minor").errorf("want a device number, or -1 for all, got %d", *rule.Minor)
	}
	return nil
}

func checkMemory(m *specs.LinuxMemory) error {
	if m == nil {
		return nil
	}
	const where = place("linux.resources.memory")
	for _, limit := range [...]struct {
		name  string
		bytes *int64
	}{
		{"limit", m.Limit}, {"reservation", m.Reservation}, {"swap", m.Swap},
		{"kernel", m.Kernel}, {"kernelTCP", m.KernelTCP}, //nolint:staticcheck // deprecated, and used
	} {
		if limit.bytes != nil && *limit.bytes < -1 {
			return where.field(limit.name).errorf("want bytes, or -1 for no limit, got %d", *limit.bytes)
		}
	}
	// Callers write -1 for unset, which is this when it has been through a uint64.
	if s := m.Swappiness; s != nil && *s > 100 && *s != math.MaxUint64 {
		return where.field("swappiness").errorf("want 0 to 100, got %d", *s)
	}
	return nil
}

func checkBlockIO(b *specs.LinuxBlockIO) error {
	if b == nil {
		return nil
	}
	const where = place("linux.resources.blockIO")
	for i, device := range b.WeightDevice {
		if device.Weight == nil && device.LeafWeight == nil {
			return where.field("weightDevice").index(i).errorf("want weight, leafWeight or both")
		}
		if err := checkBlockDevice(device.LinuxBlockIODevice); err != nil {
			return within(where.field("weightDevice").index(i), err)
		}
	}
	for _, list := range [...]struct {
		name    string
		devices []specs.LinuxThrottleDevice
	}{
		{"throttleReadBpsDevice", b.ThrottleReadBpsDevice},
		{"throttleWriteBpsDevice", b.ThrottleWriteBpsDevice},
		{"throttleReadIOPSDevice", b.ThrottleReadIOPSDevice},
		{"throttleWriteIOPSDevice", b.ThrottleWriteIOPSDevice},
	} {
		for i, device := range list.devices {
			if err := checkBlockDevice(device.LinuxBlockIODevice); err != nil {
				return within(where.field(list.name).index(i), err)
			}
		}
	}
	return nil
}

func checkBlockDevice(d specs.LinuxBlockIODevice) error {
	if d.Major < 0 || d.Major > maxMajor {
		return place("major").errorf("want 0 to %d, got %d", maxMajor, d.Major)
	}
	if d.Minor < 0 || d.Minor > maxMinor {
		return place("minor").errorf("want 0 to %d, got %d", maxMinor, d.Minor)
	}
	return nil
}

// isPageSize tells whether the size looks as in the names of the kernel's files:
// hugetlb.2MB.max.
func isPageSize(s string) bool {
	number, ok := strings.CutSuffix(s, "B")
	if !ok || len(number) < 2 || !strings.ContainsRune("KMG", rune(number[len(number)-1])) {
		return false
	}
	number = number[:len(number)-1]
	return isNumber(number) && number[0] != '0'
}
