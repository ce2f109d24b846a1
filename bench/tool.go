// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tool is a runtime, or the floor: how each step of a container's life is asked for.
type tool struct {
	name string
	path string
	root string // its state directory
}

func (t *tool) isFloor() bool { return t.name == "floor" }

func (t *tool) command(args ...string) []string {
	return append([]string{t.path, "--root", t.root}, args...)
}

func (t *tool) run(id, bundle, rootfs string, args []string) []string {
	if t.isFloor() {
		return append([]string{t.path, "run", id, rootfs}, args...)
	}
	return t.command("run", "--bundle", bundle, id)
}

func (t *tool) create(id, bundle, rootfs string, args []string) []string {
	if t.isFloor() {
		return append([]string{t.path, "create", id, rootfs, filepath.Join(t.root, id)}, args...)
	}
	return t.command("create", "--bundle", bundle, "--pid-file", t.pidFile(id), id)
}

func (t *tool) start(id string) []string {
	if t.isFloor() {
		return []string{t.path, "start", filepath.Join(t.root, id)}
	}
	return t.command("start", id)
}

func (t *tool) delete(id string) []string {
	if t.isFloor() {
		return []string{t.path, "delete", id, filepath.Join(t.root, id)}
	}
	return t.command("delete", id)
}

func (t *tool) pidFile(id string) string {
	if t.isFloor() {
		return filepath.Join(t.root, id, "pid")
	}
	return filepath.Join(t.root, id+".pid")
}

// pid is the container's first process.
func (t *tool) pid(id string) (int, error) {
	b, err := os.ReadFile(t.pidFile(id))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}
