// SPDX-License-Identifier: Apache-2.0

//go:build amd64 || arm64

package executor

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
	"github.com/tare-runtime/tare/libcontainer/plan/interp"
)

// TestLayout: the assembly reads the members by these offsets.
func TestLayout(t *testing.T) {
	var in instruction
	for k, want := range []uintptr{arg0, arg1, arg2, arg3, arg4, arg5} {
		if got := unsafe.Offsetof(in.args) + uintptr(k)*8; got != want {
			t.Errorf("args[%d] is at %d, not %d", k, got, want)
		}
	}
	if instructionSize != 72 {
		t.Errorf("an instruction has %d bytes", instructionSize)
	}
	if start, end := bounds(); uintptr(end)-uintptr(start) > uintptr(unix.Getpagesize()) || start == end {
		t.Errorf("the code has %d bytes", uintptr(end)-uintptr(start))
	}
}

// TestNumbers: no call is without one. (Read's is 0 on amd64.)
func TestNumbers(t *testing.T) {
	for c := plan.Call(1); int(c) < plan.NumCalls; c++ {
		if numbers[c] == 0 && (c != plan.Read || unix.SYS_READ != 0) {
			t.Errorf("%s has no number", c)
		}
	}
}

// result is what came of a child: what it wrote at its end, or its report.
type result struct {
	data   []byte
	report []byte
	status unix.WaitStatus
}

// launch runs p in a child and returns what came of it. A program that wants to tell writes to
// its last input.
type launcher func(t *testing.T, p *plan.Program, inputs []int) result

// native is the way of Start.
func native(t *testing.T, p *plan.Program, inputs []int) result {
	return inChild(t, p, inputs, func(l *Launch) (int, error) {
		c, err := Start(l)
		if err == nil {
			unix.Close(c.PIDFD)
		}
		return c.PID, err
	})
}

// plain clones without clone3 and keeps the memory of the parent: qemu-user has no clone3, and
// lives in that memory itself.
func plain(t *testing.T, p *plan.Program, inputs []int) result {
	return inChild(t, p, inputs, func(l *Launch) (int, error) {
		a, err := newArena(l, false)
		if err != nil {
			return 0, err
		}
		defer unix.Munmap(a.memory)
		return a.clone(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0)
	})
}

func inChild(t *testing.T, p *plan.Program, inputs []int, start func(*Launch) (int, error)) (r result) {
	t.Helper()
	var out, report [2]int
	for _, pipe := range []*[2]int{&out, &report} {
		if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(pipe[0])
	}
	pid, err := start(&Launch{Program: p, Inputs: append(inputs, out[1]), Report: report[1], Cgroup: -1})
	unix.Close(out[1])
	unix.Close(report[1])
	if err == unix.ENOSYS || err != nil && strings.Contains(err.Error(), "ENOSYS") {
		t.Skip("qemu-user has no clone3: run on arm64 itself")
	}
	if err != nil {
		t.Fatal(err)
	}
	r.data, r.report = readAll(out[0]), readAll(report[0])
	if _, err := unix.Wait4(pid, &r.status, 0, nil); err != nil {
		t.Fatal(err)
	}
	return r
}

func readAll(fd int) (all []byte) {
	buf := make([]byte, 65536)
	for {
		n, err := unix.Read(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			return all
		}
		all = append(all, buf[:n]...)
	}
}

// tell ends p in writing all its data to its last input.
func tell(b *plan.Builder, out plan.FD) *plan.Program {
	b.At(plan.Note{Where: "tell", Index: -1})
	b.Write(out, "????????") // replaced below by all of the data
	b.ExitGroup(0)
	p := b.Build()
	w := &p.Instructions[len(p.Instructions)-2]
	w.Args[1], w.Args[2] = plan.Arg{Value: 8, Kind: plan.InData}, plan.Arg{Value: uint64(len(p.Data) - 8)}
	return p
}

var ways = []struct {
	name   string
	launch launcher
}{{"start", native}, {"clone", plain}}

