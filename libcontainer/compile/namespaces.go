// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// namespaces sorts linux.namespaces by what must happen to each.
type namespaces struct {
	fresh  uint64 // CLONE_NEW* of those without a path
	joined uint64 // of those with a path
	index  [8]int // index in linux.namespaces of each kind joined
}

// nsKinds is the order in which namespaces are joined: the user namespace first, because it
// gives the right to join those that it owns; the mount namespace last, because paths change.
var nsKinds = [8]struct {
	name specs.LinuxNamespaceType
	flag uint64
}{
	{specs.UserNamespace, unix.CLONE_NEWUSER},
	{specs.CgroupNamespace, unix.CLONE_NEWCGROUP},
	{specs.IPCNamespace, unix.CLONE_NEWIPC},
	{specs.UTSNamespace, unix.CLONE_NEWUTS},
	{specs.NetworkNamespace, unix.CLONE_NEWNET},
	{specs.PIDNamespace, unix.CLONE_NEWPID},
	{specs.TimeNamespace, unix.CLONE_NEWTIME},
	{specs.MountNamespace, unix.CLONE_NEWNS},
}

// NamespaceFlag is the CLONE_NEW* flag of a namespace type; 0 if there is none of that name.
func NamespaceFlag(t specs.LinuxNamespaceType) uint64 {
	for i := range nsKinds {
		if nsKinds[i].name == t {
			return nsKinds[i].flag
		}
	}
	return 0
}

// Namespaces are all types of linux.namespaces.
func Namespaces() (types []string) {
	for i := range nsKinds {
		types = append(types, string(nsKinds[i].name))
	}
	return types
}

func (c *compiler) sortNamespaces() {
	for i := range c.spec.Linux.Namespaces {
		n := &c.spec.Linux.Namespaces[i]
		for k := range nsKinds {
			if nsKinds[k].name != n.Type {
				continue
			}
			if n.Path == "" {
				c.ns.fresh |= nsKinds[k].flag
			} else {
				c.ns.joined |= nsKinds[k].flag
				c.ns.index[k] = i
			}
		}
	}
}

func (n *namespaces) own(flag uint64) bool   { return (n.fresh|n.joined)&flag != 0 }
func (n *namespaces) isNew(flag uint64) bool { return n.fresh&flag != 0 }

// relayed tells whether a short-lived helper must come first: a pid namespace is entered only
// by the children of the one who joins it, new namespaces belong to a joined user namespace
// only if they are made after joining it, and a process in a new user namespace has lost the
// right to join those of the host.
func (n *namespaces) relayed() bool {
	const pidOrUser = unix.CLONE_NEWPID | unix.CLONE_NEWUSER
	return n.joined&pidOrUser != 0 || n.isNew(unix.CLONE_NEWUSER) && n.joined != 0
}

// The namespaces that clone3 makes: not cgroup, which must be unshared by the process once it
// is in its cgroup (a namespace made by clone3 is rooted at the parent's), and not time, whose
// offsets must be written before anyone enters.
const byClone = unix.CLONE_NEWUSER | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNET |
	unix.CLONE_NEWPID | unix.CLONE_NEWNS

// launch begins the program: from the clone to a process in all its namespaces, root in its
// user namespace, with nothing of the host's program left.
func (c *compiler) launch() {
	c.sortNamespaces()
	c.at("process", "")
	c.report = c.input(Report, 0, true)
	if !c.opts.Run {
		c.start = c.input(Start, 0, true)
		c.status = c.input(Status, 0, false)
	}
	c.holdHostProc()
	c.out.Mappings = c.ns.isNew(unix.CLONE_NEWUSER)
	c.out.NetDevices = len(c.spec.Linux.NetDevices) != 0
	c.out.PrivatePID = c.ns.isNew(unix.CLONE_NEWPID)
	c.oomScoreAdj()
	if c.ns.joined != 0 {
		// Whoever lives in a joined namespace must find nothing to read here.
		c.undumpable()
	}
	if c.ns.relayed() {
		c.relay()
	} else {
		c.out.Flags = c.ns.fresh & byClone
		c.join(c.ns.joined)
	}
	c.enterCgroup()
	c.affinity()
	c.at("linux.uidMappings", "")
	if c.out.Mappings || c.out.NetDevices {
		c.answer()
	}
	if c.ns.joined&unix.CLONE_NEWUSER == 0 {
		c.timeNamespace()
	}
	if c.ns.own(unix.CLONE_NEWUSER) {
		c.becomeRoot()
	}
	c.shedExe()
	c.at("process", "")
	c.b.Setsid()
	c.b.Umask(0)
	c.keyring()
	if c.ns.isNew(unix.CLONE_NEWCGROUP) {
		c.at("linux.namespaces", "cgroup")
		c.b.Unshare(unix.CLONE_NEWCGROUP)
	}
	c.undumpable()
	c.loopback()
}

