// SPDX-License-Identifier: Apache-2.0

package hooks

import (
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// mostOutput is how much of what a hook writes is kept for the error, from each of its streams.
// The rest is read, and lost.
const mostOutput = 32 << 10

// IO is the three standard streams of a hook: the state goes in, what it says comes out. It does
// not matter who launches the process, so it serves hooks in the container's namespaces too:
//
//	io, err := hooks.Open(state)
//	... launch with io.Child() as 0, 1 and 2
//	io.Launched()
//	err = io.Talk(pidfd, hooks.Timeout(&h))
//	... reap, in any case
//	if err == nil { err = io.Result(status) }
//	io.Close()
//	if err != nil { return &hooks.Error{"startContainer", i, h.Path, err} }
type IO struct {
	ours, theirs   [3]int // -1 when closed
	state          []byte // what is left to be written
	stdout, stderr []byte
	buf            []byte
}

// Open makes the pipes. All descriptors are close-on-exec; ours do not block.
func Open(state []byte) (*IO, error) {
	io := &IO{ours: [3]int{-1, -1, -1}, theirs: [3]int{-1, -1, -1}, state: state}
	for i := range 3 {
		var p [2]int
		if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
			io.Close()
			return nil, callError("pipe2", err)
		}
		io.ours[i], io.theirs[i] = p[0], p[1]
		if i == 0 {
			io.ours[i], io.theirs[i] = p[1], p[0]
		}
		if err := unix.SetNonblock(io.ours[i], true); err != nil {
			io.Close()
			return nil, callError("fcntl", err)
		}
	}
	return io, nil
}

// Child is the hook's ends, for its descriptors 0, 1 and 2. They stay the IO's.
func (io *IO) Child() [3]int { return io.theirs }

// Launched closes the hook's ends, which its process has now.
func (io *IO) Launched() {
	for i := range io.theirs {
		shut(&io.theirs[i])
	}
}

// Close closes everything. It may be called twice.
func (io *IO) Close() {
	io.Launched()
	for i := range io.ours {
		shut(&io.ours[i])
	}
}

func shut(fd *int) {
	if *fd >= 0 {
		unix.Close(*fd)
		*fd = -1
	}
}

// Talk gives the hook its state and takes what it writes until the process behind pidfd has
// ended, which the caller then must reap. After timeout (0: never) it kills the process, and the
// error says so. A hook that does not read its state is none the worse.
func (io *IO) Talk(pidfd int, timeout time.Duration) error {
	if len(io.state) == 0 {
		shut(&io.ours[0])
	}
	var until time.Time
	if timeout > 0 {
		until = time.Now().Add(timeout)
	}
	for {
		wait := -1
		if timeout > 0 {
			left := (time.Until(until) + time.Millisecond - 1) / time.Millisecond
			wait = int(min(max(0, left), math.MaxInt32)) // poll(2) takes an int
		}
		p := [4]unix.PollFd{
			{Fd: int32(pidfd), Events: unix.POLLIN},
			{Fd: int32(io.ours[0]), Events: unix.POLLOUT}, // a negative descriptor is passed over
			{Fd: int32(io.ours[1]), Events: unix.POLLIN},
			{Fd: int32(io.ours[2]), Events: unix.POLLIN},
		}
		n, err := unix.Poll(p[:], wait)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			kill(pidfd)
			return callError("poll", err)
		}
		if n == 0 && time.Now().Before(until) {
			continue
		}
		if n == 0 {
			kill(pidfd)
			return text("hook ran past specified timeout of " + strconv.FormatFloat(timeout.Seconds(), 'f', 1, 64) + "s" + io.said())
		}
		if p[1].Revents != 0 {
			io.give()
		}
		if p[2].Revents != 0 {
			io.take(1, &io.stdout)
		}
		if p[3].Revents != 0 {
			io.take(2, &io.stderr)
		}
		if p[0].Revents != 0 {
			// All that the process wrote is in the pipes by now; what its children may yet
			// write is not waited for.
			io.take(1, &io.stdout)
			io.take(2, &io.stderr)
			return nil
		}
	}
}

// kill ends the process and waits until it has.
func kill(pidfd int) {
	unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0)
	p := [1]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(p[:], -1); err != unix.EINTR {
			return
		}
	}
}

// give writes as much of the state as goes. Go turns SIGPIPE into EPIPE for descriptors but 1
// and 2.
func (io *IO) give() {
	for len(io.state) > 0 {
		n, err := unix.Write(io.ours[0], io.state)
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			return
		}
		if err != nil {
			break
		}
		io.state = io.state[n:]
	}
	shut(&io.ours[0])
}

// take reads what there is.
func (io *IO) take(i int, to *[]byte) {
	if io.buf == nil {
		io.buf = make([]byte, 4096)
	}
	for io.ours[i] >= 0 {
		n, err := unix.Read(io.ours[i], io.buf)
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			return
		}
		if n <= 0 || err != nil {
			shut(&io.ours[i])
			return
		}
		*to = append(*to, io.buf[:min(n, mostOutput-len(*to))]...)
	}
}

// Result is the error of a hook that has ended so, or nil.
func (io *IO) Result(status unix.WaitStatus) error {
	switch {
	case status.Exited() && status.ExitStatus() == 0:
		return nil
	case status.Exited():
		return text("exit status " + strconv.Itoa(status.ExitStatus()) + io.said())
	case status.Signaled():
		name := unix.SignalName(status.Signal())
		if name == "" { // a real-time signal
			name = "signal " + strconv.Itoa(int(status.Signal()))
		}
		return text("killed by " + name + io.said())
	}
	return text("wait status " + strconv.Itoa(int(status)) + io.said())
}

// said is the hook's output as an error has it. It stays in one line, as the log does.
func (io *IO) said() string {
	return ", stdout: " + oneLine(io.stdout) + ", stderr: " + oneLine(io.stderr)
}

func oneLine(b []byte) string {
	return strings.Join(strings.FieldsFunc(string(b), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
