// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"errors"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/opencontainers/cgroups"
	v1 "github.com/opencontainers/cgroups/fs"
	v2 "github.com/opencontainers/cgroups/fs2"
	"golang.org/x/sys/unix"
)

const tmpfs = unix.TMPFS_MAGIC

// machine is a host that is only described.
type machine struct {
	root, unified int64             // file system types
	own           string            // /proc/self/cgroup
	mounts        map[string]string // directory below /sys/fs/cgroup: "top" or "sub"
	elsewhere     map[string]string // controller: mount point found by mountinfo
	ownPaths      map[string]string // controller: own directory found by mountinfo
}

func (m machine) host(t *testing.T) host {
	return host{
		fsType: func(dir string) int64 {
			switch dir {
			case mountRoot:
				return m.root
			case unifiedMount:
				return m.unified
			}
			t.Fatalf("statfs of %s", dir)
			return 0
		},
		own: func() ([]byte, error) { return []byte(m.own), nil },
		mounted: func(dir string) mountKind {
			switch m.mounts[strings.TrimPrefix(dir, mountRoot+"/")] {
			case "top":
				return mountedTop
			case "sub":
				return mountedSub
			}
			return notMounted
		},
		find: func(controller string) (string, error) { return m.elsewhere[controller], nil },
		ownPath: func(controller string) (string, error) {
			if dir, ok := m.ownPaths[controller]; ok {
				return dir, nil
			}
			return "", errors.New("not in mountinfo: " + controller)
		},
	}
}

