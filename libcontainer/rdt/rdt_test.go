// SPDX-License-Identifier: Apache-2.0

package rdt

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

type config = specs.LinuxIntelRdt

// Each rule of config-linux.md about which groups there are, what is written to them, and what is
// left when the container is gone.
func TestLife(t *testing.T) {
	for _, tc := range []struct {
		name     string
		config   config
		made     []string // for Remove
		groups   []string // after Create; gold was there before
		left     []string // after Remove
		file     string   // a schemata file after Create
		schemata string
		tasks    []string // the files that Join writes
	}{{
		name: "nothing asked for: a group by the id, its schemata the kernel's",
		made: []string{"c1"}, groups: []string{"c1", "gold"}, left: []string{"gold"},
		file: "c1", schemata: defaults, tasks: []string{"c1"},
	}, {
		name: "schema without closID", config: config{L3CacheSchema: "L3:0=ff;1=f"},
		made: []string{"c1"}, groups: []string{"c1", "gold"}, left: []string{"gold"},
		file: "c1", schemata: "L3:0=ff;1=f\n", tasks: []string{"c1"},
	}, {
		name: "cache first, bandwidth last", config: config{MemBwSchema: "MB:0=20;1=70", L3CacheSchema: "L3:0=ff"},
		made: []string{"c1"}, groups: []string{"c1", "gold"}, left: []string{"gold"},
		file: "c1", schemata: "L3:0=ff\nMB:0=20;1=70\n", tasks: []string{"c1"},
	}, {
		name: "schemata after the others, and over them",
		config: config{
			Schemata:      []string{"L2:0=f;1=f", "MB:1=30", "L3:1=1f"},
			L3CacheSchema: "L3:0=7f0;1=7", MemBwSchema: "MB:1=70",
		},
		made: []string{"c1"}, groups: []string{"c1", "gold"}, left: []string{"gold"},
		file: "c1", schemata: "L3:0=7f0\nL2:0=f;1=f\nMB:1=30\nL3:1=1f\n", tasks: []string{"c1"},
	}, {
		name: "closID alone: the group as it is", config: config{ClosID: "gold"},
		groups: []string{"gold"}, left: []string{"gold"},
		file: "gold", schemata: "    L3:0=0f0;1=7ff\n    MB:0= 20;1=100\n", tasks: []string{"gold"},
	}, {
		name:   "closID with equal schemata",
		config: config{ClosID: "gold", Schemata: []string{"MB:1=100;0=11", "L3:00=0xF0"}},
		groups: []string{"gold"}, left: []string{"gold"},
		file: "gold", schemata: "    L3:0=0f0;1=7ff\n    MB:0= 20;1=100\n", tasks: []string{"gold"},
	}, {
		name: "closID that is new is made, and stays", config: config{ClosID: "silver", MemBwSchema: "MB:0=50"},
		groups: []string{"gold", "silver"}, left: []string{"gold", "silver"},
		file: "silver", schemata: "MB:0=50\n", tasks: []string{"silver"},
	}, {
		name: "the root group", config: config{ClosID: "/"},
		groups: []string{"gold"}, left: []string{"gold"}, file: ".", schemata: defaults, tasks: []string{"."},
	}, {
		name: "the root group with its own schema", config: config{ClosID: "/", L3CacheSchema: "L3:0=7FF"},
		groups: []string{"gold"}, left: []string{"gold"}, file: ".", schemata: defaults, tasks: []string{"."},
	}, {
		name: "monitoring of one's own group", config: config{EnableMonitoring: true},
		made: []string{"c1", "c1/mon_groups/c1"}, groups: []string{"c1", "c1/mon_groups/c1", "gold"}, left: []string{"gold"},
		file: "c1", schemata: defaults, tasks: []string{"c1", "c1/mon_groups/c1"},
	}, {
		name: "monitoring in a group of many", config: config{ClosID: "gold", EnableMonitoring: true},
		made: []string{"gold/mon_groups/c1"}, groups: []string{"gold", "gold/mon_groups/c1"}, left: []string{"gold"},
		file: "gold", schemata: "    L3:0=0f0;1=7ff\n    MB:0= 20;1=100\n", tasks: []string{"gold", "gold/mon_groups/c1"},
	}, {
		name: "monitoring in a closID that is new", config: config{ClosID: "silver", L3CacheSchema: "L3:0=1", EnableMonitoring: true},
		made: []string{"silver/mon_groups/c1"}, groups: []string{"gold", "silver", "silver/mon_groups/c1"}, left: []string{"gold", "silver"},
		file: "silver", schemata: "L3:0=1\n", tasks: []string{"silver", "silver/mon_groups/c1"},
	}, {
		name: "monitoring in the root group", config: config{ClosID: "/", EnableMonitoring: true},
		made: []string{"mon_groups/c1"}, groups: []string{"gold", "mon_groups/c1"}, left: []string{"gold"},
		file: ".", schemata: defaults, tasks: []string{".", "mon_groups/c1"},
	}} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			f.group("gold", "    L3:0=0f0;1=7ff\n    MB:0= 20;1=100\n")
			g := f.new("c1", tc.config)
			before := f.tree()
			made, err := g.Plan()
			must(t, err)
			if f.tree() != before {
				t.Error("Plan has changed something")
			}
			var names []string
			for _, path := range made {
				if !strings.HasPrefix(path, f.root+"/") {
					t.Errorf("Plan: %q", path)
				}
				names = append(names, f.below(path))
			}
			if !slices.Equal(names, tc.made) {
				t.Errorf("Plan: %q, want %q", names, tc.made)
			}

			must(t, g.Create())
			if got := f.groups(); !slices.Equal(got, tc.groups) {
				t.Errorf("Create: groups %q, want %q", got, tc.groups)
			}
			// In the fake one write replaces the beginning of the file.
			want := tc.schemata + defaults[min(len(tc.schemata), len(defaults)):]
			if got := f.read(tc.file + "/schemata"); got != want {
				t.Errorf("Create: %s/schemata %q, want %q", tc.file, got, want)
			}

			// Exec decides anew, from the config.json that is kept.
			must(t, f.new("c1", tc.config).Join(4711))
			for _, dir := range append([]string{"."}, tc.groups...) {
				want := ""
				if slices.Contains(tc.tasks, dir) {
					want = "4711"
				}
				if got := f.read(dir + "/tasks"); got != want {
					t.Errorf("Join: %s/tasks %q, want %q", dir, got, want)
				}
			}

			for range 2 {
				must(t, remove(made, f.rmdir))
				if got := f.groups(); !slices.Equal(got, tc.left) {
					t.Errorf("Remove: groups %q, want %q", got, tc.left)
				}
			}
		})
	}
}

