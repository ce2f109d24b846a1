// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/tare-runtime/tare/libcontainer/compile"
	"github.com/tare-runtime/tare/libcontainer/plan"
	"github.com/tare-runtime/tare/spec"
)

// FuzzCompile: whatever config.json passes validation compiles to a program that Verify accepts
// and that reads back from its text, or is refused with an error; on any host.
func FuzzCompile(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range ar.Files {
			if file.Name == "config.json" {
				for _, host := range []uint16{0, 0xffff, 0x5555, 0xaaaa} {
					f.Add(file.Data, host)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, config []byte, host uint16) {
		s, err := spec.Decode("config.json", config)
		if err != nil || spec.Validate(s) != nil {
			return
		}
		is := func(bit int) bool { return host>>bit&1 != 0 }
		facts := &compile.Facts{
			Privileged: is(0), HostDev: is(1), Sealed: is(2), LastCap: 40, DenySetgroups: is(3), CoreLink: is(4),
			Sources: make([]compile.Source, len(s.Mounts)),
		}
		for i := range facts.Sources {
			facts.Sources[i] = compile.Source{File: is(5) != (i%2 == 0), Procfs: is(6)}
		}
		if s.Linux != nil {
			facts.Namespaces = make([]compile.Namespace, len(s.Linux.Namespaces))
			for i := range facts.Namespaces {
				facts.Namespaces[i].OwnedByJoined = is(7)
			}
		}
		facts.Cgroup.Unified = is(8)
		if is(9) {
			facts.Cgroup.Entries = 3
		}
		if is(10) {
			facts.OpenFiles = &compile.Limit{Soft: 1024, Hard: 4096}
		}
		options := &compile.Options{ID: "fuzz", Bundle: "/bundle", Run: is(11), NoPivot: is(12), NoNewKeyring: is(13), Preserve: int(host >> 14)}
		c, err := compile.New(s, facts, options)
		if err != nil {
			return
		}
		if err := plan.Verify(c.Program); err != nil {
			t.Fatalf("%v\n%s", err, config)
		}
		text := c.Program.AppendText(nil)
		again, err := plan.Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if string(again.AppendText(nil)) != string(text) {
			t.Fatalf("reads back as another program:\n%s", text)
		}
	})
}
