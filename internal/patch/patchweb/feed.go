// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"net/url"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// notInFeeds are the parameters of a list that its feed does not know: how it is sorted and shown.
var notInFeeds = append(append([]string{"order", plainView}, viewFields...), places...)

// feedURL is the address of the feed of a list, with its filter.
func (a address) feedURL() string {
	feed := address{path: strings.TrimSuffix(a.path, "/") + ".atom"}
	return feed.to(a.copy(notInFeeds...))
}

// feedOf is the feed of a list, for the head of its page.
func (a address) feedOf(what string, pr project.Project) web.Link {
	return web.Link{Text: what + " of " + pr.Name, Path: a.feedURL()}
}

// feedAddress is the address of the list that a feed was asked of, with its filter only.
func feedAddress(c *web.Call, linkname, list string) address {
	a := address{path: projectPath(linkname) + list, query: c.R.URL.Query()}
	a.query = a.copy(notInFeeds...)
	return a
}

// feedLengthOf is how many entries are asked for.
func feedLengthOf(v url.Values) int {
	if n, err := strconv.Atoi(v.Get("per_page")); err == nil && n > 0 {
		return min(n, maxFeedLength)
	}
	return feedLength
}

// feedTitle says what is in a feed.
func feedTitle(pr project.Project, what string, filter []chip) string {
	var parts []string
	for _, f := range filter {
		parts = append(parts, f.Text)
	}
	title := shown(pr.Name) + ": " + what
	if len(parts) > 0 {
		title += " (" + strings.Join(parts, ", ") + ")"
	}
	return title
}

// seriesName is the name of a series as lists have it, with its version.
func seriesName(r *patch.WorkRow) string {
	name := shown(r.Name)
	if versionShown(r) {
		name += " v" + strconv.Itoa(r.Version)
	}
	return name
}

// listFeed answers with the newest patches of a list, whoever asks.
func (p *Pages) listFeed(c *web.Call) error {
	ctx := c.R.Context()
	l := listPage{address: feedAddress(c, c.R.PathValue("link"), "list/"), now: c.Now}
	err := project.With(ctx, p.db, c.R.PathValue("link"), &l.project, patch.AskWords(&l.words, &l.people, l.query.Get("submitter"), l.query.Get("delegate")))
	if err != nil {
		return err
	}
	q, err := p.query(ctx, &l, account.User{})
	if err != nil {
		return err
	}
	q.PerPage = feedLengthOf(c.R.URL.Query())
	if l.page, err = patch.List(ctx, p.db, q); err != nil {
		return err
	}
	if l.page.Aged {
		c.Aged()
	}
	var ids []int64
	for _, r := range l.page.Rows {
		ids = append(ids, r.ID)
	}
	texts, err := patch.Excerpts(ctx, p.db, ids, summaryRead)
	if err != nil {
		return err
	}
	var entries []feedEntry
	for _, r := range l.page.Rows {
		e := entry(c, mailURI(r.MsgID), shown(r.Name), patch.PagePath(l.project.Linkname, patch.KindPatch, r.MsgID), person(r.SubmitterName, r.SubmitterMail), r.Date, r.Date)
		e.Summary = summary(texts[r.ID])
		entries = append(entries, e)
	}
	return sendFeed(c, feedTitle(l.project, "patches", l.chips()), l.feedURL(), l.here(), entries)
}

// seriesFeed answers with the newest series of a list, whoever asks.
func (p *Pages) seriesFeed(c *web.Call) error {
	ctx := c.R.Context()
	pr, err := p.project(c)
	if err != nil {
		return err
	}
	w := workPage{address: feedAddress(c, pr.Linkname, "series/"), project: pr, of: []int64{pr.ID}, now: c.Now}
	if w.words, err = patch.ReadVocabulary(ctx, p.db); err != nil {
		return err
	}
	q, err := p.workQuery(ctx, &w, account.User{})
	if err != nil {
		return err
	}
	lanes, err := patch.Lanes(ctx, p.db, w.of)
	if err != nil {
		return err
	}
	q.PerPage = feedLengthOf(c.R.URL.Query())
	if w.page, err = patch.ListWork(ctx, p.db, q, lanes); err != nil {
		return err
	}
	var ids []int64
	for _, r := range w.page.Rows {
		ids = append(ids, r.ID)
	}
	texts, err := patch.SeriesExcerpts(ctx, p.db, ids, summaryRead)
	if err != nil {
		return err
	}
	var entries []feedEntry
	for _, r := range w.page.Rows {
		e := entry(c, siteTag(c, "series", r.ID), seriesName(r), seriesURL(pr.Linkname, r.ID), person(r.SubmitterName, r.SubmitterMail), r.Date, max(r.Date, r.ActiveAt))
		e.Summary = summary(texts[r.ID])
		entries = append(entries, e)
	}
	return sendFeed(c, feedTitle(pr, "series", w.chips()), w.feedURL(), w.here(), entries)
}
