// SPDX-License-Identifier: Apache-2.0

//go:build amd64 || arm64

package signals

// setPipe stores the descriptor that the handler writes to.
func setPipe(fd uintptr)

func handlerAddress() uintptr
func restorerAddress() uintptr
