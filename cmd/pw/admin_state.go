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

func newAdminState(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Manage the states a patch can be in",
		Long: `Manages the states a patch can be in, the same for all projects. New patches get the
one that is first in order.

A state is named by its slug or its name, letter case aside.`,
		Example: `  pw admin state list
  pw admin state create "In Next" --no-action-required
  pw admin state update in-next --ordering 3`,
	}
	cmd.AddCommand(newStateList(c), newStateShow(c), newStateCreate(c), newStateUpdate(c), newStateDelete(c))
	return cmd
}

var stateColumns = []column[patch.State]{
	{"id", true, func(s patch.State) any { return s.ID }},
	{"name", true, func(s patch.State) any { return s.Name }},
	{"slug", true, func(s patch.State) any { return s.Slug }},
	{"ordering", true, func(s patch.State) any { return s.Ordering }},
	{"action_required", true, func(s patch.State) any { return s.ActionRequired }},
}

func newStateList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the states",
		Long:    `Lists the states in the order in which pages offer them.`,
		Example: `  pw admin state list`,
	}
	return lists(c, cmd, stateColumns, func(ctx context.Context, a *app.App, _ []string) ([]patch.State, error) {
		return patch.States(ctx, a.DB)
	})
}

func newStateShow(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a state",
		Long:    `Shows a state.`,
		Example: `  pw admin state show under-review`,
		Args:    named("name"),
	}
	name := naming(cmd, "state")
	return shows(c, cmd, stateColumns, func(ctx context.Context, a *app.App, args []string) (patch.State, error) {
		return patch.FindState(ctx, a.DB, nameOf(args, name))
	})
}

// naming declares --name for what is called so.
func naming(cmd *cobra.Command, what string) *string {
	return cmd.Flags().StringP("name", "n", "", "the "+what+"'s `NAME`, in place of the argument")
}

// addStateFlags declares a flag for each column.
func addStateFlags(cmd *cobra.Command, aboutName string) *patch.StateChange {
	s := &patch.StateChange{}
	f := flagsOf(cmd.Flags())
	f.text(&s.Name, "name", "n", aboutName)
	f.text(&s.Slug, "slug", "", "`SLUG` in addresses and the API: lower-case letters, digits and -")
	f.number(&s.Ordering, "ordering", "place `N` among the states, from 0; a state that has it moves up")
	f.onOff(&s.ActionRequired, "action-required", "patches in it wait for somebody to do something")
	return s
}

func newStateCreate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a state",
		Long: `Creates a state. Unless said otherwise the slug is made from the name, it is the last in
order, and patches in it wait for action.`,
		Example: `  pw admin state create "In Next" --no-action-required
  pw admin state create "Needs Ack" --slug needs-ack --ordering 12`,
		Args: named("name"),
	}
	s := addStateFlags(cmd, "`NAME` for people, in place of the argument")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		name := nameOf(args, s.Name)
		s.Name = &name
		made, err := patch.CreateState(ctx, a.DB, account.CLI, a.Clock.Now(), *s)
		return fmt.Sprintf("created state %q", made.Slug), err
	})
}

func newStateUpdate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "update NAME",
		Short: "Change a state",
		Long: `Changes what flags are given for. With an argument --name is the new name.

Who must act on a series follows from the states of its patches. Where a project has more than
1,000 series a worker finds that out anew, piece by piece.`,
		Example: `  pw admin state update rfc --name "Request for Comments" --action-required`,
		Args:    changes("name"),
	}
	s := addStateFlags(cmd, "new `NAME` for people; without an argument, the state")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		name, change := nameOf(args, s.Name), *s
		if len(args) == 0 {
			change.Name = nil
		}
		now, err := patch.UpdateState(ctx, a.DB, account.CLI, a.Clock.Now(), name, change)
		return thenSweeps(ctx, a, fmt.Sprintf("changed state %q", now.Slug), err)
	})
}

func newStateDelete(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a state",
		Long:    `Deletes a state that no patch is in.`,
		Example: `  pw admin state delete deferred`,
		Args:    named("name"),
	}
	name := naming(cmd, "state")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		s := nameOf(args, name)
		return fmt.Sprintf("deleted state %q", s), patch.DeleteState(ctx, a.DB, account.CLI, a.Clock.Now(), s)
	})
}
