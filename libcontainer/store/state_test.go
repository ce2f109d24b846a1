// SPDX-License-Identifier: Apache-2.0

package store

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

// whole is a state with something in every member.
func whole(id string) *State {
	return &State{
		OCIVersion: "1.3.0", ID: id, Bundle: "/b", Rootfs: "/b/rootfs", Created: "2025-01-02T03:04:05.000000006Z",
		Phase: Created, PID: 4711, StartTime: 123456789, PrivatePID: true, Cgroup: "2:/sys/fs/cgroup/x", Resctrl: "/sys/fs/resctrl/c1\n/sys/fs/resctrl/c1/mon_groups/c1",
		Systemd: true, Rootless: true, Terminal: true, Poststop: true, Owner: 1000,
		Annotations: map[string]string{"b": "2", "a": "1"},
	}
}

func same(t *testing.T, got, want *State) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAppend(t *testing.T) {
	for _, c := range []struct {
		s    *State
		want string
	}{
		{whole("c1"), `{"ociVersion":"1.3.0","id":"c1","bundle":"/b","rootfs":"/b/rootfs",` +
			`"created":"2025-01-02T03:04:05.000000006Z","phase":"created","pid":4711,"startTime":123456789,` +
			`"privatePid":true,"cgroup":"2:/sys/fs/cgroup/x",` +
			`"resctrl":"/sys/fs/resctrl/c1\n/sys/fs/resctrl/c1/mon_groups/c1","systemd":true,"rootless":true,"terminal":true,` +
			`"poststop":true,"owner":1000,"annotations":{"a":"1","b":"2"}}`},
		{&State{ID: "x", Phase: Creating}, `{"ociVersion":"","id":"x","phase":"creating"}`},
		{&State{ID: "x", Phase: Creating, Annotations: map[string]string{}}, `{"ociVersion":"","id":"x","phase":"creating"}`},
	} {
		if got := string(c.s.Append([]byte("> "))); got != "> "+c.want {
			t.Errorf("got  %s\nwant > %s", got, c.want)
		}
	}
	// Every member is in the text: one that is added to State but not to Append is found here.
	var members map[string]any
	if err := json.Unmarshal(whole("c1").Append(nil), &members); err != nil {
		t.Fatal(err)
	}
	if n := reflect.TypeFor[State]().NumField(); len(members) != n {
		t.Errorf("%d members for %d fields", len(members), n)
	}
}

