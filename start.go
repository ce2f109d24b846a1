// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/urfave/cli/v2"

func startCommand() *cli.Command {
	return &cli.Command{
		Usage:     "let the process of a created container execute its program",
		ArgsUsage: "<container-id>",
		Action: func(ctx *cli.Context) error {
			c, err := loadOnly(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			return c.Start()
		},
	}
}
