// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/signals"
)

// attachment connects the caller of run or exec with the process: signals, and the terminal if
// the process has one.
type attachment struct {
	pidfd int
	watch *signals.Watch
	tty   *terminal // nil: the process has the caller's own streams
}

// attach begins to take signals for the process behind pidfd, which stays the caller's; wait
// passes them on. master is the process's terminal, which the attachment owns from here, or -1.
func attach(pidfd, master int) (*attachment, error) {
	watch, err := signals.Start(signals.All())
	if err != nil {
		if master >= 0 {
			unix.Close(master)
		}
		return nil, sysError("rt_sigaction", err)
	}
	a := &attachment{pidfd: pidfd, watch: watch}
	if master >= 0 {
		if a.tty, err = connectTerminal(master); err != nil {
			watch.Stop()
			return nil, err
		}
	}
	return a, nil
}

// wait passes signals on until pid has ended and reaps it. As a subreaper it reaps every orphan
// that comes to us as well.
func (a *attachment) wait(pid int, subreaper bool) (exitCode int) {
	fds := [2]unix.PollFd{{Fd: int32(a.watch.FD), Events: unix.POLLIN}, {Fd: int32(a.pidfd), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds[:], -1); err != nil && err != unix.EINTR {
			return 255
		}
		if fds[0].Revents != 0 {
			a.forward()
		}
		if fds[1].Revents != 0 {
			return reapCode(pid)
		}
		if subreaper {
			a.reapOrphans(pid)
		}
	}
}

// reapCode takes the exit status of a child that has ended, as a shell would tell it.
func reapCode(pid int) int {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 255
		case status.Signaled():
			return 128 + int(status.Signal())
		default:
			return status.ExitStatus()
		}
	}
}

// reapOrphans reaps whoever has ended but pid.
func (a *attachment) reapOrphans(pid int) {
	for {
		var info unix.Siginfo
		// Looking first, since a child once reaped is gone: pid's turn is when its pidfd says so.
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		child := childOf(&info)
		if err != nil || child == 0 || child == pid {
			return
		}
		unix.Wait4(child, nil, unix.WNOHANG, nil)
	}
}

// forward passes on the signals that have come, but SIGCHLD, which is ours; SIGWINCH is about
// our own terminal if there is one.
func (a *attachment) forward() {
	var buf [64]byte
	for {
		n, err := unix.Read(a.watch.FD, buf[:])
		if n <= 0 || err != nil {
			return
		}
		for _, b := range buf[:n] {
			switch s := unix.Signal(b); {
			case s == unix.SIGCHLD:
			case s == unix.SIGWINCH && a.tty != nil:
				a.tty.resize()
			default:
				unix.PidfdSendSignal(a.pidfd, s, nil, 0)
			}
		}
	}
}

// detach ends the connection; a terminal is read to its end and the caller's own restored.
func (a *attachment) detach() {
	if a.tty != nil {
		a.tty.disconnect()
	}
	a.watch.Stop()
}
