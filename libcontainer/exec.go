// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"path"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/cgroup"
	"github.com/tare-runtime/tare/libcontainer/compile"
	"github.com/tare-runtime/tare/libcontainer/executor"
	"github.com/tare-runtime/tare/libcontainer/host"
	"github.com/tare-runtime/tare/libcontainer/rdt"
	"github.com/tare-runtime/tare/spec"
)

// Exec runs a further process in a running container. Unless o.Detach is set it stays with the
// process as Run does, and the result is the process's exit code.
func (c *Container) Exec(o *ExecOptions) (exitCode int, err error) {
	s, err := c.execSpec(o)
	if err != nil {
		return 0, err
	}
	if err := c.execStatus(o.IgnorePaused); err != nil {
		return 0, err
	}
	if err := checkConsole(s.Process.Terminal, o.Detach, o.ConsoleSocket); err != nil {
		return 0, err
	}
	if err := checkPreserved(o.PreserveFDs); err != nil {
		return 0, err
	}
	l, err := c.enter(o, s)
	if err != nil {
		return 0, err
	}
	defer l.close()
	if o.Detach {
		return 0, nil
	}
	a, err := attach(l.pidfd, l.master)
	l.master = -1
	if err != nil {
		l.abandon()
		return 0, err
	}
	defer a.detach()
	return a.wait(l.pid, false), nil
}

// execSpec is the container's Spec with the process that is to run.
func (c *Container) execSpec(o *ExecOptions) (*specs.Spec, error) {
	s, err := c.Config()
	if err != nil {
		return nil, err
	}
	if o.Process != "" {
		if s.Process, err = spec.LoadProcess(o.Process); err != nil {
			return nil, err
		}
		return s, spec.ValidateProcess(s.Process)
	}
	p := specs.Process{Cwd: "/"}
	if s.Process != nil {
		p = *s.Process
	}
	p.Terminal, p.Args = o.TTY, o.Args
	if o.Cwd != "" {
		p.Cwd = o.Cwd
	}
	p.Env = append(p.Env[:len(p.Env):len(p.Env)], o.Env...)
	if o.User != "" {
		if p.User.UID, p.User.GID, err = parseUser(o.User); err != nil {
			return nil, err
		}
	}
	if len(o.AdditionalGids) != 0 {
		p.User.AdditionalGids = append(p.User.AdditionalGids[:len(p.User.AdditionalGids):len(p.User.AdditionalGids)], o.AdditionalGids...)
	}
	if o.AppArmor != "" {
		p.ApparmorProfile = o.AppArmor
	}
	if o.ProcessLabel != "" {
		p.SelinuxLabel = o.ProcessLabel
	}
	if o.NoNewPrivs {
		p.NoNewPrivileges = true
	}
	p.Capabilities = withCapabilities(p.Capabilities, o.Caps)
	s.Process = &p
	return s, spec.ValidateProcess(&p)
}

// withCapabilities adds caps to all sets but the inheritable one (CVE-2022-29162), and to the
// ambient one only where something is inheritable.
func withCapabilities(sets *specs.LinuxCapabilities, caps []string) *specs.LinuxCapabilities {
	if len(caps) == 0 {
		return sets
	}
	n := specs.LinuxCapabilities{}
	if sets != nil {
		n = *sets
	}
	add := func(list []string) []string { return append(list[:len(list):len(list)], caps...) }
	n.Bounding, n.Effective, n.Permitted = add(n.Bounding), add(n.Effective), add(n.Permitted)
	if len(n.Inheritable) != 0 {
		n.Ambient = add(n.Ambient)
	}
	return &n
}

