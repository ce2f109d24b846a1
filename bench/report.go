// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"
)

// report is what was measured; markdown is all that it can do.
type report struct {
	machine []fact
	rounds  int
	races   []outcome
	sizes   []size
	steps   *steps // nil: not measured
}

func (r *report) markdown() string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\nWritten by `make bench`; do not edit.\n\n")
	r.writeMachine(&b)
	r.writeBudgets(&b)
	r.writeTimes(&b)
	r.writeSizes(&b)
	b.WriteString(commands)
	if r.steps != nil {
		r.steps.write(&b)
	}
	return b.String()
}

const commands = `
## Commands

Every container is of the default spec (` + "`tare spec`, without a terminal" + `); its root file system holds a
static busybox. State, bundle and root lie on a tmpfs. The environment has PATH alone. RUNTIME is tare, crun or runc.

    floor run ID ROOTFS /bin/true                     RUNTIME --root DIR run --bundle BUNDLE ID
    floor create ID ROOTFS DIR /bin/true              RUNTIME --root DIR create --bundle BUNDLE --pid-file FILE ID
    floor start DIR                                   RUNTIME --root DIR start ID
    floor delete ID DIR                               RUNTIME --root DIR delete ID
    floor exec PID /bin/true                          RUNTIME --root DIR exec ID /bin/true
    floor exec-confined ID PID /bin/true
    empty-go, empty-c                                 RUNTIME --root DIR state ID
                                                      RUNTIME --root DIR kill ID CONT

The floor is bench/floor: the same mounts, devices, masks, cgroups, namespaces and privileges by raw
system calls, with no JSON and no state. "floor exec" joins the namespaces and executes; "confined"
also joins the cgroups and gives up privileges, as every runtime must.
`

func (r *report) writeMachine(b *strings.Builder) {
	b.WriteString("## The machine\n\n| | |\n| --- | --- |\n")
	for _, f := range r.machine {
		fmt.Fprintf(b, "| %s | %s |\n", f.what, f.value)
	}
	b.WriteString("\n")
}

// writeBudgets compares tare's medians with what was promised.
func (r *report) writeBudgets(b *strings.Builder) {
	b.WriteString("## Against the budgets\n\n| what | tare | at most | kept |\n| --- | --- | --- | --- |\n")
	for i := range r.races {
		o := &r.races[i]
		s, ok := o.result("tare")
		if !ok {
			continue
		}
		ratio := s.ratio(o.results[0])
		fmt.Fprintf(b, "| %s | %.2f × %s | %.1f × | %s |\n", o.what, ratio, o.runners[0].name, o.budgets.design, kept(ratio <= o.budgets.design))
		if o.budgets.issue != 0 {
			fmt.Fprintf(b, "| %s, first milestone | %.2f × %s | %.1f × | %s |\n", o.what, ratio, o.runners[0].name, o.budgets.issue, kept(ratio <= o.budgets.issue))
		}
	}
	for _, s := range r.sizes {
		v, ok := s.values["tare"]
		if !ok || s.budget == 0 {
			continue
		}
		fmt.Fprintf(b, "| %s | %d %s | %d %s | %s |\n", s.what, v, s.unit, s.budget, s.unit, kept(v <= s.budget))
	}
	b.WriteString("\n")
}

func kept(ok bool) string {
	if ok {
		return "yes"
	}
	return "**no**"
}

func (r *report) writeTimes(b *strings.Builder) {
	fmt.Fprintf(b, `## Times

Wall time in milliseconds from fork to the end, of %d interleaved rounds after %d to warm up. The
ratio is that of the medians, to the first line of each group. Half of all rounds lie between the
quartiles.

| what | who | median | quartiles | least | ratio |
| --- | --- | --- | --- | --- | --- |
`, r.rounds, warmUp)
	for i := range r.races {
		o := &r.races[i]
		for k, s := range o.results {
			what := o.what
			if k > 0 {
				what = ""
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s … %s | %s | %.2f |\n", what, o.runners[k].name,
				ms(s.median), ms(s.q1), ms(s.q3), ms(s.least), s.ratio(o.results[0]))
		}
	}
	b.WriteString("\n")
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }

func (r *report) writeSizes(b *strings.Builder) {
	names := []string{"floor", "tare", "crun", "runc"}
	b.WriteString("## Sizes\n\n| what | " + strings.Join(names, " | ") + " |\n| ---" + strings.Repeat(" | ---", len(names)) + " |\n")
	for _, s := range r.sizes {
		fmt.Fprintf(b, "| %s |", s.what)
		for _, name := range names {
			b.WriteString(" " + s.cell(name) + " |")
		}
		b.WriteString("\n")
	}
}

func (s *size) cell(name string) string {
	v, ok := s.values[name]
	switch {
	case !ok:
		return ""
	case s.unit != "":
		return fmt.Sprintf("%d %s", v, s.unit)
	case v != 0:
		return "yes"
	}
	return "no"
}
