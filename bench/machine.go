// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// fact is something about the machine that a reader needs to judge the figures.
type fact struct{ what, value string }

// unified tells whether the host has cgroup v2 and nothing else.
func unified() bool {
	var s unix.Statfs_t
	return unix.Statfs("/sys/fs/cgroup", &s) == nil && s.Type == unix.CGROUP2_SUPER_MAGIC
}

func describe(tools []*tool) []fact {
	var u unix.Utsname
	_ = unix.Uname(&u) // a name that is missing is shown as such
	facts := []fact{
		{"kernel", unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])},
		{"processor", processor() + ", " + strconv.Itoa(runtime.NumCPU()) + " cores"},
		{"cgroups", hierarchies()},
		{"go", runtime.Version()},
	}
	for _, t := range tools[1:] {
		facts = append(facts, fact{t.name, version(t.path)})
	}
	return facts
}

func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func hierarchies() string {
	if unified() {
		return "v2"
	}
	b, _ := os.ReadFile("/proc/self/cgroup")
	return "v1 and hybrid, " + strconv.Itoa(strings.Count(string(b), "\n")) + " hierarchies"
}

// version is the first line that a runtime says of itself.
func version(path string) string {
	text, err := output(path, "--version")
	if err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func output(argv ...string) (string, error) {
	c := exec.Command(argv[0], argv[1:]...)
	c.Env = environment()
	c.Stderr = os.Stderr
	b, err := c.Output()
	return string(b), err
}