// oddTexts are what users put where they can.
var oddTexts = []string{
	`"`, `\`, `\"`, `\\`, `\u0041`, "\x00", "\n\r\t\b\f\v\x1b\x1f\x7f", "/", "'", "{}[],:", "</script>&",
	"äöü", "日本語", "\u2028\u2029", "\uffff", "\ufffd", "😀", "\U0010ffff", " leading and trailing ",
	"true", "null", strings.Repeat(`"\`, 5000), strings.Repeat("x", 70000),
}

func TestRoundTrip(t *testing.T) {
	states := []*State{
		whole("c1"),
		{ID: "x", Phase: Creating},
		{ID: "x", Phase: "some later phase"},
		{ID: "x", Phase: Created, PID: math.MaxInt32, StartTime: math.MaxUint64, Owner: math.MaxUint32},
	}
	annotations := make(map[string]string)
	for _, odd := range oddTexts {
		annotations[odd] = odd
		states = append(states, &State{
			OCIVersion: odd, ID: odd, Bundle: odd, Rootfs: odd, Created: odd, Phase: Phase(odd), Cgroup: odd,
			Annotations: map[string]string{odd: odd, "": odd, "k": ""},
		})
	}
	states = append(states, &State{ID: "x", Phase: Created, Annotations: annotations})
	// Each flag by itself: none may be read as another.
	for _, s := range []State{{PrivatePID: true}, {Systemd: true}, {Rootless: true}, {Terminal: true}, {Poststop: true}} {
		s.ID, s.Phase = "x", Created
		states = append(states, &s)
	}
	for _, want := range states {
		raw := want.Append(nil)
		if !json.Valid(raw) {
			t.Errorf("not JSON: %.200s", raw)
		}
		got, err := Decode(raw)
		if err != nil {
			t.Errorf("%v: %.200s", err, raw)
			continue
		}
		same(t, got, want)
		if strings.ContainsAny(string(raw), "\n\r") {
			t.Errorf("more than one line: %.200q", raw)
		}
	}
}

// TestDecodeOther reads what another program, or a later tare, may have written.
func TestDecodeOther(t *testing.T) {
	for text, want := range map[string]*State{
		" {\n\t\"id\" : \"x\" ,\r\n \"phase\":\"created\" } \n":                                        {ID: "x", Phase: Created},
		`{"phase":"created","id":"x"}`:                                                                 {ID: "x", Phase: Created},
		`{"id":"x","phase":"created","pid":0,"systemd":false}`:                                         {ID: "x", Phase: Created},
		`{"id":"x","phase":"created","new":{"a":[1,-2.5e+3,{"b":null},[],{}]}}`:                        {ID: "x", Phase: Created},
		`{"new":[true,false,null,"]}"],"id":"x","phase":"created"}`:                                    {ID: "x", Phase: Created},
		`{"new":"\"}","id":"x","phase":"created"}`:                                                     {ID: "x", Phase: Created},
		`{"id":"x","phase":"created","annotations":{}}`:                                                {ID: "x", Phase: Created, Annotations: map[string]string{}},
		`{"id":"\u0041\u00e4\/\b\f\n\r\t\"\\","phase":"created"}`:                                      {ID: "Aä/\b\f\n\r\t\"\\", Phase: Created},
		`{"id":"\ud83d\ude00\uD83D\uDE00","phase":"created"}`:                                          {ID: "😀😀", Phase: Created},
		`{"id":"\ud83d","phase":"created"}`:                                                            {ID: "\ufffd", Phase: Created},
		`{"id":"\ude00x","phase":"created"}`:                                                           {ID: "\ufffdx", Phase: Created},
		`{"id":"\ud83d\u0041","phase":"created"}`:                                                      {ID: "\ufffdA", Phase: Created},
		`{"id":"\ud83dx\ude00","phase":"created"}`:                                                     {ID: "\ufffdx\ufffd", Phase: Created},
		`{"\u0069d":"x","phase":"created"}`:                                                            {ID: "x", Phase: Created},
		`{"new":` + strings.Repeat("[", 60) + strings.Repeat("]", 60) + `,"id":"x","phase":"created"}`: {ID: "x", Phase: Created},
	} {
		got, err := Decode([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", text, got, want)
		}
	}
}

func TestDecodeBad(t *testing.T) {
	const tail = `,"id":"x","phase":"created"}`
	for _, text := range []string{
		"", " ", "null", "[]", `"x"`, "{", "}", "{}", "{}{}", `{"id":"x"}`, `{"phase":"created"}`, `{"id":"","phase":"created"}`,
		`{"id":"x","phase":""}`, `{"id":"x","phase":"created"`, `{"id":"x","phase":"created"}x`, `{"id":"x","phase":"created"}{}`,
		`{"id":"x","phase":"created",}`, `{,"id":"x","phase":"created"}`, `{"id":"x" "phase":"created"}`, `{"id" "x","phase":"created"}`,
		`{id:"x","phase":"created"}`, `{"id":x,"phase":"created"}`, `{"id":1,"phase":"created"}`, `{"id":null,"phase":"created"}`,
		`{"id":"x","phase":"created","pid":-1}`, `{"id":"x","phase":"created","pid":1.5}`, `{"id":"x","phase":"created","pid":"1"}`,
		`{"id":"x","phase":"created","pid":}`, `{"id":"x","phase":"created","pid":2147483648}`, `{"id":"x","phase":"created","pid":1e3}`,
		`{"id":"x","phase":"created","startTime":18446744073709551616}`, `{"id":"x","phase":"created","owner":4294967296}`,
		`{"id":"x","phase":"created","systemd":1}`, `{"id":"x","phase":"created","systemd":tru}`, `{"id":"x","phase":"created","systemd":"true"}`,
		`{"id":"x","phase":"created","annotations":[]}`, `{"id":"x","phase":"created","annotations":{"a":1}}`,
		`{"id":"x","phase":"created","annotations":{"a":"1",}}`, `{"id":"x","phase":"created","annotations":{"a":"1"`,
		`{"n":` + tail, `{"n":[` + tail, `{"n":[1,]` + tail, `{"n":[1 2]` + tail, `{"n":{"a"}` + tail, `{"n":nul` + tail, `{"n":?` + tail,
		`{"n":` + strings.Repeat("[", 100000), `{"n":` + strings.Repeat(`{"n":`, 100000),
		`{"n":` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + tail,
		`{"id":"x`, `{"id":"x\`, `{"id":"x\"`, `{"id":"\u`, `{"id":"\u12`, `{"id":"\u12g4","phase":"created"}`, `{"id":"\x","phase":"created"}`,
		`{"id":"\ud83d\u","phase":"created"}`, `{"id":"\ud83d\`, "{\"id\":\"a\nb\",\"phase\":\"created\"}", "{\"id\":\"\\n\nb\",\"phase\":\"created\"}",
		"\x00", "{\"id\":\"x\",\"phase\":\"created\"}\x00",
	} {
		s, err := Decode([]byte(text))
		if err == nil || s != nil {
			t.Errorf("%.80q: got %+v, want an error", text, s)
			continue
		}
		if !strings.HasPrefix(err.Error(), "byte ") || !strings.HasSuffix(err.Error(), ": not the state of a container") {
			t.Errorf("%.80q: %v", text, err)
		}
	}
	// A state cut off anywhere is none: no half file is ever taken for a whole.
	raw := whole("c1").Append(nil)
	for n := range raw {
		if s, err := Decode(raw[:n]); err == nil {
			t.Errorf("the first %d bytes are taken for %+v", n, s)
		}
	}
}

// FuzzDecode: what is taken, is taken the same way once more, and nothing makes it fall over.
func FuzzDecode(f *testing.F) {
	f.Add(whole("c1").Append(nil))
	f.Add([]byte(`{"id":"\ud83d\ude00","phase":"created","new":[1,{"a":null}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Decode(raw)
		if err != nil {
			return
		}
		once := s.Append(nil)
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("%v: %s", err, once)
		}
		if twice := again.Append(nil); string(twice) != string(once) {
			t.Fatalf("%s\n%s", once, twice)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	raw := whole("c1").Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}
