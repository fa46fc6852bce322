// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// listPage is what the template of the patch list needs.
type listPage struct {
	project project.Project
	words   patch.Vocabulary
	members []project.Member // offered as delegates; only to who is logged in
	page    patch.Page
	form    filterForm
	order   string
	query   url.Values // of the address
	bulk    bool
	bar     bulkBar // with bulk
	showIDs bool
}

// filterForm is the filter as the visitor wrote it.
type filterForm struct {
	State, Archive, Delegate, Submitter, Words, Series string
}

func (p *Pages) list(c *web.Call) error {
	pr, err := p.project(c)
	if err != nil {
		return err
	}
	ctx := c.R.Context()
	l := listPage{project: pr, query: c.R.URL.Query(), bulk: c.User.ID != 0, showIDs: c.User.ShowIDs}
	if l.words, err = patch.ReadVocabulary(ctx, p.db); err != nil {
		return err
	}
	if l.bulk {
		if l.members, err = project.MembersOf(ctx, p.db, pr.ID); err != nil {
			return err
		}
	}
	q, err := p.query(ctx, &l, c.User)
	if err != nil {
		return err
	}
	if l.page, err = patch.List(ctx, p.db, q); err != nil {
		return err
	}
	if l.bulk {
		l.bar = bulkBar{words: l.words, members: l.members, one: "patch", many: "patches", rows: len(l.page.Rows), matching: l.page.Total, seen: c.Now}
		if l.bar.bundles, err = p.ownBundles(c, pr.ID); err != nil {
			return err
		}
	}
	meta := web.Meta{Title: "Patches", Project: pr.Linkname, Name: pr.Name, Section: "patches", NavHTML: pr.NavHTML}
	return c.Render(http.StatusOK, meta, listView(l))
}

// query reads the filter of the address. As in Patchwork 3.2 a value that means nothing is as good as absent.
func (p *Pages) query(ctx context.Context, l *listPage, u account.User) (patch.Query, error) {
	v := l.query
	l.form = filterForm{State: v.Get("state"), Archive: v.Get("archive"), Delegate: v.Get("delegate"), Submitter: v.Get("submitter"),
		Words: v.Get("q"), Series: v.Get("series")}
	q := patch.Query{Projects: []int64{l.project.ID}, Words: l.form.Words, Order: validOrder(v.Get("order")), PerPage: p.opt.PerPage}
	if u.ID != 0 && u.ItemsPerPage > 0 { // Patchwork 3.2 stored other numbers too
		q.PerPage = min(u.ItemsPerPage, account.MaxItemsPerPage)
	}
	q.Page, _ = strconv.Atoi(v.Get("page"))
	l.order = validOrder(q.Order)
	q.States = l.states()
	switch l.form.Archive {
	case "true":
		q.Archived = []bool{true}
	case "both":
	default:
		q.Archived, l.form.Archive = []bool{false}, ""
	}
	if series, err := strconv.ParseInt(l.form.Series, 10, 64); err == nil && series != 0 {
		q.Series = []int64{series}
		if v.Get("state") == "" {
			q.States, l.form.State = nil, "*" // a link to a series shows all of it
		}
	}
	if err := p.people(ctx, l, &q); err != nil {
		return q, err
	}
	return q, nil
}

// states are those the filter asks for: nil for any, else one, else those that require action.
func (l *listPage) states() []int64 {
	if l.form.State == "*" {
		return nil
	}
	if id, err := strconv.ParseInt(l.form.State, 10, 64); err == nil && l.words.StateName(id) != "" {
		return []int64{id}
	}
	l.form.State = ""
	return l.words.ActionRequired()
}

// people turns the submitter and the delegate of the filter into ids.
func (p *Pages) people(ctx context.Context, l *listPage, q *patch.Query) error {
	if l.form.Submitter != "" {
		ids, err := account.PersonsOf(ctx, p.db, l.form.Submitter)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			q.Submitters = ids
		} else {
			l.form.Submitter = ""
		}
	}
	switch d := l.form.Delegate; {
	case d == "":
	case strings.EqualFold(d, "nobody"):
		q.Delegates = []int64{0}
	default:
		ids, err := account.UsersLike(ctx, p.db, d)
		if err != nil {
			return err
		}
		q.Delegates = ids
	}
	return nil
}

func validOrder(order string) string {
	switch strings.TrimPrefix(order, "-") {
	case patch.OrderDate, patch.OrderName, patch.OrderState, patch.OrderSubmitter, patch.OrderDelegate:
		return order
	}
	return "-" + patch.OrderDate
}

// with is the address of the list with one parameter changed, from its first page; an empty value takes the parameter away.
func (l listPage) with(key, value string) string {
	q := url.Values{}
	for k, v := range l.query {
		q[k] = v
	}
	q.Del("page")
	q.Del(key)
	if value != "" {
		q.Set(key, value)
	}
	path := "/project/" + url.PathEscape(l.project.Linkname) + "/list/"
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// sortBy is the address of the list sorted by a column, the other way round if it is so already. Dates begin with the newest.
func (l listPage) sortBy(key string) string {
	first, other := key, "-"+key
	if key == patch.OrderDate {
		first, other = other, first
	}
	if l.order == first {
		return l.with("order", other)
	}
	return l.with("order", first)
}

func (l listPage) sorted(key string) string {
	switch l.order {
	case key:
		return "ascending"
	case "-" + key:
		return "descending"
	}
	return "none"
}

func (l listPage) pager() web.Pager {
	return web.Pager{Page: l.page.Page, Pages: l.page.Pages, Path: "/project/" + url.PathEscape(l.project.Linkname) + "/list/", Query: l.query}
}

// total says how many patches there are.
func (l listPage) total() string {
	switch n := l.page.Total; {
	case n > patch.CountLimit:
		return "more than " + grouped(patch.CountLimit) + " patches"
	case n == 1:
		return "1 patch"
	default:
		return grouped(n) + " patches"
	}
}

// grouped writes a number with a comma between groups of three digits.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// which says what the list is about where the form of the filter can't, in words: the form shows numbers as they stand in the address.
func (l listPage) which() string {
	if len(l.page.Rows) == 0 {
		return ""
	}
	r, s := l.page.Rows[0], ""
	if id, err := strconv.ParseInt(l.form.Submitter, 10, 64); err == nil && id == r.Submitter {
		s += " by " + person(r.SubmitterName, r.SubmitterMail)
	}
	if l.form.Series == strconv.FormatInt(r.Series, 10) {
		s += " in " + shown(r.SeriesName)
	}
	return s
}

// maxForm bounds a form in bytes: a thousand patches and some text.
const maxForm = 256 << 10

func parseForm(c *web.Call) error {
	c.R.Body = http.MaxBytesReader(c.W, c.R.Body, maxForm)
	err := c.R.ParseForm()
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.Wrap(fault.TooLarge, err, "the form is too large: at most %d bytes can be sent at once", maxForm)
	}
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the form can't be read")
	}
	return nil
}
