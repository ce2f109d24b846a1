// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// defaultResources are those of `runc spec`.
func defaultResources() *specs.LinuxResources {
	return &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}}}
}

func TestCreate(t *testing.T) {
	c := create(t, Options{Resources: defaultResources()})
	for _, d := range c.Location().Dirs {
		if !anywhere.exists(d.Path) {
			t.Errorf("%s is not there", d.Path)
		}
	}
	cmd := sleeper(t, c)
	pids, err := c.Pids()
	if err != nil || len(pids) != 1 || pids[0] != cmd.Process.Pid {
		t.Errorf("pids %v %v, want %d", pids, err, cmd.Process.Pid)
	}
	// Every hierarchy has it, and nothing else of us is inside.
	own, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range c.Location().Dirs {
		if !strings.Contains(string(own), ":"+d.Controllers+":") {
			t.Errorf("/proc/PID/cgroup has no %q", d.Controllers)
		}
	}
	if n := strings.Count(string(own), "/"+path.Base(c.Location().Dirs[0].Path)+"\n"); n != len(c.Location().Dirs) {
		t.Errorf("in %d of %d cgroups:\n%s", n, len(c.Location().Dirs), own)
	}
}

func TestCreateWithParents(t *testing.T) {
	needRoot(t)
	parent := "/tare-test-parent-" + strconv.Itoa(os.Getpid())
	c := newCgroup(t, Options{ID: "x", Path: parent + "/a/b"})
	t.Cleanup(func() {
		for _, d := range c.Location().Dirs {
			_ = unix.Rmdir(path.Dir(d.Path))
			_ = unix.Rmdir(path.Dir(path.Dir(d.Path)))
		}
	})
	all := c.Location().Dirs
	t.Cleanup(func() {
		for _, d := range all {
			if err := Open(Location{Dirs: []Dir{{d.Controllers, path.Dir(path.Dir(d.Path))}}}).Remove(); err != nil {
				t.Error(err)
			}
		}
	})
	if err := c.Create(); err != nil {
		t.Fatal(err)
	}
	sleeper(t, c) // a v1 cpuset that is empty anywhere on the way would refuse it
	if err := c.Remove(); err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if anywhere.exists(d.Path) || !anywhere.exists(path.Dir(d.Path)) {
			t.Errorf("%s: cgroup there: %v, parent there: %v", d.Path, anywhere.exists(d.Path), anywhere.exists(path.Dir(d.Path)))
		}
	}
}

func TestCreateInTheWay(t *testing.T) {
	first := create(t, Options{Resources: defaultResources()})
	again := func() error {
		c, err := New(Options{ID: path.Base(first.Location().Dirs[0].Path), Resources: defaultResources(), Rootless: os.Geteuid() != 0})
		if err != nil {
			t.Fatal(err)
		}
		vacant, created := c.Vacant(), c.Create()
		if vacant != nil && (created == nil || created.Error() != vacant.Error()) {
			t.Errorf("Vacant says %v, Create %v", vacant, created)
		}
		if pids, _ := first.AllPids(); vacant == nil && len(pids) > 0 {
			t.Errorf("Vacant, with %v in it", pids)
		}
		return created
	}
	if err := again(); err != nil {
		t.Errorf("an empty one: %v", err)
	}
	cmd := sleeper(t, first)
	err := again()
	if err == nil || !strings.Contains(err.Error(), "container's cgroup is not empty: 1 process(es) found") {
		t.Errorf("one with a process: %v", err)
	}
	for _, d := range first.Location().Dirs {
		if !anywhere.exists(d.Path) {
			t.Errorf("the refused Create removed %s", d.Path)
		}
	}
	if unix.Kill(cmd.Process.Pid, 0) != nil {
		t.Error("the refused Create killed the process")
	}
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if err := first.Freeze(); err != nil {
		t.Fatal(err)
	}
	err = again()
	if err == nil || !strings.Contains(err.Error(), "container's cgroup unexpectedly frozen") {
		t.Errorf("a frozen one: %v", err)
	}
	if err := first.Thaw(); err != nil {
		t.Fatal(err)
	}
}

// TestCreateThreaded makes a cgroup below one that holds a process and hands out controllers: it
// can only be a threaded one.
func TestCreateThreaded(t *testing.T) {
	needRoot(t)
	above := create(t, Options{}, "pids")
	if !above.loc.Unified() {
		t.Skip("needs cgroup v2 with the controller pids: boot with cgroup v2 alone")
	}
	dir := above.main().Path
	stranger := sleeper(t, above)
	if err := anywhere.writeFile(dir+"/cgroup.subtree_control", "+pids"); err != nil {
		t.Fatal(err)
	}
	within := strings.TrimPrefix(dir, mountRoot) + "/in"
	c, err := New(Options{Path: within, Resources: &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: ptr(int64(1 << 26))}}})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Create()
	if err == nil || !strings.HasPrefix(err.Error(), `linux.cgroupsPath: cgroup "`+dir+`/in" is domain invalid: no limits of memory`) {
		t.Errorf("with a memory limit: %v", err)
	}
	c = create(t, Options{Path: within, Resources: &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr(int64(9))}}})
	cmd := sleeper(t, c)
	if pids, err := c.Pids(); err != nil || len(pids) != 1 || pids[0] != cmd.Process.Pid {
		t.Errorf("pids %v %v, want %d", pids, err, cmd.Process.Pid)
	}
	if err := c.Remove(); err != nil {
		t.Error(err)
	}
	if err := unix.Kill(stranger.Process.Pid, 0); err != nil {
		t.Errorf("the process above: %v", err)
	}
}