// parseUser reads "UID[:GID]": numbers alone, since names belong to the image (CVE-2026-30892).
func parseUser(s string) (uid, gid uint32, err error) {
	u, g, both := strings.Cut(s, ":")
	id, err := strconv.ParseUint(u, 10, 32)
	if err == nil && both {
		var n uint64
		n, err = strconv.ParseUint(g, 10, 32)
		gid = uint32(n)
	}
	if err != nil || id == 1<<32-1 || gid == 1<<32-1 {
		return 0, 0, &Error{Where: "--user", Err: text(`want UID or UID:GID in numbers, got "` + s + `"`)}
	}
	return uint32(id), gid, nil
}

// execStatus: only a container that lives, and is not frozen, takes a further process.
func (c *Container) execStatus(ignorePaused bool) error {
	status, err := c.Status()
	if err != nil {
		return err
	}
	switch status {
	case Stopped, Creating:
		return text("cannot exec in a stopped container")
	case Paused:
		if !ignorePaused {
			return text("cannot exec in a paused container (use --ignore-paused to override)")
		}
	}
	return nil
}

// enter makes the process and waits until it has executed its program.
func (c *Container) enter(o *ExecOptions, s *specs.Spec) (*launch, error) {
	target, err := c.pidfd()
	if err != nil {
		return nil, err
	}
	l, err := newLaunch()
	if err != nil {
		unix.Close(target)
		return nil, err
	}
	l.own(target)
	if err := c.launchExec(l, o, s, target); err != nil {
		l.abandon()
		return nil, err
	}
	return l, nil
}

func (c *Container) launchExec(l *launch, o *ExecOptions, s *specs.Spec, target int) error {
	location, err := c.execCgroup(o.Cgroup)
	if err != nil {
		return err
	}
	entry, err := cgroup.Open(location).Entry()
	if err != nil {
		return err
	}
	defer entry.Close()
	t := c.target(s)
	facts, err := c.execFacts(s, &entry)
	if err != nil {
		return err
	}
	compiled, err := compile.Exec(s, t, facts, &compile.Options{ID: c.state.ID, Run: true, Preserve: o.PreserveFDs})
	if err != nil {
		return err
	}
	if o.Warn != nil {
		for _, w := range compiled.Warnings {
			o.Warn(w)
		}
	}
	l.relay, l.limited = compiled.Relay, limited(s)
	l.onBorn = func() error {
		if !compiled.Outside {
			return nil
		}
		if err := setOutside(l.pid, compiled, s); err != nil {
			return err
		}
		if err := rdt.New(rdt.Root, c.state.ID, s.Linux.IntelRdt).Join(l.pid); err != nil {
			return err
		}
		return l.answer()
	}
	in := inputs{entry: &entry, target: target, targetPID: c.state.PID}
	fds, err := in.open(l, compiled.Inputs)
	if err != nil {
		return err
	}
	back, err := initialAffinity(s.Process)
	if err != nil {
		return err
	}
	err = l.start(&executor.Launch{Program: compiled.Program, Inputs: fds, Preserve: o.PreserveFDs, Cgroup: entry.Dir})
	back()
	if err != nil {
		return err
	}
	if err := l.converse(); err != errExecuted {
		return err
	}
	return c.entered(o, l)
}

// initialAffinity binds this thread to the CPUs of process.execCPUAffinity.initial, which the process
// that it clones inherits and has until it is in its cgroup. back undoes that.
func initialAffinity(p *specs.Process) (back func(), err error) {
	back = func() {}
	if p.ExecCPUAffinity == nil {
		return back, nil
	}
	list := p.ExecCPUAffinity.Initial
	mask := compile.CPUMask(list)
	if mask == nil {
		return back, nil
	}
	var old unix.CPUSet
	runtime.LockOSThread()
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		runtime.UnlockOSThread()
		return back, sysError("sched_getaffinity", err)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SCHED_SETAFFINITY, 0, uintptr(len(mask)), uintptr(unsafe.Pointer(&mask[0]))); errno != 0 {
		runtime.UnlockOSThread()
		return back, &Error{Where: "process.execCPUAffinity.initial " + list, Err: sysError("sched_setaffinity", errno)}
	}
	return func() {
		unix.SchedSetaffinity(0, &old)
		runtime.UnlockOSThread()
	}, nil
}