// TestControl: each rule of plan.Instruction, by hand.
func TestControl(t *testing.T) {
	for _, way := range ways {
		for _, test := range []struct {
			name   string
			write  func(b *plan.Builder, pipe plan.FD)
			fails  string // "" if it does not
			status int
		}{
			{"ends", func(b *plan.Builder, pipe plan.FD) { b.ExitGroup(3) }, "", 3},
			{"reports", func(b *plan.Builder, pipe plan.FD) { b.Getpid(); b.Close(plan.Fixed(1000)) },
				"here[2].key thing: close: bad file descriptor (EBADF)", 1},
			{"ignores", func(b *plan.Builder, pipe plan.FD) { b.Close(plan.Fixed(1000)).Ignore(0); b.ExitGroup(4) }, "", 4},
			{"ignores one", func(b *plan.Builder, pipe plan.FD) { b.Close(plan.Fixed(1000)).Ignore(unix.EBADF); b.ExitGroup(4) }, "", 4},
			{"not that one", func(b *plan.Builder, pipe plan.FD) { b.Close(plan.Fixed(1000)).Ignore(unix.EPERM); b.ExitGroup(4) },
				"here[2].key thing: close: bad file descriptor (EBADF)", 1},
			{"jumps", func(b *plan.Builder, pipe plan.FD) {
				l, m := b.Label(), b.Label()
				b.Getpid().Then(l)
				b.ExitGroup(5)
				b.Bind(l)
				b.Close(plan.Fixed(1000)).OnError(unix.EBADF, m)
				b.ExitGroup(6)
				b.Bind(m)
				b.ExitGroup(7)
			}, "", 7},
			{"zero", func(b *plan.Builder, pipe plan.FD) {
				b.Read(pipe, b.Buffer(8)).ZeroFails()
				b.ExitGroup(0)
			}, "here[2].key thing: read: broken pipe (EPIPE)", 1},
			{"telling", func(b *plan.Builder, pipe plan.FD) {
				b.Mkdirat(plan.Cwd, "/no/such", 0)
				b.ExitGroup(0)
			}, `here[2].key thing: mkdirat("/no/such"): no such file or directory (ENOENT)`, 1},
			{"remembers", func(b *plan.Builder, pipe plan.FD) {
				l := b.Label()
				b.Close(plan.Fixed(1000)).Remember().OnError(0, l)
				b.ExitGroup(8)
				b.Bind(l)
				b.WriteFailure(b.Input("out"))
				b.ExitGroup(9)
			}, "", 9},
			{"slots", func(b *plan.Builder, pipe plan.FD) {
				s := b.Slot()
				fd := b.Fcntl(plan.Fixed(1), unix.F_DUPFD_CLOEXEC, 100).FD()
				b.Fcntl(fd, unix.F_GETFD, 0).Into(s)
				b.Close(fd)
				b.Close(fd).Ignore(unix.EBADF)
				b.ExitGroup(10)
			}, "", 10},
		} {
			t.Run(way.name+"/"+test.name, func(t *testing.T) {
				b := plan.NewBuilder()
				b.At(plan.Note{Where: "here", Index: 2, Key: "key", Object: "thing"})
				empty := b.Input("empty")
				test.write(b, empty)
				b.Input("out")
				p := b.Build()
				null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer unix.Close(null)
				r := way.launch(t, p, []int{null})
				if r.status.ExitStatus() != test.status {
					t.Errorf("exit status %d, want %d", r.status.ExitStatus(), test.status)
				}
				said := ""
				if len(r.report) > 0 {
					said = Decode(p, r.report).Error()
				}
				if said != test.fails {
					t.Errorf("failure %q, want %q", said, test.fails)
				}
				if test.name == "remembers" && Decode(p, r.data).Error() != "here[2].key thing: close: bad file descriptor (EBADF)" {
					t.Errorf("remembered % x", r.data)
				}
			})
		}
	}
}

// kernel makes the system calls of an interpreted program, in this process.
type kernel struct{}

func (kernel) Call(c plan.Call, a [6]uint64) (int64, bool) {
	if c == plan.ExitGroup {
		return 0, true
	}
	r, _, errno := unix.RawSyscall6(uintptr(numbers[c]), uintptr(a[0]), uintptr(a[1]), uintptr(a[2]), uintptr(a[3]), uintptr(a[4]), uintptr(a[5]))
	if errno != 0 {
		return -int64(errno), false
	}
	return int64(r), false
}

// random builds a program of harmless calls whose results are the same in every process: file is
// a file of its own, out the pipe to tell.
func random(r *rand.Rand) *plan.Program {
	b := plan.NewBuilder()
	file := b.Input("file")
	var labels []plan.Label
	for i := range 40 {
		b.At(plan.Note{Where: "random", Index: i})
		var s plan.Step
		descriptor := false
		switch r.IntN(9) {
		case 0:
			s = b.Umask(uint32(r.IntN(64)))
		case 1:
			s = b.Fcntl(plan.Fixed(1000+r.IntN(3)), unix.F_GETFD, 0)
		case 2:
			s = b.Fcntl(file, unix.F_GETFL, 0)
		case 3:
			s = b.Openat2(plan.Cwd, "/nothing/"+string(rune('a'+r.IntN(26))), plan.OpenHow{Flags: unix.O_CLOEXEC})
		case 4:
			s = b.Read(file, b.Buffer(1+r.IntN(20)))
		case 5:
			s = b.Write(file, strings.Repeat("x", r.IntN(30)))
		case 6:
			s, descriptor = b.Fcntl(file, unix.F_DUPFD_CLOEXEC, 500+i), true
		case 7:
			s = b.Prctl(unix.PR_GET_KEEPCAPS, 0, 0, 0, 0)
		default:
			s = b.Faccessat2(plan.Cwd, []string{"/", "/dev/null", "/nothing"}[r.IntN(3)], unix.F_OK, 0)
		}
		if r.IntN(3) == 0 || descriptor {
			s.Into(b.Slot())
		}
		if r.IntN(5) == 0 {
			s.ZeroFails()
		}
		if r.IntN(5) == 0 {
			s.Remember()
		}
		errno := []unix.Errno{0, unix.ENOENT, unix.EBADF, plan.ZeroErrno}[r.IntN(4)]
		switch r.IntN(8) {
		case 0: // what fails ends the program
		case 1, 2:
			l := b.Label()
			labels = append(labels, l)
			s.OnError(errno, l)
		default:
			s.Ignore(0)
		}
		if r.IntN(6) == 0 {
			l := b.Label()
			labels = append(labels, l)
			s.Then(l)
		}
		for len(labels) > 0 && r.IntN(2) == 0 {
			b.Bind(labels[0])
			labels = labels[1:]
		}
	}
	for _, l := range labels {
		b.Bind(l)
	}
	return tell(b, b.Input("out"))
}

