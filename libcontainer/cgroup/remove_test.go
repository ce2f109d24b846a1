// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func TestFreeze(t *testing.T) {
	c := create(t, Options{})
	cmd, out := start(t, c, "sh", "-c", "while :; do echo tick; sleep 0.01; done")
	ticks := make(chan string, 1000)
	go func() {
		for line, err := out.ReadString('\n'); err == nil; line, err = out.ReadString('\n') {
			ticks <- line
		}
	}()
	<-ticks
	state := func(want bool) {
		t.Helper()
		if frozen, err := c.Frozen(); err != nil || frozen != want {
			t.Errorf("frozen %v, want %v: %v", frozen, want, err)
		}
	}
	state(false)
	if err := c.Freeze(); err != nil {
		t.Fatal(err)
	}
	state(true)
	time.Sleep(20 * time.Millisecond)
	for len(ticks) > 0 {
		<-ticks
	}
	time.Sleep(60 * time.Millisecond)
	if n := len(ticks); n > 0 {
		t.Errorf("%d ticks while frozen", n)
	}
	// A signal reaches it, and it stays frozen.
	if err := c.Signal(unix.SIGCONT); err != nil {
		t.Error(err)
	}
	state(true)
	if err := c.Thaw(); err != nil {
		t.Fatal(err)
	}
	state(false)
	<-ticks
	if err := c.Signal(unix.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("after SIGTERM: %v", err)
	}
	state(false)
}

func TestRemove(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(t *testing.T, c *Cgroup)
	}{
		{"nothing in it", func(*testing.T, *Cgroup) {}},
		{"twice", func(t *testing.T, c *Cgroup) {
			if err := c.Remove(); err != nil {
				t.Fatal(err)
			}
		}},
		{"a process", func(t *testing.T, c *Cgroup) { sleeper(t, c) }},
		{"a frozen process", func(t *testing.T, c *Cgroup) {
			sleeper(t, c)
			if err := c.Freeze(); err != nil {
				t.Fatal(err)
			}
		}},
		{"a dead process that nobody waited for", func(t *testing.T, c *Cgroup) {
			sleeper(t, c).Process.Kill()
			time.Sleep(50 * time.Millisecond)
		}},
		{"sub-cgroups with processes", func(t *testing.T, c *Cgroup) {
			for _, d := range c.Location().Dirs {
				for _, sub := range []string{"/a", "/a/b", "/c"} {
					if err := os.Mkdir(d.Path+sub, 0o755); err != nil {
						t.Fatal(err)
					}
				}
				if d.has("cpuset") {
					for _, sub := range []string{"/a", "/a/b", "/c"} {
						for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
							if err := anywhere.inherit(d.Path+sub, file, false); err != nil {
								t.Fatal(err)
							}
						}
					}
				}
			}
			for _, sub := range []string{"/a/b", "/c"} {
				below := Location{}
				for _, d := range c.Location().Dirs {
					below.Dirs = append(below.Dirs, Dir{d.Controllers, d.Path + sub})
				}
				sleeper(t, Open(below))
			}
			pids, err := c.AllPids()
			own, err2 := c.Pids()
			if len(pids) != 2 || len(own) != 0 || err != nil || err2 != nil {
				t.Errorf("pids %v, all %v: %v %v", own, pids, err, err2)
			}
		}},
		{"a process in one hierarchy only", func(t *testing.T, c *Cgroup) {
			d := c.Location().Dirs[0]
			sleeper(t, Open(Location{Dirs: []Dir{d}}))
		}},
		{"a process that takes no signal", func(t *testing.T, c *Cgroup) {
			start(t, c, "sh", "-c", "trap '' TERM INT HUP; while :; do sleep 1; done")
		}},
		{"deeper than any path", func(t *testing.T, c *Cgroup) {
			name := strings.Repeat("d", 200)
			for _, d := range c.Location().Dirs {
				if d.Controllers != "" && !d.has("pids") {
					continue
				}
				fd, err := anywhere.open(d.Path, unix.O_RDONLY|unix.O_DIRECTORY)
				if err != nil {
					t.Fatal(err)
				}
				for range 30 {
					err := unix.Mkdirat(fd, name, 0o755)
					if err != nil {
						t.Fatal(err)
					}
					next, err := openat(fd, name, unix.O_RDONLY|unix.O_DIRECTORY)
					if err != nil {
						t.Fatal(err)
					}
					unix.Close(fd)
					fd = next
				}
				unix.Close(fd)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := create(t, Options{Resources: defaultResources()})
			tc.do(t, c)
			began := time.Now()
			if err := Open(c.Location()).Remove(); err != nil {
				t.Fatal(err)
			}
			t.Logf("removed in %v", time.Since(began))
			for _, d := range c.Location().Dirs {
				if anywhere.exists(d.Path) {
					t.Errorf("%s is left", d.Path)
				}
			}
		})
	}
}

