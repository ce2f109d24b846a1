// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// size is a figure of each tool. Without a unit it is yes (1) or no (0).
type size struct {
	what   string
	unit   string
	values map[string]int64
	budget int64
}

// waitingSize is the memory of a container that waits for its start.
func (b *bench) waitingSize(context.Context) (size, error) {
	s := size{what: "waiting container, resident", unit: "KiB", values: map[string]int64{}, budget: 32}
	for _, t := range b.tools {
		c, _, err := b.create(t, truth)
		if err != nil {
			return s, err
		}
		kib, err := residentKiB(c.pid)
		if err != nil {
			return s, err
		}
		s.values[t.name] = kib
		if err := b.remove(c); err != nil {
			return s, err
		}
	}
	return s, nil
}

// residentKiB is VmRSS of /proc/PID/status.
func residentKiB(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no VmRSS", pid)
}

const (
	memoryStep = 16 << 10 // the smallest limit is found to this
	memoryMost = 64 << 20
)

// memorySize is the smallest memory limit in which /bin/true runs, three times out of three.
func (b *bench) memorySize(ctx context.Context) (size, error) {
	s := size{what: "smallest memory limit for /bin/true", unit: "KiB", values: map[string]int64{}, budget: 512}
	for _, t := range b.runtimes() {
		low, high := int64(0), int64(memoryMost/memoryStep) // low fails, high is taken to work
		for high-low > 1 {
			if err := ctx.Err(); err != nil {
				return s, err
			}
			middle := (low + high) / 2
			ok, err := b.works(t, program{name: "memory", args: truth.args, memory: middle * memoryStep})
			if err != nil {
				return s, err
			}
			if ok {
				high = middle
			} else {
				low = middle
			}
		}
		s.values[t.name] = high * memoryStep >> 10
	}
	return s, nil
}

// works tells whether a program runs to its end, three times.
func (b *bench) works(t *tool, p program) (bool, error) {
	bundle, err := b.bundles.make(p)
	if err != nil {
		return false, err
	}
	for range 3 {
		b.serial++
		id := "tare-bench-limit-" + strconv.Itoa(b.serial)
		r, err := b.spend(t.run(id, bundle, b.bundles.rootfs(), p.args)...)
		if err != nil || r.code != 0 {
			// It hung or failed: what is left of it goes.
			_, err := b.spend(t.command("delete", "--force", id)...)
			reapOrphans()
			return false, err
		}
	}
	return true, nil
}

// pidsSize tells whether a container may be limited to one process: 1 if so.
func (b *bench) pidsSize(context.Context) (size, error) {
	s := size{what: "/bin/true runs under pids.limit 1", values: map[string]int64{}}
	for _, t := range b.runtimes() {
		ok, err := b.works(t, program{name: "pids", args: truth.args, pids: 1})
		if err != nil {
			return s, err
		}
		if ok {
			s.values[t.name] = 1
		} else {
			s.values[t.name] = 0
		}
	}
	return s, nil
}

func (b *bench) binarySize(context.Context) (size, error) {
	s := size{what: "binary", unit: "KiB", values: map[string]int64{}, budget: 8 << 10}
	for _, t := range b.tools {
		info, err := os.Stat(t.path)
		if err != nil {
			return s, err
		}
		s.values[t.name] = info.Size() >> 10
	}
	return s, nil
}

// decodeSize is the first decoding of the default spec in a fresh process.
func (b *bench) decodeSize(context.Context) (size, error) {
	s := size{what: "cold decode of the default config.json", unit: "µs", values: map[string]int64{}, budget: 150}
	bundle, err := b.bundles.make(truth)
	if err != nil {
		return s, err
	}
	var series []time.Duration
	for range 50 {
		out, err := output(b.programs+"/decode", bundle+"/config.json")
		if err != nil {
			return s, err
		}
		ns, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64)
		if err != nil {
			return s, err
		}
		series = append(series, time.Duration(ns))
	}
	s.values["tare"] = summarize(series).median.Microseconds()
	return s, nil
}

// listSize is the time of `list` with a thousand waiting containers, in microseconds.
func (b *bench) listSize(ctx context.Context) (size, error) {
	s := size{what: fmt.Sprintf("list, %d containers", b.many), unit: "µs", values: map[string]int64{}, budget: 20000}
	for _, t := range b.tools {
		if t.name != "tare" {
			continue
		}
		var made []*container
		for range b.many {
			if err := ctx.Err(); err != nil {
				return s, err
			}
			c, _, err := b.create(t, sleep)
			if err != nil {
				return s, err
			}
			made = append(made, c)
		}
		var series []time.Duration
		for range 20 {
			took, err := b.run(t.command("list")...)
			if err != nil {
				return s, err
			}
			series = append(series, took)
		}
		s.values[t.name] = summarize(series).median.Microseconds()
		for _, c := range made {
			if err := b.remove(c); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}
