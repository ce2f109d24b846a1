// SPDX-License-Identifier: Apache-2.0

// Package copyup fills a new tmpfs with what the directory has that it is going to cover (mount
// option tmpcopyup).
//
// Both trees are reached below their descriptors alone, one name at a time, and no link is
// followed: the source is an image's.
package copyup

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"golang.org/x/sys/unix"
)

// Error is a call that failed, with the path below the directory that is copied.
type Error struct {
	Call, Path string
	Err        error
}

func (e *Error) Error() string { return e.Call + " " + strconv.Quote(e.Path) + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// deepest is how many directories may lie in one another. Each costs two descriptors meanwhile.
const deepest = 200

// Copy copies what is in the directory behind from into the empty one behind to: directories,
// files, links, devices and FIFOs with their owners, permissions and times. Sockets mean nothing
// without who listens, and are left out. With owner, the directory itself gets the other's owner.
// The descriptors stay the caller's; they may be O_PATH.
func Copy(from, to int, owner bool) error {
	old := unix.Umask(0)
	defer unix.Umask(old)
	if owner {
		var st unix.Stat_t
		if err := unix.Fstat(from, &st); err != nil {
			return &Error{"fstat", "/", err}
		}
		if err := unix.Fchownat(to, "", int(st.Uid), int(st.Gid), unix.AT_EMPTY_PATH); err != nil && !unmapped(err) {
			return &Error{"fchownat", "/", err}
		}
	}
	c := &copier{buf: make([]byte, 64<<10)}
	return c.directory(from, ".", to, ".", "", 0)
}

type copier struct{ buf []byte }

// directory copies the contents of name in from to the directory toName in to.
func (c *copier) directory(from int, name string, to int, toName, path string, depth int) error {
	if depth == deepest {
		return &Error{"openat", path, unix.ELOOP}
	}
	source, err := openat(from, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return &Error{"openat", path, err}
	}
	defer unix.Close(source)
	target, err := openat(to, toName, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return &Error{"openat", path, err}
	}
	defer unix.Close(target)
	names, err := entries(source)
	if err != nil {
		return &Error{"getdents64", path, err}
	}
	for _, n := range names {
		if err := c.entry(source, target, n, path+"/"+n, depth); err != nil {
			return err
		}
	}
	return nil
}

// entry copies name from one directory to the other.
func (c *copier) entry(from, to int, name, path string, depth int) error {
	var st unix.Stat_t
	if err := unix.Fstatat(from, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &Error{"fstatat", path, err}
	}
	mode := st.Mode & 0o7777
	switch kind := st.Mode & unix.S_IFMT; kind {
	case unix.S_IFSOCK:
		return nil
	case unix.S_IFDIR:
		if err := unix.Mkdirat(to, name, 0o700); err != nil {
			return &Error{"mkdirat", path, err}
		}
		if err := c.directory(from, name, to, name, path, depth+1); err != nil {
			return err
		}
	case unix.S_IFREG:
		if err := c.file(from, to, name, path); err != nil {
			return err
		}
	case unix.S_IFLNK:
		n, err := unix.Readlinkat(from, name, c.buf)
		if err != nil {
			return &Error{"readlinkat", path, err}
		}
		if err := unix.Symlinkat(string(c.buf[:n]), to, name); err != nil {
			return &Error{"symlinkat", path, err}
		}
	default: // a device or a FIFO
		if err := unix.Mknodat(to, name, kind|mode, int(st.Rdev)); err != nil {
			return &Error{"mknodat", path, err}
		}
	}
	if err := unix.Fchownat(to, name, int(st.Uid), int(st.Gid), unix.AT_SYMLINK_NOFOLLOW); err != nil && !unmapped(err) {
		return &Error{"fchownat", path, err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		if err := unix.Fchmodat(to, name, mode, 0); err != nil { // after the owner, which takes set-user-ID away
			return &Error{"fchmodat", path, err}
		}
	}
	times := []unix.Timespec{st.Atim, st.Mtim}
	if err := unix.UtimesNanoAt(to, name, times, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &Error{"utimensat", path, err}
	}
	return nil
}

// unmapped tells of an owner that cannot be given, because this user namespace has no mapping of it.
func unmapped(err error) bool {
	return err == unix.EINVAL || err == unix.EPERM || err == unix.EOVERFLOW
}

// file copies a regular file's contents.
func (c *copier) file(from, to int, name, path string) error {
	source, err := openat(from, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return &Error{"openat", path, err}
	}
	defer unix.Close(source)
	target, err := openat(to, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return &Error{"openat", path, err}
	}
	defer unix.Close(target)
	for {
		n, err := unix.Read(source, c.buf)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return &Error{"read", path, err}
		case n == 0:
			return nil
		}
		for b := c.buf[:n]; len(b) > 0; {
			n, err := unix.Write(target, b)
			if err != nil && err != unix.EINTR {
				return &Error{"write", path, err}
			}
			b = b[max(n, 0):]
		}
	}
}

func openat(dir int, name string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_CLOEXEC, mode)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// entries are the names in a directory (getdents64(2)), without "." and "..".
func entries(dir int) (names []string, err error) {
	const header = 19 // d_ino, d_off, d_reclen, d_type
	buf := make([]byte, 32<<10)
	for {
		n, err := unix.Getdents(dir, buf)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return names, err
		}
		for b := buf[:n]; len(b) > header; {
			size := int(binary.NativeEndian.Uint16(b[16:]))
			name, _, _ := bytes.Cut(b[header:size], []byte{0})
			if s := string(name); s != "." && s != ".." {
				names = append(names, s)
			}
			b = b[size:]
		}
	}
}
