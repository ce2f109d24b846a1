// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/urfave/cli/v2"

func pauseCommand() *cli.Command {
	return &cli.Command{
		Usage:     "freeze all processes of a container",
		ArgsUsage: "<container-id>",
		Action: func(ctx *cli.Context) error {
			c, err := loadOnly(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			return c.Pause()
		},
	}
}

func resumeCommand() *cli.Command {
	return &cli.Command{
		Usage:     "let the processes of a paused container go on",
		ArgsUsage: "<container-id>",
		Action: func(ctx *cli.Context) error {
			c, err := loadOnly(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			return c.Resume()
		},
	}
}
