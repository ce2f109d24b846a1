// SPDX-License-Identifier: Apache-2.0

// Package compile turns config.json into the program of a container's first process.
//
// It is pure: the same Spec, Facts and Options give the same Program. It reads no file, makes
// no system call, and holds no state; whatever it must know of the host is in Facts.
package compile

import (
	"encoding/binary"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// Options are what the command line, not config.json, says about a container.
type Options struct {
	ID           string
	Bundle       string // absolute
	Run          bool   // created and started by one process: no FIFOs
	NoPivot      bool
	NoNewKeyring bool
	Preserve     int      // descriptors 3 .. 3+Preserve-1 are the user's
	ListenFDs    int      // how many of them were passed by socket activation
	Env          []string // set by the runtime, over those of config.json
}

// Facts are what the compiler must know of the host.
type Facts struct {
	Privileged    bool        // the launcher has all capabilities in the initial user namespace
	HostDev       bool        // device nodes cannot be made: the launcher itself is in a user namespace
	Root          string      // root.path with all links resolved; "": it has none, or nobody mounts on shared mounts
	Sealed        bool        // the launcher runs from a sealed copy of its executable
	LastCap       int         // highest capability of the kernel (/proc/sys/kernel/cap_last_cap)
	Home          string      // of process.user in the container's own passwd; "": unknown
	Namespaces    []Namespace // for each of linux.namespaces: what its path is
	Sources       []Source    // for each of mounts: what its source is
	Stdio         [3]Stdio
	Cgroup        Cgroup
	DenySetgroups bool   // gid_map can be written only after "deny" to setgroups
	CoreLink      bool   // /proc/kcore is there
	OpenFiles     *Limit // what RLIMIT_NOFILE was before Go raised it; nil if it did not
	FewCPUs       bool   // the launcher may run on fewer CPUs than the machine's first process
	AppArmor      bool
	SELinux       bool
	Devices       []Device // for each of linux.devices: the host's node of that path, where one is bound
	KernelMounts  []string // with Options.NoPivot: where procfs and sysfs are mounted on the host
}

// Namespace is what a namespace given by path is.
type Namespace struct {
	OwnedByJoined bool // it belongs to the joined user namespace, or to one below it
}

// Limit is a soft and a hard resource limit.
type Limit struct{ Soft, Hard uint64 }

// Device is a device node of the host.
type Device struct {
	Mode     uint32 // with its type; 0: it is not there
	UID, GID uint32
	Rdev     uint64
}

// Source is what the source of a bind mount is.
type Source struct {
	File   bool // not a directory
	Procfs bool // it lies on a procfs
}

// Stdio is what a standard stream of the launcher is.
type Stdio struct {
	Owner  uint32
	Device bool // character device
	Null   bool // character device 1:3
	Closed bool
}

// Cgroup tells how the process gets into its cgroup and what a cgroup mount shows.
type Cgroup struct {
	Entries     int         // v1: files that the process writes "0" to, handed over as inputs
	Unified     bool        // the host has cgroup v2 alone
	Into        bool        // the launcher gives a cgroup descriptor to clone3
	Path        string      // v2: the container's cgroup as a host path; "" if it has none
	Hierarchies []Hierarchy // v1
}

// Hierarchy is one of cgroup v1.
type Hierarchy struct {
	Name    string   // directory below /sys/fs/cgroup: "cpu,cpuacct"
	Options string   // mount options: "cpu,cpuacct", "none,name=systemd"
	Links   []string // symbolic links to Name: "cpu", "cpuacct"
	Path    string   // the container's cgroup as a host path
}

// The names of the descriptors that a launcher hands to the program.
const (
	InputReport = "report" // socket to the launcher: failures, stages, acknowledgements
	InputStart  = "start"  // FIFO: a byte starts the container
	InputStatus = "status" // FIFO: closes when the program is executed; a failure before
	InputExe    = "exe"    // sealed memfd that becomes /proc/PID/exe
)

// InputKind says what the launcher must open for an input.
type InputKind uint8

// The kinds of input.
const (
	Report InputKind = iota
	Start
	Status
	Exe
	CgroupEntry   // Index: which of the cgroup's entries
	NamespacePath // Index: which of linux.namespaces
	MountTree     // Index: which of mounts: a detached clone of its source
	TargetRoot    // the root directory of the container that is joined
	HookStream    // Index: which standard stream of a hook
	TargetPidfd   // the process whose namespaces are joined (exec, hooks)
)

// Input is a descriptor that the launcher opens for the program.
type Input struct {
	Kind  InputKind
	Index int
}

// The stages that the program reports, one byte each.
const (
	StageHooks   = 'h' // prestart, createRuntime, createContainer; waits for an answer
	StageCreated = 'c' // everything but the start is done; waits for an answer
	StageConsole = 'p' // comes with the pty's master
	StageDevice  = 'd' // with an index of linux.devices, then a file: is it that device? waits for an answer
	StageCopy    = 'y' // with an index of mounts, then two directories: one is to be copied to the other; waits for an answer
	StageFile    = 'f' // comes with a descriptor
)

// Mapping is work that the launcher does while the process waits.
type Mapping struct {
	Container, Host, Size uint32
}

// Container is a compiled container.
type Container struct {
	Program *plan.Program
	Inputs  []Input // parallel to Program.Inputs
	Flags   uint64  // CLONE_NEW* for the launcher's clone3
	// Relay: the process that the launcher clones is a short-lived helper, which reports the
	// pid of the container's process (8 bytes) and exits.
	Relay      bool
	PrivatePID bool     // the process is the init of a new pid namespace
	Mappings   bool     // the launcher writes the id mappings, then an answer
	NetDevices bool     // and moves linux.netDevices before that answer
	Rlimits    bool     // the launcher sets process.rlimits before its last answer
	Scheduler  bool     // and process.scheduler
	IOPriority bool     // and process.ioPriority
	Outside    bool     // of Exec: the launcher sets these, puts the process into its resctrl groups, and answers
	Hooks      bool     // StageHooks comes
	Terminal   bool     // StageConsole comes
	Warnings   []string // what was given and cannot be honoured
}

// compiler holds what the passes share.
type compiler struct {
	b     *plan.Builder
	spec  *specs.Spec
	facts *Facts
	opts  *Options
	out   *Container

	ns          namespaces
	report      plan.FD
	status      plan.FD
	start       plan.FD
	root        plan.FD // the container's root, once there is one
	dev         plan.FD // its /dev
	devpts      plan.FD // the devpts mount
	proc        plan.FD // the procfs that the plan mounted
	hasDev      bool
	hasPts      bool
	hasProc     bool
	hostProc    plan.FD // the host's procfs, for labels
	hasHostProc bool
	fs          plan.FD // the filesystem context in use
	fsFailed    plan.Label
	hasFS       bool
	late        []lateMount
	err         error
}

// Error is a fault of config.json that only compiling finds.
type Error struct {
	Where string // place and object: "mounts[5] /data"
	Msg   string
	Tip   string
}

func (e *Error) Error() string { return e.Where + ": " + e.Msg }

// Hint says what to do about it; it may be empty.
func (e *Error) Hint() string { return e.Tip }

func (c *compiler) fail(where, msg string) {
	if c.err == nil {
		c.err = &Error{Where: where, Msg: msg}
	}
}

func (c *compiler) warn(msg string) { c.out.Warnings = append(c.out.Warnings, msg) }

// New compiles a container. The Spec must have passed spec.Validate.
func New(s *specs.Spec, facts *Facts, opts *Options) (*Container, error) {
	c := &compiler{b: plan.NewBuilder(), spec: s, facts: facts, opts: opts, out: &Container{}}
	if c.spec.Linux == nil {
		l := *s
		l.Linux = &specs.Linux{}
		c.spec = &l
	}
	c.b.Grow(c.size())
	c.unsupported()
	c.labels()
	c.launch()
	c.rootfs()
	c.mounts()
	c.devices()
	c.console()
	c.sealMounts()
	c.hooks()
	c.sysctl()
	c.names()
	c.readonlyPaths()
	c.maskedPaths()
	c.workingDirectory()
	c.pivot()
	c.identity()
	c.created()
	c.execute()
	c.failures()
	if c.err != nil {
		return nil, c.err
	}
	c.out.Program = c.b.Build()
	return c.out, nil
}

// size is about as many instructions as the container takes.
func (c *compiler) size() int {
	l := c.spec.Linux
	return 320 + 16*len(c.spec.Mounts) + 16*len(l.Devices) + 8*len(l.MaskedPaths) + 6*len(l.ReadonlyPaths) + 4*len(l.Sysctl)
}

// input declares a descriptor that the launcher opens.
func (c *compiler) input(kind InputKind, index int, keep bool) plan.FD {
	name := [...]string{InputReport, InputStart, InputStatus, InputExe, "cgroup", "namespace", "mount", "root", "stream", "target"}[kind]
	switch kind {
	case NamespacePath:
		name += ":" + string(c.spec.Linux.Namespaces[index].Type)
	case CgroupEntry, MountTree, HookStream:
		name += ":" + strconv.Itoa(index)
	}
	c.out.Inputs = append(c.out.Inputs, Input{kind, index})
	if keep {
		return c.b.Held(name)
	}
	return c.b.Input(name)
}

// at notes the place in config.json that the following steps come from.
func (c *compiler) at(where, object string) {
	c.b.At(plan.Note{Where: where, Index: -1, Object: object})
}

func (c *compiler) atIndex(where string, index int, object string) {
	c.b.At(plan.Note{Where: where, Index: index, Object: object})
}

// answer waits for a byte of the launcher; its death ends the process.
func (c *compiler) answer() {
	c.b.Read(c.report, c.b.Buffer(8)).ZeroFails()
}

// ask sends the launcher a question about element i of a list, with the files that it is about,
// and waits for the answer.
func (c *compiler) ask(stage byte, i int, files ...plan.FD) {
	c.b.Write(c.report, string(binary.NativeEndian.AppendUint32([]byte{stage}, uint32(i))))
	for _, f := range files {
		c.b.SendFD(c.report, f, StageFile)
	}
	c.answer()
}

// How paths inside the root are resolved: never out of it, never through a magic link.
const inRoot = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS

func openPath(flags, resolve uint64) plan.OpenHow {
	return plan.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC | flags, Resolve: resolve}
}

func index(where string, i int) string { return where + "[" + strconv.Itoa(i) + "]" }
