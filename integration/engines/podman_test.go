// SPDX-License-Identifier: Apache-2.0

package engines

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const podmanCgroup = "tare-engines-podman"

// newPodman is podman with storage, configuration and locks of its own. The configuration is
// also what README tells a user to write.
func newPodman(t *testing.T) *client {
	t.Helper()
	need(t, "podman", "podman")
	archive := image(t)
	// Not t.TempDir: podman puts sockets there, whose paths must be short.
	dir, err := os.MkdirTemp("", "tare-podman-")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	p := &client{t: t, argv: []string{"podman"}, env: []string{
		"CONTAINERS_CONF=" + write("containers.conf", fmt.Sprintf(`[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
netns = "none"
seccomp_profile = "unconfined"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
tmp_dir = %q
runtime = "tare"
runtime_supports_json = ["tare"]
[engine.runtimes]
tare = [%q]
`, dir+"/tmp", runtimePath)),
		"CONTAINERS_STORAGE_CONF=" + write("storage.conf", fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n", dir+"/graph", dir+"/run")),
	}}
	t.Cleanup(func() {
		p.call("", "rm", "--force", "--all", "--time", "0")
		checkLeftovers(t, dir, podmanCgroup)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	p.exits(0, "load", "--quiet", "--input", archive)
	return p
}

// podmanRun is `podman run` with what every test wants: flags of the test's, the image, a command.
func podmanRun(flags []string, command ...string) []string {
	args := append([]string{"run", "--cgroup-parent", "/" + podmanCgroup}, flags...)
	return append(append(args, imageName), command...)
}

func TestPodman(t *testing.T) {
	p := newPodman(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *client)
	}{
		{"attached", podmanAttached},
		{"stdin", podmanStdin},
		{"terminal", podmanTerminal},
		{"detached", podmanDetached},
		{"logs", podmanLogs},
		{"remove running", podmanRemoveRunning},
		{"missing executable", podmanMissing},
		{"not executable", podmanNotExecutable},
		{"limits", podmanLimits},
		{"joined namespaces", podmanJoined},
		{"user namespace", podmanUserNamespace},
		{"volume", podmanVolume},
		{"read-only", podmanReadOnly},
		{"user", podmanUser},
	} {
		t.Run(test.name, func(t *testing.T) {
			own := *p
			own.t = t
			test.run(t, &own)
		})
	}
}

var remove = []string{"--rm"}

func podmanAttached(t *testing.T, p *client) {
	o := p.exits(7, podmanRun(remove, "sh", "-c", "echo out; echo err >&2; exit 7")...)
	if o.stdout != "out\n" || o.stderr != "err\n" {
		t.Errorf("stdout %q, stderr %q", o.stdout, o.stderr)
	}
	p.exits(137, podmanRun(remove, "sh", "-c", "kill -9 $$; sleep 1; exit 137")...)
}

func podmanStdin(t *testing.T, p *client) {
	o := p.call("through\n", podmanRun([]string{"--rm", "--interactive"}, "cat")...)
	if o.code != 0 || o.stdout != "through\n" {
		t.Errorf("%+v", o)
	}
}

func podmanTerminal(t *testing.T, p *client) {
	p.prints("/dev/pts/0", podmanRun([]string{"--rm", "--tty"}, "tty")...)
}

func podmanDetached(t *testing.T, p *client) {
	p.exits(0, podmanRun([]string{"--detach", "--name", "detached"}, "sleep", "1000")...)
	p.prints("running", "inspect", "--format", "{{.State.Status}}", "detached")
	p.exits(3, "exec", "detached", "sh", "-c", "exit 3")
	o := p.call("typed\n", "exec", "--interactive", "detached", "cat")
	if o.stdout != "typed\n" {
		t.Errorf("exec with stdin: %+v", o)
	}
	p.prints("/dev/pts/0", "exec", "--tty", "detached", "tty")
	p.exits(127, "exec", "detached", "/nope")
	p.exits(126, "exec", "detached", "/etc/plain")
	p.exits(0, "exec", "--detach", "detached", "sh", "-c", "echo made > /dev/shm/made")
	eventually(t, "the detached exec", func() bool {
		return p.call("", "exec", "detached", "cat", "/dev/shm/made").stdout == "made\n"
	})
	p.exits(0, "stop", "--time", "1", "detached") // the first process ignores TERM
	p.prints("137", "inspect", "--format", "{{.State.ExitCode}}", "detached")
	p.exits(0, "start", "detached") // the same id again
	p.prints("running", "inspect", "--format", "{{.State.Status}}", "detached")
	p.exits(0, "kill", "detached")
	p.exits(0, "wait", "detached")
	p.exits(0, "rm", "detached")
	p.exits(1, "container", "exists", "detached")
}

func podmanLogs(t *testing.T, p *client) {
	p.exits(0, podmanRun([]string{"--detach", "--name", "logs"}, "sh", "-c", "echo said; exit 5")...)
	p.prints("5", "wait", "logs")
	p.prints("said", "logs", "logs")
	p.exits(0, "rm", "logs")
}

func podmanRemoveRunning(t *testing.T, p *client) {
	p.exits(0, podmanRun([]string{"--detach", "--name", "running"}, "sleep", "1000")...)
	p.exits(0, "rm", "--force", "--time", "0", "running")
	p.exits(1, "container", "exists", "running")
}

func podmanMissing(t *testing.T, p *client) {
	mentions(t, p.exits(127, podmanRun(remove, "/nope")...).stderr, "/nope", "no such file or directory")
	mentions(t, p.exits(127, podmanRun(remove, "nope")...).stderr, "nope", "executable file not found in $PATH")
}

func podmanNotExecutable(t *testing.T, p *client) {
	mentions(t, p.exits(126, podmanRun(remove, "/etc/plain")...).stderr, "/etc/plain", "permission denied")
	p.exits(126, podmanRun(remove, "/etc")...)
}

func podmanLimits(t *testing.T, p *client) {
	// On cgroup v1 podman mounts the hierarchies; on v2, the container's own.
	p.prints("67108864", podmanRun([]string{"--rm", "--memory", "64m"}, "sh", "-c",
		"cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max")...)
	p.prints("19", podmanRun([]string{"--rm", "--pids-limit", "19"}, "sh", "-c",
		"cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max")...)
}

// podmanJoined shares namespaces as the containers of a pod do.
func podmanJoined(t *testing.T, p *client) {
	p.exits(0, podmanRun([]string{"--detach", "--name", "first", "--hostname", "shared"}, "sleep", "1000")...)
	first := strings.TrimSpace(p.exits(0, "exec", "first", "sh", "-c", "ls -l /proc/self/ns/net /proc/self/ns/ipc | sed 's/.*-> //'").stdout)
	p.prints(first, podmanRun([]string{"--rm", "--network", "container:first", "--ipc", "container:first"},
		"sh", "-c", "ls -l /proc/self/ns/net /proc/self/ns/ipc | sed 's/.*-> //'")...)
	p.exits(0, "rm", "--force", "--time", "0", "first")
}

func podmanUserNamespace(t *testing.T, p *client) {
	o := p.exits(0, podmanRun([]string{"--rm", "--uidmap", "0:100000:1000", "--gidmap", "0:100000:1000"}, "sh", "-c", "id -u; cat /proc/self/uid_map")...)
	if got := strings.Join(strings.Fields(o.stdout), " "); got != "0 0 100000 1000" {
		t.Errorf("printed %q", o.stdout)
	}
}

func podmanVolume(t *testing.T, p *client) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/given", []byte("given\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.exits(0, podmanRun([]string{"--rm", "--volume", dir + ":/data"}, "sh", "-c", "cat /data/given > /data/taken")...)
	if b, err := os.ReadFile(dir + "/taken"); err != nil || string(b) != "given\n" {
		t.Errorf("%q, %v", b, err)
	}
	mentions(t, p.exits(1, podmanRun([]string{"--rm", "--volume", dir + ":/data:ro"}, "sh", "-c", "echo > /data/more")...).stderr, "read-only file system")
}

func podmanReadOnly(t *testing.T, p *client) {
	mentions(t, p.exits(1, podmanRun([]string{"--rm", "--read-only", "--read-only-tmpfs=false"}, "sh", "-c", "echo > /etc/new")...).stderr, "read-only file system")
}

func podmanUser(t *testing.T, p *client) {
	p.prints("1000 2000", podmanRun([]string{"--rm", "--user", "1000:2000"}, "sh", "-c", "echo $(id -u) $(id -g)")...)
	p.prints("CapEff:\t0000000000000000", podmanRun([]string{"--rm", "--user", "1000:2000"}, "sh", "-c", "while read l; do case $l in CapEff*) echo \"$l\";; esac; done < /proc/self/status")...)
}
