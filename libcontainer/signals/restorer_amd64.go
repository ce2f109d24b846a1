// SPDX-License-Identifier: Apache-2.0

package signals

// restorerFlag is SA_RESTORER: on amd64 a handler returns to code of the program.
const restorerFlag = 0x04000000