// Without linux.intelRdt nothing of resctrl is touched, not even looked at.
func TestNone(t *testing.T) {
	g := New("/nonexistent", "c1", nil)
	made, err := g.Plan()
	if made != nil || err != nil || g.Create() != nil || g.Join(1) != nil || Remove(made) != nil {
		t.Errorf("%q %v", made, err)
	}
}

func TestNotMounted(t *testing.T) {
	made, err := New(Root, "tare-test-rdt", &config{ClosID: "/"}).Plan()
	if mounted() { // only looked at: the groups of this machine are somebody's
		if made != nil || err != nil {
			t.Errorf("%q %v", made, err)
		}
		return
	}
	if err == nil || err.Error() != "linux.intelRdt: resctrl is not mounted at /sys/fs/resctrl" {
		t.Errorf("%q %v", made, err)
	}
	hinted(t, err, "mount -t resctrl resctrl /sys/fs/resctrl; the CPU must have RDT or the like")
}

func TestPlanRefuses(t *testing.T) {
	for _, tc := range []struct {
		id     string
		config config
		err    string
		errno  unix.Errno
		hint   string
	}{
		{"c1", config{ClosID: "nosuch"}, `linux.intelRdt.closID "nosuch": access("/sys/fs/resctrl/nosuch/tasks"): no such file or directory (ENOENT)`, unix.ENOENT, "without a schema"},
		{"c1", config{ClosID: "nosuch", EnableMonitoring: true}, `linux.intelRdt.closID "nosuch": access("/sys/fs/resctrl/nosuch/tasks"): no such file or directory (ENOENT)`, unix.ENOENT, "without a schema"},
		{strings.Repeat("x", 256), config{}, `linux.intelRdt: mkdir("/sys/fs/resctrl/` + strings.Repeat("x", 256) + `"): file name too long (ENAMETOOLONG)`, unix.ENAMETOOLONG, ""},
		{"gold", config{MemBwSchema: "MB:0=10"}, `linux.intelRdt: mkdir("/sys/fs/resctrl/gold"): file exists (EEXIST)`, unix.EEXIST, "rmdir "},
		{"busy", config{ClosID: "gold", EnableMonitoring: true}, `linux.intelRdt.enableMonitoring: mkdir("/sys/fs/resctrl/gold/mon_groups/busy"): file exists (EEXIST)`, unix.EEXIST, "rmdir "},
		{"c1", config{ClosID: "a/b"}, `linux.intelRdt.closID "a/b": cannot be the name of a resctrl group`, 0, ""},
		{"c1", config{ClosID: "."}, `linux.intelRdt.closID ".": cannot be the name of a resctrl group`, 0, ""},
		{"c1", config{ClosID: ".."}, `linux.intelRdt.closID "..": cannot be the name of a resctrl group`, 0, ""},
		{"c1", config{ClosID: "/gold"}, `linux.intelRdt.closID "/gold": cannot be the name of a resctrl group`, 0, ""},
		{"c1", config{ClosID: "a\nb"}, `linux.intelRdt.closID "a\nb": cannot be the name of a resctrl group`, 0, ""},
		{"c1", config{ClosID: "info", MemBwSchema: "MB:0=10"}, `linux.intelRdt.closID "info": cannot be the name of a resctrl group`, 0, ""},
		{"../c1", config{}, `linux.intelRdt: container id "../c1": cannot be the name of a resctrl group`, 0, "closID is empty"},
		{"../c1", config{ClosID: "gold", EnableMonitoring: true}, `linux.intelRdt: container id "../c1": cannot be the name of a resctrl group`, 0, ""},
		{"..", config{}, `linux.intelRdt: container id "..": cannot be the name of a resctrl group`, 0, ""},
		{"", config{}, `linux.intelRdt: container id "": cannot be the name of a resctrl group`, 0, ""},
		{"mon_groups", config{}, `linux.intelRdt: container id "mon_groups": cannot be the name of a resctrl group`, 0, ""},
	} {
		f := newFake(t)
		f.group("gold", defaults)
		f.write("info/last_cmd_status", "of another call\n")
		must(t, f.mkdir(f.root+"/gold/mon_groups/busy"))
		before := f.tree()
		g := f.new(tc.id, tc.config)
		made, err := g.Plan()
		if f.plain(err) != tc.err || made != nil {
			t.Errorf("%q %+v: %v, want %s", tc.id, tc.config, f.plain(err), tc.err)
			continue
		}
		if tc.errno != 0 && !errors.Is(err, tc.errno) {
			t.Errorf("%v is not %v", err, tc.errno)
		}
		if tc.hint != "" {
			hinted(t, err, tc.hint)
		}
		if tc.errno == 0 { // names are never used, whoever calls
			if err := g.Create(); f.plain(err) != tc.err {
				t.Errorf("Create: %v", err)
			}
			if err := g.Join(1); f.plain(err) != tc.err {
				t.Errorf("Join: %v", err)
			}
		}
		if f.tree() != before {
			t.Errorf("%q %+v: something has changed", tc.id, tc.config)
		}
	}
	// An id that names no group may be anything.
	f := newFake(t)
	if _, err := f.new("info", config{ClosID: "/", EnableMonitoring: true}).Plan(); err != nil {
		t.Error(err)
	}
	// No monitoring on this machine.
	must(t, os.Remove(f.root+"/mon_groups"))
	_, err := f.new("c1", config{EnableMonitoring: true}).Plan()
	if f.plain(err) != `linux.intelRdt.enableMonitoring: access("/sys/fs/resctrl/mon_groups"): no such file or directory (ENOENT)` {
		t.Error(err)
	}
	hinted(t, err, "no RDT monitoring")
}

