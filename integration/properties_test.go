// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/tare-runtime/tare/libcontainer/compile"
)

// TestProperties holds docs/properties.md to the specification's types, to the compiler's mount
// options, and to the tests that it names.
func TestProperties(t *testing.T) {
	raw, err := os.ReadFile("../docs/properties.md")
	if err != nil {
		t.Fatal(err)
	}
	properties, options, _ := strings.Cut(string(raw), "\n## Mount options\n")
	var rows []string
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\| ([^|]*)\\| ([^|]*) ?\\|$")
	for _, m := range row.FindAllStringSubmatch(properties, -1) {
		name, state, file := m[1], m[2], strings.TrimSpace(m[4])
		rows = append(rows, name)
		if file == "" {
			if state != "not for Linux" {
				t.Errorf("%s: no test is named", name)
			}
			continue
		}
		b, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if word := lastName(name); !regexp.MustCompile("(?i)\\b" + word + "\\b").Match(b) {
			t.Errorf("%s: %s does not mention %s", name, file, word)
		}
	}
	covers := map[string]int{}
	for _, leaf := range leaves(reflect.TypeFor[specs.Spec](), "") {
		best := ""
		for _, r := range rows {
			if (leaf == r || strings.HasPrefix(leaf, r+".")) && len(r) > len(best) {
				best = r
			}
		}
		if best == "" {
			t.Errorf("%s is missing", leaf)
		}
		covers[best]++
	}
	for _, r := range rows {
		if covers[r] == 0 {
			t.Errorf("%s is no property", r)
		}
	}

	var listed []string
	for line := range strings.Lines(options) {
		if first, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " |"); ok && strings.HasPrefix(line, "| `") {
			for o := range strings.FieldsSeq(first) {
				listed = append(listed, strings.Trim(o, "`"))
			}
		}
	}
	slices.Sort(listed)
	if known := compile.MountOptions(); !slices.Equal(listed, known) {
		t.Errorf("mount options:\nlisted %q\nknown  %q", listed, known)
	}
}

// lastName is the member that a path ends with, without [] or {}.
func lastName(path string) string {
	return strings.TrimRight(path[strings.LastIndexByte(path, '.')+1:], "[]{}")
}

// leaves are the properties below a type, as paths: linux.devices[].path, linux.netDevices{}.name.
func leaves(t reflect.Type, path string) (list []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous:
				list = append(list, leaves(f.Type, path)...)
			case path != "":
				list = append(list, leaves(f.Type, path+"."+name)...)
			case !slices.Contains([]string{"solaris", "windows", "vm", "zos", "freebsd"}, name):
				list = append(list, leaves(f.Type, name)...)
			}
		}
		return list
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return leaves(t.Elem(), path+"[]")
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct:
		return leaves(t.Elem(), path+"{}")
	}
	return []string{path}
}
