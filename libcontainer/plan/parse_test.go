// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// meaning is a Program without offsets: slots, buffers and statx buffers by the order in which
// they are met, everything else by content.
func meaning(p *Program) any {
	type value struct {
		Kind    Kind
		Value   uint64
		Param   Param
		Len     uint32
		ID      int
		Content []byte
		Inside  []any
	}
	type step struct {
		Instruction Instruction
		Note        Note
		Out         value
		Args        [6]value
	}
	ids := map[uint32]int{}
	id := func(at uint32) int {
		if ids[at] == 0 {
			ids[at] = len(ids) + 1
		}
		return ids[at]
	}
	slots := map[uint32]bool{}
	for _, in := range p.Instructions {
		slots[uint32(in.Out)] = in.Out != 0
	}
	var object func(o *Object) value
	object = func(o *Object) value {
		v := value{Kind: InData, Param: o.Param, Len: o.Len, Content: p.bytes(o)}
		if o.Param == Word || o.Param == Buffer || o.Param == StatBuf {
			v.ID = id(o.Offset)
			return v
		}
		for at := o.Offset; at < o.Offset+o.Len; at += 4 {
			if to := p.pointer(at); to != 0 {
				v.Inside = append(v.Inside, object(p.find(uint64(to), String, -1)))
			}
			if n := p.embedded(at); n >= 0 {
				v.Inside = append(v.Inside, p.Inputs[n].Name)
			}
			if slots[at] {
				v.Inside = append(v.Inside, id(at))
			}
		}
		return v
	}
	steps := make([]step, 0, len(p.Instructions))
	for _, in := range p.Instructions {
		s := step{Note: *p.note(&in)}
		if in.Out != 0 {
			s.Out.ID = id(uint32(in.Out))
		}
		for k, a := range in.Args {
			switch a.Kind {
			case FromSlot:
				s.Args[k] = value{Kind: FromSlot, ID: id(uint32(a.Value))}
				if o := p.around(uint32(a.Value)); o.Param == StatBuf {
					s.Args[k] = object(o)
				}
			case InData:
				s.Args[k] = object(p.find(a.Value, in.Call.Signature().Params[k], in.size(k)))
			default:
				s.Args[k] = value{Kind: a.Kind, Value: a.Value}
			}
		}
		in.Args, in.Out, in.Note = [6]Arg{}, 0, 0
		s.Instruction = in
		steps = append(steps, s)
	}
	return struct {
		Inputs []Input
		Steps  []step
	}{p.Inputs, steps}
}

// roundTrip checks that p prints, parses, and is the same.
func roundTrip(t *testing.T, p *Program) {
	t.Helper()
	text := p.AppendText(nil)
	again, err := Parse(text)
	if err != nil {
		t.Errorf("%v in\n%s", err, text)
		return
	}
	if d := cmp.Diff(string(text), string(again.AppendText(nil))); d != "" {
		t.Errorf("the text differs:\n%s", d)
	}
	if d := cmp.Diff(meaning(p), meaning(again)); d != "" {
		t.Errorf("the program differs:\n%s", d)
	}
}

// goldens are the plans of the compiler's tests.
func goldens(t testing.TB) map[string][]byte {
	files, err := filepath.Glob("../compile/testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	plans := map[string][]byte{}
	for _, name := range files {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			if f.Name != "plan" {
				continue
			}
			for bytes.HasPrefix(f.Data, []byte("warning: ")) {
				_, f.Data, _ = bytes.Cut(f.Data, []byte("\n"))
			}
			plans[filepath.Base(name)] = f.Data
		}
	}
	return plans
}

