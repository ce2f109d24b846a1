// SPDX-License-Identifier: Apache-2.0

package engines

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// runtimePath is the runtime that the engines call.
var runtimePath string

func TestMain(m *testing.M) {
	restore := engineDirectories()
	code, err := withRuntime(m.Run)
	restore()
	if err != nil {
		fmt.Fprintln(os.Stderr, "engines:", err)
		code = 1
	}
	os.Exit(code)
}

// withRuntime runs the tests with the runtime that TARE names, or with tare, built for them.
func withRuntime(tests func() int) (int, error) {
	if path := os.Getenv("TARE"); path != "" {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return 0, err
		}
		runtimePath = absolute
		return tests(), nil
	}
	dir, err := os.MkdirTemp("", "tare-engines-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	runtimePath = filepath.Join(dir, "tare")
	build := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", runtimePath, "../..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go build: %w: %s", err, out)
	}
	return tests(), nil
}

// engineDirectories notes which directories the engines make wherever they are told to keep their
// state, and removes those that were not there before.
func engineDirectories() (restore func()) {
	var missing []string
	for _, dir := range []string{"/run/containerd", "/run/containers", "/var/lib/containers"} {
		if _, err := os.Lstat(dir); err != nil {
			missing = append(missing, dir)
		}
	}
	return func() {
		for _, dir := range missing {
			if err := os.RemoveAll(dir); err != nil {
				fmt.Fprintln(os.Stderr, "engines:", err)
			}
		}
	}
}

// need skips a test that the machine has not the means for. In CI, which installs them, it fails.
func need(t *testing.T, program, pkg string) {
	t.Helper()
	refuse := t.Skipf
	if os.Getenv("CI") != "" {
		refuse = t.Fatalf
	}
	if os.Geteuid() != 0 {
		refuse("engines are tested as root")
	}
	if _, err := exec.LookPath(program); err != nil {
		refuse("%s is not installed: apt-get install %s", program, pkg)
	}
}
