// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"context"
	"net/http"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
)

// SeriesDetail is a series. Dependencies and dependents are left out unless its project shows them.
type SeriesDetail struct {
	ID            int64             `json:"id"`
	URL           string            `json:"url"`
	WebURL        string            `json:"web_url" since:"1.1"`
	Project       *rest.Project     `json:"project"` // nil: it belongs to none, as some of imported sites do
	Name          *string           `json:"name"`
	Date          string            `json:"date"`
	Submitter     *rest.Person      `json:"submitter"`
	Version       int               `json:"version"`
	Total         int               `json:"total"`
	ReceivedTotal int               `json:"received_total"`
	ReceivedAll   bool              `json:"received_all"`
	Mbox          string            `json:"mbox"`
	CoverLetter   *Cover            `json:"cover_letter"`
	Patches       []*Patch          `json:"patches"`
	Dependencies  *[]string         `json:"dependencies,omitempty" since:"1.4" doc:"addresses of the series that must be applied before"`
	Dependents    *[]string         `json:"dependents,omitempty" since:"1.4"`
	Previous      *string           `json:"previous_series" since:"1.4" doc:"address of the series this one is a new version of"`
	Next          []string          `json:"next_series" since:"1.4" doc:"addresses of the series that are a new version of this one, the latest last"`
	State         *string           `json:"state" since:"1.4" doc:"the state of all its patches; null if they differ"`
	StateCounts   map[string]int    `json:"state_counts" since:"1.4" doc:"how many patches are in each state"`
	Check         string            `json:"check" since:"1.4" enum:"pending,success,warning,fail" doc:"what the newest checks of all its patches say together"`
	CheckCounts   map[string]int    `json:"check_counts" since:"1.4" doc:"how many of the newest checks have each state"`
	Metadata      map[string]string `json:"metadata" since:"1.4"`
}

const seriesPath = "/series/"

func (f *face) seriesRoutes() []rest.Route {
	return []rest.Route{
		{Path: seriesPath, Tag: "series", Methods: map[string]rest.Op{
			"GET": {Do: f.listSeries, Doc: "List series", Answer: []SeriesDetail{}, Paged: true, Query: []rest.Param{
				{Name: "project", Repeated: true, Doc: "number or link name"},
				{Name: "submitter", Repeated: true, Doc: "number or e-mail address of a person"},
				{Name: "since", Type: rest.Instant, Doc: "not older"},
				{Name: "before", Type: rest.Instant, Doc: "older"},
				{Name: "q", Doc: "words that the name has"},
				{Name: "metadata_key", Repeated: true, Since: rest.V14, Doc: "there is metadata of this name"},
				{Name: "metadata_value", Repeated: true, Since: rest.V14, Doc: "and with this value; counts only beside metadata_key"},
				{Name: "order", Doc: "id, name, date, submitter, received_all; with a minus in reverse"},
				rest.CursorParam,
			}},
		}},
		{Path: seriesPath + "{id}/", Tag: "series", Methods: map[string]rest.Op{
			"GET":   {Do: f.getSeries, Doc: "Show a series", Answer: SeriesDetail{}},
			"PATCH": {Do: f.changeSeries, Doc: "Change a series, or all its patches at once", Since: rest.V14, Body: seriesFields(), Answer: SeriesDetail{}},
		}},
	}
}

