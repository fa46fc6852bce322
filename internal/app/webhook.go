// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"net/url"

	"patchwork.example/pw/internal/base/egress"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchapi"
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
	events, err := patchapi.Addresses{Base: a.Config.HTTP.BaseURL}.Events(ctx, q, stored)
	if err != nil {
		return nil, err
	}
	out := make([]webhook.Rendered, 0, len(events))
	for _, e := range events {
		body, err := rest.Marshal(e)
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
	return webhook.NewWorker(a.DB, a.Clock, a.Log, webhook.NewSender(a.guard(), proxy, "Patchwork")).Kind()
}

// sweepWebhooks removes what is kept of old deliveries.
func (a *App) sweepWebhooks(ctx context.Context) error {
	n, err := webhook.Sweep(ctx, a.DB, a.Clock.Now().Add(-a.Config.Webhook.KeepDeliveries))
	if n > 0 {
		a.Log.Info("housekeeping", "old deliveries of webhooks", n)
	}
	return err
}
