// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// mounts makes config.json's mounts in their order, with the new mount API alone: a mount is
// made detached, gets its attributes, and then goes to its place.
func (c *compiler) mounts() {
	list := c.spec.Mounts
	if !c.ownMounts() {
		if len(list) != 0 {
			c.fail("mounts", `they need a mount namespace of the container's own: add {"type": "mount"} to linux.namespaces`)
		}
		return
	}
	for i := range list {
		c.mount(i, &list[i])
	}
}

// mount makes one of them.
func (c *compiler) mount(i int, m *specs.Mount) {
	dest := path.Clean("/" + m.Destination)
	o := parseOptions(m.Options)
	c.atIndex("mounts", i, dest)
	if msg := c.refuse(i, m, dest, &o); msg != "" {
		c.fail(index("mounts", i)+" "+dest, msg)
		return
	}
	switch {
	case o.remount:
		c.remount(m, dest, &o)
	case isBind(m, &o):
		c.bind(i, m, dest, &o)
	case m.Type == "cgroup" && !c.facts.Cgroup.Unified:
		c.cgroupV1(dest, &o)
	case m.Type == "cgroup" || m.Type == "cgroup2":
		c.cgroupV2(dest, &o)
	default:
		c.filesystem(i, m, dest, &o)
	}
}

// isBind: for a bind mount the type is a dummy (runtime-spec, config.md, Mounts).
func isBind(m *specs.Mount, o *mountOptions) bool { return o.bind || m.Type == "bind" }

// refuse says what is wrong with a mount; "" if nothing.
func (c *compiler) refuse(i int, m *specs.Mount, dest string, o *mountOptions) string {
	switch {
	case dest == "/":
		return "the root itself cannot be mounted over"
	case isBind(m, o) && len(o.data) != 0:
		return "bind mounts cannot have any filesystem-specific options applied: " + strings.Join(o.data, ",")
	case o.tmpcopyup && (isBind(m, o) || m.Type != "tmpfs"):
		return "option tmpcopyup is for tmpfs alone"
	case isMapped(m) && !isBind(m, o):
		return "id mappings (uidMappings, gidMappings, idmap, ridmap) are for bind mounts alone"
	case !isBind(m, o) && !o.remount && m.Type == "":
		return "type is missing (or option bind)"
	}
	return c.refuseProc(i, m, dest, isBind(m, o))
}

// overProc are the files below /proc that may be mounted over: what lxcfs gives, and two
// that engines set.
var overProc = [...]string{
	"/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg", "/proc/meminfo", "/proc/slabinfo",
	"/proc/stat", "/proc/swaps", "/proc/sys/crypto/fips_enabled", "/proc/sys/kernel/ns_last_pid",
	"/proc/uptime",
}

// refuseProc keeps everything but procfs itself away from /proc: what a runtime or a security
// module writes there must reach the kernel.
func (c *compiler) refuseProc(i int, m *specs.Mount, dest string, bind bool) string {
	switch {
	case dest == "/proc":
		if bind && c.facts.Sources[i].Procfs || !bind && m.Type == "proc" {
			return ""
		}
		return "only procfs can be mounted on /proc"
	case !strings.HasPrefix(dest, "/proc/") || slices.Contains(overProc[:], dest):
		return ""
	case bind && c.facts.Sources[i].Procfs:
		return ""
	}
	return "cannot be mounted because it is inside /proc"
}

// bind mounts a part of the host's tree.
func (c *compiler) bind(i int, m *specs.Mount, dest string, o *mountOptions) {
	target := c.mountpoint(dest, c.facts.Sources[i].File, nil)
	tree := c.source(i, m, o)
	c.attributes(tree, o)
	c.b.MoveMount(tree, target)
	c.b.Close(target)
	c.propagate(tree, o)
	c.b.Close(tree)
}

