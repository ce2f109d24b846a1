// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/cgroup"
	"github.com/tare-runtime/tare/libcontainer/compile"
	"github.com/tare-runtime/tare/libcontainer/executor"
	"github.com/tare-runtime/tare/libcontainer/executor/nofile"
	"github.com/tare-runtime/tare/libcontainer/host"
	"github.com/tare-runtime/tare/spec"
)

// bundle is a config.json that was read and found valid.
type bundle struct {
	dir  string // absolute
	root string // absolute path of the container's root
	spec *specs.Spec
	raw  []byte
}

// loadBundle reads and validates the config.json of a bundle.
func loadBundle(dir, file string) (*bundle, error) {
	if dir == "" {
		dir = "."
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, &Error{Where: "--bundle " + dir, Err: err}
	}
	if file == "" {
		file = "config.json"
	}
	s, raw, err := spec.Load(abs, file)
	if err != nil {
		if e := unix.Access(abs, unix.F_OK); e != nil {
			return nil, &Error{Where: "--bundle " + dir, Err: sysError("access", e)}
		}
		return nil, err
	}
	if err := spec.Validate(s); err != nil {
		return nil, err
	}
	b := &bundle{dir: abs, spec: s, raw: raw, root: s.Root.Path}
	if !path.IsAbs(b.root) {
		b.root = path.Join(abs, b.root)
	}
	b.root = path.Clean(b.root)
	return b, nil
}

// checkRoot makes sure that the root is a directory, reached as it is written: an image's or a
// user's link in its place is refused.
func (b *bundle) checkRoot() error {
	var st unix.Stat_t
	if err := unix.Lstat(b.root, &st); err != nil {
		return &Error{Where: "root.path " + b.root, Err: sysError("invalid rootfs", err)}
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return nil
	case unix.S_IFLNK:
		return &Error{Where: "root.path " + b.root, Err: text("invalid rootfs: not an absolute path, or a symlink")}
	}
	return &Error{Where: "root.path " + b.root, Err: text("invalid rootfs: not a directory")}
}

// surroundings are the facts of the host that a bundle needs, with the descriptors that were
// opened to find them out.
type surroundings struct {
	facts      compile.Facts
	namespaces []int // for each of linux.namespaces: its descriptor, or -1
}

// close lets go of what is still open.
func (s *surroundings) close() {
	for i, fd := range s.namespaces {
		if fd >= 0 {
			unix.Close(fd)
			s.namespaces[i] = -1
		}
	}
}

// look finds out what compiling b needs. The cgroup may be nil.
func look(b *bundle, o *CreateOptions) (*surroundings, error) {
	s := &surroundings{}
	f := &s.facts
	initial := host.InInitialUserNamespace()
	f.Privileged = initial && unix.Geteuid() == 0
	f.HostDev = !initial
	f.Sealed = executor.Sealed()
	f.LastCap = host.LastCapability()
	f.CoreLink = unix.Access("/proc/kcore", unix.F_OK) == nil
	if soft, hard, raised := nofile.Original(); raised {
		f.OpenFiles = &compile.Limit{Soft: soft, Hard: hard}
	}
	for i := range f.Stdio {
		st := host.StatStream(i)
		f.Stdio[i] = compile.Stdio{Owner: st.Owner, Null: st.Null, Closed: st.Closed}
	}
	if l := b.spec.Linux; l != nil {
		gid := idMap{list: l.GIDMappings, own: unix.Getegid()}
		f.DenySetgroups = gid.denySetgroups()
		if len(l.MaskedPaths) != 0 {
			if err := host.CheckNull(); err != nil {
				return nil, &Error{Where: "linux.maskedPaths", Err: err}
			}
		}
		if err := s.openNamespaces(l.Namespaces); err != nil {
			s.close()
			return nil, err
		}
		if err := s.refuseHost(l); err != nil {
			s.close()
			return nil, err
		}
		f.SELinux = l.MountLabel != "" && host.SELinux()
		if f.HostDev || hasNamespace(l, specs.UserNamespace) {
			f.Devices = hostDevices(l)
		}
	}
	if p := b.spec.Process; p != nil {
		f.AppArmor = p.ApparmorProfile != "" && host.AppArmor()
		f.SELinux = f.SELinux || p.SelinuxLabel != "" && host.SELinux()
	}
	f.FewCPUs = host.FewCPUs()
	if l := b.spec.Linux; l != nil && strings.HasSuffix(l.RootfsPropagation, "shared") {
		if real, err := filepath.EvalSymlinks(b.root); err == nil {
			f.Root = real
		}
	}
	if err := s.lookAtMounts(b); err != nil {
		s.close()
		return nil, err
	}
	if p := b.spec.Process; p != nil && !hasHome(p.Env) {
		f.Home = s.home(b, p.User.UID)
	}
	if o.NoPivot {
		f.KernelMounts = kernelMounts()
	}
	return s, nil
}

// openNamespaces opens the namespaces that are given by path and checks what they are.
func (s *surroundings) openNamespaces(list []specs.LinuxNamespace) error {
	s.facts.Namespaces = make([]compile.Namespace, len(list))
	s.namespaces = make([]int, len(list))
	for i := range s.namespaces {
		s.namespaces[i] = -1
	}
	open := make([]host.Namespace, len(list))
	var user uint64
	for i := range list {
		n := &list[i]
		if n.Path == "" {
			continue
		}
		ns, err := host.OpenNamespace(n.Path)
		if err != nil {
			return &Error{Where: at("linux.namespaces", i) + " " + n.Path, Err: err}
		}
		s.namespaces[i], open[i] = ns.FD, ns
		if want := compile.NamespaceFlag(n.Type); ns.Type != want {
			return &Error{Where: at("linux.namespaces", i) + " " + n.Path, Err: text("is not a " + string(n.Type) + " namespace")}
		}
		if n.Type == specs.UserNamespace {
			user = ns.Ino
		}
	}
	if user == 0 {
		return nil
	}
	for i := range list {
		if s.namespaces[i] >= 0 {
			s.facts.Namespaces[i].OwnedByJoined = open[i].OwnedBy(user)
		}
	}
	return nil
}

