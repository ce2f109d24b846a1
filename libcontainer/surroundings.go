// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer/host"
)

// InInitialUserNamespace tells whether the caller is in the machine's own user namespace.
func InInitialUserNamespace() bool { return host.InInitialUserNamespace() }

// UnifiedCgroups tells whether the host has cgroup v2 alone.
func UnifiedCgroups() bool {
	var st unix.Statfs_t
	return unix.Statfs("/sys/fs/cgroup", &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC
}
