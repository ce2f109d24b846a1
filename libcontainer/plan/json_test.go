// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/json"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

func TestJSON(t *testing.T) {
	b := NewBuilder()
	b.Held("start")
	b.Input("report")
	b.At(Note{Where: "mounts", Index: 5, Object: "/sys\xff", Hint: "a \"b\""})
	l := b.Label()
	b.Fsopen("sysfs", unix.FSOPEN_CLOEXEC).OnError(syscall.ENOENT, l).Remember().FD()
	b.At(Note{Where: "process", Index: -1, Key: "k"})
	b.Getpid().ZeroFails().Then(l)
	b.Bind(l)
	b.ExitGroup(0)
	want := `{"inputs":[{"name":"start","keep":true},{"name":"report"}],"instructions":[` +
		`{"index":0,"note":{"where":"mounts","index":5,"object":"/sys\\xff","hint":"a \"b\""},"call":"fsopen","args":["\"sysfs\"","FSOPEN_CLOEXEC"],` +
		`"result":"$1","onError":{"errno":"ENOENT","to":2},"remember":true},` +
		`{"index":1,"note":{"where":"process","key":"k"},"call":"getpid","args":[],"onSuccess":2,"zeroFails":true},` +
		`{"index":2,"note":{"where":"process","key":"k"},"call":"exit_group","args":["0"]}]}`
	if got := string(b.Build().AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestJSONText checks that the JSON says what the text says.
func TestJSONText(t *testing.T) {
	for name, text := range goldens(t) {
		p, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Inputs       []struct{ Name string }
			Instructions []struct {
				Index   int
				Call    string
				Args    []string
				Result  string
				OnError struct {
					Errno string
					To    int
				}
				OnSuccess           int
				ZeroFails, Remember bool
			}
		}
		if err := json.Unmarshal(p.AppendJSON(nil), &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		lines := strings.Split(string(text), "\n")
		for _, in := range got.Instructions {
			line := strings.Repeat(" ", max(1, 4-len(strconv.Itoa(in.Index)))) + strconv.Itoa(in.Index) + "  "
			if in.Result != "" {
				line += in.Result + " = "
			}
			line += in.Call + "(" + strings.Join(in.Args, ", ") + ")"
			if in.OnSuccess != 0 {
				line += " -> " + strconv.Itoa(in.OnSuccess)
			}
			if in.OnError.To != 0 {
				line += strings.TrimSuffix(" ? "+in.OnError.Errno, " ") + " -> " + strconv.Itoa(in.OnError.To)
			}
			if in.ZeroFails {
				line += " zero-fails"
			}
			if in.Remember {
				line += " remember"
			}
			for lines[0] != line && (lines[0] == "" || lines[0][0] != ' ') && len(lines) > 1 {
				lines = lines[1:]
			}
			if lines[0] != line {
				t.Fatalf("%s: the text has\n%s\nthe JSON\n%s", name, lines[0], line)
			}
			lines = lines[1:]
		}
	}
}

func TestJSONStrings(t *testing.T) {
	for c := range 256 {
		for _, s := range []string{string([]byte{byte(c)}), "é" + string([]byte{byte(c)}) + "\u2028", string(rune(c << 8))} {
			var got string
			if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
				t.Fatalf("%q: %v", s, err)
			}
			if utf8.ValidString(s) && got != s {
				t.Errorf("%q became %q", s, got)
			}
		}
	}
}
