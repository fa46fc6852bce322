// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"net/http"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
)

// CoverLetter is a cover letter in a list.
type CoverLetter struct {
	ID             int64         `json:"id"`
	URL            string        `json:"url"`
	WebURL         string        `json:"web_url" since:"1.1"`
	Project        *rest.Project `json:"project"`
	MsgID          string        `json:"msgid"`
	ListArchiveURL *string       `json:"list_archive_url" since:"1.2"`
	Date           string        `json:"date"`
	Name           string        `json:"name"`
	Submitter      *rest.Person  `json:"submitter"`
	Mbox           string        `json:"mbox" since:"1.1"`
	Series         []*Series     `json:"series"` // one at most
	Comments       string        `json:"comments" since:"1.1"`
}

// CoverLetterDetail is a cover letter with its text.
type CoverLetterDetail struct {
	CoverLetter
	Headers Headers `json:"headers"`
	Content string  `json:"content"`
}

const coversPath = "/covers/"

func (f *face) coverRoutes() []rest.Route {
	return []rest.Route{
		{Path: coversPath, Tag: "covers", Methods: map[string]rest.Op{
			"GET": {Do: f.listCovers, Doc: "List cover letters", Answer: []CoverLetter{}, Paged: true, Query: []rest.Param{
				{Name: "project", Repeated: true, Doc: "number or link name"},
				{Name: "series", Type: rest.Number, Repeated: true},
				{Name: "submitter", Repeated: true, Doc: "number or e-mail address of a person"},
				{Name: "msgid", Repeated: true, Doc: "Message-ID without brackets"},
				{Name: "since", Type: rest.Instant, Doc: "not older"},
				{Name: "before", Type: rest.Instant, Doc: "older"},
				{Name: "q", Doc: "words that the name has"},
				{Name: "order", Doc: "id, name, date, submitter; with a minus in reverse"},
				rest.CursorParam,
			}},
		}},
		{Path: coversPath + "{id}/", Tag: "covers", Methods: map[string]rest.Op{
			"GET": {Do: f.getCover, Doc: "Show a cover letter with its text", Answer: CoverLetterDetail{}},
		}},
	}
}

func (f *face) listCovers(c *rest.Call) error {
	q := patch.CoverQuery{Slice: patch.Slice{Order: order(c, "id", "name", "date", "submitter")}}
	none, err := f.coverFilters(c, &q)
	if err != nil {
		return err
	}
	found, err := lister[*patch.ListedCover]{&q.Slice, none,
		func() (int, error) { return patch.CountCovers(c.R.Context(), f.db, q) },
		func() ([]*patch.ListedCover, error) { return patch.ListCovers(c.R.Context(), f.db, q) },
		func(x *patch.ListedCover) patch.Mark { return patch.Mark{ID: x.ID, Date: x.Date} }}.read(c)
	if err != nil {
		return err
	}
	out, err := f.covers(c, found...)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// coverFilters reads the filters; none tells that nothing can match.
func (f *face) coverFilters(c *rest.Call, q *patch.CoverQuery) (none bool, err error) {
	fs := c.Filters()
	if q.Projects, err = f.projects(c, fs, "project"); err != nil {
		return false, err
	}
	if q.Submitters, err = f.persons(c, fs, "submitter"); err != nil {
		return false, err
	}
	if q.Series, err = f.seriesOf(c, fs, "series"); err != nil {
		return false, err
	}
	msgids, err := texts(fs, "msgid")
	if err != nil {
		return false, err
	}
	for _, id := range msgids {
		q.MsgIDs = append(q.MsgIDs, "<"+id+">")
	}
	q.Since, q.Before = fs.Time("since"), fs.Time("before")
	q.Words, err = wordsOf(fs)
	return fs.None(), err
}

func (f *face) getCover(c *rest.Call) error {
	id, err := c.ID("id")
	if err != nil {
		return err
	}
	found, text, err := patch.CoverByID(c.R.Context(), f.db, id)
	if err != nil {
		return err
	}
	out, err := f.covers(c, found)
	if err == nil && len(out) == 0 {
		err = fault.New(fault.NotFound, "cover letter %d has gone", id)
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, CoverLetterDetail{out[0], Headers(text.Headers), text.Content})
}

// covers makes the wire types, with one query for all projects.
func (f *face) covers(c *rest.Call, found ...*patch.ListedCover) ([]CoverLetter, error) {
	var ids []int64
	for _, x := range found {
		ids = append(ids, x.Project)
	}
	of, err := project.ByIDs(c.R.Context(), f.db, unique(ids))
	if err != nil {
		return nil, err
	}
	a := addressesFor(c)
	out := []CoverLetter{}
	for _, x := range found {
		pr := of[x.Project]
		if pr == nil { // it was deleted since
			continue
		}
		e := a.cover(pr, &x.MailRef)
		w := CoverLetter{ID: e.ID, URL: e.URL, WebURL: e.WebURL, Project: a.project(pr), MsgID: e.MsgID, ListArchiveURL: e.ListArchiveURL, Date: e.Date, Name: e.Name,
			Submitter: rest.EmbedPerson(c.API, x.Submitter, x.SubmitterName, x.SubmitterMail), Mbox: e.Mbox, Comments: rest.Address(c.Unversioned, coversPath, x.ID, "/comments/")}
		if x.Series != nil {
			w.Series = []*Series{a.series(pr, x.Series)}
		}
		out = append(out, w)
	}
	return out, nil
}
