// SPDX-License-Identifier: Apache-2.0

package nofile_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/tare-runtime/tare/libcontainer/executor/nofile"
)

// TestOriginal runs itself under a soft limit of its own, which package os raises.
func TestOriginal(t *testing.T) {
	if os.Getenv("NOFILE_CHILD") != "" {
		soft, hard, ok := nofile.Original()
		fmt.Println(soft, hard, ok)
		os.Exit(0)
	}
	cmd := exec.Command("sh", "-c", `ulimit -Sn 123 && ulimit -Hn 512 && exec "$0" -test.run=TestOriginal`, os.Args[0])
	cmd.Env = append(os.Environ(), "NOFILE_CHILD=1")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() == 126 {
		t.Skip("this kernel does not execute programs of this architecture: register qemu-user with binfmt_misc")
	}
	if err != nil || string(out) != "123 512 true\n" {
		t.Errorf("%v: %s", err, out)
	}
}
