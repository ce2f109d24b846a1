// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// Start lets the waiting process of a created container execute its program. It returns when
// the program runs, or with the reason why it does not.
func (c *Container) Start() error {
	if err := c.lock(); err != nil {
		return err
	}
	if err := c.requireStatus("start", Created); err != nil {
		return err
	}
	s, err := c.Config()
	if err != nil {
		return err
	}
	if s.Process == nil {
		return &Error{Where: "process", Err: text("process property must not be empty")}
	}
	// The status FIFO first: whoever has it open for reading misses nothing.
	status, err := c.dir.OpenFIFO("status", unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return err
	}
	defer unix.Close(status)
	if err := c.runStartHooks(s); err != nil {
		return err
	}
	start, err := c.dir.OpenFIFO("start", unix.O_WRONLY|unix.O_NONBLOCK)
	if err != nil {
		return err
	}
	_, err = unix.Write(start, []byte{1})
	unix.Close(start)
	if err != nil {
		return sysError("write", err)
	}
	if err := c.awaitExec(status); err != nil {
		return err
	}
	return c.runPoststart(s)
}

// awaitExec waits until the process has executed its program, which closes its end of the
// status FIFO, or has told why not: a place and then, in the last 16 bytes, the failure.
func (c *Container) awaitExec(status int) error {
	if err := unix.SetNonblock(status, false); err != nil {
		return sysError("fcntl", err)
	}
	var report []byte
	buf := make([]byte, 512)
	for {
		n, err := unix.Read(status, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return sysError("read", err)
		}
		if n == 0 {
			break
		}
		report = append(report, buf[:n]...)
	}
	if len(report) >= plan.ReportSize {
		place := report[:len(report)-plan.ReportSize]
		errno := syscall.Errno(binary.NativeEndian.Uint64(report[len(place)+8:]))
		if len(place) == 0 {
			place = []byte("process")
		}
		return sysError(string(place), errno)
	}
	if neverExecuted(c.state.PID) {
		return errDied
	}
	return nil
}

// requireStatus refuses an action that another status is needed for.
func (c *Container) requireStatus(action string, want Status) error {
	status, err := c.Status()
	if err != nil || status == want {
		return err
	}
	if action == "start" { // the words of runc
		switch status {
		case Stopped:
			return text("cannot start a container that has stopped")
		case Running:
			return text("cannot start an already running container")
		case Paused:
			return text("cannot start a container in the paused state")
		}
	}
	return text("container is " + string(status) + ", " + action + " needs " + string(want))
}
