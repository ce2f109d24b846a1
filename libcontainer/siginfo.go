// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// childOf is si_pid of what waitid(2) has found; 0 if it has found nobody. The union of siginfo_t
// begins at its address boundary, behind three ints.
func childOf(info *unix.Siginfo) int {
	const fields = (3*4 + unsafe.Sizeof(uintptr(0)) - 1) &^ (unsafe.Sizeof(uintptr(0)) - 1)
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), fields)))
}
