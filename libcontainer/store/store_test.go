// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// noLeak makes sure that a test closes what it opens.
func noLeak(t testing.TB) {
	t.Helper()
	before := openFiles(t)
	t.Cleanup(func() {
		for fd, name := range openFiles(t) {
			if before[fd] != name && !strings.HasPrefix(name, "anon_inode:[event") { // Go's poller
				t.Errorf("descriptor %s is left: %s", fd, name)
			}
		}
	})
}

func openFiles(t testing.TB) map[string]string {
	t.Helper()
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, e := range entries {
		// ReadDir's own descriptor is gone by now.
		if name, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			all[e.Name()] = name
		}
	}
	return all
}

// newRoot is an empty root.
func newRoot(t testing.TB) *Root {
	t.Helper()
	noLeak(t)
	r, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func TestCheckID(t *testing.T) {
	valid := []string{
		"a", "0", "_", "+", "-", "-rf", "...", "..a", "a..", ".a", "a.b", "A-Z_a-z+0.9",
		"start", "state.json", strings.Repeat("x", 255),
	}
	for _, id := range valid {
		if err := CheckID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	invalid := []string{
		"", ".", "..", "/", "a/b", "/a", "a/", "../a", "a/../b", "./a", " ", "a b", "a\n", "a\x00",
		"\x00", "\x7f", "a\x80", "\xff", "ä", "é", "a:b", "a@b", "a%2f", `a\b`, "a*", "a,b", "~", "$a", "#",
		strings.Repeat("x", 256), strings.Repeat("x", 1024), strings.Repeat("x", 1025), strings.Repeat("../", 2000),
	}
	for _, id := range invalid {
		if err := CheckID(id); err != ErrID {
			t.Errorf("%.40q: %v, want %v", id, err, ErrID)
		}
	}
	// All single bytes against the sentence of the comment.
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-."
	for c := range 256 {
		id := "x" + string([]byte{byte(c)})
		if want := strings.IndexByte(letters, byte(c)) >= 0; (CheckID(id) == nil) != want {
			t.Errorf("%q: valid %v, want %v", id, !want, want)
		}
	}
}

// TestInvalidIDReachesNoFile: whoever takes an id refuses a bad one before any call.
func TestInvalidIDReachesNoFile(t *testing.T) {
	r := newRoot(t)
	for _, id := range []string{"", ".", "..", "a/b", "../" + filepath.Base(r.Path())} {
		if d, err := r.Create(id); err != ErrID {
			t.Errorf("Create(%q): %v, %v", id, d, err)
		}
		if d, err := r.Dir(id); err != ErrID {
			t.Errorf("Dir(%q): %v, %v", id, d, err)
		}
		if s, _, err := r.Look(id); err != ErrID {
			t.Errorf("Look(%q): %v, %v", id, s, err)
		}
	}
	if left, err := os.ReadDir(r.Path()); err != nil || len(left) > 0 {
		t.Errorf("made %v, %v", left, err)
	}
}

func TestOpen(t *testing.T) {
	noLeak(t)
	dir := t.TempDir()
	absent := filepath.Join(dir, "absent")
	_, err := Open(absent)
	if !errors.Is(err, unix.ENOENT) {
		t.Errorf("absent: %v, want ENOENT", err)
	}
	if want := `open "` + absent + `": no such file or directory (ENOENT)`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	var e *pathError
	if !errors.As(err, &e) || e.Call() != "open" || e.Errno() != unix.ENOENT || e.Path() != absent {
		t.Errorf("for the log: %+v", e)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a file: %v, want ENOTDIR", err)
	}
	// The root itself is the caller's choice, so a link to it is followed.
	link := filepath.Join(dir, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	r, err := Open(link)
	if err != nil {
		t.Fatal(err)
	}
	if r.Path() != link {
		t.Errorf("path %q, want %q", r.Path(), link)
	}
	r.Close()
}

func TestMake(t *testing.T) {
	noLeak(t)
	dir := t.TempDir()
	for _, sticky := range []bool{false, true} {
		top := filepath.Join(dir, map[bool]string{false: "plain", true: "sticky"}[sticky])
		name := filepath.Join(top, "b", "c")
		r, err := Make(name, sticky)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		var st unix.Stat_t
		if err := unix.Stat(name, &st); err != nil {
			t.Fatal(err)
		}
		want := uint32(0o700)
		if sticky {
			want |= unix.S_ISVTX
		}
		if got := st.Mode & 0o7777; got != want {
			t.Errorf("sticky %v: mode %o, want %o", sticky, got, want)
		}
		if err := unix.Stat(top, &st); err != nil || st.Mode&0o7777 != 0o700 {
			t.Errorf("parent: mode %o, %v, want 700", st.Mode&0o7777, err)
		}
		// One that is there is taken as it is.
		if err := os.Chmod(name, 0o750); err != nil {
			t.Fatal(err)
		}
		if r, err = Make(name, sticky); err != nil {
			t.Fatal(err)
		}
		r.Close()
		if err := unix.Stat(name, &st); err != nil || st.Mode&0o7777 != 0o750 {
			t.Errorf("second Make: mode %o, %v, want 750", st.Mode&0o7777, err)
		}
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Make(filepath.Join(file, "below"), false)
	if !errors.Is(err, unix.ENOTDIR) || !strings.Contains(err.Error(), "not a directory (ENOTDIR)") {
		t.Errorf("below a file: %v, want ENOTDIR", err)
	}
}

func TestList(t *testing.T) {
	r := newRoot(t)
	if ids, err := r.List(); err != nil || len(ids) > 0 {
		t.Errorf("empty root: %q, %v", ids, err)
	}
	// So many that one getdents64 does not take them all, made in no order.
	var want []string
	for i := range 300 {
		id := strings.Repeat("x", i%7) + "c" + string(rune('a'+i*7%26)) + "-" + strings.Repeat("9", i/26)
		if slices.Contains(want, id) {
			continue
		}
		want = append(want, id)
		if err := os.Mkdir(filepath.Join(r.Path(), id), 0o711); err != nil {
			t.Fatal(err)
		}
	}
	if len(want)*24 < 4096+1024 {
		t.Fatalf("%d directories fit into too few calls", len(want))
	}
	slices.Sort(want)
	// What is no container: a file, a link to a directory, a name that is no id.
	if err := os.WriteFile(filepath.Join(r.Path(), "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(want[0], filepath.Join(r.Path(), "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a b", "ä", "a:b"} {
		if err := os.Mkdir(filepath.Join(r.Path(), name), 0o711); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // it begins at the beginning each time
		if got, err := r.List(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, got %d: %q\nwant %d: %q", err, len(got), got, len(want), want)
		}
	}
}

func TestLook(t *testing.T) {
	r := newRoot(t)
	d := create(t, r, "c1")
	if _, _, err := r.Look("c1"); err != ErrNotExist {
		t.Errorf("without a state: %v", err)
	}
	if _, _, err := r.Look("absent"); err != ErrNotExist {
		t.Errorf("absent: %v", err)
	}
	want := whole("c1")
	if err := d.Save(want); err != nil {
		t.Fatal(err)
	}
	s, uid, err := r.Look("c1") // no lock is asked for: d has it
	if err != nil || uid != uint32(os.Geteuid()) {
		t.Errorf("uid %d, %v", uid, err)
	}
	same(t, s, want)

	// Links below the root are not followed, be it at the directory or at the file.
	if err := os.Symlink("c1", filepath.Join(r.Path(), "link")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Look("link"); err != ErrNotExist {
		t.Errorf("a link to a container: %v", err)
	}
	if d, err := r.Dir("link"); err != ErrNotExist {
		t.Errorf("Dir of a link: %v, %v", d, err)
	}
	if err := os.Mkdir(filepath.Join(r.Path(), "c2"), 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../c1/state.json", filepath.Join(r.Path(), "c2", "state.json")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Look("c2"); err != ErrNotExist {
		t.Errorf("a link to a state: %v", err)
	}
	if err := os.WriteFile(filepath.Join(r.Path(), "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Look("file"); err != ErrNotExist {
		t.Errorf("a file: %v", err)
	}
}
