// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminalBundle makes a bundle whose process has a terminal and runs a script in busybox.
func terminalBundle(t *testing.T, tare, script string) (dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("containers of the default spec need root")
	}
	program, err := os.ReadFile(busybox)
	if err != nil {
		t.Skip("no " + busybox + ": apt-get install busybox-static")
	}
	dir, err = os.MkdirTemp("", "tare-tty-") // not t.TempDir: the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.MkdirAll(filepath.Join(dir, "rootfs/bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rootfs/bin/busybox"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tare, "spec", "--bundle", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	name := filepath.Join(dir, "config.json")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	args, err := json.Marshal([]string{"/bin/busybox", "sh", "-c", script})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"proc", "dev", "sys"} {
		if err := os.Mkdir(filepath.Join(dir, "rootfs", d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b = bytes.Replace(b, []byte(`"sh"`), args[1:len(args)-1], 1)
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestConsoleSocket: who creates a container with a terminal is sent its master.
func TestConsoleSocket(t *testing.T) {
	tare := binary(t)
	dir := terminalBundle(t, tare, `B=/bin/busybox; $B tty; $B stty size; read line; echo "got $line"`)
	id := filepath.Base(dir)
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(tare, append([]string{"--root", dir + "/state"}, args...)...)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("tare %s: %v", strings.Join(args, " "), err)
		}
	}
	listener, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	if err := unix.Bind(listener, &unix.SockaddrUnix{Name: dir + "/sock"}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(listener, 1); err != nil {
		t.Fatal(err)
	}
	run("create", "--bundle", dir, "--console-socket", dir+"/sock", id)
	defer exec.Command(tare, "--root", dir+"/state", "delete", "--force", id).Run()
	conn, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(conn)
	buf, control := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := unix.Recvmsg(conn, buf, control, unix.MSG_CMSG_CLOEXEC)
	if err != nil || n == 0 {
		t.Fatalf("%d, %v", n, err)
	}
	msgs, err := unix.ParseSocketControlMessage(control[:oobn])
	if err != nil || len(msgs) != 1 {
		t.Fatalf("%v, %v", msgs, err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("%v, %v", fds, err)
	}
	master := os.NewFile(uintptr(fds[0]), "master")
	defer master.Close()
	if err := unix.IoctlSetWinsize(fds[0], unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 99}); err != nil {
		t.Fatal(err)
	}
	run("start", id)
	out := until(t, master, "99")
	if !strings.Contains(out, "/dev/console") && !strings.Contains(out, "/dev/pts/0") || !strings.Contains(out, "33 99") {
		t.Errorf("%q", out)
	}
	if _, err := master.WriteString("typed\n"); err != nil {
		t.Fatal(err)
	}
	until(t, master, "got typed")
}

// until reads until a text has come.
func until(t *testing.T, f *os.File, want string) string {
	t.Helper()
	var all []byte
	buf := make([]byte, 1024)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		p := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
		if n, err := unix.Poll(p, 1000); n == 0 || err == unix.EINTR {
			continue
		}
		n, err := unix.Read(int(f.Fd()), buf)
		all = append(all, buf[:max(n, 0)]...)
		if bytes.Contains(all, []byte(want)) {
			return string(all)
		}
		if n <= 0 || err != nil {
			break
		}
	}
	t.Fatalf("no %q in %q", want, all)
	return ""
}

// TestAttached: run and exec connect the caller's terminal with the process's.
func TestAttached(t *testing.T) {
	tare := binary(t)
	dir := terminalBundle(t, tare, `B=/bin/busybox; $B tty; $B stty size; read line; echo "got $line"; exit 6`)
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 22, Col: 77}); err != nil {
		t.Fatal(err)
	}
	before, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tare, "--root", dir+"/state", "run", "--bundle", dir, filepath.Base(dir))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if out := until(t, master, "77"); !strings.Contains(out, "22 77") {
		t.Errorf("%q", out)
	}
	if _, err := master.WriteString("typed\n"); err != nil {
		t.Fatal(err)
	}
	until(t, master, "got typed")
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 6 {
		t.Errorf("exit code %d, want 6", code)
	}
	after, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal is not as it was: %v, %v", after, err)
	}
}
