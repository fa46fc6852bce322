// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/irc"
	"patchwork.example/pw/internal/patch"
)

func newAdminIRC(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "irc",
		Short: "Manage the IRC channels that are told of events",
		Long: `Manages the IRC channels in which a line is said for each event of a project. The
worker keeps a connection per server and nick. A target is named by its number.`,
		Example: `  pw admin irc create --project linux-erofs --url ircs://irc.oftc.net/erofs
  pw admin irc test 1
  pw admin irc list`,
	}
	cmd.AddCommand(newIRCList(c), newIRCCreate(c), newIRCUpdate(c), newIRCDelete(c), newIRCTest(c))
	return cmd
}

var ircColumns = []column[irc.Target]{
	{"id", true, func(t irc.Target) any { return t.ID }},
	{"project", true, func(t irc.Target) any { return t.Linkname }},
	{"url", true, func(t irc.Target) any { return t.URL }},
	{"nick", true, func(t irc.Target) any { return t.Nick }},
	{"account", false, func(t irc.Target) any { return t.Account }},
	{"template", false, func(t irc.Target) any { return t.Template }},
	{"events", false, func(t irc.Target) any { return t.Kinds() }},
	{"active", true, func(t irc.Target) any { return t.Active }},
	{"sent_at", true, func(t irc.Target) any { return orNil(t.SentAt) }},
	{"failed_at", false, func(t irc.Target) any { return orNil(t.FailedAt) }},
	{"error", true, func(t irc.Target) any { return t.Error }},
}

func newIRCList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [PROJECT]",
		Short: "List the channels that are told of events",
		Long:  `Lists the targets of a project, or of all. Passwords are never shown.`,
		Example: `  pw admin irc list
  pw admin irc list linux-erofs --json`,
		Args: atMostOne("project"),
	}
	linkname := ofProject(cmd)
	return lists(c, cmd, ircColumns, func(ctx context.Context, a *app.App, args []string) ([]irc.Target, error) {
		return irc.List(ctx, a.DB, account.CLI, nameOf(args, linkname))
	})
}

func addIRCFlags(cmd *cobra.Command) *irc.Change {
	t := &irc.Change{}
	f := flagsOf(cmd.Flags())
	f.text(&t.URL, "url", "", "`URL` of the channel: irc://HOST/CHANNEL, or ircs:// with TLS")
	f.text(&t.Nick, "nick", "", "`NAME` to appear under; patchwork unless said otherwise")
	f.text(&t.Account, "account", "", "`NAME` to log in with by SASL PLAIN, over TLS only")
	f.text(&t.Password, "password", "", "`TEXT` to log in with; - reads it from the input")
	f.text(&t.Template, "template", "", "Go `TEMPLATE` of a line; an empty one is the built-in one")
	f.names(&t.Categories, "events", "only these `EVENTS`, with commas; ? lists them, an empty one means all")
	f.onOff(&t.Active, "active", "is told")
	return t
}

// readIRC takes what must not stand on the command line from the input, and says whether only a list of events was asked for.
func (c *cli) readIRC(t *irc.Change) (list string, asked bool, err error) {
	if t.Categories != nil && len(*t.Categories) == 1 && (*t.Categories)[0] == "?" {
		return strings.Join(patch.EventKinds(), "\n"), true, nil
	}
	if t.Password != nil && *t.Password == "-" {
		password, err := c.asker().password("Password")
		t.Password = &password
		return "", false, err
	}
	return "", false, nil
}

func newIRCCreate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create --project NAME --url URL",
		Short: "Tell a channel of events",
		Long: `Makes a channel be told of the events of a project. A channel is written with or without
its #. The fields of a template are Project, Kind, Title, URL, Actor, State, Previous,
Delegate, Check and Context.`,
		Example: `  pw admin irc create --project linux-erofs --url ircs://irc.oftc.net/erofs --events patch-state-changed
  pw admin irc create --project dev --url irc://irc.example.org/dev --template '{{.Title}} {{.URL}}'
  pw admin irc create --project dev --url ircs://irc.libera.chat/dev --account pw --password - < password`,
	}
	project := cmd.Flags().String("project", "", "link `NAME` of the project")
	t := addIRCFlags(cmd)
	return c.does(cmd, func(ctx context.Context, a *app.App, _ []string) (string, error) {
		if list, asked, err := c.readIRC(t); asked || err != nil {
			return list, err
		}
		if *project == "" {
			return "", fault.New(fault.Invalid, "say --project NAME")
		}
		made, err := irc.Create(ctx, a.DB, account.CLI, a.Clock.Now(), patch.EventKinds(), *project, *t)
		return fmt.Sprintf("created irc target %d", made.ID), err
	})
}

func newIRCUpdate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "update NUMBER",
		Short: "Change how a channel is told of events",
		Long:  `Changes what flags are given for. What waits is said in the new channel.`,
		Example: `  pw admin irc update 1 --no-active
  pw admin irc update 1 --events patch-created,series-completed`,
		Args: oneChanged,
	}
	t := addIRCFlags(cmd)
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		if list, asked, err := c.readIRC(t); asked || err != nil {
			return list, err
		}
		id, err := numberOf("irc target", args[0])
		if err != nil {
			return "", err
		}
		_, err = irc.Update(ctx, a.DB, account.CLI, a.Clock.Now(), patch.EventKinds(), id, *t)
		return fmt.Sprintf("changed irc target %d", id), err
	})
}

func newIRCDelete(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete NUMBER",
		Short:   "Tell a channel of events no more",
		Long:    `Deletes a target. Lines that wait for it are not said.`,
		Example: `  pw admin irc delete 1`,
		Args:    exactArgs(1),
	}
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		id, err := numberOf("irc target", args[0])
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("deleted irc target %d", id), irc.Delete(ctx, a.DB, account.CLI, a.Clock.Now(), id)
	})
}

func newIRCTest(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test NUMBER",
		Short: "Say a line in a channel",
		Long: `Queues a line that the worker says in the channel. Whether it arrived is seen there, and
in the columns sent at and error of "pw admin irc list".`,
		Example: `  pw admin irc test 1`,
		Args:    exactArgs(1),
	}
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		id, err := numberOf("irc target", args[0])
		if err != nil {
			return "", err
		}
		return "queued a test", irc.Test(ctx, a.DB, account.CLI, a.Clock.Now(), id)
	})
}
