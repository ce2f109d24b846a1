// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 && !arm64

package executor

import "unsafe"

const supported = false

func bounds() (start, end unsafe.Pointer) { panic("BUG: no executor") }
func publish(start, end uintptr)          {}
func clone(*entry) uintptr                { panic("BUG: no executor") }

var spaceTops []uintptr
