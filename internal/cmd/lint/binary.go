// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const (
	maxBinary = 8 << 20
	depsFile  = "internal/cmd/lint/testdata/packages.txt"
	buildTag  = "urfave_cli_no_docs"
)

// command is a tool that works on the product as it is released.
func command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=-buildvcs=false -tags="+buildTag)
	return c
}

// checkBinary holds the rules of the program as a whole: what is linked, what runs before main,
// how large it is.
func checkBinary(binary string, update bool) ([]fault, error) {
	if !mainPackage() {
		return nil, nil
	}
	faults, err := checkLinked(update)
	if err != nil {
		return nil, err
	}
	more, err := checkInits()
	if err != nil {
		return nil, err
	}
	faults = append(faults, more...)
	if binary == "" {
		return faults, nil
	}
	info, err := os.Stat(binary)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxBinary {
		faults = append(faults, fault{binary, 0, fmt.Sprintf("%d bytes; at most %d", info.Size(), maxBinary)})
	}
	return faults, nil
}

func mainPackage() bool {
	_, err := os.Stat("main.go")
	return err == nil
}

// checkLinked compares the packages that are linked with the list in the tree: linked code costs
// page faults and package inits even if it never runs, so a new package is a decision.
func checkLinked(update bool) ([]fault, error) {
	out, err := command("go", "list", "-deps", ".").Output()
	if err != nil {
		return nil, failure("go list -deps", err)
	}
	got := visible(strings.Fields(string(out)))
	if update {
		if err := os.MkdirAll(filepath.Dir(depsFile), 0o755); err != nil {
			return nil, err
		}
		return nil, os.WriteFile(depsFile, []byte(strings.Join(got, "\n")+"\n"), 0o644)
	}
	text, err := os.ReadFile(depsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return []fault{{depsFile, 0, "is not there: write it with -update"}}, nil
	}
	if err != nil {
		return nil, err
	}
	return compare(got, strings.Fields(string(text))), nil
}

// visible leaves out what only Go's own release decides: its internal packages.
func visible(packages []string) (list []string) {
	for _, p := range packages {
		std := !strings.Contains(strings.SplitN(p, "/", 2)[0], ".")
		if std && (strings.Contains("/"+p+"/", "/internal/") || strings.HasPrefix(p, "vendor/")) {
			continue
		}
		list = append(list, p)
	}
	slices.Sort(list)
	return list
}

func compare(got, want []string) (faults []fault) {
	for _, p := range got {
		if !slices.Contains(want, p) {
			faults = append(faults, fault{depsFile, 0, p + " is linked now: if that is meant, update the list and measure"})
		}
	}
	for _, p := range want {
		if !slices.Contains(got, p) {
			faults = append(faults, fault{depsFile, 0, p + " is no longer linked: update the list"})
		}
	}
	return faults
}

// checkInits asks the linker: a package of ours with an init function runs code at every start.
func checkInits() (faults []fault, err error) {
	dir, err := os.MkdirTemp("", "tare-lint-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "tare")
	if out, err := command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w: %s", err, out)
	}
	out, err := command("go", "tool", "nm", binary).Output()
	if err != nil {
		return nil, failure("go tool nm", err)
	}
	return inits(string(out)), nil
}

// beforeMain is the package whose one purpose is to run before main: see its comment.
const beforeMain = "/libcontainer/executor/nofile"

// inits finds the init functions of our packages among the symbols that nm prints.
func inits(symbols string) (faults []fault) {
	for line := range strings.Lines(symbols) {
		f := strings.Fields(line)
		if len(f) < 3 || f[1] != "T" && f[1] != "t" {
			continue
		}
		name := f[2]
		pkg, ok := strings.CutSuffix(name, ".init")
		if pkg == modulePath+beforeMain {
			continue
		}
		if ok && (pkg == "main" || strings.HasPrefix(pkg, modulePath)) {
			faults = append(faults, fault{pkg, 0, "runs code before main (symbol " + name + "): find it with go build -gcflags=-S"})
		}
	}
	return faults
}
