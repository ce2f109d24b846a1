// SPDX-License-Identifier: Apache-2.0

// Package integration runs the scripts in testdata against the built binary, with real containers.
//
// Beside testscript's own commands a script has these:
//
//	bundle NAME [ARG...]       makes the bundle $WORK/NAME: busybox, and tare spec without a
//	                           terminal; the process runs ARG..., or exits at once
//	set NAME PLACE JSON        sets a member of its config.json: process.user.uid, mounts[2].type;
//	                           [+] is a further element, and what is missing on the way is made
//	unset NAME PLACE           removes it
//	tare ARG...                runs tare with a root of the script's own
//	exits CODE ARG...          the same, and wants that exit code
//	sealed ARG...              the same as tare, from a sealed copy in memory, as where the kernel
//	                           refuses PR_SET_MM_MAP
//	await NAME STATUS          waits until a container has that status
//
// When a script has ended nothing may be left of it.
package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

const busybox = "/bin/busybox"

func TestScripts(t *testing.T) {
	refuse := t.Skip
	if os.Getenv("CI") != "" {
		refuse = t.Fatal
	}
	if os.Geteuid() != 0 {
		refuse("containers of the default spec need root")
	}
	if _, err := os.Stat(busybox); err != nil {
		refuse("no " + busybox + ": apt-get install busybox-static")
	}
	tare := binary(t)
	// Not t.TempDir, which is closed to others: users inside containers must get in.
	work, err := os.MkdirTemp("", "tare-scripts-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(work, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(work); err != nil {
			t.Error(err)
		}
	})
	testscript.Run(t, testscript.Params{
		WorkdirRoot:         work,
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(e *testscript.Env) error { return setup(e, tare) },
		Condition:           condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"bundle": bundle, "set": set, "unset": unset, "tare": runTare, "exits": exits, "await": await, "sealed": sealed,
		},
	})
}

// binary is the tare that TARE names, or one that is built for the tests.
func binary(t *testing.T) string {
	if name := os.Getenv("TARE"); name != "" {
		abs, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		return abs
	}
	name := filepath.Join(t.TempDir(), "tare")
	build := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", name, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	return name
}

func condition(name string) (bool, error) {
	switch name {
	case "cgroup2":
		_, err := os.Stat("/sys/fs/cgroup/cgroup.controllers")
		return err == nil, nil
	case "apparmor":
		b, _ := os.ReadFile("/sys/module/apparmor/parameters/enabled")
		return bytes.HasPrefix(b, []byte("Y")), nil
	case "selinux":
		_, err := os.Stat("/sys/fs/selinux/enforce")
		return err == nil, nil
	case "enforcing":
		b, _ := os.ReadFile("/sys/fs/selinux/enforce")
		return string(b) == "1", nil
	case "resctrl":
		_, err := os.Stat("/sys/fs/resctrl/schemata")
		return err == nil, nil
	case "numa":
		_, err := os.Stat("/proc/self/numa_maps")
		return err == nil, nil
	case "memory1":
		_, err := os.Stat("/sys/fs/cgroup/memory/memory.limit_in_bytes")
		return err == nil, nil
	}
	return false, errors.New("unknown condition " + name)
}

func setup(e *testscript.Env, tare string) error {
	name := filepath.Base(e.WorkDir)
	if err := os.Chmod(e.WorkDir, 0o755); err != nil {
		return err
	}
	e.Setenv("TARE", tare)
	e.Setenv("STATE", e.WorkDir+"/state")
	e.Setenv("CGROUP", "/tare-test-"+strings.TrimPrefix(name, "script-"))
	e.Defer(func() {
		fail := e.T().(interface{ Errorf(string, ...any) }).Errorf
		for _, id := range containers(e.WorkDir + "/state") {
			fail("container %s is left", id)
			exec.Command(tare, "--root", e.WorkDir+"/state", "delete", "--force", id).Run()
		}
		for _, dir := range cgroups(e.Getenv("CGROUP")) {
			list, _ := filepath.Glob(dir + "/*/cgroup.procs")
			for _, inner := range list {
				fail("cgroup %s is left", filepath.Dir(inner))
				os.Remove(filepath.Dir(inner))
			}
			os.Remove(dir)
		}
		mounts, err := os.ReadFile("/proc/self/mounts")
		if err != nil || bytes.Contains(mounts, []byte(e.WorkDir)) {
			fail("something is still mounted: %v\n%s", err, mounts)
		}
	})
	return nil
}

