// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"strconv"
	"strings"
)

// event is one system call of a trace, in milliseconds since the machine's start.
type event struct {
	thread     int
	call       string
	args       string
	result     string
	begin, end float64
}

// traceLine is a line of `perf trace -T`:
//
//	5496649.899 ( 0.722 ms): floor/1407 clone3(uargs: 0x7fff9ab69de0, size: 88)   = 1408
var traceLine = regexp.MustCompile(`^\s*([\d.]+|\?) \(\s*([\d.]*)(?: ms)?\s*\): .*/(\d+)\s+(?:\.\.\. \[continued\]: )?(\w+)\((.*)$`)

// parseTrace reads a trace. A call that another interrupted is on two lines: the first tells when
// it began, the second when it began and how long it took, so the first is left out.
func parseTrace(text string) (events []event) {
	for line := range strings.Lines(text) {
		m := traceLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil || m[1] == "?" {
			continue
		}
		e := event{call: m[4]}
		e.thread, _ = strconv.Atoi(m[3])
		e.begin, _ = strconv.ParseFloat(m[1], 64)
		took, err := strconv.ParseFloat(m[2], 64)
		if err != nil && e.call != "exit_group" && e.call != "exit" {
			continue
		}
		e.end = e.begin + took
		if at := strings.LastIndex(m[5], " = "); at >= 0 {
			e.args, e.result = strings.TrimRight(m[5][:at], " )"), strings.TrimSpace(m[5][at+3:])
		}
		events = append(events, e)
	}
	return events
}

// phases are the parts of a run, in order.
var phases = [...]string{
	"the runtime's start, up to its main",
	"config.json: read, decoded, checked, compiled",
	"state directory and cgroup",
	"clone3",
	"the container's process, up to its execve",
	"the program, from execve to its end",
	"cgroup and state removed, end",
}

// split is how long each phase took, and with how many system calls.
type split struct {
	took  [len(phases)]float64
	calls [len(phases)]int
}

// splitRun finds the phases in the trace of a run. False: the trace is not of one.
func splitRun(events []event) (s split, ok bool) {
	child := 0
	for _, e := range events {
		if e.call == "execve" && e.result == "0" && e.thread != events[0].thread {
			child = e.thread
		}
	}
	if child == 0 {
		return s, false
	}
	first := events[0].begin
	bounds := [len(phases) + 1]float64{0: first, 1: first}
	for _, e := range events {
		own := e.thread != child
		switch {
		case own && e.call == "rt_sigaction" && bounds[2] == 0 && bounds[3] == 0:
			bounds[1] = e.end
		case own && (e.call == "mkdir" || e.call == "mkdirat") && bounds[2] == 0:
			bounds[2] = e.begin
		case own && e.call == "clone3" && strings.HasPrefix(e.result, strconv.Itoa(child)):
			bounds[3], bounds[4] = e.begin, e.end
		case !own && e.call == "execve" && e.result == "0":
			bounds[5] = e.begin
		case !own && e.call == "exit_group":
			bounds[6] = e.begin
		}
		bounds[7] = max(bounds[7], e.end)
	}
	for i := range phases {
		if bounds[i+1] < bounds[i] {
			return s, false
		}
		s.took[i] = bounds[i+1] - bounds[i]
	}
	for _, e := range events {
		for i := range phases {
			if e.begin >= bounds[i] && (e.begin < bounds[i+1] || i == len(phases)-1) {
				s.calls[i]++
				break
			}
		}
	}
	return s, true
}