// A closID that exists must be as asked for; it is not written to, and nothing is made in it.
func TestClosIDDiffers(t *testing.T) {
	for _, tc := range []struct {
		config config
		err    string
	}{
		{config{L3CacheSchema: "L3:0=ff"}, `linux.intelRdt.l3CacheSchema "L3:0=ff": closID "gold" exists with "L3:0=0f0;1=7ff"`},
		{config{MemBwSchema: "MB:0=21"}, `linux.intelRdt.memBwSchema "MB:0=21": closID "gold" exists with "MB:0= 20;1=100"`},
		{config{Schemata: []string{"L3:0=f0", "L3:2=f0"}}, `linux.intelRdt.schemata[1] "L3:2=f0": closID "gold" exists with "L3:0=0f0;1=7ff"`},
		{config{Schemata: []string{"L2:0=f"}}, `linux.intelRdt.schemata[0] "L2:0=f": closID "gold" exists and has no such line`},
		{config{Schemata: []string{"nonsense"}}, `linux.intelRdt.schemata[0] "nonsense": closID "gold" exists and has no such line`},
		{config{Schemata: []string{""}}, `linux.intelRdt.schemata[0] "": closID "gold" exists and has no such line`},
	} {
		f := newFake(t)
		f.group("gold", "    L3:0=0f0;1=7ff\n    MB:0= 20;1=100\n")
		before := f.tree()
		tc.config.ClosID, tc.config.EnableMonitoring = "gold", true
		err := f.new("c1", tc.config).Create()
		if f.plain(err) != tc.err {
			t.Errorf("%+v: %v, want %s", tc.config, err, tc.err)
			continue
		}
		hinted(t, err, "rmdir "+f.root+"/gold")
		if f.tree() != before {
			t.Errorf("%+v: something has changed", tc.config)
		}
	}
	f := newFake(t)
	err := f.new("c1", config{ClosID: "/", L3CacheSchema: "L3:0=1"}).Create()
	if f.plain(err) != `linux.intelRdt.l3CacheSchema "L3:0=1": closID "/" exists with "L3:0=7ff;1=7ff"` {
		t.Error(err)
	}
	var e *Error
	if !errors.As(err, &e) || strings.Contains(e.Hint(), "rmdir") {
		t.Errorf("a hint to remove the root: %+v", e)
	}
	// It is there and cannot be read.
	f.group("odd", defaults)
	must(t, os.Remove(f.root+"/odd/schemata"))
	must(t, os.Mkdir(f.root+"/odd/schemata", 0o755))
	err = f.new("c1", config{ClosID: "odd", L3CacheSchema: "L3:0=1"}).Create()
	if f.plain(err) != `linux.intelRdt.closID "odd": read("/sys/fs/resctrl/odd/schemata"): is a directory (EISDIR)` {
		t.Error(err)
	}
}

