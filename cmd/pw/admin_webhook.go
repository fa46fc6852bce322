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
	"patchwork.example/pw/internal/webhook"
)

func newAdminWebhook(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhook",
		Short: "Manage the addresses that are told of events",
		Long: `Manages the addresses that are told over HTTP of what happens in a project, or with --site
of all that happens. What is sent is the event object of the API, signed with the
secret of the webhook. What does not arrive is tried again for three days, in order;
then the webhook is switched off. A webhook is named by its number.`,
		Example: `  pw admin webhook create --project linux-erofs --url https://ci.example.org/hook --events patch-created
  pw admin webhook ping 3
  pw admin webhook deliveries 3`,
	}
	cmd.AddCommand(newWebhookList(c), newWebhookShow(c), newWebhookCreate(c), newWebhookUpdate(c), newWebhookDelete(c), newWebhookPing(c),
		newWebhookDeliveries(c), newWebhookRedeliver(c), newWebhookSkip(c))
	return cmd
}

var webhookColumns = []column[webhook.Hook]{
	{"id", true, func(h webhook.Hook) any { return h.ID }},
	{"project", true, func(h webhook.Hook) any { return h.Linkname }},
	{"url", true, func(h webhook.Hook) any { return h.URL }},
	{"events", false, func(h webhook.Hook) any { return h.Categories }},
	{"states", false, func(h webhook.Hook) any { return h.Filter.States }},
	{"check_states", false, func(h webhook.Hook) any { return h.Filter.CheckStates }},
	{"check_contexts", false, func(h webhook.Hook) any { return h.Filter.CheckContexts }},
	{"tags", false, func(h webhook.Hook) any { return h.Filter.Tags }},
	{"active", true, func(h webhook.Hook) any { return h.Active }},
	{"has_secret", false, func(h webhook.Hook) any { return h.HasSecret() }},
	{"user", false, func(h webhook.Hook) any { return h.Username }},
	{"created_at", false, func(h webhook.Hook) any { return h.CreatedAt }},
	{"pending", true, func(h webhook.Hook) any { return h.Pending }},
	{"failures", true, func(h webhook.Hook) any { return h.Failures }},
	{"failing_since", false, func(h webhook.Hook) any { return orNil(h.FailingSince) }},
	{"delivered_at", true, func(h webhook.Hook) any { return orNil(h.DeliveredAt) }},
	{"disabled_at", false, func(h webhook.Hook) any { return orNil(h.DisabledAt) }},
	{"disabled_reason", false, func(h webhook.Hook) any { return h.DisabledReason }},
}

func newWebhookList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [PROJECT]",
		Short: "List webhooks",
		Long: `Lists the webhooks of a project, with --site those of the whole site, else all. Secrets
are never shown.`,
		Example: `  pw admin webhook list
  pw admin webhook list linux-erofs --json
  pw admin webhook list --site`,
		Args: atMostOne("project"),
	}
	linkname := ofProject(cmd)
	site := cmd.Flags().Bool("site", false, "only those of the whole site")
	cmd.MarkFlagsMutuallyExclusive("project", "site")
	return lists(c, cmd, webhookColumns, func(ctx context.Context, a *app.App, args []string) ([]webhook.Hook, error) {
		if name := nameOf(args, linkname); name != "" || *site {
			return webhook.List(ctx, a.DB, account.CLI, name)
		}
		return webhook.All(ctx, a.DB, account.CLI)
	})
}

// hookNumber reads the argument that names a webhook.
func hookNumber(args []string) (int64, error) { return numberOf("webhook", args[0]) }

func numberOf(what, s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		return 0, fault.New(fault.Invalid, "%s %q: want a number; see the list of them", what, s)
	}
	return n, nil
}

func newWebhookShow(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show NUMBER",
		Short: "Show a webhook",
		Long: `Shows what is set of a webhook and how it does, but not its secret. first pending is the
delivery that all others wait for.`,
		Example: `  pw admin webhook show 3`,
		Args:    exactArgs(1),
	}
	return shows(c, cmd, fullHookColumns, func(ctx context.Context, a *app.App, args []string) (fullHook, error) {
		id, err := hookNumber(args)
		if err != nil {
			return fullHook{}, err
		}
		h, err := webhook.Get(ctx, a.DB, account.CLI, id)
		if err != nil {
			return fullHook{}, err
		}
		first, err := webhook.FirstPending(ctx, a.DB, account.CLI, id)
		if fault.Is(err, fault.NotFound) {
			err = nil
		}
		return fullHook{h, first.ID}, err
	})
}

// fullHook is a webhook as show prints it.
type fullHook struct {
	webhook.Hook
	first int64 // delivery; 0: none waits
}

var fullHookColumns = append(wider(webhookColumns, func(h fullHook) webhook.Hook { return h.Hook }),
	column[fullHook]{"first_pending", false, func(h fullHook) any { return numberOrNil(h.first) }})

// names is a flag that takes a list with commas; an empty one is the empty list.
func (f columnFlags) names(to **[]string, name, usage string) {
	parse := func(s string) ([]string, error) {
		out := []string{}
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
		return out, nil
	}
	f.Var(value[[]string]{to, "list", parse}, name, usage)
}

