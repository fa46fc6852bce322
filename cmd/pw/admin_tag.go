// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/patch"
)

func newAdminTag(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tag",
		Short: "Manage the tags counted in patches and replies, such as Acked-by",
		Long: `Manages the tags that are counted in patches and in replies to them, in all projects
that count tags.

A tag is named by its name, letter case aside, or by its abbreviation. When one is created or
its pattern is changed, the mails that are here are counted anew: of more than 1,000 patches by
a worker ("pw serve", "pw worker").`,
		Example: `  pw admin tag list
  pw admin tag create Fixes -a F`,
	}
	cmd.AddCommand(newTagList(c), newTagShow(c), newTagCreate(c), newTagUpdate(c), newTagDelete(c))
	return cmd
}

var tagColumns = []column[patch.Tag]{
	{"id", true, func(t patch.Tag) any { return t.ID }},
	{"name", true, func(t patch.Tag) any { return t.Name }},
	{"pattern", true, func(t patch.Tag) any { return t.Pattern }},
	{"abbrev", true, func(t patch.Tag) any { return t.Abbrev }},
	{"show_column", true, func(t patch.Tag) any { return t.ShowColumn }},
}

func newTagList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the tags",
		Long:    `Lists the tags by abbreviation, which is their order on pages.`,
		Example: `  pw admin tag list`,
	}
	return lists(c, cmd, tagColumns, func(ctx context.Context, a *app.App, _ []string) ([]patch.Tag, error) {
		return patch.Tags(ctx, a.DB)
	})
}

func newTagShow(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a tag",
		Long:    `Shows a tag.`,
		Example: `  pw admin tag show Acked-by`,
		Args:    named("name"),
	}
	name := naming(cmd, "tag")
	return shows(c, cmd, tagColumns, func(ctx context.Context, a *app.App, args []string) (patch.Tag, error) {
		return patch.FindTag(ctx, a.DB, nameOf(args, name))
	})
}

// addTagFlags declares a flag for each column.
func addTagFlags(cmd *cobra.Command, aboutName string) *patch.TagChange {
	t := &patch.TagChange{}
	f := flagsOf(cmd.Flags())
	f.text(&t.Name, "name", "n", aboutName)
	f.text(&t.Pattern, "pattern", "p", "Python `REGEX` that finds the lines to count, letter case aside")
	f.text(&t.Abbrev, "abbrev", "a", "what lists show: one or two `LETTERS`")
	f.onOff(&t.ShowColumn, "show-column", "lists have a column for it")
	return t
}

func newTagCreate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a tag",
		Long: `Creates a tag. Unless said otherwise it counts the lines that begin with its name and a
colon, is abbreviated by its first letter, and is shown in lists.`,
		Example: `  pw admin tag create Reported-by -a B
  pw admin tag create Fixes --pattern '^Fixes: [0-9a-f]{8,}' --no-show-column`,
		Args: named("name"),
	}
	t := addTagFlags(cmd, "`NAME` for people, in place of the argument")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		name := nameOf(args, t.Name)
		t.Name = &name
		made, err := patch.CreateTag(ctx, a.DB, account.CLI, a.Clock.Now(), *t)
		return thenSweeps(ctx, a, fmt.Sprintf("created tag %q", made.Name), err)
	})
}

func newTagUpdate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "update NAME",
		Short:   "Change a tag",
		Long:    `Changes what flags are given for. With an argument --name is the new name.`,
		Example: `  pw admin tag update Tested-by --no-show-column`,
		Args:    changes("name"),
	}
	t := addTagFlags(cmd, "new `NAME` for people; without an argument, the tag")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		name, change := nameOf(args, t.Name), *t
		if len(args) == 0 {
			change.Name = nil
		}
		now, err := patch.UpdateTag(ctx, a.DB, account.CLI, a.Clock.Now(), name, change)
		return thenSweeps(ctx, a, fmt.Sprintf("changed tag %q", now.Name), err)
	})
}

func newTagDelete(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a tag",
		Long:    `Deletes a tag and what was counted of it. The mails stay as they are.`,
		Example: `  pw admin tag delete Tested-by`,
		Args:    named("name"),
	}
	name := naming(cmd, "tag")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		t := nameOf(args, name)
		return thenSweeps(ctx, a, fmt.Sprintf("deleted tag %q", t), patch.DeleteTag(ctx, a.DB, account.CLI, a.Clock.Now(), t))
	})
}

// thenSweeps adds to what a verb says that jobs have still something to do for it.
func thenSweeps(ctx context.Context, a *app.App, said string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	n, err := patch.Sweeping(ctx, a.DB)
	if n > 0 {
		said += "; a worker counts anew in " + count(n, "project", "projects")
	}
	return said, err
}
