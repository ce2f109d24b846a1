// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"path"
	"strconv"
	"strings"
)

// Location names the directories of a cgroup. The zero Location is no cgroup at all: every
// method of Open(Location{}) succeeds and does nothing.
//
// Its text form, for the state file, is a line a hierarchy, without a last newline: controllers
// as in /proc/PID/cgroup, a colon, the directory. The line of cgroup2 has no controllers.
//
//	:/sys/fs/cgroup/c1
type Location struct {
	Dirs []Dir
}

// Dir is a cgroup's directory in one hierarchy.
type Dir struct {
	Controllers string // "memory", "cpu,cpuacct", "name=systemd"; "" is cgroup2
	Path        string // absolute and clean
}

// Unified says whether the host has cgroup v2 and nothing else.
func (l Location) Unified() bool { return len(l.Dirs) == 1 && l.Dirs[0].Controllers == "" }

// dir is the cgroup's directory in the hierarchy of a controller, or "". The controller "" is
// cgroup2.
func (l Location) dir(controller string) string {
	for _, d := range l.Dirs {
		if d.has(controller) {
			return d.Path
		}
	}
	return ""
}

func (d Dir) has(controller string) bool {
	if d.Controllers == controller {
		return true
	}
	if controller == "" {
		return false
	}
	for one := range strings.SplitSeq(d.Controllers, ",") {
		if one == controller {
			return true
		}
	}
	return false
}

// Append appends the text form.
func (l Location) Append(b []byte) []byte {
	for i, d := range l.Dirs {
		if i > 0 {
			b = append(b, '\n')
		}
		b = append(b, d.Controllers...)
		b = append(b, ':')
		b = append(b, d.Path...)
	}
	return b
}

func (l Location) String() string { return string(l.Append(nil)) }

// ParseLocation reads the text form. It refuses what New cannot have said: relative or unclean
// directories, and directories so near the root of the file system that removing what lives in
// them would take the host down.
func ParseLocation(text string) (Location, error) {
	var l Location
	if text == "" {
		return l, nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		controllers, dir, ok := strings.Cut(line, ":")
		if !ok {
			return Location{}, &Error{Call: "cgroup " + quote(line) + ": want controllers:directory"}
		}
		for _, d := range l.Dirs {
			if d.Controllers == controllers {
				return Location{}, &Error{Call: "cgroup " + quote(line) + ": this hierarchy was named before"}
			}
		}
		if !path.IsAbs(dir) || path.Clean(dir) != dir || belowRoot(dir) < 1 ||
			controllers == "" && !strings.HasPrefix(dir, mountRoot+"/") {
			return Location{}, &Error{Call: "cgroup " + quote(line) + ": no directory of a container's cgroup"}
		}
		l.Dirs = append(l.Dirs, Dir{Controllers: controllers, Path: dir})
	}
	if !l.Unified() {
		for _, d := range l.Dirs {
			if belowRoot(d.Path) < 2 {
				return Location{}, &Error{Call: "cgroup " + quote(d.Path) + ": a hierarchy's root, no container's cgroup"}
			}
		}
	}
	return l, nil
}

// belowRoot counts the path elements below /sys/fs/cgroup. Hierarchies mounted elsewhere are
// taken to be as deep as they could be.
func belowRoot(dir string) int {
	if dir == mountRoot {
		return 0
	}
	if rest, ok := strings.CutPrefix(dir, mountRoot+"/"); ok {
		return 1 + strings.Count(rest, "/")
	}
	return strings.Count(dir, "/") - 1
}

func quote(s string) string { return strconv.Quote(s) }
