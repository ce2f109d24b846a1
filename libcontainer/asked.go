// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"os"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/compile"
	"github.com/tare-runtime/tare/libcontainer/copyup"
	"github.com/tare-runtime/tare/libcontainer/executor"
)

// asked answers a question of the process while it makes its mounts and devices. The files are
// those that it has found below its root; they stay the caller's.
func (c *creation) asked(stage byte, i int, files []int) error {
	s := c.b.spec
	switch {
	case stage == compile.StageDevice && s.Linux != nil && i < len(s.Linux.Devices):
		return checkDevice(i, &s.Linux.Devices[i], files[0])
	case stage == compile.StageCopy && i < len(s.Mounts):
		return c.copyUp(i, &s.Mounts[i], files[0], files[1])
	}
	return text("the container's process asked what it should not")
}

// checkDevice makes sure that what is at the place of a device is that device, and gives it its mode.
func checkDevice(i int, d *specs.LinuxDevice, fd int) error {
	where := at("linux.devices", i) + " " + d.Path
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &Error{Where: where, Err: sysError("fstat", err)}
	}
	kind, rdev := compile.DeviceNumber(d)
	if st.Mode&unix.S_IFMT != kind || kind != unix.S_IFIFO && st.Rdev != rdev {
		return &Error{Where: where, Err: text("something else is there already: " + describe(&st))}
	}
	if d.FileMode == nil || st.Mode&0o7777 == uint32(*d.FileMode)&0o7777 {
		return nil
	}
	// The descriptor is of the node itself (O_PATH), which this way is not resolved again.
	if err := unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), uint32(*d.FileMode)&0o7777); err != nil {
		return &Error{Where: where, Err: sysError("chmod", err)}
	}
	return nil
}

// describe says what a file is.
func describe(st *unix.Stat_t) string {
	number := " " + strconv.Itoa(int(unix.Major(st.Rdev))) + ":" + strconv.Itoa(int(unix.Minor(st.Rdev)))
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return "a regular file"
	case unix.S_IFDIR:
		return "a directory"
	case unix.S_IFLNK:
		return "a symbolic link"
	case unix.S_IFIFO:
		return "a FIFO"
	case unix.S_IFSOCK:
		return "a socket"
	case unix.S_IFBLK:
		return "the block device" + number
	}
	return "the character device" + number
}

// copyUp fills the tmpfs of mounts[i] with what it is going to cover. What a user namespace has
// mapped can be given to its users only by one who is root there.
func (c *creation) copyUp(i int, m *specs.Mount, from, to int) error {
	owner := true
	for _, o := range m.Options {
		if strings.HasPrefix(o, "uid=") || strings.HasPrefix(o, "gid=") {
			owner = false
		}
	}
	where := at("mounts", i) + " " + m.Destination + ": tmpcopyup"
	for _, n := range c.b.spec.Linux.Namespaces {
		if n.Type != specs.UserNamespace {
			continue
		}
		if len(c.o.CopyUp) == 0 {
			return &Error{Where: where, Err: text("the calling program cannot copy into a user namespace: CreateOptions.CopyUp is not set")}
		}
		args := append([]string(nil), c.o.CopyUp...)
		if owner {
			args = append(args, copyOwner)
		}
		said, err := c.asContainerRoot(args, from, to)
		if err != nil {
			return &Error{Where: where, Err: err}
		}
		if said != "" {
			return &Error{Where: where, Err: text(said)}
		}
		return nil
	}
	if err := copyup.Copy(from, to, owner); err != nil {
		return &Error{Where: where, Err: err}
	}
	return nil
}

const copyOwner = "owner"

// CopyUp is the other half of CreateOptions.CopyUp: the calling program was executed to copy the
// directory that is its standard input to the one that is its standard output. args are those
// after CreateOptions.CopyUp. The result is the program's exit code.
func CopyUp(args []string) (exitCode int) {
	unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	if err := copyup.Copy(0, 1, len(args) == 1 && args[0] == copyOwner); err != nil {
		os.Stderr.WriteString(err.Error())
		return 1
	}
	return 0
}

// asContainerRoot runs a sealed copy of the calling program as root of the container's user
// namespace. What it writes to its standard error is the result: nothing, if all went well.
func (c *creation) asContainerRoot(args []string, stdin, stdout int) (said string, err error) {
	exe, err := executor.SealedCopy()
	if err != nil {
		return "", err
	}
	defer unix.Close(exe)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return "", sysError("pipe2", err)
	}
	defer unix.Close(pipe[0])
	l, err := newLaunch()
	if err != nil {
		unix.Close(pipe[1])
		return "", err
	}
	l.own(pipe[1])
	defer l.abandon()
	k := compile.Helper(append([]string{"tare"}, args...), "mounts", -1)
	in := inputs{target: c.l.pidfd, streams: [3]int{stdin, stdout, pipe[1]}, exe: exe}
	fds, err := in.open(l, k.Inputs)
	if err != nil {
		return "", err
	}
	if err := l.start(&executor.Launch{Program: k.Program, Inputs: fds, Cgroup: -1}); err != nil {
		return "", err
	}
	if err := l.converse(); err != errExecuted {
		return "", err
	}
	said = readAll(pipe[0])
	status := l.reap(executor.Process{PID: l.pid, PIDFD: l.pidfd})
	l.pidfd = -1
	if said == "" && status != 0 {
		said = "the copying process ended with wait status " + strconv.Itoa(int(status))
	}
	return said, nil
}

// readAll reads what a pipe has until its end, a few KiB at most.
func readAll(fd int) string {
	buf := make([]byte, 4096)
	n := 0
	for n < len(buf) {
		got, err := unix.Read(fd, buf[n:])
		if err == unix.EINTR {
			continue
		}
		if got <= 0 || err != nil {
			break
		}
		n += got
	}
	return strings.TrimSpace(string(buf[:n]))
}
