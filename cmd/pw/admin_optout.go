// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
)

func newAdminOptout(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "optout",
		Short: "Manage the addresses that get no notices",
		Long: `Manages the addresses whose owners want no notices. Owners do so themselves on the page
/mail/ or by the link in each notice.`,
		Example: `  pw admin optout list
  pw admin optout add ann@example.org`,
	}
	cmd.AddCommand(newOptoutList(c), newOptoutAdd(c), newOptoutRemove(c))
	return cmd
}

var optoutColumns = []column[account.Optout]{
	{"email", true, func(o account.Optout) any { return o.Email }},
	{"created_at", true, func(o account.Optout) any { return o.CreatedAt }},
}

func newOptoutList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the addresses that get no notices",
		Long:    `Lists the addresses that get no notices, in lower case, and since when.`,
		Example: `  pw admin optout list --json | jq -r '.[].email'`,
	}
	return lists(c, cmd, optoutColumns, func(ctx context.Context, a *app.App, _ []string) ([]account.Optout, error) {
		return account.Optouts(ctx, a.DB)
	})
}

func newOptoutAdd(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "add ADDRESS",
		Short: "Send no more notices to an address",
		Long: `Sends no more notices to an address. Mails that somebody asked for, such as the link to
confirm an address, are still sent.`,
		Example: `  pw admin optout add ann@example.org`,
		Args:    exactArgs(1),
	}
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		return "no more notices to " + args[0], account.SetOptout(ctx, a.DB, account.CLI, a.Clock.Now(), args[0], true)
	})
}

func newOptoutRemove(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "remove ADDRESS",
		Short:   "Send notices to an address again",
		Long:    `Sends notices to an address again, also if mail to it had been suspended because it came back.`,
		Example: `  pw admin optout remove ann@example.org`,
		Args:    exactArgs(1),
	}
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		return "notices are sent to " + args[0] + " again", account.SetOptout(ctx, a.DB, account.CLI, a.Clock.Now(), args[0], false)
	})
}
