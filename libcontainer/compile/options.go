// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// mountOptions is what mounts[].options comes to.
type mountOptions struct {
	set, clear       uint64 // MOUNT_ATTR_* of the mount itself
	recSet, recClear uint64 // of the whole tree
	propagation      []propagated
	bind, recursive  bool
	superblock       []string // flags of the superblock, for fsconfig
	data             []string // everything else: the file system's own
	tmpcopyup        bool
	remount          bool
}

// propagated is a kind of propagation.
type propagated struct {
	flag      uint64 // MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE; 0: none
	recursive bool
}

func (p propagated) atFlags() uint32 {
	if p.recursive {
		return unix.AT_RECURSIVE
	}
	return 0
}

// propagation reads "shared", "rslave" and so on; the zero value for anything else.
func propagation(name string) propagated {
	p := propagated{}
	switch strings.TrimPrefix(name, "r") {
	case "shared":
		p.flag = unix.MS_SHARED
	case "slave":
		p.flag = unix.MS_SLAVE
	case "private":
		p.flag = unix.MS_PRIVATE
	case "unbindable":
		p.flag = unix.MS_UNBINDABLE
	}
	p.recursive = p.flag != 0 && name[0] == 'r'
	return p
}

// attribute is an option that mount_setattr(2) knows; with a leading r it holds for the whole
// tree (runtime-spec, "Linux mount options").
type attribute struct {
	name       string
	set, clear uint64
}

// The atime attributes are values of one field: setting one clears the field first.
const atime = unix.MOUNT_ATTR__ATIME

var attributes = [...]attribute{
	{"ro", unix.MOUNT_ATTR_RDONLY, 0},
	{"rw", 0, unix.MOUNT_ATTR_RDONLY},
	{"nosuid", unix.MOUNT_ATTR_NOSUID, 0},
	{"suid", 0, unix.MOUNT_ATTR_NOSUID},
	{"nodev", unix.MOUNT_ATTR_NODEV, 0},
	{"dev", 0, unix.MOUNT_ATTR_NODEV},
	{"noexec", unix.MOUNT_ATTR_NOEXEC, 0},
	{"exec", 0, unix.MOUNT_ATTR_NOEXEC},
	{"noatime", unix.MOUNT_ATTR_NOATIME, atime},
	{"atime", 0, atime},
	{"relatime", unix.MOUNT_ATTR_RELATIME, atime},
	{"norelatime", 0, atime},
	{"strictatime", unix.MOUNT_ATTR_STRICTATIME, atime},
	{"nostrictatime", 0, atime},
	{"nodiratime", unix.MOUNT_ATTR_NODIRATIME, 0},
	{"diratime", 0, unix.MOUNT_ATTR_NODIRATIME},
	{"nosymfollow", unix.MOUNT_ATTR_NOSYMFOLLOW, 0},
	{"symfollow", 0, unix.MOUNT_ATTR_NOSYMFOLLOW},
}

// takesBack is the atime attribute that atime, norelatime and nostrictatime undo.
func (a *attribute) takesBack() uint64 {
	switch a.name {
	case "atime":
		return unix.MOUNT_ATTR_NOATIME
	case "nostrictatime":
		return unix.MOUNT_ATTR_STRICTATIME
	}
	return unix.MOUNT_ATTR_RELATIME
}

// findAttribute looks name up; nil if it is none.
func findAttribute(name string) *attribute {
	for i := range attributes {
		if attributes[i].name == name {
			return &attributes[i]
		}
	}
	return nil
}

// apply merges a into a pair of masks: the last word on an attribute wins. As in mount(2), an option
// that takes one of the atime attributes back leaves the others alone.
func (a *attribute) apply(set, clear *uint64) {
	if a.clear == atime && a.set == 0 && a.name != "relatime" {
		chosen := *clear&atime != 0
		switch {
		case chosen && *set&atime != a.takesBack():
			return
		case a.name == "norelatime": // what it is instead, the source says
			*clear &^= atime
			return
		}
	}
	*set = *set&^a.clear | a.set
	*clear = *clear&^a.set | a.clear
}

// parseOptions sorts the options of a mount.
func parseOptions(options []string) (o mountOptions) {
	for _, name := range options {
		if a := findAttribute(name); a != nil {
			a.apply(&o.set, &o.clear)
			continue
		}
		if p := propagation(name); p.flag != 0 {
			o.propagation = append(o.propagation, p)
			continue
		}
		if rest, ok := strings.CutPrefix(name, "r"); ok {
			if a := findAttribute(rest); a != nil {
				a.apply(&o.recSet, &o.recClear)
				continue
			}
		}
		switch name {
		case "bind":
			o.bind = true
		case "rbind":
			o.bind, o.recursive = true, true
		case "defaults", "loud", "silent", "idmap", "ridmap":
			// They are what a new mount is like, or about the kernel's log, or read by IDMapped.
		case "remount":
			o.remount = true
		case "tmpcopyup":
			o.tmpcopyup = true
		default:
			if !o.superblockFlag(name) {
				o.data = appendData(o.data, name)
			}
		}
	}
	return o
}

// superblockFlags are flags of a superblock, with the option that takes each back.
var superblockFlags = [...]struct{ set, clear string }{
	{"dirsync", ""}, {"iversion", "noiversion"}, {"lazytime", "nolazytime"}, {"mand", "nomand"}, {"sync", "async"},
}

// superblockFlag reads one of them; false if name is none.
func (o *mountOptions) superblockFlag(name string) bool {
	for _, f := range superblockFlags {
		switch name {
		case f.set:
			o.superblock = append(o.superblock, name)
			return true
		case f.clear:
			o.superblock = dropOption(o.superblock, f.set)
			return true
		}
	}
	return false
}

func dropOption(list []string, name string) []string {
	kept := list[:0]
	for _, o := range list {
		if o != name {
			kept = append(kept, o)
		}
	}
	return kept
}

// appendData adds an option of the file system's own. As with mount(2), one string may hold several
// with commas between them, and a security context that has commas stands in quotes.
func appendData(data []string, option string) []string {
	quoted, from := false, 0
	for i := 0; i <= len(option); i++ {
		switch {
		case i < len(option) && option[i] == '"':
			quoted = !quoted
		case i == len(option) || option[i] == ',' && !quoted:
			if i > from {
				data = append(data, unquote(option[from:i]))
			}
			from = i + 1
		}
	}
	return data
}

// unquote takes the quotes from the value of an option such as context="a:b:c:s0:c1,c2".
func unquote(option string) string {
	key, value, _ := strings.Cut(option, "=")
	if n := len(value); strings.HasSuffix(key, "context") && n >= 2 && value[0] == '"' && value[n-1] == '"' {
		return key + "=" + value[1:n-1]
	}
	return option
}

// MountOptions are all options that are not left to the file system, sorted.
func MountOptions() []string {
	list := []string{"bind", "defaults", "idmap", "loud", "rbind", "remount", "ridmap", "silent", "tmpcopyup"}
	for i := range attributes {
		list = append(list, attributes[i].name, "r"+attributes[i].name)
	}
	for _, p := range [...]string{"private", "shared", "slave", "unbindable"} {
		list = append(list, p, "r"+p)
	}
	for _, f := range superblockFlags {
		list = append(list, f.set)
		if f.clear != "" {
			list = append(list, f.clear)
		}
	}
	slices.Sort(list)
	return list
}
