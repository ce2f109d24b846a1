// SPDX-License-Identifier: Apache-2.0

// Command bench compares tare with the least that any runtime must do (the floor, in C), with an
// empty process, and with the other runtimes that are installed. It prints Markdown.
//
// Everything is measured interleaved: each round meets the same machine. Nothing is left behind,
// not on an interrupt either.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

type options struct {
	tare, programs, busybox string
	rounds, many            int
	only, out               string
}

func main() {
	var o options
	flag.StringVar(&o.tare, "tare", "", "the tare binary; none: measure the others")
	flag.StringVar(&o.programs, "programs", "build/bench", "directory of floor, empty-c, empty-go and decode")
	flag.StringVar(&o.busybox, "busybox", "/bin/busybox", "a static busybox, for the root file system")
	flag.IntVar(&o.rounds, "rounds", 200, "rounds of each race")
	flag.IntVar(&o.many, "many", 1000, "containers that are up while list is measured")
	flag.StringVar(&o.only, "only", "", "measure only what has this in its name")
	flag.StringVar(&o.out, "out", "", "write the report to this file as well")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, &o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// bench is what the measurements share.
type bench struct {
	*launcher
	bundles  *bundles
	tools    []*tool // the floor is the first
	programs string
	many     int
	serial   int
	alive    map[*container]bool
}

// runtimes are the tools without the floor.
func (b *bench) runtimes() []*tool { return b.tools[1:] }

func measure(ctx context.Context, o *options) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("the default spec needs root")
	}
	debug.SetGCPercent(-1) // the runner's own collector stays out of the way
	dir, err := os.MkdirTemp(memory(), "tare-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b, err := newBench(dir, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.removeAll()) }()
	r := report{machine: describe(b.tools), rounds: o.rounds}
	if err := b.races(ctx, o, &r); err != nil {
		return err
	}
	if err := b.sizes(ctx, o, &r); err != nil {
		return err
	}
	if strings.Contains("steps", o.only) {
		fmt.Fprintln(os.Stderr, "bench: steps")
		if r.steps, err = b.measureSteps(ctx); err != nil {
			return err
		}
	}
	text := r.markdown()
	fmt.Print(text)
	if o.out == "" || o.only != "" {
		return nil // a part is no report
	}
	return os.WriteFile(o.out, []byte(text), 0o644)
}

// memory is a directory in memory, as /run is on any system that runs containers in earnest: what
// is measured is runtimes, not disks.
func memory() string {
	for _, dir := range []string{"/run", "/dev/shm"} {
		var st unix.Statfs_t
		if unix.Statfs(dir, &st) == nil && st.Type == unix.TMPFS_MAGIC && unix.Access(dir, unix.W_OK) == nil {
			return dir
		}
	}
	return ""
}

func newBench(dir string, o *options) (*bench, error) {
	l, err := newLauncher(dir)
	if err != nil {
		return nil, err
	}
	bundles, err := newBundles(dir, o.busybox, unified())
	if err != nil {
		return nil, err
	}
	programs, err := filepath.Abs(o.programs)
	if err != nil {
		return nil, err
	}
	b := &bench{launcher: l, bundles: bundles, programs: programs, many: o.many, alive: map[*container]bool{}}
	add := func(name, path string) error {
		root := filepath.Join(dir, "state-"+name)
		b.tools = append(b.tools, &tool{name, path, root})
		return os.Mkdir(root, 0o700)
	}
	if err := add("floor", filepath.Join(programs, "floor")); err != nil {
		return nil, err
	}
	if o.tare != "" {
		path, err := filepath.Abs(o.tare)
		if err != nil {
			return nil, err
		}
		if err := add("tare", path); err != nil {
			return nil, err
		}
	}
	for _, peer := range []string{"crun", "runc"} {
		if path, err := exec.LookPath(peer); err == nil {
			if err := add(peer, path); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

func (b *bench) races(ctx context.Context, o *options, r *report) error {
	for _, set := range []struct {
		name string
		make func() (race, error)
	}{
		{"run", b.runRace}, {"lifecycle", b.lifecycleRace}, {"exec", b.execRace},
		{"state", b.stateRace}, {"kill", b.killRace}, {"delete", b.deleteRace}, {"mounts", b.mountsRace},
	} {
		if !strings.Contains(set.name, o.only) {
			continue
		}
		fmt.Fprintln(os.Stderr, "bench:", set.name)
		race, err := set.make()
		if err != nil {
			return err
		}
		outcome, err := race.rounds(ctx, o.rounds)
		if err != nil {
			return err
		}
		r.races = append(r.races, outcome)
		os.Unsetenv(floorMany)
		if err := b.removeAll(); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) sizes(ctx context.Context, o *options, r *report) error {
	for _, set := range []struct {
		name string
		make func(context.Context) (size, error)
	}{
		{"waiting", b.waitingSize}, {"memory", b.memorySize}, {"pids", b.pidsSize},
		{"binary", b.binarySize}, {"decode", b.decodeSize}, {"list", b.listSize},
	} {
		if !strings.Contains(set.name, o.only) {
			continue
		}
		fmt.Fprintln(os.Stderr, "bench:", set.name)
		s, err := set.make(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", set.name, err)
		}
		r.sizes = append(r.sizes, s)
	}
	return nil
}
