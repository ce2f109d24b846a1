// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/executor"
	"github.com/tare-runtime/tare/libcontainer/plan"
)

// Run creates a container and starts it. Unless o.Detach is set it stays with the process:
// signals are passed on, a terminal is connected, orphans are reaped; when the process ends
// the container is deleted (o.Keep: it is not), and the result is the process's exit code, or
// 128 and the number of the signal that killed it.
func Run(o *RunOptions) (exitCode int, err error) {
	c, err := prepare(&o.CreateOptions, true)
	if err != nil {
		return 0, err
	}
	if err := checkConsole(c.terminal(), o.Detach, o.ConsoleSocket); err != nil {
		c.around.close()
		return 0, err
	}
	if c.b.spec.Process == nil {
		c.around.close()
		return 0, &Error{Where: "process", Err: text("process property must not be empty")}
	}
	if !o.Detach && !o.NoSubreaper {
		unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	}
	if err := c.create(); err != nil {
		return 0, err
	}
	defer c.l.close()
	var att *attachment
	if !o.Detach {
		// Before the process runs: nobody's signal is lost, and none kills us alone.
		if att, err = attach(c.l.pidfd, c.l.master); err != nil {
			c.undo()
			return 0, err
		}
		c.l.master = -1
		defer att.detach()
	}
	if err := c.start(); err != nil {
		c.undo()
		return 0, err
	}
	if o.Detach {
		return 0, nil
	}
	code := att.wait(c.l.pid, !o.NoSubreaper)
	c.l.pid = 0
	if o.Keep {
		return code, nil
	}
	defer c.ctr.Close()
	return code, c.ctr.delete(DeleteOptions{Force: true, Warn: o.Warn})
}

// start lets a process go that was created by this very run.
func (c *creation) start() error {
	if err := c.ctr.runStartHooks(c.b.spec); err != nil {
		return err
	}
	if err := c.l.answer(); err != nil {
		return sysError("write", err)
	}
	if err := c.l.executed(); err != nil {
		return err
	}
	return c.ctr.runPoststart(c.b.spec)
}

// executed waits until the process has executed its program, which closes its end of the
// socket, or has told why not.
func (l *launch) executed() error {
	var buf [plan.HeaderSize]byte
	for {
		n, err := unix.Read(l.socket, buf[:])
		switch {
		case err == unix.EINTR:
		case err == unix.ECONNRESET: // it died before it had read the answer
			return l.died()
		case err != nil:
			return sysError("read", err)
		case n >= plan.ReportSize:
			return executor.Decode(l.program, buf[:n])
		default:
			if neverExecuted(l.pid) {
				return l.died()
			}
			return nil
		}
	}
}
