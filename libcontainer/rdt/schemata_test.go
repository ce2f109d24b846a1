// SPDX-License-Identifier: Apache-2.0

package rdt

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMerge(t *testing.T) {
	for _, tc := range []struct {
		config config
		want   string
	}{
		{config{}, ""},
		{config{L3CacheSchema: "L3:0=ff;1=f"}, "L3:0=ff;1=f"},
		{config{L3CacheSchema: "L3:0=ff", MemBwSchema: "MB:0=10"}, "L3:0=ff\nMB:0=10"},
		// The rule of older specifications: memBwSchema counts, not the MB: of l3CacheSchema.
		{config{L3CacheSchema: "L3:0=ff\nMB:0=90", MemBwSchema: "MB:0=10"}, "L3:0=ff\nMB:0=10"},
		{config{L3CacheSchema: "MB:0=90;1=80", MemBwSchema: "MB:0=10"}, "MB:1=80\nMB:0=10"},
		// schemata is written last, so it counts; as it is.
		{config{L3CacheSchema: "L3:0=ff;1=f", Schemata: []string{" L3 : 1 = 0x3 ;"}}, "L3:0=ff\n L3 : 1 = 0x3 ;"},
		{config{L3CacheSchema: "L3:0=ff", MemBwSchema: "MB:0=10", Schemata: []string{"MB:00=20", "L3:0=1"}}, "MB:00=20\nL3:0=1"},
		{config{L3CacheSchema: "L3:0=ff", Schemata: []string{"L3CODE:0=1", "L2:0=1"}}, "L3:0=ff\nL3CODE:0=1\nL2:0=1"},
		// What is not a schema is the kernel's to refuse, and so is a field that contradicts itself.
		{config{L3CacheSchema: "L3", MemBwSchema: "MB:", Schemata: []string{"", "L3:0", "L3:0=1;;1=1"}}, "L3\nMB:\n\nL3:0\nL3:0=1;;1=1"},
		{config{Schemata: []string{"L3:0=1", "L3:0=3"}}, "L3:0=1\nL3:0=3"},
	} {
		if got := text(New("/r", "c1", &tc.config).lines); got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.config, got, tc.want)
		}
	}
}

func TestDifference(t *testing.T) {
	const file = "    L3:0=00f;1=7ff\n    MB:0= 20;1=100\n  SMBA:0=2048\nL3CODE:0=a0\n"
	step := func(resource string) uint64 {
		if resource == "MB" {
			return 10
		}
		return 0
	}
	for _, tc := range []struct {
		text string
		have string // "=" if there is no difference
	}{
		{"L3:0=f", "="},
		{"L3:0=0xF;1=07FF", "="},
		{"L3:1=7ff;0=f;", "="},
		{" L3 : 01 = 7ff", "="},
		{"L3CODE:0=A0", "="},
		{"L3:0=1f", "L3:0=00f;1=7ff"},
		{"L3:0=f;2=f", "L3:0=00f;1=7ff"},
		{"L3:0=", "L3:0=00f;1=7ff"},
		{"L3:0=0", "L3:0=00f;1=7ff"},
		{"L3DATA:0=a0", ""},
		{"l3:0=f", ""},
		{"MB:0=20", "="},
		{"MB:0=11;1=91", "="}, // rounded up
		{"MB:0=10", "MB:0= 20;1=100"},
		{"MB:0=21", "MB:0= 20;1=100"},
		{"MB:0=0x14", "MB:0= 20;1=100"},
		{"SMBA:0=2048", "="},
		{"SMBA:0=2047", "SMBA:0=2048"},
		{"", ""},
		{":", ""},
	} {
		l, have, differ := difference([]line{{"p", 0, "L3:1=7ff"}, {"q", 1, tc.text}}, file, step)
		switch {
		case differ != (tc.have != "="):
			t.Errorf("%q: differs %v", tc.text, differ)
		case differ && (have != tc.have || l.place != "q"):
			t.Errorf("%q: %q %q, want %q", tc.text, l.place, have, tc.have)
		}
	}
}

// The file of a machine with many caches is longer than one read.
func TestReadFile(t *testing.T) {
	path := t.TempDir() + "/f"
	for _, n := range []int{0, 1, 4095, 4096, 4097, 30000} {
		want := strings.Repeat("x", n)
		must(t, os.WriteFile(path, []byte(want), 0o644))
		if got, err := readFile(path); got != want || err != nil {
			t.Errorf("%d bytes: %d, %v", n, len(got), err)
		}
	}
	if _, err := readFile("/dev/zero"); err != unix.EFBIG {
		t.Error(err)
	}
}
