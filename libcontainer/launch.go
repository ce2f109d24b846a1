// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"encoding/binary"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/compile"
	"github.com/tare-runtime/tare/libcontainer/executor"
	"github.com/tare-runtime/tare/libcontainer/plan"
	"github.com/tare-runtime/tare/spec"
)

// launch is a process on its way into a container: what the launcher holds between the clone
// and the last answer. Every descriptor in it is the launcher's and close-on-exec.
type launch struct {
	program *plan.Program
	socket  int   // our end of the report socket
	theirs  int   // the process's end, or -1 once it has it
	owned   []int // other descriptors to close when the process has them
	first   executor.Process
	pid     int // of the container's process
	pidfd   int // of the container's process; -1 before it is known
	relay   bool
	limited bool         // its memory is: who is killed was most likely killed for that
	master  int          // the pty's master, or -1
	onHooks func() error // what StageHooks asks for
	onBorn  func() error // the pid is known, and has not run yet beyond its namespaces
}

// newLaunch opens the report socket. SOCK_SEQPACKET keeps messages apart and tells of the
// peer's death.
func newLaunch() (*launch, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, sysError("socketpair", err)
	}
	return &launch{socket: pair[0], theirs: pair[1], pidfd: -1, master: -1, first: executor.Process{PIDFD: -1}}, nil
}

// own adds a descriptor that is closed once the process has it.
func (l *launch) own(fd int) int {
	l.owned = append(l.owned, fd)
	return fd
}

// start clones the process.
func (l *launch) start(e *executor.Launch) error {
	e.Report = l.theirs
	p, err := executor.Start(e)
	if err != nil {
		return err
	}
	l.first, l.program = p, e.Program
	unix.Close(l.theirs)
	l.theirs = -1
	for _, fd := range l.owned {
		unix.Close(fd)
	}
	l.owned = nil
	if !l.relay {
		l.pid, l.pidfd = p.PID, p.PIDFD
		return l.born()
	}
	return nil
}

func (l *launch) born() error {
	if l.onBorn == nil {
		return nil
	}
	return l.onBorn()
}

// answer lets the process go on.
func (l *launch) answer() error {
	_, err := unix.Write(l.socket, []byte{1})
	if err == unix.EPIPE {
		return nil // it is dead: the next message tells why
	}
	return err
}

// errExecuted is how a conversation ends with a process that says nothing of its own when all
// went well: it has executed its program.
const errExecuted = text("executed")

// ended explains an end of file: the program was executed, or the process is dead.
func (l *launch) ended() error {
	if l.pid != 0 && !neverExecuted(l.pid) {
		return errExecuted
	}
	return l.died()
}

// The process died before it said anything about why.
const errDied = text("the container's process died while it was set up")

// converse answers the process's messages until it is created (nil) or has gone.
//
// The process may speak before the helper that cloned it has told its pid: whose messages arrive
// first is the scheduler's choice. They are kept until the pid is known.
func (l *launch) converse() error {
	var buf [plan.HeaderSize]byte
	var early [][]byte
	control := make([]byte, unix.CmsgSpace(4))
	for {
		n, oobn, _, _, err := unix.Recvmsg(l.socket, buf[:], control, unix.MSG_CMSG_CLOEXEC)
		message := buf[:max(n, 0)]
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.ECONNRESET: // it died before it had read an answer
			return l.died()
		case err != nil:
			return sysError("recvmsg", err)
		case n == 1 && buf[0] == compile.StageConsole:
			if err := l.takeMaster(control[:oobn]); err != nil {
				return err
			}
			continue
		case n == 8 && l.relay && l.pid == 0:
			if err := l.relayed(int(binary.NativeEndian.Uint64(message))); err != nil {
				return err
			}
		case n == 0 && len(early) == 0:
			return l.ended()
		case l.relay && l.pid == 0 && n != 0:
			early = append(early, append([]byte(nil), message...))
			continue
		case n != 0:
			early = append(early, message)
		}
		for _, m := range early {
			if created, err := l.hear(m); created || err != nil {
				return err
			}
		}
		early = nil
	}
}

// hear acts on one message.
func (l *launch) hear(message []byte) (created bool, err error) {
	switch {
	case len(message) >= plan.ReportSize:
		return false, executor.Decode(l.program, message)
	case len(message) == 1 && message[0] == compile.StageHooks:
		if err := l.onHooks(); err != nil {
			return false, err
		}
		if err := l.answer(); err != nil {
			return false, sysError("write", err)
		}
		return false, nil
	case len(message) == 1 && message[0] == compile.StageCreated:
		return true, nil
	}
	return false, text("the container's process sent a message that is none")
}

// relayed takes the pid of the container's process from the helper that cloned it, and reaps
// the helper. The process is our own child (CLONE_PARENT), so its pid is its own until we reap it.
func (l *launch) relayed(pid int) error {
	l.reap(l.first)
	l.first.PIDFD = -1
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return sysError("pidfd_open", err)
	}
	l.pid, l.pidfd = pid, fd
	return l.born()
}

func (l *launch) reap(p executor.Process) unix.WaitStatus {
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(p.PID, &status, unix.WALL, nil); err != unix.EINTR {
			break
		}
	}
	if p.PIDFD >= 0 {
		unix.Close(p.PIDFD)
	}
	return status
}

// died explains an end of file: the usual reason is the kernel's killer of those who have too
// little memory.
func (l *launch) died() error {
	p := l.first
	if l.pid != 0 {
		p = executor.Process{PID: l.pid, PIDFD: l.pidfd}
	}
	status := l.reap(p)
	l.pid, l.pidfd = 0, -1
	if status.Signaled() && status.Signal() == unix.SIGKILL && l.limited {
		return &Error{Where: "linux.resources.memory.limit", Err: text("container init was OOM-killed (memory limit too low?)")}
	}
	return errDied
}

// takeMaster takes the descriptor that came with a message.
func (l *launch) takeMaster(control []byte) error {
	msgs, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(msgs) != 1 {
		return text("the console came without its descriptor")
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		return text("the console came without its descriptor")
	}
	l.master = fds[0]
	return nil
}

// abandon ends whatever there is of the process and closes everything.
func (l *launch) abandon() {
	if l.pidfd >= 0 {
		unix.PidfdSendSignal(l.pidfd, unix.SIGKILL, nil, 0)
		l.reap(executor.Process{PID: l.pid, PIDFD: l.pidfd})
		l.pidfd = -1
	} else if l.relay && l.first.PIDFD >= 0 {
		unix.PidfdSendSignal(l.first.PIDFD, unix.SIGKILL, nil, 0)
		l.reap(l.first)
	}
	l.close()
}

// close lets go of the launcher's descriptors; the process, if it lives, goes on or notices.
func (l *launch) close() {
	for _, fd := range append(l.owned, l.socket, l.theirs, l.master, l.pidfd) {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	l.owned, l.socket, l.theirs, l.master, l.pidfd = nil, -1, -1, -1, -1
}

// setRlimits sets limits that the process has no right to set itself.
func setRlimits(pid int, list []specs.POSIXRlimit) error {
	for i, r := range list {
		number, _ := spec.RlimitNumber(r.Type)
		limit := unix.Rlimit{Cur: r.Soft, Max: r.Hard}
		if err := unix.Prlimit(pid, number, &limit, nil); err != nil {
			return &Error{Where: at("process.rlimits", i) + " " + r.Type, Err: sysError("prlimit", err)}
		}
	}
	return nil
}