func TestGoldens(t *testing.T) {
	for name, text := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			p, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(text), string(p.AppendText(nil))); d != "" {
				t.Errorf("the text differs:\n%s", d)
			}
			if err := Verify(p); err != nil {
				t.Error(err)
			}
			roundTrip(t, p)
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"   0  setsid()\n", "line 1: an instruction without a heading"},
		{"a\n\n   1  setsid()\n", "line 3: instruction 0 has the number 1"},
		{"a\n   0  nosuchcall()\n", `line 2: there is no call "nosuchcall"`},
		{"a\n   0  setsid(1)\n", `line 2: want ")" at "1)"`},
		{"a\n   0  setsid() maybe\n", `line 2: unexpected " maybe"`},
		{"a\n   0  close(O_PATH)\n", `line 2: want a value, got "O_PATH"`},
		{"a\n   0  close(<x>)\n", `line 2: there is no input "x"`},
		{"input <x>\ninput <x>\n", `line 2: input "x" comes twice`},
		{"a\n   0  setsid()\ninput <x>\n", "line 3: an input after the first instruction"},
		{"# hint: x\n", "line 1: a hint without a heading"},
		{"a\n# hint: x\n# hint: y\n", "line 3: a hint without a heading"},
		{"a\n   0  setsid() -> 0\n", "line 2: nothing jumps to the first instruction"},
		{"a\n   0  setsid() ? EWHAT -> 1\n", `line 2: there is no error "EWHAT"`},
		{"a\n   0  close($0)\n", "line 2: slots begin at $1"},
		{"a\n   0  chdir(\"x)\n", `line 2: want a quoted string at "\"x)"`},
		{"a\n   0  read(0, buffer1[8], 8)\n   1  read(0, buffer1[9], 9)\n", "line 3: buffer1 was another before"},
		{"a\n   0  read(0, buffer1[99999], 8)\n", "line 2: buffer1 is too large"},
		{"a\n   0  read(0, @nowhere, 8)\n", "line 2: there is no place @nowhere in the header"},
		{"a\n   0  execve(\"a\", list1, [])\n", "line 2: list1 is not known yet"},
		{"a\n   0  close([1])\n", "line 2: no list stands here"},
		{"a\n   0  close({flags=1})\n", "line 2: no structure stands here"},
		{"a\n   0  openat2(0, \"\", {flags=0}, 24)\n", `line 2: want "mode=" at "}, 24)"`},
		{"a\n   0  sched_setattr(0, x\"123\", 0)\n", "line 2: an odd number of hex digits"},
		{"a\n   0  sendmsg(0, {byte=\"ab\", fd=0}, 0)\n", "line 2: a message has one byte"},
		{"a\n   0  sendmsg(0, {byte=\"a\", fd=$1}, 0)\n   1  sendmsg(0, {byte=\"b\", fd=$1}, 0)\n", "line 3: $1 stands in two structures"},
		{"a\n   0  sendmsg(0, {byte=\"a\", fd=$1}, 0)\n", "line 3: a slot stands in a structure that nothing stores"},
		{"a\n   0  setgroups(1, [4294967296])\n", "line 2: a group is too large"},
		{"a\n   0  rt_sigprocmask(SIG_BLOCK, [65], 0, 8)\n", "line 2: there is no such signal"},
	} {
		if _, err := Parse([]byte(c.text)); err == nil || err.Error() != c.want {
			t.Errorf("%q:\ngot  %v\nwant %s", c.text, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range goldens(f) {
		if len(text) < 4096 { // the fuzzer takes long to make large inputs small
			f.Add(text)
		}
	}
	for _, form := range forms {
		b := NewBuilder()
		b.At(Note{Where: "process", Index: -1, Hint: "x"})
		form.build(b)
		f.Add(b.Build().AppendText(nil))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		first := p.AppendText(nil)
		again, err := Parse(first)
		if err != nil {
			t.Fatalf("%v in\n%s", err, first)
		}
		if d := cmp.Diff(string(first), string(again.AppendText(nil))); d != "" {
			t.Fatal(d)
		}
		if (Verify(p) == nil) != (Verify(again) == nil) {
			t.Fatalf("%v, but then %v:\n%s", Verify(p), Verify(again), first)
		}
		p.AppendJSON(nil)
	})
}
