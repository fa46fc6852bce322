// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/base/config"
)

// printHelp writes the long text of a command or topic and, for a command, how it is used.
func printHelp(cmd *cobra.Command, _ []string) {
	text := strings.TrimRight(cmd.Long, "\n") + "\n"
	if !cmd.IsAdditionalHelpTopicCommand() {
		text += "\n" + cmd.UsageString()
	}
	fmt.Fprint(cmd.OutOrStdout(), text)
}

// printUsage writes what follows the long text in the help of a command.
func printUsage(cmd *cobra.Command) error {
	var b strings.Builder
	b.WriteString("Usage:\n")
	for _, line := range synopsis(cmd) {
		b.WriteString("  " + line + "\n")
	}
	if cmd.HasExample() {
		b.WriteString("\nExamples:\n" + strings.TrimRight(cmd.Example, "\n") + "\n")
	}
	listCommands(&b, cmd)
	if cmd.HasAvailableLocalFlags() {
		b.WriteString("\nFlags:\n" + cmd.LocalFlags().FlagUsages())
	}
	if cmd.HasAvailableInheritedFlags() {
		b.WriteString("\nFlags of all commands:\n" + cmd.InheritedFlags().FlagUsages())
	}
	if !cmd.HasParent() {
		b.WriteString("\nMore help:\n" +
			"  pw COMMAND --help        about a command\n")
		for _, topic := range cmd.Commands() {
			if topic.IsAdditionalHelpTopicCommand() {
				fmt.Fprintf(&b, "  %-23s  %s\n", "pw help "+topic.Name(), topic.Short)
			}
		}
	}
	_, err := fmt.Fprint(cmd.OutOrStdout(), b.String())
	return err
}

// synopsis are the ways to call a command.
func synopsis(cmd *cobra.Command) []string {
	if !cmd.HasAvailableSubCommands() {
		return []string{cmd.UseLine()}
	}
	lines := []string{cmd.CommandPath() + " COMMAND [flags]"}
	if cmd.Annotations[runsAlone] != "" {
		lines = append([]string{cmd.UseLine()}, lines...)
	}
	return lines
}

// runsAlone is the annotation of a command that holds others and does something itself.
const runsAlone = "runs-alone"

func listCommands(b *strings.Builder, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	width := 0
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() {
			width = max(width, len(child.Name()))
		}
	}
	list := func(title, group string) {
		heading := "\n" + title + "\n"
		for _, child := range cmd.Commands() {
			if child.IsAvailableCommand() && child.GroupID == group {
				fmt.Fprintf(b, "%s  %-*s  %s\n", heading, width, child.Name(), child.Short)
				heading = ""
			}
		}
	}
	for _, g := range cmd.Groups() {
		list(g.Title, g.ID)
	}
	if len(cmd.Groups()) == 0 {
		list("Commands:", "")
	} else {
		list("Other commands:", "")
	}
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND…|TOPIC]",
		Short: "Explain a command or a topic",
		Long:  `Prints what "pw COMMAND --help" prints, and the topics that "pw help" lists at its end.`,
		Example: `  pw help config check
  pw help config-flags`,
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return unknownCommand(about, rest[0])
			}
			return about.Help()
		},
		ValidArgsFunction:     completeCommands,
		DisableFlagsInUseLine: true,
	}
}

func completeCommands(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	about, rest, err := cmd.Root().Find(args)
	var out []cobra.Completion
	if err == nil && len(rest) == 0 {
		for _, child := range about.Commands() {
			if !child.Hidden && strings.HasPrefix(child.Name(), typed) {
				out = append(out, cobra.CompletionWithDesc(child.Name(), child.Short))
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func newConfigFlagsTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString(`Every key of patchwork.toml can be set for one run by an environment variable or by
a flag of any command. Of several settings of a key the last in this order counts:
/etc/patchwork.toml, ./patchwork.toml, the file $PATCHWORK_TOML names, the variable,
the flag. --config FILE is read in place of the three files. Variables and flags take
lists with commas between the values. "pw config keys" prints a table of all keys.
`)
	for _, k := range config.Keys() {
		fmt.Fprintf(&b, "\n--%s%s\n", k.Flag(), valueHint(k))
		fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(k.Help, "\n", "\n    "))
		fmt.Fprintf(&b, "    %s, default %s; %s\n", k.Env(), shown(k.Default), k.Accepts)
	}
	return &cobra.Command{Use: "config-flags", Short: "the flag and variable of every configuration key", Long: b.String()}
}

func valueHint(k config.Key) string {
	if k.IsBool() {
		return "[=false]"
	}
	return "=VALUE"
}

func shown(value string) string {
	if value == "" {
		return "empty"
	}
	return value
}

func newExitStatusTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-status", Short: "what the exit codes mean", Long: exitStatus}
}

const exitStatus = `pw ends with a code of sysexits.h, which mail servers understand:

    0    done
    1    a check ("pw db check", "pw db sync --check", "pw ingress reparse", "pw doctor") found something to be done
   64    wrong usage: an unknown command or flag, a missing argument
   65    what was given is invalid or too large
   66    what was named does not exist
   70    an error of pw itself
   73    it contradicts what is there already
   75    something does not answer now, such as the database; try again
   77    not allowed
   78    the configuration has mistakes
  130    interrupted at a prompt
`
