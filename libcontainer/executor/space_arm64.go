// SPDX-License-Identifier: Apache-2.0

package executor

// spaceTops are the ends that a process's address space may have, the farthest first: kernels are
// built for 48 bits (or 52, which show a process 48), 47, 42 or 39. Beyond it munmap(2) refuses
// to work.
var spaceTops = [...]uintptr{1 << 48, 1 << 47, 1 << 42, 1 << 39}
