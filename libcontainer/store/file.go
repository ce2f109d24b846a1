// SPDX-License-Identifier: Apache-2.0

package store

import "golang.org/x/sys/unix"

// Files are read and written with bare calls: package os would set up its poller first.

func openat(dir int, name string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_CLOEXEC|nofollow(dir), mode)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// nofollow is for all but the root itself, which is the caller's choice.
func nofollow(dir int) int {
	if dir == unix.AT_FDCWD {
		return 0
	}
	return unix.O_NOFOLLOW
}

func (d *Dir) write(name string, data []byte) error {
	fd, err := openat(d.fd, name, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC, 0o600)
	if err != nil {
		return failed("open", d.Path()+"/"+name, err)
	}
	defer unix.Close(fd)
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return failed("write", d.Path()+"/"+name, err)
		}
		data = data[n:]
	}
	return nil
}

func (d *Dir) read(name string) ([]byte, error) {
	fd, err := openat(d.fd, name, unix.O_RDONLY, 0)
	if err != nil {
		return nil, failed("open", d.Path()+"/"+name, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, failed("fstat", d.Path()+"/"+name, err)
	}
	raw, err := readAll(fd, int(st.Size))
	if err != nil {
		return nil, failed("read", d.Path()+"/"+name, err)
	}
	return raw, nil
}

// readAll reads a file of about that size to its end.
func readAll(fd, size int) ([]byte, error) {
	b := make([]byte, 0, size+1) // one more, so that a full read is seen to be the last
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := unix.Read(fd, b[len(b):cap(b)])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		b = b[:len(b)+n]
		if n == 0 || len(b) == size && size > 0 {
			return b, nil
		}
	}
}

// names calls one for each entry of a directory but "." and "..", from its beginning. The name
// is only lent.
func names(dir int, one func(name string, kind byte) error) error {
	if _, err := unix.Seek(dir, 0, 0); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	for {
		n, err := unix.ReadDirent(dir, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		for b := buf[:n]; len(b) > 0; {
			name, kind, size := entry(b)
			b = b[size:]
			if name == "." || name == ".." {
				continue
			}
			if err := one(name, kind); err != nil {
				return err
			}
		}
	}
}

func isErrno(err error, errno unix.Errno) bool {
	e, ok := err.(*pathError)
	return ok && e.err == errno
}
