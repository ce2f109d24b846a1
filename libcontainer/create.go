// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/cgroup"
	"github.com/tare-runtime/tare/libcontainer/compile"
	"github.com/tare-runtime/tare/libcontainer/executor"
	"github.com/tare-runtime/tare/libcontainer/host"
	"github.com/tare-runtime/tare/libcontainer/plan"
	"github.com/tare-runtime/tare/libcontainer/rdt"
	"github.com/tare-runtime/tare/libcontainer/store"
)

// creation is a container on its way from a bundle to the state created. Everything that it
// makes is in the state file before it is made, so whoever kills it leaves what delete finds.
type creation struct {
	o        *CreateOptions
	b        *bundle
	around   *surroundings
	cg       *cgroup.Cgroup
	resctrl  *rdt.Group // nil without linux.intelRdt
	groups   []string   // directories that resctrl.Create makes and rdt.Remove takes back
	compiled *compile.Container
	ctr      *Container
	l        *launch
	run      bool
	fifos    [2]int // start, status; -1 where there are none
}

// Create makes a container from a bundle and leaves its process waiting for Start.
func Create(o *CreateOptions) (*Container, error) {
	c, err := prepare(o, false)
	if err != nil {
		return nil, err
	}
	if err := checkConsole(c.terminal(), true, o.ConsoleSocket); err != nil {
		c.around.close()
		return nil, err
	}
	if err := c.create(); err != nil {
		return nil, err
	}
	defer c.l.close()
	if err := c.l.answer(); err != nil {
		c.undo()
		return nil, sysError("write", err)
	}
	return c.ctr, nil
}

// Plan compiles a bundle as Create would and runs nothing. It needs no privileges: where it
// may not look, it assumes what is usual.
func Plan(o *CreateOptions) (*plan.Program, error) {
	c, err := prepare(o, false)
	if err != nil {
		return nil, err
	}
	c.around.close()
	return c.compiled.Program, nil
}

// prepare reads and compiles. It makes nothing.
func prepare(o *CreateOptions, run bool) (*creation, error) {
	if err := host.CheckKernel(); err != nil {
		return nil, err
	}
	if err := executor.Supported(); err != nil {
		return nil, err
	}
	b, err := loadBundle(o.Bundle, o.Config)
	if err != nil {
		return nil, err
	}
	if err := b.checkRoot(); err != nil {
		return nil, err
	}
	c := &creation{o: o, b: b, run: run, fifos: [2]int{-1, -1}}
	if c.cg, err = newCgroup(o, b.spec); err != nil {
		return nil, err
	}
	if l := b.spec.Linux; l != nil {
		c.resctrl = rdt.New(rdt.Root, o.ID, l.IntelRdt)
	}
	if c.around, err = look(b, o); err != nil {
		return nil, err
	}
	if err := c.compile(); err != nil {
		c.around.close()
		return nil, err
	}
	if o.Warn != nil {
		for _, w := range c.compiled.Warnings {
			o.Warn(w)
		}
	}
	return c, nil
}

// compile makes the program, for the cgroup as it is or is going to be.
func (c *creation) compile() (err error) {
	f := &c.around.facts
	f.Cgroup = cgroupFacts(c.cg.Location())
	f.Cgroup.Entries = entries(c.cg.Location())
	c.compiled, err = compile.New(c.b.spec, f, &compile.Options{
		ID: c.o.ID, Bundle: c.b.dir, Run: c.run, NoPivot: c.o.NoPivot, NoNewKeyring: c.o.NoNewKeyring, Preserve: c.o.PreserveFDs,
	})
	return err
}

// limited tells whether the container's memory is.
func limited(s *specs.Spec) bool {
	return s.Linux != nil && s.Linux.Resources != nil && s.Linux.Resources.Memory != nil && s.Linux.Resources.Memory.Limit != nil
}

// terminal tells whether the process is to have one.
func (c *creation) terminal() bool {
	return c.b.spec.Process != nil && c.b.spec.Process.Terminal
}

// newCgroup decides on the container's cgroup; without a manager there is none.
func newCgroup(o *CreateOptions, s *specs.Spec) (*cgroup.Cgroup, error) {
	opts := cgroup.Options{ID: o.ID, Systemd: o.SystemdCgroup, Rootless: o.rootless()}
	switch o.CgroupManager {
	case "", "cgroupfs":
	case "systemd":
		opts.Systemd = true
	case "disabled":
		return cgroup.Open(cgroup.Location{}), nil
	default:
		return nil, &Error{Where: "--cgroup-manager " + o.CgroupManager, Err: text("want cgroupfs, systemd or disabled")}
	}
	if s.Linux != nil {
		opts.Path, opts.Resources = s.Linux.CgroupsPath, s.Linux.Resources
	}
	return cgroup.New(opts)
}

// create makes the container up to the point where its process waits for the last answer.
func (c *creation) create() error {
	defer c.around.close()
	if err := checkPreserved(c.o.PreserveFDs); err != nil {
		return err
	}
	if err := c.open(); err != nil {
		return err
	}
	if err := c.make(); err != nil {
		c.undo()
		return err
	}
	return nil
}