// source is a detached clone of a bind mount's source. Where the process is nobody on the
// host, the launcher, who may reach the source, has made it.
func (c *compiler) source(i int, m *specs.Mount, o *mountOptions) plan.FD {
	if c.needsTree(i) {
		return c.input(MountTree, i, false)
	}
	return c.b.OpenTree(plan.Cwd, SourcePath(c.opts.Bundle, m), TreeFlags(m)).FD()
}

// needsTree tells whether the launcher opens the source of mounts[i]: the process cannot where it
// is nobody on the host, and has no user namespace at hand that would map ids.
func (c *compiler) needsTree(i int) bool {
	return c.facts.Privileged && c.ns.own(unix.CLONE_NEWUSER) || isMapped(&c.spec.Mounts[i])
}

// isMapped tells whether a mount is to be an id-mapped one.
func isMapped(m *specs.Mount) bool {
	mapped, _ := IDMapped(m)
	return mapped
}

// IDMapped tells whether a mount is to be an id-mapped one, and whether all that is mounted below
// it too (runtime-spec, config.md, Mounts).
func IDMapped(m *specs.Mount) (mapped, recursive bool) {
	recursive = slices.Contains(m.Options, "ridmap")
	return recursive || slices.Contains(m.Options, "idmap") || len(m.UIDMappings)+len(m.GIDMappings) != 0, recursive
}

// SourcePath is the absolute path of a bind mount's source: a relative one starts at the bundle.
func SourcePath(bundle string, m *specs.Mount) string {
	if path.IsAbs(m.Source) {
		return m.Source
	}
	return path.Join(bundle, m.Source)
}

// TreeFlags are the flags of open_tree(2) that clone the source of a bind mount.
func TreeFlags(m *specs.Mount) uint32 {
	if slices.Contains(m.Options, "rbind") {
		return unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_RECURSIVE
	}
	return unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC
}

// IsBind tells whether m mounts a part of the host's tree.
func IsBind(m *specs.Mount) bool {
	return m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
}

// attributes sets and clears a mount's own flags; those that no option names stay as the
// source has them.
func (c *compiler) attributes(tree plan.FD, o *mountOptions) {
	if o.recSet|o.recClear != 0 {
		c.b.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, plan.MountAttr{Set: o.recSet, Clear: o.recClear})
	}
	if o.set|o.clear != 0 {
		c.b.MountSetattr(tree, "", unix.AT_EMPTY_PATH, plan.MountAttr{Set: o.set, Clear: o.clear})
	}
}

func (c *compiler) propagate(mount plan.FD, o *mountOptions) {
	for _, p := range o.propagation {
		c.b.MountSetattr(mount, "", unix.AT_EMPTY_PATH|p.atFlags(), plan.MountAttr{Propagation: p.flag})
	}
}

// filesystem mounts a new instance of a file system.
func (c *compiler) filesystem(i int, m *specs.Mount, dest string, o *mountOptions) {
	var target plan.FD
	var mode *plan.Permission
	switch {
	case m.Type == "proc" || m.Type == "sysfs":
		c.atIndex("mounts", i, dest+": "+m.Type+" must be mounted on ordinary directory")
		target = c.plainDirectory(dest)
		c.atIndex("mounts", i, dest)
	case m.Type == "tmpfs" && !hasKey(o.data, "mode"):
		// A tmpfs takes the mode of the directory that it covers; 1777 is the kernel's own.
		p := c.b.Permission(0o1777)
		mode = &p
		target = c.mountpoint(dest, false, mode)
	default:
		target = c.mountpoint(dest, false, nil)
	}
	late := o.set & unix.MOUNT_ATTR_RDONLY
	if m.Type != "tmpfs" {
		late = 0
	}
	if m.Type == "devpts" {
		c.dropGroup(i, dest, o)
	}
	var instead func(plan.FD)
	if m.Type == "sysfs" && c.ns.own(unix.CLONE_NEWUSER) && !c.ns.isNew(unix.CLONE_NEWNET) {
		instead = c.hostSysfs
	}
	mount := c.newFilesystem(m.Type, m.Source, o, o.set&^late, instead)
	if mode != nil {
		c.b.FchmodatTo(mount, ".", *mode)
	}
	if o.tmpcopyup {
		c.atIndex("mounts", i, dest+": tmpcopyup")
		c.ask(StageCopy, i, target, mount)
		c.atIndex("mounts", i, dest)
	}
	c.b.MoveMount(mount, target)
	c.b.Close(target)
	c.propagate(mount, o)
	switch {
	case late != 0:
		// Later mounts may still need a mountpoint in it.
		c.late = append(c.late, lateMount{i, dest, mount})
	case m.Type == "proc" && dest == "/proc":
		c.keep(&c.proc, &c.hasProc, mount)
	case m.Type == "devpts" && dest == "/dev/pts":
		c.keep(&c.devpts, &c.hasPts, mount)
	default:
		c.b.Close(mount)
	}
}

