// SPDX-License-Identifier: Apache-2.0

// Package host tells what a launch must know of the machine it runs on.
//
// Every fact is asked for only when a config.json needs it, by one or two system calls, and
// nothing that the container controls is trusted: its files are reached below its root alone.
package host

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// minimum is the oldest kernel that has all that the plans use: mount_setattr (5.12),
// openat2 (5.6), cgroup.kill (5.14).
const minimumMajor, minimumMinor = 5, 14

// KernelError says that the kernel is too old.
type KernelError struct{ Release string }

func (e *KernelError) Error() string {
	return "Linux " + e.Release + " is too old: tare needs Linux 5.14 or newer"
}

// CheckKernel returns a *KernelError if the running kernel is older than Linux 5.14.
func CheckKernel() error {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil // nothing is known: the calls themselves will tell
	}
	release := unix.ByteSliceToString(u.Release[:])
	if major, minor, ok := parseRelease(release); ok &&
		(major < minimumMajor || major == minimumMajor && minor < minimumMinor) {
		return &KernelError{release}
	}
	return nil
}

// parseRelease reads the first two numbers of a release such as "6.1.0-13-amd64".
func parseRelease(s string) (major, minor int, ok bool) {
	i := 0
	number := func() (n int, digits bool) {
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9' && n < 10000; i++ {
			n, digits = n*10+int(s[i]-'0'), true
		}
		return n, digits
	}
	major, ok = number()
	if !ok || i >= len(s) || s[i] != '.' {
		return 0, 0, false
	}
	i++
	minor, ok = number()
	return major, minor, ok
}

// LastCapability is the highest capability that the kernel knows (capabilities(7)). Asking is
// cheaper than reading /proc/sys/kernel/cap_last_cap.
func LastCapability() int {
	known := func(n int) bool {
		_, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(n), 0, 0, 0)
		return err == nil
	}
	n := unix.CAP_LAST_CAP
	for n < 63 && known(n+1) {
		n++
	}
	for n > 0 && !known(n) {
		n--
	}
	return n
}

// The inode of the initial user namespace is part of the kernel's interface
// (PROC_USER_INIT_INO, include/linux/proc_ns.h).
const initialUserNamespace = 0xEFFFFFFD

// InInitialUserNamespace tells whether this process is in the machine's first user namespace.
func InInitialUserNamespace() bool {
	var st unix.Stat_t
	return unix.Stat("/proc/self/ns/user", &st) == nil && st.Ino == initialUserNamespace
}

// FewCPUs tells whether this process may run on fewer CPUs than the machine's first one: whoever
// started it has bound it to some.
func FewCPUs() bool {
	var own, all unix.CPUSet
	if unix.SchedGetaffinity(0, &own) != nil || unix.SchedGetaffinity(1, &all) != nil {
		return false
	}
	return own != all
}

// File is what a path on the host leads to.
type File struct {
	Directory bool
	Procfs    bool // it lies on a procfs; known only if asked for
}

// Stat looks at a path on the host, following links.
func Stat(path string, procfs bool) (File, error) {
	var st unix.Stat_t
	if err := ignoringEINTR(func() error { return unix.Stat(path, &st) }); err != nil {
		return File{}, err
	}
	f := File{Directory: st.Mode&unix.S_IFMT == unix.S_IFDIR}
	if procfs {
		var fs unix.Statfs_t
		f.Procfs = unix.Statfs(path, &fs) == nil && fs.Type == unix.PROC_SUPER_MAGIC
	}
	return f, nil
}

// Stream is what a descriptor of this process is.
type Stream struct {
	Owner  uint32
	Null   bool // the character device 1:3
	Closed bool
}

// StatStream looks at a descriptor.
func StatStream(fd int) Stream {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Stream{Closed: true}
	}
	return Stream{
		Owner: st.Uid,
		Null:  st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3),
	}
}

// CheckNull makes sure that the host's /dev/null is the character device 1:3: masked paths are
// covered with it.
func CheckNull() error {
	var st unix.Stat_t
	if err := unix.Lstat("/dev/null", &st); err != nil {
		return &PathError{"lstat", "/dev/null", err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != unix.Mkdev(1, 3) {
		return &PathError{"lstat", "/dev/null", unix.ENODEV}
	}
	return nil
}

// PathError is a failed call on a path of the host.
type PathError struct {
	Call, Path string
	Err        error
}

func (e *PathError) Error() string { return e.Call + ` "` + e.Path + `": ` + e.Err.Error() }
func (e *PathError) Unwrap() error { return e.Err }

func ignoringEINTR(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}
