// SPDX-License-Identifier: Apache-2.0

package rdt

import "golang.org/x/sys/unix"

// maxFile is more than any file of resctrl is that is read here.
const maxFile = 1 << 20

// open is open(2) with O_CLOEXEC, its errno bare.
func open(path string, flags int) (int, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// readFile is all of a file. Its errors are bare.
func readFile(path string) (string, error) {
	fd, err := open(path, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	b := make([]byte, 0, 4096)
	for {
		n, err := unix.Read(fd, b[len(b):cap(b)])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return "", err
		case n == 0:
			return string(b), nil
		}
		b = b[:len(b)+n]
		if len(b) >= maxFile {
			return "", unix.EFBIG
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
	}
}

// writeFile writes data to a file that exists, with one write(2). The error is bare, and step
// says which call it is of.
func writeFile(path, data string) (step string, err error) {
	fd, err := open(path, unix.O_WRONLY)
	if err != nil {
		return "open", err
	}
	defer unix.Close(fd)
	for {
		n, err := unix.Write(fd, []byte(data))
		switch {
		case err == unix.EINTR:
			continue
		case err == nil && n < len(data): // more than kernfs takes at once
			return "write", unix.E2BIG
		}
		return "write", err
	}
}

// access tells whether there is a path, its errno bare.
func access(path string) error {
	for {
		if err := unix.Faccessat(unix.AT_FDCWD, path, unix.F_OK, 0); err != unix.EINTR {
			return err
		}
	}
}

func mkdir(path string) error {
	for {
		if err := unix.Mkdir(path, 0o755); err != unix.EINTR {
			return err
		}
	}
}

func rmdir(path string) error {
	for {
		if err := unix.Rmdir(path); err != unix.EINTR {
			return err
		}
	}
}
