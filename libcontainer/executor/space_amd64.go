// SPDX-License-Identifier: Apache-2.0

package executor

// spaceTops are the ends that a process's address space may have, the farthest first. Beyond it
// munmap(2) refuses to work. (What is mapped above 2^47 with five-level page tables was asked to
// be there; nobody asks in a process of Go.)
var spaceTops = [...]uintptr{1<<47 - 4096}
