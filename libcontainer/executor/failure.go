// SPDX-License-Identifier: Apache-2.0

package executor

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/plan"
)

// Failure is a system call of a Program that failed, in the user's terms:
//
//	mounts[2] /tmp: fsconfig(size="notanumber"): invalid argument (EINVAL): tmpfs: Bad value for 'size'
type Failure struct {
	Note     plan.Note
	Call     string // the system call
	Argument string // what tells it from others of its kind, or ""
	Errno    syscall.Errno
	Text     string // what the kernel adds, or ""
}

func (f *Failure) Error() string {
	var b strings.Builder
	b.WriteString(f.Note.Where)
	if f.Note.Index >= 0 {
		b.WriteString("[" + strconv.Itoa(f.Note.Index) + "]")
	}
	if f.Note.Key != "" {
		b.WriteString("." + f.Note.Key)
	}
	if f.Note.Object != "" {
		b.WriteString(" " + f.Note.Object)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(f.Call)
	if f.Argument != "" {
		b.WriteString("(" + f.Argument + ")")
	}
	b.WriteString(": " + errnoText(f.Errno))
	if f.Text != "" {
		b.WriteString(": " + f.Text)
	}
	return b.String()
}

// Unwrap gives the errno.
func (f *Failure) Unwrap() error { return f.Errno }

// Hint says what to do about it, or "".
func (f *Failure) Hint() string { return f.Note.Hint }

// callError is a call of the launcher's that failed.
type callError struct {
	call string
	err  error
}

func (e *callError) Error() string {
	var errno syscall.Errno
	if errors.As(e.err, &errno) {
		return e.call + ": " + errnoText(errno)
	}
	return e.call + ": " + e.err.Error()
}

func (e *callError) Unwrap() error { return e.err }

func errnoText(e syscall.Errno) string {
	name := unix.ErrnoName(e)
	if name == "" {
		name = "errno " + strconv.Itoa(int(e))
	}
	return e.Error() + " (" + name + ")"
}

// cloneError explains why there is no child.
func cloneError(err error, l *Launch) error {
	f := &Failure{Note: plan.Note{Where: "linux.namespaces", Index: -1}, Call: "clone3"}
	if !errors.As(err, &f.Errno) {
		return &callError{"clone3", err}
	}
	switch {
	case f.Errno == unix.ENOSPC:
		f.Note.Hint = "a limit in /proc/sys/user is reached, or set to 0"
	case f.Errno == unix.EPERM && l.Flags&unix.CLONE_NEWUSER == 0 && l.Flags != 0:
		f.Note.Hint = "ordinary users need a user namespace: see tare spec --rootless"
	case f.Errno == unix.EPERM && l.Flags&unix.CLONE_NEWUSER != 0:
		f.Note.Hint = "no user namespace can be made in a chroot, nor where the host forbids it: see /proc/sys/user/max_user_namespaces and /proc/sys/kernel/*userns*"
	case f.Errno == unix.EAGAIN:
		f.Note.Hint = "a limit on processes is reached: RLIMIT_NPROC, or pids.max of a cgroup"
	case f.Errno == unix.EBUSY && l.Cgroup >= 0:
		f.Note.Where, f.Note.Hint = "linux.cgroupsPath", "the cgroup has controllers enabled for cgroups below it, so it cannot hold processes"
	}
	return f
}

// Decode reads a report: it must be one of a child that ran p, of at least plan.ReportSize
// bytes. What comes after those is text of the kernel's.
func Decode(p *plan.Program, report []byte) *Failure {
	index := binary.NativeEndian.Uint64(report)
	f := &Failure{Errno: syscall.Errno(binary.NativeEndian.Uint64(report[8:])), Note: plan.Note{Index: -1}}
	if len(report) > plan.ReportSize {
		f.Text = kernelText(string(report[plan.ReportSize:]))
	}
	if step := index &^ prologueMark; index&prologueMark != 0 && step < uint64(len(stepNames)) {
		f.Call = stepNames[step]
		return f
	}
	if index >= uint64(len(p.Instructions)) {
		f.Call = "instruction " + strconv.FormatUint(index, 10)
		return f
	}
	in := &p.Instructions[index]
	f.Note, f.Call, f.Argument = p.Notes[in.Note], in.Call.String(), telling(p, in)
	if f.Argument == strconv.Quote(f.Note.Object) || strings.Contains(f.Note.Object, f.Argument) {
		f.Argument = "" // said already
	}
	return f
}

// kernelText cleans what a file system context logs: messages with "e ", "w " or "i " before
// them, for error, warning and information (fsopen(2)).
func kernelText(log string) string {
	log, _, _ = strings.Cut(log, "\x00")
	var lines []string
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if len(line) > 2 && line[1] == ' ' && strings.ContainsRune("ewi", rune(line[0])) {
			line = line[2:]
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// telling is the part of the arguments that a user can make something of.
func telling(p *plan.Program, in *plan.Instruction) string {
	at := func(k int) string {
		if s := p.String(in.Args[k]); s != "" {
			return strconv.Quote(s)
		}
		return ""
	}
	switch in.Call {
	case plan.Fsconfig:
		key, value := p.String(in.Args[2]), at(3)
		if key == "" || value == "" {
			return key
		}
		return key + "=" + value
	case plan.Fsopen, plan.Execve, plan.Chdir, plan.Chroot, plan.Umount2:
		return at(0)
	case plan.Openat2, plan.OpenTree, plan.Mkdirat, plan.Mknodat, plan.Fchmodat, plan.Fchownat, plan.Unlinkat,
		plan.Faccessat2, plan.Execveat, plan.Mount:
		return at(1)
	case plan.Symlinkat:
		return at(2)
	}
	return ""
}
