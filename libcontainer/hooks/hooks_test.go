// SPDX-License-Identifier: Apache-2.0

package hooks

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// soon is longer than any hook here takes, and shorter than those that are not to be waited for.
const soon = 10 * time.Second

// runnerEnv makes the test binary one that runs a hook which never ends, for TestCallerDies.
const runnerEnv = "TARE_HOOKS_RUNNER"

func TestMain(m *testing.M) {
	if file := os.Getenv(runnerEnv); file != "" {
		fmt.Println(Run("poststart", 0, shell(`echo $$ >"$0"; exec sleep 1000`, file), nil, "/"))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// shell is a hook that is a script; $0 and on are args.
func shell(script string, args ...string) *specs.Hook {
	return &specs.Hook{Path: "/bin/sh", Args: append([]string{"sh", "-c", script}, args...)}
}

// runHook runs a hook, fails if that takes long, and makes sure that neither a descriptor nor a
// process that nobody waits for is left.
func runHook(t *testing.T, h *specs.Hook, state, dir string) error {
	t.Helper()
	before := openFiles(t)
	begin := time.Now()
	err := Run("prestart", 0, h, []byte(state), dir)
	if took := time.Since(begin); took > soon {
		t.Errorf("took %v", took)
	}
	for fd, name := range openFiles(t) {
		if before[fd] != name && !strings.HasPrefix(name, "anon_inode:[event") { // Go's poller
			t.Errorf("descriptor %s is left: %s", fd, name)
		}
	}
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("a child is left: %d, %v", pid, err)
	}
	return err
}

func openFiles(t *testing.T) map[string]string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, e := range entries {
		if name, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			all[e.Name()] = name
		}
	}
	return all
}