// TestRandom: the assembly and interp come to the same end with the same memory.
func TestRandom(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			failures := 0
			for seed := range uint64(150) {
				p := random(rand.New(rand.NewPCG(seed, 1)))
				got := way.launch(t, p, []int{scratch(t)})
				file := scratch(t)
				null, err := unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0)
				if err != nil {
					t.Fatal(err)
				}
				mask := unix.Umask(0o22)
				unix.Umask(mask)
				o := interp.Run(p, []int{file, null}, kernel{})
				unix.Umask(mask)
				unix.Close(null)
				for fd := 500; fd < 540; fd++ {
					unix.Close(fd)
				}
				var report []byte
				if o.Failed {
					failures++
					report = binary.NativeEndian.AppendUint64(report, uint64(o.Index))
					report = binary.NativeEndian.AppendUint64(report, uint64(o.Errno))
				}
				if string(report) != string(got.report) {
					t.Fatalf("seed %d: reports % x, interp % x\n%s", seed, got.report, report, p.AppendText(nil))
				}
				if o.Failed {
					continue
				}
				if want := o.Data[8:len(p.Data)]; string(want) != string(got.data) {
					t.Fatalf("seed %d: other memory\n%s", seed, p.AppendText(nil))
				}
			}
			if failures == 0 || failures == 150 {
				t.Errorf("%d of 150 fail", failures)
			}
		})
	}
}

// scratch is a file in memory with something in it. It is closed when the test ends.
func scratch(t *testing.T) int {
	fd, err := unix.MemfdCreate("scratch", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if _, err := unix.Write(fd, []byte("something to read")); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Seek(fd, 0, 0); err != nil {
		t.Fatal(err)
	}
	return fd
}

// TestAlone: a child has nothing of its parent: one mapping, the descriptors it was given, no
// handlers; and its executable is the empty file.
func TestAlone(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a process may replace its /proc/PID/exe as root")
	}
	stray, err := unix.Open("/dev/null", unix.O_RDWR, 0) // not close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(stray)
	exe, err := SealedExe()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(exe)
	b := plan.NewBuilder()
	b.At(plan.Note{Where: "test", Index: -1})
	exeFD := b.Input("exe")
	b.ShedExe(exeFD)
	b.Close(exeFD)
	out := b.Input("out")
	b.Write(out, "ready")
	wait := b.Held("wait")
	b.Read(wait, b.Buffer(1)).ZeroFails()
	b.ExitGroup(0)
	p := b.Build()
	var outPipe, waitPipe [2]int
	for _, pipe := range []*[2]int{&outPipe, &waitPipe} {
		if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(pipe[0])
		defer unix.Close(pipe[1])
	}
	c, err := Start(&Launch{Program: p, Inputs: []int{exe, outPipe[1], waitPipe[0]}, Report: outPipe[1], Cgroup: -1})
	if err != nil {
		if strings.Contains(err.Error(), "ENOSYS") {
			t.Skip("qemu-user has no clone3: run on arm64 itself")
		}
		t.Fatal(err)
	}
	defer func() {
		unix.Kill(c.PID, unix.SIGKILL)
		unix.Wait4(c.PID, nil, 0, nil)
		unix.Close(c.PIDFD)
	}()
	buf := make([]byte, 64)
	n, err := unix.Read(outPipe[0], buf)
	if err != nil || string(buf[:n]) != "ready" {
		t.Fatalf("%v: %q", err, buf[:n])
	}
	proc := fmt.Sprintf("/proc/%d/", c.PID)
	maps, err := os.ReadFile(proc + "maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		f := strings.Fields(line)
		code := len(f) > 5 && f[5] == "/memfd:tare-code" && os.Getenv(noExecGain) != ""
		if len(f) > 5 && f[5] != "[vsyscall]" && f[5] != "[stack]" && !code { // what is at start_stack is called so
			t.Errorf("mapped: %s", line)
		}
	}
	if n := strings.Count(string(maps), "\n"); n > 3 {
		t.Errorf("%d mappings:\n%s", n, maps)
	}
	if link, err := os.Readlink(proc + "exe"); err != nil || link != "/memfd:tare-init (deleted)" {
		t.Errorf("exe is %q, %v", link, err)
	}
	fds, err := os.ReadDir(proc + "fd")
	if err != nil {
		t.Fatal(err)
	}
	if len(fds) != 5 {
		t.Errorf("descriptors: %v", fds)
	}
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		f := strings.Fields(line)
		switch f[0] {
		case "SigCgt:", "SigBlk:":
			if strings.Trim(f[1], "0") != "" {
				t.Errorf("%s", line)
			}
		case "VmRSS:":
			t.Logf("%s", line)
			if len(f[1]) > 2 || f[1] > "32" && len(f[1]) == 2 {
				t.Errorf("%s", line)
			}
		}
	}
}

