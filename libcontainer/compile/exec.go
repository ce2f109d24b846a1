// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// Target is the container that a process joins.
type Target struct {
	Flags uint64 // CLONE_NEW*: those of its namespaces that differ from the launcher's
	Root  bool   // it has no mount namespace of its own: its root directory is handed over
}

// Exec compiles a further process of a running container. The Spec is the container's, its
// Process the new one; both must have passed spec.Validate.
//
// The program begins with one setns(2) into all namespaces of the container at once, through
// a pidfd of its init. It tells nothing when it succeeds: execve closes the report socket.
func Exec(s *specs.Spec, t *Target, facts *Facts, opts *Options) (*Container, error) {
	c := &compiler{b: plan.NewBuilder(), spec: s, facts: facts, opts: opts, out: &Container{}}
	if s.Linux == nil {
		return nil, &Error{Where: "linux", Msg: "is missing"}
	}
	p := s.Process
	c.b.Grow(128)
	c.unsupported()
	c.labels()
	c.at("process", "")
	c.report = c.input(Report, 0, true)
	c.holdHostProc()
	c.oomScoreAdj()
	c.enter(t)
	c.at("process", "")
	c.b.Setsid()
	c.b.Umask(0)
	c.keyring()
	c.root = c.b.Openat2(plan.Cwd, "/", openPath(unix.O_DIRECTORY, 0)).FD()
	c.console()
	c.identity()
	c.out.Outside = c.out.Rlimits || c.out.Scheduler || c.out.IOPriority || s.Linux.IntelRdt != nil
	if c.out.Outside {
		c.at("process", "")
		c.answer()
	}
	c.execute()
	if c.err != nil {
		return nil, c.err
	}
	if !strings.HasPrefix(p.Cwd, "/") {
		return nil, &Error{Where: "process.cwd", Msg: `want an absolute path, got "` + p.Cwd + `"`}
	}
	c.out.Program = c.b.Build()
	return c.out, nil
}

// enter joins a running container: its cgroup, then all its namespaces, from where nothing of
// the host can be seen. A pid namespace takes in only children, so there one more is made.
func (c *compiler) enter(t *Target) {
	target := c.input(TargetPidfd, 0, false)
	var root plan.FD
	if t.Root {
		root = c.input(TargetRoot, 0, false)
	}
	c.enterCgroup()
	if p := c.spec.Process; p != nil {
		c.execAffinity(p)
	}
	c.undumpable()
	c.at("linux.namespaces", "")
	if t.Flags != 0 {
		c.b.Setns(target, uint32(t.Flags))
	}
	c.b.Close(target)
	if t.Flags&unix.CLONE_NEWUSER != 0 {
		c.b.Setgroups(nil).Ignore(unix.EPERM)
		c.b.Setresgid(0)
		c.b.Setresuid(0)
	}
	c.shedExe()
	if t.Root {
		c.at("root.path", "")
		c.b.Fchdir(root)
		c.b.Chroot(".")
		c.b.Close(root)
	}
	if t.Flags&unix.CLONE_NEWPID != 0 {
		c.fork(0)
	}
	c.ns.joined = t.Flags
}

// Hook compiles a hook that runs in the container's namespaces (createContainer,
// startContainer). Its input and output are handed over.
func Hook(h *specs.Hook, kind string, i int, env []string, t *Target, f *Facts) *Container {
	c := &compiler{b: plan.NewBuilder(), spec: &specs.Spec{Linux: &specs.Linux{}}, facts: f, opts: &Options{}, out: &Container{}}
	c.atIndex("hooks."+kind, i, h.Path)
	c.report = c.input(Report, 0, true)
	c.streams()
	c.enter(t)
	c.atIndex("hooks."+kind, i, h.Path)
	c.b.Chdir("/")
	args := h.Args
	if len(args) == 0 {
		args = []string{h.Path}
	}
	c.b.Execve(h.Path, c.b.Strings(args), c.b.Strings(env))
	c.out.Program = c.b.Build()
	return c.out
}

// Helper compiles a process of the launcher's own program that does something as root of the user
// namespace of a process (TargetPidfd), and stays in the launcher's other namespaces. Its standard
// streams are handed over, and its executable as Exe.
func Helper(args []string, where string, i int) *Container {
	c := &compiler{b: plan.NewBuilder(), spec: &specs.Spec{Linux: &specs.Linux{}}, facts: &Facts{}, opts: &Options{}, out: &Container{}}
	c.atIndex(where, i, "")
	c.report = c.input(Report, 0, true)
	c.streams()
	target := c.input(TargetPidfd, 0, false)
	c.undumpable()
	c.atIndex(where, i, "")
	c.b.Setns(target, unix.CLONE_NEWUSER)
	c.b.Close(target)
	c.b.Setgroups(nil).Ignore(unix.EPERM)
	c.b.Setresgid(0)
	c.b.Setresuid(0)
	c.b.Execveat(c.input(Exe, 0, true), "", c.b.Strings(args), c.b.Strings(nil), unix.AT_EMPTY_PATH)
	c.out.Program = c.b.Build()
	return c.out
}

// streams takes the standard streams that are handed over.
func (c *compiler) streams() {
	for i := range 3 {
		fd := c.input(HookStream, i, false)
		c.b.Dup3(fd, plan.Fixed(i), 0)
		c.b.Close(fd)
	}
}

// Holder compiles a process that holds a user namespace until the launcher kills it.
func Holder() *Container {
	c := &compiler{b: plan.NewBuilder(), out: &Container{Flags: unix.CLONE_NEWUSER}, spec: &specs.Spec{}, opts: &Options{}}
	c.at("mounts", "")
	c.report = c.input(Report, 0, true)
	c.answer()
	c.b.ExitGroup(0)
	c.out.Program = c.b.Build()
	return c.out
}
