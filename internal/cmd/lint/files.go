// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	license  = "SPDX-License-Identifier: Apache-2.0"
	maxLines = 600
)

// sources are the files below dir that the rules are for, with slashes.
func sources(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			hidden := strings.HasPrefix(base, ".") && base != "." && base != ".ci"
			if hidden || name == "build" || name == "dist" || base == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if isSource(base) || strings.HasPrefix(name, ".ci/") {
			files = append(files, filepath.ToSlash(name))
		}
		return nil
	})
	return files, err
}

func isSource(base string) bool {
	switch path.Ext(base) {
	case ".go", ".s", ".c", ".h", ".sh":
		return true
	}
	return base == "Makefile"
}

// emptyNames say nothing about what is in a file.
var emptyNames = [...]string{"util", "utils", "helper", "helpers", "common", "misc", "types", "base", "shared"}

// checkFile holds the rules of a file as such: its first line, its length, its name.
func checkFile(name, text string) (faults []fault) {
	first, rest, _ := strings.Cut(text, "\n")
	if strings.HasPrefix(first, "#!") {
		first, _, _ = strings.Cut(rest, "\n")
	}
	if first != "// "+license && first != "# "+license {
		faults = append(faults, fault{name, 1, "the first line is not the SPDX line: " + license})
	}
	generated := strings.HasSuffix(name, "_gen.go")
	if n := strings.Count(text, "\n"); n > maxLines && !generated {
		faults = append(faults, fault{name, 0, fmt.Sprintf("%d lines; more than %d is a reason to split", n, maxLines)})
	}
	stem := strings.TrimSuffix(path.Base(name), path.Ext(name))
	word, _, _ := strings.Cut(strings.TrimSuffix(stem, "_test"), "_")
	if path.Ext(name) == ".go" && slices.Contains(emptyNames[:], word) {
		faults = append(faults, fault{name, 0, "the name says nothing; take the subject's"})
	}
	return faults
}