func TestPlace(t *testing.T) {
	v2host := machine{root: unix.CGROUP2_SUPER_MAGIC, own: "0::/user.slice/user-0.slice/session-1.scope\n"}
	v2root := machine{root: unix.CGROUP2_SUPER_MAGIC, own: "0::/\n"}
	split := map[string]string{"pids": "top", "devices": "top", "systemd": "top", "cpu": "top", "cpuacct": "top"}
	hybrid := machine{
		root: tmpfs, unified: unix.CGROUP2_SUPER_MAGIC, mounts: split,
		own: "9:name=systemd:/user.slice/x\n8:pids:/pod\n5:devices:/\n2:cpuacct:/\n1:cpu:/\n0::/user.slice/x\n",
	}
	legacy := machine{
		root:   tmpfs,
		mounts: map[string]string{"cpu,cpuacct": "top", "devices": "top"},
		own:    "4:cpu,cpuacct:/sys:tem\n3:debug:/\n2:devices:/\n1:misc:/\n",
	}
	nested := machine{
		root: tmpfs, mounts: map[string]string{"devices": "sub", "memory": "sub"},
		own:      "2:devices:/docker/x\n1:memory:/docker/x/in\n",
		ownPaths: map[string]string{"devices": mountRoot + "/devices", "memory": mountRoot + "/memory/in"},
	}
	odd := machine{
		root: 0, own: "2:devices:/a\n1:cpu,cpuacct:/\n",
		elsewhere: map[string]string{"devices": "/cg/dev", "cpu": "/cg/cpu"},
		ownPaths:  map[string]string{"devices": "/cg/dev/a", "cpu": "/cg/cpu"},
	}
	for _, tc := range []struct {
		name    string
		machine machine
		o       Options
		want    string // lines without /sys/fs/cgroup, or "error: ..."
	}{
		{"v2 no path", v2host, Options{ID: "c1"}, ":/user.slice/user-0.slice/c1"},
		{"v2 no path, at the root", v2root, Options{ID: "c1"}, ":/c1"},
		{"v2 absolute", v2host, Options{ID: "c1", Path: "/a/b"}, ":/a/b"},
		{"v2 relative", v2host, Options{ID: "c1", Path: "a//b/"}, ":/user.slice/user-0.slice/a/b"},
		{"v2 dots inside", v2host, Options{ID: "c1", Path: "/a/../b/./c"}, ":/b/c"},
		{"v2 outside the cgroup namespace", machine{root: v2host.root, own: "0::/../x\n"}, Options{ID: "c1"}, ":/c1"},
		{"v2 without its line", machine{root: v2host.root, own: "1:cpu:/\n"}, Options{ID: "c1"}, "error: no line of cgroup2"},
		{"climbs out", v2host, Options{ID: "c1", Path: "/../x"}, `error: linux.cgroupsPath: "/../x": ".." leaves the cgroup tree`},
		{"climbs out later", v2host, Options{ID: "c1", Path: "a/../../b"}, `error: ".." leaves the cgroup tree`},
		{"relative climbs out", v2host, Options{ID: "c1", Path: "../b"}, `error: ".." leaves the cgroup tree`},
		{"the root", v2host, Options{ID: "c1", Path: "/"}, "error: linux.cgroupsPath: \"/\": want a cgroup of the container's own"},
		{"own cgroup", v2host, Options{ID: "c1", Path: "."}, "error: want a cgroup of the container's own"},
		{"back to the root", v2host, Options{ID: "c1", Path: "/a/.."}, "error: want a cgroup of the container's own"},
		{"newline", v2host, Options{ID: "c1", Path: "/a\nb"}, "error: newline"},
		{"id with a slash", v2host, Options{ID: "a/b"}, `error: container id "a/b"`},
		{"id of dots", v2host, Options{ID: ".."}, `error: container id ".."`},
		{"colons are a name", v2host, Options{ID: "c1", Path: "/system.slice:runc:c1"}, ":/system.slice:runc:c1"},

		{"hybrid no path", hybrid, Options{ID: "c1"},
			"name=systemd:/systemd/user.slice/x/c1\npids:/pids/pod/c1\ndevices:/devices/c1\ncpuacct:/cpuacct/c1\ncpu:/cpu/c1\n:/unified/c1"},
		{"hybrid absolute", hybrid, Options{ID: "c1", Path: "/p/c"},
			"name=systemd:/systemd/p/c\npids:/pids/p/c\ndevices:/devices/p/c\ncpuacct:/cpuacct/p/c\ncpu:/cpu/p/c\n:/unified/p/c"},
		{"hybrid relative", hybrid, Options{ID: "c1", Path: "p/c"},
			"name=systemd:/systemd/user.slice/x/p/c\npids:/pids/pod/p/c\ndevices:/devices/p/c\ncpuacct:/cpuacct/p/c\ncpu:/cpu/p/c\n:/unified/p/c"},
		{"v1: joint hierarchy, unknown and unmounted ones, colon in a path", legacy, Options{ID: "c1"},
			"cpu,cpuacct:/cpu,cpuacct/sys:tem/c1\ndevices:/devices/c1"},
		{"v1 in a container", nested, Options{ID: "c1"}, "devices:/devices/c1\nmemory:/memory/in/c1"},
		{"v1 in a container, absolute", nested, Options{ID: "c1", Path: "/p"}, "devices:/devices/p\nmemory:/memory/p"},
		{"v1 mounted elsewhere", odd, Options{ID: "c1"}, "devices:/cg/dev/a/c1\ncpu,cpuacct:/cg/cpu/c1"},
		{"v1 mounted elsewhere, absolute", odd, Options{ID: "c1", Path: "/p"}, "devices:/cg/dev/p\ncpu,cpuacct:/cg/cpu/p"},
		{"v1 in a container, own cgroup hidden",
			machine{root: tmpfs, mounts: nested.mounts, own: nested.own}, Options{ID: "c1"}, "error: own cgroup of devices: not in mountinfo"},
		{"no devices", machine{root: tmpfs, own: "1:cpu:/\n", mounts: split}, Options{ID: "c1"}, "error: mountpoint for devices not found"},
		{"nothing", machine{own: "0::/\n"}, Options{ID: "c1"}, "error: mountpoint for devices not found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			name, err := innerPath(tc.o)
			var l Location
			if err == nil {
				l, err = locate(name, tc.machine.host(t))
			}
			if want, ok := strings.CutPrefix(tc.want, "error: "); ok {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Fatalf("error %v, want %s; place:\n%s", err, want, l)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(l.String(), mountRoot, ""); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
			back, err := ParseLocation(l.String())
			if err != nil || back.String() != l.String() {
				t.Errorf("parsed as %q: %v", back, err)
			}
		})
	}
}

