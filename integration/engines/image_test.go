// SPDX-License-Identifier: Apache-2.0

package engines

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

const (
	busybox   = "/bin/busybox"
	imageName = "localhost/busybox:test"
)

// applets are the programs of the image.
var applets = []string{"sh", "cat", "echo", "false", "head", "hostname", "id", "ls", "mount", "sed", "sleep", "stat", "stty", "true", "tty", "wc"}

// image writes an archive such as `docker save` makes, which every engine takes: one layer with a
// static busybox and one file that cannot be executed.
func image(t *testing.T) string {
	t.Helper()
	program, err := os.ReadFile(busybox)
	if err != nil {
		t.Skipf("%v: apt-get install busybox-static", err)
	}
	files := []file{
		{name: "bin", kind: tar.TypeDir}, {name: "dev", kind: tar.TypeDir}, {name: "etc", kind: tar.TypeDir},
		{name: "proc", kind: tar.TypeDir}, {name: "sys", kind: tar.TypeDir}, {name: "tmp", kind: tar.TypeDir},
		{name: "bin/busybox", kind: tar.TypeReg, mode: 0o755, text: program},
		{name: "etc/passwd", kind: tar.TypeReg, mode: 0o644, text: []byte("root:x:0:0:root:/root:/bin/sh\n")},
		{name: "etc/group", kind: tar.TypeReg, mode: 0o644, text: []byte("root:x:0:\n")},
		{name: "etc/plain", kind: tar.TypeReg, mode: 0o644, text: []byte("no program\n")},
	}
	for _, a := range applets {
		files = append(files, file{name: "bin/" + a, kind: tar.TypeSymlink, link: "busybox"})
	}
	layer := archive(t, files)
	sum := sha256.Sum256(layer)
	config := encode(t, map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config":       map[string]any{"Env": []string{"PATH=/bin"}, "Cmd": []string{"/bin/sh"}},
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(sum[:])}},
	})
	manifest := encode(t, []map[string]any{{
		"Config": "config.json", "RepoTags": []string{imageName}, "Layers": []string{"layer.tar"},
	}})
	path := filepath.Join(t.TempDir(), "image.tar")
	text := archive(t, []file{
		{name: "config.json", kind: tar.TypeReg, mode: 0o644, text: config},
		{name: "layer.tar", kind: tar.TypeReg, mode: 0o644, text: layer},
		{name: "manifest.json", kind: tar.TypeReg, mode: 0o644, text: manifest},
	})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type file struct {
	name string
	kind byte
	mode int64
	link string
	text []byte
}

func archive(t *testing.T, files []file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Typeflag: f.kind, Mode: f.mode, Linkname: f.link, Size: int64(len(f.text))}
		if f.kind == tar.TypeDir {
			h.Mode = 0o755
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
