// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// Groups of commands in the help of pw; those without a command are left out.
const (
	groupServe = "serve"
	groupData  = "data"
	groupSetup = "setup"
)

// newRoot builds the whole command line anew.
func newRoot(c *cli) *cobra.Command {
	root := &cobra.Command{
		Use:     "pw",
		Version: versionLine(),
		Short:   "Keep track of the patches sent to a mailing list",
		Long: `Patchwork keeps track of the patches sent to a mailing list: it takes every mail,
finds patches, series, cover letters, replies and tags in it, and shows on the web
what became of them.

It needs one configuration file at most ("pw config" prints it with comments) and
one database: a SQLite file, PostgreSQL or MariaDB.`,
		Example: `  # a site in this directory, at http://127.0.0.1:8080/; it says what comes next
  pw serve

  # write the configuration, edit it, look for mistakes
  pw config > patchwork.toml
  pw config check

  # a database on a server: asks for its parts and prints the line for the file
  pw config url`,
		SilenceErrors: true, // cli.run prints them
		SilenceUsage:  true,
	}
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetHelpFunc(printHelp)
	root.SetUsageFunc(printUsage)
	root.SetFlagErrorFunc(flagError)
	addGlobalFlags(root)

	root.AddCommand(newServe(c))
	root.AddCommand(newHTTP(c))
	root.AddCommand(newWorker(c))
	root.AddCommand(newIngress(c))
	root.AddCommand(newMbox(c))
	root.AddCommand(newMail(c))
	root.AddCommand(newJob(c))
	root.AddCommand(newDB(c))
	root.AddCommand(newDoctor(c))
	root.AddCommand(newAdmin(c))
	root.AddCommand(newConfig(c))
	root.AddCommand(newMan(c))
	root.AddCommand(newConfigFlagsTopic())
	root.AddCommand(newExitStatusTopic())

	c.finish(root)
	addCompletion(root)
	root.SetHelpCommand(newHelp())
	root.InitDefaultHelpCmd()
	addGroups(root)
	return root
}

func addGroups(root *cobra.Command) {
	used := map[string]bool{}
	for _, cmd := range root.Commands() {
		used[cmd.GroupID] = true
	}
	for _, g := range []cobra.Group{{ID: groupServe, Title: "Run:"}, {ID: groupData, Title: "Data:"}, {ID: groupSetup, Title: "Set up:"}} {
		if used[g.ID] {
			root.AddGroup(&g)
		}
	}
}

// finish gives a command and all below it what cobra leaves open: a command that only holds others lists them and refuses what is
// none of them, no command takes arguments it has not declared, and cli learns when one begins.
func (c *cli) finish(cmd *cobra.Command) {
	for _, child := range cmd.Commands() {
		c.finish(child)
	}
	cmd.DisableFlagsInUseLine = true // cobra writes [flags] even where only the flags of all commands are
	// These are its own as yet: cobra adds its parents' when it is run. LocalNonPersistentFlags adds them at once, a third of what making all commands takes.
	if cmd.Flags().HasAvailableFlags() {
		cmd.Use += " [flags]"
	}
	run := cmd.RunE
	switch {
	case run != nil:
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			c.started = true
			return run(cmd, args)
		}
		if cmd.Args == nil {
			cmd.Args = noArgs
		}
	case cmd.HasSubCommands():
		cmd.Args = noArgs
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	default:
		return // a help topic
	}
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
}

func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.HasSubCommands():
		return unknownCommand(cmd, args[0])
	}
	return fmt.Errorf("%q takes no argument such as %q", cmd.CommandPath(), args[0])
}

// exactArgs is cobra.ExactArgs with an error that shows how to call the command.
func exactArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return fmt.Errorf("wrong number of arguments; write %q", cmd.UseLine())
	}
}

func unknownCommand(cmd *cobra.Command, name string) error {
	cmd.SuggestionsMinimumDistance = 2
	hint := ""
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		hint = fmt.Sprintf("; did you mean %q?", near[0])
	}
	return fmt.Errorf("%q has no command %q%s", cmd.CommandPath(), name, hint)
}

// flagError tells of the misspelt command rather than of a flag that only the right command would know.
func flagError(cmd *cobra.Command, err error) error {
	if args := cmd.Flags().Args(); len(args) > 0 && cmd.HasSubCommands() {
		return unknownCommand(cmd, args[0])
	}
	return err
}
