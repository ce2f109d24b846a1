// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/tare-runtime/tare/spec"
)

// program is what a container runs, and what it may use.
type program struct {
	name   string
	args   []string
	memory int64 // bytes; 0: no limit
	pids   int64 // 0: no limit
}

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
