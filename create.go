// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/urfave/cli/v2"

	"github.com/tare-runtime/tare/libcontainer"
)

func createCommand() *cli.Command {
	return &cli.Command{
		Usage:     "create a container from a bundle; its process waits for start",
		ArgsUsage: "<container-id>",
		Flags:     createFlags(),
		Action: func(ctx *cli.Context) error {
			o, err := createOptions(ctx)
			if err != nil {
				return err
			}
			c, err := libcontainer.Create(o)
			if err != nil {
				return err
			}
			c.Close()
			return nil
		},
	}
}

// createFlags are the flags that create and run have in common.
func createFlags() []cli.Flag {
	return []cli.Flag{
		bundleFlag(),
		configFlag(),
		&cli.StringFlag{Name: "console-socket", Usage: "unix socket at `PATH` that is sent the terminal's master"},
		&cli.StringFlag{Name: "pidfd-socket", Usage: "unix socket at `PATH` that is sent a pidfd of the container's process"},
		&cli.StringFlag{Name: "pid-file", Usage: "`FILE` to write the process's pid to"},
		&cli.BoolFlag{Name: "no-pivot", Usage: "do not use pivot_root, which a root on an initial ramdisk does not allow"},
		&cli.BoolFlag{Name: "no-new-keyring", Usage: "keep the caller's session keyring"},
		&cli.IntFlag{Name: "preserve-fds", Usage: "pass the descriptors from 3 to 3+`N`-1 on"},
	}
}

func bundleFlag() cli.Flag {
	return &cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Usage: "`DIR` of the bundle", DefaultText: "the working directory"}
}

func configFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Aliases: []string{"f"}, Usage: "name of the configuration `FILE` in the bundle", DefaultText: "config.json"}
}

func createOptions(ctx *cli.Context) (*libcontainer.CreateOptions, error) {
	id, err := oneArgument(ctx)
	if err != nil {
		return nil, err
	}
	dir, sticky, err := root(ctx)
	if err != nil {
		return nil, err
	}
	mode, err := rootless(ctx)
	if err != nil {
		return nil, err
	}
	if ctx.Int("preserve-fds") < 0 {
		return nil, &usage{ctx.Command.Name, "--preserve-fds: want a number of descriptors, got a negative one"}
	}
	return &libcontainer.CreateOptions{
		Root: dir, StickyRoot: sticky, ID: id,
		Bundle: ctx.String("bundle"), Config: ctx.String("config"),
		ConsoleSocket: ctx.String("console-socket"), PidfdSocket: ctx.String("pidfd-socket"), PidFile: ctx.String("pid-file"),
		NoPivot: ctx.Bool("no-pivot"), NoNewKeyring: ctx.Bool("no-new-keyring"),
		NoSubreaper: ctx.Bool("no-subreaper"), PreserveFDs: ctx.Int("preserve-fds"),
		SystemdCgroup: ctx.Bool("systemd-cgroup"), CgroupManager: ctx.String("cgroup-manager"), Rootless: mode,
		CopyUp: []string{copyUp}, Warn: logOf(ctx.App).warn,
	}, nil
}
