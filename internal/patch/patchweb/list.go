// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// listPage is what the template of the patch list needs.
type listPage struct {
	address
	project project.Project
	words   patch.Vocabulary
	people  patch.People     // whom the filter names
	members []project.Member // offered as delegates; only to who is logged in
	page    patch.Page
	form    filterForm
	order   string
	bulk    bool
	bar     bulkBar // with bulk
	saved   savedBar
	view    listLook
	now     clock.Time
	said    map[int64]patch.Said // comments, if they are shown
	keyset  string               // by what the list can be gone through, see patch.Query.Keyset
}

// filterForm is the filter as the visitor wrote it.
type filterForm struct {
	State, Archive, Delegate, Submitter, Words, Series, Since, Before string
	States                                                            []string // when it names several
	Pasted                                                            bool     // Words have a Message-ID
	markForm
}

func (p *Pages) list(c *web.Call) error {
	ctx := c.R.Context()
	l := listPage{address: address{query: c.R.URL.Query()}, bulk: c.User.ID != 0, now: c.Now}
	var asked []sqldb.Ask
	if !l.bulk {
		asked = append(asked, patch.AskWords(&l.words, &l.people, l.query.Get("submitter"), l.query.Get("delegate")))
	}
	err := project.With(ctx, p.db, c.R.PathValue("link"), &l.project, asked...)
	if err != nil {
		return err
	}
	pr := l.project
	l.path = projectPath(pr.Linkname) + "list/"
	var desk patch.Desk
	if l.bulk {
		desk, err = patch.ReadDesk(ctx, p.db, patch.DeskQuery{User: c.User.ID, Project: pr.ID, Kind: patch.SavedPatches, Submitter: l.query.Get("submitter"), Delegate: l.query.Get("delegate")})
		if err != nil {
			return err
		}
		l.words, l.people, l.members = desk.Words, desk.People, desk.Members
		if to := opensWith(&l.address, desk); to != "" {
			return c.Redirect(http.StatusFound, to)
		}
	}
	if to := l.shorter(); to != "" {
		return c.Redirect(http.StatusFound, to)
	}
	q, err := p.query(ctx, &l, c.User)
	if err != nil {
		return err
	}
	l.keyset = q.Keyset()
	if l.page, err = p.readPage(ctx, q, l.query); err != nil {
		return err
	}
	if l.page.Aged {
		c.Aged()
	}
	if l.bulk {
		l.bar = bulkBar{words: l.words, members: l.members, one: "patch", many: "patches", rows: len(l.page.Rows), matching: l.page.Total, more: l.page.More, seen: c.Now, bundles: desk.Bundles}
		l.saved = savedOf(l.address, desk, patch.SavedPatches, pr)
	}
	if l.view.shows("comments") {
		if l.said, err = patch.CountComments(ctx, p.db, l.page.Rows); err != nil {
			return err
		}
	}
	meta := web.Meta{Todo: &desk.Todo, Title: "Patches", Project: pr.Linkname, Name: pr.Name, Section: "patches", NavHTML: pr.NavHTML, Scripts: listScripts, Feed: l.feedOf("Patches", pr)}
	return c.Render(http.StatusOK, meta, listView(l))
}

// query reads the filter of the address. As in Patchwork 3.2 a value that means nothing is as good as absent.
func (p *Pages) query(ctx context.Context, l *listPage, u account.User) (patch.Query, error) {
	v := l.query
	l.form = filterForm{State: v.Get("state"), Archive: v.Get("archive"), Delegate: v.Get("delegate"), Submitter: v.Get("submitter"),
		Words: v.Get("q"), Series: v.Get("series")}
	q := patch.Query{Projects: []int64{l.project.ID}, Words: l.form.Words, Order: validOrder(v.Get("order")), Totals: p.opt.Totals, Brief: true}
	l.view = p.viewOf(patch.SavedPatches, v, u, true)
	q.Page, _ = strconv.Atoi(v.Get("page"))
	q.PerPage = l.view.perPage
	l.order = validOrder(q.Order)
	q.States = l.states()
	q.Since, l.form.Since = timeOf(l.now, v.Get("since"))
	q.Before, l.form.Before = timeOf(l.now, v.Get("before"))
	q.Marks, l.form.markForm = readMarks(v, l.words)
	q.Newest = dearOrder(l.order)
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
	} else {
		l.form.Series = ""
	}
	q.Submitters, q.Delegates = l.people.Submitters, l.people.Delegates
	if len(q.Submitters) == 0 {
		q.Submitters, l.form.Submitter = nil, ""
	}
	is, found, err := patch.FindPasted(ctx, p.db, q.Projects, q.Words)
	if found {
		l.named(&q, is)
	}
	return q, err
}

// named narrows a query to the patch whose Message-ID is among the words, or to the series that it means. Where nothing else is asked for it is found in whatever state it is.
func (l *listPage) named(q *patch.Query, is patch.Pasted) {
	q.Words, l.form.Pasted = is.Words, true
	if len(is.MsgIDs) > 0 {
		q.MsgIDs = is.MsgIDs
	} else if q.Series == nil {
		q.Series = is.Series
	} else {
		q.Series = slices.DeleteFunc(q.Series, func(id int64) bool { return !slices.Contains(is.Series, id) })
	}
	if l.query.Get("state") == "" {
		q.States, l.form.State = nil, "*"
	}
	if l.query.Get("archive") == "" {
		q.Archived, l.form.Archive = nil, "both"
	}
}

