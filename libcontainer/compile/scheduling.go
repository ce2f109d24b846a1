// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
	"github.com/tare-runtime/tare/spec"
)

// name is a word of config.json and the kernel's number for it.
type name struct {
	text  string
	value uint64
}

func numberOf(names []name, text string) uint64 {
	for i := range names {
		if names[i].text == text {
			return names[i].value
		}
	}
	panic("BUG: unknown name " + text + " has passed Validate")
}

var schedulerPolicies = [...]name{
	{string(specs.SchedOther), unix.SCHED_NORMAL}, {string(specs.SchedFIFO), unix.SCHED_FIFO},
	{string(specs.SchedRR), unix.SCHED_RR}, {string(specs.SchedBatch), unix.SCHED_BATCH},
	{string(specs.SchedISO), 4}, {string(specs.SchedIdle), unix.SCHED_IDLE},
	{string(specs.SchedDeadline), unix.SCHED_DEADLINE},
}

var schedulerFlags = [...]name{
	{string(specs.SchedFlagResetOnFork), unix.SCHED_FLAG_RESET_ON_FORK},
	{string(specs.SchedFlagReclaim), unix.SCHED_FLAG_RECLAIM},
	{string(specs.SchedFlagDLOverrun), unix.SCHED_FLAG_DL_OVERRUN},
	{string(specs.SchedFlagKeepPolicy), unix.SCHED_FLAG_KEEP_POLICY},
	{string(specs.SchedFlagKeepParams), unix.SCHED_FLAG_KEEP_PARAMS},
	{string(specs.SchedFlagUtilClampMin), unix.SCHED_FLAG_UTIL_CLAMP_MIN},
	{string(specs.SchedFlagUtilClampMax), unix.SCHED_FLAG_UTIL_CLAMP_MAX},
}

// Scheduling is process.scheduler as sched_setattr(2) takes it.
func Scheduling(s *specs.Scheduler) plan.Scheduling {
	a := plan.Scheduling{
		Policy: uint32(numberOf(schedulerPolicies[:], string(s.Policy))),
		Nice:   s.Nice, Priority: uint32(s.Priority),
		Runtime: s.Runtime, Deadline: s.Deadline, Period: s.Period,
	}
	for _, f := range s.Flags {
		a.Flags |= numberOf(schedulerFlags[:], string(f))
	}
	return a
}

var ioClasses = [...]name{
	{string(specs.IOPRIO_CLASS_RT), 1}, {string(specs.IOPRIO_CLASS_BE), 2}, {string(specs.IOPRIO_CLASS_IDLE), 3},
}

// The arguments of ioprio_set(2).
const (
	IOPrioWhoProcess = 1
	ioPrioClassShift = 13
)

// IOPriority is process.ioPriority as ioprio_set(2) takes it.
func IOPriority(p *specs.LinuxIOPriority) uint64 {
	return numberOf(ioClasses[:], string(p.Class))<<ioPrioClassShift | uint64(p.Priority)
}

// scheduling sets how the process gets CPU time and I/O. Whatever needs rights on the host is
// done by the launcher where the process has lost them to a user namespace.
func (c *compiler) scheduling(p *specs.Process) {
	outside := c.facts.Privileged && c.ns.own(unix.CLONE_NEWUSER)
	if s := p.Scheduler; s != nil {
		c.out.Scheduler = outside
		if !outside {
			c.b.At(plan.Note{Where: "process.scheduler", Index: -1, Object: string(s.Policy), Hint: SchedulerHint(c.spec)})
			c.b.SchedSetattr(Scheduling(s))
		}
	}
	if io := p.IOPriority; io != nil {
		c.out.IOPriority = outside
		if !outside {
			c.at("process.ioPriority", string(io.Class)+" "+strconv.Itoa(io.Priority))
			c.b.IoprioSet(IOPrioWhoProcess, 0, IOPriority(io))
		}
	}
}

// SchedulerHint is what to do when the kernel refuses process.scheduler.
func SchedulerHint(s *specs.Spec) string {
	if r := s.Linux.Resources; r != nil && r.CPU != nil && r.CPU.Cpus != "" {
		return "process scheduler can't be used together with AllowedCPUs (linux.resources.cpu.cpus)"
	}
	return ""
}