// What the kernel refuses is undone, also in a closID, and its reason is told.
func TestCreateFails(t *testing.T) {
	// A file that answers a write as schemata may: with EINVAL.
	const refuses = "/proc/self/oom_score_adj"
	for _, tc := range []struct {
		name   string
		config config
		link   string // what schemata of a new group is, "" a directory
		status string
		err    string
		errno  unix.Errno
	}{
		{
			"reason", config{L3CacheSchema: "L3:0=5"}, refuses, "The mask 5 has non-consecutive 1-bits\n",
			`linux.intelRdt.l3CacheSchema "L3:0=5": write schemata: invalid argument (EINVAL): The mask 5 has non-consecutive 1-bits`, unix.EINVAL,
		}, {
			"no reason", config{MemBwSchema: "MB:9=10"}, refuses, "ok\n",
			`linux.intelRdt.memBwSchema "MB:9=10": write schemata: invalid argument (EINVAL)`, unix.EINVAL,
		}, {
			"many fields", config{ClosID: "silver", L3CacheSchema: "L3:0=5", MemBwSchema: "MB:0=10", EnableMonitoring: true}, refuses, "Mask out of range\n",
			`linux.intelRdt "L3:0=5\nMB:0=10": write schemata: invalid argument (EINVAL): Mask out of range`, unix.EINVAL,
		}, {
			"many lines", config{ClosID: "silver", Schemata: []string{"L3:0=5", "L2:0=1"}}, refuses, "Unknown or unsupported resource name 'L2'\n",
			`linux.intelRdt.schemata "L3:0=5\nL2:0=1": write schemata: invalid argument (EINVAL): Unknown or unsupported resource name 'L2'`, unix.EINVAL,
		}, {
			"one line", config{Schemata: []string{"L3:0=5"}}, "/dev/full", "two\nlines\n",
			`linux.intelRdt.schemata[0] "L3:0=5": write schemata: no space left on device (ENOSPC): two lines`, unix.ENOSPC,
		}, {
			"not written", config{L3CacheSchema: "L3:0=1"}, "", "of another call\n",
			`linux.intelRdt.l3CacheSchema "L3:0=1": open schemata: is a directory (EISDIR)`, unix.EISDIR,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			g := f.new("c1", tc.config)
			g.mkdir = func(path string) error {
				must(t, f.mkdir(path))
				must(t, os.Remove(path+"/schemata"))
				if tc.link == "" {
					return os.Mkdir(path+"/schemata", 0o755)
				}
				return os.Symlink(tc.link, path+"/schemata")
			}
			f.write("info/last_cmd_status", tc.status)
			err := g.Create()
			if f.plain(err) != tc.err || !errors.Is(err, tc.errno) {
				t.Errorf("%v\nwant %s", err, tc.err)
			}
			if left := f.groups(); len(left) != 0 {
				t.Errorf("left: %q", left)
			}
		})
	}
}

