// SPDX-License-Identifier: Apache-2.0

package engines

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long any one call of an engine may take.
const patience = 60 * time.Second

// client is an engine's command line.
type client struct {
	t    *testing.T
	argv []string // the program and its global flags
	env  []string
}

// outcome is what a call came to.
type outcome struct {
	stdout, stderr string
	code           int
}

// call runs the engine with stdin and takes any exit code.
func (c *client) call(stdin string, args ...string) outcome {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	argv := append(append([]string(nil), c.argv...), args...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	// A group of its own: whatever it started ends with it when time is up.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		c.t.Fatalf("%s: %v\n%s%s", strings.Join(argv, " "), err, &stdout, &stderr)
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// exits runs the engine and wants an exit code.
func (c *client) exits(code int, args ...string) outcome {
	c.t.Helper()
	o := c.call("", args...)
	if o.code != code {
		c.t.Fatalf("%s: exit code %d, want %d\nstdout: %s\nstderr: %s", strings.Join(args, " "), o.code, code, o.stdout, o.stderr)
	}
	return o
}

// prints runs the engine and wants success and exactly this text, but for space around it.
func (c *client) prints(want string, args ...string) {
	c.t.Helper()
	if got := strings.TrimSpace(c.exits(0, args...).stdout); got != want {
		c.t.Fatalf("%s: printed %q, want %q", strings.Join(args, " "), got, want)
	}
}

// eventually waits for something that an engine does in its own time.
func eventually(t *testing.T, what string, ready func() bool) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if ready() {
			return
		}
	}
	t.Fatalf("%s: not in 20 seconds", what)
}

// mentions wants each of the words in text, and not upper or lower case.
func mentions(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(strings.ToLower(text), strings.ToLower(w)) {
			t.Errorf("%q is not in: %s", w, text)
		}
	}
}
