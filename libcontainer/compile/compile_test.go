// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/tare-runtime/tare/libcontainer/compile"
	"github.com/tare-runtime/tare/libcontainer/plan"
	"github.com/tare-runtime/tare/spec"
)

var update = flag.Bool("update", false, "rewrite the golden plans")

// TestGolden compiles testdata/*.txtar: config.json, host (Facts and Options as JSON), and
// what must come out: plan or error.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { golden(t, name) })
	}
}

// hostFile is the host section of a golden file.
type hostFile struct {
	Facts   compile.Facts
	Options compile.Options
	Exec    *struct {
		Target  compile.Target
		Process json.RawMessage
	}
}

func golden(t *testing.T, name string) {
	ar, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	section := func(want string) []byte {
		for _, f := range ar.Files {
			if f.Name == want {
				return f.Data
			}
		}
		return nil
	}
	got, failed := compileText(t, section("config.json"), section("host"))
	kind := "plan"
	if failed {
		kind = "error"
	}
	if *update {
		kept := ar.Files[:0]
		for _, f := range ar.Files {
			if f.Name != "plan" && f.Name != "error" {
				kept = append(kept, f)
			}
		}
		ar.Files = append(kept, txtar.File{Name: kind, Data: got})
		if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(section(kind)), string(got)); d != "" {
		t.Errorf("%s differs (-want +got); -update rewrites it:\n%s", kind, d)
	}
}

func compileText(t *testing.T, config, hostJSON []byte) (out []byte, failed bool) {
	t.Helper()
	var h hostFile
	d := json.NewDecoder(bytes.NewReader(hostJSON))
	d.DisallowUnknownFields()
	if err := d.Decode(&h); err != nil {
		t.Fatalf("host: %v", err)
	}
	s, err := spec.Decode("config.json", config)
	if err == nil {
		err = spec.Validate(s)
	}
	if err != nil {
		return []byte(err.Error() + "\n"), true
	}
	if n := len(s.Mounts); len(h.Facts.Sources) < n {
		h.Facts.Sources = append(h.Facts.Sources, make([]compile.Source, n-len(h.Facts.Sources))...)
	}
	if s.Linux != nil && len(h.Facts.Namespaces) < len(s.Linux.Namespaces) {
		h.Facts.Namespaces = append(h.Facts.Namespaces, make([]compile.Namespace, len(s.Linux.Namespaces)-len(h.Facts.Namespaces))...)
	}
	var c *compile.Container
	if h.Exec != nil {
		if s.Process, err = spec.DecodeProcess("process.json", h.Exec.Process); err != nil {
			t.Fatal(err)
		}
		c, err = compile.Exec(s, &h.Exec.Target, &h.Facts, &h.Options)
	} else {
		c, err = compile.New(s, &h.Facts, &h.Options)
	}
	if err != nil {
		return []byte(err.Error() + "\n"), true
	}
	if err := plan.Verify(c.Program); err != nil {
		t.Errorf("the plan is refused by the verifier: %v", err)
	}
	again, _ := compile.New(s, &h.Facts, &h.Options)
	if h.Exec == nil && !bytes.Equal(again.Program.AppendText(nil), c.Program.AppendText(nil)) {
		t.Error("the same input gave two plans")
	}
	var b strings.Builder
	for _, w := range c.Warnings {
		b.WriteString("warning: " + w + "\n")
	}
	out = append(out, b.String()...)
	return append(out, c.Program.AppendText(nil)...), false
}
