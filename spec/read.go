// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"io/fs"
	"syscall"
)

// readFile reads a file, or a FIFO, to its end, with plain system calls: the
// first os.ReadFile of a process takes 25 µs (poller, finalizer, the pages they
// lie in), this takes 9.
func readFile(path string) ([]byte, error) {
	fd, err := uninterrupted(func() (int, error) {
		return syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer syscall.Close(fd)
	text := make([]byte, 0, 8192) // the usual config.json is half of this
	for {
		n, err := uninterrupted(func() (int, error) {
			return syscall.Read(fd, text[len(text):cap(text)])
		})
		switch {
		case err != nil:
			return nil, &fs.PathError{Op: "read", Path: path, Err: err}
		case n == 0:
			return text, nil
		}
		text = text[:len(text)+n]
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
	}
}

// uninterrupted repeats a system call that a signal has ended early. Go's handlers
// have SA_RESTART, but not every file system heeds it: go.dev/issue/38033.
func uninterrupted(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != syscall.EINTR {
			return n, err
		}
	}
}