// TestRemoveForkBomb removes a cgroup whose processes fork as fast as they can.
func TestRemoveForkBomb(t *testing.T) {
	limit := int64(200)
	c := create(t, Options{Resources: &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &limit}}}, "pids")
	start(t, c, "sh", "-c", "bomb() { bomb | bomb & }; bomb; exec sleep 1000")
	time.Sleep(200 * time.Millisecond)
	began := time.Now()
	if err := c.Remove(); err != nil {
		t.Fatal(err)
	}
	t.Logf("removed in %v", time.Since(began))
}

// TestRemoveV1 removes without the help of cgroup2, and without that of a freezer.
func TestRemoveV1(t *testing.T) {
	for _, without := range []string{"", "freezer"} {
		c := create(t, Options{})
		if c.loc.Unified() {
			t.Skip("needs cgroup v1: mount the v1 hierarchies below " + mountRoot)
		}
		old := c
		c = Open(Location{})
		for _, d := range old.loc.Dirs {
			if d.Controllers != "" && (without == "" || !d.has(without)) {
				c.loc.Dirs = append(c.loc.Dirs, d)
			}
		}
		for range 3 {
			sleeper(t, c)
		}
		start(t, c, "sh", "-c", "while :; do sleep 0.001; done")
		if without == "" {
			if err := c.Freeze(); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		if err := c.Remove(); err != nil {
			t.Errorf("without %q: %v", without, err)
		}
		t.Logf("removed in %v", time.Since(began))
	}
}

// TestRemoveLeavesOthers checks that what is outside is not touched.
func TestRemoveLeavesOthers(t *testing.T) {
	c, other := create(t, Options{}), create(t, Options{})
	cmd := sleeper(t, other)
	sleeper(t, c)
	if err := c.Remove(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(cmd.Process.Pid, 0); err != nil {
		t.Errorf("the other's process: %v", err)
	}
	if pids, err := other.Pids(); err != nil || len(pids) != 1 {
		t.Errorf("the other's pids: %v %v", pids, err)
	}
}

// TestReadOnly removes a cgroup that is not there from a cgroupfs mounted read-only, where rmdir
// says EROFS all the same, and creates none without limits when rootless.
func TestReadOnly(t *testing.T) {
	if os.Getenv("TARE_CGROUP_VIEW") != "ro" {
		needRoot(t)
		view(t, "ro", "mount -o remount,bind,ro /sys/fs/cgroup; for m in /sys/fs/cgroup/*; do mount -o remount,bind,ro $m 2>/dev/null; done", "TestReadOnly")
		return
	}
	c, err := New(Options{ID: "tare-test-ro"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Remove(); err != nil {
		t.Errorf("remove: %v", err)
	}
	if err := c.Create(); !is(err, unix.EROFS) {
		t.Errorf("create: %v", err)
	}
	c, _ = New(Options{ID: "tare-test-ro", Rootless: true, Resources: defaultResources()})
	if err := c.Create(); err != nil || len(c.Location().Dirs) != 0 {
		t.Errorf("rootless without limits: %v, at %s", err, c.Location())
	}
	c, _ = New(Options{ID: "tare-test-ro", Rootless: true, Path: "/tare-test-ro"})
	if err := c.Create(); err == nil || !strings.HasPrefix(err.Error(), "linux.cgroupsPath: mkdir(") {
		t.Errorf("rootless with a path: %v", err)
	}
	c, _ = New(Options{ID: "tare-test-ro", Rootless: true, Resources: &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr(int64(5))}}})
	err = c.Create()
	if err == nil || !strings.Contains(err.Error(), "rootless needs no limits + no cgrouppath when no permission is granted for cgroups: mkdir(") {
		t.Errorf("rootless with limits: %v", err)
	}
}

// TestPureV2 runs the tests again where /sys/fs/cgroup is cgroup2, as on a host without v1. On a
// hybrid host that has few controllers.
func TestPureV2(t *testing.T) {
	needRoot(t)
	if fsType(mountRoot) == unix.CGROUP2_SUPER_MAGIC {
		t.Skip("needs cgroup v1: this host has v2, and the other tests have run on it")
	}
	view(t, "v2", "umount -l /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup",
		"Place|Create|Freeze|Remove|Device|Limit|Controller|ReadOnly|Kill")
}

// view runs tests in a mount namespace that a script has changed.
func view(t *testing.T, name, script, tests string) {
	t.Helper()
	if os.Getenv("TARE_CGROUP_VIEW") != "" && name == "v2" {
		t.Skip("needs the machine's own view: this one is v2 already")
	}
	args := []string{"-m", "sh", "-c", script + `; exec "$@"`, "sh", os.Args[0], "-test.v", "-test.run", tests}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	cmd := exec.Command("unshare", args...)
	cmd.Env = append(os.Environ(), "TARE_CGROUP_VIEW="+name)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v", err)
	}
	t.Logf("%s", out)
}
