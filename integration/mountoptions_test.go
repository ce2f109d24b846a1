// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/opencontainers/runtime-spec/specs-go/features"
)

// Sources of bind mounts: plain has no flags, strict all of them, tree is plain with a strict mount
// at sub.
const sources = `
mount --make-rprivate /
mkdir plain strict tree
mount -t tmpfs plain plain
mount -t tmpfs -o ro,nosuid,nodev,noexec,noatime,nosymfollow strict strict
mount -t tmpfs tree tree
mkdir tree/sub
mount -t tmpfs -o ro,nosuid,nodev,noexec,noatime tree tree/sub
exec "$@"
`

// mountOptions: what the options of a mount come to, in the words of the container's own mountinfo:
// the mount's flags, and after a semicolon those of the superblock that are looked at.
var mountOptions = [...]struct {
	source  string // of a bind; "": a new tmpfs
	options string
	want    string
	sub     string // of the mount at sub
}{
	// A new file system.
	{"", "", "rw,relatime; rw", ""},
	{"", "defaults", "rw,relatime; rw", ""},
	{"", "ro", "ro,relatime; rw", ""},
	{"", "ro,rw", "rw,relatime; rw", ""},
	{"", "nosuid", "rw,nosuid,relatime; rw", ""},
	{"", "nosuid,suid", "rw,relatime; rw", ""},
	{"", "nodev", "rw,nodev,relatime; rw", ""},
	{"", "nodev,dev", "rw,relatime; rw", ""},
	{"", "noexec", "rw,noexec,relatime; rw", ""},
	{"", "noexec,exec", "rw,relatime; rw", ""},
	{"", "noatime", "rw,noatime; rw", ""},
	{"", "noatime,atime", "rw,relatime; rw", ""},
	{"", "noatime,relatime", "rw,relatime; rw", ""},
	{"", "strictatime", "rw; rw", ""},
	{"", "strictatime,nostrictatime", "rw,relatime; rw", ""},
	{"", "strictatime,norelatime", "rw; rw", ""},
	{"", "strictatime,atime", "rw; rw", ""},
	{"", "noatime,nostrictatime", "rw,noatime; rw", ""},
	{"", "nodiratime", "rw,nodiratime,relatime; rw", ""},
	{"", "nodiratime,diratime", "rw,relatime; rw", ""},
	{"", "nosymfollow", "rw,relatime,nosymfollow; rw", ""},
	{"", "nosymfollow,symfollow", "rw,relatime; rw", ""},
	{"", "sync", "rw,relatime; rw,sync", ""},
	{"", "sync,async", "rw,relatime; rw", ""},
	{"", "dirsync", "rw,relatime; rw,dirsync", ""},
	{"", "lazytime", "rw,relatime; rw,lazytime", ""},
	{"", "lazytime,nolazytime", "rw,relatime; rw", ""},
	{"", "mand", "rw,relatime; rw,mand", ""}, // a flag that means nothing since Linux 5.15
	{"", "mand,nomand", "rw,relatime; rw", ""},
	{"", "iversion", "rw,relatime; rw", ""},
	{"", "iversion,noiversion", "rw,relatime; rw", ""},
	{"", "silent", "rw,relatime; rw", ""},
	{"", "loud", "rw,relatime; rw", ""},
	{"", "nosuid,noexec,nodev,ro,size=64k,mode=1711", "ro,nosuid,nodev,noexec,relatime; rw", ""},
	{"", "size=64k|mode=1711", "rw,relatime; rw", ""}, // | stands for a comma within one option

	// A bind keeps what its source has; what is named is set or cleared.
	{"plain", "bind", "rw,relatime", ""},
	{"plain", "bind,ro", "ro,relatime", ""},
	{"plain", "bind,nosuid,nodev,noexec", "rw,nosuid,nodev,noexec,relatime", ""},
	{"plain", "bind,noatime", "rw,noatime", ""},
	{"plain", "bind,strictatime", "rw", ""},
	{"plain", "bind,nodiratime", "rw,nodiratime,relatime", ""},
	{"plain", "bind,nosymfollow", "rw,relatime,nosymfollow", ""},
	{"strict", "bind", "ro,nosuid,nodev,noexec,noatime,nosymfollow", ""},
	{"strict", "bind,rw", "rw,nosuid,nodev,noexec,noatime,nosymfollow", ""},
	{"strict", "bind,suid", "ro,nodev,noexec,noatime,nosymfollow", ""},
	{"strict", "bind,dev", "ro,nosuid,noexec,noatime,nosymfollow", ""},
	{"strict", "bind,exec", "ro,nosuid,nodev,noatime,nosymfollow", ""},
	{"strict", "bind,atime", "ro,nosuid,nodev,noexec,relatime,nosymfollow", ""},
	{"strict", "bind,norelatime", "ro,nosuid,nodev,noexec,noatime,nosymfollow", ""},
	{"strict", "bind,relatime,norelatime", "ro,nosuid,nodev,noexec,noatime,nosymfollow", ""},
	{"strict", "bind,relatime", "ro,nosuid,nodev,noexec,relatime,nosymfollow", ""},
	{"strict", "bind,symfollow", "ro,nosuid,nodev,noexec,noatime", ""},
	{"strict", "bind,rw,suid,dev,exec,atime,symfollow", "rw,relatime", ""},
	{"strict", "bind,rw,ro", "ro,nosuid,nodev,noexec,noatime,nosymfollow", ""},

	// bind is one mount, rbind the tree; options of both kinds are the top mount's.
	{"tree", "bind", "rw,relatime", "none"},
	{"tree", "rbind", "rw,relatime", "ro,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,ro", "ro,relatime", "ro,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,noexec", "rw,noexec,relatime", "ro,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,rro", "ro,relatime", "ro,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,rrw", "rw,relatime", "rw,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,rnosuid", "rw,nosuid,relatime", "ro,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,rsuid", "rw,relatime", "ro,nodev,noexec,noatime"},
	{"tree", "rbind,rnodev", "rw,nodev,relatime", "ro,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,rdev", "rw,relatime", "ro,nosuid,noexec,noatime"},
	{"tree", "rbind,rnoexec", "rw,noexec,relatime", "ro,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,rexec", "rw,relatime", "ro,nosuid,nodev,noatime"},
	{"tree", "rbind,rnoatime", "rw,noatime", "ro,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,ratime", "rw,relatime", "ro,nosuid,nodev,noexec,relatime"},
	{"tree", "rbind,rrelatime", "rw,relatime", "ro,nosuid,nodev,noexec,relatime"},
	{"tree", "rbind,rnorelatime", "rw,relatime", "ro,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,rstrictatime", "rw", "ro,nosuid,nodev,noexec"},
	{"tree", "rbind,rnostrictatime", "rw,relatime", "ro,nosuid,nodev,noexec,relatime"},
	{"tree", "rbind,rnodiratime", "rw,nodiratime,relatime", "ro,nosuid,nodev,noexec,noatime,nodiratime"},
	{"tree", "rbind,rdiratime", "rw,relatime", "ro,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,rnosymfollow", "rw,relatime,nosymfollow", "ro,nosuid,nodev,noexec,noatime,nosymfollow"},
	{"tree", "rbind,rsymfollow", "rw,relatime", "ro,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,rro,rw", "rw,relatime", "ro,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,rrw,rexec,rdev,rsuid,ratime,ro", "ro,relatime", "rw,relatime"},

	// Propagation: any number, one after the other.
	{"plain", "bind,shared", "rw,relatime shared", ""},
	{"plain", "bind,private", "rw,relatime", ""},
	{"plain", "bind,unbindable", "rw,relatime unbindable", ""},
	{"plain", "bind,shared,slave", "rw,relatime", ""}, // of a group that has no other member
	{"plain", "bind,shared,private,unbindable", "rw,relatime unbindable", ""},
	{"tree", "rbind,rshared", "rw,relatime shared", "ro,nosuid,nodev,noexec,noatime shared"},
	{"tree", "rbind,shared", "rw,relatime shared", "ro,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,rshared,private", "rw,relatime", "ro,nosuid,nodev,noexec,noatime shared"},
	{"tree", "rbind,rshared,rprivate", "rw,relatime", "ro,nosuid,nodev,noexec,noatime"},
	{"tree", "rbind,runbindable", "rw,relatime unbindable", "ro,nosuid,nodev,noexec,noatime unbindable"},
	{"", "shared", "rw,relatime shared; rw", ""},
	{"", "unbindable", "rw,relatime unbindable; rw", ""},
	{"", "shared,rslave", "rw,relatime; rw", ""},
}

