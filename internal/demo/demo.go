// SPDX-License-Identifier: Apache-2.0

// Package demo shows in a table what each namespace does: two containers side by side, and the
// host. It needs no image: the containers' only program is tare itself.
package demo

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer"
	"github.com/tare-runtime/tare/spec"
)

// nobody is who root inside is outside, if root runs the demo; else it is the user who does.
const nobody = 65534

// Run runs the demo and prints its table.
func Run(out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "tare-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // who is nobody must get in
		return err
	}
	segment, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, unix.IPC_CREAT|0o600)
	if err == nil {
		defer unix.SysvShmCtl(segment, unix.IPC_RMID, nil)
	}
	host := look()
	begin := time.Now()
	var boxes [2]*box
	for i := range boxes {
		b, err := start(dir, "demo-"+strconv.Itoa(i+1), i+1)
		if err != nil {
			return err
		}
		defer b.end()
		boxes[i] = b
	}
	took := time.Since(begin)
	print(out, host, boxes[0], boxes[1])
	fmt.Fprintf(out, "\nTwo containers were made and started in %.1f ms, of %d system calls each.\n", float64(took.Microseconds())/1000, boxes[0].calls)
	fmt.Fprintln(out, "To see the calls before any of them is made: tare spec && mkdir rootfs && tare plan")
	return nil
}

func print(out io.Writer, host facts, one, two *box) {
	row := func(namespace, a, b, c string) {
		fmt.Fprintf(out, "%-11s%-24s%-24s%s\n", namespace, short(a), short(b), short(c))
	}
	all := func(namespace, name string) { row(namespace, host.get(name), one.facts.get(name), two.facts.get(name)) }
	row("namespace", "on the host", "in "+one.name, "in "+two.name)
	row("---------", "-----------", "---------", "---------")
	row("pid", "pids "+strconv.Itoa(one.pid)+" and "+strconv.Itoa(two.pid), "pid "+one.facts.get("pid"), "pid "+two.facts.get("pid"))
	all("", "processes")
	all("uts", "hostname")
	all("network", "devices")
	row("", "", one.facts.get("port"), two.facts.get("port"))
	all("mount", "mounts")
	all("ipc", "segments")
	row("user", outside(one.uid)+", "+outside(two.uid), one.facts.get("user")+", root", two.facts.get("user")+", root")
	if one.cgroup {
		all("cgroup", "cgroup")
	}
	if one.time {
		all("time", "uptime")
	}
}

// short keeps a cell in its column.
func short(s string) string {
	if len(s) > 22 {
		return s[:19] + "..."
	}
	return s
}

func outside(uid string) string {
	if uid == strconv.Itoa(nobody) {
		return "nobody"
	}
	return "uid " + uid
}

// box is a container of the demo.
type box struct {
	name   string
	dir    string
	pid    int    // outside
	uid    string // outside
	calls  int
	facts  facts
	cgroup bool
	time   bool
	stdin  *os.File // its end is the container's
	exe    string
}

// start makes a container and waits until it has told what it sees.
func start(dir, name string, index int) (*box, error) {
	b := &box{name: name, dir: filepath.Join(dir, name), exe: "/proc/self/exe"}
	b.cgroup, b.time = exists("/proc/self/ns/cgroup"), exists("/proc/self/ns/time")
	if err := b.bundle(index); err != nil {
		return nil, err
	}
	program, err := libcontainer.Plan(&libcontainer.CreateOptions{ID: name, Bundle: b.dir})
	if err != nil {
		return nil, err
	}
	b.calls = len(program.Instructions)
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer inR.Close()
	outR, outW, err := os.Pipe()
	if err != nil {
		inW.Close()
		return nil, err
	}
	defer outR.Close()
	b.stdin = inW
	err = b.tare([]*os.File{inR, outW, os.Stderr}, "create", "--bundle", b.dir, b.id())
	outW.Close()
	if err == nil {
		err = b.begin(outR)
	}
	if err != nil {
		b.end()
		return nil, err
	}
	return b, nil
}

// begin looks at the container from outside, starts it and reads what it tells.
func (b *box) begin(out *os.File) error {
	c, err := libcontainer.Load(b.root(), b.id())
	if err != nil {
		return err
	}
	defer c.Close()
	b.pid, b.uid = c.PID(), owner(c.PID())
	if err := c.Start(); err != nil {
		return err
	}
	var text strings.Builder
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		text.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "port\t") { // the last fact
			break
		}
	}
	b.facts = parse(text.String())
	if b.facts.get("port") == "" {
		return errors.New("the container said nothing")
	}
	return nil
}

func (b *box) root() string { return filepath.Join(filepath.Dir(b.dir), "state") }

// id is unique on the machine, since it names the cgroup too.
func (b *box) id() string { return filepath.Base(filepath.Dir(b.dir)) + "-" + b.name }

// tare runs the program as a user would.
func (b *box) tare(files []*os.File, args ...string) error {
	p, err := os.StartProcess(b.exe, append([]string{"tare", "--root", b.root()}, args...), &os.ProcAttr{Env: os.Environ(), Files: files})
	if err != nil {
		return err
	}
	state, err := p.Wait()
	if err == nil && !state.Success() {
		err = errors.New("tare " + args[0] + ": " + state.String())
	}
	return err
}

// end deletes the container.
func (b *box) end() {
	if b.stdin != nil {
		b.stdin.Close()
		b.stdin = nil
	}
	if err := libcontainer.Delete(b.root(), b.id(), libcontainer.DeleteOptions{Force: true}); err != nil {
		fmt.Fprintln(os.Stderr, "tare: demo:", err)
	}
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// owner is the user of a process, as proc_pid_status(5) has it: Uid: real effective ...
func owner(pid int) string {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "Uid:" {
			return f[2]
		}
	}
	return "?"
}

// bundle writes the container's bundle: a root with nothing but tare in it, and its config.json.
func (b *box) bundle(index int) error {
	rootfs := filepath.Join(b.dir, "rootfs")
	for _, d := range []string{"proc", "dev"} {
		if err := os.MkdirAll(filepath.Join(rootfs, d), 0o755); err != nil {
			return err
		}
	}
	if err := copyFile(filepath.Join(rootfs, "tare"), b.exe); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.dir, "config.json"), b.config(index), 0o644)
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// config makes every namespace that there is. The second container's clock is a year ahead.
func (b *box) config(index int) []byte {
	uid, gid := unix.Geteuid(), unix.Getegid()
	if uid == 0 {
		uid, gid = nobody, nobody
	}
	more, offsets := "", ""
	if b.cgroup {
		more += `, {"type": "cgroup"}`
	}
	if b.time {
		more += `, {"type": "time"}`
		offsets = fmt.Sprintf(`"timeOffsets": {"boottime": {"secs": %d}},`, index*365*86400)
	}
	return fmt.Appendf(nil, `{
  "ociVersion": "1.2.0",
  "hostname": %s,
  "root": {"path": "rootfs", "readonly": true},
  "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "args": ["/tare", "demo", "--inside"], "noNewPrivileges": true,
    "capabilities": {"bounding": ["CAP_NET_BIND_SERVICE"], "effective": ["CAP_NET_BIND_SERVICE"], "permitted": ["CAP_NET_BIND_SERVICE"]}},
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]}
  ],
  "linux": {
    "uidMappings": [{"containerID": 0, "hostID": %d, "size": 1}],
    "gidMappings": [{"containerID": 0, "hostID": %d, "size": 1}],
    %s
    "namespaces": [{"type": "user"}, {"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}%s]
  }
}
`, spec.AppendString(nil, b.name), uid, gid, offsets, more)
}
