// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strconv"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer"
)

func listCommand() *cli.Command {
	return &cli.Command{
		Usage: "list all containers",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Usage: "table or json", Value: "table"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print ids alone"},
		},
		Action: func(ctx *cli.Context) error {
			if err := arguments(ctx, 0, 0); err != nil {
				return err
			}
			format := ctx.String("format")
			if format != "table" && format != "json" {
				return &usage{"list", "invalid format option: " + format}
			}
			dir, _, err := root(ctx)
			if err != nil {
				return err
			}
			list, err := libcontainer.List(dir, logOf(ctx.App).warn)
			if err != nil && !errors.Is(err, unix.ENOENT) {
				return err
			}
			switch {
			case ctx.Bool("quiet"):
				return write(ids(list))
			case format == "json":
				return write(listJSON(list))
			}
			return write(listTable(list))
		},
	}
}

func ids(list []libcontainer.State) (b []byte) {
	for i := range list {
		b = append(append(b, list[i].ID...), '\n')
	}
	return b
}

// listJSON is one line: an array, or null where there is no container, as runc prints it.
func listJSON(list []libcontainer.State) []byte {
	if len(list) == 0 {
		return []byte("null")
	}
	b := []byte{'['}
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = list[i].AppendJSON(b, "")
	}
	return append(b, ']')
}

func listTable(list []libcontainer.State) []byte {
	rows := [][]string{{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}}
	for i := range list {
		s := &list[i]
		rows = append(rows, []string{s.ID, strconv.Itoa(s.PID), string(s.Status), s.Bundle, s.Created, s.Owner})
	}
	return table(rows)
}

// table sets columns at least twelve wide, three spaces apart.
func table(rows [][]string) (b []byte) {
	const least, apart = 12, 3
	var width [8]int
	for _, row := range rows {
		for i, cell := range row[:len(row)-1] {
			width[i] = max(width[i], len(cell)+apart, least)
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			b = append(b, cell...)
			for n := len(cell); i < len(row)-1 && n < width[i]; n++ {
				b = append(b, ' ')
			}
		}
		b = append(b, '\n')
	}
	return b
}