// ExeObject is the object of the note of the instruction that a kernel without
// CONFIG_CHECKPOINT_RESTORE refuses.
const ExeObject = "/proc/self/exe"

// shedExe takes an empty file for the process's executable. A launcher that runs from a sealed
// copy has nothing to hide.
func (c *compiler) shedExe() {
	if c.facts.Sealed {
		return
	}
	c.at("process", ExeObject)
	exe := c.input(Exe, 0, false)
	c.b.ShedExe(exe)
	c.b.Close(exe)
}

// undumpable keeps every other process of the same user away from this one's memory and
// descriptors until execve. Its files in /proc belong to root of the host from then on.
func (c *compiler) undumpable() {
	c.at("process", "")
	c.b.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}

// relay makes the helper's half of the program: join, clone the container's process beside
// itself, tell its pid, exit.
func (c *compiler) relay() {
	c.join(c.ns.joined)
	if c.ns.joined&unix.CLONE_NEWUSER != 0 {
		c.timeNamespace()
		c.becomeRoot()
	}
	c.fork(c.ns.fresh & byClone)
}

// fork makes the process that goes on, with new namespaces of these kinds, beside the one that
// tells its pid and ends here. With CLONE_PARENT the exit signal is the caller's own.
func (c *compiler) fork(fresh uint64) {
	c.out.Relay = true
	c.at("linux.namespaces", "")
	child := c.b.Label()
	pid := c.b.Slot()
	c.b.Clone3(plan.Clone{Flags: fresh | unix.CLONE_PARENT}, child).Into(pid)
	c.b.WriteSlot(c.report, pid)
	c.b.ExitGroup(0)
	c.b.Bind(child)
}

// join enters the namespaces given by path. Those that do not belong to the joined user
// namespace come before it: afterwards the right to join them is gone.
func (c *compiler) join(which uint64) {
	user := which&unix.CLONE_NEWUSER != 0
	for pass := 0; pass < 2; pass++ {
		for k := range nsKinds {
			kind := &nsKinds[k]
			if which&kind.flag == 0 {
				continue
			}
			i := c.ns.index[k]
			early := user && kind.flag != unix.CLONE_NEWUSER && !c.facts.Namespaces[i].OwnedByJoined
			if early != (pass == 0) {
				continue
			}
			n := &c.spec.Linux.Namespaces[i]
			c.b.At(plan.Note{Where: "linux.namespaces", Index: i, Object: n.Path})
			fd := c.input(NamespacePath, i, false)
			c.b.Setns(fd, uint32(kind.flag))
			c.b.Close(fd)
		}
	}
}

// becomeRoot takes the ids that own the user namespace, so that files made from here on
// belong to root inside.
func (c *compiler) becomeRoot() {
	c.at("linux.uidMappings", "")
	uid, gid := c.workingIDs()
	if !c.facts.DenySetgroups {
		// A joined namespace may have denied setgroups.
		c.b.Setgroups(nil).Ignore(unix.EPERM)
	}
	c.b.Setresgid(gid)
	c.b.Setresuid(uid)
}

// workingIDs are the ids under which the container is set up: root, or where root is not
// mapped, the user of the process.
func (c *compiler) workingIDs() (uid, gid uint32) {
	l := c.spec.Linux
	if c.spec.Process == nil || c.ns.joined&unix.CLONE_NEWUSER != 0 {
		return 0, 0
	}
	if !mapsID(l.UIDMappings, 0) {
		uid = c.spec.Process.User.UID
	}
	if !mapsID(l.GIDMappings, 0) {
		gid = c.spec.Process.User.GID
	}
	return uid, gid
}

