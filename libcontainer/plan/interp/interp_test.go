// SPDX-License-Identifier: Apache-2.0

package interp_test

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
	"github.com/tare-runtime/tare/libcontainer/plan/interp"
)

// script answers calls in turn; with nothing left it ends.
type script struct {
	answers []int64
	calls   []plan.Call
	args    [][6]uint64
}

func (s *script) Call(c plan.Call, args [6]uint64) (int64, bool) {
	s.calls, s.args = append(s.calls, c), append(s.args, args)
	if len(s.answers) == 0 {
		return 0, true
	}
	r := s.answers[0]
	s.answers = s.answers[1:]
	return r, false
}

func TestRun(t *testing.T) {
	b := plan.NewBuilder()
	b.At(plan.Note{Where: "test", Index: -1})
	slot, end := b.Slot(), b.Label()
	b.Getpid().Into(slot)                            // 0
	b.Kill(1, 2).OnError(unix.ESRCH, end)            // 1
	b.Read(b.Input("in"), b.Buffer(8)).ZeroFails()   // 2
	b.Bind(end)                                      //
	b.Close(slot.FD()).Ignore(unix.EBADF).Remember() // 3
	last := b.Label()
	b.Umask(0).OnError(0, last) // 4
	b.ExitGroup(1)              // 5
	b.Bind(last)
	b.ExitGroup(2) // 6
	p := b.Build()
	for _, test := range []struct {
		name    string
		answers []int64
		index   int
		errno   unix.Errno
		steps   int
	}{
		{"straight", []int64{7, 0, 8, 0, 0}, 5, 0, 6},
		{"taken by number", []int64{7, -int64(unix.ESRCH), 0, 0}, 5, 0, 5},
		{"another number", []int64{7, -int64(unix.EPERM)}, 1, unix.EPERM, 2},
		{"zero", []int64{7, 0, 0}, 2, plan.ZeroErrno, 3},
		{"remembered", []int64{7, 0, 8, -int64(unix.EBADF), 0}, 5, 0, 6},
		{"any", []int64{7, 0, 8, 0, -int64(unix.EIO)}, 6, 0, 6},
		{"not an error", []int64{-4096, 0, 8, 0, 0}, 5, 0, 6},
	} {
		k := &script{answers: test.answers}
		o := interp.Run(p, []int{42}, k)
		if o.Index != test.index || o.Errno != test.errno || o.Failed != (test.errno != 0) || o.Steps != test.steps {
			t.Errorf("%s: %+v", test.name, o)
		}
		if got := binary.NativeEndian.Uint64(o.Data[slot:]); got != uint64(test.answers[0]) {
			t.Errorf("%s: slot is %d", test.name, got)
		}
		if test.name == "remembered" && binary.NativeEndian.Uint64(o.Header[plan.HeaderFailed:]) != 3 {
			t.Errorf("%s: header is % x", test.name, o.Header[:24])
		}
		for i, c := range k.calls {
			switch {
			case c == plan.Read && k.args[i][0] != 42:
				t.Errorf("%s: input is %d", test.name, k.args[i][0])
			case c == plan.Close && k.args[i][0] != uint64(test.answers[0]):
				t.Errorf("%s: close(%d)", test.name, k.args[i][0])
			}
		}
	}
}

// anyKernel answers with the bytes of a fuzzer's input.
type anyKernel struct{ input []byte }

func (k *anyKernel) Call(c plan.Call, args [6]uint64) (int64, bool) {
	answer := byte(0)
	if len(k.input) > 0 {
		answer, k.input = k.input[0], k.input[1:]
	}
	switch c.Signature().Result {
	case plan.Never:
		return -int64(answer), answer == 0
	default:
		return int64(int8(answer)), false
	}
}

// FuzzEnd: whatever the kernel answers, a program that Verify accepts comes to its end, with no
// instruction run twice.
func FuzzEnd(f *testing.F) {
	f.Add([]byte("input <report> keep\ntest\n   0  $1 = getpid() ? ENOENT -> 1\n   1  exit_group(1)\n"), []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, text, answers []byte) {
		p, err := plan.Parse(text)
		if err != nil || plan.Verify(p) != nil || len(p.Inputs) > 64 {
			return
		}
		o := interp.Run(p, make([]int, len(p.Inputs)), &anyKernel{answers})
		if o.Steps > len(p.Instructions) {
			t.Fatalf("%d steps of %d instructions", o.Steps, len(p.Instructions))
		}
	})
}
