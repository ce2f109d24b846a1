// SPDX-License-Identifier: Apache-2.0

// Command empty does nothing: the life of a Go process, which no command of tare can go below.
package main

func main() {}
