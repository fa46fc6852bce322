// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/legacy/django"
)

func newDBMigrate(c *cli) *cobra.Command {
	var opt django.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "migrate --from URL",
		Short: "Import the database of a Django Patchwork",
		Long: `Imports all that the database of a Django Patchwork holds into a new one: users with
their passwords and API tokens, projects, patches, series, comments, checks, bundles
and events, with their numbers, so that links and scripts go on working. The old
database is only read; today it must be a SQLite file, of Patchwork 3.0 or newer.

The database that database.url names must be new: "pw db sync" makes it. Either all is
imported or, after an error or an interrupt, nothing. Let no other pw run meanwhile.

Patchwork stores dates of mails in UTC, but those of events, checks and accounts in its
own time zone, which the database does not tell: --time-zone is the TIME_ZONE of the
old site's settings.py. Patchwork itself comes with Australia/Canberra.`,
		Example: `  # a new database, and a look whether all of the old one can be imported
  pw db sync
  pw db migrate --from sqlite:///srv/patchwork/old.db --time-zone Europe/Berlin --dry-run

  # everything into it
  pw db migrate --from sqlite:///srv/patchwork/old.db --time-zone Europe/Berlin`,
	}
	cmd.Flags().StringVar(&opt.From, "from", "", "the old database: sqlite:///PATH")
	cmd.Flags().StringVar(&opt.TimeZone, "time-zone", "UTC", "TIME_ZONE of the old site")
	cmd.Flags().BoolVar(&opt.DryRun, "dry-run", false, "read and check everything, write nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if opt.From == "" {
			return fault.New(fault.Invalid, "--from is missing: the old database, as sqlite:///srv/patchwork/old.db")
		}
		cfg, err := c.loadConfig(cmd)
		if err != nil {
			return err
		}
		start := time.Now()
		sum, err := c.migrate(cmd.Context(), cfg, opt)
		if err != nil {
			return err
		}
		return c.printMigrated(sum, opt.DryRun, time.Since(start), asJSON)
	}
	return cmd
}

func (c *cli) migrate(ctx context.Context, cfg *config.Config, opt django.Options) (django.Summary, error) {
	a, err := openSite(ctx, cfg)
	if err != nil {
		return django.Summary{}, err
	}
	defer a.Close()
	bar := c.rowsBar()
	opt.Progress = func(what string, done, total int64) {
		bar.ChangeMax64(max(total, 1))
		bar.Describe(what)
		bar.Set64(done)
	}
	sum, err := django.Import(ctx, a.DB, account.CLI, a.Clock.Now(), opt)
	bar.Exit()
	return sum, err
}

// rowsBar is a bar of the rows read; nothing when nobody looks at it.
func (c *cli) rowsBar() *progressbar.ProgressBar {
	visible := false
	if f, ok := c.err.(*os.File); ok {
		visible = term.IsTerminal(int(f.Fd()))
	}
	return progressbar.NewOptions64(1, progressbar.OptionSetWriter(c.err), progressbar.OptionSetVisibility(visible), progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true), progressbar.OptionUseANSICodes(true),
		progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
}

func (c *cli) printMigrated(sum django.Summary, dryRun bool, took time.Duration, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(c.out).Encode(migratedJSON(sum, dryRun, took))
	}
	verb := "imported"
	if dryRun {
		verb = "would import"
	}
	fmt.Fprintf(c.out, "%s from %s, Patchwork %s, in %s\n", verb, sum.Source, sum.Version, took.Round(time.Millisecond))
	for _, n := range sum.Imported {
		fmt.Fprintf(c.out, "%8d  %s\n", n.Rows, n.What)
	}
	if len(sum.LeftOut) > 0 {
		fmt.Fprintln(c.out, "left out")
	}
	for _, l := range sum.LeftOut {
		rows := "?"
		if l.Rows >= 0 {
			rows = fmt.Sprint(l.Rows)
		}
		fmt.Fprintf(c.out, "%8s  %-20s %s\n", rows, cell(l.Table), l.Why)
	}
	for _, note := range sum.Notes {
		fmt.Fprintln(c.out, "note: "+cell(note))
	}
	return nil
}

func migratedJSON(sum django.Summary, dryRun bool, took time.Duration) map[string]any {
	imported, left := map[string]int64{}, map[string]any{}
	for _, n := range sum.Imported {
		imported[n.Table] = n.Rows
	}
	for _, l := range sum.LeftOut {
		left[l.Table] = nil
		if l.Rows >= 0 {
			left[l.Table] = l.Rows
		}
	}
	notes := sum.Notes
	if notes == nil {
		notes = []string{}
	}
	return map[string]any{"source": sum.Source, "version": sum.Version, "dry_run": dryRun, "imported": imported, "left_out": left, "notes": notes, "seconds": took.Seconds()}
}