// open makes the container's directory, locked by us, and puts into it what is going to be.
func (c *creation) open() (err error) {
	s := c.b.spec
	if c.groups, err = c.resctrl.Plan(); err != nil {
		return err
	}
	c.ctr, err = intend(c.o.Root, c.o.StickyRoot, &store.State{
		OCIVersion: specs.Version, ID: c.o.ID, Bundle: c.b.dir, Rootfs: c.b.root,
		PrivatePID: c.compiled.PrivatePID, Cgroup: c.cg.Location().String(), Resctrl: strings.Join(c.groups, "\n"),
		Systemd: c.o.SystemdCgroup, Rootless: c.o.rootless(), Terminal: s.Process != nil && s.Process.Terminal,
		Annotations: s.Annotations, Poststop: s.Hooks != nil && len(s.Hooks.Poststop) != 0,
	}, c.b.raw)
	return err
}

// checkPreserved makes sure that the descriptors to be passed on are open.
func checkPreserved(n int) error {
	for fd := 3; fd < 3+n; fd++ {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			return &Error{Where: "--preserve-fds " + strconv.Itoa(n), Err: sysError("unable to stat preserved-fd "+strconv.Itoa(fd), err)}
		}
	}
	return nil
}

func (c *creation) make() (err error) {
	if err := c.cg.Create(); err != nil {
		return err
	}
	if c.cg.Location().String() != c.ctr.state.Cgroup {
		// There are hierarchies that this user may not use.
		if err := c.compile(); err != nil {
			return err
		}
	}
	if err := c.resctrl.Create(); err != nil {
		c.groups = nil // nothing is left, and what is there is somebody else's
		return err
	}
	entry, err := c.cg.Entry()
	if err != nil {
		return err
	}
	defer entry.Close()
	if !c.run {
		for i, name := range [...]string{"start", "status"} {
			if c.fifos[i], err = c.ctr.dir.MakeFIFO(name); err != nil {
				return err
			}
			defer unix.Close(c.fifos[i])
		}
	}
	if c.l, err = newLaunch(); err != nil {
		return err
	}
	c.l.relay, c.l.limited = c.compiled.Relay, limited(c.b.spec)
	c.l.onBorn, c.l.onHooks, c.l.onAsk = c.born, c.hooks, c.asked
	in := inputs{entry: &entry, fifos: c.fifos, namespaces: c.around.namespaces, tree: c.tree}
	fds, err := in.open(c.l, c.compiled.Inputs)
	if err != nil {
		return err
	}
	err = c.l.start(&executor.Launch{
		Program: c.compiled.Program, Inputs: fds, Preserve: c.o.PreserveFDs,
		Flags: c.compiled.Flags, Cgroup: entry.Dir,
	})
	if err != nil {
		return err
	}
	if err := c.l.converse(); err != nil {
		return err
	}
	return c.created()
}

// born: the process exists. Its pid is stored before anything else is done with it.
func (c *creation) born() error {
	c.ctr.state.Cgroup = c.cg.Location().String()
	if c.run {
		// Nobody else could start it: that it is whole need not be told apart, in a write of its own.
		c.ctr.state.Phase = store.Created
	}
	if err := c.ctr.setProcess(c.l.pid); err != nil {
		return err
	}
	if err := c.resctrl.Join(c.l.pid); err != nil {
		return err
	}
	if c.compiled.Mappings {
		if err := writeMappings(c.l.pid, "linux.", c.b.spec.Linux); err != nil {
			return err
		}
	}
	if c.compiled.NetDevices {
		if err := c.moveNetDevices(); err != nil {
			return err
		}
	}
	if c.compiled.Mappings || c.compiled.NetDevices {
		return c.l.answer()
	}
	return nil
}

// created: the process has told that everything is in place.
func (c *creation) created() error {
	if err := setOutside(c.l.pid, c.compiled, c.b.spec); err != nil {
		return err
	}
	if c.o.ConsoleSocket != "" {
		if err := handOverConsole(c.o.ConsoleSocket, c.l.master); err != nil {
			return err
		}
	}
	if c.o.PidfdSocket != "" {
		if err := handOverPidfd(c.o.PidfdSocket, c.l.pidfd); err != nil {
			return err
		}
	}
	if !c.run {
		if err := c.ctr.setCreated(); err != nil {
			return err
		}
	}
	return writePidFile(c.o.PidFile, c.l.pid)
}

// undo takes back all that create has made, in the reverse order.
func (c *creation) undo() {
	if c.l != nil {
		c.l.abandon()
	}
	c.cg.Remove()
	rdt.Remove(c.groups)
	c.ctr.remove()
}

// writePidFile writes the pid so that a reader finds either the whole file or none; "" is no
// file. A link at name is replaced, not followed.
func writePidFile(name string, pid int) error {
	if name == "" {
		return nil
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return &Error{Where: "--pid-file " + name, Err: err}
	}
	temporary := path.Join(path.Dir(abs), "."+path.Base(abs))
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_CLOEXEC, 0o666)
	if os.IsExist(err) { // left by one who was killed
		os.Remove(temporary)
		f, err = os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_CLOEXEC, 0o666)
	}
	if err != nil {
		return &Error{Where: "--pid-file " + name, Err: err}
	}
	_, err = f.WriteString(strconv.Itoa(pid))
	f.Close()
	if err == nil {
		err = os.Rename(temporary, abs)
	}
	if err != nil {
		os.Remove(temporary)
		return &Error{Where: "--pid-file " + name, Err: err}
	}
	return nil
}

// writeFile writes text to an existing file in one call.
func writeFile(name, text string) error {
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(text))
	return err
}
