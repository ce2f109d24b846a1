// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"errors"
	"io"
	"io/fs"
	"iter"
	"path"
	"strconv"
	"strings"

	"github.com/opencontainers/cgroups"
	v1 "github.com/opencontainers/cgroups/fs"
	v2 "github.com/opencontainers/cgroups/fs2"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// setLimits writes linux.resources except the device rules. Without limits it does nothing at
// all; with them it hands the library ready-made paths, so that it searches for none.
func (c *Cgroup) setLimits(unified bool) error {
	if !limited(c.res) {
		return nil
	}
	silence()
	r := resources(c.res)
	config := &cgroups.Cgroup{Resources: r, Rootless: c.rootless}
	if c.placed {
		config.Path = "/" // the library asks only whether there was one
	}
	var err error
	if unified {
		var m *v2.Manager
		if m, err = v2.NewManager(config, c.loc.dir("")); err == nil {
			err = m.Set(r)
		}
	} else {
		dirs := make(map[string]string, 16)
		for _, d := range c.loc.Dirs {
			for one := range strings.SplitSeq(d.Controllers, ",") {
				dirs[one] = d.Path
			}
		}
		var m *v1.Manager
		if m, err = v1.NewManager(config, dirs); err == nil {
			err = m.Set(r)
		}
	}
	if err != nil {
		return limitError(err, c.loc.dir(""), unified)
	}
	return nil
}

// silence keeps the library's log off stderr, where a caller of tare looks for one sentence. What
// it warns of it also returns, or it falls back to what works.
func silence() { logrus.SetOutput(io.Discard) }

// resources are the limits in the library's terms. It has its own zero for "leave it alone".
func resources(s *specs.LinuxResources) *cgroups.Resources {
	r := &cgroups.Resources{SkipDevices: true, Unified: s.Unified}
	if len(s.Unified) == 0 {
		r.Unified = nil // on v1 the library refuses even an empty map
	}
	if m := s.Memory; m != nil {
		r.Memory, r.MemoryReservation, r.MemorySwap = value(m.Limit), value(m.Reservation), value(m.Swap)
		r.MemorySwappiness = m.Swappiness
		r.OomKillDisable = value(m.DisableOOMKiller)
		r.MemoryCheckBeforeUpdate = value(m.CheckBeforeUpdate)
	}
	if u := s.CPU; u != nil {
		r.CpuShares = value(u.Shares)
		r.CpuWeight = cgroups.ConvertCPUSharesToCgroupV2Value(r.CpuShares)
		r.CpuQuota, r.CpuPeriod, r.CpuBurst = value(u.Quota), value(u.Period), u.Burst
		r.CpuRtRuntime, r.CpuRtPeriod = value(u.RealtimeRuntime), value(u.RealtimePeriod)
		r.CpusetCpus, r.CpusetMems, r.CPUIdle = u.Cpus, u.Mems, u.Idle
	}
	if s.Pids != nil {
		r.PidsLimit = s.Pids.Limit
	}
	if b := s.BlockIO; b != nil {
		r.BlkioWeight, r.BlkioLeafWeight = value(b.Weight), value(b.LeafWeight)
		for _, d := range b.WeightDevice {
			r.BlkioWeightDevice = append(r.BlkioWeightDevice,
				cgroups.NewWeightDevice(d.Major, d.Minor, value(d.Weight), value(d.LeafWeight)))
		}
		r.BlkioThrottleReadBpsDevice = throttles(b.ThrottleReadBpsDevice)
		r.BlkioThrottleWriteBpsDevice = throttles(b.ThrottleWriteBpsDevice)
		r.BlkioThrottleReadIOPSDevice = throttles(b.ThrottleReadIOPSDevice)
		r.BlkioThrottleWriteIOPSDevice = throttles(b.ThrottleWriteIOPSDevice)
	}
	for _, h := range s.HugepageLimits {
		r.HugetlbLimit = append(r.HugetlbLimit, &cgroups.HugepageLimit{Pagesize: h.Pagesize, Limit: h.Limit})
	}
	if n := s.Network; n != nil {
		r.NetClsClassid = value(n.ClassID)
		for _, p := range n.Priorities {
			r.NetPrioIfpriomap = append(r.NetPrioIfpriomap, &cgroups.IfPrioMap{Interface: p.Name, Priority: int64(p.Priority)})
		}
	}
	if len(s.Rdma) > 0 {
		r.Rdma = make(map[string]cgroups.LinuxRdma, len(s.Rdma))
		for device, l := range s.Rdma {
			r.Rdma[device] = cgroups.LinuxRdma{HcaHandles: l.HcaHandles, HcaObjects: l.HcaObjects}
		}
	}
	return r
}

func throttles(list []specs.LinuxThrottleDevice) []*cgroups.ThrottleDevice {
	var out []*cgroups.ThrottleDevice
	for _, d := range list {
		out = append(out, cgroups.NewThrottleDevice(d.Major, d.Minor, d.Rate))
	}
	return out
}

// value is what p points to, or zero.
func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

// set says whether a limit is there and is not zero, which means "leave it alone".
func set[T comparable](p *T) bool {
	var zero T
	return p != nil && *p != zero
}

// limited says whether any limit is asked for; device rules and what is ignored are none.
func limited(r *specs.LinuxResources) bool {
	for range limitsOf(r, false) {
		return true
	}
	return false
}

