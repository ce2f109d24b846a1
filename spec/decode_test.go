// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"bytes"
	"encoding/json"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestDecodeCorpus(t *testing.T) {
	for _, raw := range corpus(t) {
		if agree(t, raw) == nil {
			t.Errorf("refused:\n%s", raw)
		}
	}
}

func TestDecodeRandom(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	for range 300 {
		if raw := randomSpec(r, 0.9); agree(t, raw) == nil {
			t.Errorf("refused:\n%s", raw)
		}
	}
}

// edges is documents at which decoders differ.
var edges = []string{
	``, ` `, `null`, `{}`, ` {} `, "\t{}\r\n", `[]`, `"x"`, `1`, `true`, `{} {}`, `{}x`, `{},`, `{`, `}`, `{"`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,}`,
	"\uFEFF{}", `{'a':1}`, `{a:1}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":+1}`, `{"a":0x1}`, `{"a":NaN}`, `{"a":nul}`, `{"a":True}`, `{"a":1 "b":2}`, `{"a" 1}`,
	"{\"a\":\"\t\"}", `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\ud800"}`, "{/**/}", "{}\x00",
	`{"hostname":null,"mounts":null,"process":null,"annotations":null,"linux":null}`,
	`{"mounts":[],"annotations":{},"process":{},"linux":{"namespaces":[],"sysctl":{}}}`,
	`{"mounts":[null,{"options":[null,"a"]}],"annotations":{"a":null}}`,
	`{"process":{"user":null,"terminal":null,"oomScoreAdj":null,"rlimits":[null]}}`,
	`{"process":{"user":{"uid":0}}}`, `{"process":{"user":{"uid":4294967295}}}`, `{"process":{"user":{"uid":4294967296}}}`,
	`{"process":{"user":{"uid":-1}}}`, `{"process":{"user":{"uid":-0}}}`, `{"process":{"user":{"uid":1.0}}}`, `{"process":{"user":{"uid":1e3}}}`,
	`{"process":{"user":{"uid":"1"}}}`, `{"process":{"user":{"uid":true}}}`, `{"process":{"user":{"uid":{}}}}`, `{"process":{"user":{"uid":[]}}}`,
	`{"process":{"oomScoreAdj":-0}}`, `{"process":{"oomScoreAdj":-9223372036854775808}}`, `{"process":{"oomScoreAdj":9223372036854775808}}`,
	`{"process":{"rlimits":[{"hard":18446744073709551615}]}}`, `{"process":{"rlimits":[{"hard":18446744073709551616}]}}`,
	`{"process":{"scheduler":{"nice":-2147483648}}}`, `{"process":{"scheduler":{"nice":-2147483649}}}`,
	`{"linux":{"resources":{"blockIO":{"weight":65535}}}}`, `{"linux":{"resources":{"blockIO":{"weight":65536}}}}`,
	`{"linux":{"resources":{"blockIO":{"weightDevice":[{"major":8,"minor":1,"weight":10}],"throttleReadBpsDevice":[{"major":1,"rate":2}]}}}}`,
	`{"linux":{"devices":[{"fileMode":438}]}}`, `{"linux":{"devices":[{"fileMode":"0666"}]}}`,
	`{"process":{"args":"sh"}}`, `{"process":{"args":{}}}`, `{"process":{"args":[1]}}`, `{"process":[]}`, `{"hostname":1}`, `{"hostname":{}}`,
	`{"process":{"terminal":1}}`, `{"process":{"terminal":"true"}}`, `{"annotations":[]}`, `{"annotations":{"a":1}}`,
	`{"hostname":"\u0041\n\/\"\\\b\f\r\t\u00e9"}`, `{"hostname":"\ud83d\ude42 \ud83d x \ud83d\u0041 \ude42"}`, "{\"hostname\":\"\xff\xc3\x28\xe2\x82\"}",
	`{"host\u006eame":"x"}`, "{\"hostname\xff\":1}", `{"":{"":[]}}`,
	`{"unknown":{"deep":[1,2,{"x":null}]},"hostname":"x"}`, `{"windows":{"anything":[1]},"solaris":5,"vm":null,"zos":[],"freebsd":"x"}`,
	`{"process":{"commandLine":5,"user":{"username":[]}}}`,
	`{"linux":{"seccomp":{"syscalls":[{"names":["a"],"args":[{"index":1,"value":18446744073709551615,"op":"SCMP_CMP_EQ"}]}]}}}`,
	`{"linux":{"timeOffsets":{"monotonic":{"secs":-5,"nanosecs":1}},"netDevices":{"eth0":{"name":"x"}},"resources":{"rdma":{"a":{"hcaHandles":1}},"unified":{"a":"b"}}}}`,
	`{"a":` + strings.Repeat("[", 9998) + strings.Repeat("]", 9998) + `}`,
	`{"a":` + strings.Repeat("[", 10001) + strings.Repeat("]", 10001) + `}`,
}

