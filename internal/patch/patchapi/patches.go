// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
)

// PatchInList is a patch in a list.
type PatchInList struct {
	ID             int64          `json:"id"`
	URL            string         `json:"url"`
	WebURL         string         `json:"web_url" since:"1.1"`
	Project        *rest.Project  `json:"project"`
	MsgID          string         `json:"msgid"`
	ListArchiveURL *string        `json:"list_archive_url" since:"1.2"`
	Date           string         `json:"date"`
	Name           string         `json:"name"`
	CommitRef      *string        `json:"commit_ref"`
	PullURL        *string        `json:"pull_url"`
	State          *string        `json:"state"` // null only of imported patches that have none
	Archived       bool           `json:"archived"`
	Hash           *string        `json:"hash"` // null: no diff
	Submitter      *rest.Person   `json:"submitter"`
	Delegate       *rest.User     `json:"delegate"`
	Mbox           string         `json:"mbox"`
	Series         []*Series      `json:"series"` // one at most
	Comments       string         `json:"comments" since:"1.1"`
	Check          string         `json:"check"` // pending, success, warning or fail
	Checks         string         `json:"checks"`
	Tags           map[string]int `json:"tags"` // how often, by abbreviation
	Related        []*Patch       `json:"related" since:"1.2"`
}

// PatchDetail is a patch with its texts.
type PatchDetail struct {
	PatchInList
	Headers  Headers  `json:"headers"`
	Content  *string  `json:"content"`
	Diff     *string  `json:"diff"`
	Prefixes []string `json:"prefixes"`
}

const (
	patchesPath = "/patches/"

	// maxSorted is how many patches are sorted at most by an order that no index has.
	maxSorted = 100000
)

var patchOrders = []string{"id", "name", "project", "date", "state", "archived", "submitter", "check"}

func (f *face) patchRoutes() []rest.Route {
	fields := patchFields()
	return []rest.Route{
		{Path: patchesPath, Tag: "patches", Methods: map[string]rest.Op{
			"GET": {Do: f.listPatches, Doc: "List patches", Answer: []PatchInList{}, Paged: true, Query: append(patchParams(),
				rest.Param{Name: "order", Doc: strings.Join(patchOrders, ", ") + "; several with commas between, with a minus in reverse"}, rest.CursorParam)},
			"PATCH": {Do: f.changePatches, Doc: "Change many patches at once, all or none: those of a list of ids, or all that the filters of the address find", Since: rest.V14,
				Answer: BulkChange{}, Query: patchParams(), Body: bulkFields()},
		}},
		{Path: patchesPath + "{id}/", Tag: "patches", Methods: map[string]rest.Op{
			"GET":   {Do: f.getPatch, Doc: "Show a patch with its text and diff", Answer: PatchDetail{}},
			"PATCH": {Do: f.changePatch(false), Doc: "Change a patch", Answer: PatchDetail{}, Body: fields},
			"PUT":   {Do: f.changePatch(true), Doc: "Change a patch; state and delegate are required", Answer: PatchDetail{}, Body: fields},
		}},
	}
}

func patchParams() []rest.Param {
	return []rest.Param{
		{Name: "project", Repeated: true, Doc: "number or link name"},
		{Name: "series", Type: rest.Number, Repeated: true},
		{Name: "submitter", Repeated: true, Doc: "number or e-mail address of a person"},
		{Name: "delegate", Repeated: true, Doc: "number or name of a user"},
		{Name: "state", Repeated: true, Doc: "number or slug"},
		{Name: "archived", Type: rest.Bool},
		{Name: "hash", Repeated: true, Since: rest.V12, Doc: "of the diff"},
		{Name: "msgid", Repeated: true, Since: rest.V12, Doc: "Message-ID without brackets"},
		{Name: "since", Type: rest.Instant, Doc: "not older"},
		{Name: "before", Type: rest.Instant, Doc: "older"},
		{Name: "q", Doc: "words that the name has"},
	}
}

