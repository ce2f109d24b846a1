// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// FuzzDecode: no input panics, and encoding/json agrees on what is valid and
// what it means, but for what the package comment names.
func FuzzDecode(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte) { agree(t, raw) })
}

// FuzzValidate: whatever decodes can be checked, and every mistake has a place.
func FuzzValidate(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Decode("config.json", raw)
		if err != nil {
			return
		}
		valid(t, Validate(s))
		if s.Process != nil {
			valid(t, ValidateProcess(s.Process))
		}
		if s.Linux != nil && s.Linux.Resources != nil {
			valid(t, ValidateResources(s.Linux.Resources))
		}
		Warnings(s)
	})
}

// seeds adds small documents, one with each property: the fuzzer spends its time
// on shortening long ones.
func seeds(f *testing.F) {
	for _, raw := range edges {
		if len(raw) < 1000 {
			f.Add([]byte(raw))
		}
	}
	raw, err := os.ReadFile("testdata/everything.json")
	if err != nil {
		f.Fatal(err)
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(raw, &config); err != nil {
		f.Fatal(err)
	}
	for name, value := range config {
		f.Add(fmt.Appendf(nil, `{"ociVersion":"1.0.0","root":{"path":"r"},%q:%s}`, name, value))
	}
	if err := json.Unmarshal(config["linux"], &config); err != nil {
		f.Fatal(err)
	}
	for name, value := range config {
		f.Add(fmt.Appendf(nil, `{"ociVersion":"1.0.0","root":{"path":"r"},"linux":{%q:%s}}`, name, value))
	}
}

func valid(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if err != nil && (!errors.As(err, &e) || e.Place == "" || e.Msg == "") {
		t.Fatalf("error without a place: %#v", err)
	}
}

// FuzzAppendString: what is quoted reads back the same, as encoding/json has it.
func FuzzAppendString(f *testing.F) {
	f.Add("plain")
	f.Add("\x00\x1f\x7f\"\\/<>&\u2028\u2029\uFFFD\xff\xe2\x80")
	f.Fuzz(func(t *testing.T, s string) {
		checkString(t, s)
		checkState(t, &specs.State{ID: s, Annotations: map[string]string{s: s, "": s}})
	})
}

// FuzzSysctlPath: no key leads out of /proc/sys.
func FuzzSysctlPath(f *testing.F) {
	f.Add("net.ipv4.ip_forward")
	f.Add("net/ipv4/conf/eth0.100/forwarding")
	f.Add("net.//.kernel.core_pattern")
	f.Fuzz(func(t *testing.T, key string) { checkSysctlPath(t, key) })
}
