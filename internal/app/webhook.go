// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/egress"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchapi"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
	"patchwork.example/pw/internal/webhook"
)

// WebhookWords are the names of what happens to patches, which categories and filters of webhooks may use.
func (a *App) WebhookWords(ctx context.Context) (webhook.Words, error) {
	v, err := patch.ReadVocabulary(ctx, a.DB)
	if err != nil {
		return webhook.Words{}, err
	}
	w := webhook.Words{Kinds: patch.EventKinds(), CheckStates: patch.CheckStates()}
	for _, s := range v.States {
		w.States = append(w.States, s.Slug)
	}
	for _, t := range v.Tags {
		w.Tags = append(w.Tags, t.Name)
	}
	return w, nil
}

// renderEvents makes the bodies of webhooks: the event objects of the API.
func (a *App) renderEvents(ctx context.Context, q sqldb.Queryer, stored []event.Stored) ([]webhook.Rendered, error) {
	events, err := patchapi.AddressesAt(a.Config.HTTP.BaseURL).Events(ctx, q, stored)
	if err != nil {
		return nil, err
	}
	out := make([]webhook.Rendered, 0, len(events))
	for _, e := range events {
		body, err := rest.Marshal(rest.Newest, e)
		if err != nil {
			return nil, err
		}
		f := e.Facts
		out = append(out, webhook.Rendered{Event: e.ID, Body: body, Facts: webhook.Facts{OfPatch: f.OfPatch, State: f.State, CheckState: f.CheckState, CheckContext: f.CheckContext, Tags: f.Tags}})
	}
	return out, nil
}

// guard says where a user of the site may make this program connect to.
func (a *App) guard() egress.Guard { return egress.Guard{Allowed: a.Config.Webhook.AllowedNetworks} }

// webhooks delivers.
func (a *App) webhooks() job.Kind {
	var proxy *url.URL
	if a.Config.Webhook.Proxy != "" {
		proxy, _ = url.Parse(a.Config.Webhook.Proxy) // config has parsed it before
	}
	w := webhook.NewWorker(a.DB, a.Clock, a.Log, webhook.NewSender(a.guard(), proxy, "Patchwork"))
	w.Disabled = a.tellDisabled
	return w.Kind()
}

// tellDisabled queues a mail to whoever manages a hook that was switched off: the maintainers of its project, or the administrators.
func (a *App) tellDisabled(ctx context.Context, tx *sqldb.Tx, h webhook.Hook) error {
	to, err := a.managers(ctx, tx, h)
	if err != nil {
		return err
	}
	of, path := "the whole site", "/admin/webhooks/"
	if h.Linkname != "" {
		of, path = "project "+h.Linkname, "/project/"+url.PathEscape(h.Linkname)+"/webhooks/"
	}
	for _, u := range to {
		m := outmail.Mail{Kind: "webhook-disabled", To: mail.Address{Name: strings.TrimSpace(u.FirstName + " " + u.LastName), Address: u.Email},
			Subject: fmt.Sprintf("Webhook %d of %s was switched off", h.ID, of),
			Text: fmt.Sprintf("The webhook to\n\n    %s\n\nwas switched off:\n%s.\n\nWhat waited for it is cancelled. See what was sent and answered, and switch it on again:\n\n    %s\n",
				outmail.Line(h.URL), outmail.Line(h.DisabledReason), outmail.Link(path+strconv.FormatInt(h.ID, 10)+"/"))}
		_, err := outmail.Queue(ctx, tx, a.Clock.Now(), m)
		if fault.Is(err, fault.Invalid) { // who can't be told, such as one without an address, must not keep the hook on
			a.Log.Warn("nobody is told: the address can't be used", "webhook", h.ID, "user", u.Username)
			continue
		}
		if err != nil {
			return fmt.Errorf("tell user %d that webhook %d was switched off: %w", u.ID, h.ID, err)
		}
	}
	return nil
}

// managers are the active users who manage a hook.
func (a *App) managers(ctx context.Context, q sqldb.Queryer, h webhook.Hook) ([]account.User, error) {
	var out []account.User
	if h.Project == 0 {
		all, err := account.Users(ctx, q)
		for _, u := range all {
			if u.IsAdmin && u.IsActive {
				out = append(out, u)
			}
		}
		return out, err
	}
	members, err := project.MembersOf(ctx, q, h.Project)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, 0, len(members))
	for _, m := range members {
		ids = append(ids, m.ID)
	}
	users, err := account.UsersByID(ctx, q, ids)
	for _, id := range ids {
		if u := users[id]; u != nil && u.IsActive {
			out = append(out, *u)
		}
	}
	return out, err
}

// sweepWebhooks removes what is kept of old deliveries.
func (a *App) sweepWebhooks(ctx context.Context) error {
	n, err := webhook.Sweep(ctx, a.DB, a.Clock.Now().Add(-a.Config.Webhook.KeepDeliveries))
	if n > 0 {
		a.Log.Info("housekeeping", "old deliveries of webhooks", n)
	}
	return err
}