// TestMountOptions makes all of them in one container.
func TestMountOptions(t *testing.T) {
	tare := binary(t)
	dir := terminalBundle(t, tare, `/bin/busybox cat /proc/self/mountinfo`)
	file := filepath.Join(dir, "config.json")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s specs.Spec
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	s.Process.Terminal, s.Root.Readonly = false, false
	s.Linux.CgroupsPath = "/tare-test-" + filepath.Base(dir)
	for i, o := range mountOptions {
		m := specs.Mount{Destination: "/m/" + strconv.Itoa(i), Type: "tmpfs", Source: "tmpfs"}
		if o.options != "" {
			m.Options = strings.Split(o.options, ",")
		}
		for i := range m.Options {
			m.Options[i] = strings.ReplaceAll(m.Options[i], "|", ",")
		}
		if o.source != "" {
			m.Type, m.Source = "none", o.source // relative to the bundle
		}
		s.Mounts = append(s.Mounts, m)
	}
	if raw, err = json.Marshal(&s); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "--mount", "sh", "-ec", sources, "sh", tare, "--root", dir+"/state", "run", "--bundle", dir, filepath.Base(dir))
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := map[string]string{}
	for line := range strings.Lines(string(out)) {
		// 36 35 98:0 /root /mount/point rw,noatime shared:1 - tmpfs tmpfs rw,sync (proc_pid_mountinfo(5))
		before, after, _ := strings.Cut(line, " - ")
		f, super := strings.Fields(before), strings.Fields(after)
		if len(f) < 6 || !strings.HasPrefix(f[4], "/m/") {
			continue
		}
		text := f[5]
		for _, tag := range f[6:] {
			name, _, _ := strings.Cut(tag, ":")
			text += " " + name
		}
		if super[1] == "tmpfs" {
			text += "; " + superFlags(super[2])
		}
		got[f[4]] = text
	}
	for i, o := range mountOptions {
		top := "/m/" + strconv.Itoa(i)
		if got[top] != o.want {
			t.Errorf("%s %s:\ngot  %s\nwant %s", o.source, o.options, got[top], o.want)
		}
		sub := got[top+"/sub"]
		if sub == "" && o.source == "tree" {
			sub = "none"
		}
		if sub != o.sub {
			t.Errorf("%s %s, at sub:\ngot  %s\nwant %s", o.source, o.options, sub, o.sub)
		}
	}
}

