// SPDX-License-Identifier: Apache-2.0

package cgroup

import "golang.org/x/sys/unix"

// Entry is how a process gets into the cgroup at its birth, without the grace period of RCU that
// writing its pid to cgroup.procs waits for (7 to 11 ms here on an idle machine). Both ways work
// because no other thread of the process can exist:
//
//   - cgroup2: clone3(2) with CLONE_INTO_CGROUP and Dir, Linux 5.7.
//   - v1: the child itself writes "0" to each of Tasks. For a pid of 0 and one thread,
//     cgroup_procs_write_start in the kernel takes no lock. A second thread would stay outside.
//
// A hybrid host needs both.
type Entry struct {
	Dir   int   // an O_PATH descriptor for CLONE_INTO_CGROUP, or -1
	Tasks []int // write-only descriptors, a hierarchy each
}

// Entry opens the way in. The caller owns the descriptors and closes them; all are O_CLOEXEC.
// Of a container without a cgroup it is Entry{Dir: -1}.
func (c *Cgroup) Entry() (Entry, error) {
	e := Entry{Dir: -1}
	t := openTree(len(c.loc.Dirs))
	defer t.close()
	for _, d := range c.loc.Dirs {
		var err error
		var fd int
		if d.Controllers == "" {
			fd, err = t.open(d.Path, unix.O_PATH|unix.O_DIRECTORY)
		} else {
			fd, err = t.open(d.Path+"/tasks", unix.O_WRONLY)
		}
		if err != nil {
			e.Close()
			return Entry{Dir: -1}, err
		}
		if d.Controllers == "" {
			e.Dir = fd
		} else {
			if e.Tasks == nil {
				e.Tasks = make([]int, 0, len(c.loc.Dirs))
			}
			e.Tasks = append(e.Tasks, fd)
		}
	}
	return e, nil
}

// Close closes the descriptors. It may be called twice.
func (e *Entry) Close() {
	if e.Dir >= 0 {
		unix.Close(e.Dir)
	}
	for _, fd := range e.Tasks {
		unix.Close(fd)
	}
	*e = Entry{Dir: -1}
}
