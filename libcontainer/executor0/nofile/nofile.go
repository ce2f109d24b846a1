// Package nofile (stand-in).
package nofile

func Original() (soft, hard uint64, ok bool) { return 0, 0, false }
