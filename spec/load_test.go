// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestLoad(t *testing.T) {
	bundle := t.TempDir()
	text := Example(ExampleOptions{})
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	s, raw, err := Load(bundle, "config.json")
	if err != nil {
		t.Fatal(err)
	}
	if s.Hostname != "tare" || !bytes.Equal(raw, text) {
		t.Errorf("hostname %q, text %q", s.Hostname, raw)
	}
}

func TestLoadErrors(t *testing.T) {
	bundle := t.TempDir()
	if err := os.WriteFile(filepath.Join(bundle, "broken.json"), []byte("{\n}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := Load(bundle, "config.json")
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "JSON specification file config.json not found" {
		t.Error(err)
	}
	_, _, err = Load(filepath.Join(bundle, "missing"), "config.json")
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "JSON specification file config.json not found" {
		t.Error(err)
	}
	if _, _, err = Load(bundle, "broken.json"); err == nil || err.Error() != "broken.json:2:2: invalid character '}' at start of value" {
		t.Error(err)
	}
	if _, _, err = Load(bundle, "."); !errors.Is(err, syscall.EISDIR) {
		t.Error(err)
	}
	if _, err = LoadProcess(filepath.Join(bundle, "process.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// A writer that comes and goes in pieces, as a shell's <( ) is.
func TestLoadFIFO(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"config.json", "process.json"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	feed := func(name string, text []byte) {
		w, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer w.Close()
		for chunk := range 3 {
			if _, err := w.Write(text[chunk*len(text)/3 : (chunk+1)*len(text)/3]); err != nil {
				t.Error(err)
			}
		}
	}
	go feed("config.json", append(bytes.Repeat([]byte(" "), 1<<17), Example(ExampleOptions{})...))
	if s, raw, err := Load(dir, "config.json"); err != nil || s.Hostname != "tare" || len(raw) < 1<<17 {
		t.Error(err)
	}
	go feed("process.json", []byte(`{"args":["true"],"cwd":"/"}`))
	if p, err := LoadProcess(filepath.Join(dir, "process.json")); err != nil || p.Args[0] != "true" {
		t.Error(err)
	}
}