func mapsID(list []specs.LinuxIDMapping, id uint32) bool {
	for _, m := range list {
		if id >= m.ContainerID && uint64(id) < uint64(m.ContainerID)+uint64(m.Size) {
			return true
		}
	}
	return false
}

// enterCgroup joins the hierarchies of cgroup v1. A process that has one thread and writes
// "0" to tasks takes no global lock, so it does not wait for RCU as a writer of cgroup.procs
// would. Cgroup v2 needs nothing here: clone3 made the process in its cgroup.
func (c *compiler) enterCgroup() {
	c.at("linux.cgroupsPath", c.spec.Linux.CgroupsPath)
	for i := range c.facts.Cgroup.Entries {
		fd := c.input(CgroupEntry, i, false)
		c.b.Write(fd, "0")
		c.b.Close(fd)
	}
}

// oomScoreAdj is written while the process is still the launcher's in every respect: later
// the file is not its own.
func (c *compiler) oomScoreAdj() {
	p := c.spec.Process
	if p == nil || p.OOMScoreAdj == nil {
		return
	}
	c.at("process.oomScoreAdj", strconv.Itoa(*p.OOMScoreAdj))
	fd := c.b.Openat2(plan.Cwd, "/proc/self/oom_score_adj", plan.OpenHow{Flags: unix.O_WRONLY | unix.O_CLOEXEC}).FD()
	c.b.Write(fd, strconv.Itoa(*p.OOMScoreAdj))
	c.b.Close(fd)
}

// keyring gives the container a session keyring of its own, so that it does not see the
// caller's keys. A kernel without keyrings, or a user whose quota is used up (200 keyrings by
// default), gets none.
func (c *compiler) keyring() {
	if c.opts.NoNewKeyring {
		return
	}
	c.keyLabel()
	c.at("process", "session keyring")
	done := c.b.Label()
	key := c.b.Slot()
	c.b.KeyctlJoin("_ses."+c.opts.ID).Into(key).OnError(0, done)
	// The possessor may do all; the user view, read, search and link (keyctl_setperm(3)).
	c.b.KeyctlSetPerm(key, 0x3f1b0000).Ignore(0)
	c.b.Bind(done)
}

// timeNamespace comes before the process takes other ids: then its files in /proc belong to root
// of the host, and timens_offsets cannot be opened any more.
func (c *compiler) timeNamespace() {
	if !c.ns.isNew(unix.CLONE_NEWTIME) {
		return
	}
	c.at("linux.timeOffsets", "")
	c.b.Unshare(unix.CLONE_NEWTIME)
	if offsets := c.spec.Linux.TimeOffsets; len(offsets) != 0 {
		var text []byte
		for _, clock := range [...]string{"monotonic", "boottime"} {
			if o, ok := offsets[clock]; ok {
				text = append(text, clock...)
				text = append(text, ' ')
				text = strconv.AppendInt(text, o.Secs, 10)
				text = append(text, ' ')
				text = strconv.AppendUint(text, uint64(o.Nanosecs), 10)
				text = append(text, '\n')
			}
		}
		fd := c.b.Openat2(plan.Cwd, "/proc/self/timens_offsets", plan.OpenHow{Flags: unix.O_WRONLY | unix.O_CLOEXEC}).FD()
		c.b.Write(fd, string(text))
		c.b.Close(fd)
	}
	// unshare changes only the children's namespace; setns takes the process there too,
	// before Linux 6.3 as well, where execve did not.
	fd := c.b.Openat2(plan.Cwd, "/proc/self/ns/time_for_children", plan.OpenHow{Flags: unix.O_RDONLY | unix.O_CLOEXEC}).FD()
	c.b.Setns(fd, unix.CLONE_NEWTIME)
	c.b.Close(fd)
}

// loopback brings lo up in a new network namespace.
func (c *compiler) loopback() {
	if !c.ns.isNew(unix.CLONE_NEWNET) {
		return
	}
	c.at("linux.namespaces", "network")
	fd := c.b.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0).FD()
	ifreq := make([]byte, 40)
	copy(ifreq, "lo")
	ifreq[16] = unix.IFF_UP
	c.b.IoctlBytes(fd, unix.SIOCSIFFLAGS, plan.Ifreq, ifreq)
	c.b.Close(fd)
}
