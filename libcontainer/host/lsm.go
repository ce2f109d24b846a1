// SPDX-License-Identifier: Apache-2.0

package host

import "golang.org/x/sys/unix"

// AppArmor tells whether the kernel has AppArmor and it is on. The parameter can be read by all, in
// every user namespace.
func AppArmor() bool {
	fd, err := unix.Open("/sys/module/apparmor/parameters/enabled", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var b [1]byte
	n, err := unix.Read(fd, b[:])
	return n == 1 && err == nil && b[0] == 'Y'
}

// SELinux tells whether the kernel has SELinux with a policy: selinuxfs is mounted where
// libselinux looks for it.
func SELinux() bool {
	var st unix.Statfs_t
	for _, dir := range [...]string{"/sys/fs/selinux", "/selinux"} {
		if unix.Statfs(dir, &st) == nil && uint32(st.Type) == unix.SELINUX_MAGIC {
			return true
		}
	}
	return false
}