func read(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// pidIn is the number that a hook has written.
func pidIn(t *testing.T, name string) int {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestStdin(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	big := strings.Repeat("0123456789abcdef\n", 70000) // many times what a pipe takes
	for name, state := range map[string]string{"empty": "", "small": `{"id":"x"}`, "a pipe": big[:65536], "and one": big[:65537], "big": big} {
		if err := runHook(t, shell(`exec cat >"$0"`, out), state, "/"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := read(t, out); got != state {
			t.Errorf("%s: %d bytes of %d came", name, len(got), len(state))
		}
		// Slowly, and with an answer that is as long: neither pipe may wait for the other.
		if err := runHook(t, shell(`sleep 0.1; tee "$0"`, out), state, "/"); err != nil {
			t.Errorf("%s, with tee: %v", name, err)
		}
		if got := read(t, out); got != state {
			t.Errorf("%s, with tee: %d bytes of %d came", name, len(got), len(state))
		}
		// Whoever does not read, or not all, is none the worse.
		for _, script := range []string{"exit 0", "exec <&-; sleep 0.1", "head -c 1 >/dev/null", "exec <&-; exec >&-; exec 2>&-; sleep 0.1"} {
			if err := runHook(t, shell(script), state, "/"); err != nil {
				t.Errorf("%s, %s: %v", name, script, err)
			}
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("TARE_SECRET", "of the caller")
	out := filepath.Join(t.TempDir(), "out")
	for _, env := range [][]string{nil, {}, {"A=1"}, {"B=2", "A=1", "A=3", "EMPTY=", "odd", "S= a\n\"'$B"}} {
		h := &specs.Hook{Path: "/bin/cp", Args: []string{"cp", "/proc/self/environ", out}, Env: env}
		if err := runHook(t, h, "", "/"); err != nil {
			t.Fatal(err)
		}
		want := ""
		for _, e := range env {
			want += e + "\x00"
		}
		if got := read(t, out); got != want {
			t.Errorf("%q: got %q", env, got)
		}
	}
}

func TestArguments(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	// args[0] is whatever the configuration says; the program is Path.
	h := &specs.Hook{Path: "/bin/cp", Args: []string{"not cp", "--", "/proc/self/cmdline", out}}
	if err := runHook(t, h, "", "/"); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, out), "not cp\x00--\x00/proc/self/cmdline\x00"+out+"\x00"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// Without args, the path is the only one.
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho $# $0 >out\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := runHook(t, &specs.Hook{Path: script}, "", dir); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, out), "0 "+script+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestDescriptors: the hook has its three and nothing of the caller's, not even what the caller
// has not made close-on-exec.
func TestDescriptors(t *testing.T) {
	fd, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD, 150)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(high)
	err = runHook(t, shell(`i=0; while [ $i -lt 200 ]; do [ -e /proc/$$/fd/$i ] && echo $i; i=$((i + 1)); done; exit 1`), "", "/")
	if want := "error running prestart hook #0: exit status 1, stdout: 0; 1; 2, stderr: "; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestDirectory(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{dir: dir, "/": "/", filepath.Join(dir, "gone"): "/"} {
		err := runHook(t, shell(`readlink /proc/$$/cwd; exit 1`), "", at)
		if want := "error running prestart hook #0: exit status 1, stdout: " + want + ", stderr: "; err == nil || err.Error() != want {
			t.Errorf("in %s:\ngot  %v\nwant %s", at, err, want)
		}
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return name
	}
	plain := write("plain", "#!/bin/sh\n", 0o600)
	noFormat := write("no format", "exit 0\n", 0o700)
	noShell := write("no shell", "#!/absent\n", 0o700)
	for _, c := range []struct {
		h    *specs.Hook
		want string // "" is no error
	}{
		{shell(""), ""},
		{shell("echo out; echo err >&2"), ""},
		{shell("exit 3"), "exit status 3, stdout: , stderr: "},
		{shell("exit 255"), "exit status 255, stdout: , stderr: "},
		{shell("echo out; echo err >&2; exit 1"), "exit status 1, stdout: out, stderr: err"},
		{shell(`printf 'a\nb\r\n\n c \n'; printf '\n\n' >&2; exit 1`), "exit status 1, stdout: a; b;  c , stderr: "},
		{shell("kill -TERM $$"), "killed by SIGTERM, stdout: , stderr: "},
		{shell("echo out; echo err >&2; kill -KILL $$"), "killed by SIGKILL, stdout: out, stderr: err"},
		{&specs.Hook{Path: "/absent"}, `execve "/absent": no such file or directory (ENOENT)`},
		{&specs.Hook{}, `execve "": no such file or directory (ENOENT)`},
		{&specs.Hook{Path: dir}, `execve "` + dir + `": permission denied (EACCES)`},
		{&specs.Hook{Path: plain}, `execve "` + plain + `": permission denied (EACCES)`},
		{&specs.Hook{Path: plain + "/x"}, `execve "` + plain + `/x": not a directory (ENOTDIR)`},
		{&specs.Hook{Path: noFormat}, `execve "` + noFormat + `": exec format error (ENOEXEC)`},
		{&specs.Hook{Path: noShell}, `execve "` + noShell + `": no such file or directory (ENOENT)`},
		{&specs.Hook{Path: "/bin/sh\x00"}, `execve "/bin/sh\x00": invalid argument (EINVAL)`},
		{&specs.Hook{Path: "/bin/sh", Env: []string{"A=\x00"}}, `execve "/bin/sh": invalid argument (EINVAL)`},
	} {
		err := runHook(t, c.h, "{}", "/")
		if c.want == "" {
			if err != nil {
				t.Errorf("%q: %v", c.h.Args, err)
			}
			continue
		}
		if want := "error running prestart hook #0: " + c.want; err == nil || err.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", c.h.Args, err, want)
		}
		var e *Error
		if !errors.As(err, &e) || e.Path() != c.h.Path {
			t.Errorf("%q: %T, want an *Error of that path", c.h.Path, err)
		}
	}
	err := Run("poststop", 17, &specs.Hook{Path: "/absent"}, nil, "/")
	if want := `error running poststop hook #17: execve "/absent": no such file or directory (ENOENT)`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if !errors.Is(err, unix.ENOENT) {
		t.Error("the errno cannot be found behind the error")
	}
}

// TestOutput: of a hook that says much, the beginning of each stream is kept, and it is not held up.
func TestOutput(t *testing.T) {
	err := runHook(t, shell(`head -c 1000000 /dev/zero | tr '\0' o; head -c 1000000 /dev/zero | tr '\0' e >&2; exit 1`), "", "/")
	want := "error running prestart hook #0: exit status 1, stdout: " + strings.Repeat("o", mostOutput) +
		", stderr: " + strings.Repeat("e", mostOutput)
	if err == nil || err.Error() != want {
		t.Errorf("got %d bytes, want %d: %.100v", len(fmt.Sprint(err)), len(want), err)
	}
	if err := runHook(t, shell(`head -c 1000000 /dev/zero`), "", "/"); err != nil {
		t.Error(err)
	}
}

// TestChildren: a child that has the hook's streams and lives on holds nobody up.
func TestChildren(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	for script, want := range map[string]string{
		`sleep 1000 & echo $! >"$0"`:                   "",
		`sleep 1000 & echo $! >"$0"; echo out; exit 1`: "exit status 1, stdout: out, stderr: ",
		`yes & echo $! >"$0"`:                          "",
	} {
		err := runHook(t, shell(script, file), strings.Repeat("x", 1<<20), "/")
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != "error running prestart hook #0: "+want) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
		unix.Kill(pidIn(t, file), unix.SIGKILL)
	}
}

func TestTimeout(t *testing.T) {
	one := 1
	file := filepath.Join(t.TempDir(), "pid")
	for _, script := range []string{
		`echo $$ >"$0"; echo out; echo err >&2; exec sleep 1000`,
		`trap '' TERM INT HUP; echo $$ >"$0"; echo out; echo err >&2; while :; do :; done`,
		`echo $$ >"$0"; echo out; echo err >&2; kill -STOP $$`,
		`echo $$ >"$0"; exec <&-; echo out; echo err >&2; exec >&- 2>&-; exec sleep 1000`,
	} {
		h := shell(script, file)
		h.Timeout = &one
		begin := time.Now()
		err := runHook(t, h, strings.Repeat("x", 1<<20), "/")
		if took := time.Since(begin); took < time.Second || took > soon {
			t.Errorf("%s: took %v", script, took)
		}
		const want = "error running prestart hook #0: hook ran past specified timeout of 1.0s, stdout: out, stderr: err"
		if err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", script, err, want)
		}
		if err := unix.Kill(pidIn(t, file), 0); err != unix.ESRCH {
			t.Errorf("%s: the hook is still there: %v", script, err)
		}
	}

	// Its children are not killed, but they hold nobody up, though they have the streams.
	h := shell(`sleep 1000 & echo $! >"$0"; wait`, file)
	h.Timeout = &one
	begin := time.Now()
	err := runHook(t, h, "", "/")
	if took := time.Since(begin); took > soon || err == nil || !strings.Contains(err.Error(), "timeout of 1.0s") {
		t.Errorf("with a child: %v after %v", err, took)
	}
	unix.Kill(pidIn(t, file), unix.SIGKILL)

	// One that talks all the time has no more of it.
	h = shell(`exec yes`)
	h.Timeout = &one
	if err := runHook(t, h, "", "/"); err == nil || !strings.Contains(err.Error(), "timeout of 1.0s, stdout: y; y; ") {
		t.Errorf("yes: %.200v", err)
	}
	// One that is in time is not touched.
	h = shell(`sleep 0.2; exit 3`)
	h.Timeout = &one
	if err := runHook(t, h, "", "/"); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("in time: %v", err)
	}
}

func TestTimeoutOf(t *testing.T) {
	if got := Timeout(&specs.Hook{}); got != 0 {
		t.Errorf("none: %v", got)
	}
	for seconds, want := range map[int]time.Duration{
		-1: 0, math.MinInt: 0, 0: 0, 1: time.Second, 3600: time.Hour, math.MaxInt32: math.MaxInt32 * time.Second,
	} {
		if got := Timeout(&specs.Hook{Timeout: &seconds}); got != want {
			t.Errorf("%d: %v, want %v", seconds, got, want)
		}
	}
	most := math.MaxInt
	if got := Timeout(&specs.Hook{Timeout: &most}); got < math.MaxInt32*time.Second {
		t.Errorf("%d: %v", most, got)
	}
}

// TestLongTimeout: one that is more milliseconds than poll(2) takes is still a long one.
func TestLongTimeout(t *testing.T) {
	for _, seconds := range []int{math.MaxInt32/1000 + 1, math.MaxUint32/1000 + 1, math.MaxInt32, math.MaxInt} {
		h := shell(`sleep 0.05`)
		h.Timeout = &seconds
		if err := runHook(t, h, "", "/"); err != nil {
			t.Errorf("%d s: %v", seconds, err)
		}
	}
}

func TestResult(t *testing.T) {
	for _, c := range []struct {
		status unix.WaitStatus
		want   string
	}{
		{0, "<nil>"},
		{1 << 8, "exit status 1, stdout: a; b, stderr: c"},
		{255 << 8, "exit status 255, stdout: a; b, stderr: c"},
		{9, "killed by SIGKILL, stdout: a; b, stderr: c"},
		{11 | 0x80, "killed by SIGSEGV, stdout: a; b, stderr: c"}, // with a core
		{19<<8 | 0x7f, "wait status 4991, stdout: a; b, stderr: c"},
	} {
		io := &IO{stdout: []byte("a\nb\n"), stderr: []byte("c")}
		if got := fmt.Sprint(io.Result(c.status)); got != c.want {
			t.Errorf("%#x: got %s, want %s", int(c.status), got, c.want)
		}
	}
}

// TestRealtimeSignal: x/sys has no names for them.
func TestRealtimeSignal(t *testing.T) {
	io := new(IO)
	if got, want := io.Result(40).Error(), "killed by signal 40, stdout: , stderr: "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestTogether: any number of hooks may run at the same time, as in any program.
func TestTogether(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			out := filepath.Join(dir, strconv.Itoa(i))
			state := strings.Repeat(strconv.Itoa(i), 50000)
			err := Run("prestart", i, shell(`cat >"$0"; exit $1`, out, strconv.Itoa(i+1)), []byte(state), dir)
			if want := fmt.Sprintf("error running prestart hook #%d: exit status %d, stdout: , stderr: ", i, i+1); err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if raw, err := os.ReadFile(out); err != nil || string(raw) != state {
				t.Errorf("%d: %d bytes of %d came, %v", i, len(raw), len(state), err)
			}
		})
	}
	all.Wait()
}

// TestCallerDies: a killed caller leaves no hook at work.
func TestCallerDies(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pid")
	cmd := exec.Command(exe)
	cmd.Env = []string{runnerEnv + "=" + file}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	waitFor(t, "the hook to begin", func() bool {
		raw, _ := os.ReadFile(file)
		return bytes.HasSuffix(raw, []byte("\n"))
	})
	pid := pidIn(t, file)
	if err := unix.Kill(pid, 0); err != nil {
		t.Fatalf("the hook is not there: %v, %s", err, said.String())
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	waitFor(t, "the hook to die", func() bool { return gone(pid) })
}

// gone: a zombie that its new parent has not reaped yet is at work no more.
func gone(pid int) bool {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return true
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if state, ok := strings.CutPrefix(s.Text(), "State:"); ok {
			return strings.HasPrefix(strings.TrimSpace(state), "Z")
		}
	}
	return true
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}