func (f *face) listPatches(c *rest.Call) error {
	q, none, words, err := f.patchQuery(c)
	if err != nil {
		return err
	}
	rows, err := f.patchPage(c, q, none)
	if err != nil {
		return err
	}
	out, err := f.patches(c.R.Context(), f.db, addressesFor(c), rows, words)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// patchPage reads the page, or the part beside the cursor, that was asked for.
func (f *face) patchPage(c *rest.Call, q patch.Query, none bool) ([]*patch.Row, error) {
	if c.R.URL.Query().Has("cursor") {
		return f.patchesBeside(c, q, none)
	}
	l := &patch.Listing{}
	if !none {
		var err error
		if l, err = patch.Find(c.R.Context(), f.db, q); err != nil {
			return nil, err
		}
	}
	if l.Aged {
		c.Aged()
	}
	page, err := c.Page(l.Total)
	if err != nil {
		return nil, err
	}
	return l.Rows(c.R.Context(), f.db, page.Offset, page.Limit)
}

// patchesBeside reads what a cursor asks for.
func (f *face) patchesBeside(c *rest.Call, q patch.Query, none bool) ([]*patch.Row, error) {
	var at patch.Cursor
	keys, of := []any{&at.ID}, func(r *patch.Row) []any { return []any{r.ID} }
	switch q.Keyset() {
	case patch.OrderID:
	case patch.OrderDate:
		keys, of = []any{&at.Date, &at.ID}, func(r *patch.Row) []any { return []any{r.Date, r.ID} }
	case patch.OrderName:
		keys, of = []any{&at.Name, &at.ID}, func(r *patch.Row) []any { return []any{r.Name, r.ID} }
	default:
		return nil, fault.New(fault.Invalid, "a list can be walked by cursor only in the order of id, date or name")
	}
	cur, err := c.Cursor(q.Order, keys...)
	if err != nil {
		return nil, err
	}
	beside := &at
	if !cur.Begun {
		beside = nil
	}
	var rows []*patch.Row
	if !none {
		rows, err = patch.Beside(c.R.Context(), f.db, q, beside, cur.Back, cur.Limit+1)
	}
	return rest.CursorPage(cur, rows, of), err
}

// patchQuery reads the filters and the order of the address; none tells that nothing can match. words are the states and tags, if they had to be read.
func (f *face) patchQuery(c *rest.Call) (q patch.Query, none bool, words *patch.Vocabulary, err error) {
	q = patch.Query{Order: patchOrder(c), Totals: f.totals, MaxSort: maxSorted}
	fs := c.Filters()
	if q.Projects, err = f.projects(c, fs, "project"); err != nil {
		return q, false, nil, err
	}
	if q.Submitters, err = f.persons(c, fs, "submitter"); err != nil {
		return q, false, nil, err
	}
	if q.Delegates, err = f.users(c, fs, "delegate"); err != nil {
		return q, false, nil, err
	}
	if q.Series, err = f.seriesOf(c, fs, "series"); err != nil {
		return q, false, nil, err
	}
	if q.States, words, err = f.states(c, fs, "state"); err != nil {
		return q, false, nil, err
	}
	if archived := fs.Bool("archived"); archived != nil {
		q.Archived = []bool{*archived}
	}
	q.Since, q.Before = fs.Time("since"), fs.Time("before")
	if q.Words, err = wordsOf(fs); err != nil {
		return q, false, nil, err
	}
	q.Words = strings.ReplaceAll(q.Words, ",", " ")
	if c.Version >= rest.V12 {
		err = patchTexts(fs, &q)
	}
	return q, fs.None(), words, err
}

// patchTexts reads the filters that API 1.2 brought.
func patchTexts(fs *rest.Filters, q *patch.Query) error {
	hashes, err := texts(fs, "hash")
	if err != nil {
		return err
	}
	for _, hash := range hashes {
		q.Hashes = append(q.Hashes, strings.ToLower(hash))
	}
	msgids, err := texts(fs, "msgid")
	for _, id := range msgids {
		q.MsgIDs = append(q.MsgIDs, mailstore.Key("<"+id+">"))
	}
	return err
}

// patchOrder is the order of the address as the core wants it, by default that of the ids.
func patchOrder(c *rest.Call) string {
	keys := order(c, patchOrders...)
	for i, key := range keys {
		keys[i] = strings.ReplaceAll(key, "submitter", patch.OrderPerson)
	}
	if len(keys) == 0 {
		return patch.OrderID
	}
	return strings.Join(keys, ",")
}

// states are the numbers of the states that a filter names, by number, slug or name; nil if it was not given.
func (f *face) states(c *rest.Call, fs *rest.Filters, name string) ([]int64, *patch.Vocabulary, error) {
	values, err := texts(fs, name)
	if err != nil || values == nil {
		return nil, nil, err
	}
	words, err := patch.ReadVocabulary(c.R.Context(), f.db)
	if err != nil {
		return nil, nil, err
	}
	found := map[string]int64{}
	for _, v := range values {
		for _, s := range words.States {
			if v == fmt.Sprint(s.ID) || strings.EqualFold(v, s.Slug) || strings.EqualFold(strings.ReplaceAll(v, "-", " "), strings.ReplaceAll(s.Name, "-", " ")) {
				found[v] = s.ID
			}
		}
	}
	return picked(fs, values, found), &words, nil
}

func (f *face) getPatch(c *rest.Call) error {
	id, err := c.ID("id")
	if err != nil {
		return err
	}
	d, err := f.patchDetail(c.R.Context(), f.db, c, id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, d)
}

// patchDetail reads a patch as the API shows it, in five queries.
func (f *face) patchDetail(ctx context.Context, q sqldb.Queryer, c *rest.Call, id int64) (*PatchDetail, error) {
	full, err := patch.ReadFull(ctx, q, id)
	if err != nil {
		return nil, err
	}
	out, err := f.patches(ctx, q, addressesFor(c), []*patch.Row{&full.Row}, nil)
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, fault.New(fault.NotFound, "patch %d has gone", id)
	}
	d := &PatchDetail{PatchInList: *out[0], Headers: Headers(full.Headers), Content: full.Content, Prefixes: prefixes(full.Name)}
	if full.Diff != nil {
		part := mailmsg.Part{Type: "text/plain", Body: full.Diff}
		if full.Charset != nil {
			part.Charset = *full.Charset
		}
		text, _ := part.Text()
		d.Diff = &text
	}
	return d, nil
}

