// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"maps"
	"slices"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/tare-runtime/tare/libcontainer/store"
	"github.com/tare-runtime/tare/spec"
)

// State is what there is to tell of a container.
type State struct {
	Version     string // of the runtime specification
	ID          string
	PID         int // 0 when stopped
	Status      Status
	Bundle      string
	Rootfs      string
	Created     string // RFC 3339 with nanoseconds, UTC
	Annotations map[string]string
	Owner       string // a name, or "#" and a number; only List tells
}

// State tells of the container as it is now.
func (c *Container) State() (State, error) {
	status, err := c.Status()
	return stateOf(c.state, status), err
}

func stateOf(s *store.State, status Status) State {
	t := State{
		Version: s.OCIVersion, ID: s.ID, PID: s.PID, Status: status, Bundle: s.Bundle, Rootfs: s.Rootfs,
		Created: s.Created, Annotations: s.Annotations,
	}
	if status == Stopped {
		t.PID = 0
	}
	return t
}

// AppendJSON appends the state as JSON, members in runc's order: callers decode it, people and
// scripts compare it. Indent is the text before each member, or "" for all in one line.
func (s *State) AppendJSON(b []byte, indent string) []byte {
	member := func(name string) {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		if indent != "" {
			b = append(b, '\n')
			b = append(b, indent...)
		}
		b = spec.AppendString(b, name)
		b = append(b, ':')
		if indent != "" {
			b = append(b, ' ')
		}
	}
	textMember := func(name, value string) {
		member(name)
		b = spec.AppendString(b, value)
	}
	b = append(b, '{')
	textMember("ociVersion", s.Version)
	textMember("id", s.ID)
	member("pid")
	b = strconv.AppendInt(b, int64(s.PID), 10)
	textMember("status", string(s.Status))
	textMember("bundle", s.Bundle)
	textMember("rootfs", s.Rootfs)
	textMember("created", s.Created)
	if len(s.Annotations) > 0 {
		member("annotations")
		b = appendMap(b, s.Annotations, indent)
	}
	textMember("owner", s.Owner)
	if indent != "" {
		b = append(b, '\n')
	}
	return append(b, '}')
}

// hookState is what hooks read on their standard input.
func (c *Container) hookState(status Status) []byte {
	s := specs.State{
		Version: c.state.OCIVersion, ID: c.state.ID, Status: specs.ContainerState(status),
		Bundle: c.state.Bundle, Annotations: c.state.Annotations,
	}
	if status != Stopped {
		s.Pid = c.state.PID
	}
	return spec.AppendState(nil, &s)
}

// appendMap appends a member that is an object of strings, by key.
func appendMap(b []byte, m map[string]string, indent string) []byte {
	if indent == "" {
		return spec.AppendStringMap(b, m)
	}
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '\n')
		b = append(b, indent...)
		b = append(b, indent...)
		b = spec.AppendString(b, key)
		b = append(b, `: `...)
		b = spec.AppendString(b, m[key])
	}
	b = append(b, '\n')
	b = append(b, indent...)
	return append(b, '}')
}
