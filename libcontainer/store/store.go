// SPDX-License-Identifier: Apache-2.0

// Package store keeps what must be remembered of a container between two calls of tare: one
// directory a container, below a root directory that belongs to the caller.
//
//	<root>/<id>/config.json   the configuration, byte for byte as it was read
//	<root>/<id>/state.json    the State; a directory without it is a creation that was killed
//	<root>/<id>/start, status FIFOs between tare start and the waiting process
//
// The invariant is crash-only: whatever call is cut short at whatever system call, the directory
// stays one that Open, List and Remove understand, and Remove may be cut short and run again. So
// the directory is made before anything that it describes; state.json is only ever replaced
// whole; and a lock dies with the process that holds it.
//
// Nothing is synced to disk. The directory describes processes, none of which outlives a crash
// of the machine, and it normally lies on a tmpfs.
//
// All files are reached through the directory's descriptor, and no symbolic link below the root
// is followed: to swap a path under a running tare leads nowhere.
package store

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// text is an error that is its message.
type text string

func (t text) Error() string { return string(t) }

// Engines match on the first three.
const (
	ErrExist    = text("container with given ID already exists")
	ErrNotExist = text("container does not exist")
	ErrID       = text("invalid container ID format")
	ErrBusy     = text("another tare is at work on this container")
)

// pathError is a failed call on a path: `open "/run/tare": permission denied (EACCES)`.
type pathError struct {
	call, path string
	err        unix.Errno
}

func (e *pathError) Error() string {
	return e.call + ` "` + e.path + `": ` + e.err.Error() + " (" + unix.ErrnoName(e.err) + ")"
}

func (e *pathError) Unwrap() error { return e.err }

// Call, Errno and Path are for the log.
func (e *pathError) Call() string      { return e.call }
func (e *pathError) Errno() unix.Errno { return e.err }
func (e *pathError) Path() string      { return e.path }

func failed(call, path string, err error) error {
	errno, ok := err.(unix.Errno)
	if !ok {
		return err
	}
	return &pathError{call, path, errno}
}

// maxID is NAME_MAX: the id is a directory's name.
const maxID = 255

// CheckID is ErrID for what cannot be a container's id: the empty text, ".", "..", more than
// 255 bytes, and any byte but letters, digits, "_", "+", "-" and ".".
func CheckID(id string) error {
	if id == "" || id == "." || id == ".." || len(id) > maxID {
		return ErrID
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '_', c == '+', c == '-', c == '.':
		default:
			return ErrID
		}
	}
	return nil
}

// Root is the directory in which all containers of one caller are.
type Root struct {
	path string
	fd   int
}

// Open opens a root. One that does not exist is an error for which errors.Is(err, ENOENT).
func Open(path string) (*Root, error) {
	fd, err := openat(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, failed("open", path, err)
	}
	return &Root{path, fd}, nil
}

// Make opens a root, which it makes, with its parents, if it is not there. Sticky keeps those who
// tidy $XDG_RUNTIME_DIR away from it (XDG Base Directory Specification).
func Make(path string, sticky bool) (*Root, error) {
	r, err := Open(path)
	if err == nil || !isErrno(err, unix.ENOENT) {
		return r, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		if e, ok := err.(*os.PathError); ok {
			return nil, failed(e.Op, e.Path, e.Err)
		}
		return nil, err
	}
	if sticky {
		if err := unix.Chmod(path, unix.S_ISVTX|0o700); err != nil {
			return nil, failed("chmod", path, err)
		}
	}
	return Open(path)
}

// Close closes the root. Directories opened from it stay open.
func (r *Root) Close() { unix.Close(r.fd) }

// Path is the root's path, as it was given.
func (r *Root) Path() string { return r.path }

// List is the ids of all containers, sorted, half-made and half-deleted ones among them.
func (r *Root) List() ([]string, error) {
	var ids []string
	err := names(r.fd, func(name string, kind byte) error {
		// DT_UNKNOWN: the file system does not tell; who opens it will see.
		if (kind == unix.DT_DIR || kind == unix.DT_UNKNOWN) && CheckID(name) == nil {
			ids = append(ids, strings.Clone(name))
		}
		return nil
	})
	if err != nil {
		return nil, failed("getdents64", r.path, err)
	}
	slices.Sort(ids)
	return ids, nil
}

// Look reads the state of a container without opening its directory: what a list needs, in the
// fewest calls. uid is the owner of the state.
func (r *Root) Look(id string) (s *State, uid uint32, err error) {
	if err := CheckID(id); err != nil {
		return nil, 0, err
	}
	fd, err := unix.Openat2(r.fd, id+"/"+stateFile, &unix.OpenHow{
		Flags: unix.O_RDONLY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		if err == unix.ENOENT || err == unix.ENOTDIR || err == unix.ELOOP {
			return nil, 0, ErrNotExist
		}
		return nil, 0, failed("open", r.path+"/"+id+"/"+stateFile, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, 0, failed("fstat", r.path+"/"+id+"/"+stateFile, err)
	}
	raw, err := readAll(fd, int(st.Size))
	if err != nil {
		return nil, 0, failed("read", r.path+"/"+id+"/"+stateFile, err)
	}
	s, err = Decode(raw)
	return s, st.Uid, err
}
