// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
)

func newAdminChange(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "change",
		Short: "Look at what users changed, and take it back",
		Long: `Shows what users changed of patches, series and bundles in the last day, and takes it back for ten
minutes, as they can on the page "Recent changes": a patch that somebody changed since is left alone.`,
		Example: `  pw admin change list ann
  pw admin change undo 1234`,
	}
	cmd.AddCommand(newChangeList(c), newChangeShow(c), newChangeUndo(c))
	return cmd
}

var changeColumns = []column[patch.ChangeSet]{
	{"id", true, func(s patch.ChangeSet) any { return s.ID }},
	{"at", true, func(s patch.ChangeSet) any { return s.At }},
	{"via", true, func(s patch.ChangeSet) any { return s.Via }},
	{"what", true, func(s patch.ChangeSet) any { return s.What() }},
	{"state", true, func(s patch.ChangeSet) any { return s.State }},
	{"total", false, func(s patch.ChangeSet) any { return s.Total }},
	{"changed", true, func(s patch.ChangeSet) any { return s.Changed }},
	{"refused", false, func(s patch.ChangeSet) any { return s.Refused }},
	{"overtaken", false, func(s patch.ChangeSet) any { return s.Overtaken }},
	{"lost", false, func(s patch.ChangeSet) any { return s.Lost }},
	{"gone", false, func(s patch.ChangeSet) any { return append([]int64{}, s.Gone()...) }},
	{"undoes", false, func(s patch.ChangeSet) any { return s.Undoes }},
	{"undone_by", true, func(s patch.ChangeSet) any { return s.UndoneBy }},
}

func newChangeList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list USER",
		Short: "List the last 50 changes of a user",
		Long: `Lists the last 50 changes that a user made in the last day, the latest first. undone_by is
the change that took one back, 0 if none did.`,
		Example: `  pw admin change list ann`,
		Args:    exactArgs(1),
	}
	return lists(c, cmd, changeColumns, func(ctx context.Context, a *app.App, args []string) ([]patch.ChangeSet, error) {
		u, err := account.UserByName(ctx, a.DB, args[0])
		if err != nil {
			return nil, err
		}
		return patch.RecentSets(ctx, a.DB, u.ID, 50)
	})
}

func newChangeShow(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NUMBER",
		Short:   "Show a change",
		Long:    `Shows a change. gone are the numbers of the first 20 patches that were gone, or could not be as they should.`,
		Example: `  pw admin change show 1234`,
		Args:    exactArgs(1),
	}
	return shows(c, cmd, changeColumns, func(ctx context.Context, a *app.App, args []string) (patch.ChangeSet, error) {
		id, err := changeNumber(args[0])
		if err != nil {
			return patch.ChangeSet{}, err
		}
		return patch.ReadSet(ctx, a.DB, account.CLI, id)
	})
}

func newChangeUndo(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "undo NUMBER",
		Short: "Take a change back",
		Long: `Gives patches, relations, series and bundles back what they were before a change, for ten minutes
after it. A patch that somebody changed since stays as it is, whole; up to 20 of these are named,
with who changed them, and up to 20 of those that are gone. It is a change of its own, which can be
taken back too. Of more than 1,000 patches a worker does it ("pw serve", "pw worker").`,
		Example: `  pw admin change undo 1234`,
		Args:    exactArgs(1),
	}
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		id, err := changeNumber(args[0])
		if err != nil {
			return "", err
		}
		s, err := patch.Undo(ctx, a.DB, account.CLI, a.Clock.Now(), id)
		if err == nil && s.State == patch.SetWaiting {
			return fmt.Sprintf("a worker takes change %d back, by change %d", id, s.ID), nil
		}
		if err != nil {
			return "", err
		}
		text := fmt.Sprintf("change %d takes change %d back: %d as before, %d changed by somebody since, %d gone or impossible", s.ID, id, s.Changed, s.Overtaken, s.Lost)
		left, err := leftAlone(ctx, a, s.ID)
		for _, id := range s.Gone() {
			left += fmt.Sprintf("\ngone or impossible: patch %d", id)
		}
		return text + left, err
	})
}

// leftAlone names the patches that an undo left alone, a line each.
func leftAlone(ctx context.Context, a *app.App, set int64) (text string, err error) {
	left, err := patch.LeftBy(ctx, a.DB, set)
	if err != nil {
		return "", err
	}
	var ids []int64
	for _, l := range left {
		ids = append(ids, l.By)
	}
	users, err := account.UsersByID(ctx, a.DB, ids)
	for _, l := range left {
		text += fmt.Sprintf("\nleft alone: patch %d %q", l.ID, l.Name)
		if u := users[l.By]; u != nil {
			text += ", changed by " + u.Username
		} else if l.Via == patch.ViaVersion {
			text += ", changed by a new version"
		}
	}
	return text, err
}

func changeNumber(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fault.New(fault.Invalid, "%q is no number of a change", text)
	}
	return id, nil
}
