// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
	"github.com/tare-runtime/tare/spec"
)

// hooks stops for the hooks that run before pivot_root: everything is mounted, and the host's
// paths are still there (runtime-spec, config.md, POSIX-platform Hooks).
func (c *compiler) hooks() {
	h := c.spec.Hooks
	if h == nil || len(h.Prestart)+len(h.CreateRuntime)+len(h.CreateContainer) == 0 { //nolint:staticcheck // prestart is deprecated, not gone
		return
	}
	c.out.Hooks = true
	c.at("hooks", "")
	c.b.Write(c.report, string(rune(StageHooks)))
	c.answer()
}

// sysctl writes linux.sysctl through the procfs that the plan itself mounted, without crossing
// into any other mount and without following any link: what a volume may have put over a
// file of /proc is never written to (CVE-2025-52881).
func (c *compiler) sysctl() {
	list := c.spec.Linux.Sysctl
	if len(list) == 0 {
		c.dropProc()
		return
	}
	c.at("linux.sysctl", "")
	if !c.hasProc {
		c.proc, c.hasProc = c.newFilesystem("proc", "proc", &mountOptions{}, 0, nil), true
	}
	for _, key := range slices.Sorted(maps.Keys(list)) {
		file, ok := spec.SysctlPath(key)
		if !ok {
			c.fail(`linux.sysctl["`+key+`"]`, "is no name of a sysctl")
			return
		}
		c.b.At(plan.Note{Where: "linux.sysctl", Index: -1, Key: key, Object: list[key]})
		fd := c.b.Openat2(c.proc, "sys/"+file, plan.OpenHow{
			Flags:   unix.O_WRONLY | unix.O_CLOEXEC,
			Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
		}).FD()
		c.b.Write(fd, list[key])
		c.b.Close(fd)
	}
	c.dropProc()
}

func (c *compiler) dropProc() {
	if c.hasProc {
		c.at("mounts", "/proc")
		c.b.Close(c.proc)
		c.hasProc = false
	}
}

// names sets the host name and the NIS domain name.
func (c *compiler) names() {
	if h := c.spec.Hostname; h != "" {
		c.at("hostname", h)
		c.b.Sethostname(h)
	}
	if d := c.spec.Domainname; d != "" {
		c.at("domainname", d)
		c.b.Setdomainname(d)
	}
}

// unsupported refuses what a later version will honour: nothing is ignored in silence.
func (c *compiler) unsupported() {
	if s := c.spec.Linux.Seccomp; s != nil && (s.DefaultAction != "" || len(s.Syscalls) != 0) {
		c.fail("linux.seccomp", "not supported yet")
	}
}
