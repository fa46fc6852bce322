// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
)

func newDoctor(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "doctor",
		GroupID: groupSetup,
		Short:   "Look whether the site is well",
		Long: `Asks the database, the queue of jobs, the clock, the disk and the configuration how they
are, and says what to do about what is not right. A note is worth knowing; a problem
keeps something from working until somebody acts.

The exit code is 0 if there is no problem, else 1.`,
		Example: `  pw doctor
  pw doctor --json`,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := c.loadConfig(cmd)
		if err != nil {
			return err
		}
		if err := missingFile(cfg); err != nil {
			return err
		}
		a, err := app.OpenDatabase(cmd.Context(), cfg) // whatever its schema: that is one of the checks
		var found []app.Diagnosis
		switch {
		case fault.Is(err, fault.Unavailable):
			found = app.Unopened(err)
		case err != nil:
			return err
		default:
			defer a.Close()
			found = a.Diagnose(cmd.Context(), false)
		}
		print := c.printDiagnoses
		if *asJSON {
			print = func(found []app.Diagnosis) error { return printRows(c.out, true, diagnosisColumns, found) }
		}
		if err := print(found); err != nil {
			return err
		}
		return problems(found)
	}
	return cmd
}

var diagnosisColumns = []column[app.Diagnosis]{
	{"check", true, func(d app.Diagnosis) any { return d.Check }},
	{"level", true, func(d app.Diagnosis) any { return d.Level }},
	{"text", true, func(d app.Diagnosis) any { return d.Text }},
	{"remedy", true, func(d app.Diagnosis) any { return d.Remedy }},
}

// printDiagnoses writes a paragraph per check.
func (c *cli) printDiagnoses(found []app.Diagnosis) error {
	var b strings.Builder
	for _, d := range found {
		const indent = 26
		fmt.Fprintf(&b, "%-8s  %-15s %s\n", d.Level, d.Check, lines(d.Text, indent))
		if d.Remedy != "" {
			fmt.Fprintf(&b, "%*s→ %s\n", indent, "", cell(d.Remedy))
		}
	}
	_, err := io.WriteString(c.out, b.String())
	return err
}

func problems(found []app.Diagnosis) error {
	n := 0
	for _, d := range found {
		if d.Level == app.Problem {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return finding{fault.New(fault.Conflict, "%s of %s", count(n, "problem", "problems"), count(len(found), "check", "checks"))}
}
