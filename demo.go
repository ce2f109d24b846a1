// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"github.com/tare-runtime/tare/internal/demo"
)

func demoCommand() *cli.Command {
	return &cli.Command{
		Usage: "run two containers and show what they see of the host",
		Description: `The containers' only program is tare itself. Nothing is fetched, and nothing is left behind. An
ordinary user may run it too, where the host lets users make user namespaces.`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "inside", Hidden: true}},
		Action: func(ctx *cli.Context) error {
			if err := arguments(ctx, 0, 0); err != nil {
				return err
			}
			if ctx.Bool("inside") {
				return demo.Inside(os.Stdin, os.Stdout)
			}
			return demo.Run(os.Stdout)
		},
	}
}
