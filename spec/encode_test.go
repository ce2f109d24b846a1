// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"bytes"
	"encoding/json"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// oracleJSON is what encoding/json writes without HTML escapes.
func oracleJSON(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func checkString(t *testing.T, s string) {
	t.Helper()
	if got, want := string(AppendString(nil, s)), oracleJSON(t, s); got != want {
		t.Errorf("%q: got %s, want %s", s, got, want)
	}
}

func checkState(t *testing.T, s *specs.State) {
	t.Helper()
	if got, want := string(AppendState(nil, s)), oracleJSON(t, s); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAppendString(t *testing.T) {
	for _, s := range []string{
		"", "plain", `"quoted" \ / <a&b>`, "\b\f\n\r\t\v\x00\x1f\x7f", "äöü \u20ac \U0001f642",
		"\u2027\u2028\u2029\u202a", "\uFFFD", "\xff", "a\xc3", "\xe2\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
	} {
		checkString(t, s)
	}
	for c := range rune(0x300) {
		checkString(t, "<"+string(c)+">")
		checkString(t, string([]byte{byte(c)}))
	}
	if got := string(AppendString([]byte("x:"), "y")); got != `x:"y"` {
		t.Errorf("does not append: %s", got)
	}
}

func TestAppendState(t *testing.T) {
	for _, s := range []*specs.State{
		{},
		{Version: "1.3.0", ID: "c1", Status: specs.StateRunning, Pid: 4711, Bundle: "/b"},
		{Version: "1.3.0", ID: "c<1>", Status: specs.StateStopped, Bundle: "/b \"x\"", Annotations: map[string]string{}},
		{ID: "c1", Pid: -1, Annotations: map[string]string{"b": "2", "a": "1", "": "", "a.b": "\n", "\xff": "\u2028"}},
	} {
		checkState(t, s)
	}
}
