// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/patch/patchnotify"
	"patchwork.example/pw/internal/project"
)

// notified is what a user has chosen to be told, with the link names of projects.
type notified struct {
	patchnotify.Choice
	summaries []string
}

var notifiedColumns = []column[notified]{
	{"delegated", true, func(t notified) any { return t.Delegated }},
	{"checks", true, func(t notified) any { return t.Checks }},
	{"series", true, func(t notified) any { return t.Series }},
	{"review_days", true, func(t notified) any { return t.ReviewDays }},
	{"summary", true, func(t notified) any { return strings.Join(t.summaries, ",") }},
}

func newUserNotify(c *cli) *cobra.Command {
	var delegated, checks, series *bool
	var days *int
	var summary []string
	cmd := &cobra.Command{
		Use:   "notify NAME",
		Short: "Show or set what a user is told by mail",
		Long: `Shows what a user is told by mail, or sets what flags are given for. Users do so
themselves on the page /user/notifications/.

An address that has opted out ("pw admin optout") is told nothing of it.`,
		Example: `  pw admin user notify ann
  pw admin user notify ann --delegated --review-days 14 --summary erofs,linux-next
  pw admin user notify ann --no-series --summary ''`,
		Args: named("username"),
	}
	name := namingUser(cmd)
	f := flagsOf(cmd.Flags())
	f.onOff(&delegated, "delegated", "somebody else delegated a patch to him")
	f.onOff(&checks, "checks", "a check failed on a patch of his")
	f.onOff(&series, "series", "a patch of his was accepted or superseded")
	f.number(&days, "review-days", "patches delegated to him have waited `N` days; 0: no reminder")
	cmd.Flags().StringSliceVar(&summary, "summary", nil, "every Monday, the week in these `PROJECTS`; empty: none")
	asJSON := cmd.Flags().Bool("json", false, "print a JSON object")
	cmd.RunE = c.onSite(func(ctx context.Context, a *app.App, args []string) error {
		u, err := account.UserByName(ctx, a.DB, nameOf(args, name))
		if err != nil {
			return err
		}
		choice, err := patchnotify.ChoiceOf(ctx, a.DB, u)
		if err != nil {
			return err
		}
		all, err := project.All(ctx, a.DB)
		if err != nil {
			return err
		}
		summed := cmd.Flags().Changed("summary")
		if delegated == nil && checks == nil && series == nil && days == nil && !summed {
			return printOne(c.out, *asJSON, notifiedColumns, notifiedBy(choice, all))
		}
		setIf(&choice.Delegated, delegated)
		setIf(&choice.Checks, checks)
		setIf(&choice.Series, series)
		setIf(&choice.ReviewDays, days)
		if summed {
			if choice.Summaries, err = projectIDs(ctx, a, summary); err != nil {
				return err
			}
		}
		if err := patchnotify.Choose(ctx, a.DB, account.CLI, a.Clock.Now(), u, choice); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "changed what user %q is told\n", u.Username)
		return err
	})
	return cmd
}

func notifiedBy(choice patchnotify.Choice, all []project.Project) notified {
	t := notified{Choice: choice}
	for _, p := range all {
		if slices.Contains(choice.Summaries, p.ID) {
			t.summaries = append(t.summaries, p.Linkname)
		}
	}
	return t
}

func projectIDs(ctx context.Context, a *app.App, linknames []string) (ids []int64, err error) {
	for _, l := range linknames {
		if strings.TrimSpace(l) == "" {
			continue
		}
		p, err := project.ByLinkname(ctx, a.DB, strings.TrimSpace(l))
		if err != nil {
			return nil, err
		}
		ids = append(ids, p.ID)
	}
	return ids, nil
}

func setIf[T any](dst *T, v *T) {
	if v != nil {
		*dst = *v
	}
}
