// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/fault"
)

func main() {
	c := &cli{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(), files: config.StandardFiles(os.Environ())}
	stop := profile(c.environ, c.err)
	code := c.run(os.Args[1:])
	stop()
	os.Exit(code)
}

// cli is what commands have of the world outside; tests give it buffers.
type cli struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
	files    []config.File // read when --config is not given

	started bool      // a command has begun; before that an error is one of usage
	prompt  *prompter // see asker
}

// Exit codes of this package; fault.ExitCode has those of everything else.
const (
	exitFinding     = 1   // a check found something to be done
	exitUsage       = 64  // EX_USAGE of sysexits.h
	exitConfig      = 78  // EX_CONFIG
	exitInterrupted = 130 // what a shell gives for SIGINT
)

// run executes one command line and returns the exit code. The error, if any, has been printed.
func (c *cli) run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot(c)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil {
		err = interrupted(err)
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(c.err, "pw: "+strings.TrimRight(line, "\n"))
	}
	if c.started {
		return exitCode(err)
	}
	fmt.Fprintf(c.err, "Run '%s --help' for usage.\n", cmd.CommandPath())
	return exitUsage
}

// interrupted is what an error means after a signal. What failed because the signal ended it says so by context.Canceled at best; a program that was
// killed or a connection that was cut short may only look unavailable or broken. Errors that lie in what was asked stay, and so does tempFailure.
func interrupted(err error) error {
	var temporary tempFailure
	switch {
	case errors.As(err, &temporary):
		return err
	case errors.Is(err, context.Canceled):
		return errInterrupted
	case fault.Is(err, fault.Unavailable), fault.Is(err, fault.Internal):
		return fmt.Errorf("%w: %w", errInterrupted, err)
	}
	return err
}

func exitCode(err error) int {
	var bad configError
	var found finding
	switch {
	case errors.As(err, &bad):
		return exitConfig
	case errors.As(err, &found):
		return exitFinding
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	}
	return fault.ExitCode(fault.KindOf(err))
}

// tempFailure marks what a mail server that pipes a mail in must be told by exit code 75, even after a signal: after any other code it may send the
// mail back to its author.
type tempFailure struct{ error }

func (e tempFailure) Unwrap() error { return e.error }

// configError marks what config.Load found, for the exit code.
type configError struct{ error }

func (e configError) Unwrap() error { return e.error }

// loadConfig is the configuration from files, environment and the flags of cmd.
func (c *cli) loadConfig(cmd *cobra.Command) (*config.Config, error) {
	loaded, err := c.load(cmd, c.files)
	if err != nil {
		return nil, err
	}
	return loaded.Config, nil
}

// load is loadConfig with files of the caller's choice; --config takes their place. The Loaded is there even with an error.
func (c *cli) load(cmd *cobra.Command, files []config.File) (*config.Loaded, error) {
	if f := cmd.Flag(flagConfig); f.Changed {
		files = []config.File{{Path: f.Value.String(), Required: true}}
	}
	loaded, err := config.Load(config.Sources{Files: files, Env: c.environ, Flags: keyFlags(cmd)})
	if err != nil {
		return loaded, configError{err}
	}
	return loaded, nil
}
