// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Create makes the cgroup's directories and writes limits and device rules, in an order that
// leaves nothing for later: a process may be born in the cgroup as soon as Create is back.
//
// A cgroup that exists is taken over if no process is in it or below it, and if it is not frozen;
// else the error says "container's cgroup is not empty" or "container's cgroup unexpectedly
// frozen". On an error Create has removed what it made: the caller must not call Remove, since
// what is still there belongs to somebody else.
func (c *Cgroup) Create() error {
	t := openTree(len(c.loc.Dirs))
	defer t.close()
	var made []string
	if err := c.create(t, &made); err != nil {
		for i := len(made) - 1; i >= 0; i-- {
			_ = t.rmdir(made[i])
		}
		return err
	}
	return nil
}

// Vacant is nil if Create will find no process in the way, as far as one directory tells: that of
// cgroup2 or of the devices hierarchy. Called before the intent is stored, it makes sure that a
// Create killed half-way leaves an intent whose Remove hits no stranger.
func (c *Cgroup) Vacant() error {
	if d := c.main(); d.Path != "" && anywhere.exists(d.Path) {
		return vacant(d)
	}
	return nil
}

func (c *Cgroup) create(t tree, made *[]string) error {
	kept := make([]Dir, 0, len(c.loc.Dirs))
	var denied error
	fresh := true
	for _, d := range c.loc.Dirs {
		top := len(*made)
		err := t.mkdirs(d.Path, made)
		switch {
		case err == unix.EEXIST:
			fresh = false
			if err := vacant(d); err != nil {
				return err
			}
		case err == nil:
		case c.lenient(err):
			denied = callError("mkdir", d.Path, err)
			continue
		case d.optional() && !c.loc.Unified():
			continue
		default:
			return &Error{Place: c.place(), Call: "mkdir(" + quote(d.Path) + ")", Err: err}
		}
		if d.has("cpuset") {
			if err := c.fillCpusets(t, d.Path, (*made)[top:]); err != nil {
				return err
			}
		}
		kept = append(kept, d)
	}
	unified := c.loc.Unified()
	c.loc.Dirs = kept
	if place, controller := c.lacking(unified); place != "" {
		if denied == nil {
			return &Error{Place: place, Call: "controller " + controller + " is not mounted on this host"}
		}
		return &Error{
			Call: "rootless needs no limits + no cgrouppath when no permission is granted for cgroups",
			Err:  denied,
			Hint: "have the cgroup delegated to this user, or remove linux.resources",
		}
	}
	if len(kept) == 0 {
		return nil
	}
	if unified {
		if err := c.prepareUnified(kept[0].Path); err != nil {
			return err
		}
	}
	if err := c.setLimits(unified); err != nil {
		return err
	}
	return c.setDevices(t, unified, fresh)
}

// place is the member of config.json that put the cgroup where it is.
func (c *Cgroup) place() string {
	if c.placed {
		return "linux.cgroupsPath"
	}
	return ""
}

// mkdirs makes a directory of cgroupfs and the parents it lacks, and appends to made what it
// made. EEXIST: it was there, or a file is.
func (t tree) mkdirs(dir string, made *[]string) error {
	err := t.mkdir(dir)
	if parent := path.Dir(dir); err == unix.ENOENT && parent != mountRoot && parent != "/" {
		if err := t.mkdirs(parent, made); err != nil && err != unix.EEXIST {
			return err
		}
		err = t.mkdir(dir)
	}
	if err == nil {
		*made = append(*made, dir)
	}
	return err
}

// vacant is an error if a process is in or below an existing directory, or if it is frozen. A
// directory that vanishes meanwhile is vacant.
func vacant(d Dir) error {
	pids, err := pidsBelow(d.Path)
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(pids) > 0 {
		return &Error{
			Call: "container's cgroup is not empty: " + strconv.Itoa(len(pids)) + " process(es) found",
			Hint: "see " + d.Path + "/cgroup.procs",
		}
	}
	if d.Controllers != "" && !d.has("freezer") {
		return nil
	}
	frozen, err := isFrozen(d)
	if err == nil && frozen {
		return &Error{Call: "container's cgroup unexpectedly frozen", Hint: "thaw " + d.Path}
	}
	return err
}