func TestMkdirFails(t *testing.T) {
	for _, tc := range []struct {
		id     string // which mkdir
		errno  unix.Errno
		config config
		err    string
		hint   string
	}{
		{"c1", unix.ENOSPC, config{}, `linux.intelRdt: mkdir("/sys/fs/resctrl/c1"): no space left on device (ENOSPC): Out of CLOSIDs`, "num_closids"},
		{"silver", unix.ENOSPC, config{ClosID: "silver", MemBwSchema: "MB:0=10"}, `linux.intelRdt.closID "silver": mkdir("/sys/fs/resctrl/silver"): no space left on device (ENOSPC): Out of CLOSIDs`, "num_closids"},
		{"c1", unix.EPERM, config{}, `linux.intelRdt: mkdir("/sys/fs/resctrl/c1"): operation not permitted (EPERM)`, "can allocate"},
		{"c1", unix.EEXIST, config{}, `linux.intelRdt: mkdir("/sys/fs/resctrl/c1"): file exists (EEXIST)`, "another container"},
		// The control group is there by then.
		{"mon_groups/c1", unix.ENOSPC, config{EnableMonitoring: true}, `linux.intelRdt.enableMonitoring: mkdir("/sys/fs/resctrl/c1/mon_groups/c1"): no space left on device (ENOSPC): Out of CLOSIDs`, "num_rmids"},
		{"mon_groups/c1", unix.ENOSPC, config{ClosID: "silver", L3CacheSchema: "L3:0=1", EnableMonitoring: true}, `linux.intelRdt.enableMonitoring: mkdir("/sys/fs/resctrl/silver/mon_groups/c1"): no space left on device (ENOSPC): Out of CLOSIDs`, "num_rmids"},
	} {
		f := newFake(t)
		f.write("info/last_cmd_status", "Out of CLOSIDs\n")
		g := f.new("c1", tc.config)
		g.mkdir = func(path string) error {
			if strings.HasSuffix(path, "/"+tc.id) {
				return tc.errno
			}
			return f.mkdir(path)
		}
		err := g.Create()
		if f.plain(err) != tc.err || !errors.Is(err, tc.errno) {
			t.Errorf("%v\nwant %s", err, tc.err)
			continue
		}
		hinted(t, err, tc.hint)
		if left := f.groups(); len(left) != 0 {
			t.Errorf("left: %q", left)
		}
	}
	// Nothing says why.
	f := newFake(t)
	must(t, os.Remove(f.root+"/info/last_cmd_status"))
	g := f.new("c1", config{})
	g.mkdir = func(string) error { return unix.ENOSPC }
	if err := g.Create(); f.plain(err) != `linux.intelRdt: mkdir("/sys/fs/resctrl/c1"): no space left on device (ENOSPC)` {
		t.Error(err)
	}
}

// A group that came into being since Plan is somebody else's.
func TestCreateLate(t *testing.T) {
	f := newFake(t)
	g := f.new("c1", config{L3CacheSchema: "L3:0=1"})
	_, err := g.Plan()
	must(t, err)
	f.group("c1", defaults)
	before := f.tree()
	if err := g.Create(); !errors.Is(err, unix.EEXIST) {
		t.Error(err)
	}
	if f.tree() != before {
		t.Error("it was touched")
	}
}

