// SPDX-License-Identifier: Apache-2.0

// Package crash kills tare at each of its system calls and looks for what is left.
package crash

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	id     = "crash"
	cgroup = "tare-crash" // the parent of the container's cgroup, ours alone
)

// arena is the place of all crashes: a bundle, and a root for states.
type arena struct {
	dir, tare string
	mounts    []byte
}

func newArena(t *testing.T) *arena {
	t.Helper()
	refuse := t.Skip
	if os.Getenv("CI") != "" {
		refuse = t.Fatal
	}
	if os.Geteuid() != 0 {
		refuse("the default spec needs root")
	}
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		refuse("no /bin/busybox: apt-get install busybox-static")
	}
	a := &arena{dir: t.TempDir()}
	if left := a.cgroups(t, cgroup); len(left) > 0 {
		t.Fatalf("an earlier run has left %s", left[0])
	}
	a.tare = os.Getenv("TARE")
	if a.tare == "" {
		a.tare = filepath.Join(t.TempDir(), "tare")
		build := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", a.tare, "../..")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v: %s", err, out)
		}
	}
	for _, d := range []string{"rootfs/bin", "rootfs/proc", "rootfs/dev", "rootfs/sys"} {
		if err := os.MkdirAll(filepath.Join(a.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(a.dir, "rootfs/bin/busybox"), busybox, 0o755); err != nil {
		t.Fatal(err)
	}
	// Orphans come to us: what is left of a container is a child of this process.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.run(t, "delete", "--force", id)
		for _, d := range a.cgroups(t, cgroup) {
			if err := os.Remove(d); err != nil {
				t.Error(err)
			}
		}
	})
	return a
}

// configure writes a config.json whose process is args, with all that may be left behind: a
// cgroup, every namespace, mounts.
func (a *arena) configure(t *testing.T, args ...string) {
	t.Helper()
	os.Remove(filepath.Join(a.dir, "config.json"))
	out, err := exec.Command(a.tare, "spec", "--bundle", a.dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	name := filepath.Join(a.dir, "config.json")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s := string(b)
	replace := func(old, new string) {
		if !strings.Contains(s, old) {
			t.Fatalf("tare spec has no %s", old)
		}
		s = strings.Replace(s, old, new, 1)
	}
	replace(`"terminal": true`, `"terminal": false`)
	replace(`"sh"`, `"`+strings.Join(args, `", "`)+`"`)
	replace(`"namespaces": [`, `"cgroupsPath": "/`+cgroup+`/`+id+`", "namespaces": [`)
	if err := os.WriteFile(name, []byte(s), 0o644); err != nil {
		t.Fatal(err)
	}
	a.mounts = a.mountinfo(t)
}

func (a *arena) argv(args ...string) []string {
	return append([]string{a.tare, "--root", a.dir + "/state"}, args...)
}

// run runs tare to its end.
func (a *arena) run(t *testing.T, args ...string) {
	t.Helper()
	argv := a.argv(args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	log, err := os.CreateTemp(a.dir, "log")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(log.Name())
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log // a container that lives on would keep a pipe open
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		reapOrphans(cmd.Process.Pid, stop)
		close(stopped)
	}()
	err = cmd.Wait()
	close(stop)
	<-stopped
	if err != nil {
		b, _ := os.ReadFile(log.Name())
		t.Fatalf("tare %s: %v: %s", strings.Join(args, " "), err, b)
	}
}

// reapOrphans does what the machine's init would do for the processes that a killed tare has
// left: while one of them is a zombie in a pid namespace, the kernel keeps that namespace's init.
func reapOrphans(but int, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Millisecond):
		}
		for _, pid := range listChildren() {
			if n, err := strconv.Atoi(pid); err == nil && n != but {
				unix.Wait4(n, nil, unix.WNOHANG|unix.WALL, nil)
			}
		}
	}
}

// mountinfo is what is mounted below the arena; other tests mount elsewhere at the same time.
func (a *arena) mountinfo(t *testing.T) (list []byte) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		if bytes.Contains(line, []byte(a.dir)) {
			list = append(list, line...)
		}
	}
	return list
}

// cgroups lists the directories of that name in all hierarchies.
func (a *arena) cgroups(t *testing.T, name string) []string {
	list, err := filepath.Glob("/sys/fs/cgroup/*/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/sys/fs/cgroup/" + name); err == nil {
		list = append(list, "/sys/fs/cgroup/"+name)
	}
	return list
}

