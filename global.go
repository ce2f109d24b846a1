// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer"
)

func globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "root", Usage: "`DIR` of the containers' states", DefaultText: "/run/tare, or $XDG_RUNTIME_DIR/tare if not root"},
		&cli.StringFlag{Name: "log", Usage: "`FILE` to write messages to instead of standard error"},
		&cli.StringFlag{Name: "log-format", Usage: "text or json", Value: "text"},
		&cli.StringFlag{Name: "log-level", Usage: "error, warning or debug", Value: "warning"},
		&cli.BoolFlag{Name: "debug", Usage: "same as --log-level debug"},
		&cli.BoolFlag{Name: "systemd-cgroup", Usage: "let systemd make the cgroup"},
		&cli.StringFlag{Name: "cgroup-manager", Usage: "cgroupfs, systemd or disabled"},
		&cli.StringFlag{Name: "rootless", Usage: "true, false or auto: bear that the kernel refuses cgroups", Value: "auto"},
	}
}

// root is the directory of all containers' states, absolute; sticky tells that it lies where
// somebody may tidy up who spares what has the sticky bit.
func root(ctx *cli.Context) (dir string, sticky bool, err error) {
	dir = ctx.String("root")
	if dir == "" {
		dir = "/run/tare"
		runtime := os.Getenv("XDG_RUNTIME_DIR")
		if runtime != "" && (unix.Geteuid() != 0 || nestedRoot()) {
			dir, sticky = runtime+"/tare", true
		}
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", false, err
	}
	if dir == "/" {
		return "", false, &usage{"", "--root argument should not be set to /"}
	}
	return dir, sticky, nil
}

// nestedRoot tells of a root in a user namespace who came there as somebody else.
func nestedRoot() bool {
	user := os.Getenv("USER")
	return user != "" && user != "root" && !libcontainer.InInitialUserNamespace()
}

func rootless(ctx *cli.Context) (libcontainer.Rootless, error) {
	switch value := ctx.String("rootless"); value {
	case "auto", "":
		return libcontainer.RootlessAuto, nil
	case "true", "1":
		return libcontainer.RootlessTrue, nil
	case "false", "0":
		return libcontainer.RootlessFalse, nil
	default:
		return 0, &usage{"", "--rootless: want true, false or auto, got " + value}
	}
}

// load finds the container that the command's first argument names.
func load(ctx *cli.Context) (*libcontainer.Container, error) {
	dir, _, err := root(ctx)
	if err != nil {
		return nil, err
	}
	return libcontainer.Load(dir, ctx.Args().First())
}

// loadOnly is load for a command that has no other arguments.
func loadOnly(ctx *cli.Context) (*libcontainer.Container, error) {
	if _, err := oneArgument(ctx); err != nil {
		return nil, err
	}
	return load(ctx)
}
