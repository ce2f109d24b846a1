// SPDX-License-Identifier: Apache-2.0

package signals

// restorerFlag: on arm64 a handler returns to the kernel's own code (vDSO).
const restorerFlag = 0
