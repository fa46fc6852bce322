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

func newAdminPerson(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "person",
		Short: "Say which senders of mail are programs",
		Long: `Says which senders of mail are programs. A program's reply is no review: a series that only
programs have answered still needs its first one.

Unless something is said here, each mail tells by itself: by its header Auto-Submitted, or
by a sender who is called bot, robot, daemon, noreply or CI.`,
		Example: `  pw admin person list
  pw admin person update builds@example.org --bot
  pw admin person update otto.robot@example.org --no-bot`,
	}
	cmd.AddCommand(newPersonList(c), newPersonShow(c), newPersonUpdate(c))
	return cmd
}

var personColumns = []column[account.Person]{
	{"id", true, func(p account.Person) any { return p.ID }},
	{"email", true, func(p account.Person) any { return p.Email }},
	{"name", true, func(p account.Person) any { return p.Name }},
	{"bot", true, func(p account.Person) any {
		if p.Bot == nil {
			return nil
		}
		return *p.Bot
	}},
}

func newPersonList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the senders of whom was said whether they are programs",
		Long:    `Lists the senders of whom was said whether they are programs, by address.`,
		Example: `  pw admin person list`,
	}
	return lists(c, cmd, personColumns, func(ctx context.Context, a *app.App, _ []string) ([]account.Person, error) {
		return account.Bots(ctx, a.DB)
	})
}

func newPersonShow(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show ADDRESS",
		Short:   "Show a sender of mail",
		Long:    `Shows a sender of mail, by address or number.`,
		Example: `  pw admin person show builds@example.org`,
		Args:    exactArgs(1),
	}
	return shows(c, cmd, personColumns, func(ctx context.Context, a *app.App, args []string) (account.Person, error) {
		return account.FindPerson(ctx, a.DB, args[0])
	})
}

func newPersonUpdate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "update ADDRESS",
		Short: "Say whether a sender is a program",
		Long: `Says whether a program sends the mail from an address (or a person's number). Where series
stand is found out anew, in all projects: of more than 1,000 series by a worker ("pw serve",
"pw worker").`,
		Example: `  pw admin person update builds@example.org --bot
  # each mail tells by itself again
  pw admin person update builds@example.org --guess-bot`,
		Args: changesPerson,
	}
	var bot *bool
	f := flagsOf(cmd.Flags())
	f.onOff(&bot, "bot", "a program sends its mail")
	guess := cmd.Flags().Bool("guess-bot", false, "each mail tells by itself")
	cmd.MarkFlagsMutuallyExclusive("guess-bot", "bot")
	cmd.MarkFlagsMutuallyExclusive("guess-bot", "no-bot")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		said := map[bool]string{true: "is a program", false: "is no program"}[bot != nil && *bot]
		if *guess {
			bot, said = nil, "is what its mails tell"
		}
		p, err := patch.SetBot(ctx, a.DB, account.CLI, a.Clock.Now(), args[0], bot, nil)
		return thenSweeps(ctx, a, fmt.Sprintf("%s %s", p.Email, said), err)
	})
}

// changesPerson wants an address and something to say of it.
func changesPerson(cmd *cobra.Command, args []string) error {
	if err := exactArgs(1)(cmd, args); err != nil {
		return err
	}
	return anyFlag(cmd)
}
