// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/tare-runtime/tare/spec"
)

// program is what a container runs, and what it may use.
type program struct {
	name   string
	args   []string
	memory int64 // bytes; 0: no limit
	pids   int64 // 0: no limit
	many   many
}

// many is what engines add to a container: volumes, and masks of each processor's files.
type many struct{ binds, masks int }

// String is what the floor reads of it.
func (m many) String() string { return strconv.Itoa(m.binds) + "," + strconv.Itoa(m.masks) }

// bundles makes bundles of the default spec that share one root file system.
type bundles struct {
	dir     string
	unified bool // cgroup v2 alone
}

// newBundles fills dir with a root file system that has nothing but a static busybox.
func newBundles(dir, busybox string, unified bool) (*bundles, error) {
	bin := filepath.Join(dir, "rootfs", "bin")
	for _, d := range []string{"bin", "proc", "dev", "sys"} {
		if err := os.MkdirAll(filepath.Join(dir, "rootfs", d), 0o755); err != nil {
			return nil, err
		}
	}
	b, err := os.ReadFile(busybox)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(bin, "busybox"), b, 0o755); err != nil {
		return nil, err
	}
	for _, applet := range []string{"true", "sleep"} {
		if err := os.Symlink("busybox", filepath.Join(bin, applet)); err != nil {
			return nil, err
		}
	}
	return &bundles{dir, unified}, nil
}

func (b *bundles) rootfs() string { return filepath.Join(b.dir, "rootfs") }

// make writes a bundle and returns its directory.
func (b *bundles) make(p program) (string, error) {
	var s specs.Spec
	example := spec.Example(spec.ExampleOptions{CgroupNamespace: b.unified})
	if err := json.Unmarshal(example, &s); err != nil {
		return "", err
	}
	s.Process.Terminal = false
	s.Process.Args = p.args
	s.Root.Path = b.rootfs()
	if p.memory != 0 {
		s.Linux.Resources.Memory = &specs.LinuxMemory{Limit: &p.memory}
	}
	if p.pids != 0 {
		s.Linux.Resources.Pids = &specs.LinuxPids{Limit: &p.pids}
	}
	if err := b.add(&s, p.many); err != nil {
		return "", err
	}
	dir := filepath.Join(b.dir, p.name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(&s, "", "\t")
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "config.json"), text, 0o600)
}

// add makes the sources and the places of many mounts and masks, and puts those into s.
func (b *bundles) add(s *specs.Spec, m many) error {
	for i := range m.binds {
		source, target := filepath.Join(b.dir, "binds", strconv.Itoa(i)), "/binds/"+strconv.Itoa(i)
		for _, d := range []string{source, b.rootfs() + target} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				return err
			}
		}
		s.Mounts = append(s.Mounts, specs.Mount{
			Destination: target, Type: "bind", Source: source, Options: []string{"rbind", "rprivate", "ro"},
		})
	}
	for i := range m.masks {
		path := "/masks/" + strconv.Itoa(i)
		if err := os.MkdirAll(filepath.Join(b.rootfs(), "masks"), 0o755); err != nil {
			return err
		}
		if i%2 == 1 {
			if err := os.WriteFile(b.rootfs()+path, nil, 0o644); err != nil {
				return err
			}
		} else if err := os.MkdirAll(b.rootfs()+path, 0o755); err != nil {
			return err
		}
		s.Linux.MaskedPaths = append(s.Linux.MaskedPaths, path)
	}
	return nil
}
