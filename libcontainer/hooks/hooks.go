// SPDX-License-Identifier: Apache-2.0

// Package hooks runs the programs that a configuration wants to be run at points of a
// container's life, and talks with those that others have launched.
//
// The invariant: a hook is over when its own process is, or when its time is; what it leaves
// behind, a child with its output still open or a state that nobody read, holds nobody up.
package hooks

import (
	"strconv"
	"syscall"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Run runs one hook in the caller's namespaces and waits for its end. It is the i-th of that kind
// ("prestart", "poststop" ...), which only the error tells. state is the container's state in
// JSON, which the hook gets on its standard input. The hook's environment is its own, and empty
// if it has none. It runs in dir, or in / if dir is gone.
//
// Of the caller's descriptors the hook gets none, also those that the caller inherited: all from
// 3 on are made close-on-exec, for good.
//
// The error is an *Error.
func Run(kind string, i int, h *specs.Hook, state []byte, dir string) error {
	if err := run(h, state, dir); err != nil {
		return &Error{kind, i, h.Path, err}
	}
	return nil
}

func run(h *specs.Hook, state []byte, dir string) error {
	io, err := Open(state)
	if err != nil {
		return err
	}
	defer io.Close()
	pid, pidfd, err := spawn(h, io.Child(), dir)
	if err != nil {
		return err
	}
	io.Launched()
	wait := io.Talk(pidfd, Timeout(h))
	unix.Close(pidfd)
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(pid, &status, 0, nil); err != unix.EINTR {
			break
		}
	}
	if wait != nil {
		return wait
	}
	return io.Result(status)
}

// Timeout is how long a hook may take; 0 is for ever.
func Timeout(h *specs.Hook) time.Duration {
	if h.Timeout == nil || *h.Timeout <= 0 {
		return 0
	}
	const most = 1 << 32 // seconds; more would not fit a Duration
	return time.Duration(min(int64(*h.Timeout), most)) * time.Second
}

// spawn starts the hook's process, which the kernel kills when the caller dies: a killed tare
// leaves no hook at work on a container that is being deleted.
func spawn(h *specs.Hook, stdio [3]int, dir string) (pid, pidfd int, err error) {
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return 0, -1, callError("close_range", err)
	}
	if unix.Access(dir, unix.X_OK) != nil {
		dir = "/"
	}
	args := h.Args
	if len(args) == 0 {
		args = []string{h.Path}
	}
	env := h.Env
	if env == nil {
		env = []string{} // nil would be the caller's own
	}
	pidfd = -1
	pid, err = syscall.ForkExec(h.Path, args, &syscall.ProcAttr{
		Dir: dir, Env: env,
		Files: []uintptr{uintptr(stdio[0]), uintptr(stdio[1]), uintptr(stdio[2])},
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, PidFD: &pidfd},
	})
	if err != nil {
		return 0, -1, callError("execve "+strconv.Quote(h.Path), err)
	}
	return pid, pidfd, nil
}

// Error is a hook that went wrong.
type Error struct {
	Kind string
	I    int
	File string
	Err  error
}

func (e *Error) Error() string {
	return "error running " + e.Kind + " hook #" + strconv.Itoa(e.I) + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Path is the hook's program, for the log.
func (e *Error) Path() string { return e.File }

// text is an error that is its message.
type text string

func (t text) Error() string { return string(t) }

// failedCall is a system call that failed: `execve "/x": no such file or directory (ENOENT)`.
type failedCall struct {
	call string
	err  error
}

func (e *failedCall) Error() string {
	if errno, ok := e.err.(syscall.Errno); ok {
		return e.call + ": " + errno.Error() + " (" + unix.ErrnoName(errno) + ")"
	}
	return e.call + ": " + e.err.Error()
}

func (e *failedCall) Unwrap() error { return e.err }

func callError(call string, err error) error { return &failedCall{call, err} }
