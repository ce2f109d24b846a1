// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// checkConsole says whether a terminal and its socket were asked for in a way that makes
// sense together.
func checkConsole(terminal, detach bool, socket string) error {
	switch {
	case terminal && detach && socket == "":
		return &Error{Where: "process.terminal", Err: text("cannot allocate tty if tare will detach without setting console socket")}
	case socket != "" && !(terminal && detach):
		return &Error{Where: "--console-socket " + socket, Err: text("cannot use console socket if tare will not detach or allocate tty")}
	}
	return nil
}

// dial connects to the unix socket at path.
func dial(path string) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, sysError("socket", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		unix.Close(fd)
		return -1, sysError("connect", err)
	}
	return fd, nil
}

// sendConsole hands the pty's master over a console socket: one message, whose payload is the
// terminal's name inside the container.
func sendConsole(socket, master int) error {
	name := "/dev/pts/0"
	if n, err := unix.IoctlGetInt(master, unix.TIOCGPTN); err == nil {
		name = "/dev/pts/" + strconv.Itoa(n)
	}
	return sendFD(socket, master, name)
}

// handOverConsole gives a console socket the pty's master.
func handOverConsole(name string, master int) error {
	return handOver("--console-socket "+name, name, func(socket int) error { return sendConsole(socket, master) })
}

// handOverPidfd gives a socket the pidfd of a process.
func handOverPidfd(name string, pidfd int) error {
	return handOver("--pidfd-socket "+name, name, func(socket int) error { return sendFD(socket, pidfd, "pidfd") })
}

func handOver(where, name string, send func(socket int) error) error {
	socket, err := dial(name)
	if err == nil {
		err = send(socket)
		unix.Close(socket)
	}
	if err != nil {
		return &Error{Where: where, Err: err}
	}
	return nil
}

// sendFD sends a descriptor and a text over a socket.
func sendFD(socket, fd int, text string) error {
	if err := unix.Sendmsg(socket, []byte(text), unix.UnixRights(fd), nil, unix.MSG_NOSIGNAL); err != nil {
		return sysError("sendmsg", err)
	}
	return nil
}
