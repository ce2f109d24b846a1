// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"github.com/urfave/cli/v2"
)

func stateCommand() *cli.Command {
	return &cli.Command{
		Usage:     "print the state of a container, as JSON",
		ArgsUsage: "<container-id>",
		Action: func(ctx *cli.Context) error {
			c, err := loadOnly(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			s, err := c.State()
			if err != nil {
				return err
			}
			return write(append(s.AppendJSON(nil, "  "), '\n'))
		},
	}
}

// write prints the result of a command.
func write(b []byte) error {
	_, err := os.Stdout.Write(b)
	return err
}
