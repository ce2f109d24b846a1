// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// container is one that the benchmark made and will remove.
type container struct {
	tool *tool
	id   string
	pid  int
}

// create makes a waiting container.
func (b *bench) create(t *tool, p program) (*container, time.Duration, error) {
	bundle, err := b.bundles.make(p)
	if err != nil {
		return nil, 0, err
	}
	b.serial++
	c := &container{tool: t, id: fmt.Sprintf("tare-bench-%d-%d", os.Getpid(), b.serial)}
	b.alive[c] = true
	took, err := b.run(t.create(c.id, bundle, b.bundles.rootfs(), p.args)...)
	if err != nil {
		return c, took, err
	}
	c.pid, err = t.pid(c.id)
	return c, took, err
}

// createStarted makes a running container.
func (b *bench) createStarted(t *tool, p program) (*container, error) {
	c, _, err := b.create(t, p)
	if err != nil {
		return c, err
	}
	_, err = b.run(t.start(c.id)...)
	return c, err
}

// delete removes a container that has ended.
func (b *bench) delete(c *container) (time.Duration, error) {
	took, err := b.run(c.tool.delete(c.id)...)
	if err == nil {
		b.forget(c)
	}
	return took, err
}

// remove ends a container and removes it, however far it came.
func (b *bench) remove(c *container) error {
	if c.pid > 0 {
		if err := syscall.Kill(c.pid, syscall.SIGKILL); err == nil {
			reap(c.pid)
		}
	}
	argv := c.tool.delete(c.id)
	if !c.tool.isFloor() {
		argv = c.tool.command("delete", "--force", c.id)
	}
	_, err := b.run(argv...)
	b.forget(c)
	return err
}

func (b *bench) forget(c *container) {
	delete(b.alive, c)
	if err := os.Remove(c.tool.pidFile(c.id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

// removeAll leaves nothing behind.
func (b *bench) removeAll() (err error) {
	for c := range b.alive {
		err = errors.Join(err, b.remove(c))
	}
	reapOrphans()
	return err
}
