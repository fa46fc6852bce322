// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/base/config"
)

const flagConfig = "config"

// addGlobalFlags declares --config and a flag for every key of the configuration. Only -S is listed in the help of commands; the others
// have a page of their own.
func addGlobalFlags(root *cobra.Command) {
	root.Flags().Bool("version", false, "print the version")
	flags := root.PersistentFlags()
	flags.BoolP("help", "h", false, "explain the command")
	flags.String(flagConfig, "", "read `FILE` instead of the usual configuration files")
	_ = root.MarkPersistentFlagFilename(flagConfig, "toml") // fails only for a flag that does not exist
	for _, k := range config.Keys() {
		short, usage := "", k.Name
		if k.Name == "syslog" {
			short, usage = "S", "log to syslog, unless stderr is a terminal"
		}
		f := flags.VarPF(&keyFlag{key: k}, k.Flag(), short, usage)
		f.Hidden = k.Name != "syslog"
		if k.IsBool() {
			f.NoOptDefVal = "true"
		}
	}
}

// keyFlag holds the text of one key's flag until config.Load reads it. A list may be given in several flags.
type keyFlag struct {
	key  config.Key
	text string
	set  bool
}

// String is the text given so far.
func (f *keyFlag) String() string { return f.text }

// Type is what the help shows for the value.
func (f *keyFlag) Type() string {
	if f.key.IsBool() {
		return "bool"
	}
	return "value"
}

// Set takes the flag's value.
func (f *keyFlag) Set(s string) error {
	if f.set && f.key.IsList() {
		s = f.text + "," + s
	}
	f.text, f.set = s, true
	return nil
}

// keyFlags are the flags given on the command line, by key.
func keyFlags(cmd *cobra.Command) map[string]string {
	given := map[string]string{}
	for _, k := range config.Keys() {
		if f := cmd.Flag(k.Flag()); f != nil && f.Changed {
			given[k.Name] = f.Value.String()
		}
	}
	return given
}