func addWebhookFlags(cmd *cobra.Command) *webhook.Change {
	h := &webhook.Change{}
	f := flagsOf(cmd.Flags())
	f.text(&h.URL, "url", "", "`URL` that is told; http or https")
	f.text(&h.Secret, "secret", "", "`TEXT` to sign with; - reads it from the input, an empty one signs nothing")
	f.names(&h.Categories, "events", "only these `EVENTS`, with commas; ? lists them, an empty one means all")
	f.names(&h.States, "states", "of changes of state only those to one of these `STATES`")
	f.names(&h.CheckStates, "check-states", "of new checks only those with one of these `RESULTS`")
	f.names(&h.CheckContexts, "check-contexts", "of new checks only those of one of these `CONTEXTS`; * stands for any text")
	f.names(&h.Tags, "tags", "of events of patches only those of a patch that has one of these `TAGS`")
	f.onOff(&h.Active, "active", "is told")
	f.text(&h.Creator, "user", "", "`NAME` of the user whose webhook it is")
	return h
}

// asksForEvents prints the kinds of event if that is what --events asks for.
func (c *cli) asksForEvents(ctx context.Context, a *app.App, h *webhook.Change) (string, bool, error) {
	if h.Categories == nil || len(*h.Categories) != 1 || (*h.Categories)[0] != "?" {
		return "", false, nil
	}
	w, err := a.WebhookWords(ctx)
	return strings.Join(w.Kinds, "\n"), true, err
}

// readSecret takes a secret that must not stand on the command line from the input.
func (c *cli) readSecret(h *webhook.Change) error {
	if h.Secret == nil || *h.Secret != "-" {
		return nil
	}
	secret, err := c.asker().password("Secret")
	h.Secret = &secret
	return err
}

func newWebhookCreate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create (--project NAME | --site) --url URL",
		Short: "Create a webhook",
		Long: `Creates a webhook of a project, or of the whole site. Without --secret one is made and
printed, this once. Everybody on the machine can read a secret on the command line;
"--secret -" reads it from the input.`,
		Example: `  pw admin webhook create --project linux-erofs --url https://ci.example.org/x --events patch-completed
  pw admin webhook create --site --url https://audit.example.org/ --secret - < secret
  pw admin webhook create --project linux-erofs --url https://chat.example.org/x --states accepted,rejected
  pw admin webhook create --events '?'`,
	}
	project := cmd.Flags().String("project", "", "link `NAME` of the project")
	site := cmd.Flags().Bool("site", false, "the whole site")
	cmd.MarkFlagsMutuallyExclusive("project", "site")
	h := addWebhookFlags(cmd)
	return c.does(cmd, func(ctx context.Context, a *app.App, _ []string) (string, error) {
		if list, asked, err := c.asksForEvents(ctx, a, h); asked {
			return list, err
		}
		if *project == "" && !*site {
			return "", fault.New(fault.Invalid, "say --project NAME or --site")
		}
		if err := c.readSecret(h); err != nil {
			return "", err
		}
		w, err := a.WebhookWords(ctx)
		if err != nil {
			return "", err
		}
		shown := h.Secret == nil
		made, secret, err := webhook.Create(ctx, a.DB, account.CLI, a.Clock.Now(), w, *project, *h)
		said := fmt.Sprintf("created webhook %d", made.ID)
		if shown {
			said += "\nsecret " + secret
		}
		return said, err
	})
}

// oneChanged wants the number of what is to be changed, and a flag that says how.
func oneChanged(cmd *cobra.Command, args []string) error {
	if err := exactArgs(1)(cmd, args); err != nil {
		return err
	}
	return anyFlag(cmd)
}

func newWebhookUpdate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "update NUMBER",
		Short: "Change a webhook",
		Long: `Changes what flags are given for. --active also switches on again what was switched off
because of its failures. What waits is sent to the new address.`,
		Example: `  pw admin webhook update 3 --active
  pw admin webhook update 3 --events check-created --check-states fail --check-contexts 'ci-*'
  pw admin webhook update 3 --events ''`,
		Args: oneChanged,
	}
	h := addWebhookFlags(cmd)
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		if list, asked, err := c.asksForEvents(ctx, a, h); asked {
			return list, err
		}
		id, err := hookNumber(args)
		if err != nil {
			return "", err
		}
		if err := c.readSecret(h); err != nil {
			return "", err
		}
		w, err := a.WebhookWords(ctx)
		if err != nil {
			return "", err
		}
		_, err = webhook.Update(ctx, a.DB, account.CLI, a.Clock.Now(), w, id, *h)
		return fmt.Sprintf("changed webhook %d", id), err
	})
}

func newWebhookDelete(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete NUMBER",
		Short:   "Delete a webhook",
		Long:    `Deletes a webhook with the record of its deliveries. What waits for it is not sent.`,
		Example: `  pw admin webhook delete 3`,
		Args:    exactArgs(1),
	}
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		id, err := hookNumber(args)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("deleted webhook %d", id), webhook.Delete(ctx, a.DB, account.CLI, a.Clock.Now(), id, nil)
	})
}

func newWebhookPing(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ping NUMBER",
		Short: "Send a webhook a message that tells of nothing",
		Long: `Queues a test message, which the worker sends at once and only once, beside what waits and
even if the webhook is switched off. "pw admin webhook deliveries" shows how it went.`,
		Example: `  pw admin webhook ping 3`,
		Args:    exactArgs(1),
	}
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		id, err := hookNumber(args)
		if err != nil {
			return "", err
		}
		d, err := webhook.Ping(ctx, a.DB, account.CLI, a.Clock.Now(), id)
		return fmt.Sprintf("queued delivery %d", d.ID), err
	})
}
