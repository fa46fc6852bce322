// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/irc"
	"patchwork.example/pw/internal/patch/patchapi"
	"patchwork.example/pw/internal/patch/patchweb"
)

// describeEvents tells what templates of IRC notices may say of events.
func (a *App) describeEvents(ctx context.Context, q sqldb.Queryer, stored []event.Stored) ([]irc.Described, error) {
	return describeAt(ctx, q, a.Config.HTTP.BaseURL, stored)
}

func describeAt(ctx context.Context, q sqldb.Queryer, base string, stored []event.Stored) ([]irc.Described, error) {
	events, err := patchapi.AddressesAt(base).Events(ctx, q, stored)
	if err != nil {
		return nil, err
	}
	out := make([]irc.Described, 0, len(events))
	for _, e := range events {
		out = append(out, irc.Described{Event: e.ID, Facts: ircFacts(e)})
	}
	return out, nil
}

// happenings tells the same for feeds.
func happenings(ctx context.Context, q sqldb.Queryer, base string, stored []event.Stored) ([]patchweb.Happening, error) {
	described, err := describeAt(ctx, q, base, stored)
	if err != nil {
		return nil, err
	}
	out := make([]patchweb.Happening, 0, len(described))
	for _, d := range described {
		out = append(out, patchweb.Happening{Event: d.Event, Title: d.Title, URL: d.URL, Actor: d.Actor, Delegate: d.Delegate, Check: d.Check, Context: d.Context})
	}
	return out, nil
}

func ircFacts(e *patchapi.Event) irc.Facts {
	f := irc.Facts{Project: e.Project.LinkName, Kind: e.Category}
	if e.Actor != nil {
		f.Actor = e.Actor.Username
	}
	of := func(title, url string) { f.Title, f.URL = title, url }
	switch p := e.Payload.(type) {
	case patchapi.CoverPayload:
		of(p.Cover.Name, p.Cover.WebURL)
	case patchapi.PatchPayload:
		of(p.Patch.Name, p.Patch.WebURL)
	case patchapi.SeriesPayload:
		of(orEmpty(p.Series.Name), p.Series.WebURL)
	case patchapi.VersionPayload:
		of(orEmpty(p.Series.Name), p.Series.WebURL)
	case patchapi.MetadataPayload:
		of(orEmpty(p.Series.Name), p.Series.WebURL)
	case patchapi.CompletedPayload:
		of(p.Patch.Name, p.Patch.WebURL)
	case patchapi.StatePayload:
		of(p.Patch.Name, p.Patch.WebURL)
		f.State, f.Previous = p.Current, p.Previous
	case patchapi.DelegatePayload:
		of(p.Patch.Name, p.Patch.WebURL)
		f.Delegate = "nobody"
		if p.Current != nil {
			f.Delegate = p.Current.Username
		}
	case patchapi.ArchivedPayload:
		of(p.Patch.Name, p.Patch.WebURL)
	case patchapi.CommitPayload:
		of(p.Patch.Name, p.Patch.WebURL)
	case patchapi.PullURLPayload:
		of(p.Patch.Name, p.Patch.WebURL)
	case patchapi.RelationPayload:
		of(p.Patch.Name, p.Patch.WebURL)
	case patchapi.CheckPayload:
		of(p.Patch.Name, p.Patch.WebURL)
		f.Check, f.Context = p.Check.State, p.Check.Context
	case patchapi.PatchCommentPayload:
		of(p.Patch.Name, p.Comment.WebURL)
	case patchapi.CoverCommentPayload:
		of(p.Cover.Name, p.Comment.WebURL)
	case patchapi.PatchAddressedPayload:
		of(p.Patch.Name, p.Comment.WebURL)
	case patchapi.CoverAddressedPayload:
		of(p.Cover.Name, p.Comment.WebURL)
	}
	return f
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