// TestCreateNameTaken asks for a cgroup with the name of a file.
func TestCreateNameTaken(t *testing.T) {
	needRoot(t)
	c, err := New(Options{ID: "cgroup.procs"})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{c.Vacant(), c.Create()} {
		if !is(err, unix.ENOTDIR) {
			t.Errorf("error %v", err)
		}
	}
	if err := c.Remove(); err != nil {
		t.Error(err)
	}
	for _, d := range c.Location().Dirs {
		if !anywhere.exists(d.Path) {
			t.Errorf("%s is gone", d.Path)
		}
	}
}

// TestCreateUndone has a limit fail, after everything was made.
func TestCreateUndone(t *testing.T) {
	c := newCgroup(t, Options{Resources: &specs.LinuxResources{CPU: &specs.LinuxCPU{Cpus: "4000"}}})
	needController(t, c, "cpuset")
	all := c.Location()
	err := c.Create()
	if err == nil || !strings.HasPrefix(err.Error(), "linux.resources.cpu.cpus: write \"4000\" to cpuset.cpus: ") ||
		!strings.HasSuffix(err.Error(), ")") {
		t.Errorf("error %v", err)
	}
	for _, d := range all.Dirs {
		if anywhere.exists(d.Path) {
			t.Errorf("%s is left", d.Path)
		}
	}
}

// TestNoCgroup is the rootless container without one.
func TestNoCgroup(t *testing.T) {
	c := Open(Location{})
	e, err := c.Entry()
	if err != nil || e.Dir != -1 || e.Tasks != nil {
		t.Errorf("entry %v %v", e, err)
	}
	e.Close()
	frozen, err := c.Frozen()
	pids, err2 := c.AllPids()
	if frozen || len(pids) > 0 || err != nil || err2 != nil {
		t.Errorf("frozen %v, pids %v, %v, %v", frozen, pids, err, err2)
	}
	for _, err := range []error{c.Thaw(), c.Kill(), c.Signal(unix.SIGTERM), c.Remove()} {
		if err != nil {
			t.Error(err)
		}
	}
	if c.Freeze() == nil {
		t.Error("froze what has no freezer")
	}
}

// TestRootless is a user who may make no cgroup.
func TestRootless(t *testing.T) {
	needRoot(t)
	self, err := os.ReadFile(os.Args[0]) // where nobody can get at it
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.MemfdCreate("cgroup.test", 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "cgroup.test")
	defer file.Close()
	if _, err := file.Write(self); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/fd/" + strconv.Itoa(fd))
	cmd.Env = append(os.Environ(), helperEnv+"=rootless")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(out), "\n")
	for i, want := range []string{
		`^<nil> at ""$`,
		`^linux\.cgroupsPath: mkdir\("/sys/fs/cgroup/[^ ]*tare-test-rootless"\): permission denied \(EACCES\) at`,
		`^rootless needs no limits \+ no cgrouppath when no permission is granted for cgroups: mkdir\(.*\): permission denied \(EACCES\) at`,
	} {
		if !regexp.MustCompile(want).MatchString(lines[i]) {
			t.Errorf("%s\nwant %s", lines[i], want)
		}
	}
}

// TestCreateCutShort kills a process at each system call of New, Create and Entry in turn, and
// removes what it left by the Location alone.
func TestCreateCutShort(t *testing.T) {
	needCgroups(t)
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace: apt-get install strace")
	}
	kills := 0
	for _, call := range []string{"mkdirat", "mkdir", "openat", "openat2", "write", "bpf", "statfs", "statx", "close"} {
		for n := 1; cutShort(t, strace, call, n); n++ {
			kills++
		}
	}
	t.Logf("killed at %d system calls", kills)
}

// cutShort kills a helper at the n-th of a system call, and says whether it got that far.
func cutShort(t *testing.T, strace, call string, n int) bool {
	c := newCgroup(t, Options{})
	cmd := exec.Command(strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+call,
		"--inject="+call+":signal=KILL:when="+strconv.Itoa(n), os.Args[0])
	cmd.Env = append(os.Environ(), helperEnv+"=create", "TARE_CGROUP_ID="+path.Base(c.Location().Dirs[0].Path))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	ended := cmd.Run()
	if err := Open(c.Location()).Remove(); err != nil {
		t.Errorf("%s %d: %v", call, n, err)
	}
	for _, d := range c.Location().Dirs {
		if anywhere.exists(d.Path) {
			t.Errorf("%s %d: %s is left", call, n, d.Path)
		}
	}
	if ended != nil && !killed(cmd.ProcessState) {
		t.Errorf("%s %d: %v: %s", call, n, ended, out.String())
	}
	return ended != nil && !t.Failed()
}