// superFlags leaves out the options that every tmpfs of this kernel shows.
func superFlags(all string) string {
	var kept []string
	for o := range strings.SplitSeq(all, ",") {
		switch o {
		case "rw", "ro", "sync", "dirsync", "lazytime", "mand":
			kept = append(kept, o)
		}
	}
	return strings.Join(kept, ",")
}

// TestFeatures: what `tare features` tells is what the runtime does. Each mount option of it is in
// one of the tests, and what containerd and docker look for is there.
func TestFeatures(t *testing.T) {
	out, err := exec.Command(binary(t), "features").Output()
	if err != nil {
		t.Fatal(err)
	}
	var f features.Features
	if err := json.Unmarshal(out, &f); err != nil {
		t.Fatal(err)
	}
	if f.OCIVersionMax != specs.Version || f.OCIVersionMin != "1.0.0" {
		t.Errorf("versions %s to %s", f.OCIVersionMin, f.OCIVersionMax)
	}
	tested := map[string]bool{"idmap": true, "ridmap": true, "tmpcopyup": true, "remount": true} // scripts of their own
	for _, o := range mountOptions {
		for name := range strings.SplitSeq(o.options, ",") {
			tested[name] = true
		}
	}
	for _, o := range f.MountOptions {
		if !tested[o] {
			t.Errorf("mount option %s is in no test", o)
		}
	}
	if !slices.IsSorted(f.MountOptions) || !slices.Contains(f.MountOptions, "rro") || !*f.Linux.MountExtensions.IDMap.Enabled {
		t.Error("containerd offers no recursive read-only or id-mapped mounts")
	}
	if len(f.Linux.Namespaces) != 8 || len(f.Hooks) != 6 {
		t.Errorf("namespaces %v, hooks %v", f.Linux.Namespaces, f.Hooks)
	}
	if *f.Linux.Seccomp.Enabled || *f.Linux.Cgroup.Systemd {
		t.Error("seccomp and systemd are not there yet")
	}
	if !slices.Contains(f.Linux.Capabilities, "CAP_CHECKPOINT_RESTORE") {
		t.Errorf("capabilities %v", f.Linux.Capabilities)
	}
}
