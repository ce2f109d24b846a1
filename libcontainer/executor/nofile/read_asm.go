// SPDX-License-Identifier: Apache-2.0

//go:build amd64 || arm64

package nofile

func read() (l limit) {
	prlimit(&l)
	return l
}

// prlimit is prlimit64(2) of the calling process and RLIMIT_NOFILE. An error leaves l alone.
//
//go:noescape
func prlimit(l *limit)
