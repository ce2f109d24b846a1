// SPDX-License-Identifier: Apache-2.0

// Package interp runs programs slowly, in ordinary Go. It is what the executor's assembly is
// tested against, and what tests without privileges run programs on: the system calls are those
// of a Kernel that the caller brings.
package interp

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// Kernel makes system calls. The result is the kernel's: a number, or an error in [-4095, -1].
// A call that has not returned (execve, exit_group) has ended.
type Kernel interface {
	Call(c plan.Call, args [6]uint64) (result int64, ended bool)
}

// Outcome is how a run came to its end.
type Outcome struct {
	Index  int           // the last instruction
	Failed bool          // it failed, and nothing took its error
	Errno  syscall.Errno // if it failed
	Steps  int           // how many instructions were run
	Header []byte        // as it was then
	Data   []byte        // as it was then; it is where the addresses lead
}

// Run runs p with the descriptors of its inputs. Addresses are real ones, into Outcome.Data and
// Outcome.Header, so that a Kernel may pass them on to the real one.
//
// It follows the description of plan.Instruction to the letter and trusts p to be one that
// plan.Verify accepts.
func Run(p *plan.Program, inputs []int, k Kernel) *Outcome {
	o := &Outcome{Header: aligned(plan.HeaderSize), Data: aligned(len(p.Data))}
	copy(o.Data, p.Data)
	for _, q := range p.Pointers {
		binary.NativeEndian.PutUint64(o.Data[q.At:], address(o.Data, uint64(q.To)))
	}
	for _, e := range p.Embedded {
		binary.NativeEndian.PutUint32(o.Data[e.At:], uint32(inputs[e.Input]))
	}
	for {
		o.Steps++
		in := &p.Instructions[o.Index]
		var args [6]uint64
		for i, a := range in.Args {
			switch a.Kind {
			case plan.Literal:
				args[i] = a.Value
			case plan.FromSlot:
				args[i] = binary.NativeEndian.Uint64(o.Data[a.Value:])
			case plan.InData:
				args[i] = address(o.Data, a.Value)
			case plan.InHeader:
				args[i] = address(o.Header, a.Value)
			case plan.FromInput:
				args[i] = uint64(inputs[a.Value])
			}
		}
		result, ended := k.Call(in.Call, args)
		if ended {
			return o
		}
		if result == 0 && in.ZeroFails {
			result = -int64(plan.ZeroErrno)
		}
		if result >= -4095 && result < 0 {
			errno := syscall.Errno(-result)
			taken := in.OnError != 0 && (in.Errno == 0 || in.Errno == errno)
			if !taken || in.Remember {
				binary.NativeEndian.PutUint64(o.Header[plan.HeaderFailed:], uint64(o.Index))
				binary.NativeEndian.PutUint64(o.Header[plan.HeaderErrno:], uint64(errno))
			}
			if !taken {
				o.Failed, o.Errno = true, errno
				return o
			}
			o.Index = in.OnError
			continue
		}
		if in.Out != 0 {
			binary.NativeEndian.PutUint64(o.Data[in.Out:], uint64(result))
		}
		if in.OnSuccess != 0 {
			o.Index = in.OnSuccess
		} else {
			o.Index++
		}
	}
}

// aligned is memory that begins at a multiple of eight bytes.
func aligned(n int) []byte {
	words := make([]uint64, n/8+1)
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n)
}

func address(memory []byte, offset uint64) uint64 {
	return uint64(uintptr(unsafe.Pointer(&memory[0]))) + offset
}
