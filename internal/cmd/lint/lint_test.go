// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"testing"
)

const spdx = "// SPDX-License-Identifier: Apache-2.0\n"

func TestCheckFile(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a/mounts.go", spdx + "package a\n", ""},
		{"a/run", "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\n", ""},
		{"a/mounts.go", "package a\n", "SPDX"},
		{"a/utils.go", spdx, "says nothing"},
		{"a/utils_linux.go", spdx, "says nothing"},
		{"a/helpers_test.go", spdx, "says nothing"},
		{"a/utilization.go", spdx, ""},
		{"a/long.go", spdx + strings.Repeat("\n", 600), "601 lines"},
		{"a/long_gen.go", spdx + strings.Repeat("\n", 600), ""},
	} {
		expect(t, test.name, checkFile(test.name, test.text), test.want)
	}
}

func TestCheckSyntax(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"spec/a.go", "func init() {}", "func init"},
		{"spec/a_test.go", "func init() {}", ""},
		{"bench/a.go", "func init() {}", ""},
		{"a.go", "var m = map[string]int{}", "map at package level"},
		{"a.go", "var m = make(map[string]int)", "call at package level"},
		{"a.go", `var r = regexp.MustCompile("x")`, "call at package level"},
		{"a.go", `var e = errors.New("gone")`, ""},
		{"a.go", "var f = func() int { return g() }", ""},
		{"a.go", "var b = []byte(nil)", ""},
		{"a.go", "var n = [...]struct{ name string }{{\"a\"}, {\"b\"}}", ""},
		{"a.go", "func f() { m := map[string]int{} }", ""},
		{"a.go", `var e = errors.New("failed to open")`, "begin with what was done"},
		{"a.go", `func f() error { return fmt.Errorf("Unable to open: %w", err) }`, "begin with what was done"},
		{"a.go", `func f() error { return fmt.Errorf("open %s: %w", name, err) }`, ""},
		{"a.go", `import "github.com/urfave/cli/v2"`, ""},
		{"libcontainer/a.go", `import "github.com/urfave/cli/v2"`, "only the main package"},
	} {
		faults, err := checkSyntax(test.name, []byte("package a\n"+test.text+"\n"))
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
		}
		expect(t, test.text, faults, test.want)
	}
}

func TestCheckLayers(t *testing.T) {
	for _, test := range []struct {
		path    string
		imports []string
		want    string
	}{
		{modulePath, []string{modulePath + "/libcontainer"}, ""},
		{modulePath + "/spec", []string{"os"}, ""},
		{modulePath + "/spec", []string{modulePath + "/libcontainer/plan"}, "arrows point down"},
		{modulePath + "/libcontainer/compile", []string{modulePath + "/libcontainer/plan", "golang.org/x/sys/unix"}, ""},
		{modulePath + "/libcontainer/compile", []string{modulePath + "/libcontainer/executor"}, "arrows point down"},
		{modulePath + "/libcontainer/compile", []string{"os"}, "is pure"},
		{modulePath + "/libcontainer/magic", nil, "does not say"},
		{modulePath + "/internal/cmd/lint", []string{modulePath + "/spec"}, ""},
	} {
		expect(t, test.path, checkLayers([]goPackage{{test.path, test.imports}}), test.want)
	}
}

// A layer that may import one that comes after it would make a circle possible.
func TestLayersAreOrdered(t *testing.T) {
	for i, l := range layers {
		for _, dep := range l.ours {
			at := slices.IndexFunc(layers[:i], func(below layer) bool { return below.path == dep })
			if at < 0 {
				t.Errorf("%s may import %s, which is not below it", l.path, dep)
			}
		}
	}
}

func TestVisible(t *testing.T) {
	got := visible([]string{"runtime", "internal/abi", "crypto/internal/fips140", "vendor/golang.org/x/net", "github.com/a/internal/b", modulePath})
	want := []string{"github.com/a/internal/b", modulePath, "runtime"}
	if !slices.Equal(got, want) {
		t.Errorf("visible = %v, want %v", got, want)
	}
}

func TestCompare(t *testing.T) {
	expect(t, "new", compare([]string{"a", "b"}, []string{"a"}), "b is linked now")
	expect(t, "gone", compare([]string{"a"}, []string{"a", "b"}), "b is no longer linked")
	expect(t, "same", compare([]string{"a"}, []string{"a"}), "")
}

func TestInits(t *testing.T) {
	expect(t, "ours", inits("  49f3a0 T "+modulePath+"/spec.init\n"), "runs code before main")
	expect(t, "main", inits("  49f3a0 T main.init\n"), "runs code before main")
	expect(t, "others", inits("  49f3a0 T os.init\n  49f3b0 D main..inittask\n  U\n"), "")
}

// expect wants one fault that says want, or none.
func expect(t *testing.T, what string, faults []fault, want string) {
	t.Helper()
	switch {
	case want == "" && len(faults) == 0:
	case want != "" && len(faults) == 1 && strings.Contains(faults[0].msg, want):
	default:
		t.Errorf("%s: faults %v, want %q", what, faults, want)
	}
}
