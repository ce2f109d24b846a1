// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strconv"
	"time"
)

// The programs that containers run here.
var (
	truth = program{name: "true", args: []string{"/bin/true"}}
	sleep = program{name: "sleep", args: []string{"/bin/sleep", "1000000"}}
)

// runRace is a container from nothing to nothing.
func (b *bench) runRace() (race, error) {
	bundle, err := b.bundles.make(truth)
	if err != nil {
		return race{}, err
	}
	r := race{what: "run", budgets: budgets{design: 1.6, issue: 2.0}}
	for _, t := range b.tools {
		r.runners = append(r.runners, runner{t.name, func() (time.Duration, error) {
			b.serial++
			id := "tare-bench-run-" + strconv.Itoa(b.serial)
			return b.run(t.run(id, bundle, b.bundles.rootfs(), truth.args)...)
		}})
	}
	return r, nil
}

// mountsRace is a container with 30 volumes and 200 masks. The floor reads of them in its environment,
// which all runners have.
func (b *bench) mountsRace() (race, error) {
	p := truth
	p.name, p.many = "mounts", many{30, 200}
	bundle, err := b.bundles.make(p)
	if err != nil {
		return race{}, err
	}
	if err := os.Setenv(floorMany, p.many.String()); err != nil {
		return race{}, err
	}
	r := race{what: "run with 30 bind mounts and 200 masked paths", budgets: budgets{issue: 1.5}}
	for _, t := range b.tools {
		r.runners = append(r.runners, runner{t.name, func() (time.Duration, error) {
			b.serial++
			id := "tare-bench-mounts-" + strconv.Itoa(b.serial)
			return b.run(t.run(id, bundle, b.bundles.rootfs(), p.args)...)
		}})
	}
	return r, nil
}

// lifecycleRace is the three processes that an engine starts. The program's own life, which is
// nobody's work, is waited for between start and delete, and not counted.
func (b *bench) lifecycleRace() (race, error) {
	r := race{what: "create + start + delete", budgets: budgets{design: 3, issue: 3.5}}
	for _, t := range b.tools {
		r.runners = append(r.runners, runner{t.name, func() (time.Duration, error) {
			c, created, err := b.create(t, truth)
			if err != nil {
				return 0, err
			}
			started, err := b.run(t.start(c.id)...)
			if err != nil {
				return 0, err
			}
			if err := b.ended(c); err != nil {
				return 0, err
			}
			deleted, err := b.delete(c)
			return created + started + deleted, err
		}})
	}
	return r, nil
}

// emptyRunners are the bases of commands that do next to nothing.
func (b *bench) emptyRunners() []runner {
	empty := func(name string) runner {
		return runner{name, func() (time.Duration, error) { return b.run(b.programs + "/" + name) }}
	}
	return []runner{empty("empty-go"), empty("empty-c")}
}

// commandRace times one command on a running container of each runtime.
func (b *bench) commandRace(what string, args ...string) (race, error) {
	r := race{what: what, runners: b.emptyRunners(), budgets: budgets{design: 1.5}}
	for _, t := range b.runtimes() {
		c, err := b.createStarted(t, sleep)
		if err != nil {
			return r, err
		}
		argv := t.command(append([]string{args[0], c.id}, args[1:]...)...)
		r.runners = append(r.runners, runner{t.name, func() (time.Duration, error) { return b.run(argv...) }})
	}
	return r, nil
}

func (b *bench) stateRace() (race, error) { return b.commandRace("state", "state") }

// killRace sends a signal that changes nothing.
func (b *bench) killRace() (race, error) { return b.commandRace("kill", "kill", "CONT") }

// deleteRace removes containers that have ended.
func (b *bench) deleteRace() (race, error) {
	r := race{what: "delete", runners: b.emptyRunners(), budgets: budgets{design: 1.5}}
	for _, t := range b.tools {
		r.runners = append(r.runners, runner{t.name, func() (time.Duration, error) {
			c, err := b.createStarted(t, truth)
			if err != nil {
				return 0, err
			}
			if err := b.ended(c); err != nil {
				return 0, err
			}
			return b.delete(c)
		}})
	}
	return r, nil
}

// execRace starts a second program in a running container. The first floor joins the namespaces
// and nothing else; the second joins the cgroups and gives up privileges too, as it must be.
func (b *bench) execRace() (race, error) {
	r := race{what: "exec", budgets: budgets{design: 2.2}}
	for _, t := range b.tools {
		c, err := b.createStarted(t, sleep)
		if err != nil {
			return r, err
		}
		add := func(name string, argv ...string) {
			r.runners = append(r.runners, runner{name, func() (time.Duration, error) { return b.run(argv...) }})
		}
		if t.isFloor() {
			pid := strconv.Itoa(c.pid)
			add("floor", t.path, "exec", pid, "/bin/true")
			add("floor, confined", t.path, "exec-confined", c.id, pid, "/bin/true")
			continue
		}
		add(t.name, t.command("exec", c.id, "/bin/true")...)
	}
	return r, nil
}

// ended waits for a container's program, which must end by itself.
func (b *bench) ended(c *container) error {
	_, err := reap(c.pid)
	c.pid = 0
	return err
}
