// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// console opens a pseudoterminal of the container's own devpts, makes its slave the
// controlling terminal and the standard streams, puts it on /dev/console, and sends the
// master to the launcher.
//
// The slave is opened from the master (TIOCGPTPEER), never by a name, and goes to /dev/console
// by its descriptor: nothing that an image puts below /dev can take its place (CVE-2025-52565).
func (c *compiler) console() {
	p := c.spec.Process
	if p == nil || !p.Terminal {
		return
	}
	c.out.Terminal = true
	c.at("process.terminal", "/dev/ptmx")
	master := c.openMaster()
	c.b.IoctlInt(master, unix.TIOCSPTLCK, 0)
	slave := c.b.Ioctl(master, unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC).FD()
	if s := p.ConsoleSize; s != nil {
		c.at("process.consoleSize", "")
		size := binary.NativeEndian.AppendUint16(nil, uint16(s.Height))
		size = binary.NativeEndian.AppendUint16(size, uint16(s.Width))
		c.b.IoctlBytes(master, unix.TIOCSWINSZ, plan.Winsize, append(size, 0, 0, 0, 0))
	}
	c.at("process.terminal", "/dev/console")
	if c.hasDev && c.ownMounts() {
		c.b.Mknodat(c.dev, "console", unix.S_IFREG|0o666, 0).Ignore(unix.EEXIST)
		at := c.b.Openat2(c.dev, "console", openPath(unix.O_NOFOLLOW, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS)).FD()
		tree := c.b.OpenTree(slave, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH).FD()
		c.b.MoveMount(tree, at)
		c.b.Close(at)
		c.b.Close(tree)
	}
	c.at("process.terminal", "")
	if p.User.UID != 0 {
		// The group stays: it may have no mapping in the container's user namespace.
		c.b.Fchownat(slave, "", int(p.User.UID), -1, unix.AT_EMPTY_PATH)
	}
	for i := range 3 {
		c.b.Dup3(slave, plan.Fixed(i), 0)
	}
	c.b.Close(slave)
	c.b.Ioctl(plan.Fixed(0), unix.TIOCSCTTY, 0)
	c.b.SendFD(c.report, master, StageConsole)
	c.b.Close(master)
}

// openMaster opens the multiplexer of the devpts that the plan mounted, or, where the
// container's /dev/pts is somebody else's, whatever terminal multiplexer is found there.
func (c *compiler) openMaster() plan.FD {
	how := plan.OpenHow{Flags: unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC}
	if c.hasPts {
		how.Resolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV
		return c.b.Openat2(c.devpts, "ptmx", how).FD()
	}
	how.Resolve = inRoot
	return c.b.Openat2(c.root, "/dev/ptmx", how).FD()
}
