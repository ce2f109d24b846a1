// SPDX-License-Identifier: Apache-2.0

// Command tare runs containers: a bundle (config.json and a root file system) becomes a process
// that the kernel isolates as the configuration says. Its command line is runc's.
//
// Commands decide nothing: they turn flags into the options of package libcontainer and its
// results into output. What went wrong is one sentence, told once, in main.
package main

import (
	"errors"
	"os"
	"runtime"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"

	"github.com/tare-runtime/tare/libcontainer"
)

// Set by the linker, see Makefile.
var (
	version = "0.0.0-unknown"
	commit  = "unknown"
)

func main() { os.Exit(run(os.Args)) }

func run(args []string) (exitCode int) {
	if len(args) > 1 && args[1] == copyUp {
		return libcontainer.CopyUp(args[2:])
	}
	name, at := findCommand(args)
	if c := planned(name); c != "" {
		log := logger{}
		log.fail(name, "", errors.New(c))
		return 1
	}
	app := newApp(name)
	if name != "" && len(app.Commands) == 1 && !app.Commands[0].SkipFlagParsing {
		args = append(args[:at+1:at+1], flagsFirst(app.Commands[0], args[at+1:])...)
	}
	err := app.Run(args)
	if libcontainer.NeedsSealedCopy(err) {
		err = libcontainer.ReexecSealed()
	}
	var exit exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	}
	log := logOf(app)
	log.fail(name, idIn(err), err)
	var coder cli.ExitCoder
	switch {
	case errors.As(err, &coder):
		return coder.ExitCode()
	case name == "exec":
		return 255
	}
	return 1
}

// copyUp is the first argument of a tare that fills a tmpfs in the name of a container's root. It is
// no command: only tare itself calls it, with two directories as standard streams.
const copyUp = "_copy-up"

// exitStatus is how a command ends with the status of the process that it ran.
type exitStatus int

func (e exitStatus) Error() string { return "exit status " + strconv.Itoa(int(e)) }

// status is the result of a command that ran a process.
func status(code int, err error) error {
	if err == nil && code != 0 {
		return exitStatus(code)
	}
	return err
}

// newApp assembles the command line with the one command that is called, or with all of them
// where it is none: building what is not used costs time that every start would pay.
func newApp(name string) *cli.App {
	app := &cli.App{
		Name:    "tare",
		Usage:   "run containers from OCI bundles",
		Version: version + "\ncommit: " + commit + "\nspec: " + specs.Version + "\ngo: " + runtime.Version(),
		Description: `tare starts and looks after containers that are described by a bundle: a directory with
a config.json and a root file system, as the runtime specification of the Open Container
Initiative has it. To try it:

    tare demo                    # a container that needs no bundle
    tare spec                    # writes a config.json to begin with
    tare plan                    # shows what would be done, as system calls
    tare run ID                  # runs the bundle in the working directory`,
		Flags:                     globalFlags(),
		Metadata:                  map[string]any{},
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              usageError,
		Before:                    openLog,
	}
	for _, c := range commands {
		if c.name == name {
			app.Commands = []*cli.Command{setUp(c)}
			return app
		}
	}
	app.Commands = make([]*cli.Command, 0, len(commands))
	for _, c := range commands {
		app.Commands = append(app.Commands, setUp(c))
	}
	return app
}

type command struct {
	name string
	make func() *cli.Command
}

var commands = [...]command{
	{"create", createCommand},
	{"delete", deleteCommand},
	{"demo", demoCommand},
	{"exec", execCommand},
	{"features", featuresCommand},
	{"kill", killCommand},
	{"list", listCommand},
	{"pause", pauseCommand},
	{"plan", planCommand},
	{"ps", psCommand},
	{"resume", resumeCommand},
	{"run", runCommand},
	{"spec", specCommand},
	{"start", startCommand},
	{"state", stateCommand},
}

func setUp(c command) *cli.Command {
	made := c.make()
	made.Name = c.name
	made.OnUsageError = usageError
	made.HideHelpCommand = true
	action := made.Action
	made.Action = func(ctx *cli.Context) error {
		err := action(ctx)
		if id := ctx.Args().First(); err != nil && id != "" {
			return &withID{id, err}
		}
		return err
	}
	return made
}

// planned says what runc's commands that tare does not have yet are to answer.
func planned(name string) string {
	switch name {
	case "checkpoint", "events", "restore", "update":
		return "not supported yet"
	}
	return ""
}

// withID says which container an error is about.
type withID struct {
	id  string
	err error
}

func (e *withID) Error() string { return e.err.Error() }
func (e *withID) Unwrap() error { return e.err }

func idIn(err error) string {
	var w *withID
	var exit exitStatus
	if errors.As(err, &w) && !errors.As(err, &exit) {
		return w.id
	}
	return ""
}