// leaks says what is left of a container that was deleted.
func (a *arena) leaks(t *testing.T) (list []string) {
	t.Helper()
	for _, d := range a.cgroups(t, cgroup+"/"+id) {
		list = append(list, "cgroup "+d)
	}
	entries, err := os.ReadDir(a.dir + "/state")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, "state "+e.Name())
	}
	if !bytes.Equal(a.mounts, a.mountinfo(t)) {
		list = append(list, "mounts")
	}
	until := time.Now().Add(2 * time.Second)
	for pids := children(); len(pids) > 0; pids = children() {
		if time.Now().After(until) {
			for _, pid := range pids {
				b, _ := os.ReadFile("/proc/" + pid + "/status")
				list = append(list, "process "+pid+": "+strings.Join(strings.Fields(string(b))[:4], " "))
				if n, err := strconv.Atoi(pid); err == nil {
					unix.Kill(n, unix.SIGKILL)
				}
			}
			break
		}
		time.Sleep(time.Millisecond)
	}
	bundle, err := os.ReadDir(a.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range bundle {
		switch e.Name() {
		case "config.json", "rootfs", "state":
		default:
			list = append(list, "file "+e.Name())
		}
	}
	return list
}

// children reaps what has ended and returns the rest.
func children() (pids []string) {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil)
		if pid <= 0 && err != unix.EINTR {
			break
		}
	}
	return listChildren()
}

func listChildren() (pids []string) {
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, name := range tasks {
		b, _ := os.ReadFile(name)
		pids = append(pids, strings.Fields(string(b))...)
	}
	return pids
}

// crash is one command that is killed, with what must be there before.
type crash struct {
	name    string
	process []string
	before  func(t *testing.T, a *arena)
	args    []string
}

func crashes(dir string) []crash {
	sleeps := []string{"/bin/busybox", "sleep", "1000"}
	created := func(t *testing.T, a *arena) { a.run(t, "create", "--bundle", a.dir, id) }
	running := func(t *testing.T, a *arena) { a.run(t, "run", "--detach", "--bundle", a.dir, id) }
	return []crash{
		{"create", sleeps, func(*testing.T, *arena) {}, []string{"create", "--bundle", dir, id}},
		{"start", sleeps, created, []string{"start", id}},
		{"run", []string{"/bin/busybox", "true"}, func(*testing.T, *arena) {}, []string{"run", "--bundle", dir, id}},
		{"run --detach", sleeps, func(*testing.T, *arena) {}, []string{"run", "--detach", "--bundle", dir, id}},
		{"exec", sleeps, running, []string{"exec", id, "/bin/busybox", "true"}},
		{"exec --detach", sleeps, running, []string{"exec", "--detach", id, "/bin/busybox", "sleep", "1000"}},
		{"delete", sleeps, created, []string{"delete", id}},
		{"delete --force", sleeps, running, []string{"delete", "--force", id}},
	}
}

// TestCrash kills each command at each of its system calls; with -short, at every seventh.
// Afterwards `tare delete --force` leaves nothing, and the id can be used again.
//
// With TARE_CRASH_REPORT=FILE it writes the count.
func TestCrash(t *testing.T) {
	a := newArena(t)
	var report strings.Builder
	for _, c := range crashes(a.dir) {
		t.Run(strings.ReplaceAll(c.name, " ", ""), func(t *testing.T) {
			a.configure(t, c.process...)
			step := 1
			if testing.Short() {
				step = 7
			}
			kills, leaks := 0, 0
			for n := 1; ; n += step {
				left, ended := a.crash(t, &c, n)
				if ended {
					break
				}
				kills++
				if len(left) > 0 {
					leaks++
				}
			}
			fmt.Fprintf(&report, "| `%s` | %d | %d |\n", c.name, kills, leaks)
			if kills == 0 {
				t.Error("was never killed")
			}
			t.Logf("%d kills, %d leaks", kills, leaks)
		})
	}
	if name := os.Getenv("TARE_CRASH_REPORT"); name != "" && !t.Failed() {
		text := "# Crashes\n\n`make crashes` kills tare with SIGKILL as it enters each of its system calls in turn, the Go runtime's\n" +
			"own included, then runs `tare delete --force` and looks for processes, mounts, cgroups, state and files\n" +
			"that were left, and creates and deletes a container of the same id.\n\n" +
			"| command | kills | leaks |\n| --- | ---: | ---: |\n" + report.String()
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// crash kills the command at its nth system call and cleans up as a user would.
func (a *arena) crash(t *testing.T, c *crash, n int) (leaks []string, ended bool) {
	t.Helper()
	c.before(t, a)
	call, ended := killAt(t, n, a.argv(c.args...)...)
	a.run(t, "delete", "--force", id)
	leaks = a.leaks(t)
	if len(leaks) > 0 {
		t.Errorf("killed at system call %d (number %d): left %s", n, call, strings.Join(leaks, "; "))
		return leaks, ended
	}
	a.run(t, "create", "--bundle", a.dir, id)
	a.run(t, "delete", id)
	return leaks, ended
}
