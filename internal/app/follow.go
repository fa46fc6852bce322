// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"sync"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/ingress"
)

// PublicInbox is an archive with the configured limits.
func (a *App) PublicInbox(p config.PublicInbox, rescan bool) (*ingress.PublicInbox, error) {
	in := a.Config.Ingress
	return ingress.OpenPublicInbox(p.Location, ingress.PublicInboxOptions{ListID: p.ListID, Cache: in.PublicInboxCache, Every: in.PollInterval,
		MailSize: int(a.Config.Limits.ImportMailSize), Rescan: rescan})
}

// Sources are the archives and mailboxes that the configuration says to follow.
func (a *App) Sources() ([]ingress.Followed, error) {
	var out []ingress.Followed
	for _, p := range a.Config.Ingress.PublicInbox {
		s, err := a.PublicInbox(p, false)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	for _, m := range a.Config.Ingress.IMAP {
		s, err := a.imap(m)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// Follow takes in what the sources get until ctx ends. What fails is logged and tried again; it stops nothing else.
func (a *App) Follow(ctx context.Context, sources []ingress.Followed) {
	in := a.Intake()
	var all sync.WaitGroup
	for _, s := range sources {
		all.Go(func() { in.Follow(ctx, s, a.Log) })
	}
	all.Wait()
}
