// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/outmail"
)

func newMail(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "mail",
		GroupID: groupData,
		Short:   "Look after the mail that Patchwork sends",
		Long: `Shows the mails that Patchwork sends, those that wait, that were refused or came back,
and sends them again. The worker ("pw serve", "pw worker") delivers them.

What is sent to whom is said elsewhere: "pw admin project update --send-notifications",
"pw admin user notify", "pw admin optout".`,
		Example: `  # do the settings work?
  pw mail test ann@example.org

  # what waits, and why
  pw mail list --state queued`,
	}
	cmd.AddCommand(newMailList(c), newMailShow(c), newMailRetry(c), newMailTest(c), newMailBounces(c), newMailResume(c))
	return cmd
}

var outgoingColumns = []column[outmail.Row]{
	{"id", true, func(r outmail.Row) any { return r.ID }},
	{"state", true, func(r outmail.Row) any { return r.State }},
	{"kind", true, func(r outmail.Row) any { return r.Kind }},
	{"queued_at", true, func(r outmail.Row) any { return r.QueuedAt }},
	{"recipient", true, func(r outmail.Row) any { return r.Recipient }},
	{"attempts", true, func(r outmail.Row) any { return r.Attempts }},
	{"subject", true, func(r outmail.Row) any { return r.Subject }},
	{"error", true, func(r outmail.Row) any { return r.Error }},
	{"ended_at", false, func(r outmail.Row) any { return orNil(r.EndedAt) }},
	{"msgid", false, func(r outmail.Row) any { return r.MsgID }},
	{"job", false, func(r outmail.Row) any { return r.JobID }},
}

func newMailList(c *cli) *cobra.Command {
	var f outmail.Filter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List mails that are to be sent or were",
		Long: `Lists mails, the newest first. They are kept for smtp.keep. A mail is

  queued    to be sent; "error" says what keeps it
  sent      taken by the mail server
  failed    refused for good, or not taken for five days
  dropped   not sent: its recipient has opted out, or mail to him came back too often
  bounced   came back`,
		Example: `  pw mail list
  pw mail list --state failed
  pw mail list --to ann@example.org --json`,
	}
	cmd.Flags().StringVar(&f.State, "state", "", "only mails in this `STATE`: queued, sent, failed, dropped or bounced")
	cmd.Flags().StringVar(&f.Address, "to", "", "only mails to this `ADDRESS`")
	cmd.Flags().IntVarP(&f.Most, "limit", "n", 100, "at most `N` mails")
	return lists(c, cmd, outgoingColumns, func(ctx context.Context, a *app.App, _ []string) ([]outmail.Row, error) {
		states := []string{"", outmail.Queued, outmail.Sent, outmail.Failed, outmail.Dropped, outmail.Bounced}
		if !slices.Contains(states, f.State) {
			return nil, fault.New(fault.Invalid, "no state %q; there are: %s", f.State, strings.Join(states[1:], ", "))
		}
		if f.Most < 1 {
			return nil, fault.New(fault.Invalid, "a limit of %d: want at least 1", f.Most)
		}
		return outmail.List(ctx, a.DB, f)
	})
}

// shownMail is a mail with its text.
type shownMail struct {
	outmail.Row
	text string
}

func newMailShow(c *cli) *cobra.Command {
	columns := []column[shownMail]{}
	for _, col := range outgoingColumns {
		columns = append(columns, column[shownMail]{col.name, col.table, func(m shownMail) any { return col.value(m.Row) }})
	}
	columns = append(columns, column[shownMail]{"text", false, func(m shownMail) any { return m.text }})
	cmd := &cobra.Command{
		Use:   "show NUMBER",
		Short: "Show a mail that is to be sent or was",
		Long: `Shows a mail and its text. The text of a mail with a secret in it, such as the link of a
confirmation, is not shown, and not kept once it has been sent.`,
		Example: `  pw mail show 17`,
		Args:    exactArgs(1),
	}
	return shows(c, cmd, columns, func(ctx context.Context, a *app.App, args []string) (shownMail, error) {
		id, err := mailNumber(args[0])
		if err != nil {
			return shownMail{}, err
		}
		r, err := outmail.Get(ctx, a.DB, id)
		if err != nil {
			return shownMail{}, err
		}
		m, err := r.Mail()
		switch {
		case fault.Is(err, fault.Conflict) || err == nil && m.Private:
			return shownMail{r, "(holds a secret)"}, nil
		case err != nil:
			return shownMail{}, err
		}
		return shownMail{r, m.Shown(a.Config.HTTP.BaseURL)}, nil
	})
}

