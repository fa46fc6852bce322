// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
)

func newAdminSeries(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "series",
		Short: "Show series, and repair which patches they hold",
		Long: `Which patches were sent together is found by references, numbers and time, and that can fail. These
commands put it right: patches keep their numbers (ids), states, checks and comments, the totals and
tags that lists show follow, and mails that come later follow the repaired series.

A series is named by its number, as in /series/NUMBER/. With --dry-run a command says what it would
do and changes nothing.`,
		Example: `  pw admin series show 17
  pw admin series merge 17 18
  pw admin series split 17 --number 4,5
  pw admin series move 1234 --to 18 --number 2`,
	}
	cmd.AddCommand(newSeriesList(c), newSeriesShow(c), newSeriesMerge(c), newSeriesSplit(c), newSeriesMove(c), newSeriesReparse(c), newSeriesUnsupersede(c))
	return cmd
}

func seriesNumber(arg string) (int64, error) {
	id, err := strconv.ParseInt(arg, 10, 64)
	if err != nil || id < 1 {
		return 0, fault.New(fault.Invalid, "%q is no number of a series", arg)
	}
	return id, nil
}

func seriesColumns() []column[*patch.SeriesDetail] {
	type s = *patch.SeriesDetail
	return []column[s]{
		{"series", true, func(x s) any { return x.ID }},
		{"date", true, func(x s) any { return x.Date }},
		{"version", true, func(x s) any { return x.Version }},
		{"patches", true, func(x s) any { return x.Received }},
		{"total", true, func(x s) any { return x.Total }},
		{"submitter", true, func(x s) any { return address(account.Person{Email: x.SubmitterMail, Name: x.SubmitterName}) }},
		{"name", true, func(x s) any { return x.Name }},
		{"cover", false, func(x s) any { return orNone(x.Cover) }},
		{"cover_message_id", false, func(x s) any { return x.CoverMsgID }},
		{"previous", false, func(x s) any { return orNone(x.Previous) }},
		{"previous_by", false, func(x s) any { return x.PreviousBy.String() }},
		{"change_id", false, func(x s) any { return x.ChangeID }},
		{"base_commit", false, func(x s) any { return x.BaseCommit }},
	}
}

// dependencyColumns tell what must be applied before a series, here or not, and what comes after it: one thing to a line.
func dependencyColumns(chain patch.Chain) []column[*patch.SeriesDetail] {
	var before, after []string
	for _, v := range chain.DependsOn {
		before = append(before, seriesInWords(v))
	}
	for _, n := range chain.Missing {
		before = append(before, fmt.Sprintf("%s %s, which is not here", needWords[n.Kind], n.Value))
	}
	for _, v := range chain.Dependents {
		after = append(after, seriesInWords(v))
	}
	type s = *patch.SeriesDetail
	return []column[s]{
		{"depends_on", false, func(s) any { return strings.Join(before, "\n") }},
		{"needed_by", false, func(s) any { return strings.Join(after, "\n") }},
	}
}

func seriesInWords(v patch.Version) string {
	return strings.TrimSpace(fmt.Sprintf("series %d, v%d: %s", v.ID, v.Version, v.Name))
}

// needWords say how a mail names what it depends on.
var needWords = map[string]string{patch.NeedMessage: "mail", patch.NeedChange: "change", patch.NeedPatch: "patch-id", patch.NeedSeries: "series"}

func newSeriesList(c *cli) *cobra.Command {
	var linkname string
	var limit int
	var before int64
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the series of a project, the newest first",
		Long:  "Lists the series of a project by date, the newest first, with the numbers the other commands want.",
		Example: `  pw admin series list --project erofs
  pw admin series list --project erofs --limit 100 --before 17 --json`,
	}
	cmd.Flags().StringVar(&linkname, "project", "", "link `NAME` of the project")
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this `NUMBER` of series, up to 1000")
	cmd.Flags().Int64Var(&before, "before", 0, "go on below the series with this `NUMBER`")
	required(cmd, "project")
	return lists(c, cmd, seriesColumns(), func(ctx context.Context, a *app.App, args []string) ([]*patch.SeriesDetail, error) {
		p, err := project.ByLinkname(ctx, a.DB, linkname)
		if err != nil {
			return nil, err
		}
		if limit < 1 || limit > 1000 {
			return nil, fault.New(fault.Invalid, "--limit must be from 1 to 1000")
		}
		return patch.SeriesList(ctx, a.DB, p.ID, before, limit)
	})
}