func containers(root string) (ids []string) {
	entries, _ := os.ReadDir(root)
	for _, e := range entries {
		ids = append(ids, e.Name())
	}
	return ids
}

// cgroups are the directories of that name in all hierarchies.
func cgroups(name string) []string {
	list, _ := filepath.Glob("/sys/fs/cgroup/*" + name)
	if _, err := os.Stat("/sys/fs/cgroup" + name); err == nil {
		list = append(list, "/sys/fs/cgroup"+name)
	}
	return list
}

var applets = []string{
	"cat", "chmod", "cp", "df", "echo", "env", "false", "find", "grep", "head", "hostname", "id", "ifconfig", "ionice",
	"ip", "kill", "ln", "ls", "mkdir", "mknod", "mount", "nc", "od", "ping", "ps", "pwd", "readlink", "rm", "sed", "seq", "sh",
	"sleep", "sort", "stat", "stty", "sync", "tail", "taskset", "touch", "tr", "true", "tty", "umount", "uname", "wc", "wget",
}

func bundle(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: bundle NAME [ARG...]")
	}
	dir := ts.MkAbs(args[0])
	for _, d := range []string{"bin", "dev", "etc", "proc", "sys", "tmp"} {
		ts.Check(os.MkdirAll(filepath.Join(dir, "rootfs", d), 0o755))
	}
	ts.Check(os.Chmod(filepath.Join(dir, "rootfs/tmp"), 0o1777))
	program, err := os.ReadFile(busybox)
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(dir, "rootfs/bin/busybox"), program, 0o755))
	for _, a := range applets {
		ts.Check(os.Symlink("busybox", filepath.Join(dir, "rootfs/bin", a)))
	}
	ts.Check(os.WriteFile(filepath.Join(dir, "rootfs/etc/passwd"), []byte("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n"), 0o644))
	ts.Check(ts.Exec(ts.Getenv("TARE"), "spec", "--bundle", dir))
	if len(args) == 1 {
		args = append(args, "true")
	}
	list, err := json.Marshal(args[1:])
	ts.Check(err)
	edit(ts, args[0], "process.terminal", json.RawMessage("false"))
	edit(ts, args[0], "process.args", list)
	edit(ts, args[0], "linux.cgroupsPath", json.RawMessage(strconv.Quote(ts.Getenv("CGROUP")+"/"+filepath.Base(dir))))
}

func set(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: set NAME PLACE JSON")
	}
	if !json.Valid([]byte(args[2])) {
		ts.Fatalf("no JSON: %s", args[2])
	}
	edit(ts, args[0], args[1], json.RawMessage(args[2]))
}

func unset(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: unset NAME PLACE")
	}
	edit(ts, args[0], args[1], nil)
}

// edit changes a config.json; a nil value removes the place.
func edit(ts *testscript.TestScript, name, place string, value json.RawMessage) {
	file := filepath.Join(ts.MkAbs(name), "config.json")
	b, err := os.ReadFile(file)
	ts.Check(err)
	var config any
	ts.Check(json.Unmarshal(b, &config))
	steps := strings.Split(strings.ReplaceAll(place, "[", ".["), ".")
	config, err = replace(config, steps, value)
	ts.Check(err)
	b, err = json.MarshalIndent(config, "", "  ")
	ts.Check(err)
	ts.Check(os.WriteFile(file, b, 0o644))
}

func replace(in any, steps []string, value json.RawMessage) (any, error) {
	if len(steps) == 0 {
		return value, nil
	}
	step := steps[0]
	if !strings.HasPrefix(step, "[") {
		object, ok := in.(map[string]any)
		if in != nil && !ok {
			return nil, errors.New(step + ": not in an object")
		}
		if object == nil {
			object = map[string]any{}
		}
		if value == nil && len(steps) == 1 {
			delete(object, step)
			return object, nil
		}
		inner, err := replace(object[step], steps[1:], value)
		object[step] = inner
		return object, err
	}
	list, ok := in.([]any)
	if in != nil && !ok {
		return nil, errors.New(step + ": not in a list")
	}
	i := len(list)
	if step != "[+]" {
		n, err := strconv.Atoi(strings.Trim(step, "[]"))
		if err != nil || n >= len(list) {
			return nil, errors.New(step + ": no such element")
		}
		i = n
	} else {
		list = append(list, nil)
	}
	if value == nil && len(steps) == 1 {
		return append(list[:i], list[i+1:]...), nil
	}
	inner, err := replace(list[i], steps[1:], value)
	list[i] = inner
	return list, err
}

