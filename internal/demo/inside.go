// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// port is where both containers serve.
const port = 80

// Inside is what the containers run. It takes the port, tells what it sees, a fact a line, and
// stays until in ends.
func Inside(in io.Reader, out io.Writer) error {
	f := look()
	f.set("port", listen())
	if _, err := io.WriteString(out, f.String()); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

// listen takes the port, for as long as the process lives, and says how that went.
func listen() string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err.Error()
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: port}); err != nil {
		return err.Error()
	}
	if err := unix.Listen(fd, 1); err != nil {
		return err.Error()
	}
	return "listening on " + strconv.Itoa(port)
}

// facts are what a process sees of the machine, by name.
type facts []struct{ name, value string }

func (f *facts) set(name, value string) {
	*f = append(*f, struct{ name, value string }{name, value})
}

func (f facts) get(name string) string {
	for i := range f {
		if f[i].name == name {
			return f[i].value
		}
	}
	return ""
}

func (f facts) String() string {
	var b strings.Builder
	for i := range f {
		b.WriteString(f[i].name + "\t" + f[i].value + "\n")
	}
	return b.String()
}

func parse(text string) (f facts) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		f.set(name, value)
	}
	return f
}

// look asks the kernel, through the procfs that the process sees.
func look() (f facts) {
	f.set("pid", strconv.Itoa(os.Getpid()))
	f.set("processes", strconv.Itoa(processes())+" processes")
	name, _ := os.Hostname()
	f.set("hostname", name)
	f.set("devices", strings.Join(devices(), " "))
	f.set("mounts", strconv.Itoa(lines("/proc/self/mounts"))+" mounts")
	f.set("segments", strconv.Itoa(lines("/proc/sysvipc/shm")-1)+" segments")
	f.set("user", "uid "+strconv.Itoa(os.Geteuid()))
	f.set("cgroup", cgroup())
	f.set("uptime", uptime())
	return f
}

func lines(name string) int {
	b, err := os.ReadFile(name)
	if err != nil {
		return 0
	}
	return strings.Count(string(b), "\n")
}

func processes() (n int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err == nil {
			n++
		}
	}
	return n
}

// devices reads the network devices from proc_net_dev(5): two lines of head, then name: figures.
func devices() (names []string) {
	b, _ := os.ReadFile("/proc/net/dev")
	for line := range strings.Lines(string(b)) {
		name, _, ok := strings.Cut(line, ":")
		if ok {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// cgroup is the path of the process's cgroup as it sees it: cgroup v2's, or the memory
// controller's on v1.
func cgroup() string {
	b, _ := os.ReadFile("/proc/self/cgroup")
	path := ""
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 && (f[1] == "memory" || f[0] == "0" && path == "") {
			path = f[2]
		}
	}
	return path
}

// uptime rounds what proc_uptime(5) says.
func uptime() string {
	b, _ := os.ReadFile("/proc/uptime")
	first, _, _ := strings.Cut(string(b), ".")
	n, _ := strconv.Atoi(first)
	switch {
	case n >= 48*3600:
		return strconv.Itoa(n/86400) + " days"
	case n >= 2*3600:
		return strconv.Itoa(n/3600) + " hours"
	}
	return strconv.Itoa(n/60) + " minutes"
}