func newSeriesShow(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show NUMBER",
		Short: "Show a series and its patches",
		Long: `Shows what is known of a series: its cover letter, what it depends on (also what is named but not
here yet), which series need it, and its patches.`,
		Example: `  pw admin series show 17`,
		Args:    exactArgs(1),
	}
	asJSON := cmd.Flags().Bool("json", false, "print the patches as a JSON array of objects")
	cmd.RunE = c.onSite(func(ctx context.Context, a *app.App, args []string) error {
		id, err := seriesNumber(args[0])
		if err != nil {
			return err
		}
		s, err := patch.ReadSeries(ctx, a.DB, id)
		if err != nil {
			return err
		}
		patches, err := patch.PatchesOf(ctx, a.DB, id)
		if err != nil {
			return err
		}
		if !*asJSON {
			chain, err := patch.ReadChain(ctx, a.DB, &s.Series)
			if err != nil {
				return err
			}
			if err := printOne(c.out, false, append(seriesColumns(), dependencyColumns(chain)...), s); err != nil {
				return err
			}
			fmt.Fprintln(c.out)
		}
		var rows [][]any
		for _, p := range patches {
			rows = append(rows, []any{p.Number, p.ID, p.State, p.MsgID, p.Name})
		}
		return printList(c.out, *asJSON, []string{"number", "patch", "state", "message_id", "name"}, rows)
	})
	return cmd
}

// repairs makes cmd a repair of series, with --dry-run.
func (c *cli) repairs(cmd *cobra.Command, verb func(ctx context.Context, a *app.App, args []string, dry bool) (patch.Repaired, error)) *cobra.Command {
	dry := cmd.Flags().Bool("dry-run", false, "say what would be done, change nothing")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		r, err := verb(ctx, a, args, *dry)
		return saidOf(r, *dry), err
	})
}

// saidOf tells what a repair did.
func saidOf(r patch.Repaired, dry bool) string {
	var parts []string
	add := func(what string, ids []int64) {
		if len(ids) > 0 {
			parts = append(parts, what+" "+strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ", "), "[]"))
		}
	}
	add("changed series", r.Changed)
	add("new series", r.Created)
	add("removed series", r.Removed)
	if len(parts) == 0 {
		parts = append(parts, "nothing to be changed")
	}
	if len(r.Events) > 0 {
		parts = append(parts, "events "+strings.Join(r.Events, ", "))
	}
	said := strings.Join(parts, "; ")
	if dry {
		said = "would do: " + said
	}
	return said
}

func newSeriesMerge(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "merge INTO FROM",
		Short: "Make one series of two",
		Long: `Moves all patches and the cover letter of the series FROM into the series INTO, with its
references, metadata and dependencies. FROM is gone then. Both must be of one project, and must
not have a patch of the same number, nor both a cover letter.

pw admin series split undoes it.`,
		Example: `  pw admin series merge 17 18
  pw admin series merge 17 18 --dry-run`,
		Args: exactArgs(2),
	}
	return c.repairs(cmd, func(ctx context.Context, a *app.App, args []string, dry bool) (patch.Repaired, error) {
		into, err := seriesNumber(args[0])
		if err != nil {
			return patch.Repaired{}, err
		}
		from, err := seriesNumber(args[1])
		if err != nil {
			return patch.Repaired{}, err
		}
		return patch.MergeSeries(ctx, a.DB, account.CLI, a.Clock.Now(), into, from, dry)
	})
}

