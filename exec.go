// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/tare-runtime/tare/libcontainer"
)

func execCommand() *cli.Command {
	return &cli.Command{
		Usage:     "run a further process in a running container",
		ArgsUsage: "<container-id> <command> [args...]",
		Description: `With --process the file says all; else the process is like the container's own, with what
the flags change. The exit code is the process's; 255: it did not come to run.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "process", Aliases: []string{"p"}, Usage: "`FILE` with the process, as in config.json"},
			&cli.StringFlag{Name: "cwd", Usage: "working `DIR` inside"},
			&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "`NAME=VALUE`, may be repeated"},
			&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give it a terminal"},
			&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "`UID[:GID]`, in numbers"},
			&cli.StringSliceFlag{Name: "additional-gids", Aliases: []string{"g"}, Usage: "`GID`, may be repeated"},
			&cli.StringSliceFlag{Name: "cap", Aliases: []string{"c"}, Usage: "`CAPABILITY` to add, may be repeated"},
			&cli.StringFlag{Name: "process-label", Usage: "SELinux `LABEL`"},
			&cli.StringFlag{Name: "apparmor", Usage: "AppArmor `PROFILE`"},
			&cli.BoolFlag{Name: "no-new-privs", Usage: "gain no privileges by execve"},
			&cli.StringSliceFlag{Name: "cgroup", Usage: "`[CONTROLLER,...:]PATH` below the container's cgroup, may be repeated"},
			&cli.BoolFlag{Name: "ignore-paused", Usage: "also in a paused container, where it waits until that is resumed"},
			&cli.IntFlag{Name: "preserve-fds", Usage: "pass the descriptors from 3 to 3+`N`-1 on"},
			&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "do not stay with the process"},
			&cli.StringFlag{Name: "pid-file", Usage: "`FILE` to write the process's pid to"},
			&cli.StringFlag{Name: "console-socket", Usage: "unix socket at `PATH` that is sent the terminal's master"},
			&cli.StringFlag{Name: "pidfd-socket", Usage: "unix socket at `PATH` that is sent a pidfd of the process"},
			// An exec never makes itself the reaper of others, so this is always so.
			&cli.BoolFlag{Name: "no-subreaper", Hidden: true},
		},
		Action: func(ctx *cli.Context) error {
			o, err := execOptions(ctx)
			if err != nil {
				return err
			}
			c, err := load(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			return status(c.Exec(o))
		},
	}
}

func execOptions(ctx *cli.Context) (*libcontainer.ExecOptions, error) {
	if err := arguments(ctx, 1, 1<<30); err != nil {
		return nil, err
	}
	process, args := ctx.String("process"), ctx.Args().Tail()
	if process == "" && len(args) == 0 {
		return nil, &usage{"exec", "process args cannot be empty"}
	}
	if process != "" && len(args) != 0 {
		return nil, &usage{"exec", "--process: the file has the arguments, so there can be none here"}
	}
	if ctx.Int("preserve-fds") < 0 {
		return nil, &usage{"exec", "--preserve-fds: want a number of descriptors, got a negative one"}
	}
	gids, err := numbers(ctx.StringSlice("additional-gids"))
	if err != nil {
		return nil, err
	}
	return &libcontainer.ExecOptions{
		Process: process, Args: args, Cwd: ctx.String("cwd"), Env: ctx.StringSlice("env"), TTY: ctx.Bool("tty"),
		User: ctx.String("user"), AdditionalGids: gids, Caps: ctx.StringSlice("cap"),
		ProcessLabel: ctx.String("process-label"), AppArmor: ctx.String("apparmor"), NoNewPrivs: ctx.Bool("no-new-privs"),
		Cgroup: ctx.StringSlice("cgroup"), IgnorePaused: ctx.Bool("ignore-paused"), PreserveFDs: ctx.Int("preserve-fds"),
		Detach: ctx.Bool("detach"), ConsoleSocket: ctx.String("console-socket"), PidfdSocket: ctx.String("pidfd-socket"),
		PidFile: ctx.String("pid-file"), Warn: logOf(ctx.App).warn,
	}, nil
}

func numbers(list []string) (ids []uint32, err error) {
	for _, s := range list {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil || n == 1<<32-1 {
			return nil, &usage{"exec", `--additional-gids: want a number, got "` + s + `"`}
		}
		ids = append(ids, uint32(n))
	}
	return ids, nil
}
