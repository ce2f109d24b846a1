// SPDX-License-Identifier: Apache-2.0

package store

import (
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	stateFile  = "state.json"
	configFile = "config.json"
	temporary  = ".state.json"
)

// Dir is the directory of one container.
type Dir struct {
	root   string
	rootFD int // a descriptor of its own
	id     string
	fd     int
	locked bool
}

// createPatience is how long Create waits for the lock of the directory that it has just made:
// nobody but a deleter or one who asks for the status can hold it, and neither holds it long.
const createPatience = time.Second

// Create makes a container's directory, empty and locked by the caller. ErrExist: there is one,
// perhaps of a creation that was killed; only Remove ends it.
func (r *Root) Create(id string) (*Dir, error) {
	if err := CheckID(id); err != nil {
		return nil, err
	}
	for {
		err := unix.Mkdirat(r.fd, id, 0o711)
		if err == unix.EINTR {
			continue
		}
		if err == unix.EEXIST {
			return nil, ErrExist
		}
		if err != nil {
			return nil, failed("mkdir", r.path+"/"+id, err)
		}
		break
	}
	d, err := r.Dir(id)
	if err != nil {
		return nil, err
	}
	if err := d.Lock(createPatience); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Dir opens a container's directory; ErrNotExist if there is none. It may be without a state.
func (r *Root) Dir(id string) (*Dir, error) {
	if err := CheckID(id); err != nil {
		return nil, err
	}
	fd, err := openat(r.fd, id, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	switch err {
	case nil:
	case unix.ENOENT, unix.ENOTDIR, unix.ELOOP:
		return nil, ErrNotExist
	default:
		return nil, failed("open", r.path+"/"+id, err)
	}
	rootFD, err := unix.FcntlInt(uintptr(r.fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		unix.Close(fd)
		return nil, failed("fcntl", r.path, err)
	}
	return &Dir{root: r.path, rootFD: rootFD, id: id, fd: fd}, nil
}

// FD is the directory's descriptor, which stays the Dir's. It is good for openat and its kin.
func (d *Dir) FD() int { return d.fd }

// Path is where the directory is; for messages, and for those who can use no descriptor.
func (d *Dir) Path() string { return d.root + "/" + d.id }

// Close closes the directory, and with it lets go of the lock.
func (d *Dir) Close() {
	unix.Close(d.fd)
	unix.Close(d.rootFD)
	d.fd, d.rootFD, d.locked = -1, -1, false
}

// Lock locks the directory for this process, for as long as it is open: flock(2) ends with the
// last copy of the descriptor, which is close-on-exec, so no dead process holds it. It waits for
// another holder as long as patience, then says ErrBusy. ErrNotExist: the directory was removed
// meanwhile.
func (d *Dir) Lock(patience time.Duration) error {
	if d.locked {
		return nil
	}
	var until time.Time
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 10*time.Millisecond) {
		err := unix.Flock(d.fd, unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		if err == unix.EINTR {
			continue
		}
		if err != unix.EWOULDBLOCK {
			return failed("flock", d.Path(), err)
		}
		now := time.Now()
		if until.IsZero() {
			until = now.Add(patience)
		}
		if !now.Before(until) {
			return ErrBusy
		}
		time.Sleep(pause)
	}
	if !d.current() {
		unix.Flock(d.fd, unix.LOCK_UN)
		return ErrNotExist
	}
	d.locked = true
	return nil
}

// Unlock lets go of the lock.
func (d *Dir) Unlock() {
	if d.locked {
		unix.Flock(d.fd, unix.LOCK_UN)
		d.locked = false
	}
}

// Locked tells whether this Dir holds the lock.
func (d *Dir) Locked() bool { return d.locked }

// current tells whether the open directory is still the one of that name. Its inode cannot be
// used again while we have it open; a link count of 0 would not do, btrfs has none.
func (d *Dir) current() bool {
	var ours, named unix.Stat_t
	return unix.Fstat(d.fd, &ours) == nil &&
		unix.Fstatat(d.rootFD, d.id, &named, unix.AT_SYMLINK_NOFOLLOW) == nil &&
		ours.Dev == named.Dev && ours.Ino == named.Ino
}

// Busy tells whether another process holds the lock at this moment.
func (d *Dir) Busy() bool {
	if d.locked {
		return false
	}
	if err := unix.Flock(d.fd, unix.LOCK_SH|unix.LOCK_NB); err != nil {
		return err == unix.EWOULDBLOCK
	}
	unix.Flock(d.fd, unix.LOCK_UN)
	return false
}

// Save replaces the state. Whoever reads at the same time sees the old one or the new one. A
// temporary file left by one who was killed is written over: the lock's holder alone saves.
func (d *Dir) Save(s *State) error {
	if !d.locked {
		panic("BUG: state saved without the lock")
	}
	if err := d.write(temporary, s.Append(nil)); err != nil {
		return err
	}
	if err := unix.Renameat(d.fd, temporary, d.fd, stateFile); err != nil {
		return failed("rename", d.Path()+"/"+stateFile, err)
	}
	return nil
}

// SaveConfig keeps the text of config.json. It comes before the first Save, so who finds a state
// finds the configuration whole.
func (d *Dir) SaveConfig(raw []byte) error { return d.write(configFile, raw) }

// State reads the state. ErrNotExist: there is none, the creation was killed before it had
// made anything else.
func (d *Dir) State() (*State, error) {
	raw, err := d.read(stateFile)
	if isErrno(err, unix.ENOENT) {
		return nil, ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	s, err := Decode(raw)
	if err != nil {
		return nil, &corruptError{d.Path() + "/" + stateFile, err}
	}
	return s, nil
}

// Config reads the text of config.json.
func (d *Dir) Config() ([]byte, error) { return d.read(configFile) }

// Owner is the user whom the directory belongs to.
func (d *Dir) Owner() (uint32, error) {
	var st unix.Stat_t
	if err := unix.Fstat(d.fd, &st); err != nil {
		return 0, failed("fstat", d.Path(), err)
	}
	return st.Uid, nil
}

// MakeFIFO makes a FIFO and opens it for reading and writing, so that neither end blocks or ends
// early. The caller owns the descriptor, which is close-on-exec.
func (d *Dir) MakeFIFO(name string) (int, error) {
	if err := unix.Mknodat(d.fd, name, unix.S_IFIFO|0o600, 0); err != nil {
		return -1, failed("mkfifo", d.Path()+"/"+name, err)
	}
	return d.OpenFIFO(name, unix.O_RDWR)
}

// OpenFIFO opens a FIFO. The caller owns the descriptor, which is close-on-exec.
func (d *Dir) OpenFIFO(name string, flags int) (int, error) {
	fd, err := openat(d.fd, name, flags, 0)
	if err != nil {
		return -1, failed("open", d.Path()+"/"+name, err)
	}
	return fd, nil
}

// Remove removes the directory with all that is in it, state.json last: as long as anything else
// is there, what is known of the container is too. It must come after whatever the state is
// needed for. A directory that is gone is removed.
func (d *Dir) Remove() error {
	if !d.locked {
		panic("BUG: directory removed without the lock")
	}
	if path, err := removeAll(d.fd, d.Path(), 0); err != nil {
		return failed("unlink", path, err)
	}
	if err := unix.Unlinkat(d.fd, stateFile, 0); err != nil && err != unix.ENOENT {
		return failed("unlink", d.Path()+"/"+stateFile, err)
	}
	if err := unix.Unlinkat(d.rootFD, d.id, unix.AT_REMOVEDIR); err != nil && err != unix.ENOENT {
		return failed("rmdir", d.Path(), err)
	}
	return nil
}

// removeAll empties a directory, but for the state at its top. On an error it says where.
func removeAll(fd int, path string, depth int) (string, error) {
	var where string
	err := names(fd, func(name string, kind byte) error {
		if depth == 0 && name == stateFile {
			return nil
		}
		err := unix.Unlinkat(fd, name, 0)
		if err == unix.EISDIR || err == unix.EPERM && kind == unix.DT_DIR {
			err = removeSub(fd, name, path+"/"+name, depth, &where)
		}
		if err == unix.ENOENT {
			return nil
		}
		if err != nil && where == "" {
			where = path + "/" + strings.Clone(name)
		}
		return err
	})
	return where, err
}

func removeSub(fd int, name, path string, depth int, where *string) error {
	const deepest = 16
	if depth == deepest {
		return unix.ENOTEMPTY
	}
	sub, err := openat(fd, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	*where, err = removeAll(sub, path, depth+1)
	unix.Close(sub)
	if err != nil {
		return err
	}
	return unix.Unlinkat(fd, name, unix.AT_REMOVEDIR)
}
