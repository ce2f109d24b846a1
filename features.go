// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"

	"github.com/urfave/cli/v2"

	"github.com/tare-runtime/tare/libcontainer"
)

func featuresCommand() *cli.Command {
	return &cli.Command{
		Usage:       "print what this runtime can do, as JSON",
		Description: "The document is the one of the OCI runtime specification, features.md.",
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() != 0 {
				return &usage{ctx.Command.Name, "takes no arguments"}
			}
			f := libcontainer.Features()
			f.Annotations = map[string]string{
				"io.github.tare-runtime.tare.version": version,
				"io.github.tare-runtime.tare.commit":  commit,
			}
			b, err := json.MarshalIndent(f, "", "    ")
			if err != nil {
				return err
			}
			return write(append(b, '\n'))
		},
	}
}
