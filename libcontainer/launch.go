// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"encoding/binary"
	"strconv"

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
	limited bool                                           // its memory is: who is killed was most likely killed for that
	master  int                                            // the pty's master, or -1
	onHooks func() error                                   // what StageHooks asks for
	onBorn  func() error                                   // the pid is known, and has not run yet beyond its namespaces
	onAsk   func(stage byte, index int, files []int) error // a question of the plan's (compile.StageDevice and so on)
	asked   []byte                                         // the question that files are still coming for
	files   []int
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

// message is what the process says: some bytes, and perhaps a descriptor.
type message struct {
	text []byte
	fd   int // ours to close; -1: none
}

// converse answers the process's messages until it is created (nil) or has gone.
//
// The process may speak before the helper that cloned it has told its pid: whose messages arrive
// first is the scheduler's choice. They are kept until the pid is known.
func (l *launch) converse() error {
	var early []message
	defer func() {
		for _, m := range early {
			shutFD(m.fd)
		}
	}()
	var buf [plan.HeaderSize]byte
	for {
		m, err := l.receive(buf[:])
		switch {
		case err != nil:
			return err
		case len(m.text) == 8 && l.relay && l.pid == 0:
			if err := l.relayed(int(binary.NativeEndian.Uint64(m.text))); err != nil {
				return err
			}
		case len(m.text) == 0 && len(early) == 0:
			return l.ended()
		case len(m.text) != 0:
			if l.relay && l.pid == 0 {
				m.text = append([]byte(nil), m.text...)
				early = append(early, m)
				continue
			}
			early = append(early, m)
		}
		for len(early) > 0 {
			m, early = early[0], early[1:]
			if created, err := l.hear(m); created || err != nil {
				return err
			}
		}
	}
}

// receive takes one message; one without bytes is the end. Its text is valid until the next one.
func (l *launch) receive(buf []byte) (message, error) {
	control := make([]byte, unix.CmsgSpace(4))
	for {
		n, oobn, _, _, err := unix.Recvmsg(l.socket, buf, control, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.ECONNRESET: // it died before it had read an answer
			return message{}, l.died()
		case err != nil:
			return message{}, sysError("recvmsg", err)
		}
		m := message{text: buf[:n], fd: -1}
		if oobn > 0 {
			if m.fd, err = descriptor(control[:oobn]); err != nil {
				return m, err
			}
		}
		return m, nil
	}
}

// descriptor is the one that came with a message.
func descriptor(control []byte) (int, error) {
	const none = text("a message of the container's process came without its descriptor")
	msgs, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(msgs) != 1 {
		return -1, none
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		return -1, none
	}
	return fds[0], nil
}

func shutFD(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}

// hear acts on one message, and owns its descriptor.
func (l *launch) hear(m message) (created bool, err error) {
	const none = text("the container's process sent a message that is none")
	if len(m.text) >= plan.ReportSize {
		return false, executor.Decode(l.program, m.text)
	}
	switch {
	case len(m.text) == 5 && l.onAsk != nil:
		l.asked = append([]byte(nil), m.text...)
		return false, nil
	case len(m.text) != 1:
		shutFD(m.fd)
		return false, none
	}
	switch stage := m.text[0]; {
	case stage == compile.StageConsole && m.fd >= 0:
		l.master = m.fd
		return false, nil
	case stage == compile.StageFile && m.fd >= 0 && l.asked != nil:
		l.files = append(l.files, m.fd)
		if len(l.files) < filesOf(l.asked[0]) {
			return false, nil
		}
		return false, l.reply()
	case stage == compile.StageHooks:
		if err := l.onHooks(); err != nil {
			return false, err
		}
		if err := l.answer(); err != nil {
			return false, sysError("write", err)
		}
		return false, nil
	case stage == compile.StageCreated:
		return true, nil
	}
	shutFD(m.fd)
	return false, none
}

// filesOf is how many descriptors come with a question.
func filesOf(stage byte) int {
	if stage == compile.StageCopy {
		return 2
	}
	return 1
}

// reply answers a question whose files are all there.
func (l *launch) reply() error {
	err := l.onAsk(l.asked[0], int(binary.NativeEndian.Uint32(l.asked[1:])), l.files)
	for _, fd := range l.files {
		unix.Close(fd)
	}
	l.asked, l.files = nil, nil
	if err != nil {
		return err
	}
	if err := l.answer(); err != nil {
		return sysError("write", err)
	}
	return nil
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
	for _, fd := range append(append(l.owned, l.files...), l.socket, l.theirs, l.master, l.pidfd) {
		shutFD(fd)
	}
	l.files = nil
	l.owned, l.socket, l.theirs, l.master, l.pidfd = nil, -1, -1, -1, -1
}

// setOutside sets what the process has no right to set itself.
func setOutside(pid int, c *compile.Container, s *specs.Spec) error {
	if c.Rlimits {
		if err := setRlimits(pid, s.Process.Rlimits); err != nil {
			return err
		}
	}
	if c.Scheduler {
		a := compile.Scheduling(s.Process.Scheduler)
		attr := unix.SchedAttr{
			Size: unix.SizeofSchedAttr, Policy: a.Policy, Flags: a.Flags, Nice: a.Nice, Priority: a.Priority,
			Runtime: a.Runtime, Deadline: a.Deadline, Period: a.Period,
		}
		if err := unix.SchedSetAttr(pid, &attr, 0); err != nil {
			return &Error{
				Where: "process.scheduler " + string(s.Process.Scheduler.Policy), Err: sysError("sched_setattr", err),
				Tip: compile.SchedulerHint(s),
			}
		}
	}
	if c.IOPriority {
		p := s.Process.IOPriority
		_, _, errno := unix.Syscall(unix.SYS_IOPRIO_SET, compile.IOPrioWhoProcess, uintptr(pid), uintptr(compile.IOPriority(p)))
		if errno != 0 {
			return &Error{Where: "process.ioPriority " + string(p.Class) + " " + strconv.Itoa(p.Priority), Err: sysError("ioprio_set", errno)}
		}
	}
	return nil
}

// setRlimits sets process.rlimits.
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
