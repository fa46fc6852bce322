// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"patchwork.example/pw/internal/patch"
)

// listScripts complete who is named in a filter.
var listScripts = []string{"suggest.js"}

// markForm is the part of a filter that both lists have beyond persons, dates and words, as the visitor wrote it.
type markForm struct {
	Tags, NoTags              []string
	Checks, Comments, Version string
}

// readMarks reads it. A value that means nothing is as good as absent.
func readMarks(v url.Values, words patch.Vocabulary) (patch.Marks, markForm) {
	var m patch.Marks
	var f markForm
	tag := func(id int64) bool {
		return slices.ContainsFunc(words.Tags, func(t patch.Tag) bool { return t.ID == id })
	}
	m.Tags, f.Tags = idsAmong(v["tag"], tag)
	m.NoTags, f.NoTags = idsAmong(v["notag"], tag)
	checks := v.Get("checks")
	if checks == "success" { // as checks call it
		checks = patch.ChecksGreen
	}
	m.Checks, f.Checks = known(checks, patch.ChecksFail, patch.ChecksWarn, patch.ChecksPending, patch.ChecksGreen, patch.ChecksNone)
	m.Comments, f.Comments = known(v.Get("comments"), patch.CommentsOpen, patch.CommentsSome, patch.CommentsNone)
	if n, err := strconv.Atoi(v.Get("version")); err == nil && n >= 0 && n <= patch.MaxVersion {
		m.Version, f.Version = &n, strconv.Itoa(n)
	}
	return m, f
}

// chips are its parts in words; has and hasNot are what is said before the name of a tag.
func (f markForm) chips(a address, words patch.Vocabulary, has, hasNot string) []chip {
	var out []chip
	add := func(key, text string) {
		if text != "" {
			out = append(out, chip{text, a.with(key, "")})
		}
	}
	add("checks", checkWords[f.Checks])
	add("comments", commentWords[f.Comments])
	add("version", prefixed("version ", f.Version))
	for _, id := range f.Tags {
		out = append(out, chip{has + chosen(tagChoices(words), []string{id}), a.without("tag", id)})
	}
	for _, id := range f.NoTags {
		out = append(out, chip{hasNot + chosen(tagChoices(words), []string{id}), a.without("notag", id)})
	}
	return out
}

// sortOf is a way to sort a list.
type sortOf struct{ Order, Text string }

// listSorts are those of a list of patches: what heads of columns do, and what no column has.
var listSorts = []sortOf{{"-" + patch.OrderDate, "Newest first"}, {patch.OrderDate, "Oldest first"}, {patch.OrderName, "Name"}, {patch.OrderState, "State"}, {patch.OrderSubmitter, "Submitter"},
	{patch.OrderDelegate, "Delegate"}, {"-" + patch.OrderTags, "Most tags"}, {"-" + patch.OrderCheck, "Worst checks"}, {"-" + patch.OrderComments, "Most comments"}, {"-" + patch.OrderVersion, "Highest version"}}

// workOrders are those of a list of series.
var workOrders = []sortOf{{"-" + patch.OrderDate, "Newest first"}, {patch.OrderDate, "Oldest first"}, {"-" + patch.OrderActive, "Last active"}, {patch.OrderActive, "Longest silent"}, {patch.OrderName, "Name"},
	{patch.OrderLane, "Who must act"}, {"-" + patch.OrderSize, "Most patches"}, {"-" + patch.OrderVersion, "Highest version"}, {patch.OrderSubmitter, "Submitter"}, {patch.OrderDelegate, "Delegate"},
	{"-" + patch.OrderTags, "Most tags"}, {"-" + patch.OrderCheck, "Worst checks"}, {"-" + patch.OrderComments, "Most comments"}}

// sorts are the ways to sort, and the present one, if a head of a column has chosen another.
func sorts(all []sortOf, now string) []sortOf {
	if slices.ContainsFunc(all, func(s sortOf) bool { return s.Order == now }) {
		return all
	}
	return append(slices.Clone(all), sortOf{now, "As it is"})
}

// readPage reads a page: by its place if the address says one, else by its number.
func (p *Pages) readPage(ctx context.Context, q patch.Query, v url.Values) (patch.Page, error) {
	at, back := markOf(v)
	if at == nil || q.Keyset() != patch.OrderDate {
		return patch.List(ctx, p.db, q)
	}
	return patch.At(ctx, p.db, q, patch.Cursor{ID: at.ID, Date: at.Date}, back)
}

// beside are the addresses of the pages beside this one: places in the list, where its order has them, so that what comes in meanwhile moves nothing, and what is far
// away costs the same. Empty: their numbers do. The first page is always the newest patches.
func (l listPage) beside() (previous, next string) {
	rows, n := l.page.Rows, l.page.Page
	if l.keyset != patch.OrderDate || len(rows) == 0 {
		return "", ""
	}
	at := func(place string, r *patch.Row, page int) string {
		q := l.copy(places...)
		q.Set(place, markText(&patch.Mark{ID: r.ID, Date: r.Date}))
		q.Set("page", strconv.Itoa(page))
		return l.to(q)
	}
	if n > 2 {
		previous = at("upto", rows[0], n-1)
	}
	return previous, at("after", rows[len(rows)-1], n+1)
}

// place is the address of this page, as it is shown.
func (l listPage) place() string {
	if l.query.Get("after") != "" || l.query.Get("upto") != "" {
		return l.here()
	}
	return l.pager().Link(l.page.Page)
}
