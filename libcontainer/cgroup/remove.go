// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// removeTime is how long Remove waits for killed processes: as long as runc's delete --force.
const removeTime = 10 * time.Second

// Remove kills whatever is in the cgroup, waits for its end (10 seconds at most) and removes the
// cgroup with all below it. A cgroup that does not exist is removed. With nothing in it, which is
// the rule, it costs one rmdir a hierarchy.
func (c *Cgroup) Remove() error {
	t := openTree(len(c.loc.Dirs))
	defer t.close()
	left := make([]Dir, 0, len(c.loc.Dirs))
	for _, d := range c.loc.Dirs {
		done, err := t.remove(d.Path)
		if err != nil {
			return err
		}
		if !done {
			left = append(left, d)
		}
	}
	if len(left) == 0 {
		return nil
	}
	until := time.Now().Add(removeTime)
	if err := c.Kill(); err != nil {
		return err
	}
	if dir := c.loc.dir(""); dir != "" {
		// A process leaves all hierarchies at once, and only cgroup2 tells when.
		if err := awaitEvent(dir, "populated 0", until); err != nil && !is(err, unix.ETIMEDOUT) {
			return err
		}
	}
	for pause := 50 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		still := left[:0]
		for _, d := range left {
			done, err := t.removeAll(d.Path)
			if err != nil {
				return err
			}
			if !done {
				still = append(still, d)
			}
		}
		if left = still; len(left) == 0 {
			return nil
		}
		if time.Now().After(until) {
			return stuck(left[0])
		}
		time.Sleep(pause)
		if pause == 20*time.Millisecond {
			if err := c.Kill(); err != nil { // what came in since
				return err
			}
		}
	}
}

// remove removes an empty cgroup. False: there is something in it. In a read-only or forbidden
// cgroupfs a missing directory gives EROFS or EACCES.
func (t tree) remove(dir string) (bool, error) {
	switch err := t.rmdir(dir); {
	case err == nil || gone(err) || err == unix.ENOTDIR: // a file's name: Create had no luck either
		return true, nil
	case err == unix.EBUSY || err == unix.ENOTEMPTY:
		return false, nil
	case refused(err) && !t.exists(dir):
		return true, nil
	default:
		return false, callError("rmdir", dir, err)
	}
}

// removeAll removes the cgroups below dir, then dir. False: something in there is busy.
func (t tree) removeAll(dir string) (bool, error) {
	done, err := t.remove(dir)
	if done || err != nil {
		return done, err
	}
	err = walk(dir, nil, func(above int, name string) error {
		err := unix.Unlinkat(above, name, unix.AT_REMOVEDIR)
		if err == unix.EBUSY || err == unix.EINTR {
			return nil
		}
		return err
	})
	if err != nil && !gone(err) {
		return false, err
	}
	return t.remove(dir)
}

// stuck is the error of a cgroup that does not empty, naming what is in it.
func stuck(d Dir) error {
	e := &Error{Call: "rmdir(" + quote(d.Path) + ")", Err: unix.EBUSY}
	pids, err := pidsBelow(d.Path)
	if err == nil && len(pids) > 0 {
		var b strings.Builder
		for i, pid := range visible(pids) {
			if i == 8 {
				b.WriteString(" ...")
				break
			}
			b.WriteString(" " + decimal(pid))
		}
		e.Hint = "processes do not die:" + b.String() + "; see /proc/PID/wchan"
	}
	return e
}

func decimal(n int) string { return strconv.Itoa(n) }
