// SPDX-License-Identifier: GPL-2.0-or-later

// Command pw is Patchwork: it keeps track of the patches that are sent to mailing lists, in one binary.
//
// This package holds the command line, one file per command: flags, prompts, output, exit codes. It owns no table and decides nothing
// about the domains; a command parses its arguments, makes one core call and prints the outcome.
//
//	func newDB(c *cli) *cobra.Command {
//		cmd := &cobra.Command{Use: "db", GroupID: groupData, Short: "…", Long: `…`, Example: `…`}
//		cmd.AddCommand(newDBSync(c)) // a command without RunE lists its commands
//		return cmd
//	}
//
// and one line in newRoot. A test wants a long text and a working example from each command.
package main
