// SPDX-License-Identifier: Apache-2.0

package rdt

import (
	"time"

	"golang.org/x/sys/unix"
)

// busyTries is how often a busy group is tried: a quarter of a second in all.
const busyTries = 9

// Remove removes the directories that Plan named, the last first. One that does not exist is
// removed. Whoever is still in a group goes to the one above it, so this is for after the
// container's processes have died.
func Remove(made []string) error { return remove(made, rmdir) }

// remove tries all of them and returns what went wrong first.
func remove(made []string, rmdir func(string) error) (first error) {
	for i := len(made) - 1; i >= 0; i-- {
		err := rmdir(made[i])
		for n, pause := 1, time.Millisecond; err == unix.EBUSY && n < busyTries; n, pause = n+1, 2*pause {
			time.Sleep(pause)
			err = rmdir(made[i])
		}
		if err != nil && err != unix.ENOENT && first == nil {
			first = &Error{Place: where, Call: call("rmdir", made[i]), Err: err}
		}
	}
	return first
}
