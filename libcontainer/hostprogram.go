// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// runHelper runs a program of the host to its end, with an empty environment. What it wrote is
// returned, ready to be appended to a message.
func runHelper(path string, args []string) (output string, err error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return "", sysError("pipe2", err)
	}
	defer unix.Close(pipe[0])
	null, err := openFile("/dev/null", unix.O_RDONLY)
	if err != nil {
		unix.Close(pipe[1])
		return "", sysError("open /dev/null", err)
	}
	pid, err := syscall.ForkExec(path, args, &syscall.ProcAttr{
		Files: []uintptr{uintptr(null), uintptr(pipe[1]), uintptr(pipe[1])},
	})
	unix.Close(pipe[1])
	unix.Close(null)
	if err != nil {
		return "", sysError("execve "+strconv.Quote(path), err)
	}
	said := readAll(pipe[0])
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(pid, &status, 0, nil); err != unix.EINTR {
			break
		}
	}
	if said != "" {
		output = ": " + said
	}
	if status.ExitStatus() != 0 {
		return output, text("exit status " + strconv.Itoa(status.ExitStatus()))
	}
	return output, nil
}
