// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"math"
	"path"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// noID is (uid_t)-1. In setresuid(2) and chown(2) it means "leave as it is", so
// a process that asked for it would stay root.
const noID = math.MaxUint32

func checkProcess(p *specs.Process) error {
	if err := checkConsole(p); err != nil {
		return err
	}
	if !path.IsAbs(p.Cwd) {
		return place("process.cwd").errorf("want an absolute path, got %q", p.Cwd)
	}
	for i, entry := range p.Env {
		if strings.IndexByte(entry, '=') < 1 {
			return place("process.env").index(i).errorf("want NAME=value, got %q", entry)
		}
	}
	if len(p.Args) == 0 {
		return place("process.args").errorf("want at least one string: the program")
	}
	if err := checkUser(&p.User); err != nil {
		return err
	}
	if err := checkRlimits(p.Rlimits); err != nil {
		return err
	}
	if p.OOMScoreAdj != nil && (*p.OOMScoreAdj < -1000 || *p.OOMScoreAdj > 1000) {
		return place("process.oomScoreAdj").errorf("want -1000 to 1000, got %d", *p.OOMScoreAdj)
	}
	if err := checkScheduler(p.Scheduler); err != nil {
		return err
	}
	if err := checkIOPriority(p.IOPriority); err != nil {
		return err
	}
	return checkAffinity(p.ExecCPUAffinity)
}

// checkConsole ignores the size without a terminal, as the specification wants.
func checkConsole(p *specs.Process) error {
	if !p.Terminal || p.ConsoleSize == nil {
		return nil
	}
	if h := p.ConsoleSize.Height; h > math.MaxUint16 {
		return place("process.consoleSize.height").errorf("want 0 to 65535, got %d", h)
	}
	if w := p.ConsoleSize.Width; w > math.MaxUint16 {
		return place("process.consoleSize.width").errorf("want 0 to 65535, got %d", w)
	}
	return nil
}

func checkUser(u *specs.User) error {
	if err := checkID("process.user.uid", u.UID); err != nil {
		return err
	}
	if err := checkID("process.user.gid", u.GID); err != nil {
		return err
	}
	if u.Umask != nil && *u.Umask > 0o777 {
		return place("process.user.umask").errorf("want 0 to 511 (0777), got %d (0%o)", *u.Umask, *u.Umask)
	}
	for i, gid := range u.AdditionalGids {
		if gid == noID {
			return checkID(place("process.user.additionalGids").index(i), gid)
		}
	}
	return nil
}

func checkID(where place, id uint32) error {
	if id == noID {
		return where.errorf("want 0 to 4294967294, got %d, which means no id to the kernel", id)
	}
	return nil
}

// rlimits has every name in the order of its number, RLIMIT_CPU being 0. The
// numbers are those of asm-generic/resource.h: of the architectures that Go
// runs on, only mips has its own.
var rlimits = [...]string{
	"RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS",
	"RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING",
	"RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
}

// RlimitNumber is the resource argument of prlimit(2) for a name such as
// RLIMIT_NOFILE.
func RlimitNumber(name string) (n int, ok bool) {
	n = slices.Index(rlimits[:], name)
	return n, n >= 0
}

func checkRlimits(limits []specs.POSIXRlimit) error {
	var seen [len(rlimits)]bool
	for i, limit := range limits {
		n, ok := RlimitNumber(limit.Type)
		switch {
		case !ok:
			return unknown(place("process.rlimits").index(i).field("type"), limit.Type, rlimits[:])
		case seen[n]:
			return place("process.rlimits").index(i).errorf("duplicate %s", limit.Type)
		case limit.Soft > limit.Hard:
			return place("process.rlimits").index(i).field("soft").errorf("want %s at most the hard limit %d, got %d", limit.Type, limit.Hard, limit.Soft)
		}
		seen[n] = true
	}
	return nil
}

var schedulerPolicies = [...]specs.LinuxSchedulerPolicy{
	specs.SchedOther, specs.SchedFIFO, specs.SchedRR, specs.SchedBatch,
	specs.SchedISO, specs.SchedIdle, specs.SchedDeadline,
}

var schedulerFlags = [...]specs.LinuxSchedulerFlag{
	specs.SchedFlagResetOnFork, specs.SchedFlagReclaim, specs.SchedFlagDLOverrun, specs.SchedFlagKeepPolicy,
	specs.SchedFlagKeepParams, specs.SchedFlagUtilClampMin, specs.SchedFlagUtilClampMax,
}

// checkScheduler holds each property to the policies that have it, as in
// sched_setattr(2).
func checkScheduler(s *specs.Scheduler) error {
	if s == nil {
		return nil
	}
	const where = place("process.scheduler")
	if !slices.Contains(schedulerPolicies[:], s.Policy) {
		return unknown(where.field("policy"), s.Policy, schedulerPolicies[:])
	}
	for i, flag := range s.Flags {
		if !slices.Contains(schedulerFlags[:], flag) {
			return unknown(where.field("flags").index(i), flag, schedulerFlags[:])
		}
	}
	fair := s.Policy == specs.SchedOther || s.Policy == specs.SchedBatch
	realtime := s.Policy == specs.SchedFIFO || s.Policy == specs.SchedRR
	deadline := s.Policy == specs.SchedDeadline
	switch {
	case s.Nice < -20 || s.Nice > 19:
		return where.field("nice").errorf("want -20 to 19, got %d", s.Nice)
	case s.Nice != 0 && !fair:
		return where.field("nice").errorf("want none with %s, got %d; SCHED_OTHER and SCHED_BATCH have it", s.Policy, s.Nice)
	case realtime && (s.Priority < 1 || s.Priority > 99):
		return where.field("priority").errorf("want 1 to 99 with %s, got %d", s.Policy, s.Priority)
	case s.Priority != 0 && !realtime:
		return where.field("priority").errorf("want none with %s, got %d; SCHED_FIFO and SCHED_RR have it", s.Policy, s.Priority)
	case !deadline && (s.Runtime|s.Deadline|s.Period) != 0:
		return where.errorf("want no runtime, deadline or period with %s; SCHED_DEADLINE has them", s.Policy)
	case deadline && (s.Runtime == 0 || s.Runtime > s.Deadline || s.Period != 0 && s.Deadline > s.Period):
		return where.errorf("want 0 < runtime <= deadline <= period, got %d, %d, %d", s.Runtime, s.Deadline, s.Period)
	}
	return nil
}

var ioClasses = [...]specs.IOPriorityClass{specs.IOPRIO_CLASS_RT, specs.IOPRIO_CLASS_BE, specs.IOPRIO_CLASS_IDLE}

func checkIOPriority(p *specs.LinuxIOPriority) error {
	switch {
	case p == nil:
	case !slices.Contains(ioClasses[:], p.Class):
		return unknown("process.ioPriority.class", p.Class, ioClasses[:])
	case p.Priority < 0 || p.Priority > 7:
		return place("process.ioPriority.priority").errorf("want 0 to 7, got %d", p.Priority)
	}
	return nil
}

func checkAffinity(a *specs.CPUAffinity) error {
	if a == nil {
		return nil
	}
	if _, err := ParseRanges(a.Initial); err != nil {
		return place("process.execCPUAffinity.initial").errorf("%v", err)
	}
	if _, err := ParseRanges(a.Final); err != nil {
		return place("process.execCPUAffinity.final").errorf("%v", err)
	}
	return nil
}
