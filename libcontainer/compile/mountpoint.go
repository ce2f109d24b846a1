// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// mountpoint resolves dest below the root and makes it if it is not there: a directory, or an
// empty file. The result is a descriptor, and what is mounted goes to that descriptor, never
// to a path that is resolved a second time. With mode, the mode of an existing directory is
// read into it.
//
// Missing directories are made one name at a time below the descriptor of the one before, so
// a symbolic link of the image can lead anywhere inside the root and nowhere else.
func (c *compiler) mountpoint(dest string, file bool, mode *plan.Permission) plan.FD {
	how := openPath(0, inRoot)
	made, found := c.b.Label(), c.b.Label()
	missing := c.b.Label()
	step := c.b.Openat2(c.root, dest, how).OnError(unix.ENOENT, missing)
	target := step.FD()
	if mode != nil {
		c.b.Statx(target, *mode).Then(found)
	} else {
		step.Then(found)
	}
	c.b.Bind(missing)
	names := strings.Split(strings.TrimPrefix(path.Clean(dest), "/"), "/")
	parent := c.root
	for i := 1; i < len(names); i++ {
		dir := c.directory("/"+strings.Join(names[:i], "/"), parent, names[i-1])
		if i > 1 {
			c.b.Close(parent)
		}
		parent = dir
	}
	last := names[len(names)-1]
	if file {
		c.b.Mknodat(parent, last, unix.S_IFREG|0o644, 0).Ignore(unix.EEXIST)
	} else {
		c.b.Mkdirat(parent, last, 0o755).Ignore(unix.EEXIST)
	}
	if len(names) > 1 {
		c.b.Close(parent)
	}
	c.b.Bind(made)
	c.b.Openat2(c.root, dest, how).As(target)
	c.b.Bind(found)
	return target
}

// directory opens the directory at dest below the root; if there is none, it is made as name
// in parent.
func (c *compiler) directory(dest string, parent plan.FD, name string) plan.FD {
	how := openPath(unix.O_DIRECTORY, inRoot)
	missing, found := c.b.Label(), c.b.Label()
	dir := c.b.Openat2(c.root, dest, how).OnError(unix.ENOENT, missing).Then(found).FD()
	c.b.Bind(missing)
	c.b.Mkdirat(parent, name, 0o755).Ignore(unix.EEXIST)
	c.b.Openat2(c.root, dest, how).As(dir)
	c.b.Bind(found)
	return dir
}

// plainDirectory resolves dest without following any symbolic link: procfs and sysfs are
// mounted only where the image cannot lead them (CVE-2019-19921, CVE-2023-27561).
func (c *compiler) plainDirectory(dest string) plan.FD {
	how := openPath(unix.O_DIRECTORY|unix.O_NOFOLLOW, inRoot|unix.RESOLVE_NO_SYMLINKS)
	missing, found := c.b.Label(), c.b.Label()
	target := c.b.Openat2(c.root, dest, how).OnError(unix.ENOENT, missing).Then(found).FD()
	c.b.Bind(missing)
	made := c.mountpoint(dest, false, nil)
	c.b.Close(made)
	c.b.Openat2(c.root, dest, how).As(target)
	c.b.Bind(found)
	return target
}
