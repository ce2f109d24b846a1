// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"path"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Validate checks all that can be known without looking at the host, in the
// order of the specification, and reports the first mistake as an *Error with
// its place. A configuration without a process is valid: create takes it, start
// does not.
//
// What needs parsing that the compiler does anyway is left to it: mount options
// are known there, and so is which of them a bind mount may have.
func Validate(s *specs.Spec) error {
	var nul nulScan
	if err := nul.err("", nulSpec(&nul, s)); err != nil {
		return err
	}
	linux := s.Linux
	if linux == nil {
		linux = new(specs.Linux)
	}
	if err := checkVersion(s.Version); err != nil {
		return err
	}
	if err := checkRoot(s.Root); err != nil {
		return err
	}
	if err := checkMounts(s.Mounts, linux); err != nil {
		return err
	}
	if s.Process != nil {
		if err := checkProcess(s.Process); err != nil {
			return err
		}
	}
	if err := checkNames(s, linux); err != nil {
		return err
	}
	if err := checkHooks(s.Hooks); err != nil {
		return err
	}
	if _, empty := s.Annotations[""]; empty {
		return place("annotations").key("").errorf("want a key that is not empty")
	}
	return checkLinux(linux)
}

// ValidateProcess is Validate for a process.json. Places begin with "process",
// as in a config.json.
func ValidateProcess(p *specs.Process) error {
	var nul nulScan
	if err := nul.err("process", nulProcess(&nul, p)); err != nil {
		return err
	}
	return checkProcess(p)
}

// ValidateResources is Validate for resources of their own. Places begin with
// "linux.resources", as in a config.json.
func ValidateResources(r *specs.LinuxResources) error {
	var nul nulScan
	if err := nul.err("linux.resources", nulLinuxResources(&nul, r)); err != nil {
		return err
	}
	return checkResources(r)
}

// Warnings are the parts of a valid configuration that will not take effect as
// they are written, one sentence each.
func Warnings(s *specs.Spec) []string {
	var all []string
	for _, name := range UnknownCapabilities(s) {
		all = append(all, "process.capabilities: unknown capability "+strconv.Quote(name)+" is ignored")
	}
	for i, m := range s.Mounts {
		if !path.IsAbs(m.Destination) {
			all = append(all, string(place("mounts").index(i))+".destination: "+strconv.Quote(m.Destination)+
				" is relative, which is deprecated; it is taken from /")
		}
	}
	if s.Linux != nil && s.Linux.Personality != nil && len(s.Linux.Personality.Flags) > 0 {
		all = append(all, "linux.personality.flags: there are none; ignored")
	}
	return all
}

// checkVersion accepts every 1.x.y: minor versions only ever add properties.
func checkVersion(version string) error {
	const where = place("ociVersion")
	core, _, _ := strings.Cut(version, "+")
	core, pre, hasPre := strings.Cut(core, "-")
	major, rest, _ := strings.Cut(core, ".")
	minor, patch, _ := strings.Cut(rest, ".")
	ok := isNumber(major) && isNumber(minor) && isNumber(patch) && (!hasPre || pre != "")
	switch {
	case version == "":
		return where.errorf("missing; want a version such as 1.3.0")
	case !ok:
		return where.errorf("want a version such as 1.3.0, got %q", version)
	case major != "1":
		return where.errorf("want a version from 1.0.0 up to 2, got %q", version)
	}
	return nil
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func checkRoot(root *specs.Root) error {
	if root == nil {
		return place("root").errorf("missing; want an object with a path")
	}
	if root.Path == "" {
		return place("root.path").errorf("missing; want a directory, absolute or below the bundle")
	}
	return nil
}

// checkNames is about the two names that a UTS namespace holds.
func checkNames(s *specs.Spec, linux *specs.Linux) error {
	const most = 64 // __NEW_UTS_LEN
	for _, n := range [...]struct {
		where place
		name  string
	}{{"hostname", s.Hostname}, {"domainname", s.Domainname}} {
		if n.name != "" && !hasNamespace(linux, specs.UTSNamespace) {
			return n.where.errorf("want a uts namespace to set %q in; linux.namespaces has none", n.name)
		}
		if len(n.name) > most {
			return n.where.errorf("want at most %d bytes, got %d", most, len(n.name))
		}
	}
	return nil
}

// hookKinds are all properties of hooks, in the order in which they run.
var hookKinds = [...]struct {
	name string
	of   func(*specs.Hooks) []specs.Hook
}{
	{"prestart", func(h *specs.Hooks) []specs.Hook { return h.Prestart }}, //nolint:staticcheck // deprecated, and used
	{"createRuntime", func(h *specs.Hooks) []specs.Hook { return h.CreateRuntime }},
	{"createContainer", func(h *specs.Hooks) []specs.Hook { return h.CreateContainer }},
	{"startContainer", func(h *specs.Hooks) []specs.Hook { return h.StartContainer }},
	{"poststart", func(h *specs.Hooks) []specs.Hook { return h.Poststart }},
	{"poststop", func(h *specs.Hooks) []specs.Hook { return h.Poststop }},
}

// HookKinds are the kinds of hooks, in the order in which they run.
func HookKinds() (names []string) {
	for i := range hookKinds {
		names = append(names, hookKinds[i].name)
	}
	return names
}

func checkHooks(hooks *specs.Hooks) error {
	if hooks == nil {
		return nil
	}
	for k := range hookKinds {
		kind := &hookKinds[k]
		for i, hook := range kind.of(hooks) {
			where := place("hooks").field(kind.name).index(i)
			if !path.IsAbs(hook.Path) {
				return where.field("path").errorf("want an absolute path, got %q", hook.Path)
			}
			if hook.Timeout != nil && *hook.Timeout <= 0 {
				return where.field("timeout").errorf("want seconds above 0, got %d", *hook.Timeout)
			}
		}
	}
	return nil
}
