// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/project"
)

// chosen are the flags that narrow down which stored mails a command is about.
type chosen struct {
	outcomes                       []string
	project, listID, since, reason string
}

func (f *chosen) addTo(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.outcomes, "outcome", nil, "only mails with these outcomes: `WORD,…`")
	cmd.Flags().StringVar(&f.project, "project", "", "only mails of the project with this link `NAME`")
	cmd.Flags().StringVar(&f.listID, "list-id", "", "only mails that were given for the list with this `ID`, or whose reason names it")
	cmd.Flags().StringVar(&f.since, "since", "", "only mails received since this `DATE`: 2026-07-13, 2026-07-13T08:30:00Z, or 36h ago")
}

func (f *chosen) addReason(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.reason, "reason", "", "only mails whose reason holds this `TEXT`")
}

// search is what the flags say.
func (f *chosen) search(ctx context.Context, a *app.App) (mailstore.Search, error) {
	s := mailstore.Search{Among: mailstore.Among{Outcomes: f.outcomes}, ListID: f.listID, Reason: f.reason}
	for _, o := range f.outcomes {
		if _, known := meaning[o]; !known {
			words := slices.Sorted(maps.Keys(meaning))
			return s, fault.New(fault.Invalid, "no mail has the outcome %q; there are: %s", o, strings.Join(words, ", "))
		}
	}
	var err error
	if s.Since, err = since(f.since, a.Clock.Now()); err != nil {
		return s, err
	}
	if f.project != "" {
		p, err := project.ByLinkname(ctx, a.DB, f.project)
		if err != nil {
			return s, err
		}
		s.Project = p.ID
	}
	return s, nil
}

// since reads a point in time, or how long ago it was; empty is 0.
func since(text string, now clock.Time) (clock.Time, error) {
	if text == "" {
		return 0, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", time.DateTime} {
		if t, err := time.Parse(layout, text); err == nil {
			return clock.FromTime(t), nil
		}
	}
	return 0, fault.New(fault.Invalid, "%q is no date: write 2026-07-13, 2026-07-13T08:30:00Z, or how long ago, such as 36h", text)
}

func newIngressList(c *cli) *cobra.Command {
	var f chosen
	var limit int
	var before int64
	var summary bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what was received, what became of it, and why",
		Long: `Lists the mails that were received, the newest first: what became of each, and why.

Outcomes are patch, cover, comment, pending (a reply whose parent is not here yet), duplicate,
ignored, unrouted (no project for its list), broken, deleted and dropped.

When there are more mails than --limit, the last line says how to go on. A search for a reason or
a list looks at 50,000 mails at a time. --summary counts the mails per outcome instead.`,
		Example: `  pw ingress list --outcome broken,unrouted
  pw ingress list --project erofs --since 48h
  pw ingress list --reason "List-Id" --limit 500 --json
  pw ingress list --summary --project erofs`,
	}
	f.addTo(cmd)
	f.addReason(cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this `NUMBER` of mails")
	cmd.Flags().Int64Var(&before, "before", 0, "only mails with a lower `NUMBER`: the next page")
	cmd.Flags().BoolVar(&summary, "summary", false, "count the mails per outcome")
	cmd.MarkFlagsMutuallyExclusive("summary", "reason")
	cmd.MarkFlagsMutuallyExclusive("summary", "list-id")
	cmd.MarkFlagsMutuallyExclusive("summary", "before")
	asJSON := jsonFlag(cmd)
	cmd.RunE = c.onSite(func(ctx context.Context, a *app.App, args []string) error {
		s, err := f.search(ctx, a)
		if err != nil {
			return err
		}
		if limit < 1 || limit > 10_000 {
			return fault.New(fault.Invalid, "--limit must be from 1 to 10000")
		}
		if summary {
			return c.printTotals(ctx, a, s.Among, *asJSON)
		}
		s.Down, s.From, s.Limit = true, before, limit
		return c.printMails(ctx, a, s, *asJSON)
	})
	return cmd
}

func (c *cli) printTotals(ctx context.Context, a *app.App, s mailstore.Among, asJSON bool) error {
	totals, err := mailstore.Totals(ctx, a.DB, s)
	if err != nil {
		return err
	}
	kinds := slices.SortedFunc(maps.Keys(totals), func(x, y string) int { return cmp.Or(cmp.Compare(totals[y], totals[x]), cmp.Compare(x, y)) })
	var rows [][]any
	for _, k := range kinds {
		rows = append(rows, []any{k, totals[k], meaning[k]})
	}
	return printList(c.out, asJSON, []string{"outcome", "mails", "meaning"}, rows)
}

// mailColumns are the columns of a delivery; names are those of projects by id.
func mailColumns(names map[int64]string) []column[mailstore.Mail] {
	return []column[mailstore.Mail]{
		{"mail", true, func(m mailstore.Mail) any { return m.ID }},
		{"received_at", true, func(m mailstore.Mail) any { return m.ReceivedAt }},
		{"outcome", true, func(m mailstore.Mail) any { return m.Outcome }},
		{"size", true, func(m mailstore.Mail) any { return m.Size }},
		{"via", true, func(m mailstore.Mail) any { return m.Via }},
		{"project", true, func(m mailstore.Mail) any { return names[m.Project] }},
		{"list_id", false, func(m mailstore.Mail) any { return m.ListID }},
		{"message_id", true, func(m mailstore.Mail) any { return m.MsgID }},
		{"sha256", false, func(m mailstore.Mail) any { return fmt.Sprintf("%x", m.SHA256) }},
		{"reason", true, func(m mailstore.Mail) any { return m.Reason }},
	}
}

func (c *cli) printMails(ctx context.Context, a *app.App, s mailstore.Search, asJSON bool) error {
	found, err := mailstore.Find(ctx, a.DB, s)
	if err != nil {
		return err
	}
	names, err := linknames(ctx, a)
	if err != nil {
		return err
	}
	if err := printRows(c.out, asJSON, mailColumns(names), found.Mails); err != nil {
		return err
	}
	if found.More != 0 {
		fmt.Fprintf(c.err, "pw: there are older mails: go on with --before %d\n", found.More)
	}
	return nil
}

// linknames is how projects are called, by id.
func linknames(ctx context.Context, a *app.App) (map[int64]string, error) {
	all, err := project.All(ctx, a.DB)
	names := map[int64]string{}
	for _, p := range all {
		names[p.ID] = p.Linkname
	}
	return names, err
}
