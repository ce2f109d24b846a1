// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestGeneratedFilesAreCurrent(t *testing.T) {
	for _, file := range files() {
		text, err := os.ReadFile(filepath.Join("../../../spec", file.name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, file.text) {
			t.Errorf("spec/%s is out of date: run go generate ./spec", file.name)
		}
	}
}
