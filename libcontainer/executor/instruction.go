// SPDX-License-Identifier: Apache-2.0

package executor

//lint:file-ignore U1000 the assembly takes the constants from go_asm.h

import "github.com/tare-runtime/tare/libcontainer/plan"

// instruction is a plan.Instruction as the assembly reads it, which finds the offsets of the
// members in go_asm.h. Offsets in it count from the Header and are never 0.
type instruction struct {
	args      [6]uint64 // values, or addresses of slots
	nr        uint32    // number of the system call
	index     uint32    // for the report: place in the Program, or prologueMark and a step
	out       uint32    // offset of the slot for the result; 0: none
	onError   uint32    // offset of the instruction after an error; 0: report
	onSuccess uint32    // offset of the instruction after success; 0: the next
	errno     uint16    // the error that onError takes; 0: any
	mask      uint8     // bit k: args[k] is the address of a slot
	flags     uint8     // zeroFails, remember
}

// What the assembly needs beside that. It takes the constants from go_asm.h as well.
const (
	zeroFails = 1 << 0
	remember  = 1 << 1

	arg0 = 0
	arg1 = 8
	arg2 = 16
	arg3 = 24
	arg4 = 32
	arg5 = 40

	headerReport = plan.HeaderReport
	headerFailed = plan.HeaderFailed
	headerErrno  = plan.HeaderErrno
	reportSize   = plan.ReportSize
	zeroErrno    = int(plan.ZeroErrno)
)

// prologueMark is set in the index of what the executor itself puts before a Program.
const prologueMark = 1 << 31

// The prologue's steps, for its failures.
const (
	stepUnmap = iota
	stepSignals
	stepClose
)

var stepNames = [...]string{"munmap", "rt_sigprocmask", "close_range"}

// entry is what enter loads into registers.
type entry struct {
	code       uintptr // the copy of the code in the arena
	header     uintptr // the Header
	first      uintptr // the first instruction
	nr         uintptr // the system call that clones
	arg0, arg1 uintptr // its arguments
}
