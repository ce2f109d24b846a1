// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// created checks that there is something to execute, tells the launcher that the container is
// created, and waits: for the launcher's answer, then for a byte in the start FIFO. While it
// waits it needs a few pages: the rest of the program is given back.
func (c *compiler) created() {
	if c.spec.Process != nil {
		c.findExecutable(c.spec.Process)
	}
	c.at("process", "")
	c.b.Write(c.report, string(rune(StageCreated)))
	c.answer()
	if c.opts.Run {
		return
	}
	// From here on failures go to the status FIFO, where start listens.
	c.b.Dup3(c.status, c.report, unix.O_CLOEXEC)
	c.b.Close(c.status)
	c.b.DropInstructions()
	c.b.Read(c.start, c.b.Buffer(8)).ZeroFails()
}

// execute becomes the program of the container.
func (c *compiler) execute() {
	p := c.spec.Process
	if p == nil {
		c.at("process", "")
		c.b.ExitGroup(1)
		return
	}
	argv, env := c.b.Strings(p.Args), c.b.Strings(c.environment(p))
	if strings.Contains(p.Args[0], "/") {
		c.exec(p, p.Args[0], argv, env)
		return
	}
	for _, dir := range searchPath(p.Env) {
		c.atExecutable(p, "")
		here, next := c.b.Label(), c.b.Label()
		c.candidate(dir+"/"+p.Args[0], here, next)
		c.b.Bind(here)
		c.exec(p, dir+"/"+p.Args[0], argv, env)
		c.b.Bind(next)
	}
	c.notFound(p)
	c.b.ExitGroup(1)
}

// exec executes file or tells why not. Who listens then, start, has no plan to look the
// instruction up in: so the place goes before the report, as text.
func (c *compiler) exec(p *specs.Process, file string, argv, env plan.Vec) {
	c.atExecutable(p, "")
	step := c.b.Execve(file, argv, env)
	if c.opts.Run || c.start == (plan.FD{}) {
		return
	}
	failed := c.b.Label()
	step.Remember().OnError(0, failed)
	c.b.Bind(failed)
	c.b.Write(c.report, "process.args[0]: exec "+file)
	c.b.WriteFailure(c.report)
	c.b.ExitGroup(1)
}

// findExecutable looks for process.args[0] as execvp(3) does: a name with a slash is a path,
// any other is looked for along the PATH of process.env. A file counts if it may be executed
// and is no directory.
func (c *compiler) findExecutable(p *specs.Process) {
	name := p.Args[0]
	ready := c.b.Label()
	if !strings.Contains(name, "/") {
		dirs := searchPath(p.Env)
		for _, dir := range dirs {
			c.atExecutable(p, "")
			next := c.b.Label()
			c.candidate(dir+"/"+name, ready, next)
			c.b.Bind(next)
		}
		c.notFound(p)
		if len(dirs) != 0 {
			c.b.ExitGroup(1)
		}
		c.b.Bind(ready)
		return
	}
	c.atExecutable(p, "")
	c.b.Faccessat2(plan.Cwd, name, unix.X_OK, unix.AT_EACCESS)
	c.b.Faccessat2(plan.Cwd, name+"/.", unix.F_OK, 0).OnError(0, ready)
	c.atExecutable(p, ": is a directory")
	// EACCES, which is what to report: nothing that can be executed is called ".".
	c.b.Execve(name+"/.", c.b.Strings(nil), c.b.Strings(nil))
	c.b.Bind(ready)
}

// candidate goes on at ready if file may be executed, else at next.
func (c *compiler) candidate(file string, ready, next plan.Label) {
	c.b.Faccessat2(plan.Cwd, file, unix.X_OK, unix.AT_EACCESS).OnError(0, next)
	// Only a directory has a "." in it.
	c.b.Faccessat2(plan.Cwd, file+"/.", unix.F_OK, 0).OnError(0, ready).Then(next)
}

// notFound ends the program in a call that cannot succeed (an empty path: ENOENT), with a note
// in the words that engines look for.
func (c *compiler) notFound(p *specs.Process) {
	c.atExecutable(p, ": executable file not found in $PATH")
	c.b.Faccessat2(plan.Cwd, "", unix.F_OK, 0)
}

func (c *compiler) atExecutable(p *specs.Process, what string) {
	c.atIndex("process.args", 0, `exec: "`+p.Args[0]+`"`+what)
}

// searchPath is the PATH of an environment, in its parts; an empty part is the working
// directory. Without a PATH nothing is found, as with runc.
func searchPath(env []string) []string {
	value := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			value = v
		}
	}
	if value == "" {
		return nil
	}
	parts := strings.Split(value, ":")
	for i := range parts {
		if parts[i] == "" {
			parts[i] = "."
		}
	}
	return parts
}

// environment is process.env with each name once, the last value of each, and HOME.
func (c *compiler) environment(p *specs.Process) []string {
	all := make([]string, 0, len(p.Env)+len(c.opts.Env)+1)
	all = append(append(all, p.Env...), c.opts.Env...)
	all = lastOfEach(all)
	home := c.facts.Home
	if home == "" {
		home = "/"
	}
	for i, e := range all {
		if v, ok := strings.CutPrefix(e, "HOME="); ok {
			if v == "" {
				all[i] = "HOME=" + home
			}
			return all
		}
	}
	return append(all, "HOME="+home)
}

// lastOfEach keeps the last entry of each name, in the order of those.
func lastOfEach(env []string) []string {
	seen := make(map[string]struct{}, len(env))
	kept := len(env)
	for i := len(env) - 1; i >= 0; i-- {
		name, _, _ := strings.Cut(env[i], "=")
		if _, dup := seen[name]; dup {
			continue
		}
		seen[name] = struct{}{}
		kept--
		env[kept] = env[i]
	}
	return env[kept:]
}
