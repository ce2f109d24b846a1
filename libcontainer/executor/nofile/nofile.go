// SPDX-License-Identifier: Apache-2.0

// Package nofile remembers the limit on open files that the program was started with. Package os
// raises the soft limit of every Go program to the hard one before main; a container must get
// the caller's own.
//
// It imports nothing. The language's order of initialization (packages sorted by import path,
// each as soon as what it imports is ready) puts it before package os, which has a long way to
// go until its own imports are ready; a test holds that. This is the one variable of ours that is
// computed before main: one system call.
package nofile

var original = read()

type limit struct{ soft, hard uint64 }

// Original is the limit at the start of the program; ok is false if it was the same for soft and
// hard, so that nothing has changed it.
func Original() (soft, hard uint64, ok bool) {
	return original.soft, original.hard, original.soft != original.hard
}
