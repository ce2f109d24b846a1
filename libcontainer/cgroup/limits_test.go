// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// The tests here feel the limits: they do what a limit forbids.

func TestPidsLimit(t *testing.T) {
	limit := func(n int64) Options {
		return Options{Resources: &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &n}}}
	}
	one := create(t, limit(1), "pids")
	if out, s := run(t, one, "", "true"); s.ExitCode() != 0 {
		t.Errorf("true under a limit of 1: %v %s", s, out)
	}
	if out, s := run(t, one, "", "sh", "-c", "true; (true)"); s.ExitCode() == 0 {
		t.Errorf("a fork under a limit of 1: %v %s", s, out)
	}
	three := create(t, limit(3))
	if out, s := run(t, three, "", "sh", "-c", "sleep 0.1 & sleep 0.1 & wait"); s.ExitCode() != 0 {
		t.Errorf("two forks under a limit of 3: %v %s", s, out)
	}
	if out, s := run(t, three, "", "sh", "-c", "sleep 0.1 & sleep 0.1 & sleep 0.1 & wait"); s.ExitCode() == 0 {
		t.Errorf("three forks under a limit of 3: %v %s", s, out)
	}
}

func TestMemoryLimit(t *testing.T) {
	limit := int64(64 << 20)
	c := create(t, Options{Resources: &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit}}}, "memory")
	if out, s := run(t, c, "hog", os.Args[0]); !killed(s) {
		t.Errorf("256 MiB under a limit of 64: %v %s", s, out)
	}
	small := int64(512 << 10)
	c = create(t, Options{Resources: &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &small}}})
	if out, s := run(t, c, "", "true"); s.ExitCode() != 0 {
		t.Errorf("true under a limit of 512 KiB: %v %s", s, out)
	}
}

func TestCPULimit(t *testing.T) {
	c := create(t, Options{Resources: &specs.LinuxResources{CPU: &specs.LinuxCPU{
		Shares: ptr(uint64(512)), Quota: ptr(int64(10000)), Period: ptr(uint64(100000)),
	}}}, "cpu")
	out, s := run(t, c, "spin", os.Args[0])
	ms, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil || s.ExitCode() != 0 || ms > 250 {
		t.Errorf("half a second at a tenth of a processor: %q ms of it, %v", out, s)
	}
}

func TestCpusetLimit(t *testing.T) {
	c := create(t, Options{Resources: &specs.LinuxResources{CPU: &specs.LinuxCPU{Cpus: "0"}}}, "cpuset")
	out, _ := run(t, c, "", "grep", "Cpus_allowed_list", "/proc/self/status")
	if !strings.HasSuffix(out, ":\t0\n") {
		t.Errorf("allowed %q", out)
	}
}

// node makes a device node to open; the directory must not be on a nodev mount.
func node(t *testing.T, kind uint32, major, minor uint32) string {
	t.Helper()
	needRoot(t)
	name := filepath.Join(t.TempDir(), "node")
	if err := unix.Mknod(name, kind|0o666, int(unix.Mkdev(major, minor))); err != nil {
		t.Skipf("needs mknod(2), CAP_MKNOD in the first user namespace: %v", err)
	}
	var st unix.Statfs_t
	if unix.Statfs(filepath.Dir(name), &st) == nil && st.Flags&unix.ST_NODEV != 0 {
		t.Skip("needs a TMPDIR that is not mounted nodev")
	}
	return name
}

func TestDeviceAccess(t *testing.T) {
	null := node(t, unix.S_IFCHR, 1, 3)
	none := node(t, unix.S_IFCHR, 5, 3) // no such device: opened it gives ENXIO
	kmsg := node(t, unix.S_IFCHR, 1, 11)
	open := func(c *Cgroup, redirect string) bool {
		t.Helper()
		out, s := run(t, c, "", "sh", "-c", ": "+redirect)
		denied := strings.Contains(out, "Operation not permitted")
		if denied == (s.ExitCode() == 0) && !strings.Contains(out, "No such device") {
			t.Errorf("%s: %v: %s", redirect, s, out)
		}
		return !denied
	}
	device := func(allow bool, kind string, major, minor int64, access string) specs.LinuxDeviceCgroup {
		return specs.LinuxDeviceCgroup{Allow: allow, Type: kind, Major: &major, Minor: &minor, Access: access}
	}
	for _, tc := range []struct {
		name                        string
		list                        []specs.LinuxDeviceCgroup
		null, none, kmsgIn, kmsgOut bool
	}{
		{"no list", nil, true, false, false, false},
		{"default", defaultResources().Devices, true, false, false, false},
		{"privileged", []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}, true, true, true, true},
		{"null denied, and allowed by the defaults", []specs.LinuxDeviceCgroup{device(false, "c", 1, 3, "rwm")}, true, false, false, false},
		{"kmsg to read", []specs.LinuxDeviceCgroup{{Access: "rwm"}, device(true, "c", 1, 11, "r")}, true, false, true, false},
		{"all but one", []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}, device(false, "c", 5, 3, "rwm")}, true, false, true, true},
		{"taken back", []specs.LinuxDeviceCgroup{device(true, "c", 1, 11, "rw"), device(false, "c", 1, 11, "w")}, true, false, true, false},
		{"all after all", []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}, {Allow: false, Access: "rwm"}}, true, false, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := create(t, Options{Resources: &specs.LinuxResources{Devices: tc.list}})
			for _, one := range []struct {
				redirect string
				want     bool
			}{
				{"<>" + null, tc.null}, {"<" + none, tc.none}, {"<" + kmsg, tc.kmsgIn}, {">" + kmsg, tc.kmsgOut},
			} {
				if got := open(c, one.redirect); got != one.want {
					t.Errorf("%s: %v, want %v", one.redirect, got, one.want)
				}
			}
			// A node may be made whatever it is for.
			made := filepath.Join(t.TempDir(), "sda")
			if out, s := run(t, c, "", "mknod", made, "b", "8", "0"); s.ExitCode() != 0 {
				t.Errorf("mknod: %s", out)
			}
			if open(c, "<"+made) && tc.name != "privileged" && tc.name != "all but one" {
				t.Error("sda could be opened")
			}
		})
	}
}

