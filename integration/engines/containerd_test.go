// SPDX-License-Identifier: Apache-2.0

package engines

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// containerdCgroup is a namespace of containerd's, and so the parent of its cgroups.
const containerdCgroup = "tare-engines-containerd"

// newContainerd starts a containerd with state of its own and returns ctr, which talks to it.
func newContainerd(t *testing.T) *client {
	t.Helper()
	need(t, "containerd", "containerd")
	archive := image(t)
	dir, err := os.MkdirTemp("", "tare-containerd-")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "config.toml")
	text := fmt.Sprintf("version = 2\nroot = %q\nstate = %q\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = %q\n[ttrpc]\naddress = %q\n",
		dir+"/root", dir+"/state", dir+"/sock", dir+"/sock.ttrpc")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command("containerd", "--config", config)
	daemon.Stdout, daemon.Stderr = log, log
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, argv: []string{"ctr", "--address", dir + "/sock", "--namespace", containerdCgroup}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("containerd complained:\n%s", complaints(log.Name()))
		}
		removeContainers(c)
		stop(t, daemon)
		checkLeftovers(t, dir, containerdCgroup)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "containerd's start", func() bool { return c.call("", "version").code == 0 })
	c.exits(0, "image", "import", archive)
	return c
}

// complaints are the errors in containerd's log.
func complaints(log string) string {
	b, _ := os.ReadFile(log)
	var found strings.Builder
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, "level=error") || strings.Contains(line, "level=fatal") {
			found.WriteString(line)
		}
	}
	return found.String()
}

// removeContainers ends what a failed test left.
func removeContainers(c *client) {
	for _, id := range strings.Fields(c.call("", "container", "list", "--quiet").stdout) {
		c.call("", "task", "kill", "--signal", "KILL", id)
		c.call("", "task", "delete", "--force", id)
		c.call("", "container", "delete", id)
	}
}

// stop ends the daemon that this test started.
func stop(t *testing.T, daemon *exec.Cmd) {
	t.Helper()
	if err := daemon.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	timer := time.AfterFunc(10*time.Second, func() { _ = daemon.Process.Kill() })
	defer timer.Stop()
	if err := daemon.Wait(); err != nil {
		t.Error(err)
	}
}

// ctrRun is `ctr run` with the runtime under test.
func ctrRun(flags []string, id string, command ...string) []string {
	args := append([]string{"run", "--runc-binary", runtimePath}, flags...)
	return append(append(args, imageName, id), command...)
}

func TestContainerd(t *testing.T) {
	c := newContainerd(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *client)
	}{
		{"attached", containerdAttached},
		{"detached", containerdDetached},
		{"limits", containerdLimits},
		{"missing executable", containerdMissing},
		{"read-only", containerdReadOnly},
		{"remove running", containerdRemoveRunning},
	} {
		t.Run(test.name, func(t *testing.T) {
			own := *c
			own.t = t
			test.run(t, &own)
		})
	}
}

func containerdAttached(t *testing.T, c *client) {
	o := c.exits(7, ctrRun(remove, "attached", "sh", "-c", "echo out; echo err >&2; exit 7")...)
	if o.stdout != "out\n" || o.stderr != "err\n" {
		t.Errorf("stdout %q, stderr %q", o.stdout, o.stderr)
	}
}

func containerdDetached(t *testing.T, c *client) {
	c.exits(0, ctrRun([]string{"--detach"}, "detached", "sleep", "1000")...)
	mentions(t, c.exits(0, "task", "list").stdout, "detached", "RUNNING")
	c.prints("0", "task", "exec", "--exec-id", "who", "detached", "id", "-u")
	c.exits(3, "task", "exec", "--exec-id", "fails", "detached", "sh", "-c", "exit 3")
	mentions(t, c.exits(1, "task", "exec", "--exec-id", "missing", "detached", "/nope").stderr, "no such file or directory")
	mentions(t, c.exits(0, "task", "ps", "detached").stdout, "PID")
	c.exits(0, "task", "kill", "--signal", "KILL", "detached")
	eventually(t, "the end of the task", func() bool {
		return strings.Contains(c.call("", "task", "list").stdout, "STOPPED")
	})
	c.exits(0, "task", "delete", "detached")
	c.exits(0, "container", "delete", "detached")
}

func containerdLimits(t *testing.T, c *client) {
	c.prints("67108864", ctrRun([]string{"--rm", "--memory-limit", "67108864", "--mount", "type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro"},
		"limits", "sh", "-c", "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max")...)
}

func containerdMissing(t *testing.T, c *client) {
	mentions(t, c.exits(1, ctrRun(remove, "missing", "/nope")...).stderr, "/nope", "no such file or directory")
	mentions(t, c.exits(1, ctrRun(remove, "nowhere", "nope")...).stderr, "nope", "executable file not found in $PATH")
	mentions(t, c.exits(1, ctrRun(remove, "plain", "/etc/plain")...).stderr, "/etc/plain", "permission denied")
}

func containerdReadOnly(t *testing.T, c *client) {
	mentions(t, c.exits(1, ctrRun([]string{"--rm", "--read-only"}, "readonly", "sh", "-c", "echo > /etc/new")...).stderr, "read-only file system")
}

func containerdRemoveRunning(t *testing.T, c *client) {
	c.exits(0, ctrRun([]string{"--detach"}, "running", "sleep", "1000")...)
	c.exits(0, "task", "delete", "--force", "running")
	c.exits(0, "container", "delete", "running")
}
