// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

var seccompActions = [...]specs.LinuxSeccompAction{
	specs.ActKill, specs.ActKillProcess, specs.ActKillThread, specs.ActTrap, specs.ActErrno,
	specs.ActTrace, specs.ActAllow, specs.ActLog, specs.ActNotify,
}

var seccompArches = [...]specs.Arch{
	specs.ArchX86, specs.ArchX86_64, specs.ArchX32, specs.ArchARM, specs.ArchAARCH64,
	specs.ArchMIPS, specs.ArchMIPS64, specs.ArchMIPS64N32, specs.ArchMIPSEL, specs.ArchMIPSEL64, specs.ArchMIPSEL64N32,
	specs.ArchPPC, specs.ArchPPC64, specs.ArchPPC64LE, specs.ArchS390, specs.ArchS390X,
	specs.ArchPARISC, specs.ArchPARISC64, specs.ArchRISCV64, specs.ArchLOONGARCH64,
	specs.ArchM68K, specs.ArchSH, specs.ArchSHEB,
}

var seccompFlags = [...]specs.LinuxSeccompFlag{
	"SECCOMP_FILTER_FLAG_TSYNC", specs.LinuxSeccompFlagLog, specs.LinuxSeccompFlagSpecAllow,
	specs.LinuxSeccompFlagWaitKillableRecv,
}

var seccompOperators = [...]specs.LinuxSeccompOperator{
	specs.OpNotEqual, specs.OpLessThan, specs.OpLessEqual, specs.OpEqualTo,
	specs.OpGreaterEqual, specs.OpGreaterThan, specs.OpMaskedEqual,
}

// checkSeccomp checks the words of a profile, not what it does. A profile with
// neither a default action nor system calls is off, as in runc. Names of system
// calls are not checked: a profile lists those of every architecture and kernel.
func checkSeccomp(s *specs.LinuxSeccomp) error {
	if s == nil || s.DefaultAction == "" && len(s.Syscalls) == 0 {
		return nil
	}
	const where = place("linux.seccomp")
	if err := checkAction("defaultAction", "defaultErrnoRet", s.DefaultAction, s.DefaultErrnoRet); err != nil {
		return within(where, err)
	}
	if s.DefaultAction == specs.ActNotify {
		return where.field("defaultAction").errorf("SCMP_ACT_NOTIFY cannot be used as default action")
	}
	for i, arch := range s.Architectures {
		if !slices.Contains(seccompArches[:], arch) {
			return unknown(where.field("architectures").index(i), arch, seccompArches[:])
		}
	}
	for i, flag := range s.Flags {
		if !slices.Contains(seccompFlags[:], flag) {
			return unknown(where.field("flags").index(i), flag, seccompFlags[:])
		}
	}
	if s.ListenerMetadata != "" && s.ListenerPath == "" {
		return where.field("listenerPath").errorf("missing; want it where there is listenerMetadata")
	}
	for i := range s.Syscalls {
		if err := checkSyscall(&s.Syscalls[i], s.ListenerPath); err != nil {
			return within(where.field("syscalls").index(i), err)
		}
	}
	return nil
}

func checkSyscall(call *specs.LinuxSyscall, listener string) error {
	if len(call.Names) == 0 {
		return place("names").errorf("want at least one system call")
	}
	if err := checkAction("action", "errnoRet", call.Action, call.ErrnoRet); err != nil {
		return err
	}
	if call.Action == specs.ActNotify {
		// The runtime itself writes after the filter is loaded: it would wait
		// for an agent that has not got its descriptor yet.
		if slices.Contains(call.Names, "write") {
			return place("action").errorf("SCMP_ACT_NOTIFY cannot be used for the write syscall")
		}
		if listener == "" {
			return place("action").errorf("SCMP_ACT_NOTIFY wants linux.seccomp.listenerPath, which is missing")
		}
	}
	for i, arg := range call.Args {
		if arg.Index > 5 {
			return place("args").index(i).field("index").errorf("want 0 to 5, got %d", arg.Index)
		}
		if !slices.Contains(seccompOperators[:], arg.Op) {
			return unknown(place("args").index(i).field("op"), arg.Op, seccompOperators[:])
		}
	}
	return nil
}

// checkAction checks an action and the errno that goes with it. The kernel
// keeps 16 bits of it for a tracer, and takes what is above 4095 for 4095.
func checkAction(name, errnoName place, action specs.LinuxSeccompAction, errno *uint) error {
	if !slices.Contains(seccompActions[:], action) {
		return unknown(name, action, seccompActions[:])
	}
	if errno == nil {
		return nil
	}
	most := uint(0)
	switch action {
	case specs.ActErrno:
		most = 4095
	case specs.ActTrace:
		most = 65535
	default:
		return errnoName.errorf("want none with %s, got %d; SCMP_ACT_ERRNO and SCMP_ACT_TRACE have it", action, *errno)
	}
	if *errno > most {
		return errnoName.errorf("want 0 to %d with %s, got %d", most, action, *errno)
	}
	return nil
}
