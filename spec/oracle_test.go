// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// agree decodes raw both ways and fails on a difference that the package comment
// does not name. It returns the result.
func agree(t *testing.T, raw []byte) *specs.Spec {
	t.Helper()
	got, err := Decode("config.json", raw)
	if err != nil {
		checkError(t, err)
	}
	if diff := difference(raw, got, err); diff != "" && !hasRepeats(raw) && !hasOtherCase(raw) {
		t.Fatalf("%s\n%s", diff, raw)
	}
	return got
}

// difference compares what Decode said with what encoding/json says.
func difference(raw []byte, got *specs.Spec, err error) string {
	var want specs.Spec
	oracleErr := json.Unmarshal(raw, &want)
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil && errors.As(oracleErr, &wrongType) && otherPlatform(wrongType.Field):
		return ""
	case (err == nil) != (oracleErr == nil):
		return fmt.Sprintf("got error %v, encoding/json says %v", err, oracleErr)
	case err != nil:
		return ""
	}
	dropOtherPlatforms(&want)
	if reflect.DeepEqual(&want, got) { // cmp.Diff takes ten times as long
		return ""
	}
	return "encoding/json (-) and Decode (+) differ:\n" + cmp.Diff(&want, got)
}

// checkError holds every decoding error to the form that Error promises.
func checkError(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Msg == "" || e.File != "config.json" {
		t.Fatalf("error without a position: %#v", err)
	}
	if strings.ContainsAny(err.Error(), "\n\x00\x1b") {
		t.Fatalf("error with control characters: %q", err)
	}
}

func dropOtherPlatforms(s *specs.Spec) {
	s.Solaris, s.Windows, s.VM, s.ZOS, s.FreeBSD = nil, nil, nil, nil, nil
	if s.Process != nil {
		s.Process.CommandLine = ""
		s.Process.User.Username = ""
	}
}

func otherPlatform(field string) bool {
	for _, skipped := range []string{"solaris", "windows", "vm", "zos", "freebsd", "process.commandLine", "process.user.username"} {
		if field == skipped || strings.HasPrefix(field, skipped+".") {
			return true
		}
	}
	return false
}

// hasRepeats tells whether some object of a document has a name twice.
func hasRepeats(raw []byte) bool {
	repeats := false
	eachName(raw, func(object map[string]bool, name string) {
		repeats = repeats || object[name]
		object[name] = true
	})
	return repeats
}

// hasOtherCase tells whether a name in a document is one of the specification
// but for its case.
func hasOtherCase(raw []byte) bool {
	found := false
	eachName(raw, func(_ map[string]bool, name string) {
		for known := range knownNames {
			found = found || name != known && strings.EqualFold(name, known)
		}
	})
	return found
}

var knownNames = func() map[string]bool {
	names := map[string]bool{}
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(t.Elem())
		case reflect.Struct:
			if seen[t] {
				return
			}
			seen[t] = true
			for i := range t.NumField() {
				name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
				names[name] = true
				walk(t.Field(i).Type)
			}
		}
	}
	walk(reflect.TypeFor[specs.Spec]())
	return names
}()

// eachName calls found for the names of every object, as far as raw is JSON.
func eachName(raw []byte, found func(object map[string]bool, name string)) {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	var walk func() bool
	walk = func() bool {
		token, err := dec.Token()
		if err != nil {
			return false
		}
		object := map[string]bool{}
		for (token == json.Delim('{') || token == json.Delim('[')) && dec.More() {
			if token == json.Delim('{') {
				name, err := dec.Token()
				if err != nil {
					return false
				}
				found(object, name.(string))
			}
			if !walk() {
				return false
			}
		}
		if token == json.Delim('{') || token == json.Delim('[') {
			_, err = dec.Token()
		}
		return err == nil
	}
	walk()
}

// corpus is configurations of every kind: the examples, one by hand with every
// property of Linux, and a random one with every field there is.
func corpus(t testing.TB) [][]byte {
	all := [][]byte{
		Example(ExampleOptions{}),
		Example(ExampleOptions{Rootless: true, UID: 1000, GID: 1000, CgroupNamespace: true}),
		randomSpec(rand.New(rand.NewSource(1)), 1),
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, raw)
	}
	return all
}

// randomSpec is the text of a Spec in which each field is set with that chance.
func randomSpec(r *rand.Rand, chance float64) []byte {
	var s specs.Spec
	fill(r, chance, reflect.ValueOf(&s).Elem())
	raw, err := json.Marshal(&s)
	if err != nil {
		panic(err)
	}
	return raw
}

func fill(r *rand.Rand, chance float64, v reflect.Value) {
	if r.Float64() > chance {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(r, chance, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, chance, v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), r.Intn(4), 4))
		for i := range v.Len() {
			fill(r, chance, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.Intn(4) {
			value := reflect.New(v.Type().Elem()).Elem()
			fill(r, chance, value)
			v.SetMapIndex(reflect.ValueOf(randomString(r)), value)
		}
	case reflect.String:
		v.SetString(randomString(r))
	case reflect.Interface:
		v.Set(reflect.ValueOf(randomString(r)))
	case reflect.Bool:
		v.SetBool(r.Intn(2) == 1)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(r.Uint64()) >> (64 - 1 - r.Intn(v.Type().Bits())))
	case reflect.Uint, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> (64 - 1 - r.Intn(v.Type().Bits())))
	default:
		panic("BUG: " + v.Type().String())
	}
}

func randomString(r *rand.Rand) string {
	runes := []rune("abcXYZ012./_-=:, \"\\\n\t\u007fäß\u20ac\u2028\U0001f642\u0001")
	b := make([]rune, r.Intn(12))
	for i := range b {
		b[i] = runes[r.Intn(len(runes))]
	}
	return string(b)
}
