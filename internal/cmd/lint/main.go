// SPDX-License-Identifier: Apache-2.0

// Command lint holds the house rules that no other tool knows: which package may import which,
// what a process of two milliseconds may not do before main, what the binary is made of, and how
// files begin and are named. It prints one line a fault and exits with 1 if there is any.
//
//	go run ./internal/cmd/lint [-binary PATH] [-update]
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

const modulePath = "github.com/tare-runtime/tare"

// fault is a broken rule.
type fault struct {
	file string
	line int // 0: the whole file
	msg  string
}

func (f fault) String() string {
	if f.line == 0 {
		return f.file + ": " + f.msg
	}
	return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.msg)
}

func main() {
	binary := flag.String("binary", "", "the built binary, whose size is checked; none: not checked")
	update := flag.Bool("update", false, "rewrite the list of linked packages")
	flag.Parse()
	faults, err := lint(*binary, *update)
	if err != nil {
		fmt.Fprintln(os.Stderr, "lint:", err)
		os.Exit(2)
	}
	for _, f := range faults {
		fmt.Println(f)
	}
	if len(faults) > 0 {
		os.Exit(1)
	}
}

// lint checks the module in the current directory.
func lint(binary string, update bool) ([]fault, error) {
	files, err := sources(".")
	if err != nil {
		return nil, err
	}
	var faults []fault
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		faults = append(faults, checkFile(name, string(text))...)
		if strings.HasSuffix(name, ".go") {
			more, err := checkSyntax(name, text)
			if err != nil {
				return nil, err
			}
			faults = append(faults, more...)
		}
	}
	packages, err := listPackages()
	if err != nil {
		return nil, err
	}
	faults = append(faults, checkLayers(packages)...)
	more, err := checkBinary(binary, update)
	faults = append(faults, more...)
	slices.SortStableFunc(faults, func(a, b fault) int { return strings.Compare(a.file, b.file) })
	return faults, err
}
