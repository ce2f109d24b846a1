// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"
)

// procStat is what /proc/PID/stat says of a process (proc_pid_stat(5)).
type procStat struct {
	state   byte   // field 3: R, S, D, Z, T, t, X, I
	flags   uint64 // field 9: PF_* of include/linux/sched.h
	threads int    // field 20
	start   uint64 // field 22, in clock ticks since boot
}

// pfForkNoExec is set at a process's birth and cleared by execve.
const pfForkNoExec = 0x40

// readStat reads /proc/PID/stat. ESRCH: there is no such process.
func readStat(pid int) (procStat, error) {
	var name [32]byte
	path := append(name[:0], "/proc/"...)
	path = strconv.AppendInt(path, int64(pid), 10)
	path = append(path, "/stat"...)
	fd, err := openFile(string(path), unix.O_RDONLY)
	if err == unix.ENOENT {
		return procStat{}, unix.ESRCH
	}
	if err != nil {
		return procStat{}, err
	}
	defer unix.Close(fd)
	var buf [1024]byte // 52 numbers and a name of at most 64 bytes
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return procStat{}, err
	}
	return parseStat(buf[:n])
}

func parseStat(b []byte) (s procStat, err error) {
	// The name, in parentheses, may hold anything, parentheses and spaces too.
	i := bytes.LastIndexByte(b, ')')
	if i < 0 || len(b) < i+4 {
		return s, unix.EIO
	}
	s.state = b[i+2]
	b = b[i+4:]
	for field := 4; field <= 22; field++ {
		word, rest, _ := bytes.Cut(b, []byte{' '})
		b = rest
		switch field {
		case 9:
			s.flags, err = strconv.ParseUint(string(word), 10, 64)
		case 20:
			s.threads, err = strconv.Atoi(string(word))
		case 22:
			s.start, err = strconv.ParseUint(string(word), 10, 64)
		}
		if err != nil {
			return s, unix.EIO
		}
	}
	return s, nil
}

// ended tells whether nothing of the process runs any more. A first thread that has ended before
// the others is a zombie too, of a process that lives.
func (s *procStat) ended() bool {
	return s.state == 'X' || s.state == 'Z' && s.threads <= 1
}

// executed tells whether the process has executed a program since it was cloned.
func (s *procStat) executed() bool { return s.flags&pfForkNoExec == 0 }

// neverExecuted tells of a process that has closed its end of a socket or FIFO whether it did so by
// dying: execve clears the mark before it closes descriptors, and a dying process closes them
// before it is a zombie.
func neverExecuted(pid int) bool {
	s, err := readStat(pid)
	return err == nil && !s.executed()
}

// openFile is open(2), close-on-exec.
func openFile(path string, flags int) (int, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}
