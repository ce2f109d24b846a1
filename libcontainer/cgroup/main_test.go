// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// helperEnv names the helper that a re-executed test binary plays.
const helperEnv = "TARE_CGROUP_HELPER"

func TestMain(m *testing.M) {
	switch os.Getenv(helperEnv) {
	case "":
		os.Exit(m.Run())
	case "hog":
		hog()
	case "spin":
		spin()
	case "create":
		helperCreate()
	case "rootless":
		helperRootless()
	}
	os.Exit(0)
}

// hog touches more memory than its limit.
func hog() {
	b := make([]byte, 256<<20)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	fmt.Println("had it all")
}

// spin burns a processor for half a second and prints how much it got.
func spin() {
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
	}
	var ru unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &ru)
	fmt.Println((ru.Utime.Nano() + ru.Stime.Nano()) / 1e6)
}

// needCgroups skips a test that makes cgroups where that cannot be done.
func needCgroups(t testing.TB) {
	t.Helper()
	v2 := fsType(mountRoot) == unix.CGROUP2_SUPER_MAGIC
	if !v2 && anywhere.mounted(mountRoot+"/devices") == notMounted {
		t.Skip("needs cgroup2 or the v1 devices hierarchy below " + mountRoot + ": mount it")
	}
	if os.Geteuid() == 0 {
		return
	}
	c, err := New(Options{ID: "x"})
	if err != nil || !v2 || unix.Access(path.Dir(c.main().Path), unix.W_OK) != nil {
		t.Skip("needs root, or a delegated cgroup: systemd-run --user --scope -p Delegate=yes")
	}
}

// needRoot skips a test that does more than to make cgroups.
func needRoot(t testing.TB) {
	t.Helper()
	needCgroups(t)
	if os.Geteuid() != 0 {
		t.Skip("needs root: run as root")
	}
}

// needController skips a test where the kernel has a controller switched off or elsewhere.
func needController(t testing.TB, c *Cgroup, name string) {
	t.Helper()
	if c.loc.Unified() {
		all, _ := os.ReadFile(mountRoot + "/cgroup.controllers")
		if missing(name, string(all)) {
			t.Skip("needs controller " + name + " in " + mountRoot + "/cgroup.controllers: boot with cgroup v2 alone")
		}
		return
	}
	if c.loc.dir(name) == "" {
		t.Skip("needs controller " + name + ": mount it below " + mountRoot)
	}
}

var count atomic.Int32

// newCgroup decides on a cgroup that the test removes in the end, and checks that nothing of it
// and no descriptor is left.
func newCgroup(t testing.TB, o Options) *Cgroup {
	t.Helper()
	needCgroups(t)
	o.Rootless = os.Geteuid() != 0
	if o.ID == "" {
		o.ID = fmt.Sprintf("tare-test-%d-%d", os.Getpid(), count.Add(1))
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	all := c.Location()
	before := descriptors(t)
	t.Cleanup(func() {
		if err := Open(all).Remove(); err != nil {
			t.Error(err)
		}
		for _, d := range all.Dirs {
			if anywhere.exists(d.Path) {
				t.Errorf("%s is left", d.Path)
			}
		}
		for fd, name := range descriptors(t) {
			// The library keeps the root of cgroupfs open for its openat2 calls.
			if before[fd] == "" && name != mountRoot {
				t.Errorf("descriptor %s is left: %s", fd, name)
			}
		}
	})
	return c
}

// create makes a cgroup on a host that has these controllers.
func create(t testing.TB, o Options, controllers ...string) *Cgroup {
	t.Helper()
	c := newCgroup(t, o)
	for _, name := range controllers {
		needController(t, c, name)
	}
	if err := c.Create(); err != nil {
		t.Fatal(err)
	}
	return c
}

func descriptors(t testing.TB) map[string]string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	fds := make(map[string]string)
	for _, e := range entries {
		name, err := os.Readlink("/proc/self/fd/" + e.Name())
		if strings.HasPrefix(name, "anon_inode:[event") {
			continue // the Go runtime's poller
		}
		if err == nil && name != "/proc/"+strconv.Itoa(os.Getpid())+"/fd" {
			fds[e.Name()] = name
		}
	}
	return fds
}