// perPage is how many rows a visitor wants.
func (p *Pages) perPage(u account.User) int {
	if u.ID != 0 && u.ItemsPerPage > 0 { // Patchwork 3.2 stored other numbers too
		return min(u.ItemsPerPage, account.MaxItemsPerPage)
	}
	return p.opt.PerPage
}

// states are those the filter asks for: nil for any, else one, else those that require action.
func (l *listPage) states() []int64 {
	if len(l.query["state"]) > 1 {
		ids, texts := idsAmong(l.query["state"], func(id int64) bool { return l.words.StateName(id) != "" })
		if l.form.States = texts; len(ids) > 1 {
			return ids
		}
	}
	if l.form.State == "*" {
		return nil
	}
	if id, err := strconv.ParseInt(l.form.State, 10, 64); err == nil && l.words.StateName(id) != "" {
		return []int64{id}
	}
	l.form.State = ""
	return l.words.ActionRequired()
}

// people turns the submitter and the delegate of a filter into ids; nil: any. A submitter that means nobody becomes empty.
func (p *Pages) people(ctx context.Context, submitter *string, delegate string) (submitters, delegates []int64, err error) {
	if *submitter != "" {
		ids, err := account.PersonsOf(ctx, p.db, *submitter)
		if err != nil {
			return nil, nil, err
		}
		if len(ids) > 0 {
			submitters = ids
		} else {
			*submitter = ""
		}
	}
	switch {
	case delegate == "":
	case strings.EqualFold(delegate, "nobody"):
		delegates = []int64{0}
	default:
		delegates, err = account.UsersLike(ctx, p.db, delegate)
	}
	return submitters, delegates, err
}

func validOrder(order string) string {
	switch strings.TrimPrefix(order, "-") {
	case patch.OrderDate, patch.OrderName, patch.OrderState, patch.OrderSubmitter, patch.OrderDelegate:
		return order
	}
	if dearOrder(order) {
		return order
	}
	return "-" + patch.OrderDate
}

// dearOrder tells whether an order is looked up patch by patch.
func dearOrder(order string) bool {
	switch strings.TrimPrefix(order, "-") {
	case patch.OrderTags, patch.OrderCheck, patch.OrderComments, patch.OrderVersion:
		return true
	}
	return false
}

func (l listPage) pager() web.Pager {
	pager := web.Pager{Page: l.page.Page, Pages: l.page.Pages, Path: l.path, Query: l.copy(places...), Open: l.page.More && !l.page.Last}
	pager.Previous, pager.Next = l.beside()
	return pager
}

// chips are the parts of the filter, in words. That only what requires action is listed is none.
func (l listPage) chips() []chip {
	var out []chip
	add := func(key, text string) {
		if text != "" && l.query.Get(key) != "" { // what another part of the filter implies can't be taken away alone
			out = append(out, chip{text, l.with(key, "")})
		}
	}
	f := l.form
	switch id, _ := strconv.ParseInt(f.State, 10, 64); {
	case len(f.States) > 1:
		for _, s := range f.States {
			out = append(out, chip{"state " + chosen(stateChoices(l.words), []string{s}), l.without("state", s)})
		}
	case f.State == "*":
		add("state", "any state")
	case id != 0:
		add("state", "state "+l.words.StateName(id))
	}
	add("archive", map[string]string{"true": "archived", "both": "archived or not"}[f.Archive])
	add("q", inQuotes(wordsChip(f.Pasted), f.Words))
	add("submitter", l.submitter())
	add("delegate", l.delegate())
	add("since", prefixed("since ", spanText(f.Since)))
	add("before", prefixed("before ", spanText(f.Before)))
	add("series", prefixed("series ", f.Series))
	return append(out, f.chips(l.address, l.words, "has ", "has no ")...)
}

// submitter says whose patches are listed: a number in the address is somebody's, whose name the rows have.
func (l listPage) submitter() string {
	for _, r := range l.page.Rows {
		if l.form.Submitter == strconv.FormatInt(r.Submitter, 10) {
			return "by " + person(r.SubmitterName, r.SubmitterMail)
		}
	}
	return inQuotes("submitter ", l.form.Submitter)
}

// delegate is the same of who is to do something with them.
func (l listPage) delegate() string {
	for _, r := range l.page.Rows {
		if r.Delegate != 0 && l.form.Delegate == strconv.FormatInt(r.Delegate, 10) {
			return "delegate " + r.DelegateName
		}
	}
	return inQuotes("delegate ", l.form.Delegate)
}

// total says how many patches there are.
func (l listPage) total() string {
	switch n := l.page.Total; {
	case l.page.More:
		return "at least " + grouped(n) + " patches"
	case n == 1:
		return "1 patch"
	default:
		return grouped(n) + " patches"
	}
}

// grouped writes a number with a comma between groups of three digits.
func grouped(n int) string {
	return web.Grouped(n)
}

// which says what the list is about where the form of the filter can't, in words: the form shows numbers as they stand in the address.
func (l listPage) which() string {
	if len(l.page.Rows) == 0 {
		return l.among()
	}
	r, s := l.page.Rows[0], ""
	if id, err := strconv.ParseInt(l.form.Submitter, 10, 64); err == nil && id == r.Submitter {
		s += " by " + person(r.SubmitterName, r.SubmitterMail)
	}
	if l.form.Series == strconv.FormatInt(r.Series, 10) {
		s += " in " + shown(r.SeriesName)
	}
	return s + l.among()
}

// among says among how many patches was looked, if not among all.
func (l listPage) among() string {
	if !l.page.Beyond {
		return ""
	}
	return " among the newest " + grouped(patch.MaxMarked)
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
