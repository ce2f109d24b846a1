// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/urfave/cli/v2"

	"github.com/tare-runtime/tare/libcontainer"
)

func deleteCommand() *cli.Command {
	return &cli.Command{
		Usage:     "remove a container that has ended or was never started",
		ArgsUsage: "<container-id>",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "end it first; it is no error if there is none"},
		},
		Action: func(ctx *cli.Context) error {
			id, err := oneArgument(ctx)
			if err != nil {
				return err
			}
			dir, _, err := root(ctx)
			if err != nil {
				return err
			}
			return libcontainer.Delete(dir, id, libcontainer.DeleteOptions{
				Force: ctx.Bool("force"), Warn: logOf(ctx.App).warn,
			})
		},
	}
}