// prefixes are the parts of the bracket that a name begins with.
func prefixes(name string) []string {
	out := []string{}
	inner, ok := strings.CutPrefix(name, "[")
	if !ok {
		return out
	}
	inner, _, ok = strings.Cut(inner, "]")
	if !ok {
		return out
	}
	for _, part := range strings.FieldsFunc(inner, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		if !strings.EqualFold(part, "patch") {
			out = append(out, part)
		}
	}
	return out
}

// patches makes the wire types, in one query, one more if some are related, and one if words were not read before.
func (f *face) patches(ctx context.Context, q sqldb.Queryer, a Addresses, rows []*patch.Row, words *patch.Vocabulary) ([]*PatchInList, error) {
	out := []*PatchInList{}
	if len(rows) == 0 {
		return out, nil
	}
	projects, relations := []int64{}, []int64{}
	for _, r := range rows {
		projects, relations = append(projects, r.Project), add(relations, r.Relation)
	}
	related, err := patch.RelatedTo(ctx, q, relations)
	if err != nil {
		return nil, err
	}
	for _, refs := range related {
		for _, m := range refs { // patches of several projects can be related
			projects = append(projects, m.Project)
		}
	}
	of, err := project.ByIDs(ctx, q, unique(projects))
	if err != nil {
		return nil, err
	}
	if words == nil {
		read, err := patch.ReadVocabulary(ctx, q)
		if err != nil {
			return nil, err
		}
		words = &read
	}
	for _, r := range rows {
		if p := of[r.Project]; p != nil { // else it was deleted since it was read
			out = append(out, a.patchInList(p, r, of, related[r.Relation], words.Tags))
		}
	}
	return out, nil
}

func (a Addresses) patchInList(p *project.Project, r *patch.Row, projects map[int64]*project.Project, related []*patch.MailRef, tags []patch.Tag) *PatchInList {
	e := a.patch(p, &patch.MailRef{ID: r.ID, MsgID: r.WholeID(), Date: r.Date, Name: r.Name})
	out := &PatchInList{
		ID: e.ID, URL: e.URL, WebURL: e.WebURL, Project: a.project(p), MsgID: e.MsgID, ListArchiveURL: e.ListArchiveURL, Date: e.Date, Name: e.Name,
		CommitRef: r.CommitRef, PullURL: r.PullURL, State: orNil(r.StateSlug), Archived: r.Archived, Hash: orNil(r.Hash),
		Submitter: rest.EmbedPerson(a.API, r.Submitter, r.SubmitterName, r.SubmitterMail), Mbox: e.Mbox, Series: []*Series{}, Check: checkStateName(r.CheckState()),
		Comments: rest.Address(a.Unversioned, "/patches/", r.ID, "/comments/"), Checks: rest.Address(a.Unversioned, "/patches/", r.ID, "/checks/"),
		Tags: map[string]int{}, Related: []*Patch{},
	}
	if r.Delegate != 0 {
		out.Delegate = rest.EmbedUser(a.API, &account.User{ID: r.Delegate, Username: r.DelegateName, FirstName: r.DelegateFirst, LastName: r.DelegateLast, Email: r.DelegateMail})
	}
	if r.Series != 0 {
		out.Series = append(out.Series, a.series(p, &patch.SeriesRef{ID: r.Series, Date: r.SeriesDate, Name: r.SeriesName, Version: r.SeriesVersion}))
	}
	for _, t := range tags {
		if n := r.Hits.Of(t.ID); n > 0 {
			out.Tags[t.Abbrev] = n
		}
	}
	for _, m := range related {
		if of := projects[m.Project]; m.ID != r.ID && of != nil {
			out.Related = append(out.Related, a.patch(of, m))
		}
	}
	return out
}
