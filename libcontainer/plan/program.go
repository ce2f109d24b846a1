// SPDX-License-Identifier: Apache-2.0

// Package plan holds the program that a container's first process runs: a list of system
// calls with their arguments already laid out in memory.
//
// A Program never loops: jumps go forward only, so every run ends in a call that does not
// return (execve, exit_group) or in a failure that names its instruction. It holds no
// addresses and no numbers of descriptors: those are bound by the executor, so that the same
// config.json gives the same Program, and the same text, on every machine.
package plan

import (
	"bytes"
	"syscall"
)

// Kind says how the value of an Arg is found.
type Kind uint8

// The kinds of argument value.
const (
	Literal   Kind = iota // Value itself
	FromSlot              // the word that the program stored in slot Value
	InData                // the address of Data[Value]
	InHeader              // the address of byte Value of the Header
	FromInput             // the number of the descriptor Inputs[Value], given at launch
)

// Arg is one argument of an instruction.
type Arg struct {
	Value uint64
	Kind  Kind
}

// Instruction is one system call and what follows it.
//
// A result in [-4095, -1] is an error, and so is zero where ZeroFails is set (it then counts
// as ZeroErrno). An error equal to Errno, or any error where Errno is 0, goes on at OnError,
// if that is not 0; every other error ends the run with a report. Success stores the result
// in Out, if that is not 0, and goes on at OnSuccess, or at the next instruction if that is 0.
type Instruction struct {
	Call      Call
	ZeroFails bool          // a result of zero is an error: a peer died, or this is clone3's child
	Remember  bool          // an error is written to the Header even if OnError takes it
	Errno     syscall.Errno // the error that OnError takes; 0: any
	Args      [6]Arg        // as many as Call's signature has
	Out       Slot          // 0: the result is dropped
	OnError   int           // index of an instruction further down; 0: report and exit
	OnSuccess int           // index of an instruction further down; 0: the next one
	Note      int           // index into Notes
}

// ZeroErrno is the error that a forbidden zero result counts as.
const ZeroErrno = syscall.EPIPE

// Slot is a word of the program's memory: its offset in Data, which is never 0, a multiple of 8.
type Slot uint32

// Note says, in the user's terms, what an instruction is for.
type Note struct {
	Where  string // place in config.json or flag: "mounts", "process.cwd", "linux.sysctl"
	Index  int    // the element of Where, if Where is a list; -1: none
	Key    string // the key or member below Where: "net.ipv4.ip_forward"
	Object string // what the call works on, as the user wrote it: "/data"
	Hint   string // what to do when it fails; may be empty
}

// Object is a typed piece of Data. A Slot is an Object of its own, with Param Word, or the
// word inside a structure that takes a descriptor.
type Object struct {
	Offset, Len uint32
	Param       Param
}

// Pointer is a place in Data that must hold the address of another place in Data.
type Pointer struct{ At, To uint32 }

// Embedded is a 32-bit word in Data that must hold the number of a descriptor.
type Embedded struct {
	At    uint32
	Input int
}

// Program is a finished plan. Data begins with eight bytes that belong to nobody, so that no
// object has offset 0.
type Program struct {
	Instructions []Instruction
	Notes        []Note
	Data         []byte
	Objects      []Object   // in order of Offset
	Pointers     []Pointer  // for argv, envp, struct msghdr
	Embedded     []Embedded // descriptors handed over whose number stands inside a structure
	Inputs       []Input    // descriptors that the launcher hands over
}

// Input names a descriptor that the launcher hands to the program.
type Input struct {
	Name string // "start", "report", "namespace:net" ...
	Keep bool   // the program may leave it open until execve closes it
}

// Header is the memory in front of the first instruction, through which a failing program
// tells where: what is reported begins at HeaderFailed.
const (
	HeaderReport = 0   // descriptor that a failure is written to
	HeaderFailed = 8   // index of the failed instruction
	HeaderErrno  = 16  // its errno
	HeaderText   = 24  // text of the kernel that belongs to it, NUL-padded
	HeaderSize   = 256 // of the whole
	ReportSize   = 16  // failed, errno
	TextSize     = HeaderSize - HeaderText
)

// String is the string that an argument points to; "" if it points to none.
func (p *Program) String(a Arg) string {
	if a.Kind != InData || a.Value >= uint64(len(p.Data)) {
		return ""
	}
	s, _, _ := bytes.Cut(p.Data[a.Value:], []byte{0})
	return string(s)
}
