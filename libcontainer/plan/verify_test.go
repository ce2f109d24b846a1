// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"
)

// TestVerifyText has programs as text, and what Verify says; "" for a good one.
func TestVerifyText(t *testing.T) {
	const open = ` = openat2(AT_FDCWD, "/", {flags=O_CLOEXEC|O_PATH, mode=0, resolve=0}, 24)`
	const loose = ` = openat2(AT_FDCWD, "/", {flags=O_PATH, mode=0, resolve=0}, 24)`
	const exec = `execve("/a", ["a"], [])`
	for _, c := range []struct{ program, want string }{
		{"exit_group(0)", ""},
		{"setsid()", "instruction 0 (setsid): the program ends here, in a call that returns"},
		{"$1" + open + "; close($1); " + exec, ""},
		{"$1" + open + "; " + exec, ""},
		{exec + " ? -> 1 remember; exit_group(1)", ""},

		// Edges.
		{"setsid() -> 7; exit_group(0)", "instruction 0 (setsid): after success it jumps to 7, where no instruction is"},
		{"setsid(); setsid() ? -> 1; exit_group(0)", "instruction 1 (setsid): after an error it jumps to itself"},
		{"setsid(); setsid(); setsid() -> 1; exit_group(0)", "instruction 2 (setsid): after success it jumps backward, to 1"},
		{"setsid() -> 2; setsid(); exit_group(0)", "instruction 1 (setsid): no path leads here"},
		{"exit_group(0); setsid(); exit_group(0)", "instruction 1 (setsid): no path leads here"},
		{"exit_group(0) -> 1; exit_group(0)", "instruction 0 (exit_group): it goes on after success, but then it does not return"},
		{"setsid() ? ENOENT; exit_group(0)", "instruction 0 (setsid): it expects ENOENT, which leads nowhere"},
		{"setsid() ? 5000 -> 1; exit_group(0)", "instruction 0 (setsid): there is no error 5000"},
		{"setsid() remember; exit_group(0)", "instruction 0 (setsid): it remembers an error that leads nowhere"},
		{"close(0) zero-fails; exit_group(0)", "instruction 0 (close): its result is always zero, which it counts as an error"},
		{"$1 = close(0); exit_group(0)", "instruction 0 (close): it stores a result, but has none"},
		{"$1 = exit_group(0)", "instruction 0 (exit_group): it stores a result, but has none"},
		{"fsopen(\"a\", 0); exit_group(0)", "instruction 0 (fsopen): it drops the descriptor that it opens"},
		{"fcntl(0, F_DUPFD, 3); exit_group(0)", "instruction 0 (fcntl): it drops the descriptor that it opens"},

		// Slots and descriptors.
		{"close($1); exit_group(0)", "instruction 0 (close): it uses $1 before it is set"},
		{"$1" + open + " ? -> 1; close($1); exit_group(0)", "instruction 1 (close): it uses $1 before it is set"},
		{"$1" + open + " ? -> 2; close($1); exit_group(0)", ""},
		{"write(1, &$1, 8); exit_group(0)", "instruction 0 (write): it uses $1 before it is set"},
		{"$1 = getpid(); write(1, &$1, 8); exit_group(0)", ""},
		{"$1 = getpid(); close($1); exit_group(0)", "instruction 1 (close): it uses $1, which is a number, as a descriptor"},
		{"$1" + open + "; close($1); fchdir($1); exit_group(0)", "instruction 2 (fchdir): it uses $1 after it was closed"},
		{"$1" + open + "; close($1); close($1); exit_group(0)", "instruction 2 (close): it closes $1 twice"},
		{"$1" + open + "; close($1) ? -> 2; close($1); exit_group(0)", "instruction 2 (close): it closes $1 twice"},
		{"$1" + open + "; fchdir($1) ? -> 3; close($1); close($1); exit_group(0)", "instruction 3 (close): it closes $1 twice"},
		{"$1" + open + "; fchdir($1) -> 3 ? -> 2; close($1) -> 4; close($1); exit_group(0)", ""},
		{"$1" + open + "; $1" + open + "; exit_group(0)", "instruction 1 (openat2): it overwrites $1, which is open"},
		{"$1" + open + "; close($1); $1" + open + "; exit_group(0)", ""},
		{"$1" + open + " -> 2 ? -> 1; $1" + open + "; close($1); exit_group(0)", ""},
		{"close(<in>); close(<in>); exit_group(0)", "instruction 1 (close): it closes <in> twice"},
		{"close(<in>); fchdir(<in>); exit_group(0)", "instruction 1 (fchdir): it uses <in> after it was closed"},
		{"close(<in>); sendmsg(0, {byte=\"a\", fd=<in>}, 0); exit_group(0)", "instruction 1 (sendmsg): it uses <in> after it was closed"},
		{"sendmsg(0, {byte=\"a\", fd=$1}, 0); $1 = fcntl(0, F_DUPFD_CLOEXEC, 0); exit_group(0)", "instruction 0 (sendmsg): it uses $1 before it is set"},
		{"$1 = fcntl(0, F_DUPFD_CLOEXEC, 0); sendmsg(0, {byte=\"a\", fd=$1}, 0); exit_group(0)", ""},
		{"$1 = getpid(); mount_setattr(0, \"\", 0, {userns_fd=$1}, 32); exit_group(0)", "instruction 1 (mount_setattr): it uses $1, which is a number, as a descriptor"},
		{"fchmodat(0, \"a\", stat1[0755].mode); exit_group(0)", ""},

		// The child of clone3 has all descriptors, but no pid.
		{"$1" + open + "; $2 = clone3({}, 88) ? EPIPE -> 4 zero-fails; close($1); exit_group(0); close($1); exit_group(0)", ""},
		{"$1 = clone3({}, 88) ? EPIPE -> 2 zero-fails; exit_group(0); write(1, &$1, 8); exit_group(0)", "instruction 2 (write): it uses $1 before it is set"},

		// What execve leaves open.
		{"$1" + loose + "; " + exec, "instruction 1 (execve): it leaves $1 open"},
		{"$1" + loose + "; execveat(AT_FDCWD, \"/a\", [\"a\"], [], 0)", "instruction 1 (execveat): it leaves $1 open"},
		{"$1" + loose + "; close($1); " + exec, ""},
		{"$1" + loose + "; exit_group(0)", ""},
		{"$1" + loose + "; close_range(3, 0xffffffff, CLOSE_RANGE_CLOEXEC); " + exec, ""},
		{"$1" + loose + "; close_range(4, 0xffffffff, CLOSE_RANGE_CLOEXEC); " + exec, "instruction 2 (execve): it leaves $1 open"},
		{"$1" + loose + "; close_range(3, 0xffffffff, CLOSE_RANGE_CLOEXEC) ? -> 2; " + exec, "instruction 2 (execve): it leaves $1 open"},
		{"$1" + open + "; close_range(3, 0xffffffff, 0); close($1); exit_group(0)", "instruction 2 (close): it closes $1 twice"},
		{"close_range(5, 5, 0); fchdir(<in>); exit_group(0)", "instruction 1 (fchdir): it uses <in> after it was closed"},
		{"$1" + loose + "; fcntl($1, F_SETFD, 1); " + exec, ""},
		{"$1" + open + "; fcntl($1, F_SETFD, 0); " + exec, "instruction 2 (execve): it leaves $1 open"},
		{"dup3(<in>, 0, 0); dup3(<in>, 2, 0); " + exec, ""},
		{"dup3(<in>, 3, 0); " + exec, "instruction 1 (execve): it leaves a descriptor above 2 open"},
		{"dup3(<in>, 3, O_CLOEXEC); " + exec, ""},
		{"dup3(0, <in>, 0); " + exec, "instruction 1 (execve): it leaves <in> open"},
		{"$1 = open_tree(0, \"\", 0); " + exec, "instruction 1 (execve): it leaves $1 open"},
		{"$1 = open_tree(0, \"\", OPEN_TREE_CLOEXEC); " + exec, ""},
		{"$1 = fsopen(\"a\", 0); " + exec, "instruction 1 (execve): it leaves $1 open"},
		{"$1 = fsmount(0, 0, 0); " + exec, "instruction 1 (execve): it leaves $1 open"},
		{"$1 = fsmount(0, FSMOUNT_CLOEXEC, 0); " + exec, ""},
		{"$1 = socket(AF_INET, SOCK_DGRAM, 0); " + exec, "instruction 1 (execve): it leaves $1 open"},
		{"$1 = socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, 0); " + exec, ""},
		{"$1 = fcntl(0, F_DUPFD, 0); " + exec, "instruction 1 (execve): it leaves $1 open"},
		{"$1 = ioctl(0, TIOCGPTPEER, O_RDWR); " + exec, "instruction 1 (execve): it leaves $1 open"},
		{"$1 = ioctl(0, TIOCGPTPEER, O_RDWR|O_CLOEXEC); " + exec, ""},

		// Arguments.
		{"chdir(null); exit_group(0)", "instruction 0 (chdir): argument 1 is null"},
		{"chdir(<in>); exit_group(0)", "instruction 0 (chdir): argument 1 is a number, where an address is wanted"},
		{"chdir(0x10); exit_group(0)", "instruction 0 (chdir): argument 1 is a number, where an address is wanted"},
		{"chdir(@text); exit_group(0)", "instruction 0 (chdir): argument 1 is a place in the header, where none is wanted"},
		{"chdir(buffer1[8]); exit_group(0)", "instruction 0 (chdir): argument 1 is a buffer, which this call does not take"},
		{"chdir(\"a\\x00b\"); exit_group(0)", "instruction 0 (chdir): argument 1 has a NUL inside"},
		{"chdir(path:x\"61\"); exit_group(0)", "instruction 0 (chdir): argument 1 does not end in NUL"},
		{"execve(\"/a\", [\"a\\x00\"], [])", "instruction 0 (execve): a string of argument 2 has a NUL inside"},
		{"execve(\"/a\", vector:x\"00\", [])", "instruction 0 (execve): argument 2 is no list of strings"},
		{"close(\"a\"); exit_group(0)", "instruction 0 (close): argument 1 is an address, where a number is wanted"},
		{"ioctl(0, 1, buffer1[8]); exit_group(0)", "instruction 0 (ioctl): argument 3 is a buffer, which this call does not take"},
		{"write(0, \"abc\", 4); exit_group(0)", "instruction 0 (write): argument 2 is 3 bytes long, but its size is given as 4"},
		{"write(0, \"abc\", $1); exit_group(0)", "instruction 0 (write): argument 2 has no size that is known"},
		{"read(0, buffer1[8], 9); exit_group(0)", "instruction 0 (read): argument 2 is 8 bytes long, but its size is given as 9"},
		{"read(0, buffer:x\"01\", 1); exit_group(0)", "instruction 0 (read): argument 2 is a buffer that is preset"},
		{"read(0, @text, 233); exit_group(0)", "instruction 0 (read): argument 2 reaches beyond the header"},
		{"read(0, @300, 1); exit_group(0)", "instruction 0 (read): argument 2 reaches beyond the header"},
		{"$1 = openat2(0, \"\", {flags=0, mode=0, resolve=0}, 16); exit_group(0)", "instruction 0 (openat2): argument 3 holds 24, but argument 4 says otherwise"},
		{"$1 = openat2(0, \"\", open_how:x\"00\", 1); exit_group(0)", "instruction 0 (openat2): argument 3 is 1 bytes long, but a open_how has 24"},
		{"setgroups(2, [1]); exit_group(0)", "instruction 0 (setgroups): argument 2 holds 1, but argument 1 says otherwise"},
		{"setgroups(1, null); exit_group(0)", "instruction 0 (setgroups): argument 2 is null"},
		{"setgroups(0, null); exit_group(0)", ""},
		{"rt_sigprocmask(SIG_BLOCK, [], 0, 4); exit_group(0)", "instruction 0 (rt_sigprocmask): argument 2 holds 8, but argument 4 says otherwise"},
		{"sched_setaffinity(0, 4, x\"0000\"); exit_group(0)", "instruction 0 (sched_setaffinity): argument 3 is 2 bytes long, but its size is given as 4"},
		{"ioctl(0, 1, winsize:x\"00\"); exit_group(0)", "instruction 0 (ioctl): argument 3 is 1 bytes long, but a winsize has 8"},
		{"statx(0, \"\", 0, 0, stat:x\"00\"); exit_group(0)", "instruction 0 (statx): argument 5 is no struct statx with nothing but a mode"},
		{"sendmsg(0, message:x\"00\", 0); exit_group(0)", "instruction 0 (sendmsg): argument 2 is no message of one byte and one descriptor"},
		{"$1 = fcntl(0, F_DUPFD_CLOEXEC, 0); prctl(PR_SET_MM, PR_SET_MM_MAP, {exe=$1}, 104, 0); chdir(\"a\"); exit_group(0)",
			"instruction 0 (fcntl): a slot inside prctl_mm_map is not aligned to eight bytes"},
	} {
		var text strings.Builder
		text.WriteString("input <in>\nx\n")
		steps := strings.Split(c.program, "; ")
		for i, s := range steps {
			text.WriteString(" " + string(appendHex(nil, uint64(i))) + " " + s + "\n")
		}
		p, err := Parse([]byte(text.String()))
		if err != nil {
			t.Errorf("%s: %v", c.program, err)
			continue
		}
		got := ""
		if err := Verify(p); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.program, got, c.want)
		}
	}
}

