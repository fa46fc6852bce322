// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/patch"
)

func newDBCheck(c *cli) *cobra.Command {
	var repair bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look for rows that are not as they must be",
		Long: `Compares what is kept for speed, such as counts of patches and tags, with what it is made
from, and looks for rows that have lost their counterpart. It reads whole tables.

With --repair what is kept for speed is computed anew. What can't be repaired is a sign
of a damaged database or of a bug in pw: restore a backup or report it.

The exit code is 0 if nothing was found or all of it is repaired, else 1.`,
		Example: `  pw db check
  pw db check --repair`,
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "compute anew what can be")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := c.loadConfig(cmd)
		if err != nil {
			return err
		}
		found, err := c.check(cmd.Context(), cfg, repair)
		if err != nil {
			return err
		}
		if len(found) == 0 && !*asJSON {
			_, err = fmt.Fprintf(c.out, "%s: nothing is wrong\n", called(cfg))
			return err
		}
		if err := printRows(c.out, *asJSON, findingColumns, found); err != nil {
			return err
		}
		return unrepaired(found)
	}
	return cmd
}

var findingColumns = []column[patch.Finding]{
	{"rows", true, func(f patch.Finding) any { return f.Rows }},
	{"outcome", true, func(f patch.Finding) any { return outcomeOf(f) }},
	{"finding", true, func(f patch.Finding) any { return f.What }},
}

func outcomeOf(f patch.Finding) string {
	switch {
	case f.Repaired:
		return "repaired"
	case f.Repairable:
		return "can be repaired"
	}
	return "can't be repaired"
}

func (c *cli) check(ctx context.Context, cfg *config.Config, repair bool) ([]patch.Finding, error) {
	if err := missingFile(cfg); err != nil {
		return nil, err
	}
	a, err := app.OpenDatabase(ctx, cfg) // not app.Open: a check must not migrate, whatever database.auto-sync says
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if err := schema.Require(ctx, a.DB); err != nil {
		return nil, err
	}
	step, done := c.steps()
	defer done()
	return a.Check(ctx, repair, step)
}

// steps shows at a terminal what is being looked for, on one line.
func (c *cli) steps() (step func(string), done func()) {
	if f, ok := c.err.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return func(string) {}, func() {}
	}
	const start = "\r\x1b[K" // and clear the line
	return func(what string) { fmt.Fprint(c.err, start+"looking for "+what) }, func() { fmt.Fprint(c.err, start) }
}

func unrepaired(found []patch.Finding) error {
	var repairable, lost int
	for _, f := range found {
		switch {
		case f.Repaired:
		case f.Repairable:
			repairable++
		default:
			lost++
		}
	}
	switch {
	case repairable > 0:
		return finding{fault.New(fault.Conflict, "%s of %d can be repaired: run `pw db check --repair`", count(repairable, "finding", "findings"), len(found))}
	case lost > 0:
		return finding{fault.New(fault.Conflict, "%s can't be repaired: restore a backup, or report it with this table", count(lost, "finding", "findings"))}
	}
	return nil
}
