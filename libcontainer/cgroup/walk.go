// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// walk visits the cgroup at root and all below it. enter, if given, sees the open directory of
// each, parents before children; leave, if given, sees for each but root the open directory above
// it and its name, children before parents. An error of enter or leave ends the walk, except that
// what vanishes below root is skipped.
//
// It goes down and up by descriptor, one open at a time: a container that may make cgroups can
// make them so deep that no path reaches them (PATH_MAX) and no table of descriptors holds them.
func walk(root string, enter func(dir int) error, leave func(above int, name string) error) error {
	fd, err := anywhere.open(root, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer func() { unix.Close(fd) }()

	type level struct {
		name  string
		below []string // not visited yet
	}
	var levels []level
	arrive := func(name string) error {
		if enter != nil {
			err := enter(fd)
			if err != nil && (name == "" || !gone(err)) {
				return err
			}
		}
		below, err := subdirs(fd)
		if err != nil && (name == "" || !gone(err)) {
			return err
		}
		levels = append(levels, level{name, below})
		return nil
	}
	move := func(to string) error {
		next, err := openat(fd, to, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW)
		if err == nil {
			unix.Close(fd)
			fd = next
		}
		return err
	}
	if err := arrive(""); err != nil {
		return walkError(root, err)
	}
	for {
		at := &levels[len(levels)-1]
		if n := len(at.below); n > 0 {
			name := at.below[n-1]
			at.below = at.below[:n-1]
			err := move(name)
			if err == nil {
				err = arrive(name)
			} else if gone(err) {
				continue
			}
			if err != nil {
				return walkError(root, err)
			}
			continue
		}
		if len(levels) == 1 {
			return nil
		}
		if err := move(".."); err != nil {
			return walkError(root, err)
		}
		levels = levels[:len(levels)-1]
		if leave != nil {
			if err := leave(fd, at.name); err != nil && !gone(err) {
				return walkError(root, err)
			}
		}
	}
}

func walkError(root string, err error) error {
	if _, ok := err.(*Error); ok {
		return err
	}
	return callError("walk", root, err)
}

// subdirs names the directories in the one open at fd.
func subdirs(fd int) ([]string, error) {
	var names []string
	buf := make([]byte, 4096)
	for {
		n, err := unix.Getdents(fd, buf)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return names, err
		case n == 0:
			return names, nil
		}
		names = appendDirs(names, buf[:n])
	}
}

// appendDirs appends the directories among the records of getdents64(2): u64 inode, s64 offset,
// u16 length of the record, u8 type, the name and a NUL.
func appendDirs(names []string, records []byte) []string {
	const lengthAt, typeAt, nameAt = 16, 18, 19
	for len(records) > nameAt {
		length := int(binary.NativeEndian.Uint16(records[lengthAt:]))
		if length <= nameAt || length > len(records) {
			break
		}
		record := records[:length]
		records = records[length:]
		if record[typeAt] != unix.DT_DIR {
			continue
		}
		name := record[nameAt:]
		if end := bytes.IndexByte(name, 0); end >= 0 {
			name = name[:end]
		}
		if s := string(name); s != "." && s != ".." {
			names = append(names, s)
		}
	}
	return names
}
