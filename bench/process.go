// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// environment is what every measured process gets: engines call runtimes with little more.
func environment() []string {
	env := []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	if m := os.Getenv(floorMany); m != "" {
		env = append(env, floorMany+"="+m)
	}
	return env
}

// floorMany tells the floor of more mounts than the default spec's.
const floorMany = "FLOOR_MANY"

// launcher starts processes with standard streams that cost nothing. What they say on stderr
// goes to a file, to be shown if one fails.
type launcher struct {
	null, log *os.File
	limit     time.Duration // after which a process is killed
}

func newLauncher(dir string) (*launcher, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(dir + "/stderr")
	if err != nil {
		return nil, err
	}
	// Containers outlive the runtime that made them; their ends are waited for here.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	return &launcher{null: null, log: log, limit: 20 * time.Second}, nil
}

// result is one process's life.
type result struct {
	wall time.Duration
	code int
}

// spend runs a command from fork to the end, and takes any exit code.
func (l *launcher) spend(argv ...string) (result, error) {
	if err := l.log.Truncate(0); err != nil {
		return result{}, err
	}
	attr := &syscall.ProcAttr{
		Env:   environment(),
		Files: []uintptr{l.null.Fd(), l.null.Fd(), l.log.Fd()},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	}
	began := time.Now()
	pid, err := syscall.ForkExec(argv[0], argv, attr)
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", argv[0], err)
	}
	watchdog := time.AfterFunc(l.limit, func() { syscall.Kill(-pid, syscall.SIGKILL) })
	status, err := reap(pid)
	r := result{wall: time.Since(began), code: status.ExitStatus()}
	if !watchdog.Stop() {
		return r, fmt.Errorf("%s: no end after %v", strings.Join(argv, " "), l.limit)
	}
	if status.Signaled() {
		r.code = 128 + int(status.Signal())
	}
	return r, err
}

// run is spend for a command that must succeed.
func (l *launcher) run(argv ...string) (time.Duration, error) {
	r, err := l.spend(argv...)
	if err != nil {
		return 0, err
	}
	if r.code != 0 {
		return 0, fmt.Errorf("%s: exit code %d: %s", strings.Join(argv, " "), r.code, l.said())
	}
	return r.wall, nil
}

// said is the last process's stderr.
func (l *launcher) said() string {
	b, _ := os.ReadFile(l.log.Name())
	return strings.TrimSpace(string(b))
}

func reap(pid int) (status syscall.WaitStatus, err error) {
	for {
		_, err = syscall.Wait4(pid, &status, 0, nil)
		if !errors.Is(err, syscall.EINTR) {
			return status, err
		}
	}
}

// reapOrphans takes the ended containers that nobody waited for.
func reapOrphans() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err == nil && pid > 0 || errors.Is(err, syscall.EINTR) {
			continue
		}
		return
	}
}
