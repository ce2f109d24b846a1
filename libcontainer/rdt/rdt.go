// SPDX-License-Identifier: Apache-2.0

// Package rdt makes the resctrl groups of a container: cache ways, memory bandwidth and their
// monitoring, as linux.intelRdt asks. See config-linux.md of the OCI runtime specification, "Intel
// Resource Director Technology", and Documentation/filesystems/resctrl in the kernel.
//
// The invariant: Plan names every directory that may have to be removed before Create makes the
// first, so Remove undoes a Create that was killed at any of its system calls. A group that
// linux.intelRdt.closID names is never among them: the specification leaves it in place, whoever
// made it, because other containers may be in it.
package rdt

import (
	"strconv"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Root is where resctrl is mounted.
const Root = "/sys/fs/resctrl"

// magic is RDTGROUP_MAGIC of linux/magic.h.
const magic = 0x7655821

// lockTime is how long Create waits for others that change resctrl.
const lockTime = 10 * time.Second

// Group is the place of one container in resctrl. A nil *Group is that of a container without
// linux.intelRdt: its methods do nothing.
type Group struct {
	root   string
	id     string
	closID string
	dir    string // the control group
	mon    string // the monitoring group, or ""
	lines  []line // for its schemata, in the order of their writing

	patience time.Duration
	mkdir    func(path string) error // its errno bare
	rmdir    func(path string) error // its errno bare
}

// New decides on the groups of the container id; it makes and reads nothing. root is Root, or
// whatever a test has put in its place. c may be nil.
func New(root, id string, c *specs.LinuxIntelRdt) *Group {
	if c == nil {
		return nil
	}
	g := &Group{
		root: root, id: id, closID: c.ClosID, lines: merge(requested(c)),
		patience: lockTime, mkdir: mkdir, rmdir: rmdir,
	}
	switch c.ClosID {
	case "":
		g.dir = root + "/" + id
	case "/":
		g.dir = root
	default:
		g.dir = root + "/" + c.ClosID
	}
	if c.EnableMonitoring {
		g.mon = g.dir + "/mon_groups/" + id
	}
	return g
}

// Plan looks whether the groups can be, and makes nothing. made is what Remove must be given in
// the end, in the order in which Create makes it: to be stored before Create is called. Whether
// the schemata of a group that exists are those that were asked for is found out by Create.
func (g *Group) Plan() (made []string, err error) {
	if g == nil {
		return nil, nil
	}
	if err := g.checkNames(); err != nil {
		return nil, err
	}
	if g.root == Root && !mounted() {
		return nil, &Error{Place: where, Call: "resctrl is not mounted at " + Root,
			Tip: "mount -t resctrl resctrl " + Root + "; the CPU must have RDT or the like: then /proc/filesystems has resctrl"}
	}
	if g.closID == "" {
		if err := free(g.dir); err != nil {
			return nil, g.mkdirError(g.dir, err)
		}
		made = append(made, g.dir)
	} else if len(g.lines) == 0 {
		if err := access(g.dir + "/tasks"); err != nil {
			return nil, &Error{Place: g.place(), Call: call("access", g.dir+"/tasks"), Err: err,
				Tip: "without a schema the group must exist: make it, or say in linux.intelRdt.schemata how it should be"}
		}
	}
	if g.mon != "" {
		dir := g.root + "/mon_groups"
		if err := access(dir); err != nil {
			return nil, &Error{Place: where + ".enableMonitoring", Call: call("access", dir), Err: err,
				Tip: "this CPU or kernel has no RDT monitoring: see " + g.root + "/info/L3_MON"}
		}
		if err := free(g.mon); err != nil {
			return nil, g.mkdirError(g.mon, err)
		}
		made = append(made, g.mon)
	}
	return made, nil
}

// free makes sure that a directory is still to be made.
func free(dir string) error {
	switch err := access(dir); err {
	case nil:
		return unix.EEXIST
	case unix.ENOENT:
		return nil
	default:
		return err
	}
}

// Join puts a process into the groups. The kernel moves one thread and what it forks from then on,
// so it is for a process that has but one yet: the container's first before it is let go, and
// each that is executed in it later.
func (g *Group) Join(pid int) error {
	if g == nil {
		return nil
	}
	if err := g.checkNames(); err != nil {
		return err
	}
	if pid < 1 { // 0 would be this thread
		return &Error{Place: where, Call: "join with pid " + strconv.Itoa(pid), Err: unix.ESRCH}
	}
	// A monitoring group takes only who is in the control group above it.
	if err := g.writeTasks(g.dir, pid); err != nil || g.mon == "" {
		return err
	}
	return g.writeTasks(g.mon, pid)
}

func (g *Group) writeTasks(dir string, pid int) error {
	step, err := writeFile(dir+"/tasks", strconv.Itoa(pid))
	if err == nil {
		return nil
	}
	e := &Error{Place: g.place(), Call: call(step, dir+"/tasks"), Err: err}
	if step == "write" {
		e.Call, e.Reason = "write "+strconv.Itoa(pid)+" to "+dir+"/tasks", g.reason(err)
	}
	if err == unix.ENOENT {
		e.Tip = "the group is gone: somebody has removed it or mounted resctrl anew"
	}
	return e
}

// checkNames keeps each group to one directory.
func (g *Group) checkNames() error {
	if g.closID != "" && g.closID != "/" && (!name(g.closID) || reserved(g.closID)) {
		return &Error{Place: g.place(), Call: notGroup}
	}
	own := g.closID == ""
	if (own || g.mon != "") && !name(g.id) || own && reserved(g.id) {
		return &Error{Place: where, Call: "container id " + strconv.Quote(g.id) + ": " + notGroup,
			Tip: "the group is named by the id if linux.intelRdt.closID is empty"}
	}
	return nil
}

const notGroup = "cannot be the name of a resctrl group"

func name(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsAny(s, "/\n\x00")
}

// reserved are the directories at the root of resctrl that are no groups.
func reserved(s string) bool { return s == "info" || s == "mon_groups" || s == "mon_data" }

// mounted tells whether resctrl is at Root. The kernel makes the empty directory by itself.
func mounted() bool {
	for {
		var fs unix.Statfs_t
		if err := unix.Statfs(Root, &fs); err != unix.EINTR {
			return err == nil && fs.Type == magic
		}
	}
}
