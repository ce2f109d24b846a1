// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Linked code costs even when it never runs. Beyond what runtime-spec's own
// types bring (fmt, for its version string, and so reflect), this package links
// the tokenizer and small parts of the standard library.
func TestDependencies(t *testing.T) {
	deps := func(pkg string) []string {
		out, err := exec.Command("go", "list", "-deps", pkg).Output()
		if err != nil {
			t.Skip("no go command: ", err)
		}
		return strings.Fields(string(out))
	}
	types := deps("github.com/opencontainers/runtime-spec/specs-go")
	var added []string
	for _, pkg := range deps(".") {
		// The parts of the Go tree below internal change with its version.
		if !slices.Contains(types, pkg) && !strings.Contains(pkg, "internal/") && !strings.HasSuffix(pkg, "/internal") {
			added = append(added, pkg)
		}
	}
	slices.Sort(added)
	want := []string{
		"bytes",
		"github.com/go-json-experiment/json/jsontext",
		"github.com/tare-runtime/tare/spec",
		"maps",
		"strings",
		"unicode/utf16",
	}
	if !slices.Equal(added, want) {
		t.Errorf("linked beyond runtime-spec's types:\n%s", strings.Join(added, "\n"))
	}
}