// TestVerifyBroken has programs that no text describes.
func TestVerifyBroken(t *testing.T) {
	for _, c := range []struct {
		breaks func(p *Program)
		want   string
	}{
		{func(p *Program) {}, "instruction 2 (fchdir): it uses $1 before it is set"},
		{func(p *Program) { p.Instructions = nil }, "program: it has no instructions"},
		{func(p *Program) { p.Inputs[1].Name = "" }, "program: input 1 has no name"},
		{func(p *Program) { p.Inputs[1].Name = "a" }, `program: two inputs are named "a"`},
		{func(p *Program) { p.Objects[0].Param = Hex }, "program: object 0 is of no kind of memory"},
		{func(p *Program) { p.Objects[1].Offset = p.Objects[0].Offset }, "program: object 1 is not aligned or lies in another"},
		{func(p *Program) { p.Objects[0].Offset = 4 }, "program: object 0 is not aligned or lies in another"},
		{func(p *Program) { p.Data = p.Data[:len(p.Data)-8] }, "program: object 5 lies outside of the data"},
		{func(p *Program) { p.Pointers[0].At = 1 << 20 }, "program: pointer 0 does not lie aligned in an object"},
		{func(p *Program) { p.Pointers[0].At++ }, "program: pointer 0 does not lie aligned in an object"},
		{func(p *Program) { p.Pointers[0].At = p.Objects[0].Offset }, "program: pointer 0 lies in an object that holds no addresses"},
		{func(p *Program) { p.Pointers[0].To = 1 << 20 }, "program: pointer 0 leads to no object"},
		{func(p *Program) { p.Pointers[1].At = p.Pointers[0].At }, "program: pointer 1 takes the place of another"},
		{func(p *Program) { p.Embedded[0].At = 1 << 20 }, "program: embedded descriptor 0 does not lie aligned in an object"},
		{func(p *Program) { p.Embedded[0].At -= 4 }, "program: embedded descriptor 0 lies where its object holds none"},
		{func(p *Program) { p.Embedded[0].Input = 2 }, "program: embedded descriptor 0 is no input"},
		{func(p *Program) { p.Data[p.Embedded[0].At] = 1 }, "program: embedded descriptor 0 is preset"},
		{func(p *Program) { p.Embedded = append(p.Embedded, p.Embedded[0]) }, "program: embedded descriptor 1 takes the place of another"},
		{func(p *Program) { p.Instructions[0].Call = 0 }, "instruction 0 (call 0): there is no such call"},
		{func(p *Program) { p.Instructions[0].Call = numCalls }, "instruction 0 (call 64): there is no such call"},
		{func(p *Program) { p.Instructions[1].Note = 0 }, "instruction 1 (chdir): it has no note"},
		{func(p *Program) { p.Instructions[1].Note = 2 }, "instruction 1 (chdir): it has no note"},
		{func(p *Program) { p.Notes[1].Index = -2 }, "instruction 0 (sendmsg): its note has the index -2"},
		{func(p *Program) { p.Instructions[1].OnError = -1 }, "instruction 1 (chdir): after an error it jumps to -1, where no instruction is"},
		{func(p *Program) { p.Instructions[1].Args[0].Value++ }, "instruction 1 (chdir): argument 1 leads to no object"},
		{func(p *Program) { p.Instructions[1].Args[0].Kind = 9 }, "instruction 1 (chdir): argument 1 is of no kind"},
		{func(p *Program) { p.Instructions[1].Args[1].Value = 1 }, "instruction 1 (chdir): argument 2 is one too many"},
		{func(p *Program) { p.Instructions[2].Args[0] = Arg{2, FromInput} }, "instruction 2 (fchdir): argument 1 is input 2, which there is not"},
		{func(p *Program) { p.Instructions[2].Args[0] = Arg{1 << 40, FromSlot} }, "instruction 2 (fchdir): a slot lies outside of the data"},
		{func(p *Program) { p.Instructions[2].Args[0] = Arg{0, FromSlot} }, "instruction 2 (fchdir): a slot lies outside of the data"},
		{func(p *Program) { p.Instructions[2].Args[0].Value += 4 }, "instruction 2 (fchdir): a slot inside word is not aligned to eight bytes"},
		{func(p *Program) { p.Instructions[2].Args[0].Value = p.Instructions[1].Args[0].Value }, "instruction 2 (fchdir): a slot lies inside path, where none may be"},
		{func(p *Program) { p.Instructions[2].Args[0].Value = uint64(p.Embedded[0].At) }, "instruction 2 (fchdir): a slot takes the place of an embedded descriptor"},
		{func(p *Program) { p.Data[p.Instructions[2].Args[0].Value] = 1 }, "instruction 2 (fchdir): the slot $1 is preset"},
	} {
		b := NewBuilder()
		b.At(Note{Where: "x", Index: -1})
		fd, slot := b.Input("a"), b.Slot()
		b.Held("b")
		b.SendFD(fd, fd, 'x')
		b.Chdir("/")
		b.Fchdir(slot.FD())
		b.ExitGroup(0)
		p := b.Build()
		c.breaks(p)
		got := ""
		if err := Verify(p); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		p.AppendText(nil) // whatever it is, it prints
		p.AppendJSON(nil)
	}
}
