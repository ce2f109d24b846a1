// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/host"
)

// Rootless says whether refusals of the kernel to make cgroups are to be borne.
type Rootless uint8

const (
	RootlessAuto Rootless = iota // if the caller is not the machine's root
	RootlessTrue
	RootlessFalse
)

// CreateOptions is what Create and Plan need to know. Root and ID are required.
type CreateOptions struct {
	Root       string // directory of all containers' states
	ID         string
	StickyRoot bool   // Root is in $XDG_RUNTIME_DIR: who tidies that must spare it
	Bundle     string // "" is the working directory
	Config     string // file name inside the bundle, "" is config.json

	ConsoleSocket string // unix socket that gets the terminal's master
	PidfdSocket   string // unix socket that gets a pidfd of the container's process
	PidFile       string

	NoPivot      bool
	NoNewKeyring bool
	NoSubreaper  bool
	PreserveFDs  int // descriptors from 3 on that the process gets

	SystemdCgroup bool
	CgroupManager string // "", "cgroupfs", "systemd", "disabled"
	Rootless      Rootless

	// CopyUp are the arguments with which the calling program, executed once more, is one that calls
	// CopyUp and exits. Mounts with tmpcopyup need it where the container has a user namespace.
	CopyUp []string

	Warn func(string) // gets warnings, a sentence each; may be nil
}

// rootless tells whether the container may do without cgroups. A root that is root in a user
// namespace alone counts as an ordinary user.
func (o *CreateOptions) rootless() bool {
	switch o.Rootless {
	case RootlessTrue:
		return true
	case RootlessFalse:
		return false
	}
	return unix.Geteuid() != 0 || !host.InInitialUserNamespace()
}

// RunOptions is what Run needs to know.
type RunOptions struct {
	CreateOptions
	Detach bool // do not stay with the process
	Keep   bool // do not delete the container when the process has ended
}

// ExecOptions is the process that Exec runs in a container. The zero value of a member leaves
// what the container's own process has.
type ExecOptions struct {
	Process string   // file of a process.json; with it Args and all down to NoNewPrivs are not used
	Args    []string // required without Process

	Cwd            string
	Env            []string // "NAME=value", added to the container's
	TTY            bool
	User           string // "uid" or "uid:gid", in numbers
	AdditionalGids []uint32
	Caps           []string // "CAP_X", added to the container's; never inheritable
	ProcessLabel   string
	AppArmor       string
	NoNewPrivs     bool

	Cgroup        []string // below the container's own: "[controller,...:]path"
	IgnorePaused  bool
	PreserveFDs   int
	Detach        bool
	ConsoleSocket string
	PidfdSocket   string
	PidFile       string

	Warn func(string)
}