func newSeriesSplit(c *cli) *cobra.Command {
	var what patch.Split
	cmd := &cobra.Command{
		Use:   "split SERIES",
		Short: "Take patches out of a series into a new one",
		Long: `Takes patches, named by their number in the series or by their id, and the cover letter if asked
for, out of a series into a new one. Their numbers stay. Version and total are those of the old
series unless given.`,
		Example: `  pw admin series split 17 --number 4,5
  pw admin series split 17 --patch 1234,1235 --cover --version 2 --total 2`,
		Args: exactArgs(1),
	}
	cmd.Flags().IntSliceVar(&what.Numbers, "number", nil, "`NUMBERS` of patches in the series: 4,5")
	cmd.Flags().Int64SliceVar(&what.Patches, "patch", nil, "`IDS` of patches")
	cmd.Flags().BoolVar(&what.Cover, "cover", false, "the cover letter, too")
	cmd.Flags().IntVar(&what.Version, "version", 0, "version of the new series: `NUMBER`")
	cmd.Flags().IntVar(&what.Total, "total", 0, "`NUMBER` of patches the new series should have")
	cmd.Flags().StringVar(&what.Name, "name", "", "`TEXT` the new series is called by")
	cmd.MarkFlagsOneRequired("number", "patch", "cover")
	return c.repairs(cmd, func(ctx context.Context, a *app.App, args []string, dry bool) (patch.Repaired, error) {
		id, err := seriesNumber(args[0])
		if err != nil {
			return patch.Repaired{}, err
		}
		return patch.SplitSeries(ctx, a.DB, account.CLI, a.Clock.Now(), id, what, dry)
	})
}

func newSeriesMove(c *cli) *cobra.Command {
	var to int64
	var number int
	var cover bool
	cmd := &cobra.Command{
		Use:   "move PATCH --to SERIES",
		Short: "Move a patch or a cover letter to another series or number",
		Long: `Moves a patch, named by its id, to a series, which may be its own, under a number. With --cover
the id is that of a cover letter. A series that has nothing left is gone then.`,
		Example: `  pw admin series move 1234 --to 18 --number 2
  pw admin series move 99 --cover --to 18`,
		Args: exactArgs(1),
	}
	cmd.Flags().Int64Var(&to, "to", 0, "`NUMBER` of the series")
	cmd.Flags().IntVar(&number, "number", 0, "`NUMBER` of the patch in the series; else it keeps its own")
	cmd.Flags().BoolVar(&cover, "cover", false, "move a cover letter")
	cmd.MarkFlagsMutuallyExclusive("cover", "number")
	required(cmd, "to")
	return c.repairs(cmd, func(ctx context.Context, a *app.App, args []string, dry bool) (patch.Repaired, error) {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return patch.Repaired{}, fault.New(fault.Invalid, "%q is no number of a patch or cover letter", args[0])
		}
		if cover {
			return patch.MoveCover(ctx, a.DB, account.CLI, a.Clock.Now(), id, to, dry)
		}
		return patch.MovePatch(ctx, a.DB, account.CLI, a.Clock.Now(), id, to, number, dry)
	})
}

func newSeriesReparse(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reparse SERIES…",
		Short: "Group the mails of series and their threads by today's rules",
		Long: `Forgets how series, and all others of their threads, came about, and groups their mails by today's
rules, as if they came now in the order they came. Patches keep their ids, states, checks and
comments; what was merged, split or moved by hand in these threads is decided anew.

Name several series if their mails are in different threads, but might belong together.`,
		Example: `  pw admin series reparse 17 --dry-run
  pw admin series reparse 17 18`,
		Args: cobra.MinimumNArgs(1),
	}
	return c.repairs(cmd, func(ctx context.Context, a *app.App, args []string, dry bool) (patch.Repaired, error) {
		var ids []int64
		for _, arg := range args {
			id, err := seriesNumber(arg)
			if err != nil {
				return patch.Repaired{}, err
			}
			ids = append(ids, id)
		}
		return patchmail.New(a.Clock).Regroup(ctx, a.DB, account.CLI, ids, dry)
	})
}