func runTare(ts *testscript.TestScript, neg bool, args []string) {
	code := call(ts, args, nil)
	switch {
	case code == 0 && neg:
		ts.Fatalf("tare has succeeded")
	case code != 0 && !neg:
		ts.Fatalf("tare: exit code %d", code)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARG...")
	}
	if code := strconv.Itoa(call(ts, args[1:], nil)); code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

func sealed(ts *testscript.TestScript, neg bool, args []string) {
	fd, err := unix.MemfdCreate("tare", unix.MFD_ALLOW_SEALING|unix.MFD_CLOEXEC)
	ts.Check(err)
	f := os.NewFile(uintptr(fd), "tare")
	defer f.Close()
	program, err := os.ReadFile(ts.Getenv("TARE"))
	ts.Check(err)
	_, err = f.Write(program)
	ts.Check(err)
	_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	ts.Check(err)
	if code := call(ts, args, f); code != 0 != neg {
		ts.Fatalf("tare: exit code %d", code)
	}
}

// call runs tare. Its output goes to files: a container that lives on would keep a pipe open.
func call(ts *testscript.TestScript, args []string, sealed *os.File) (exitCode int) {
	var output [2]*os.File
	for i := range output {
		f, err := os.CreateTemp(ts.Getenv("WORK"), ".output")
		ts.Check(err)
		defer f.Close()
		defer os.Remove(f.Name())
		output[i] = f
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, ts.Getenv("TARE"), append([]string{"--root", ts.Getenv("STATE")}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), output[0], output[1]
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "WORK=" + ts.Getenv("WORK")}
	if sealed != nil {
		cmd.Path, cmd.ExtraFiles = "/proc/self/fd/"+strconv.Itoa(int(sealed.Fd())), []*os.File{sealed}
		cmd.Env = append(cmd.Env, "_TARE_SEALED=1")
	}
	ts.Check(cmd.Start())
	stop := reapOrphans(ts.Getenv("CGROUP"))
	err := cmd.Wait()
	stop()
	for i, to := range []io.Writer{ts.Stdout(), ts.Stderr()} {
		b, err := os.ReadFile(output[i].Name())
		ts.Check(err)
		_, err = to.Write(b)
		ts.Check(err)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		ts.Fatalf("tare %s: %v", strings.Join(args, " "), err)
	}
	return cmd.ProcessState.ExitCode()
}

// reapOrphans does what the machine's init would do, until it is stopped: while a process of a pid
// namespace is a zombie, the kernel keeps that namespace's init. Orphans come to the tests (see
// TestMain); those of a script are known by their cgroup.
func reapOrphans(cgroup string) (stop func()) {
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
			}
			tasks, _ := filepath.Glob("/proc/self/task/*/children")
			for _, task := range tasks {
				list, _ := os.ReadFile(task)
				for pid := range strings.FieldsSeq(string(list)) {
					b, _ := os.ReadFile("/proc/" + pid + "/cgroup")
					if n, err := strconv.Atoi(pid); err == nil && strings.Contains(string(b), cgroup+"/") {
						unix.Wait4(n, nil, unix.WNOHANG, nil)
					}
				}
			}
		}
	}()
	return func() {
		close(done)
		<-stopped
	}
}

// patience is how long anything may take.
const patience = 20 * time.Second

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await NAME STATUS")
	}
	status := ""
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		out, err := exec.Command(ts.Getenv("TARE"), "--root", ts.Getenv("STATE"), "state", args[0]).Output()
		ts.Check(err)
		var s struct{ Status string }
		ts.Check(json.Unmarshal(out, &s))
		if status = s.Status; status == args[1] {
			return
		}
	}
	ts.Fatalf("%s is %s, want %s", args[0], status, args[1])
}

func TestMain(m *testing.M) {
	// Not every machine's init reaps.
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	os.Exit(m.Run())
}
