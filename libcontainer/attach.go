// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// attachment connects the caller of run or exec with the process: signals, and the terminal if
// the process has one.
type attachment struct {
	pidfd   int
	signals chan os.Signal
	tty     *terminal // nil: the process has the caller's own streams
}

// attach begins to pass signals on to the process behind pidfd, which stays the caller's.
// master is the process's terminal, which the attachment owns from here, or -1.
func attach(pidfd, master int) (*attachment, error) {
	a := &attachment{pidfd: pidfd, signals: make(chan os.Signal, 128)}
	if master >= 0 {
		tty, err := connectTerminal(master)
		if err != nil {
			return nil, err
		}
		a.tty = tty
	}
	signal.Notify(a.signals)
	go a.forward()
	return a, nil
}

// forward passes every signal on but those that are about ourselves: SIGCHLD, and SIGURG, by
// which the Go runtime preempts.
func (a *attachment) forward() {
	for s := range a.signals {
		n, ok := s.(syscall.Signal)
		switch {
		case !ok || n == unix.SIGCHLD || n == unix.SIGURG || n == unix.SIGPIPE:
		case n == unix.SIGWINCH && a.tty != nil:
			a.tty.resize()
		default:
			unix.PidfdSendSignal(a.pidfd, n, nil, 0)
		}
	}
}

// wait reaps pid, and, as a subreaper, every orphan that comes to us before it ends.
func (a *attachment) wait(pid int, subreaper bool) (exitCode int) {
	which := pid
	if subreaper {
		which = -1
	}
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(which, &status, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 255
		case got != pid:
		case status.Signaled():
			return 128 + int(status.Signal())
		default:
			return status.ExitStatus()
		}
	}
}

// detach ends the connection; a terminal is read to its end and the caller's own restored.
func (a *attachment) detach() {
	signal.Stop(a.signals)
	close(a.signals)
	if a.tty != nil {
		a.tty.disconnect()
	}
}
