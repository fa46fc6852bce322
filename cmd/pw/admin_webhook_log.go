// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/webhook"
)

var deliveryColumns = []column[webhook.Delivery]{
	{"id", true, func(d webhook.Delivery) any { return d.ID }},
	{"created_at", true, func(d webhook.Delivery) any { return d.CreatedAt }},
	{"kind", true, func(d webhook.Delivery) any { return d.Kind }},
	{"event", true, func(d webhook.Delivery) any { return numberOrNil(d.Event) }},
	{"state", true, func(d webhook.Delivery) any { return d.State }},
	{"attempts", true, func(d webhook.Delivery) any { return d.Attempts }},
	{"finished_at", false, func(d webhook.Delivery) any { return orNil(d.FinishedAt) }},
	{"error", true, func(d webhook.Delivery) any { return d.Error }},
}

func numberOrNil(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

// fullDelivery is a delivery with its attempts, as show prints it.
type fullDelivery struct {
	webhook.Delivery
	attempts []webhook.Attempt
}

// wider makes columns of a type of those of a part of it.
func wider[W, N any](columns []column[N], part func(W) N) (out []column[W]) {
	for _, col := range columns {
		out = append(out, column[W]{col.name, col.table, func(w W) any { return col.value(part(w)) }})
	}
	return out
}

var fullDeliveryColumns = append(wider(deliveryColumns, func(d fullDelivery) webhook.Delivery { return d.Delivery }),
	column[fullDelivery]{"body", false, func(d fullDelivery) any { return string(d.Body) }},
	column[fullDelivery]{"history", false, func(d fullDelivery) any { return history(d.attempts) }})

func history(attempts []webhook.Attempt) string {
	var b strings.Builder
	for _, a := range attempts {
		fmt.Fprintf(&b, "attempt %d at %s, %d ms: ", a.Number, a.At, a.Took.Milliseconds())
		if a.Error == "" {
			fmt.Fprintf(&b, "answered %d\n", a.Status)
		} else {
			b.WriteString(a.Error + "\n")
		}
		for _, part := range []string{a.Request, a.Response, string(a.Body)} {
			for line := range strings.Lines(part) {
				b.WriteString("  " + strings.TrimRight(line, "\r\n") + "\n")
			}
		}
	}
	return b.String()
}

func newWebhookDeliveries(c *cli) *cobra.Command {
	var most, one int64
	cmd := &cobra.Command{
		Use:   "deliveries NUMBER",
		Short: "List what was sent to a webhook",
		Long: `Lists the latest deliveries of a webhook, the newest first; with --delivery it shows one
with all that was sent and answered. They are kept for webhook.keep-deliveries.`,
		Example: `  pw admin webhook deliveries 3
  pw admin webhook deliveries 3 --most 1000 --json
  pw admin webhook deliveries 3 --delivery 4711`,
		Args: exactArgs(1),
	}
	cmd.Flags().Int64Var(&most, "most", 50, "list at most so many, `N`")
	cmd.Flags().Int64Var(&one, "delivery", 0, "show the delivery with this `NUMBER`")
	asJSON := jsonFlag(cmd)
	cmd.RunE = c.onSite(func(ctx context.Context, a *app.App, args []string) error {
		id, err := hookNumber(args)
		if err != nil {
			return err
		}
		if one != 0 {
			d, attempts, err := webhook.GetDelivery(ctx, a.DB, account.CLI, id, one)
			if err != nil {
				return err
			}
			return printOne(c.out, *asJSON, fullDeliveryColumns, fullDelivery{d, attempts})
		}
		found, err := webhook.Deliveries(ctx, a.DB, account.CLI, id, 0, int(most))
		if err != nil {
			return err
		}
		return printRows(c.out, *asJSON, deliveryColumns, found)
	})
	return cmd
}

func newWebhookSkip(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "skip NUMBER DELIVERY",
		Short: "Give up a delivery that waits",
		Long: `Gives up a delivery that does not arrive, so that what comes after it is sent: the messages
of a webhook are sent in order, and one that its receiver refuses keeps all others waiting.
"pw admin webhook show" names it.`,
		Example: `  pw admin webhook skip 3 4711`,
		Args:    exactArgs(2),
	}
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		id, delivery, err := hookAndDelivery(args)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("skipped delivery %d", delivery), webhook.Skip(ctx, a.DB, account.CLI, a.Clock.Now(), id, delivery)
	})
}

func hookAndDelivery(args []string) (hook, delivery int64, err error) {
	if hook, err = hookNumber(args); err != nil {
		return 0, 0, err
	}
	delivery, err = numberOf("delivery", args[1])
	return hook, delivery, err
}

func newWebhookRedeliver(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "redeliver NUMBER DELIVERY",
		Short: "Send a delivery once more",
		Long: `Queues a delivery again: the worker sends the same bytes at once and only once, beside what
waits. If it fails the delivery stays what it was.`,
		Example: `  pw admin webhook redeliver 3 4711`,
		Args:    exactArgs(2),
	}
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		id, delivery, err := hookAndDelivery(args)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("queued delivery %d again", delivery), webhook.Redeliver(ctx, a.DB, account.CLI, a.Clock.Now(), id, delivery)
	})
}