// What encoding/json does at the edges, Decode does.
func TestDecodeEdges(t *testing.T) {
	for _, raw := range edges {
		agree(t, []byte(raw))
	}
}

// Every value of a configuration in turn is replaced by one of each kind.
func TestDecodeOtherValues(t *testing.T) {
	raw, err := os.ReadFile("testdata/everything.json")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, span := range values(raw) {
		for _, other := range []string{"null", "true", "0", "-1", "1.5", "99999999999999999999", `"x"`, "[]", "{}", `[null]`, `{"a":null}`, "", "?"} {
			agree(t, slices.Concat(raw[:span[0]], []byte(other), raw[span[1]:]))
			n++
		}
	}
	if n < 3000 {
		t.Errorf("only %d variants", n)
	}
}

// values lists where each value of a document begins and ends.
func values(raw []byte) (spans [][2]int) {
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	var walk func()
	walk = func() {
		kind := dec.PeekKind()
		if kind != '{' && kind != '[' {
			value, err := dec.ReadValue()
			if err != nil {
				panic(err)
			}
			spans = append(spans, [2]int{int(dec.InputOffset()) - len(value), int(dec.InputOffset())})
			return
		}
		dec.ReadToken()
		start := int(dec.InputOffset()) - 1
		for dec.PeekKind() != '}' && dec.PeekKind() != ']' {
			if kind == '{' {
				dec.ReadToken()
			}
			walk()
		}
		dec.ReadToken()
		spans = append(spans, [2]int{start, int(dec.InputOffset())})
	}
	walk()
	return spans
}

// A file that ends too soon is refused wherever it ends.
func TestDecodeTruncated(t *testing.T) {
	raw := Example(ExampleOptions{})
	for n := range raw {
		if agree(t, raw[:n]) != nil {
			t.Errorf("accepted:\n%s", raw[:n])
		}
	}
}

