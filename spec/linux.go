// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"path"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func checkLinux(linux *specs.Linux) error {
	if err := checkNamespaces(linux); err != nil {
		return err
	}
	if err := checkUserMappings(linux); err != nil {
		return err
	}
	if err := checkTimeOffsets(linux); err != nil {
		return err
	}
	if err := checkDevices(linux.Devices); err != nil {
		return err
	}
	if err := checkNetDevices(linux); err != nil {
		return err
	}
	if linux.Resources != nil {
		if err := checkResources(linux.Resources); err != nil {
			return err
		}
	}
	if err := checkIntelRdt(linux.IntelRdt); err != nil {
		return err
	}
	if err := checkMemoryPolicy(linux.MemoryPolicy); err != nil {
		return err
	}
	if err := checkSysctl(linux); err != nil {
		return err
	}
	if err := checkSeccomp(linux.Seccomp); err != nil {
		return err
	}
	if err := checkPropagation(linux.RootfsPropagation); err != nil {
		return err
	}
	if err := checkPaths(linux); err != nil {
		return err
	}
	return checkPersonality(linux.Personality)
}

var propagations = [...]string{
	"private", "shared", "slave", "unbindable",
	"rprivate", "rshared", "rslave", "runbindable",
}

func checkPropagation(mode string) error {
	if mode != "" && !slices.Contains(propagations[:], mode) {
		return unknown("linux.rootfsPropagation", mode, propagations[:])
	}
	return nil
}

// checkPaths wants a mount namespace for masks: without one they would cover
// the host's files.
func checkPaths(linux *specs.Linux) error {
	for _, list := range [...]struct {
		where place
		paths []string
	}{{"linux.maskedPaths", linux.MaskedPaths}, {"linux.readonlyPaths", linux.ReadonlyPaths}} {
		if len(list.paths) > 0 && !hasNamespace(linux, specs.MountNamespace) {
			return list.where.errorf("want a mount namespace to hide them in; linux.namespaces has none")
		}
		for i, p := range list.paths {
			if !path.IsAbs(p) {
				return list.where.index(i).errorf("want an absolute path, got %q", p)
			}
		}
	}
	return nil
}

func checkPersonality(p *specs.LinuxPersonality) error {
	if p != nil && p.Domain != specs.PerLinux && p.Domain != specs.PerLinux32 {
		return place("linux.personality.domain").errorf("want LINUX or LINUX32, got %q", p.Domain)
	}
	return nil
}

// checkIntelRdt keeps each schema to one line, and the group to one directory.
func checkIntelRdt(rdt *specs.LinuxIntelRdt) error {
	if rdt == nil {
		return nil
	}
	const where = place("linux.intelRdt")
	if id := rdt.ClosID; id == "." || id == ".." || id != "/" && strings.Contains(id, "/") {
		return where.field("closID").errorf("want a name without slashes, or /, got %q", id)
	}
	if s := rdt.L3CacheSchema; strings.Contains(s, "\n") {
		return where.field("l3CacheSchema").errorf("want one line, got %q", s)
	}
	if s := rdt.MemBwSchema; s != "" && (!strings.HasPrefix(s, "MB:") || strings.Contains(s, "\n")) {
		return where.field("memBwSchema").errorf("want one line that begins with MB:, got %q", s)
	}
	for i, s := range rdt.Schemata {
		if strings.Contains(s, "\n") {
			return where.field("schemata").index(i).errorf("want one line, got %q", s)
		}
	}
	return nil
}

var memoryModes = [...]specs.MemoryPolicyModeType{
	specs.MpolDefault, specs.MpolBind, specs.MpolInterleave, specs.MpolWeightedInterleave,
	specs.MpolPreferred, specs.MpolPreferredMany, specs.MpolLocal,
}

var memoryFlags = [...]specs.MemoryPolicyFlagType{
	specs.MpolFNumaBalancing, specs.MpolFRelativeNodes, specs.MpolFStaticNodes,
}

// checkMemoryPolicy follows set_mempolicy(2). "invalid memory policy" is what
// scripts look for.
func checkMemoryPolicy(policy *specs.LinuxMemoryPolicy) error {
	if policy == nil {
		return nil
	}
	const where = place("linux.memoryPolicy")
	mode := policy.Mode
	if !slices.Contains(memoryModes[:], mode) {
		return where.field("mode").errorf("invalid memory policy: mode %q", mode)
	}
	for i, flag := range policy.Flags {
		if !slices.Contains(memoryFlags[:], flag) {
			return where.field("flags").index(i).errorf("invalid memory policy: flag %q", flag)
		}
	}
	if slices.Contains(policy.Flags, specs.MpolFRelativeNodes) && slices.Contains(policy.Flags, specs.MpolFStaticNodes) {
		return where.field("flags").errorf("invalid memory policy: flag %q with flag %q", specs.MpolFRelativeNodes, specs.MpolFStaticNodes)
	}
	nodes, err := ParseRanges(policy.Nodes)
	if err != nil {
		return where.field("nodes").errorf("invalid memory policy: node: %v", err)
	}
	switch none := len(nodes) == 0; {
	case !none && (mode == specs.MpolDefault || mode == specs.MpolLocal):
		return where.field("nodes").errorf("invalid memory policy: mode %s wants no node, got %q", mode, policy.Nodes)
	case none && mode != specs.MpolDefault && mode != specs.MpolLocal && mode != specs.MpolPreferred:
		return where.field("nodes").errorf("invalid memory policy: mode %s wants a node, got none", mode)
	}
	return nil
}
