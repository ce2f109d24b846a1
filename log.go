// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/tare-runtime/tare/libcontainer"
	"github.com/tare-runtime/tare/spec"
)

// logger tells what there is to tell: to a file, in the form that engines read, or to a person on
// standard error. The zero value does the latter. An error goes to standard error in any case,
// once.
type logger struct {
	file  *os.File // nil: standard error
	json  bool
	level level
}

type level uint8

const (
	levelWarning level = iota
	levelError
	levelDebug
)

// openLog reads the global flags that say how to tell things. A log that many containers share
// is only ever appended to, a line at a time.
func openLog(ctx *cli.Context) error {
	log := &logger{}
	ctx.App.Metadata["log"] = log
	switch l := ctx.String("log-level"); l {
	case "error":
		log.level = levelError
	case "warning", "warn", "info":
	case "debug":
		log.level = levelDebug
	default:
		return &usage{"", "--log-level: want error, warning or debug, got " + l}
	}
	if ctx.Bool("debug") {
		log.level = levelDebug
	}
	format := ctx.String("log-format")
	if format != "text" && format != "json" {
		return &usage{"", "invalid log-format: " + format}
	}
	log.json = format == "json"
	if name := ctx.String("log"); name != "" {
		name = strings.TrimPrefix(name, "file:")
		f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND|unix.O_CLOEXEC, 0o644)
		if err != nil {
			return &usage{"", "--log: " + err.Error()}
		}
		log.file = f
	}
	log.debug("tare " + version + ": " + strings.Join(os.Args[1:], " "))
	return nil
}

// logOf is the log that openLog opened.
func logOf(app *cli.App) *logger {
	if log, ok := app.Metadata["log"].(*logger); ok {
		return log
	}
	return &logger{}
}

func (l *logger) warn(text string) {
	if l.level == levelError {
		return
	}
	if l.file == nil && !l.json {
		l.print("tare: warning: " + text + "\n")
		return
	}
	l.record("warning", text, nil)
}

func (l *logger) debug(text string) {
	if l.level == levelDebug {
		l.record("debug", text, nil)
	}
}

// fail tells why a command failed.
func (l *logger) fail(command, id string, err error) {
	text := err.Error()
	if id != "" && !strings.Contains(id, "\n") {
		text = id + ": " + text
		if command != "" {
			text = command + " " + text
		}
	} else if command != "" {
		text = command + ": " + text
	}
	text = strings.TrimRight(text, "\n")
	if l.file != nil || l.json {
		l.record("error", text, err)
	}
	if l.file != nil || !l.json {
		l.print("tare: " + text + "\n")
		if hint := libcontainer.Hint(err); hint != "" {
			l.print("tare: hint: " + hint + "\n")
		}
	}
}

func (l *logger) print(text string) { os.Stderr.WriteString(text) }

// record writes one line. Callers read the members level, msg and time of JSON.
func (l *logger) record(name, text string, err error) {
	now := time.Now().Format(time.RFC3339)
	var b []byte
	if !l.json {
		b = append(b, "time="...)
		b = strconv.AppendQuote(b, now)
		b = append(b, " level="...)
		b = append(b, name...)
		b = append(b, " msg="...)
		b = strconv.AppendQuote(b, text)
	} else {
		member := func(key, value string) {
			if value == "" {
				return
			}
			if len(b) > 1 {
				b = append(b, ',')
			}
			b = spec.AppendString(b, key)
			b = append(b, ':')
			b = spec.AppendString(b, value)
		}
		b = append(b, '{')
		member("level", name)
		member("msg", text)
		member("time", now)
		if err != nil {
			d := libcontainer.Describe(err)
			member("call", d.Call)
			member("errno", d.Errno)
			member("path", d.Path)
			member("hint", libcontainer.Hint(err))
		}
		b = append(b, '}')
	}
	b = append(b, '\n')
	if l.file == nil {
		os.Stderr.Write(b)
		return
	}
	l.file.Write(b)
}