// Where Decode goes its own way, as the package comment says.
func TestDecodeUnlikeEncodingJSON(t *testing.T) {
	var oracle specs.Spec
	for _, test := range []struct {
		raw  string
		want specs.Spec
	}{
		{`{"Hostname":"x","hostName":"y"}`, specs.Spec{}},
		{`{"hostname":"x","HOSTNAME":"y"}`, specs.Spec{Hostname: "x"}},
		{`{"hostname":"x","hostname":"y"}`, specs.Spec{Hostname: "y"}},
		{`{"hostname":"x","hostname":null}`, specs.Spec{Hostname: "x"}},
		{`{"root":{"path":"x"},"root":{"readonly":true}}`, specs.Spec{Root: &specs.Root{Path: "x", Readonly: true}}},
		{`{"root":{"path":"x"},"root":null}`, specs.Spec{}},
		{`{"annotations":{"a":"1","b":"2"},"annotations":{"a":"3"}}`, specs.Spec{Annotations: map[string]string{"a": "3", "b": "2"}}},
		{`{"mounts":[{"type":"x"}],"mounts":[{"source":"y"}]}`, specs.Spec{Mounts: []specs.Mount{{Source: "y"}}}},
	} {
		got, err := Decode("config.json", []byte(test.raw))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&test.want, got); diff != "" {
			t.Errorf("%s:\n%s", test.raw, diff)
		}
		if err := json.Unmarshal([]byte(test.raw), &oracle); err != nil {
			t.Errorf("%s: encoding/json refuses it: %v", test.raw, err)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, test := range []struct{ raw, want string }{
		{"{\n\t\"process\": {\n\t\t\"user\": {\"uid\": \"zero\"}\n\t}\n}", `config.json:3:19: process.user.uid: want a whole number, got "zero"`},
		{``, `config.json:1:1: unexpected end of the file`},
		{"{\n", `config.json:2:1: unexpected end of the file`},
		{`{"hostname":"x`, `config.json:1:15: unexpected end of the file`},
		{`{"hostname":tru`, `config.json:1:16: unexpected end of the file`},
		{"\uFEFF{}", `config.json:1:1: want plain UTF-8, got a byte order mark`},
		{"{}\n{}", `config.json:2:1: want the end of the file, got an object`},
		{"{}\n}", `config.json:2:1: invalid character '}' at start of value`},
		{"{} x", `config.json:1:4: invalid character 'x' at start of value`},
		{"{\n\t\"hostname\": \"x\"\n\t\"root\": {}\n}", `config.json:3:2: invalid character '"' after object value (expecting ',' or '}')`},
		{`{"hostname" "x"}`, `config.json:1:13: invalid character '"' after object name (expecting ':')`},
		{`{"hostname":"x",}`, `config.json:1:16: invalid character ',' at start of value`},
		{`{"mounts":[{} {}]}`, `config.json:1:15: invalid character '{' after array element (expecting ',' or ']')`},
		{`{"mounts":[{}}`, `config.json:1:14: invalid character '}' after array element (expecting ',' or ']')`},
		{`{hostname:"x"}`, `config.json:1:2: invalid character 'h' at start of value`},
		{`{1:"x"}`, `config.json:1:2: object member name must be a string`},
		{`{"hostname":nul}`, `config.json:1:16: invalid character '}' in literal null (expecting 'l')`},
		{`{"hostname":"a\x"}`, "config.json:1:15: invalid escape sequence `\\x` in string"},
		{"{\"hostname\":\"a\nb\"}", `config.json:1:15: invalid character '\n' in string (expecting non-control character)`},
		{`{"x":` + strings.Repeat("[", 10001), `config.json:1:10005: exceeded max depth`},
		{`[]`, `config.json:1:1: want an object, got a list`},
		{`"x"`, `config.json:1:1: want an object, got "x"`},
		{`{"mounts":{}}`, `config.json:1:11: mounts: want a list, got an object`},
		{`{"mounts":[{},[]]}`, `config.json:1:15: mounts[1]: want an object, got a list`},
		{`{"mounts":[{},{"options":["a",5]}]}`, `config.json:1:31: mounts[1].options[1]: want a string, got 5`},
		{`{"hooks":{"poststop":[{"timeout":true}]}}`, `config.json:1:34: hooks.poststop[0].timeout: want a whole number, got true`},
		{`{"linux":{"sysctl":{"a":"1","net.ipv4.ip_forward":1}}}`, `config.json:1:51: linux.sysctl["net.ipv4.ip_forward"]: want a string, got 1`},
		{`{"linux":{"resources":{"rdma":{"mlx5":{"hcaObjects":-1}}}}}`, `config.json:1:53: linux.resources.rdma["mlx5"].hcaObjects: want a whole number from 0 to 4294967295, got -1`},
		{`{"annotations":{"a\"b\n":{}}}`, `config.json:1:26: annotations["a\"b\n"]: want a string, got an object`},
		{`{"annotations":{"a":"b"},"root":{"readonly":"yes"}}`, `config.json:1:45: root.readonly: want true or false, got "yes"`},
		{`{"process":{"rlimits":[{"soft":18446744073709551616}]}}`, `config.json:1:32: process.rlimits[0].soft: want a whole number from 0 to 18446744073709551615, got 18446744073709551616`},
		{`{"process":{"oomScoreAdj":9223372036854775808}}`, `config.json:1:27: process.oomScoreAdj: want a whole number from -9223372036854775808 to 9223372036854775807, got 9223372036854775808`},
		{`{"process":{"scheduler":{"nice":2147483648}}}`, `config.json:1:33: process.scheduler.nice: want a whole number from -2147483648 to 2147483647, got 2147483648`},
		{`{"linux":{"resources":{"blockIO":{"weight":65536}}}}`, `config.json:1:44: linux.resources.blockIO.weight: want a whole number from 0 to 65535, got 65536`},
		{`{"process":{"user":{"umask":1e2}}}`, `config.json:1:29: process.user.umask: want a whole number, got 1e2`},
		{`{"process":{"user":{"uid":"0123456789012345678901234567890123456789"}}}`, `config.json:1:27: process.user.uid: want a whole number, got "012345678901234567890123456789012345678...`},
		{"{\"process\":{\"user\":{\"uid\":\"\xff\"}}}", "config.json:1:27: process.user.uid: want a whole number, got \"\uFFFD\""},
		{"{\"process\":{\"user\":{\"uid\":\"\u009b1m\u202e\"}}}", "config.json:1:27: process.user.uid: want a whole number, got \"\uFFFD1m\uFFFD\""},
	} {
		_, err := Decode("config.json", []byte(test.raw))
		if err == nil {
			t.Errorf("accepted %s, want %s", test.raw, test.want)
		} else if err.Error() != test.want {
			t.Errorf("%.60s\n got %s\nwant %s", test.raw, err, test.want)
		}
	}
}

func TestDecodeParts(t *testing.T) {
	p, err := DecodeProcess("p.json", []byte(`{"args":["sh"],"cwd":"/","user":{"uid":5}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&specs.Process{Args: []string{"sh"}, Cwd: "/", User: specs.User{UID: 5}}, p); diff != "" {
		t.Error(diff)
	}
	if _, err = DecodeProcess("p.json", []byte(`{"user":{"uid":-1}}`)); err == nil ||
		err.Error() != "p.json:1:16: user.uid: want a whole number from 0 to 4294967295, got -1" {
		t.Error(err)
	}
	limit := int64(5)
	r, err := DecodeResources("-", []byte(`{"memory":{"limit":5}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit}}, r); diff != "" {
		t.Error(diff)
	}
}

// Decode keeps nothing of raw: callers may use their buffer again.
func TestDecodeCopies(t *testing.T) {
	raw := []byte(`{"hostname":"abc"}`)
	s, err := Decode("config.json", raw)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw)
	if s.Hostname != "abc" {
		t.Errorf("hostname is %q after the buffer was cleared", s.Hostname)
	}
}
