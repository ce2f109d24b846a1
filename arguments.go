// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// findCommand is the first argument that is neither a global flag nor the value of one, and
// where it stands; "" and 0 if there is none.
func findCommand(args []string) (name string, at int) {
	for i := 1; i < len(args); i++ {
		flag, ok := flagName(args[i])
		if !ok {
			return args[i], i
		}
		switch flag {
		case "root", "log", "log-format", "log-level", "rootless", "cgroup-manager":
			i++
		}
	}
	return "", 0
}

// flagName is the name of a flag that stands alone: --name or -name, but not --name=value.
func flagName(arg string) (name string, isFlag bool) {
	if len(arg) < 2 || arg[0] != '-' {
		return "", false
	}
	return strings.TrimPrefix(arg[1:], "-"), true
}

// flagsFirst moves the flags of c in front of its other arguments, since people write them
// behind the container's id too. Where the rest belongs to another program, c says so by its
// ArgsUsage ("... [args]") and the order stays.
func flagsFirst(c *cli.Command, args []string) []string {
	if strings.HasSuffix(c.ArgsUsage, "...]") {
		return args
	}
	flags := make([]string, 0, len(args))
	var rest []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			rest = append(rest, args[i+1:]...)
			break
		}
		name, ok := flagName(args[i])
		if !ok || isNumber(args[i]) {
			rest = append(rest, args[i])
			continue
		}
		flags = append(flags, args[i])
		if takesValue(c, name) && i+1 < len(args) {
			i++
			flags = append(flags, args[i])
		}
	}
	if len(rest) == 0 {
		return flags
	}
	return append(append(flags, "--"), rest...)
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

func takesValue(c *cli.Command, name string) bool {
	for _, f := range c.Flags {
		for _, n := range f.Names() {
			if n == name {
				_, is := f.(*cli.BoolFlag)
				return !is
			}
		}
	}
	return false
}

// usageError is an argument or a flag that a command cannot use.
func usageError(ctx *cli.Context, err error, _ bool) error {
	return &usage{ctx.Command.Name, err.Error()}
}

type usage struct{ command, text string }

func (e *usage) Error() string { return e.text }

// Hint says where to read on.
func (e *usage) Hint() string {
	if e.command == "" || e.command == "tare" {
		return "see tare --help"
	}
	return "see tare " + e.command + " --help"
}

// oneArgument is the only argument of a command.
func oneArgument(ctx *cli.Context) (string, error) {
	if ctx.NArg() != 1 {
		return "", &usage{ctx.Command.Name, strconv.Quote(ctx.Command.Name) + " requires exactly 1 argument(s)"}
	}
	return ctx.Args().First(), nil
}

// arguments checks that there are between least and most of them.
func arguments(ctx *cli.Context, least, most int) error {
	n := ctx.NArg()
	switch {
	case n < least:
		return &usage{ctx.Command.Name, strconv.Quote(ctx.Command.Name) + " requires a minimum of " + strconv.Itoa(least) + " argument(s)"}
	case n > most:
		return &usage{ctx.Command.Name, strconv.Quote(ctx.Command.Name) + " requires a maximum of " + strconv.Itoa(most) + " argument(s)"}
	}
	return nil
}
