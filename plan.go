// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/urfave/cli/v2"

	"github.com/tare-runtime/tare/libcontainer"
)

func planCommand() *cli.Command {
	return &cli.Command{
		Usage:     "print the system calls that would make a bundle's container, and make none",
		ArgsUsage: "[bundle]",
		Description: `A plan is what the container's first process does, in order: each line is a system call, and
the lines in between say which part of config.json asks for it. No privileges are needed.`,
		Flags: []cli.Flag{
			bundleFlag(),
			configFlag(),
			&cli.StringFlag{Name: "format", Usage: "text or json", Value: "text"},
			&cli.StringFlag{Name: "id", Usage: "the container's `ID`", Value: "ID"},
			&cli.BoolFlag{Name: "no-pivot", Usage: "as with create"},
			&cli.BoolFlag{Name: "no-new-keyring", Usage: "as with create"},
			&cli.IntFlag{Name: "preserve-fds", Usage: "as with create"},
		},
		Action: func(ctx *cli.Context) error {
			if err := arguments(ctx, 0, 1); err != nil {
				return err
			}
			format := ctx.String("format")
			if format != "text" && format != "json" {
				return &usage{"plan", "--format: want text or json, got " + format}
			}
			bundle := ctx.String("bundle")
			if ctx.NArg() == 1 {
				bundle = ctx.Args().First()
			}
			mode, err := rootless(ctx)
			if err != nil {
				return err
			}
			p, err := libcontainer.Plan(&libcontainer.CreateOptions{
				ID: ctx.String("id"), Bundle: bundle, Config: ctx.String("config"), NoPivot: ctx.Bool("no-pivot"),
				NoNewKeyring: ctx.Bool("no-new-keyring"), PreserveFDs: ctx.Int("preserve-fds"),
				SystemdCgroup: ctx.Bool("systemd-cgroup"), CgroupManager: ctx.String("cgroup-manager"),
				Rootless: mode, Warn: logOf(ctx.App).warn,
			})
			if err != nil {
				return err
			}
			if format == "json" {
				return write(append(p.AppendJSON(nil), '\n'))
			}
			return write(p.AppendText(nil))
		},
	}
}
