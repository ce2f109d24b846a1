// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

func psCommand() *cli.Command {
	return &cli.Command{
		Usage:     "list the processes of a container",
		ArgsUsage: "<container-id> [ps options...]",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Usage: "table or json", Value: "table"},
		},
		Action: func(ctx *cli.Context) error {
			if err := arguments(ctx, 1, 1<<30); err != nil {
				return err
			}
			format := ctx.String("format")
			if format != "table" && format != "json" {
				return &usage{"ps", "invalid format option: " + format}
			}
			c, err := load(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			pids, err := c.Pids()
			if err != nil {
				return err
			}
			if format == "json" {
				return write(pidsJSON(pids))
			}
			args := ctx.Args().Tail()
			if len(args) == 0 {
				args = []string{"-ef"}
			}
			out, err := psOutput(args)
			if err != nil {
				return err
			}
			b, ok := ofPids(out, pids)
			if !ok {
				return &usage{"ps", "couldn't find PID field in ps output"}
			}
			return write(b)
		},
	}
}

func pidsJSON(pids []int) []byte {
	if len(pids) == 0 {
		return []byte("null")
	}
	b := []byte{'['}
	for i, pid := range pids {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(pid), 10)
	}
	return append(b, ']')
}

// ofPids keeps the head of ps's output and the lines of certain processes.
func ofPids(out []byte, pids []int) (b []byte, ok bool) {
	column := -1
	for line := range bytes.Lines(out) {
		fields := bytes.Fields(line)
		if column < 0 {
			column = slices.IndexFunc(fields, func(f []byte) bool { return string(f) == "PID" })
			if column < 0 {
				return nil, false
			}
			b = append(b, line...)
			continue
		}
		if len(fields) <= column {
			continue
		}
		pid, err := strconv.Atoi(string(fields[column]))
		if err == nil && slices.Contains(pids, pid) {
			b = append(b, line...)
		}
	}
	return b, column >= 0
}

// psOutput runs ps(1). Callers may have left us without a PATH.
func psOutput(args []string) ([]byte, error) {
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/bin", "/bin") {
		name := filepath.Join(dir, "ps")
		if unix.Access(name, unix.X_OK) != nil || !filepath.IsAbs(name) {
			continue
		}
		return output(name, append([]string{"ps"}, args...))
	}
	return nil, &usage{"ps", "the host has no ps; --format json does without"}
}

func output(name string, argv []string) ([]byte, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	p, err := os.StartProcess(name, argv, &os.ProcAttr{Env: os.Environ(), Files: []*os.File{nil, w, os.Stderr}})
	w.Close()
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(r)
	state, werr := p.Wait()
	switch {
	case err != nil:
		return nil, err
	case werr != nil:
		return nil, werr
	case !state.Success():
		return nil, &usage{"ps", "ps: " + state.String()}
	}
	return out, nil
}
