// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"golang.org/x/sys/unix"
)

// terminal carries bytes between the caller's streams and the pty of a process.
type terminal struct {
	master int
	saved  *unix.Termios // of the caller's terminal; nil if standard input is none
	output chan struct{} // closed when all output has been written
}

// connectTerminal puts the caller's terminal in raw mode and begins to copy. It owns master.
func connectTerminal(master int) (*terminal, error) {
	t := &terminal{master: master, output: make(chan struct{})}
	if saved, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil {
		raw := *saved
		makeRaw(&raw)
		if err := unix.IoctlSetTermios(0, unix.TCSETS, &raw); err != nil {
			unix.Close(master)
			return nil, sysError("ioctl(TCSETS)", err)
		}
		t.saved = saved
		t.resize()
	}
	go t.copyInput()
	go t.copyOutput()
	return t, nil
}

// makeRaw is cfmakeraw(3): every byte goes through as it is.
func makeRaw(t *unix.Termios) {
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
}

// resize gives the pty the size of the caller's terminal.
func (t *terminal) resize() {
	if size, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ); err == nil {
		unix.IoctlSetWinsize(t.master, unix.TIOCSWINSZ, size)
	}
}

// endOfTransmission is what a terminal takes for the end of its input (VEOF).
const endOfTransmission = 4

func (t *terminal) copyInput() {
	buf := make([]byte, 4096)
	for {
		n, err := unix.Read(0, buf)
		switch {
		case err == unix.EINTR || err == unix.EAGAIN:
		case n <= 0:
			writeAll(t.master, []byte{endOfTransmission})
			return
		case !writeAll(t.master, buf[:n]):
			return
		}
	}
}

// copyOutput ends when the last holder of the slave is gone (EIO).
func (t *terminal) copyOutput() {
	defer close(t.output)
	buf := make([]byte, 32<<10)
	for {
		n, err := unix.Read(t.master, buf)
		switch {
		case err == unix.EINTR || err == unix.EAGAIN:
		case n <= 0:
			return
		case !writeAll(1, buf[:n]):
			return
		}
	}
}

func writeAll(fd int, b []byte) bool {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		switch err {
		case nil:
			b = b[n:]
		case unix.EINTR, unix.EAGAIN:
		default:
			return false
		}
	}
	return true
}

// disconnect waits for the rest of the output and gives the caller's terminal back as it was.
func (t *terminal) disconnect() {
	<-t.output
	unix.Close(t.master)
	if t.saved != nil {
		unix.IoctlSetTermios(0, unix.TCSETS, t.saved)
	}
}
