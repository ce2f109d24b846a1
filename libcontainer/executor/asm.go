// SPDX-License-Identifier: Apache-2.0

//go:build amd64 || arm64

package executor

//lint:file-ignore U1000 the assembly takes the constants from go_asm.h

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const supported = true

const (
	sysWrite     = unix.SYS_WRITE
	sysExitGroup = unix.SYS_EXIT_GROUP
)

// bounds tells where the code is that children run.
func bounds() (start, end unsafe.Pointer)

// enter calls the code in the arena. It returns, in the parent alone, what the clone returned.
//
//go:noescape
func enter(e *entry) uintptr

// publish makes code that was written to [start, end) visible to the fetching of instructions
// on every CPU.
func publish(start, end uintptr)

// The Go runtime's own precautions around a fork: it blocks the thread's signals and gives them
// back. Go keeps the two for programs that clone by themselves (go.dev/issue/67401).
//
//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

// clone makes the child. Between the two hooks the stack must not grow.
//
//go:nosplit
//go:norace
func clone(e *entry) uintptr {
	beforeFork()
	r := enter(e)
	afterFork()
	return r
}
