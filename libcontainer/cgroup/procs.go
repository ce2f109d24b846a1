// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"bytes"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// Pids are the processes in the cgroup itself, ascending. Those outside the caller's pid
// namespace, which the kernel shows as 0, are left out.
func (c *Cgroup) Pids() ([]int, error) {
	dir := c.main().Path
	if dir == "" {
		return nil, nil
	}
	fd, err := anywhere.open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	pids, err := pidsIn(fd, nil)
	if err != nil {
		return nil, callError("read", dir+"/cgroup.procs", err)
	}
	return visible(pids), nil
}

// AllPids are the processes in the cgroup and in all cgroups below it, as Pids.
func (c *Cgroup) AllPids() ([]int, error) {
	dir := c.main().Path
	if dir == "" {
		return nil, nil
	}
	pids, err := pidsBelow(dir)
	return visible(pids), err
}

// main is the directory whose processes are the container's: that of cgroup2 alone, else that of
// the devices hierarchy, which runc takes too.
func (c *Cgroup) main() Dir {
	for _, d := range c.loc.Dirs {
		if d.has("devices") {
			return d
		}
	}
	if len(c.loc.Dirs) > 0 {
		return c.loc.Dirs[0]
	}
	return Dir{}
}

// visible sorts pids and takes out zeros and doubles.
func visible(pids []int) []int {
	slices.Sort(pids)
	pids = slices.Compact(pids)
	if len(pids) > 0 && pids[0] == 0 {
		pids = pids[1:]
	}
	return pids
}

// pidsBelow lists the processes of a cgroup and of all below it, 0 for those of other pid
// namespaces. A cgroup below that vanishes meanwhile had none.
func pidsBelow(dir string) ([]int, error) {
	var pids []int
	err := walk(dir, func(fd int) error {
		var err error
		pids, err = pidsIn(fd, pids)
		return err
	}, nil)
	return pids, err
}

// pidsIn appends the processes of the cgroup whose directory is open at fd.
func pidsIn(fd int, pids []int) ([]int, error) {
	text, err := readAt(fd, "cgroup.procs")
	if err == unix.EOPNOTSUPP { // a threaded cgroup tells only threads
		text, err = readAt(fd, "cgroup.threads")
	}
	if err != nil {
		return pids, err
	}
	for line := range bytes.Lines(text) {
		pid, err := strconv.Atoi(string(bytes.TrimSuffix(line, []byte("\n"))))
		if err != nil {
			return pids, unix.EIO
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

func readAt(dir int, name string) ([]byte, error) {
	fd, err := openat(dir, name, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return readAll(fd, make([]byte, 0, 512))
}
