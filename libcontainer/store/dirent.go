// SPDX-License-Identifier: Apache-2.0

package store

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// entry cuts the first entry from what getdents64(2) has written. The name lies in b.
func entry(b []byte) (name string, kind byte, size int) {
	e := (*unix.Dirent)(unsafe.Pointer(unsafe.SliceData(b)))
	size = int(e.Reclen)
	raw := b[unsafe.Offsetof(e.Name):size]
	for i, c := range raw {
		if c == 0 {
			raw = raw[:i]
			break
		}
	}
	return unsafe.String(unsafe.SliceData(raw), len(raw)), e.Type, size
}
