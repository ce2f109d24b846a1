// SPDX-License-Identifier: Apache-2.0

package engines

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// checkLeftovers wants nothing of an engine's temporary directory to be mounted, no cgroup below
// parent, and no process that has either on its command line. It ends what it finds, so that
// one failed test does not make others fail.
func checkLeftovers(t *testing.T, dir, parent string) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); len(processesOf(dir)) > 0 && time.Now().Before(until); {
		time.Sleep(20 * time.Millisecond)
	}
	for _, pid := range processesOf(dir) {
		t.Errorf("process %d is left: %s", pid, commandLine(pid))
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Log(err)
		}
	}
	mounts := mountsBelow(t, dir)
	for i := len(mounts) - 1; i >= 0; i-- {
		t.Errorf("%s is still mounted", mounts[i])
		if err := syscall.Unmount(mounts[i], syscall.MNT_DETACH); err != nil {
			t.Log(err)
		}
	}
	for _, cgroup := range cgroupsBelow(t, parent) {
		name := filepath.Base(cgroup)
		if name != parent && name != "conmon" { // those two are the engine's, not the runtime's
			t.Errorf("cgroup %s is left", cgroup)
		}
		if err := os.Remove(cgroup); err != nil {
			t.Error(err)
		}
	}
}

// processesOf finds the processes with dir on their command line, but this one.
func processesOf(dir string) (pids []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err == nil && pid != os.Getpid() && strings.Contains(commandLine(pid), dir) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func commandLine(pid int) string {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return string(bytes.ReplaceAll(b, []byte{0}, []byte{' '}))
}

func mountsBelow(t *testing.T, dir string) (list []string) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if at := strings.Fields(line)[1]; strings.HasPrefix(at, dir+"/") {
			list = append(list, at)
		}
	}
	return list
}

// cgroupsBelow lists the cgroups named parent and all below them, the innermost first.
func cgroupsBelow(t *testing.T, parent string) (list []string) {
	t.Helper()
	tops := []string{"/sys/fs/cgroup/" + parent}
	more, err := filepath.Glob("/sys/fs/cgroup/*/" + parent)
	if err != nil {
		t.Fatal(err)
	}
	for _, top := range append(tops, more...) {
		var found []string
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				found = append([]string{path}, found...)
			}
			return nil // what goes away meanwhile is not left
		})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	return list
}
