// SPDX-License-Identifier: Apache-2.0

package executor

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	mfdExec  = 0x10 // MFD_EXEC (memfd_create(2), 6.3): the file may be executed whatever vm.memfd_noexec says
	allSeals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
)

// memfd makes an empty file in memory that can be sealed.
func memfd(name string) (int, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|mfdExec)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return -1, &callError{"memfd_create", err}
	}
	return fd, nil
}

// SealedExe makes the file that stands behind /proc/PID/exe of a child: empty, and never to be
// anything else. The descriptor is the caller's.
func SealedExe() (int, error) {
	fd, err := memfd("tare-init")
	if err != nil {
		return -1, err
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, allSeals); err != nil {
		unix.Close(fd)
		return -1, &callError{"fcntl(F_ADD_SEALS)", err}
	}
	return fd, nil
}

// sealedVariable tells a copy that it is one. It is believed only if it is true.
const sealedVariable = "_TARE_SEALED"

// Sealed tells whether the running program is a sealed copy in memory, so that nobody can write
// to what /proc/PID/exe of its children shows.
func Sealed() bool {
	if os.Getenv(sealedVariable) == "" {
		return false
	}
	fd, err := unix.Open("/proc/self/exe", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	return err == nil && seals == allSeals
}

// ReexecSealed executes a sealed copy of the running program in its place, with the same
// arguments and environment. It returns only with the reason why that does not work: for kernels
// that do not let a process replace its /proc/self/exe (PR_SET_MM_MAP needs
// CONFIG_CHECKPOINT_RESTORE), copying is the other way to keep the host's binary out of reach
// (CVE-2019-5736).
func ReexecSealed() error {
	if Sealed() {
		return text("already running from a sealed copy")
	}
	to, err := SealedCopy()
	if err != nil {
		return err
	}
	defer unix.Close(to)
	env := append(os.Environ(), sealedVariable+"=1")
	return &callError{"execve", syscall.Exec("/proc/self/fd/"+strconv.Itoa(to), os.Args, env)}
}

// SealedCopy copies the running program to a file in memory that nobody can change. The descriptor
// is the caller's.
func SealedCopy() (fd int, err error) {
	from, err := unix.Open("/proc/self/exe", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &callError{"open(/proc/self/exe)", err}
	}
	defer unix.Close(from)
	to, err := memfd("tare")
	if err != nil {
		return -1, err
	}
	for n := 1; n > 0; {
		if n, err = unix.Sendfile(to, from, nil, 1<<30); err != nil {
			unix.Close(to)
			return -1, &callError{"sendfile", err}
		}
	}
	if _, err := unix.FcntlInt(uintptr(to), unix.F_ADD_SEALS, allSeals); err != nil {
		unix.Close(to)
		return -1, &callError{"fcntl(F_ADD_SEALS)", err}
	}
	return to, nil
}