func (f *face) listSeries(c *rest.Call) error {
	q := patch.SeriesQuery{Slice: patch.Slice{Order: order(c, "id", "name", "date", "submitter", "received_all")}}
	none, err := f.seriesFilters(c, &q)
	if err != nil {
		return err
	}
	found, err := lister[*patch.ListedSeries]{&q.Slice, none,
		func() (int, error) { return patch.CountSeries(c.R.Context(), f.db, q) },
		func() ([]*patch.ListedSeries, error) { return patch.ListSeries(c.R.Context(), f.db, q, seriesParts(c)) },
		func(x *patch.ListedSeries) patch.Mark { return patch.Mark{ID: x.ID, Date: x.Date} }}.read(c)
	if err != nil {
		return err
	}
	out, err := f.series(c.R.Context(), f.db, c, found...)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// seriesParts are what the version shows.
func seriesParts(c *rest.Call) patch.SeriesParts {
	return patch.SeriesParts{Dependencies: c.Version >= rest.V14, Rest: c.Version >= rest.V14}
}

// seriesFilters reads the filters; none tells that nothing can match.
func (f *face) seriesFilters(c *rest.Call, q *patch.SeriesQuery) (none bool, err error) {
	fs := c.Filters()
	if q.Projects, err = f.projects(c, fs, "project"); err != nil {
		return false, err
	}
	if q.Submitters, err = f.persons(c, fs, "submitter"); err != nil {
		return false, err
	}
	q.Since, q.Before = fs.Time("since"), fs.Time("before")
	if q.Words, err = wordsOf(fs); err != nil {
		return false, err
	}
	if c.Version >= rest.V14 {
		if q.Keys, err = texts(fs, "metadata_key"); err != nil {
			return false, err
		}
		q.Values, err = texts(fs, "metadata_value")
	}
	return fs.None(), err
}

func (f *face) getSeries(c *rest.Call) error {
	id, err := c.ID("id")
	if err != nil {
		return err
	}
	return f.showSeries(c, id)
}

func (f *face) showSeries(c *rest.Call, id int64) error {
	out, err := f.oneSeries(c.R.Context(), f.db, c, id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// oneSeries reads and makes one series.
func (f *face) oneSeries(ctx context.Context, q sqldb.Queryer, c *rest.Call, id int64) (SeriesDetail, error) {
	found, err := patch.SeriesByID(ctx, q, id, seriesParts(c))
	if err != nil {
		return SeriesDetail{}, err
	}
	out, err := f.series(ctx, q, c, found)
	if err == nil && len(out) == 0 {
		err = fault.New(fault.NotFound, "series %d has gone", id)
	}
	if err != nil {
		return SeriesDetail{}, err
	}
	return out[0], nil
}

// series makes the wire types, with one query for all projects.
func (f *face) series(ctx context.Context, q sqldb.Queryer, c *rest.Call, found ...*patch.ListedSeries) ([]SeriesDetail, error) {
	var ids []int64
	for _, x := range found {
		ids = add(ids, x.Project)
	}
	of, err := project.ByIDs(ctx, q, unique(ids))
	if err != nil {
		return nil, err
	}
	out := []SeriesDetail{}
	a := addressesFor(c)
	for _, x := range found {
		pr := of[x.Project]
		if pr == nil && x.Project != 0 { // it was deleted since
			continue
		}
		out = append(out, seriesDetail(c, a, pr, x))
	}
	return out, nil
}

func seriesDetail(c *rest.Call, a Addresses, pr *project.Project, x *patch.ListedSeries) SeriesDetail {
	w := SeriesDetail{Patches: []*Patch{}, Submitter: rest.EmbedPerson(c.API, x.Submitter, x.SubmitterName, x.SubmitterMail), Total: x.Total, ReceivedTotal: x.Received,
		ReceivedAll: x.Received >= x.Total, StateCounts: x.States, Check: checkStateName(patch.CombinedCheck(x.Checks)), CheckCounts: map[string]int{}, Metadata: x.Metadata}
	of := pr
	if of == nil {
		of = &project.Project{}
	} else {
		w.Project = a.project(pr)
	}
	e := a.series(of, &x.SeriesRef)
	w.ID, w.URL, w.WebURL, w.Name, w.Date, w.Version, w.Mbox = e.ID, e.URL, e.WebURL, e.Name, e.Date, e.Version, e.Mbox
	if x.Cover != nil {
		w.CoverLetter = a.cover(of, x.Cover)
	}
	for _, m := range x.Patches {
		w.Patches = append(w.Patches, a.patch(of, m))
	}
	if of.ShowDependencies {
		w.Dependencies, w.Dependents = ptr(seriesURLs(c, x.DependsOn)), ptr(seriesURLs(c, x.Dependents))
	}
	w.Next = seriesURLs(c, x.Next)
	if x.Previous != 0 {
		w.Previous = ptr(seriesURL(c, x.Previous))
	}
	for slug, n := range x.States {
		if n == len(x.Patches) {
			w.State = &slug
		}
	}
	for state, n := range x.Checks {
		if n > 0 {
			w.CheckCounts[checkStateName(state)] = n
		}
	}
	return w
}

func ptr[T any](v T) *T { return &v }

func seriesURL(c *rest.Call, id int64) string { return rest.Address(c.API, seriesPath, id, "/") }

func seriesURLs(c *rest.Call, ids []int64) []string {
	out := []string{}
	for _, id := range ids {
		out = append(out, seriesURL(c, id))
	}
	return out
}
