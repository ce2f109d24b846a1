// SPDX-License-Identifier: Apache-2.0

// Command decode prints how many nanoseconds the first decoding of a config.json takes in a
// process that has done nothing before.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/tare-runtime/tare/spec"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "decode:", err)
		os.Exit(1)
	}
	began := time.Now()
	_, err = spec.Decode("config.json", text)
	took := time.Since(began)
	if err != nil {
		fmt.Fprintln(os.Stderr, "decode:", err)
		os.Exit(1)
	}
	fmt.Println(took.Nanoseconds())
}
