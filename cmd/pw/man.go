// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"patchwork.example/pw/internal/base/config"
)

func newMan(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		GroupID: groupSetup,
		Short:   "Write the manual pages",
		Long: `Writes a manual page for each command, such as pw-config-check.1, and patchwork.toml.5
into a directory, which is made if need be.`,
		Example: `  pw man /usr/local/share/man/man1
  pw man man && man -l man/pw.1`,
		Args: exactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := writeManual(cmd.Root(), args[0])
			if err != nil {
				return fmt.Errorf("write the manual pages: %w", err)
			}
			_, err = fmt.Fprintf(c.out, "%d pages in %s\n", n, args[0])
			return err
		},
	}
}

func writeManual(root *cobra.Command, dir string) (pages int, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	write := func(name, text string) error {
		pages++
		return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)
	}
	var walk func(cmd *cobra.Command) error
	walk = func(cmd *cobra.Command) error {
		if cmd.Hidden || cmd.IsAdditionalHelpTopicCommand() {
			return nil
		}
		if err := write(manName(cmd)+".1", commandPage(cmd)); err != nil {
			return err
		}
		for _, child := range cmd.Commands() {
			if err := walk(child); err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(root); err != nil {
		return pages, err
	}
	err = write("patchwork.toml.5", configPage(root.Version))
	return pages, err
}

func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

func commandPage(cmd *cobra.Command) string {
	p := newPage(manName(cmd), "1", cmd.Root().Version, cmd.Short)
	p.section("SYNOPSIS")
	for _, line := range synopsis(cmd) {
		p.request(".B", line)
		p.raw(".br")
	}
	p.section("DESCRIPTION")
	p.text(cmd.Long)
	if cmd.HasAvailableSubCommands() {
		p.section("COMMANDS")
		for _, child := range cmd.Commands() {
			if child.IsAvailableCommand() {
				p.item(manName(child)+"(1)", child.Short)
			}
		}
	}
	p.flags("OPTIONS", cmd.NonInheritedFlags())
	p.flags("OPTIONS OF ALL COMMANDS", cmd.InheritedFlags())
	p.text("Every key of patchwork.toml(5) is an option too: --http-listen for http.listen.")
	if cmd.HasExample() {
		p.section("EXAMPLES")
		p.block(cmd.Example)
	}
	if !cmd.HasParent() {
		p.section("EXIT STATUS")
		p.text(exitStatus)
		p.section("FILES")
		for _, f := range config.StandardFiles(nil) {
			p.item(f.Path, "configuration, see patchwork.toml(5)")
		}
	}
	p.seeAlso(cmd)
	return p.String()
}

func configPage(version string) string {
	p := newPage("patchwork.toml", "5", version, "configuration of Patchwork")
	p.section("DESCRIPTION")
	p.text(`Patchwork reads /etc/patchwork.toml, then patchwork.toml in the working directory, then the file that the environment variable ` +
		config.FileVariable + ` names. Later files win over earlier ones, environment variables over files, flags over all. ` +
		`A key that is not known is a mistake, which is reported with file and line.` + "\n\n" +
		`pw-config(1) prints a complete file with all defaults, pw-config-check(1) finds mistakes.`)
	p.section("KEYS")
	for _, k := range config.Keys() {
		p.item(k.Name, strings.ReplaceAll(k.Help, "\n", " "))
		p.raw(".br")
		p.request("", fmt.Sprintf("%s, --%s; default %s; %s.", k.Env(), k.Flag(), shown(k.Default), k.Accepts))
	}
	p.section("EXAMPLE")
	p.block("[database]\nurl = \"postgres:///patchwork?host=/run/postgresql\"\n\n[http]\nbase-url = \"https://patchwork.example.org\"\n")
	p.section("SEE ALSO")
	p.request("", "pw(1), pw-config(1), pw-config-check(1)")
	return p.String()
}

func (p *page) flags(title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	p.section(title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + value
		}
		p.item(name, usage)
	})
}

func (p *page) seeAlso(cmd *cobra.Command) {
	p.section("SEE ALSO")
	var names []string
	if cmd.HasParent() {
		names = append(names, manName(cmd.Parent())+"(1)")
	}
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() {
			names = append(names, manName(child)+"(1)")
		}
	}
	p.request("", strings.Join(append(names, "patchwork.toml(5)"), ", "))
}