// limitsOf yields the place in config.json of each limit asked for, and the controller it needs.
func limitsOf(r *specs.LinuxResources, unified bool) iter.Seq2[string, string] {
	return func(yield func(place, controller string) bool) {
		if r == nil {
			return
		}
		on := func(asked bool, controller, place string) bool {
			return !asked || yield("linux.resources."+place, controller)
		}
		blkio := "blkio"
		if unified {
			blkio = "io"
		}
		if m := r.Memory; m != nil && !(on(set(m.Limit), "memory", "memory.limit") &&
			on(set(m.Reservation), "memory", "memory.reservation") &&
			on(set(m.Swap), "memory", "memory.swap") &&
			on(!unified && m.Swappiness != nil, "memory", "memory.swappiness") &&
			on(!unified && set(m.DisableOOMKiller), "memory", "memory.disableOOMKiller")) {
			return
		}
		if u := r.CPU; u != nil && !(on(set(u.Shares), "cpu", "cpu.shares") &&
			on(set(u.Quota), "cpu", "cpu.quota") &&
			on(set(u.Period), "cpu", "cpu.period") &&
			on(u.Burst != nil, "cpu", "cpu.burst") &&
			on(u.Idle != nil, "cpu", "cpu.idle") &&
			on(!unified && set(u.RealtimeRuntime), "cpu", "cpu.realtimeRuntime") &&
			on(!unified && set(u.RealtimePeriod), "cpu", "cpu.realtimePeriod") &&
			on(u.Cpus != "", "cpuset", "cpu.cpus") &&
			on(u.Mems != "", "cpuset", "cpu.mems")) {
			return
		}
		if p := r.Pids; p != nil && !on(p.Limit != nil, "pids", "pids.limit") {
			return
		}
		if b := r.BlockIO; b != nil && !(on(set(b.Weight), blkio, "blockIO.weight") &&
			on(!unified && set(b.LeafWeight), blkio, "blockIO.leafWeight") &&
			on(len(b.WeightDevice) > 0, blkio, "blockIO.weightDevice") &&
			on(len(b.ThrottleReadBpsDevice) > 0, blkio, "blockIO.throttleReadBpsDevice") &&
			on(len(b.ThrottleWriteBpsDevice) > 0, blkio, "blockIO.throttleWriteBpsDevice") &&
			on(len(b.ThrottleReadIOPSDevice) > 0, blkio, "blockIO.throttleReadIOPSDevice") &&
			on(len(b.ThrottleWriteIOPSDevice) > 0, blkio, "blockIO.throttleWriteIOPSDevice")) {
			return
		}
		if n := r.Network; n != nil && !(on(!unified && set(n.ClassID), "net_cls", "network.classID") &&
			on(!unified && len(n.Priorities) > 0, "net_prio", "network.priorities")) {
			return
		}
		_ = on(len(r.HugepageLimits) > 0, "hugetlb", "hugepageLimits") &&
			on(len(r.Rdma) > 0, "rdma", "rdma") &&
			on(len(r.Unified) > 0, "", "unified")
	}
}

// lacking is the first limit whose controller has no cgroup here, or "".
func (c *Cgroup) lacking(unified bool) (place, controller string) {
	for place, controller := range limitsOf(c.res, unified) {
		if unified {
			controller = ""
		}
		if c.loc.dir(controller) == "" {
			return place, controller
		}
	}
	return "", ""
}

// needsDomain says whether a limit cannot be had in a threaded v2 cgroup.
func needsDomain(r *specs.LinuxResources) bool {
	for _, controller := range limitsOf(r, true) {
		switch controller {
		case "memory", "io", "cpu", "hugetlb":
			return true
		}
	}
	return false
}

// limitError is the library's error in the user's terms: the place in config.json, what was
// written, and the kernel's word.
func limitError(err error, dir string, unified bool) error {
	text := err.Error()
	e := &Error{Place: "linux.resources", Call: text}
	var file *fs.PathError
	if !errors.As(err, &file) {
		e.Place = "linux.resources." + placeOfText(text)
		return e
	}
	name := path.Base(file.Path)
	e.Place = "linux.resources." + placeOfFile(name)
	if key, ok := unifiedKey(text); ok {
		e.Place = "linux.resources.unified[" + strconv.Quote(key) + "]"
	}
	e.Err = file.Err
	e.Call = "open " + name
	if file.Op == "write" {
		e.Call = "write to " + name
		_, rest, _ := strings.Cut(text, "failed to write ")
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			e.Call = "write " + quoted + " to " + name
			if strings.HasPrefix(quoted, `"max `) { // there is no quota, so it is the period
				e.Place = "linux.resources.cpu.period"
			}
		}
	}
	if controller, _, _ := strings.Cut(name, "."); unified && e.Err == unix.ENOENT && controller != "cgroup" {
		have, err := anywhere.readFile(dir + "/cgroup.controllers")
		if err == nil && missing(controller, string(have)) {
			e.Call = "controller " + quote(controller) + " not available in " + dir + ": " + e.Call
			e.Hint = "it is not in cgroup.subtree_control of a cgroup above"
		}
	}
	return e
}

// unifiedKey is the key that an error of linux.resources.unified is about.
func unifiedKey(text string) (string, bool) {
	_, rest, ok := strings.Cut(text, "unified resource ")
	if !ok {
		return "", false
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return "", false
	}
	key, err := strconv.Unquote(quoted)
	return key, err == nil
}