// TestPlaceIsRuncs compares with the library, whose places are runc's, on this very machine.
func TestPlaceIsRuncs(t *testing.T) {
	needCgroups(t)
	for _, o := range []Options{{ID: "c1"}, {ID: "c1", Path: "/pod/c1"}, {ID: "c1", Path: "pod/c1"}, {ID: "c1", Path: "/a/../b/"}} {
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		config := &cgroups.Cgroup{Path: path.Clean(o.Path), Resources: &cgroups.Resources{}}
		if o.Path == "" {
			config.Path, config.Name = "", o.ID
		}
		var want map[string]string
		if cgroups.IsCgroup2UnifiedMode() {
			m, err := v2.NewManager(config, "")
			if err != nil {
				t.Fatal(err)
			}
			want = m.GetPaths()
		} else {
			m, err := v1.NewManager(config, nil)
			if err != nil {
				t.Fatal(err)
			}
			want = m.GetPaths()
		}
		for controller, dir := range want {
			if got := c.Location().dir(controller); got != dir {
				t.Errorf("%+v: %s at %s, runc has it at %s", o, controller, got, dir)
			}
		}
		for _, d := range c.Location().Dirs {
			first, _, _ := strings.Cut(d.Controllers, ",")
			if _, ok := want[first]; !ok {
				t.Errorf("%+v: runc makes no %s", o, d.Path)
			}
		}
	}
}

// TestPlaceNested makes the same comparison where /sys/fs/cgroup shows only what is below a
// container's own cgroups, while /proc/self/cgroup tells paths from the root: Docker in Docker.
func TestPlaceNested(t *testing.T) {
	needRoot(t)
	c := create(t, Options{})
	if c.loc.Unified() {
		t.Skip("needs cgroup v1: mount the v1 hierarchies below " + mountRoot)
	}
	var script strings.Builder
	for _, d := range c.loc.Dirs {
		if d.Controllers != "" {
			first, _, _ := strings.Cut(strings.TrimPrefix(d.Path, mountRoot+"/"), "/")
			script.WriteString("mount --bind " + d.Path + " " + mountRoot + "/" + first + " || exit\n")
		}
	}
	script.WriteString(`exec "$@"`)
	out, s := run(t, c, "", "unshare", "-m", "sh", "-c", script.String(), "sh", os.Args[0], "-test.v", "-test.run", "^TestPlaceIsRuncs$")
	if s.ExitCode() != 0 || !strings.Contains(out, "--- PASS") {
		t.Errorf("%v\n%s", s, out)
	}
}

func TestParseLocation(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		":/sys/fs/cgroup/c1":        "",
		"cpu:/sys/fs/cgroup/cpu/c1": "",
		"cpu:/cg/cpu/c1":            "",
		"/sys/fs/cgroup/c1":         "want controllers:directory",
		":/sys/fs/cgroup":           "no directory of a container's cgroup",
		":/sys/fs/cgroup/":          "no directory of a container's cgroup",
		":/sys/fs/cgroup/a/../..":   "no directory of a container's cgroup",
		":sys/fs/cgroup/c1":         "no directory of a container's cgroup",
		":/":                        "no directory of a container's cgroup",
		":/home/you":                "no directory of a container's cgroup",
		":/home":                    "no directory of a container's cgroup",
		":":                         "no directory of a container's cgroup",
		"cpu:/sys/fs/cgroup/cpu":    "a hierarchy's root",
		"cpu:/cg/c\ncpu:/cg/d":      "named before",
		":/sys/fs/cgroup/c1\n":      "want controllers:directory",
		"devices:/sys/fs/cgroup/devices/c1\n:/sys/fs/cgroup/unified": "a hierarchy's root",
	} {
		_, err := ParseLocation(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzParseLocation(f *testing.F) {
	f.Add(":/sys/fs/cgroup/c1")
	f.Add("devices:/sys/fs/cgroup/devices/c1\n:/sys/fs/cgroup/unified/c1")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseLocation(text)
		if err != nil {
			return
		}
		if l.String() != text {
			t.Errorf("%q prints as %q", text, l.String())
		}
		for _, d := range l.Dirs {
			if d.Path == mountRoot || !path.IsAbs(d.Path) {
				t.Errorf("%q names %q", text, d.Path)
			}
		}
	})
}

func TestNewRefusals(t *testing.T) {
	var unsupported *UnsupportedError
	if _, err := New(Options{ID: "c1", Systemd: true}); !errors.As(err, &unsupported) {
		t.Errorf("systemd: %v", err)
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no id, no path: no error")
	}
}