// dropGroup leaves out a gid of a devpts that has no mapping in a new user namespace, where the
// kernel refuses it: gid=5, the group tty, is in every engine's template.
func (c *compiler) dropGroup(i int, dest string, o *mountOptions) {
	if !c.ns.isNew(unix.CLONE_NEWUSER) {
		return
	}
	kept := o.data[:0]
	for _, d := range o.data {
		if value, ok := strings.CutPrefix(d, "gid="); ok {
			gid, err := strconv.ParseUint(value, 10, 32)
			if err == nil && !mapsID(c.spec.Linux.GIDMappings, uint32(gid)) {
				c.warn(index("mounts", i) + " " + dest + ": option " + d + " is left out: the group has no mapping in the user namespace")
				continue
			}
		}
		kept = append(kept, d)
	}
	o.data = kept
}

// keep holds a mount's descriptor for later passes, in place of an earlier one.
func (c *compiler) keep(where *plan.FD, has *bool, mount plan.FD) {
	if *has {
		c.b.Close(*where)
	}
	*where, *has = mount, true
}

// newFilesystem makes a detached mount of a new instance of a file system. If the kernel does
// not let this user namespace have one (EPERM from fsopen), instead makes another mount, with
// its result in the same slot; nil: that is a failure.
func (c *compiler) newFilesystem(kind, source string, o *mountOptions, attr uint64, instead func(plan.FD)) plan.FD {
	var refused *plan.Label
	if instead != nil {
		l := c.b.Label()
		refused = &l
	}
	fs := c.fsopen(kind, refused)
	if source != "" {
		c.b.FsconfigString(fs, "source", source).Remember().OnError(0, c.fsFailed)
	}
	if attr&unix.MOUNT_ATTR_RDONLY != 0 && !ofKernel(kind) {
		// A device that cannot be written has no other superblock than a read-only one.
		c.b.FsconfigFlag(fs, "ro").Remember().OnError(0, c.fsFailed)
	}
	c.configure(fs, o)
	c.mountLabel(fs, kind, o)
	c.b.FsconfigCreate(fs).Remember().OnError(0, c.fsFailed)
	mount := c.b.Fsmount(fs, unix.FSMOUNT_CLOEXEC, uint32(attr)).FD()
	if kind == "mqueue" {
		c.labelRoot(mount)
	}
	step := c.b.Close(fs)
	if refused != nil {
		ready := c.b.Label()
		step.Then(ready)
		c.b.Bind(*refused)
		instead(mount)
		c.b.Bind(ready)
	}
	return mount
}

// ofKernel tells of file systems that have no device: what is read-only of them is the mount. Their
// superblocks may have other mounts too.
func ofKernel(kind string) bool {
	switch kind {
	case "tmpfs", "proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "devtmpfs", "ramfs", "bpf", "debugfs", "tracefs",
		"securityfs", "hugetlbfs", "overlay":
		return true
	}
	return false
}

