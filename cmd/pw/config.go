// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/base/config"
)

func newConfig(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:         "config",
		GroupID:     groupSetup,
		Annotations: map[string]string{runsAlone: "yes"},
		Short:       "Print, check and help to write the configuration",
		Long: `Prints a complete patchwork.toml with all keys, their defaults and a comment on each.
"pw config print" does the same.`,
		Example: `  # begin a configuration
  pw config > patchwork.toml

  # what counts now, and where each value comes from
  pw config --current`,
		Args: noArgs,
	}
	cmd.RunE = printConfig(c, cmd)
	cmd.AddCommand(newConfigPrint(c), newConfigCheck(c), newConfigKeys(c), newConfigURL(c))
	return cmd
}

func newConfigPrint(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "print",
		Short: "Print a complete, commented patchwork.toml",
		Long: `Prints a complete patchwork.toml with all keys and a comment on each: their defaults, or
with --current the values that count after all files, variables and flags have been
read, and where each comes from. Passwords are not printed; REDACTED stands for them.`,
		Example: `  pw config print > patchwork.toml

  # where does this value come from?
  pw config print --current | grep -B1 '^listen'`,
		Args: noArgs,
	}
	cmd.RunE = printConfig(c, cmd)
	return cmd
}

func printConfig(c *cli, cmd *cobra.Command) func(*cobra.Command, []string) error {
	current := cmd.Flags().Bool("current", false, "print the values in force and where they come from")
	return func(cmd *cobra.Command, _ []string) error {
		if !*current {
			return config.Print(c.out, config.Default(), config.PrintOptions{})
		}
		loaded, err := c.load(cmd, c.files)
		if err != nil {
			return err
		}
		return config.Print(c.out, loaded.Config, config.PrintOptions{Origin: loaded.Origin})
	}
}

func newConfigCheck(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE…]",
		Short: "Look for mistakes in the configuration",
		Long: `Reads the configuration as every command does, tells which files it has read and
reports all mistakes with file and line. With arguments it reads these files in
place of the usual ones. Environment variables and flags count too.

The database and the network are not touched. Warnings do not change the exit code;
mistakes end it with 78.`,
		Example: `  pw config check
  pw config check new.toml && mv new.toml /etc/patchwork.toml`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: tomlFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			files := c.files
			if len(args) > 0 {
				files = nil
				for _, path := range args {
					files = append(files, config.File{Path: path, Required: true})
				}
			}
			return checkConfig(c, cmd, files)
		},
	}
}

func tomlFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"toml"}, cobra.ShellCompDirectiveFilterFileExt
}

func checkConfig(c *cli, cmd *cobra.Command, files []config.File) error {
	loaded, err := c.load(cmd, files)
	if len(loaded.Files) == 0 {
		fmt.Fprintln(c.out, "no file read")
	}
	for _, path := range loaded.Files {
		fmt.Fprintln(c.out, "read "+path)
	}
	elsewhere(c.out, loaded.Origin)
	if err != nil {
		return err
	}
	for _, w := range loaded.Config.Warnings() {
		fmt.Fprintln(c.out, "warning: "+w)
	}
	_, err = fmt.Fprintf(c.out, "%s; no mistakes\n", count(len(loaded.Origin), "key is set", "keys are set"))
	return err
}

// elsewhere lists what variables and flags set, because a forgotten one is hard to find.
func elsewhere(w io.Writer, origin map[string]string) {
	var set []string
	for _, o := range origin {
		if !strings.Contains(o, ":") {
			set = append(set, o)
		}
	}
	slices.Sort(set)
	for _, o := range set {
		fmt.Fprintln(w, "set by "+o)
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func newConfigKeys(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "List all keys with their variables, flags and defaults",
		Long: `Lists all keys of the configuration, the environment variable and the flag of each,
and its default. With --json also what it accepts and its explanation.`,
		Example: `  pw config keys
  pw config keys --json | jq -r '.[].env'`,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		header := []string{"key", "env", "flag", "default"}
		if *asJSON {
			header = append(header, "accepts", "secret", "help")
		}
		var rows [][]any
		for _, k := range config.Keys() {
			row := []any{k.Name, k.Env(), "--" + k.Flag(), k.Default}
			if *asJSON {
				row = append(row, k.Accepts, k.Secret, strings.ReplaceAll(k.Help, "\n", " "))
			}
			rows = append(rows, row)
		}
		return printList(c.out, *asJSON, header, rows)
	}
	return cmd
}
