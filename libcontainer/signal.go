// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Real-time signals as the C library counts them: it keeps the kernel's first two for itself.
const (
	sigRTMin = 34
	sigRTMax = 64
)

// ParseSignal reads a signal: a number from 0 to 64, or a name in any case, with or without SIG,
// also RTMIN+n and RTMAX-n. 0 only asks whether there is a process.
func ParseSignal(s string) (unix.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n < 0 || n > sigRTMax || s[0] == '+' || s[0] == '-' {
			return 0, unknownSignal(s)
		}
		return unix.Signal(n), nil
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if rest, ok := strings.CutPrefix(name, "RTMIN"); ok {
		return realtime(s, rest, '+', sigRTMin, 1)
	}
	if rest, ok := strings.CutPrefix(name, "RTMAX"); ok {
		return realtime(s, rest, '-', sigRTMax, -1)
	}
	switch name { // second names, of which x/sys knows one each
	case "CLD":
		return unix.SIGCHLD, nil
	case "IOT":
		return unix.SIGABRT, nil
	case "POLL":
		return unix.SIGIO, nil
	}
	if n := unix.SignalNum("SIG" + name); n != 0 {
		return n, nil
	}
	return 0, unknownSignal(s)
}

// realtime is base, or as many signals beyond it as rest says after its sign.
func realtime(s, rest string, sign byte, base, step int) (unix.Signal, error) {
	if rest == "" {
		return unix.Signal(base), nil
	}
	n, err := strconv.ParseUint(rest[1:], 10, 8)
	if rest[0] != sign || err != nil || n > sigRTMax-sigRTMin {
		return 0, unknownSignal(s)
	}
	return unix.Signal(base + step*int(n)), nil
}

func unknownSignal(s string) error {
	return &Error{
		Err: text("unknown signal " + strconv.Quote(s)),
		Tip: "a number up to 64, or a name such as TERM, sigusr1, RTMIN+3",
	}
}

// ends tells whether the default action of a signal is the end of the process (signal(7)).
func ends(sig unix.Signal) bool {
	switch sig {
	case 0, unix.SIGCHLD, unix.SIGCONT, unix.SIGURG, unix.SIGWINCH,
		unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		return false
	}
	return true
}