// fillCpusets gives the cpuset at leaf, and the parents of it that were just made, the processors
// and memory nodes of the one above, except where linux.resources has its own for leaf. A v1
// cpuset is born without any, and no process may enter it so.
func (c *Cgroup) fillCpusets(t tree, leaf string, made []string) error {
	var cpus, mems string
	if c.res != nil && c.res.CPU != nil {
		cpus, mems = c.res.CPU.Cpus, c.res.CPU.Mems
	}
	leafIsNew := false
	for _, dir := range made {
		own := dir == leaf
		leafIsNew = leafIsNew || own
		if !own || cpus == "" {
			if err := t.inherit(dir, "cpuset.cpus", false); err != nil {
				return err
			}
		}
		if !own || mems == "" {
			if err := t.inherit(dir, "cpuset.mems", false); err != nil {
				return err
			}
		}
	}
	if leafIsNew {
		return nil
	}
	if err := t.inherit(leaf, "cpuset.cpus", true); err != nil {
		return err
	}
	return t.inherit(leaf, "cpuset.mems", true)
}

// inherit copies a cpuset file from the directory above. With check, only into an empty file.
func (t tree) inherit(dir, file string, check bool) error {
	if check {
		b, err := t.readFile(dir + "/" + file)
		if err != nil || len(b) > 1 {
			return err
		}
	}
	parent := path.Dir(dir)
	b, err := t.readFile(parent + "/" + file)
	if err != nil {
		return err
	}
	if len(b) <= 1 { // somebody made the parent and left it empty
		if path.Dir(parent) == mountRoot {
			return nil
		}
		if err := t.inherit(parent, file, false); err != nil {
			return err
		}
		if b, err = t.readFile(parent + "/" + file); err != nil {
			return err
		}
	}
	return t.writeFile(dir+"/"+file, strings.TrimSuffix(string(b), "\n"))
}

// prepareUnified hands every controller of the host down to dir, as runc does, so that statistics
// are there even without limits; and makes it threaded where it can be nothing else.
func (c *Cgroup) prepareUnified(dir string) error {
	all, err := anywhere.readFile(mountRoot + "/cgroup.controllers")
	if err != nil {
		return err
	}
	have, err := anywhere.readFile(dir + "/cgroup.controllers")
	if err != nil {
		return err
	}
	if missing(string(all), string(have)) {
		enableAbove(dir, strings.Fields(string(all)))
	}
	kind, err := anywhere.readFile(dir + "/cgroup.type")
	if err != nil {
		return err
	}
	switch kind := strings.TrimSuffix(string(kind), "\n"); kind {
	case "domain":
		return nil
	default:
		if needsDomain(c.res) {
			return &Error{
				Place: c.place(),
				Call:  "cgroup " + quote(dir) + " is " + kind + ": no limits of memory, cpu, io or hugetlb can be set",
				Hint:  "processes are in a cgroup above it, see cgroup.procs there",
			}
		}
		if kind == "domain invalid" {
			return anywhere.writeFile(dir+"/cgroup.type", "threaded")
		}
		return nil
	}
}

// missing says whether a word of all is not in have.
func missing(all, have string) bool {
	for word := range strings.FieldsSeq(all) {
		found := false
		for other := range strings.FieldsSeq(have) {
			found = found || word == other
		}
		if !found {
			return true
		}
	}
	return false
}

// enableAbove enables controllers in each cgroup above dir, from the root down. What cannot be
// enabled is left: a limit that needs it says so when it is set.
func enableAbove(dir string, controllers []string) {
	all := "+" + strings.Join(controllers, " +")
	for at := len(mountRoot); ; {
		file := dir[:at] + "/cgroup.subtree_control"
		if anywhere.writeFile(file, all) != nil {
			for _, one := range controllers {
				_ = anywhere.writeFile(file, "+"+one)
			}
		}
		next := strings.IndexByte(dir[at+1:], '/')
		if next < 0 {
			return
		}
		at += 1 + next
	}
}