var memoryModes = [...]name{
	{string(specs.MpolDefault), 0}, {string(specs.MpolPreferred), 1}, {string(specs.MpolBind), 2},
	{string(specs.MpolInterleave), 3}, {string(specs.MpolLocal), 4}, {string(specs.MpolPreferredMany), 5},
	{string(specs.MpolWeightedInterleave), 6},
}

var memoryFlags = [...]name{
	{string(specs.MpolFNumaBalancing), 1 << 13}, {string(specs.MpolFRelativeNodes), 1 << 14}, {string(specs.MpolFStaticNodes), 1 << 15},
}

// MemoryPolicies are the modes and the flags of linux.memoryPolicy.
func MemoryPolicies() (modes, flags []string) {
	for i := range memoryModes {
		modes = append(modes, memoryModes[i].text)
	}
	for i := range memoryFlags {
		flags = append(flags, memoryFlags[i].text)
	}
	return modes, flags
}

// memoryPolicy says from which nodes the process gets its memory.
func (c *compiler) memoryPolicy() {
	m := c.spec.Linux.MemoryPolicy
	if m == nil {
		return
	}
	mode := numberOf(memoryModes[:], string(m.Mode))
	for _, f := range m.Flags {
		mode |= numberOf(memoryFlags[:], string(f))
	}
	object := string(m.Mode)
	if m.Nodes != "" {
		object += " of nodes " + m.Nodes
	}
	c.b.At(plan.Note{
		Where: "linux.memoryPolicy", Index: -1, Object: object,
		Hint: "invalid memory policy: the nodes must be there (/sys/devices/system/node/online) and in the container's cpuset, and the kernel must know the mode",
	})
	nodes := bitmap(m.Nodes)
	most := 0
	if len(nodes) != 0 {
		most = 8*len(nodes) + 1 // the kernel takes one off
	}
	c.b.SetMempolicy(mode, nodes, most)
}

// bitmap is a list such as "0-3,7" as the kernel takes it: a bit each, in longs.
func bitmap(list string) []byte {
	ranges, err := spec.ParseRanges(list)
	if err != nil || len(ranges) == 0 {
		return nil
	}
	last := 0
	for _, r := range ranges {
		last = max(last, r.Last)
	}
	longs := make([]uint64, last/64+1)
	for _, r := range ranges {
		for n := r.First; n <= r.Last; n++ {
			longs[n/64] |= 1 << (n % 64)
		}
	}
	var b []byte
	for _, l := range longs {
		b = binary.NativeEndian.AppendUint64(b, l)
	}
	return b
}

// mostCPUs is how many CPUs Linux can have (CONFIG_NR_CPUS), at most.
const mostCPUs = 8192

// affinity lets the process run on all CPUs of its cgroup: who starts a runtime on a few of
// them does not mean the container.
func (c *compiler) affinity() {
	if !c.facts.FewCPUs {
		return
	}
	c.at("process", "CPU affinity")
	c.b.SchedSetaffinity(slices.Repeat([]byte{0xff}, mostCPUs/8)).Ignore(0)
}

// execAffinity is where a further process of a container may run once it is in its cgroup. Where
// it may run before that, process.execCPUAffinity.initial, it has from the launcher's thread.
func (c *compiler) execAffinity(p *specs.Process) {
	if p.ExecCPUAffinity == nil {
		c.affinity()
		return
	}
	if mask := bitmap(p.ExecCPUAffinity.Final); mask != nil {
		c.at("process.execCPUAffinity.final", p.ExecCPUAffinity.Final)
		c.b.SchedSetaffinity(mask)
	}
}

// CPUMask is a list of CPUs such as "0-3,7" as sched_setaffinity(2) takes it; nil for none.
func CPUMask(list string) []byte { return bitmap(list) }

// personality changes what uname(2) and the like tell (personality(2)). Its flags are none.
func (c *compiler) personality() {
	p := c.spec.Linux.Personality
	if p == nil {
		return
	}
	c.at("linux.personality", string(p.Domain))
	domain := uint64(0) // PER_LINUX
	if p.Domain == specs.PerLinux32 {
		domain = 0x8
	}
	c.b.Personality(domain)
}
