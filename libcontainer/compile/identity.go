// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"path"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
	"github.com/tare-runtime/tare/spec"
)

// workingDirectory makes process.cwd if it is not there, while the root can still be written.
func (c *compiler) workingDirectory() {
	p := c.spec.Process
	if p == nil || path.Clean(p.Cwd) == "/" {
		return
	}
	c.at("process.cwd", p.Cwd)
	there := c.b.Label()
	c.b.Faccessat2(c.root, path.Clean(p.Cwd)[1:], unix.F_OK, 0).Then(there).Ignore(0)
	dir := c.mountpoint(path.Clean(p.Cwd), false, nil)
	c.b.Close(dir)
	c.b.Bind(there)
}

// identity makes the process who it is to be: limits, user, groups, capabilities, directory.
func (c *compiler) identity() {
	p := c.spec.Process
	if p == nil {
		c.at("process", "")
		c.b.Close(c.root)
		return
	}
	c.rlimits(p)
	c.scheduling(p)
	c.memoryPolicy()
	c.personality()
	c.execLabels()
	c.stdioOwner(p)
	caps := c.capabilitySets(p.Capabilities)
	if caps != nil {
		c.at("process.capabilities.bounding", "")
		for n := 0; n <= c.facts.LastCap; n++ {
			if caps.bounding&(1<<n) == 0 {
				c.b.Prctl(unix.PR_CAPBSET_DROP, uint64(n), 0, 0, 0)
			}
		}
	}
	// The directory is entered as root; where root may not (a user's own directory on NFS or
	// FUSE), it is entered again as the user.
	c.at("process.cwd", p.Cwd)
	denied, done := c.b.Label(), c.b.Label()
	retry := p.User.UID != 0
	dir := c.b.Openat2(c.root, path.Clean("/"+p.Cwd), openPath(unix.O_DIRECTORY, inRoot)).FD()
	enter := c.b.Fchdir(dir)
	if retry {
		enter.OnError(unix.EACCES, denied)
	}
	c.become(p, caps)
	if !retry {
		c.b.Close(dir)
	} else {
		c.b.Close(dir).Then(done)
		c.b.Bind(denied)
		c.become(p, caps)
		c.at("process.cwd", p.Cwd)
		c.b.Fchdir(dir)
		c.b.Close(dir)
		c.b.Bind(done)
	}
	c.at("process", "")
	c.b.Close(c.root)
	if c.hasDev {
		c.b.Close(c.dev)
	}
	if c.hasPts {
		c.b.Close(c.devpts)
	}
}

// become takes the user, the groups and the capabilities of the process.
func (c *compiler) become(p *specs.Process, caps *capabilities) {
	c.at("process.user", "")
	if c.facts.DenySetgroups {
		if len(p.User.AdditionalGids) != 0 {
			c.fail("process.user.additionalGids", "cannot set any additional groups in a rootless container")
		}
	} else {
		c.b.Setgroups(p.User.AdditionalGids)
	}
	c.b.Setresgid(p.User.GID)
	if caps != nil {
		c.b.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0)
	}
	c.b.Setresuid(p.User.UID)
	if caps != nil {
		c.b.Prctl(unix.PR_SET_KEEPCAPS, 0, 0, 0, 0)
		c.at("process.capabilities", "")
		c.b.Capset(caps.effective, caps.permitted, caps.inheritable)
		c.b.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
		for n := 0; n <= c.facts.LastCap; n++ {
			if caps.ambient&(1<<n) != 0 {
				c.b.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uint64(n), 0, 0)
			}
		}
	}
	c.at("process.user.umask", "")
	umask := uint32(0o022)
	if p.User.Umask != nil {
		umask = *p.User.Umask
	}
	c.b.Umask(umask)
	if p.NoNewPrivileges {
		c.at("process.noNewPrivileges", "")
		c.b.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	}
}

// capabilities are the five sets, as bit masks.
type capabilities struct {
	bounding, effective, permitted, inheritable, ambient uint64
}

// capabilitySets reads process.capabilities; nil if there is none, and then the process keeps
// what it has. What this kernel does not know is left out with a warning, as is an ambient
// capability that is not both permitted and inheritable, since the kernel refuses to raise it.
func (c *compiler) capabilitySets(l *specs.LinuxCapabilities) *capabilities {
	if l == nil {
		return nil
	}
	s := &capabilities{
		bounding:    c.capabilitySet("bounding", l.Bounding),
		effective:   c.capabilitySet("effective", l.Effective),
		permitted:   c.capabilitySet("permitted", l.Permitted),
		inheritable: c.capabilitySet("inheritable", l.Inheritable),
	}
	for _, name := range l.Ambient {
		n, ok := spec.CapabilityNumber(name)
		if !ok || n > c.facts.LastCap {
			c.warn("process.capabilities.ambient: " + name + " is not known to this kernel, ignored")
			continue
		}
		if s.permitted&s.inheritable&(1<<n) == 0 {
			c.warn("can't raise ambient capability " + name + ": it is not both permitted and inheritable")
			continue
		}
		s.ambient |= 1 << n
	}
	return s
}

func (c *compiler) capabilitySet(name string, list []string) (set uint64) {
	for _, l := range list {
		n, ok := spec.CapabilityNumber(l)
		if !ok || n > c.facts.LastCap {
			c.warn("process.capabilities." + name + ": " + l + " is not known to this kernel, ignored")
			continue
		}
		set |= 1 << n
	}
	return set
}

// rlimits sets the limits of the process. A hard limit is raised only with rights in the
// initial user namespace: in another one the launcher sets them, if it has those rights.
func (c *compiler) rlimits(p *specs.Process) {
	files := false
	c.out.Rlimits = len(p.Rlimits) != 0 && c.facts.Privileged && c.ns.own(unix.CLONE_NEWUSER)
	for i := range p.Rlimits {
		r := &p.Rlimits[i]
		n, _ := spec.RlimitNumber(r.Type)
		files = files || n == unix.RLIMIT_NOFILE
		if !c.out.Rlimits {
			c.b.At(plan.Note{Where: "process.rlimits", Index: i, Object: r.Type})
			c.b.Prlimit64(uint32(n), r.Soft, r.Hard)
		}
	}
	if l := c.facts.OpenFiles; l != nil && !files {
		c.at("process.rlimits", "RLIMIT_NOFILE")
		c.b.Prlimit64(unix.RLIMIT_NOFILE, l.Soft, l.Hard)
	}
}

// stdioOwner gives the standard streams to the user, so that a process that is not root can
// open /dev/stdout. What cannot be given (a file of a read-only file system, or of an owner
// without a mapping) stays as it is.
func (c *compiler) stdioOwner(p *specs.Process) {
	if p.Terminal {
		return
	}
	c.at("process.user", "standard streams")
	for i, s := range c.facts.Stdio {
		if s.Closed || s.Null || s.Owner == p.User.UID && !c.ns.own(unix.CLONE_NEWUSER) {
			continue
		}
		c.b.Fchownat(plan.Fixed(i), "", int(p.User.UID), -1, unix.AT_EMPTY_PATH).Ignore(0)
	}
}
