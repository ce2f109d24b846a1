// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/cgroup"
	"github.com/tare-runtime/tare/libcontainer/compile"
	"github.com/tare-runtime/tare/libcontainer/executor"
)

// inputs is where the descriptors that a program is handed come from. Only those that the
// program names are asked for; what is opened here is closed once the process has it.
type inputs struct {
	entry      *cgroup.Entry
	fifos      [2]int                 // start, status
	namespaces []int                  // of linux.namespaces, by index
	tree       func(int) (int, error) // a clone of the source of mounts[i], which becomes ours
	target     int                    // pidfd of the process that is joined
	targetPID  int
	streams    [3]int // of a hook
	exe        int    // of a helper; 0: an empty one
}

// open gives the descriptors of a program's inputs, in their order.
func (in *inputs) open(l *launch, list []compile.Input) ([]int, error) {
	fds := make([]int, len(list))
	for i, want := range list {
		fd, err := in.one(l, want)
		if err != nil {
			return nil, err
		}
		fds[i] = fd
	}
	return fds, nil
}

func (in *inputs) one(l *launch, want compile.Input) (int, error) {
	switch want.Kind {
	case compile.Report:
		return l.theirs, nil
	case compile.Start:
		return in.fifos[0], nil
	case compile.Status:
		return in.fifos[1], nil
	case compile.Exe:
		if in.exe != 0 {
			return in.exe, nil
		}
		fd, err := executor.SealedExe()
		if err != nil {
			return -1, sysError("memfd_create", err)
		}
		return l.own(fd), nil
	case compile.CgroupEntry:
		return in.entry.Tasks[want.Index], nil
	case compile.NamespacePath:
		return in.namespaces[want.Index], nil
	case compile.MountTree:
		fd, err := in.tree(want.Index)
		if err != nil {
			return -1, err
		}
		return l.own(fd), nil
	case compile.TargetPidfd:
		return in.target, nil
	case compile.TargetRoot:
		fd, err := openFile("/proc/"+strconv.Itoa(in.targetPID)+"/root", unix.O_PATH|unix.O_DIRECTORY)
		if err != nil {
			return -1, sysError("open", err)
		}
		return l.own(fd), nil
	case compile.HookStream:
		return in.streams[want.Index], nil
	}
	panic("BUG: input " + strconv.Itoa(int(want.Kind)))
}
