// SPDX-License-Identifier: Apache-2.0

package rdt

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// defaults is what the kernel has in a new group.
const defaults = "    L3:0=7ff;1=7ff\n    MB:0=100;1=100\n"

// fake is a directory that looks like resctrl. What the kernel does by itself in mkdir and rmdir,
// its methods do.
type fake struct {
	t    *testing.T
	root string
}

// newFake makes one, and checks in the end that no descriptor is left.
func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t, t.TempDir()}
	f.populate(f.root, true)
	f.write("info/last_cmd_status", "ok\n")
	f.write("info/MB/bandwidth_gran", "10\n")
	before := descriptors(t)
	t.Cleanup(func() {
		if after := descriptors(t); after != before {
			t.Errorf("%d descriptors, were %d", after, before)
		}
	})
	return f
}

// populate fills a group: a control group, or one that monitors.
func (f *fake) populate(dir string, control bool) {
	f.t.Helper()
	must(f.t, os.WriteFile(dir+"/tasks", nil, 0o644))
	if control {
		must(f.t, os.WriteFile(dir+"/schemata", []byte(defaults), 0o644))
		must(f.t, os.Mkdir(dir+"/mon_groups", 0o755))
	}
}

func (f *fake) write(path, content string) {
	f.t.Helper()
	must(f.t, os.MkdirAll(filepath.Dir(f.root+"/"+path), 0o755))
	must(f.t, os.WriteFile(f.root+"/"+path, []byte(content), 0o644))
}

func (f *fake) read(path string) string {
	f.t.Helper()
	b, err := os.ReadFile(f.root + "/" + path)
	must(f.t, err)
	return string(b)
}

// group makes a control group, as an administrator would.
func (f *fake) group(name, schemata string) {
	f.t.Helper()
	must(f.t, f.mkdir(f.root+"/"+name))
	f.write(name+"/schemata", schemata)
}

func (f *fake) mkdir(path string) error {
	if err := mkdir(path); err != nil {
		return err
	}
	f.populate(path, filepath.Dir(path) == f.root)
	return nil
}

func (f *fake) rmdir(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return unix.ENOENT
	}
	return os.RemoveAll(path)
}

// new is New, with the kernel of the fake.
func (f *fake) new(id string, c specs.LinuxIntelRdt) *Group {
	g := New(f.root, id, &c)
	g.mkdir, g.rmdir = f.mkdir, f.rmdir
	return g
}

// groups are the paths of all groups below the root, in order.
func (f *fake) groups() []string {
	f.t.Helper()
	groups := []string{}
	must(f.t, filepath.WalkDir(f.root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "tasks" && filepath.Dir(path) != f.root {
			groups = append(groups, f.below(filepath.Dir(path)))
		}
		return err
	}))
	slices.Sort(groups)
	return groups
}

// tree is everything there is, with its content.
func (f *fake) tree() string {
	f.t.Helper()
	var b strings.Builder
	must(f.t, filepath.WalkDir(f.root, func(path string, d fs.DirEntry, err error) error {
		b.WriteString(path + "\n")
		if err == nil && d.Type().IsRegular() {
			content, err := os.ReadFile(path)
			must(f.t, err)
			b.Write(content)
		}
		return err
	}))
	return b.String()
}

func (f *fake) below(path string) string { return strings.TrimPrefix(path, f.root+"/") }

// plain is an error with the fake's root under its usual name.
func (f *fake) plain(err error) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), f.root, Root)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(entries)
}

// hinted checks that an error has a hint with these words.
func hinted(t *testing.T, err error, words string) {
	t.Helper()
	var h interface{ Hint() string }
	if !errors.As(err, &h) || !strings.Contains(h.Hint(), words) {
		t.Errorf("%v: want a hint that says %q, got %+v", err, words, h)
	}
}
