// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"testing"
)

const sampleTrace = `         ? (         ): tare/1407  ... [continued]: execve())                                           = 0
100.000 ( 0.010 ms): tare/1407 rt_sigaction(sig: 1, act: 0x7f)                          = 0
100.500 ( 0.500 ms): tare/1407 rt_sigaction(sig: 2, act: 0x7f)                          = 0
101.500 ( 0.020 ms): tare/1407 openat(dfd: CWD, filename: 0x1)                          = 3
102.000 ( 0.100 ms): tare/1409 mkdirat(dfd: CWD, pathname: 0x1, mode: 493)              = 0
103.000 ( 1.000 ms): tare/1407 clone3(uargs: 0x7fff9ab69de0, size: 88)                  = 1408 (tare)
         ? (         ): tare/1408  ... [continued]: clone3())                                           = 0
104.100 (         ): tare/1407 wait4(upid: 1408 (tare), stat_addr: 0x7fff9ab69e5c)      ...
104.500 ( 0.020 ms): tare/1408 mount(dev_name: 0x1, dir_name: 0x2)                      = -1 ENOENT (No such file or directory)
106.000 ( 0.200 ms): true/1408 execve(filename: 0x9ab6b9cb, argv: 0x1, envp: 0x2)       = 0
107.000 (         ): true/1408 exit_group()                                             ...
104.100 ( 3.100 ms): tare/1407  ... [continued]: wait4())                               = 1408 (true)
108.000 ( 0.500 ms): tare/1407 rt_sigaction(sig: 2, act: 0x7f)                          = 0
`

func TestSplitRun(t *testing.T) {
	s, ok := splitRun(parseTrace(sampleTrace))
	if !ok {
		t.Fatal("the trace was not taken for a run's")
	}
	want := [len(phases)]float64{1, 1, 1, 1, 2, 1, 1.5}
	for i := range want {
		if math.Abs(s.took[i]-want[i]) > 1e-6 {
			t.Errorf("%s: %.3f ms, want %.3f", phases[i], s.took[i], want[i])
		}
	}
	if calls := [len(phases)]int{2, 1, 1, 1, 2, 1, 2}; s.calls != calls {
		t.Errorf("calls %v, want %v", s.calls, calls)
	}
}

func TestSplitRunRefuses(t *testing.T) {
	if _, ok := splitRun(parseTrace("100.0 ( 0.010 ms): tare/1 openat(dfd: CWD) = 3\n")); ok {
		t.Error("a trace without a container was taken for a run's")
	}
}
