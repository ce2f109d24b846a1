// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer"
	"github.com/tare-runtime/tare/spec"
)

func specCommand() *cli.Command {
	return &cli.Command{
		Usage: "write a config.json to begin with",
		Flags: []cli.Flag{
			bundleFlag(),
			&cli.BoolFlag{Name: "rootless", Usage: "for the user who calls, who becomes root inside"},
		},
		Action: func(ctx *cli.Context) error {
			if err := arguments(ctx, 0, 0); err != nil {
				return err
			}
			name := filepath.Join(ctx.String("bundle"), "config.json")
			f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_CLOEXEC, 0o666)
			if os.IsExist(err) {
				return &usage{"spec", "File config.json exists. Remove it first"}
			}
			if err != nil {
				return err
			}
			_, err = f.Write(spec.Example(spec.ExampleOptions{
				Rootless: ctx.Bool("rootless"), UID: uint32(unix.Geteuid()), GID: uint32(unix.Getegid()),
				CgroupNamespace: libcontainer.UnifiedCgroups(),
			}))
			if e := f.Close(); err == nil {
				err = e
			}
			if err != nil {
				os.Remove(name)
			}
			return err
		},
	}
}