// TestDevicesReplaced creates onto what exists: the rules in force are the last ones, and no
// program piles up.
func TestDevicesReplaced(t *testing.T) {
	c := create(t, Options{Resources: &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}}})
	kmsg := node(t, unix.S_IFCHR, 1, 11)
	reads := func() bool {
		_, s := run(t, c, "", "sh", "-c", ": <"+kmsg)
		return s.ExitCode() == 0
	}
	if !reads() {
		t.Error("denied what was allowed")
	}
	for range 100 {
		again, err := New(Options{ID: filepath.Base(c.main().Path), Resources: defaultResources()})
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Create(); err != nil {
			t.Fatal(err)
		}
	}
	if reads() {
		t.Error("allowed what was denied later")
	}
	again, err := New(Options{ID: filepath.Base(c.main().Path), Resources: &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}}})
	if err == nil {
		err = again.Create()
	}
	if err != nil || !reads() {
		t.Errorf("denied what was allowed again: %v", err)
	}
	if !c.loc.Unified() {
		return
	}
	dir, err := anywhere.open(c.main().Path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dir)
	programs, err := attached(dir)
	if err != nil || len(programs) != 1 {
		t.Errorf("%d programs attached, %v", len(programs), err)
	}
	for _, fd := range programs {
		unix.Close(fd)
	}
}

func TestCheckLimits(t *testing.T) {
	memory := func(m specs.LinuxMemory) *specs.LinuxResources { return &specs.LinuxResources{Memory: &m} }
	for _, tc := range []struct {
		r      *specs.LinuxResources
		v1, v2 string // error, or ""
	}{
		{nil, "", ""},
		{memory(specs.LinuxMemory{Limit: ptr(int64(-2))}), "linux.resources.memory.limit: want bytes", "linux.resources.memory.limit: want bytes"},
		{memory(specs.LinuxMemory{Limit: ptr(int64(-1)), Swap: ptr(int64(5))}), "", ""},
		{memory(specs.LinuxMemory{Swap: ptr(int64(5))}), "", "linux.resources.memory.swap: unable to set swap limit without memory limit"},
		{memory(specs.LinuxMemory{Limit: ptr(int64(6)), Swap: ptr(int64(5))}), "memory+swap limit should be >= memory limit", "memory+swap limit should be >= memory limit"},
		{memory(specs.LinuxMemory{Swappiness: ptr(uint64(101))}), "linux.resources.memory.swappiness: want 0 to 100", ""},
		{&specs.LinuxResources{CPU: &specs.LinuxCPU{Shares: ptr(uint64(2)), Idle: ptr(int64(1))}}, "", "linux.resources.cpu: unable to apply both"},
		{&specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: ptr(int64(-2))}}, "linux.resources.cpu.quota: want", "linux.resources.cpu.quota: want"},
		{&specs.LinuxResources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "2MB"}, {Pagesize: "1GB"}, {Pagesize: "64KB"}}}, "", ""},
		{&specs.LinuxResources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "2MB"}, {Pagesize: "../1MB"}}}, "linux.resources.hugepageLimits[1].pageSize: want", "hugepageLimits[1].pageSize: want"},
		{&specs.LinuxResources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "MB"}}}, "pageSize: want", "pageSize: want"},
		{&specs.LinuxResources{Unified: map[string]string{"memory.high": "1"}}, "linux.resources.unified: invalid configuration: cannot use unified on cgroup v1", ""},
		{&specs.LinuxResources{Unified: map[string]string{"../x.y": "1"}}, "invalid configuration", `linux.resources.unified["../x.y"]: want`},
		{&specs.LinuxResources{Unified: map[string]string{"xy": "1"}}, "invalid configuration", `linux.resources.unified["xy"]: want`},
	} {
		for unified, want := range map[bool]string{false: tc.v1, true: tc.v2} {
			err := checkLimits(tc.r, unified)
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("unified %v: %v, want %q", unified, err, want)
			}
		}
	}
}

func TestLimitError(t *testing.T) {
	c := newCgroup(t, Options{Resources: &specs.LinuxResources{BlockIO: &specs.LinuxBlockIO{
		ThrottleReadBpsDevice: []specs.LinuxThrottleDevice{{Rate: 1}},
	}}})
	want := `linux.resources.blockIO.throttleReadBpsDevice: write "0:0 1" to blkio.throttle.read_bps_device: no such device (ENODEV)`
	if c.loc.Unified() {
		needController(t, c, "io")
		want = `linux.resources.blockIO: write "0:0 rbps=1" to io.max: no such device (ENODEV)`
	}
	if err := c.Create(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestNoController asks for what this host's cgroup2 does not have.
func TestNoController(t *testing.T) {
	c := newCgroup(t, Options{Resources: &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: ptr(int64(1 << 26))}}})
	if !c.loc.Unified() {
		t.Skip("needs cgroup v2 alone: run TestPureV2")
	}
	all, _ := os.ReadFile(mountRoot + "/cgroup.controllers")
	if !missing("memory", string(all)) {
		t.Skip("needs a cgroup2 without memory: mount the v1 memory hierarchy")
	}
	err := c.Create()
	if err == nil || !strings.HasPrefix(err.Error(), `linux.resources.memory.limit: controller "memory" not available in `+mountRoot) {
		t.Errorf("error %v", err)
	}
}
