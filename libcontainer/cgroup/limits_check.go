// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// checkLimits finds what cannot be right whatever the kernel says, before anything is made.
func checkLimits(r *specs.LinuxResources, unified bool) error {
	if r == nil {
		return nil
	}
	bad := func(place, what string) error {
		return &Error{Place: "linux.resources." + place, Call: what}
	}
	if m := r.Memory; m != nil {
		for _, one := range [...]struct {
			name string
			p    *int64
		}{{"limit", m.Limit}, {"reservation", m.Reservation}, {"swap", m.Swap}} {
			if value(one.p) < -1 {
				return bad("memory."+one.name, "want bytes, or -1 for no limit")
			}
		}
		limit, swap := value(m.Limit), value(m.Swap)
		switch {
		case swap <= 0 || limit == -1:
		case limit == 0 && unified:
			return bad("memory.swap", "unable to set swap limit without memory limit")
		case swap < limit:
			return bad("memory.swap", "memory+swap limit should be >= memory limit")
		}
		if !unified && value(m.Swappiness) > 100 && *m.Swappiness != ^uint64(0) {
			return bad("memory.swappiness", "want 0 to 100")
		}
	}
	if u := r.CPU; u != nil {
		if unified && value(u.Idle) != 0 && set(u.Shares) {
			return bad("cpu", "unable to apply both shares and idle")
		}
		if value(u.Quota) < -1 {
			return bad("cpu.quota", "want microseconds, or -1 for no limit")
		}
	}
	for i, h := range r.HugepageLimits {
		if !pageSize(h.Pagesize) {
			return bad("hugepageLimits["+decimal(i)+"].pageSize", `want a size like "2MB", got `+quote(h.Pagesize))
		}
	}
	if len(r.Unified) > 0 && !unified {
		return bad("unified", "invalid configuration: cannot use unified on cgroup v1")
	}
	for key := range r.Unified {
		controller, _, ok := strings.Cut(key, ".")
		if !ok || controller == "" || strings.ContainsAny(key, "/\x00") {
			return bad("unified["+quote(key)+"]", "want the name of a file, CONTROLLER.PARAMETER")
		}
	}
	return nil
}

// pageSize says whether s is a size as in the names of hugetlb files: 64KB, 2MB, 1GB.
func pageSize(s string) bool {
	digits, ok := strings.CutSuffix(s, "B")
	if !ok || digits == "" {
		return false
	}
	switch digits[len(digits)-1] {
	case 'K', 'M', 'G':
		digits = digits[:len(digits)-1]
	default:
		return false
	}
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}

// placeOfFile is the member of linux.resources that is written to a file of cgroupfs.
func placeOfFile(file string) string {
	switch file {
	case "memory.limit_in_bytes", "memory.max", "memory.usage_in_bytes", "memory.max_usage_in_bytes":
		return "memory.limit"
	case "memory.memsw.limit_in_bytes", "memory.swap.max":
		return "memory.swap"
	case "memory.soft_limit_in_bytes", "memory.low":
		return "memory.reservation"
	case "memory.swappiness":
		return "memory.swappiness"
	case "memory.oom_control":
		return "memory.disableOOMKiller"
	case "cpu.shares", "cpu.weight":
		return "cpu.shares"
	case "cpu.cfs_quota_us", "cpu.max":
		return "cpu.quota"
	case "cpu.cfs_period_us":
		return "cpu.period"
	case "cpu.cfs_burst_us", "cpu.max.burst":
		return "cpu.burst"
	case "cpu.rt_runtime_us":
		return "cpu.realtimeRuntime"
	case "cpu.rt_period_us":
		return "cpu.realtimePeriod"
	case "cpu.idle":
		return "cpu.idle"
	case "cpuset.cpus":
		return "cpu.cpus"
	case "cpuset.mems":
		return "cpu.mems"
	case "pids.max":
		return "pids.limit"
	case "blkio.weight", "blkio.bfq.weight", "io.weight", "io.bfq.weight":
		return "blockIO.weight"
	case "blkio.leaf_weight":
		return "blockIO.leafWeight"
	case "blkio.weight_device", "blkio.bfq.weight_device", "blkio.leaf_weight_device":
		return "blockIO.weightDevice"
	case "blkio.throttle.read_bps_device":
		return "blockIO.throttleReadBpsDevice"
	case "blkio.throttle.write_bps_device":
		return "blockIO.throttleWriteBpsDevice"
	case "blkio.throttle.read_iops_device":
		return "blockIO.throttleReadIOPSDevice"
	case "blkio.throttle.write_iops_device":
		return "blockIO.throttleWriteIOPSDevice"
	case "io.max":
		return "blockIO"
	case "net_cls.classid":
		return "network.classID"
	case "net_prio.ifpriomap":
		return "network.priorities"
	case "rdma.max":
		return "rdma"
	}
	if strings.HasPrefix(file, "hugetlb.") {
		return "hugepageLimits"
	}
	return file
}

// placeOfText is the member of linux.resources that an error of the library without a file is
// about.
func placeOfText(text string) string {
	switch {
	case strings.Contains(text, "swap limit"):
		return "memory.swap"
	case strings.Contains(text, "swappiness"):
		return "memory.swappiness"
	case strings.Contains(text, "memory"):
		return "memory.limit"
	case strings.Contains(text, "cpu-shares"):
		return "cpu.shares"
	case strings.Contains(text, "unified"):
		return "unified"
	}
	return "limits"
}
