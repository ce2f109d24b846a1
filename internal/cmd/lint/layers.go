// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

// layer is a package of the product and what it may import: packages of ours by their path in the
// module. Arrows point down only: a package comes after all that it may import.
type layer struct {
	path string
	ours []string
	pure bool // touches nothing outside its arguments
}

var layers = [...]layer{
	{path: "spec"},
	{path: "libcontainer/plan", pure: true},
	{path: "libcontainer/plan/interp", ours: []string{"libcontainer/plan"}},
	{path: "libcontainer/seccomp", pure: true},
	{path: "libcontainer/compile", pure: true, ours: []string{"spec", "libcontainer/plan", "libcontainer/seccomp"}},
	{path: "libcontainer/executor/nofile"},
	{path: "libcontainer/executor", ours: []string{"libcontainer/plan", "libcontainer/executor/nofile"}},
	{path: "libcontainer/host"},
	{path: "libcontainer/cgroup", ours: []string{"libcontainer/host"}},
	{path: "libcontainer/store", ours: []string{"spec"}},
	{path: "libcontainer/signals"},
	{path: "libcontainer/hooks"},
	{path: "libcontainer/copyup"},
	{path: "libcontainer/netdevice"},
	{path: "libcontainer/rdt"},
	{path: "libcontainer/console"},
	{path: "libcontainer/criu"},
	{path: "libcontainer", ours: []string{
		"spec", "libcontainer/plan", "libcontainer/seccomp", "libcontainer/compile", "libcontainer/executor",
		"libcontainer/executor/nofile", "libcontainer/host", "libcontainer/cgroup", "libcontainer/store",
		"libcontainer/signals", "libcontainer/hooks", "libcontainer/copyup", "libcontainer/netdevice",
		"libcontainer/rdt", "libcontainer/console", "libcontainer/criu",
	}},
}

// impure packages reach outside. A pure package may use the constants of golang.org/x/sys/unix.
var impure = [...]string{"os", "os/exec", "os/user", "net", "time", "math/rand", "math/rand/v2", "io/fs", "path/filepath"}

// goPackage is what `go list` says of a package.
type goPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages() ([]goPackage, error) {
	out, err := command("go", "list", "-e", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		return nil, failure("go list", err)
	}
	var list []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
}

// checkLayers holds the rule of the arrows.
func checkLayers(packages []goPackage) (faults []fault) {
	for _, p := range packages {
		inside, ok := strings.CutPrefix(p.ImportPath, modulePath+"/")
		if !ok || !strings.HasPrefix(inside, "libcontainer") && inside != "spec" {
			continue // the command, tools, tests
		}
		at := slices.IndexFunc(layers[:], func(l layer) bool { return l.path == inside })
		if at < 0 {
			faults = append(faults, fault{inside, 0, "internal/cmd/lint/layers.go does not say what this package may import"})
			continue
		}
		faults = append(faults, layers[at].check(p.Imports)...)
	}
	return faults
}

func (l *layer) check(imports []string) (faults []fault) {
	for _, i := range imports {
		ours, isOurs := strings.CutPrefix(i, modulePath+"/")
		switch {
		case isOurs && !slices.Contains(l.ours, ours):
			faults = append(faults, fault{l.path, 0, "may not import " + ours + ": arrows point down only"})
		case l.pure && slices.Contains(impure[:], i):
			faults = append(faults, fault{l.path, 0, "is pure and may not import " + i})
		}
	}
	return faults
}

// failure tells what a command said on stderr.
func failure(what string, err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%s: %w: %s", what, err, bytes.TrimSpace(exit.Stderr))
	}
	return fmt.Errorf("%s: %w", what, err)
}