// configure gives a filesystem context its options.
func (c *compiler) configure(fs plan.FD, o *mountOptions) {
	for _, flag := range o.superblock {
		step := c.b.FsconfigFlag(fs, flag)
		if flag == "iversion" {
			// mount(2) has a flag for it that file systems may ignore, and most do: those that
			// count versions always do. fsconfig(2) knows it only where the file system does.
			step.Ignore(unix.EINVAL)
			continue
		}
		step.Remember().OnError(0, c.fsFailed)
	}
	for _, d := range o.data {
		if key, value, ok := strings.Cut(d, "="); ok {
			c.b.FsconfigString(fs, key, value).Remember().OnError(0, c.fsFailed)
		} else {
			c.b.FsconfigFlag(fs, d).Remember().OnError(0, c.fsFailed)
		}
	}
}

// remount changes what is mounted at dest already: with bind the mount, else its superblock too.
func (c *compiler) remount(m *specs.Mount, dest string, o *mountOptions) {
	target := c.b.Openat2(c.root, dest, openPath(0, inRoot)).FD()
	if !isBind(m, o) {
		fs := c.b.Fspick(target)
		if !c.hasFS {
			c.fs, c.hasFS = fs.FD(), true
		} else {
			fs.As(c.fs)
		}
		switch {
		case o.set&unix.MOUNT_ATTR_RDONLY != 0:
			c.b.FsconfigFlag(c.fs, "ro").Remember().OnError(0, c.fsFailed)
		case o.clear&unix.MOUNT_ATTR_RDONLY != 0:
			c.b.FsconfigFlag(c.fs, "rw").Remember().OnError(0, c.fsFailed)
		}
		c.configure(c.fs, o)
		c.b.FsconfigReconfigure(c.fs).Remember().OnError(0, c.fsFailed)
		c.b.Close(c.fs)
	}
	c.attributes(target, o)
	c.propagate(target, o)
	c.b.Close(target)
}

// hostSysfs stands in for sysfs where the kernel refuses a new one: an instance belongs to a
// network namespace, and without one of its own the container sees the host's, read-only.
func (c *compiler) hostSysfs(mount plan.FD) {
	c.b.OpenTree(plan.Cwd, "/sys", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE).As(mount)
	c.b.MountSetattr(mount, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, plan.MountAttr{
		Set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC,
	})
}

// fsopen opens a filesystem context. All of them share one slot, so that one piece of the
// program can read the kernel's complaint about any of them. EPERM goes to refused.
func (c *compiler) fsopen(kind string, refused *plan.Label) plan.FD {
	step := c.b.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if refused != nil {
		step.OnError(unix.EPERM, *refused)
	}
	if !c.hasFS {
		c.fs, c.hasFS = step.FD(), true
	} else {
		step.As(c.fs)
	}
	return c.fs
}

// failures is the end of the program: a filesystem context that refused something is asked
// why, and the answer goes into the report.
func (c *compiler) failures() {
	if !c.hasFS {
		return
	}
	c.at("mounts", "")
	c.b.Bind(c.fsFailed)
	c.b.ReadText(c.fs).Ignore(0)
	c.b.WriteReport(c.report)
	c.b.ExitGroup(1)
}

// hasKey tells whether options set key.
func hasKey(options []string, key string) bool {
	for _, o := range options {
		if k, _, _ := strings.Cut(o, "="); k == key {
			return true
		}
	}
	return false
}

// lateMount becomes read-only when everything is mounted.
type lateMount struct {
	index int
	dest  string
	mount plan.FD
}

// sealMounts makes read-only what could not be so before.
func (c *compiler) sealMounts() {
	for _, l := range c.late {
		c.atIndex("mounts", l.index, l.dest)
		c.b.MountSetattr(l.mount, "", unix.AT_EMPTY_PATH, plan.MountAttr{Set: unix.MOUNT_ATTR_RDONLY})
		c.b.Close(l.mount)
	}
}
