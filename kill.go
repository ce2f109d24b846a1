// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer"
)

func killCommand() *cli.Command {
	return &cli.Command{
		Usage:       "send a signal to a container's process",
		ArgsUsage:   "<container-id> [signal]",
		Description: `The signal is a name such as TERM, sigusr1 or RTMIN+3, or a number; the default is TERM.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "send it to every process of the container; it is no error if there is none"},
		},
		Action: func(ctx *cli.Context) error {
			if err := arguments(ctx, 1, 2); err != nil {
				return err
			}
			sig := unix.SIGTERM
			if name := ctx.Args().Get(1); name != "" {
				var err error
				if sig, err = libcontainer.ParseSignal(name); err != nil {
					return err
				}
			}
			c, err := load(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			return c.Kill(sig, ctx.Bool("all"))
		},
	}
}
