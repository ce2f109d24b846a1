// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/urfave/cli/v2"

	"github.com/tare-runtime/tare/libcontainer"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Usage:     "create and start a container, and stay with it until it ends",
		ArgsUsage: "<container-id>",
		Flags: append(createFlags(),
			&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "do not stay"},
			&cli.BoolFlag{Name: "keep", Usage: "do not delete the container when it has ended"},
			&cli.BoolFlag{Name: "no-subreaper", Usage: "do not reap the container's orphans"},
		),
		Action: func(ctx *cli.Context) error {
			o, err := createOptions(ctx)
			if err != nil {
				return err
			}
			return status(libcontainer.Run(&libcontainer.RunOptions{
				CreateOptions: *o, Detach: ctx.Bool("detach"), Keep: ctx.Bool("keep"),
			}))
		},
	}
}
