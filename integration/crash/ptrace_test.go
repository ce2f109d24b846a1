// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// killAt runs a program and kills it when it enters its nth system call, the calls of all its
// threads counted together. The call is not executed. It returns the number of that call, or
// ended if the program came to its end first, with n-1 calls or fewer.
//
// Only threads are traced: the processes that the program makes live on.
func killAt(t *testing.T, n int, argv ...string) (call uint64, ended bool) {
	t.Helper()
	// A tracer is a thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	cmd.Stdin = null // files, not pipes: nothing of ours waits for the program's children
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	defer cmd.Process.Release()
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil || !status.Stopped() {
		t.Fatalf("wait4: %v, %#x", err, status)
	}
	const options = unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_EXITKILL
	if err := unix.PtraceSetOptions(pid, options); err != nil {
		t.Fatal(err)
	}
	if err := unix.PtraceSyscall(pid, 0); err != nil {
		t.Fatal(err)
	}
	for calls := 0; ; {
		tid, err := unix.Wait4(-1, &status, unix.WALL, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if status.Exited() || status.Signaled() {
			if tid == pid {
				return 0, true
			}
			continue // a thread, or a process that was left to us
		}
		signal := 0
		switch {
		case status.StopSignal() == unix.SIGTRAP|0x80:
			if nr, entry := systemCall(t, tid); entry {
				if calls++; calls == n {
					kill(t, pid)
					return nr, false
				}
			}
		case status.StopSignal() == unix.SIGTRAP: // a thread was made
		case status.StopSignal() == unix.SIGSTOP: // a thread begins
		default:
			signal = int(status.StopSignal())
		}
		if err := unix.PtraceSyscall(tid, signal); err != nil && err != unix.ESRCH {
			t.Fatal(err)
		}
	}
}

// kill kills the traced program and reaps it: its first thread is the last to be reaped.
func kill(t *testing.T, pid int) {
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for {
		var status unix.WaitStatus
		tid, err := unix.Wait4(-1, &status, unix.WALL, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			t.Fatal(err)
		case tid == pid && (status.Exited() || status.Signaled()):
			return
		case status.Stopped():
			unix.PtraceCont(tid, 0) // it had stopped before it was killed
		}
	}
}

// systemCall asks which system call a thread enters or leaves (PTRACE_GET_SYSCALL_INFO, 5.3).
func systemCall(t *testing.T, tid int) (nr uint64, entry bool) {
	var info struct {
		op   uint8
		_    [3]uint8
		arch uint32
		ip   uint64
		sp   uint64
		nr   uint64
		args [6]uint64
	}
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid),
		unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno == unix.ESRCH {
		return 0, false
	}
	if errno != 0 {
		t.Fatal("PTRACE_GET_SYSCALL_INFO: ", errno)
	}
	return info.nr, info.op == unix.PTRACE_SYSCALL_INFO_ENTRY
}
