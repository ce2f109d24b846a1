// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tracedRuns is how many runs the account of the time is the median of.
const tracedRuns = 21

// steps is the account of where the time of a run goes.
type steps struct {
	names  []string
	phases [][len(phases)]float64 // medians, parallel to names
	calls  [][len(phases)]int
	top    []callTotal // of tare's run, or of the last tool's
	inits  []packageInit
}

// callTotal is what all calls of one kind took in a run.
type callTotal struct {
	name  string
	count int
	took  float64
}

// measureSteps traces runs of the floor and of tare; nil if there is no perf, which alone traces
// without slowing the calls down by more than they take.
func (b *bench) measureSteps(ctx context.Context) (*steps, error) {
	perf, err := exec.LookPath("perf")
	if err != nil {
		return nil, nil
	}
	bundle, err := b.bundles.make(truth)
	if err != nil {
		return nil, err
	}
	s := &steps{}
	for _, t := range b.tools {
		if !t.isFloor() && t.name != "tare" {
			continue
		}
		var splits []split
		for range tracedRuns {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			b.serial++
			file := filepath.Join(b.bundles.dir, "trace")
			argv := append([]string{perf, "trace", "-T", "-o", file}, t.run("tare-bench-steps-"+strconv.Itoa(b.serial), bundle, b.bundles.rootfs(), truth.args)...)
			if _, err := b.run(argv...); err != nil {
				return nil, err
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			events := parseTrace(string(text))
			one, ok := splitRun(events)
			if !ok {
				continue // a line of the trace was lost
			}
			splits = append(splits, one)
			s.top = totals(events)
		}
		if len(splits) == 0 {
			return nil, fmt.Errorf("%s: no trace shows a run", t.name)
		}
		s.add(t.name, splits)
		if !t.isFloor() {
			if s.inits, err = b.packageInits(t); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

func (s *steps) add(name string, splits []split) {
	var took [len(phases)]float64
	var calls [len(phases)]int
	for i := range phases {
		slices.SortFunc(splits, func(a, b split) int { return cmp.Compare(a.took[i], b.took[i]) })
		took[i] = splits[len(splits)/2].took[i]
		slices.SortFunc(splits, func(a, b split) int { return cmp.Compare(a.calls[i], b.calls[i]) })
		calls[i] = splits[len(splits)/2].calls[i]
	}
	s.names = append(s.names, name)
	s.phases = append(s.phases, took)
	s.calls = append(s.calls, calls)
}

// totals are the calls that take longest, those that only wait left out.
func totals(events []event) []callTotal {
	sums := map[string]*callTotal{}
	for _, e := range events {
		switch e.call {
		case "wait4", "waitid", "futex", "poll", "ppoll", "epoll_pwait", "recvmsg", "recvfrom", "nanosleep":
			continue
		}
		if sums[e.call] == nil {
			sums[e.call] = &callTotal{name: e.call}
		}
		sums[e.call].count++
		sums[e.call].took += e.end - e.begin
	}
	var list []callTotal
	for _, c := range sums {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b callTotal) int { return cmp.Compare(b.took, a.took) })
	return list[:min(len(list), 12)]
}

// packageInit is what one package does before main.
type packageInit struct {
	name string
	ms   float64
}

var initLine = regexp.MustCompile(`^init (\S+) @\S+ ms, (\S+) ms clock`)

// packageInits asks Go's runtime for them.
func (b *bench) packageInits(t *tool) ([]packageInit, error) {
	c := exec.Command(t.path, "--version")
	c.Env = append(environment(), "GODEBUG=inittrace=1")
	var text strings.Builder
	c.Stderr = &text
	if err := c.Run(); err != nil {
		return nil, err
	}
	return parseInits(text.String()), nil
}

func parseInits(text string) (list []packageInit) {
	for line := range strings.Lines(text) {
		if m := initLine.FindStringSubmatch(line); m != nil {
			ms, _ := strconv.ParseFloat(m[2], 64)
			list = append(list, packageInit{m[1], ms})
		}
	}
	slices.SortStableFunc(list, func(a, b packageInit) int { return cmp.Compare(b.ms, a.ms) })
	return list
}

func (s *steps) write(b *strings.Builder) {
	fmt.Fprintf(b, `
## Where the time of run goes

Milliseconds and system calls, medians of %d runs under perf trace, which adds about 10 µs to each
call. The fork and the execve of the runtime itself are before the first line.

| step |`, tracedRuns)
	for _, n := range s.names {
		fmt.Fprintf(b, " %s | calls |", n)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- | --- |", len(s.names)) + "\n")
	for i, p := range phases {
		fmt.Fprintf(b, "| %s |", p)
		for k := range s.names {
			fmt.Fprintf(b, " %.2f | %d |", s.phases[k][i], s.calls[k][i])
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "\nThe system calls of one run of %s that take longest:\n\n| call | times | ms |\n| --- | --- | --- |\n", s.names[len(s.names)-1])
	for _, c := range s.top {
		fmt.Fprintf(b, "| %s | %d | %.2f |\n", c.name, c.count, c.took)
	}
	if len(s.inits) == 0 {
		return
	}
	var sum float64
	for _, i := range s.inits {
		sum += i.ms
	}
	fmt.Fprintf(b, "\nBefore main, %d packages initialise themselves, in %.3f ms together. The longest:\n\n| package | ms |\n| --- | --- |\n", len(s.inits), sum)
	for _, i := range s.inits[:min(len(s.inits), 6)] {
		fmt.Fprintf(b, "| %s | %.3f |\n", i.name, i.ms)
	}
}
