// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/cgroup"
	"github.com/tare-runtime/tare/libcontainer/compile"
	"github.com/tare-runtime/tare/libcontainer/executor"
	"github.com/tare-runtime/tare/libcontainer/hooks"
)

// hooks runs what belongs between the mounts and pivot_root, in the order of the runtime
// specification: prestart and createRuntime in the runtime's namespaces, createContainer in the
// container's. The status is creating all the while.
func (c *creation) hooks() error {
	h := c.b.spec.Hooks
	state := c.ctr.hookState(Creating)
	//nolint:staticcheck // prestart is deprecated, and used by many
	if err := runHooks("prestart", h.Prestart, state, c.b.dir); err != nil {
		return err
	}
	if err := runHooks("createRuntime", h.CreateRuntime, state, c.b.dir); err != nil {
		return err
	}
	for i := range h.CreateContainer {
		if err := c.ctr.inside("createContainer", i, &h.CreateContainer[i], nil, state, c.b.spec); err != nil {
			return err
		}
	}
	return nil
}

func runHooks(kind string, list []specs.Hook, state []byte, dir string) error {
	for i := range list {
		if err := hooks.Run(kind, i, &list[i], state, dir); err != nil {
			return err
		}
	}
	return nil
}

// runStartHooks runs the startContainer hooks, in the container's namespaces, before its program
// is executed. Without an environment of their own they have the process's, as with runc.
func (c *Container) runStartHooks(s *specs.Spec) error {
	if s.Hooks == nil || len(s.Hooks.StartContainer) == 0 {
		return nil
	}
	state := c.hookState(Created)
	for i := range s.Hooks.StartContainer {
		if err := c.inside("startContainer", i, &s.Hooks.StartContainer[i], s.Process.Env, state, s); err != nil {
			return err
		}
	}
	return nil
}

// runPoststart runs the poststart hooks, after the program was executed. One that fails is the
// container's end (runtime-spec 1.3, config.md, Poststart).
func (c *Container) runPoststart(s *specs.Spec) error {
	if s.Hooks == nil || len(s.Hooks.Poststart) == 0 {
		return nil
	}
	err := runHooks("poststart", s.Hooks.Poststart, c.hookState(Running), c.state.Bundle)
	if err != nil {
		c.Kill(unix.SIGKILL, true)
	}
	return err
}

// inside runs a hook in the container's cgroup and namespaces.
func (c *Container) inside(kind string, i int, h *specs.Hook, env []string, state []byte, s *specs.Spec) error {
	if err := c.hookInside(kind, i, h, env, state, s); err != nil {
		return &hooks.Error{Kind: kind, I: i, File: h.Path, Err: err}
	}
	return nil
}

func (c *Container) hookInside(kind string, i int, h *specs.Hook, env []string, state []byte, s *specs.Spec) error {
	if h.Env != nil {
		env = h.Env
	}
	io, err := hooks.Open(state)
	if err != nil {
		return err
	}
	defer io.Close()
	l, err := newLaunch()
	if err != nil {
		return err
	}
	defer l.abandon()
	target, err := c.pidfd()
	if err != nil {
		return err
	}
	l.own(target)
	t := c.target(s)
	k := compile.Hook(h, kind, i, env, t, &compile.Facts{Sealed: executor.Sealed()})
	l.relay = k.Relay
	in := inputs{entry: &cgroup.Entry{Dir: -1}, target: target, targetPID: c.state.PID, streams: io.Child()}
	fds, err := in.open(l, k.Inputs)
	if err != nil {
		return err
	}
	if err := l.start(&executor.Launch{Program: k.Program, Inputs: fds, Cgroup: -1}); err != nil {
		return err
	}
	io.Launched()
	if err := l.converse(); err != errExecuted {
		return err
	}
	wait := io.Talk(l.pidfd, hooks.Timeout(h))
	status := l.reap(executor.Process{PID: l.pid, PIDFD: l.pidfd})
	l.pidfd = -1
	if wait != nil {
		return wait
	}
	return io.Result(status)
}