// entered does what is asked for once the process runs.
func (c *Container) entered(o *ExecOptions, l *launch) error {
	if o.ConsoleSocket != "" {
		if err := handOverConsole(o.ConsoleSocket, l.master); err != nil {
			return err
		}
	}
	if o.PidfdSocket != "" {
		if err := handOverPidfd(o.PidfdSocket, l.pidfd); err != nil {
			return err
		}
	}
	return writePidFile(o.PidFile, l.pid)
}

// target says what of the container there is to join.
func (c *Container) target(s *specs.Spec) *compile.Target {
	t := &compile.Target{Root: true}
	for _, n := range s.Linux.Namespaces {
		flag := compile.NamespaceFlag(n.Type)
		if flag == unix.CLONE_NEWUSER && n.Path != "" && sameNamespace(c.state.PID, "user") {
			continue // EINVAL: one cannot enter the user namespace that one is in
		}
		t.Flags |= flag
		if flag == unix.CLONE_NEWNS && n.Path == "" {
			t.Root = false
		}
	}
	return t
}

// sameNamespace tells whether pid is in our own namespace of that kind.
func sameNamespace(pid int, kind string) bool {
	var theirs, ours unix.Stat_t
	return unix.Stat("/proc/"+strconv.Itoa(pid)+"/ns/"+kind, &theirs) == nil &&
		unix.Stat("/proc/self/ns/"+kind, &ours) == nil && theirs.Dev == ours.Dev && theirs.Ino == ours.Ino
}

// execFacts are the facts that a further process needs.
func (c *Container) execFacts(s *specs.Spec, entry *cgroup.Entry) (*compile.Facts, error) {
	b := &bundle{dir: c.state.Bundle, root: c.state.Rootfs, spec: &specs.Spec{Process: s.Process}}
	around, err := look(b, &CreateOptions{})
	if err != nil {
		return nil, err
	}
	f := &around.facts
	if !hasHome(s.Process.Env) {
		// The container's own view, whatever has been mounted since.
		f.Home = host.Home("/proc/"+strconv.Itoa(c.state.PID)+"/root", "etc/passwd", s.Process.User.UID)
	}
	f.Cgroup.Entries = len(entry.Tasks)
	if s.Linux != nil {
		gid := idMap{list: s.Linux.GIDMappings, own: unix.Getegid()}
		f.DenySetgroups = len(gid.list) != 0 && gid.denySetgroups()
	}
	return f, nil
}

// execCgroup is where the process goes: the container's cgroup, or, for each --cgroup
// [controller[,controller]:]path, a place below it.
func (c *Container) execCgroup(wanted []string) (cgroup.Location, error) {
	l, err := cgroup.ParseLocation(c.state.Cgroup)
	if err != nil {
		return l, err
	}
	for _, w := range wanted {
		controllers, sub, named := strings.Cut(w, ":")
		if !named {
			controllers, sub = "", w
		}
		clean := path.Clean("/" + sub)
		for _, part := range strings.Split(sub, "/") {
			if part == ".." {
				return l, &Error{Where: "--cgroup " + w, Err: text("bad sub cgroup path: it must stay inside the container's cgroup")}
			}
		}
		found := false
		for i := range l.Dirs {
			d := &l.Dirs[i]
			if !named || shares(d.Controllers, controllers) {
				d.Path = path.Join(d.Path, clean)
				found = true
			}
		}
		if !found {
			return l, &Error{Where: "--cgroup " + w, Err: text("unknown controller " + controllers)}
		}
	}
	return l, nil
}

// shares tells whether two lists of controllers have one in common.
func shares(a, b string) bool {
	for one := range strings.SplitSeq(a, ",") {
		for two := range strings.SplitSeq(b, ",") {
			if one == two || one == "name="+two {
				return true
			}
		}
	}
	return false
}
