// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 && !arm64

package signals

// There is no executor for these architectures, so nothing to watch signals for.
const restorerFlag = 0

func setPipe(uintptr)          { panic("BUG: no signal handler for this architecture") }
func handlerAddress() uintptr  { return 0 }
func restorerAddress() uintptr { return 0 }
