// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// BenchmarkLife is all that a container's cgroup costs its parent: decided, made, opened for the
// birth, removed.
func BenchmarkLife(b *testing.B) {
	life := func(b *testing.B, r *specs.LinuxResources) {
		needCgroups(b)
		for b.Loop() {
			c, err := New(Options{ID: "tare-bench-life", Resources: r})
			if err == nil {
				err = c.Create()
			}
			var e Entry
			if err == nil {
				e, err = c.Entry()
			}
			if err != nil {
				b.Fatal(err)
			}
			e.Close()
			if err := Open(c.Location()).Remove(); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("default", func(b *testing.B) { life(b, defaultResources()) })
	b.Run("limits", func(b *testing.B) {
		r := defaultResources()
		r.Memory = &specs.LinuxMemory{Limit: ptr(int64(64 << 20))}
		r.CPU = &specs.LinuxCPU{Shares: ptr(uint64(512)), Quota: ptr(int64(50000)), Period: ptr(uint64(100000))}
		r.Pids = &specs.LinuxPids{Limit: ptr(int64(100))}
		life(b, r)
	})
}

// BenchmarkFloor does the same kernel work for the default resources and nothing else, on v1 with
// the paths known beforehand: what BenchmarkLife/default cannot beat.
func BenchmarkFloor(b *testing.B) {
	needCgroups(b)
	c, err := New(Options{ID: "tare-bench-floor", Resources: defaultResources()})
	if err != nil {
		b.Fatal(err)
	}
	if c.Location().Unified() {
		b.Skip("needs cgroup v1: mount the v1 hierarchies below " + mountRoot)
	}
	x, err := v1Exceptions(c.devices)
	if err != nil {
		b.Fatal(err)
	}
	rules := make([][]byte, len(x.list))
	for i := range x.list {
		rules[i] = []byte(x.list[i].String())
	}
	must := func(n int, err error) int {
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	buf := make([]byte, 256)
	fds := make([]int, 0, 16)
	for b.Loop() {
		for _, d := range c.loc.Dirs {
			must(0, unix.Mkdir(d.Path, 0o755))
		}
		dir := c.loc.dir("cpuset")
		for _, file := range [...]string{"/cpuset.cpus", "/cpuset.mems"} {
			fd := must(unix.Open(dir[:len(dir)-len("/tare-bench-floor")]+file, unix.O_RDONLY, 0))
			n := must(unix.Read(fd, buf))
			unix.Close(fd)
			fd = must(unix.Open(dir+file, unix.O_WRONLY, 0))
			must(unix.Write(fd, buf[:n]))
			unix.Close(fd)
		}
		dir = c.loc.dir("devices")
		fd := must(unix.Open(dir+"/devices.deny", unix.O_WRONLY, 0))
		must(unix.Write(fd, []byte("a")))
		unix.Close(fd)
		fd = must(unix.Open(dir+"/devices.allow", unix.O_WRONLY, 0))
		for _, r := range rules {
			must(unix.Write(fd, r))
		}
		unix.Close(fd)
		for _, d := range c.loc.Dirs {
			if d.Controllers == "" {
				fds = append(fds, must(unix.Open(d.Path, unix.O_PATH, 0)))
			} else {
				fds = append(fds, must(unix.Open(d.Path+"/tasks", unix.O_WRONLY, 0)))
			}
		}
		for _, fd := range fds {
			unix.Close(fd)
		}
		fds = fds[:0]
		for _, d := range c.loc.Dirs {
			must(0, unix.Rmdir(d.Path))
		}
	}
}

// BenchmarkStep times what a tare process does once.
func BenchmarkStep(b *testing.B) {
	needCgroups(b)
	o := Options{ID: "tare-bench-step", Resources: defaultResources()}
	b.Run("New", func(b *testing.B) {
		for b.Loop() {
			if _, err := New(o); err != nil {
				b.Fatal(err)
			}
		}
	})
	c, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("Vacant", func(b *testing.B) {
		for b.Loop() {
			if err := c.Vacant(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("RemoveNothing", func(b *testing.B) {
		for b.Loop() {
			if err := c.Remove(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Location", func(b *testing.B) {
		text := c.Location().String()
		for b.Loop() {
			if _, err := ParseLocation(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	if err := c.Create(); err != nil {
		b.Fatal(err)
	}
	defer c.Remove()
	b.Run("Entry", func(b *testing.B) {
		for b.Loop() {
			e, err := c.Entry()
			if err != nil {
				b.Fatal(err)
			}
			e.Close()
		}
	})
	b.Run("Frozen", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Frozen(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
