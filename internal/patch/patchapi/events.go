// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"net/http"
	"slices"
	"strconv"

	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/rest"
)

// categories are those that Patchwork 3.2 has, and the version since which it shows them. All others are shown since 1.4.
var categories = map[string]rest.Version{
	patch.EventCoverCreated: rest.V10, patch.EventPatchCreated: rest.V10, patch.EventPatchCompleted: rest.V10, patch.EventPatchStateChanged: rest.V10, patch.EventPatchDelegated: rest.V10,
	patch.EventPatchRelation: rest.V10, patch.EventCheckCreated: rest.V10, patch.EventSeriesCreated: rest.V10, patch.EventSeriesCompleted: rest.V10,
	patch.EventCoverCommentCreated: rest.V13, patch.EventPatchCommentCreated: rest.V13,
}

// hidden are the categories that a version does not show, even if they are asked for.
func hidden(v rest.Version) (out []string) {
	for _, kind := range patch.EventKinds() {
		since, old := categories[kind]
		if old && v < since || !old && v < rest.V14 {
			out = append(out, kind)
		}
	}
	return out
}

func (f *face) eventRoutes() []rest.Route {
	return []rest.Route{{Path: "/events/", Tag: "events", Methods: map[string]rest.Op{
		"GET": {Do: f.events, Doc: "List events, or follow them", Answer: []*Event{}, Paged: true, Media: rest.EventStream, Query: []rest.Param{
			{Name: "project", Repeated: true, Doc: "number or link name of a project"},
			{Name: "category", Enum: patch.EventKinds(), Doc: "what has happened"},
			{Name: "series", Type: rest.Number, Repeated: true, Doc: "number of a series that they are about"},
			{Name: "patch", Type: rest.Number, Repeated: true, Doc: "number of a patch that they are about"},
			{Name: "cover", Type: rest.Number, Repeated: true, Doc: "number of a cover letter that they are about"},
			{Name: "actor", Type: rest.Number, Repeated: true, Since: rest.V12, Doc: "number of the user who did it"},
			{Name: "before", Type: rest.Instant, Doc: "before this time"},
			{Name: "since", Type: rest.Instant, Doc: "at this time or later"},
			{Name: "order", Enum: []string{"date", "-date"}, Doc: "date: the oldest first"},
			{Name: "after", Since: rest.V14, Doc: "a position: only events behind it, in the order of their positions, without gaps; last: the position of the last one. Goes with project and category"},
		}}}}}
}

// events answers a list, what is behind a position, or a stream.
func (f *face) events(c *rest.Call) error {
	q, none, err := f.eventQuery(c)
	if err != nil {
		return err
	}
	follow := c.Version >= rest.V14 && c.Accepts(rest.EventStream)
	switch {
	case follow:
		return f.followEvents(c, q, none)
	case c.Version >= rest.V14 && c.Filters().Has("after"):
		return f.eventsAfter(c, q, none)
	case none:
		return f.noEvents(c)
	}
	list, err := event.List(c.R.Context(), f.db, q)
	if err != nil {
		return err
	}
	page, err := c.Page(list.Total)
	if err != nil {
		return err
	}
	stored, err := list.Page(c.R.Context(), f.db, page.Offset, page.Limit)
	if err != nil {
		return err
	}
	return f.showEvents(c, stored)
}

func (f *face) noEvents(c *rest.Call) error {
	if _, err := c.Page(0); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, []*Event{})
}

func (f *face) showEvents(c *rest.Call, stored []event.Stored) error {
	out, err := addressesFor(c).Events(c.R.Context(), f.db, stored)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// eventQuery reads the filters; none tells that no event can pass them.
func (f *face) eventQuery(c *rest.Call) (q event.Query, none bool, err error) {
	fs := c.Filters()
	q = event.Query{Except: hidden(c.Version), Since: fs.Time("since"), Before: fs.Time("before"), About: map[string][]int64{}}
	if kind, ok := fs.Last("category"); ok {
		if !slices.Contains(patch.EventKinds(), kind) || slices.Contains(q.Except, kind) {
			fs.Impossible()
		}
		q.Kind = kind
	}
	for _, subject := range []string{"series", "patch", "cover"} {
		if ids := fs.Numbers(subject); ids != nil {
			q.About[subject] = ids
		}
	}
	if c.Version >= rest.V12 {
		q.Actors = fs.Numbers("actor")
	}
	if q.Projects, err = f.projects(c, fs, "project"); err != nil {
		return q, false, err
	}
	q.Oldest = slices.Equal(c.Order("date"), []rest.Order{{Field: "date"}})
	return q, fs.None(), q.Check()
}

// eventsAfter answers what is behind a position. A reader who goes on from the address in Link misses nothing, whatever his filters leave out.
func (f *face) eventsAfter(c *rest.Call, q event.Query, none bool) error {
	after, err := f.position(c, q)
	if err != nil {
		return err
	}
	var stored []event.Stored
	if !none {
		if stored, after, err = event.Next(c.R.Context(), f.db, after, c.PerPage(), q); err != nil {
			return err
		}
	}
	c.LinkNext("after", strconv.FormatInt(after, 10))
	return f.showEvents(c, stored)
}

// position reads after.
func (f *face) position(c *rest.Call, q event.Query) (int64, error) {
	text, _ := c.Filters().Last("after")
	if err := followable(q); err != nil {
		return 0, err
	}
	if text == "last" {
		return event.Last(c.R.Context(), f.db)
	}
	after, err := strconv.ParseInt(text, 10, 64)
	if err != nil || after < 0 {
		return 0, rest.FieldErrors{"after": {"A valid integer is required."}}
	}
	return after, nil
}

// followable refuses filters that can't be kept in the order of positions.
func followable(q event.Query) error {
	if len(q.About) > 0 || q.Actors != nil || q.Since != nil || q.Before != nil {
		return rest.FieldErrors{"after": {"Only project and category can be asked for behind a position."}}
	}
	return nil
}
