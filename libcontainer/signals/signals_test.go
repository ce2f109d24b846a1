// SPDX-License-Identifier: Apache-2.0

package signals_test

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/signals"
)

// TestWatch sends every signal many times, with the Go runtime busy on all threads.
func TestWatch(t *testing.T) {
	w, err := signals.Start(signals.All())
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	for range 4 {
		go func() {
			for {
				select {
				case <-stop:
					return
				default:
					_ = make([]byte, 1<<16)
					runtime.Gosched()
				}
			}
		}()
	}
	defer close(stop)
	for round := range 200 {
		for _, want := range signals.All() {
			if err := unix.Kill(unix.Getpid(), want); err == unix.EINVAL && want == 64 {
				continue // qemu-user keeps the last one for itself
			} else if err != nil {
				t.Fatal(err)
			}
			p := []unix.PollFd{{Fd: int32(w.FD), Events: unix.POLLIN}}
			for {
				if _, err := unix.Poll(p, 5000); err != unix.EINTR {
					break
				}
			}
			var b [1]byte
			if n, err := unix.Read(w.FD, b[:]); n != 1 || unix.Signal(b[0]) != want {
				t.Fatalf("round %d: got %d, %v, %d, want %d", round, b[0], err, n, want)
			}
		}
	}
	w.Stop()
	if _, err := unix.FcntlInt(uintptr(w.FD), unix.F_GETFD, 0); err != unix.EBADF {
		t.Errorf("the pipe is still open: %v", err)
	}
}

// TestStop makes sure that the handlers of before are back: SIGWINCH is ignored by Go.
func TestStop(t *testing.T) {
	w, err := signals.Start([]unix.Signal{unix.SIGWINCH})
	if err != nil {
		t.Fatal(err)
	}
	w.Stop()
	if err := unix.Kill(unix.Getpid(), unix.SIGWINCH); err != nil {
		t.Fatal(err)
	}
}
