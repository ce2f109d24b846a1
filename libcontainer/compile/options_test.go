// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"
	"testing"
)

// TestMountOptions: what is listed is known, and nothing that is known is left to the file system.
func TestMountOptions(t *testing.T) {
	list := MountOptions()
	for i, name := range list {
		if o := parseOptions([]string{name}); len(o.data) != 0 {
			t.Errorf("%s goes to the file system: %q", name, o.data)
		}
		if i > 0 && list[i-1] == name {
			t.Errorf("%s is listed twice", name)
		}
	}
	for _, name := range []string{"", "r", "rsync", "rsize=1", "size=1", "Ro", "rbindx", "shared ", "rr", "rdefaults", "acl"} {
		if o := parseOptions([]string{name}); name != "" && len(o.data) != 1 {
			t.Errorf("%q does not go to the file system", name)
		}
	}
}

func TestAppendData(t *testing.T) {
	for option, want := range map[string][]string{
		"":                                 nil,
		",":                                nil,
		"size=1":                           {"size=1"},
		"size=1,mode=755":                  {"size=1", "mode=755"},
		`context="a:b:c:s0:c1,c2"`:         {"context=a:b:c:s0:c1,c2"},
		`rootcontext="a:b",size=1`:         {"rootcontext=a:b", "size=1"},
		`context=a:b:c:s0`:                 {"context=a:b:c:s0"},
		`name="quoted, and not a context"`: {`name="quoted, and not a context"`},
		`context="open,size=1`:             {`context="open,size=1`},
		`context="`:                        {`context="`},
	} {
		if got := appendData(nil, option); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", option, got, want)
		}
	}
}
