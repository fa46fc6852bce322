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
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(c.err, "pw: "+strings.TrimRight(line, "\n"))
	}
	if c.started {
		return exitCode(err)
	}
	fmt.Fprintf(c.err, "Run '%s --help' for usage.\n", cmd.CommandPath())
	return exitUsage
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