// Containers that share a new closID and start together: one makes it, and none sees it before
// its schemata are there.
func TestTogether(t *testing.T) {
	f := newFake(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			g := f.new("c1", config{ClosID: "silver", L3CacheSchema: "L3:0=1f;1=3f"})
			g.mkdir = func(path string) error {
				err := f.mkdir(path)
				time.Sleep(5 * time.Millisecond)
				return err
			}
			if err := g.Create(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestLocked(t *testing.T) {
	f := newFake(t)
	fd, err := open(f.root, unix.O_RDONLY)
	must(t, err)
	defer unix.Close(fd)
	must(t, unix.Flock(fd, unix.LOCK_SH))
	g := f.new("c1", config{})
	g.patience = 20 * time.Millisecond
	err = g.Create()
	if !errors.Is(err, unix.EWOULDBLOCK) || !strings.HasPrefix(f.plain(err), `linux.intelRdt: flock("/sys/fs/resctrl"): `) {
		t.Error(err)
	}
	hinted(t, err, "lslocks")
	if left := f.groups(); len(left) != 0 {
		t.Errorf("made without the lock: %q", left)
	}
	// It is waited for.
	g.patience = lockTime
	time.AfterFunc(20*time.Millisecond, func() { _ = unix.Flock(fd, unix.LOCK_UN) })
	must(t, g.Create())
	// The lock is of Create alone.
	must(t, f.new("c2", config{}).Create())

	g = New(f.root+"/nonexistent", "c1", &config{})
	if err := g.Create(); f.plain(err) != `linux.intelRdt: open("/sys/fs/resctrl/nonexistent"): no such file or directory (ENOENT)` {
		t.Error(err)
	}
}

func TestJoinFails(t *testing.T) {
	f := newFake(t)
	g := f.new("c1", config{EnableMonitoring: true})
	err := g.Join(7)
	if f.plain(err) != `linux.intelRdt: open("/sys/fs/resctrl/c1/tasks"): no such file or directory (ENOENT)` {
		t.Error(err)
	}
	hinted(t, err, "the group is gone")
	for _, pid := range []int{0, -1} {
		if err := g.Join(pid); !errors.Is(err, unix.ESRCH) {
			t.Errorf("pid %d: %v", pid, err)
		}
	}
	must(t, g.Create())
	f.write("info/last_cmd_status", "No task 7\n")
	must(t, os.Remove(g.mon+"/tasks"))
	must(t, os.Symlink("/dev/full", g.mon+"/tasks"))
	if err := g.Join(7); f.plain(err) != `linux.intelRdt: write 7 to /sys/fs/resctrl/c1/mon_groups/c1/tasks: no space left on device (ENOSPC): No task 7` {
		t.Error(err)
	}
	if got := f.read("c1/tasks"); got != "7" {
		t.Errorf("the control group comes first: %q", got)
	}
}

func TestRemove(t *testing.T) {
	dir := t.TempDir()
	made := []string{dir + "/a", dir + "/a/b"}
	must(t, os.MkdirAll(made[1], 0o755))
	for range 2 {
		must(t, Remove(made))
		if access(made[0]) != unix.ENOENT {
			t.Error("left")
		}
	}
	must(t, Remove(nil))

	// Busy for a moment, then for good: the others are removed all the same.
	var calls []string
	tries := 0
	rmdir := func(path string) error {
		calls = append(calls, path)
		if tries--; path == "b" && tries > 0 {
			return unix.EBUSY
		}
		return nil
	}
	tries = 3
	must(t, remove([]string{"a", "b"}, rmdir))
	if !slices.Equal(calls, []string{"b", "b", "b", "a"}) {
		t.Errorf("%q", calls)
	}
	calls, tries = nil, 1000
	err := remove([]string{"a", "b"}, rmdir)
	if err == nil || err.Error() != `linux.intelRdt: rmdir("b"): device or resource busy (EBUSY)` || !errors.Is(err, unix.EBUSY) {
		t.Error(err)
	}
	if len(calls) != busyTries+1 || calls[busyTries] != "a" {
		t.Errorf("%q", calls)
	}
	must(t, os.MkdirAll(made[1], 0o755))
	if err := Remove(made[:1]); !errors.Is(err, unix.ENOTEMPTY) {
		t.Error(err)
	}
}