// refuseHost makes sure that sysctl and network devices do not go to a namespace that is given by
// path and is the caller's own.
func (s *surroundings) refuseHost(l *specs.Linux) error {
	for i := range l.Namespaces {
		n := &l.Namespaces[i]
		if n.Path == "" || len(l.Sysctl) == 0 {
			continue
		}
		for key := range l.Sysctl {
			if spec.SysctlNamespace(key) == n.Type && host.IsOwn(s.namespaces[i], string(n.Type)) {
				return &Error{
					Where: `linux.sysctl["` + key + `"]`,
					Err:   text("not allowed in the host's " + string(n.Type) + " namespace, which " + at("linux.namespaces", i) + ".path leads to"),
				}
			}
		}
	}
	return nil
}

func hasNamespace(l *specs.Linux, t specs.LinuxNamespaceType) bool {
	return slices.ContainsFunc(l.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == t })
}

// hostDevices looks at the host's nodes that stand in for linux.devices in a user namespace.
func hostDevices(l *specs.Linux) []compile.Device {
	if len(l.Devices) == 0 {
		return nil
	}
	list := make([]compile.Device, len(l.Devices))
	for i := range l.Devices {
		var st unix.Stat_t
		if unix.Stat(l.Devices[i].Path, &st) == nil {
			list[i] = compile.Device{Mode: st.Mode, UID: st.Uid, GID: st.Gid, Rdev: st.Rdev}
		}
	}
	return list
}

// lookAtMounts finds out what the sources of the bind mounts are.
func (s *surroundings) lookAtMounts(b *bundle) error {
	s.facts.Sources = make([]compile.Source, len(b.spec.Mounts))
	for i := range b.spec.Mounts {
		m := &b.spec.Mounts[i]
		if !compile.IsBind(m) || slices.Contains(m.Options, "remount") {
			continue
		}
		source := compile.SourcePath(b.dir, m)
		file, err := host.Stat(source, strings.HasPrefix(m.Destination, "/proc"))
		if err != nil {
			return &Error{Where: at("mounts", i) + " " + m.Destination + ": source " + source, Err: sysError("stat", err)}
		}
		s.facts.Sources[i] = compile.Source{File: !file.Directory, Procfs: file.Procfs}
	}
	return nil
}

func hasHome(env []string) bool {
	for _, e := range env {
		if strings.HasPrefix(e, "HOME=") && e != "HOME=" {
			return true
		}
	}
	return false
}

// home looks uid up in the passwd file that the container will see: the image's, or what the
// last bind mount puts in its place.
func (s *surroundings) home(b *bundle, uid uint32) string {
	const passwd = "/etc/passwd"
	for i := len(b.spec.Mounts) - 1; i >= 0; i-- {
		m := &b.spec.Mounts[i]
		dest := path.Clean("/" + m.Destination)
		if dest != passwd && dest != "/etc" {
			continue
		}
		if !compile.IsBind(m) {
			return ""
		}
		source := compile.SourcePath(b.dir, m)
		if dest == passwd {
			return host.Home(path.Dir(source), path.Base(source), uid)
		}
		return host.Home(source, "passwd", uid)
	}
	return host.Home(b.root, "etc/passwd", uid)
}

// cgroupFacts tells the compiler how the process gets into its cgroup and what a cgroup mount
// shows.
func cgroupFacts(l cgroup.Location) compile.Cgroup {
	f := compile.Cgroup{Unified: l.Unified()}
	if f.Unified {
		f.Path = l.Dirs[0].Path
		return f
	}
	if len(l.Dirs) == 0 {
		_, err := os.Stat("/sys/fs/cgroup/cgroup.controllers")
		f.Unified = err == nil
		return f
	}
	for _, d := range l.Dirs {
		if d.Controllers == "" {
			continue // cgroup2 of a hybrid host is no hierarchy of v1
		}
		rest, ok := strings.CutPrefix(d.Path, "/sys/fs/cgroup/")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(rest, "/")
		h := compile.Hierarchy{Name: name, Options: d.Controllers, Path: d.Path}
		if strings.HasPrefix(d.Controllers, "name=") {
			h.Options = "none," + d.Controllers
		}
		if parts := strings.Split(d.Controllers, ","); len(parts) > 1 {
			h.Links = parts
		}
		f.Hierarchies = append(f.Hierarchies, h)
	}
	return f
}

// entries is how many files of cgroup v1 the process writes itself into.
func entries(l cgroup.Location) (n int) {
	for _, d := range l.Dirs {
		if d.Controllers != "" {
			n++
		}
	}
	return n
}

// kernelMounts are the mounts of procfs and sysfs on the host, the last one first.
func kernelMounts() (list []string) {
	content, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil
	}
	for line := range strings.SplitSeq(string(content), "\n") {
		f := strings.Fields(line)
		if len(f) > 2 && (f[2] == "proc" || f[2] == "sysfs") {
			list = append([]string{unescape(f[1])}, list...)
		}
	}
	return list
}

// unescape reads the octal escapes of /proc/mounts (proc_pid_mounts(5)).
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
