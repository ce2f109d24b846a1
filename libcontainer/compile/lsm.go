// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// The attributes of a process that security modules keep (proc_pid_attr(5)).
const (
	attrExec         = "self/attr/exec"
	attrAppArmorExec = "self/attr/apparmor/exec"
	attrKeycreate    = "self/attr/keycreate"
)

// labels checks that there is a security module for each label that is asked for: a container
// that is less confined than it should be is not started.
func (c *compiler) labels() {
	p := c.spec.Process
	if p != nil && p.ApparmorProfile != "" && !c.facts.AppArmor {
		c.fail("process.apparmorProfile "+p.ApparmorProfile, "apparmor is not enabled on this host")
	}
	const disabled = "selinux label is specified in config, but selinux is disabled or not supported"
	if p != nil && p.SelinuxLabel != "" && !c.facts.SELinux {
		c.fail("process.selinuxLabel "+p.SelinuxLabel, disabled)
	}
	if l := c.spec.Linux.MountLabel; l != "" && !c.facts.SELinux {
		c.fail("linux.mountLabel "+l, disabled)
	}
}

// holdHostProc opens the host's procfs while its mounts are still there: labels are written
// through it, so nothing that an image or a volume has put on /proc is ever taken for it
// (CVE-2019-16884, CVE-2025-52881).
func (c *compiler) holdHostProc() {
	p := c.spec.Process
	if p == nil || p.ApparmorProfile == "" && p.SelinuxLabel == "" {
		return
	}
	c.at("process", "/proc")
	c.hostProc, c.hasHostProc = c.b.Openat2(plan.Cwd, "/proc", openPath(unix.O_DIRECTORY, 0)).FD(), true
}

// keyLabel is the label of the keyrings that the process makes until it executes its program.
func (c *compiler) keyLabel() {
	if p := c.spec.Process; p != nil && p.SelinuxLabel != "" {
		c.atSELinux(p.SelinuxLabel, attrKeycreate)
		c.writeAttr(attrKeycreate, p.SelinuxLabel)
	}
}

// execLabels says under which profile and label the program will run: they take effect with
// execve.
func (c *compiler) execLabels() {
	if !c.hasHostProc {
		return
	}
	p := c.spec.Process
	if l := p.SelinuxLabel; l != "" {
		c.atSELinux(l, attrExec)
		c.writeAttr(attrExec, l)
	}
	if name := p.ApparmorProfile; name != "" {
		c.b.At(plan.Note{
			Where: "process.apparmorProfile", Index: -1, Object: name + ": write to `/proc/" + attrAppArmorExec + "`",
			Hint: "the profile must be loaded: see /sys/kernel/security/apparmor/profiles and apparmor_parser(8)",
		})
		// The directory is newer (5.1) than the file, which belongs to the first security module.
		old, written := c.b.Label(), c.b.Label()
		fd := c.b.Openat2(c.hostProc, attrAppArmorExec, attrHow).OnError(unix.ENOENT, old).FD()
		c.b.Write(fd, "exec "+name)
		c.b.Close(fd).Then(written)
		c.b.Bind(old)
		c.writeAttr(attrExec, "exec "+name)
		c.b.Bind(written)
	}
	c.at("process", "/proc")
	c.b.Close(c.hostProc)
	c.hasHostProc = false
}

func (c *compiler) atSELinux(label, file string) {
	c.b.At(plan.Note{
		Where: "process.selinuxLabel", Index: -1, Object: label + ": write to `/proc/" + file + "`",
		Hint: "the policy must know the label, and let this process use it",
	})
}

var attrHow = plan.OpenHow{
	Flags:   unix.O_WRONLY | unix.O_CLOEXEC,
	Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
}

func (c *compiler) writeAttr(file, value string) {
	fd := c.b.Openat2(c.hostProc, file, attrHow).FD()
	c.b.Write(fd, value)
	c.b.Close(fd)
}

// mountLabel gives a new file system the label of linux.mountLabel. Those of the kernel have labels
// of their own.
func (c *compiler) mountLabel(fs plan.FD, kind string, o *mountOptions) {
	l := c.spec.Linux.MountLabel
	switch kind {
	case "proc", "sysfs", "mqueue", "cgroup", "cgroup2":
		return
	}
	if l != "" && !hasKey(o.data, "context") {
		c.b.FsconfigString(fs, "context", l).Remember().OnError(0, c.fsFailed)
	}
}

// labelRoot labels the directory of a file system that takes no label when it is mounted.
func (c *compiler) labelRoot(mount plan.FD) {
	l := c.spec.Linux.MountLabel
	if l == "" {
		return
	}
	dir := c.b.Openat2(mount, ".", plan.OpenHow{Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC}).FD()
	c.b.Fsetxattr(dir, "security.selinux", l)
	c.b.Close(dir)
}
