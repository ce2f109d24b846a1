// SPDX-License-Identifier: Apache-2.0

package store

import (
	"strconv"

	"github.com/tare-runtime/tare/spec"
)

// Phase is how far a container has come under the hands of those who make it. What becomes of it
// later is not stored: the kernel knows.
type Phase string

const (
	Creating Phase = "creating" // intent: anything named in the state may exist, or not
	Created  Phase = "created"  // the process is whole and waits for start, or had no need to
)

// State is what is remembered of a container.
type State struct {
	OCIVersion  string
	ID          string
	Bundle      string // absolute
	Rootfs      string // absolute
	Created     string // RFC 3339 with nanoseconds, UTC
	Phase       Phase
	PID         int    // 0 before there is a process
	StartTime   uint64 // of PID: field 22 of /proc/PID/stat; a pid without it is a guess
	PrivatePID  bool   // PID is the init of a pid namespace of its own
	Cgroup      string // text form of a cgroup.Location
	Resctrl     string // directories of resctrl that are the container's, a line each
	Systemd     bool   // the cgroup is a unit of systemd
	Rootless    bool
	Terminal    bool // process.terminal
	Poststop    bool // there are hooks to be run by delete
	Owner       uint32
	Annotations map[string]string
}

// Append appends the state as JSON in one line. Members that are empty are left out.
func (s *State) Append(b []byte) []byte {
	b = append(b, `{"ociVersion":`...)
	b = spec.AppendString(b, s.OCIVersion)
	b = appendText(b, `,"id":`, s.ID)
	b = appendText(b, `,"bundle":`, s.Bundle)
	b = appendText(b, `,"rootfs":`, s.Rootfs)
	b = appendText(b, `,"created":`, s.Created)
	b = appendText(b, `,"phase":`, string(s.Phase))
	b = appendNumber(b, `,"pid":`, uint64(s.PID))
	b = appendNumber(b, `,"startTime":`, s.StartTime)
	b = appendFlag(b, `,"privatePid":true`, s.PrivatePID)
	b = appendText(b, `,"cgroup":`, s.Cgroup)
	b = appendText(b, `,"resctrl":`, s.Resctrl)
	b = appendFlag(b, `,"systemd":true`, s.Systemd)
	b = appendFlag(b, `,"rootless":true`, s.Rootless)
	b = appendFlag(b, `,"terminal":true`, s.Terminal)
	b = appendFlag(b, `,"poststop":true`, s.Poststop)
	b = appendNumber(b, `,"owner":`, uint64(s.Owner))
	if len(s.Annotations) > 0 {
		b = append(b, `,"annotations":`...)
		b = spec.AppendStringMap(b, s.Annotations)
	}
	return append(b, '}')
}

func appendText(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return spec.AppendString(append(b, name...), value)
}

func appendNumber(b []byte, name string, value uint64) []byte {
	if value == 0 {
		return b
	}
	return strconv.AppendUint(append(b, name...), value, 10)
}

func appendFlag(b []byte, member string, value bool) []byte {
	if !value {
		return b
	}
	return append(b, member...)
}

// corruptError is a state file that is none.
type corruptError struct {
	path string
	err  error
}

func (e *corruptError) Error() string { return e.path + ": " + e.err.Error() }
func (e *corruptError) Unwrap() error { return e.err }
func (e *corruptError) Path() string  { return e.path }
func (e *corruptError) Hint() string {
	return "somebody else has written it; what the container left must be removed by hand: its process, its cgroup, then the directory"
}
