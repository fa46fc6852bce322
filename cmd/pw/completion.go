// SPDX-License-Identifier: GPL-2.0-or-later

package main

import "github.com/spf13/cobra"

// addCompletion adds cobra's completion command with texts of our own.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	texts := map[string]struct{ long, example string }{
		"completion": {`Prints a script that lets the shell complete commands, flags and file names of pw.`,
			`  pw completion bash > /etc/bash_completion.d/pw`},
		"bash": {`Prints the script for bash. It needs the package bash-completion.`,
			`  # for all users, from their next login on
  pw completion bash > /etc/bash_completion.d/pw

  # for this shell only
  source <(pw completion bash)`},
		"zsh": {`Prints the script for zsh. Completion must be on: "autoload -U compinit; compinit"
in ~/.zshrc does that.`,
			`  pw completion zsh > /usr/local/share/zsh/site-functions/_pw`},
		"fish": {`Prints the script for fish.`,
			`  pw completion fish > ~/.config/fish/completions/pw.fish`},
		"powershell": {`Prints the script for PowerShell.`,
			`  pw completion powershell > pw.ps1`},
	}
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.Short = "Print a completion script for your shell"
		cmd.Long, cmd.Example, cmd.GroupID = texts["completion"].long, texts["completion"].example, groupSetup
		cmd.DisableFlagsInUseLine = true
		cmd.Args, cmd.RunE = noArgs, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		for _, shell := range cmd.Commands() {
			shell.DisableFlagsInUseLine = true
			shell.Short = "Print the script for " + shell.Name()
			shell.Long, shell.Example = texts[shell.Name()].long, texts[shell.Name()].example
		}
	}
}