func mailNumber(arg string) (int64, error) {
	id, err := strconv.ParseInt(arg, 10, 64)
	if err != nil {
		return 0, fault.New(fault.Invalid, "%q is no number of a mail; `pw mail list` shows them", arg)
	}
	return id, nil
}

func newMailRetry(c *cli) *cobra.Command {
	var failed bool
	cmd := &cobra.Command{
		Use:   "retry [NUMBER]",
		Short: "Send a mail again",
		Long: `Queues a mail again that failed, was dropped or came back, with five more days to be
sent in; one that waits is tried at once. With --failed, all that failed.`,
		Example: `  pw mail retry 17
  pw mail retry --failed`,
		Args: func(cmd *cobra.Command, args []string) error {
			if failed == (len(args) == 1) || len(args) > 1 {
				return fmt.Errorf("write the number of a mail, or --failed")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&failed, "failed", false, "all mails that failed")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		if !failed {
			id, err := mailNumber(args[0])
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("queued mail %d", id), outmail.Retry(ctx, a.DB, account.CLI, a.Clock.Now(), id)
		}
		all, err := outmail.List(ctx, a.DB, outmail.Filter{State: outmail.Failed, Most: 100_000})
		n := 0
		for _, r := range all {
			if r.Body == "" || err != nil {
				continue // its text was a secret
			}
			if err = outmail.Retry(ctx, a.DB, account.CLI, a.Clock.Now(), r.ID); err == nil {
				n++
			}
		}
		return "queued " + count(n, "mail", "mails"), err
	})
}

func newMailTest(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test ADDRESS",
		Short: "Send a test mail now and print what the server says",
		Long: `Sends a mail to ADDRESS at once, past the queue, with the settings of [smtp], and prints
the server's answer. It does not say whether the mail arrives.`,
		Example: `  pw mail test ann@example.org`,
		Args:    exactArgs(1),
	}
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		said, err := a.Sender().Test(ctx, args[0])
		if err != nil {
			return "", err
		}
		by := a.MailOptions().Transport.Destination()
		if said == "" {
			return fmt.Sprintf("%s took the mail", by), nil
		}
		return fmt.Sprintf("%s took the mail: %s", by, said), nil
	})
}

var troubleColumns = []column[outmail.Trouble]{
	{"address", true, func(t outmail.Trouble) any { return t.Address }},
	{"permanent", true, func(t outmail.Trouble) any { return t.Permanent }},
	{"temporary", true, func(t outmail.Trouble) any { return t.Temporary }},
	{"last", true, func(t outmail.Trouble) any { return t.Last }},
	{"suspended", true, func(t outmail.Trouble) any { return t.Suspended }},
	{"reason", false, func(t outmail.Trouble) any { return t.Reason }},
	{"detail", true, func(t outmail.Trouble) any { return t.Detail }},
}

func newMailBounces(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bounces [ADDRESS]",
		Short: "List the addresses that mail came back from",
		Long: `Lists the addresses that mail came back from, the latest first: how many mails came back
for good, how many reports of other kinds there were (delays, full mailboxes), and
whether the address gets no more mail. That is so after three mails came back for good
within 30 days, over more than one day; "pw mail resume" ends it.

Bounces are known when they reach "pw ingress"; see smtp.bounce-address.`,
		Example: `  pw mail bounces
  pw mail bounces ann@example.org`,
		Args: cobra.MaximumNArgs(1),
	}
	return lists(c, cmd, troubleColumns, func(ctx context.Context, a *app.App, args []string) ([]outmail.Trouble, error) {
		return outmail.Troubles(ctx, a.DB, strings.Join(args, ""))
	})
}

func newMailResume(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "resume ADDRESS",
		Short: "Send mail to an address again",
		Long: `Forgets what came back from an address, so that mail is sent to it again. Mails that
were dropped meanwhile are not sent; see "pw mail retry".`,
		Example: `  pw mail resume ann@example.org`,
		Args:    exactArgs(1),
	}
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		said := ""
		err := a.DB.Tx(ctx, func(tx *sqldb.Tx) error {
			was, err := outmail.Resume(ctx, tx, args[0])
			if err != nil {
				return err
			}
			if said = "mail is sent to " + args[0] + " again"; !was {
				said = args[0] + " was not suspended; what came back from it is forgotten"
			}
			return event.Audit(ctx, tx, event.Audited{At: a.Clock.Now(), Via: account.CLI.Via, Verb: "mail resume", Subject: "address " + args[0]})
		})
		return said, err
	})
}