// TestSealed runs itself again from a sealed copy.
func TestSealed(t *testing.T) {
	if os.Getenv("TARE_TEST_SEALED") != "" {
		if Sealed() {
			err := ReexecSealed()
			fmt.Println("sealed:", err)
			os.Exit(0)
		}
		fmt.Println(ReexecSealed())
		os.Exit(1)
	}
	if Sealed() {
		t.Error("the test is sealed")
	}
	p, err := os.StartProcess("/proc/self/exe", []string{os.Args[0], "-test.run=TestSealed"}, &os.ProcAttr{
		Env: append(os.Environ(), "TARE_TEST_SEALED=1"), Files: []*os.File{nil, os.Stdout, os.Stderr},
	})
	if err != nil {
		t.Skip("this kernel does not execute programs of this architecture: register qemu-user with binfmt_misc")
	}
	state, err := p.Wait()
	if err != nil || !state.Success() {
		t.Errorf("%v, %v", state, err)
	}
}

// TestKernelText: the kernel's own words are cleaned.
func TestKernelText(t *testing.T) {
	for log, want := range map[string]string{
		"":                                "",
		"e tmpfs: Bad value for 'size'\n": "tmpfs: Bad value for 'size'",
		"w one\ne two\n\x00\x00":          "one; two",
		"plain":                           "plain",
	} {
		if got := kernelText(log); got != want {
			t.Errorf("%q: %q, want %q", log, got, want)
		}
	}
}

func BenchmarkStart(b *testing.B) {
	for _, n := range []int{1, 400} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			build := plan.NewBuilder()
			build.At(plan.Note{Where: "bench", Index: -1})
			for range n {
				build.Getpid()
			}
			build.ExitGroup(0)
			p := build.Build()
			for b.Loop() {
				c, err := Start(&Launch{Program: p, Report: 2, Cgroup: -1})
				if err != nil {
					b.Fatal(err)
				}
				unix.Wait4(c.PID, nil, 0, nil)
				unix.Close(c.PIDFD)
			}
		})
	}
}

// noExecGain makes the test binary one whose written memory cannot become executable.
const noExecGain = "TARE_TEST_NO_EXEC_GAIN"

func TestMain(m *testing.M) {
	if os.Getenv(noExecGain) != "" {
		const refuseExecGain = 1 // PR_MDWE_REFUSE_EXEC_GAIN
		if err := unix.Prctl(unix.PR_SET_MDWE, refuseExecGain, 0, 0, 0); err != nil {
			fmt.Println("prctl(PR_SET_MDWE):", err)
			os.Exit(3)
		}
	}
	os.Exit(m.Run())
}

// TestNoExecGain: the code comes from a file where memory may not become executable, as under
// SELinux without execmem.
func TestNoExecGain(t *testing.T) {
	if err := unix.Prctl(unix.PR_GET_MDWE, 0, 0, 0, 0); err != nil {
		t.Skip("the kernel has no PR_SET_MDWE: Linux 6.3 has it")
	}
	var out strings.Builder
	cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run=^(TestAlone|TestControl|TestNumbers)$")
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), noExecGain+"=1"), &out, &out
	if err := cmd.Run(); err != nil {
		if _, ran := err.(*exec.ExitError); !ran {
			t.Skip("this kernel does not execute programs of this architecture: register qemu-user with binfmt_misc")
		}
		t.Errorf("%v: %s", err, out.String())
	}
	if os.Geteuid() == 0 && runtime.GOARCH == "amd64" && !strings.Contains(out.String(), "--- PASS: TestAlone") {
		t.Errorf("it did not run: %s", out.String())
	}
}
