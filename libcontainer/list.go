// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"bytes"
	"os"
	"strconv"

	"github.com/tare-runtime/tare/libcontainer/store"
)

// List tells of all containers in root, by id. What is half-made or half-deleted, or goes away
// meanwhile, is left out; what cannot be read is told to warn, which may be nil. A root that does
// not exist is an error for which errors.Is(err, ENOENT).
func List(root string, warn func(string)) ([]State, error) {
	r, err := store.Open(root)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	ids, err := r.List()
	if err != nil {
		return nil, err
	}
	var owners ownerNames
	list := make([]State, 0, len(ids))
	for _, id := range ids {
		s, uid, err := r.Look(id)
		if err == ErrNotExist {
			continue
		}
		var status Status
		if err == nil {
			status, err = statusIn(r, s)
		}
		if err != nil {
			if warn != nil {
				warn("list: " + id + ": " + err.Error())
			}
			continue
		}
		t := stateOf(s, status)
		t.Owner = owners.name(uid)
		list = append(list, t)
	}
	return list, nil
}

// statusIn derives the status of a container whose directory is not open.
func statusIn(r *store.Root, s *store.State) (Status, error) {
	var t truth
	if s.PID != 0 {
		var err error
		if t, err = lookAt(s); err != nil {
			return "", err
		}
	}
	if !t.alive && s.Phase == store.Creating {
		if dir, err := r.Dir(s.ID); err == nil {
			t.making = dir.Busy()
			dir.Close()
		}
	}
	return t.status(s.Phase), nil
}

// ownerNames looks users up in /etc/passwd, which it reads once. Other sources of users are not
// asked: they need the C library.
type ownerNames struct {
	passwd []byte
	read   bool
	uid    uint32
	last   string
}

func (o *ownerNames) name(uid uint32) string {
	if !o.read {
		o.read = true
		o.passwd, _ = os.ReadFile("/etc/passwd")
	} else if uid == o.uid {
		return o.last
	}
	o.uid, o.last = uid, userName(o.passwd, uid)
	return o.last
}

// userName reads passwd(5): name:password:uid:gid:gecos:home:shell.
func userName(passwd []byte, uid uint32) string {
	want := strconv.FormatUint(uint64(uid), 10)
	for line := range bytes.SplitSeq(passwd, []byte{'\n'}) {
		f := bytes.SplitN(line, []byte{':'}, 4)
		if len(f) == 4 && string(f[2]) == want {
			return string(f[0])
		}
	}
	return "#" + want
}
