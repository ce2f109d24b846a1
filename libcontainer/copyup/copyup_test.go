// SPDX-License-Identifier: Apache-2.0

package copyup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func open(t *testing.T, dir string) int {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func TestCopy(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	old := unix.Umask(0)
	defer unix.Umask(old)
	big := strings.Repeat("0123456789abcdef", 20000)
	check(os.MkdirAll(filepath.Join(from, "a/b/c"), 0o755))
	check(os.Chmod(filepath.Join(from, "a"), 0o3751))
	check(os.WriteFile(filepath.Join(from, "a/file"), []byte(big), 0o644))
	check(os.WriteFile(filepath.Join(from, "a/b/setuid"), []byte("x"), 0o600))
	check(os.Symlink("../../../../etc/passwd", filepath.Join(from, "a/link")))
	check(os.Symlink("/nowhere", filepath.Join(from, "a/b/dangling")))
	check(unix.Mkfifo(filepath.Join(from, "fifo"), 0o620))
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	check(err)
	defer unix.Close(socket)
	check(unix.Bind(socket, &unix.SockaddrUnix{Name: filepath.Join(from, "socket")}))
	if os.Geteuid() == 0 {
		check(os.Chown(filepath.Join(from, "a/file"), 12, 34))
		check(os.Lchown(filepath.Join(from, "a/link"), 56, 78))
		check(os.Chown(filepath.Join(from, "a/b/setuid"), 1000, 1000))
	}
	check(unix.Chmod(filepath.Join(from, "a/b/setuid"), 0o6755))
	past := []unix.Timespec{{Sec: 1000, Nsec: 5}, {Sec: 2000, Nsec: 7}}
	check(unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(from, "a/b"), past, 0))
	check(unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(from, "a/link"), past, unix.AT_SYMLINK_NOFOLLOW))

	unix.Umask(0o077) // whatever the caller's is
	if os.Geteuid() == 0 {
		check(os.Chown(from, 9, 8))
	}
	check(Copy(open(t, from), open(t, to), true))
	for _, name := range []string{"a", "a/b", "a/b/c", "a/file", "a/link", "a/b/setuid", "a/b/dangling", "fifo"} {
		var want, got unix.Stat_t
		check(unix.Lstat(filepath.Join(from, name), &want))
		if err := unix.Lstat(filepath.Join(to, name), &got); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Mode != want.Mode || got.Uid != want.Uid || got.Gid != want.Gid || got.Mtim != want.Mtim {
			t.Errorf("%s: mode %o, owner %d:%d, time %v; want %o, %d:%d, %v", name, got.Mode, got.Uid, got.Gid, got.Mtim, want.Mode, want.Uid, want.Gid, want.Mtim)
		}
	}
	var top, copied unix.Stat_t
	check(unix.Stat(from, &top))
	check(unix.Stat(to, &copied))
	if top.Uid != copied.Uid || top.Gid != copied.Gid {
		t.Errorf("the directory itself belongs to %d:%d, want %d:%d", copied.Uid, copied.Gid, top.Uid, top.Gid)
	}
	if got, err := os.ReadFile(filepath.Join(to, "a/file")); err != nil || string(got) != big {
		t.Errorf("a/file has %d bytes, %v", len(got), err)
	}
	if got, err := os.Readlink(filepath.Join(to, "a/link")); err != nil || got != "../../../../etc/passwd" {
		t.Errorf("a/link leads to %q, %v", got, err)
	}
	if _, err := os.Lstat(filepath.Join(to, "socket")); !os.IsNotExist(err) {
		t.Errorf("socket: %v, want it left out", err)
	}
	if old := unix.Umask(0); old != 0o077 {
		t.Errorf("the umask is left at %o", old)
	}
}

func TestErrors(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(from, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(from, "a/x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	// What is in the way is never written through.
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("kept"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(to, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := Copy(open(t, from), open(t, to), true)
	var e *Error
	if !errors.As(err, &e) || e.Path != "/a" || !errors.Is(err, unix.EEXIST) {
		t.Errorf("a directory in the way: %v", err)
	}
	if err := os.Remove(filepath.Join(to, "a")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(outside), filepath.Join(to, "a")); err != nil {
		t.Fatal(err)
	}
	if err := Copy(open(t, from), open(t, to), true); !errors.Is(err, unix.EEXIST) {
		t.Errorf("a link in the way: %v", err)
	}
	if list, _ := os.ReadDir(filepath.Dir(outside)); len(list) != 1 {
		t.Errorf("outside has %v", list)
	}

	// Too deep is an error, not the end of all descriptors.
	deep := t.TempDir()
	for dir, i := deep, 0; i < deepest+2; i++ {
		dir += "/d"
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := Copy(open(t, deep), open(t, t.TempDir()), false); !errors.Is(err, unix.ELOOP) {
		t.Errorf("too deep: %v", err)
	}
}