// inside makes a command that is born in the cgroup, through Entry, as a container is: by
// CLONE_INTO_CGROUP where there is a Dir, and by a single-threaded shell that writes "0" to Tasks
// before it executes the command. done closes the way in.
func inside(t testing.TB, c *Cgroup, args ...string) (cmd *exec.Cmd, done func()) {
	t.Helper()
	e, err := c.Entry()
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	var files []*os.File
	for i, fd := range e.Tasks {
		fmt.Fprintf(&script, "echo 0 >/proc/self/fd/%d || exit 99\n", 3+i)
		files = append(files, os.NewFile(uintptr(fd), "tasks"))
	}
	script.WriteString(`exec "$@"`)
	cmd = exec.Command("sh", append([]string{"-c", script.String(), "sh"}, args...)...)
	cmd.ExtraFiles = files
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.WaitDelay = 5 * time.Second
	if e.Dir >= 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: e.Dir}
	}
	return cmd, func() {
		for _, f := range files {
			f.Close()
		}
		if e.Dir >= 0 {
			unix.Close(e.Dir)
		}
	}
}

// start starts a command in the cgroup that is killed in the end, if it is still there.
func start(t testing.TB, c *Cgroup, args ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd, done := inside(t, c, args...)
	defer done()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, bufio.NewReader(out)
}

// sleeper starts a process that does nothing in the cgroup.
func sleeper(t testing.TB, c *Cgroup) *exec.Cmd {
	t.Helper()
	cmd, out := start(t, c, "sh", "-c", "echo up; exec sleep 1000")
	if line, err := out.ReadString('\n'); line != "up\n" {
		t.Fatalf("sleeper said %q: %v", line, err)
	}
	return cmd
}

// run runs a command in the cgroup and returns its output and how it ended.
func run(t testing.TB, c *Cgroup, helper string, args ...string) (string, *os.ProcessState) {
	t.Helper()
	cmd, done := inside(t, c, args...)
	defer done()
	if helper != "" {
		cmd.Env = append(cmd.Env, helperEnv+"="+helper)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatalf("%v did not start: %s", args, out.String())
	}
	if cmd.ProcessState.ExitCode() == 99 {
		t.Fatalf("%v did not get into the cgroup: %s", args, out.String())
	}
	return out.String(), cmd.ProcessState
}

func killed(s *os.ProcessState) bool {
	w := s.Sys().(syscall.WaitStatus)
	return w.Signaled() && w.Signal() == syscall.SIGKILL
}

func ptr[T any](v T) *T { return &v }

// helperCreate makes the cgroup TARE_CGROUP_ID up to the point where a process can be born.
func helperCreate() {
	runtime.LockOSThread() // strace counts the calls of each thread by itself
	o := Options{ID: os.Getenv("TARE_CGROUP_ID"), Rootless: os.Geteuid() != 0}
	if all, err := os.ReadFile(mountRoot + "/cgroup.controllers"); err != nil || !missing("pids", string(all)) {
		o.Resources = &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr(int64(10))}}
	}
	c, err := New(o)
	if err == nil {
		fmt.Println("placed")
		err = c.Create()
	}
	var e Entry
	if err == nil {
		e, err = c.Entry()
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	e.Close()
}

// helperRootless does what a rootless container without and with demands would, and prints what
// came of it.
func helperRootless() {
	for _, o := range []Options{
		{Resources: defaultResources()},
		{Path: "/tare-test-rootless"},
		{Resources: &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr(int64(5))}}},
	} {
		o.ID, o.Rootless = "tare-test-rootless", true
		c, err := New(o)
		if err == nil {
			err = c.Create()
		}
		fmt.Printf("%v at %q\n", err, c.Location())
	}
}
