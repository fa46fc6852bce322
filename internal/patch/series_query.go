// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// SeriesQuery says which series a list holds. A nil list means: any.
type SeriesQuery struct {
	Projects      []int64
	Submitters    []int64
	Since, Before *clock.Time // from Since on, before Before; nil: no bound
	Words         string      // each of its words must be in the name, without regard to letter case
	Keys          []string    // it has metadata under one of these names
	Values        []string    // and one of these values; counts only with Keys
	Slice                     // orders: id, name, date, submitter, received_all
}

var seriesSortings = map[string]string{"id": "x.id", "name": "x.name", "date": "x.date", "submitter": "x.submitter_id",
	"received_all": "CASE WHEN x.received >= x.total THEN 1 ELSE 0 END"}

func (f SeriesQuery) finder(engine string) (*finder, error) {
	find := &finder{kind: "series", from: " FROM series x", columns: seriesSortings, projects: f.Projects}
	switch {
	case f.Keys == nil:
	case f.Values == nil:
		find.where.add("x.id IN (SELECT g.series_id FROM series_metadata g WHERE g.name IN (?))", orNothing(f.Keys))
	default:
		starts := []string{}
		for _, v := range f.Values {
			starts = append(starts, valueKey(v))
		}
		find.where.add("x.id IN (SELECT g.series_id FROM series_metadata g WHERE g.name IN (?) AND g.value_key IN (?) AND g.value IN (?))",
			orNothing(f.Keys), orNothing(starts), orNothing(f.Values))
	}
	return find, find.mails(engine, f.Submitters, f.Since, f.Before, f.Words)
}

// orNothing is a list that finds nothing in place of an empty one: no name of metadata is empty.
func orNothing(list []string) []string {
	if len(list) == 0 {
		return []string{""}
	}
	return list
}

// valueKey is the part of a value that an index has.
func valueKey(value string) string { return fold.Cut(value, 100) }

// CountSeries counts what a query finds.
func CountSeries(ctx context.Context, q sqldb.Queryer, f SeriesQuery) (int, error) {
	find, err := f.finder(engineOf(q))
	if err != nil {
		return 0, err
	}
	return find.count(ctx, q)
}

// SeriesParts says what is read of series beyond what every list shows.
type SeriesParts struct {
	Dependencies bool // one query more for both
	Rest         bool // neighbours, metadata and roll-ups; one more for the last
}

// ListedSeries is a series as lists show it.
type ListedSeries struct {
	SeriesRef
	Sender
	Total    int
	Received int        // patches that are here
	Cover    *MailRef   `db:"-"` // nil: none
	Patches  []*MailRef `db:"-"` // by number

	DependsOn  []int64 `db:"-"` // series that must be applied before, as it names them
	Dependents []int64 `db:"-"`

	Previous int64             `db:"previous"` // the series this one is a new version of; 0: none known
	Next     []int64           `db:"-"`        // those that are a new version of this one, the latest last
	Metadata map[string]string `db:"-"`
	States   map[string]int    `db:"-"` // how many patches are in each state, by slug
	Checks   [4]int            `db:"-"` // newest checks of all patches by state, see CheckStates
}

// ListSeries reads one slice of series in four queries, and those that the parts need, however many there are. Hidden patches and cover letters are left out.
func ListSeries(ctx context.Context, q sqldb.Queryer, f SeriesQuery, parts SeriesParts) ([]*ListedSeries, error) {
	find, err := f.finder(engineOf(q))
	if err != nil {
		return nil, err
	}
	ids, err := find.ids(ctx, q, f.Slice)
	if err != nil {
		return nil, err
	}
	return readSeries(ctx, q, ids, parts)
}

// SeriesByID reads one series as lists show it.
func SeriesByID(ctx context.Context, q sqldb.Queryer, id int64, parts SeriesParts) (*ListedSeries, error) {
	found, err := readSeries(ctx, q, []int64{id}, parts)
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "there is no series %d", id)
	}
	if err != nil {
		return nil, fmt.Errorf("read series %d: %w", id, err)
	}
	return found[0], nil
}

// seriesReader collects what belongs to series.
type seriesReader struct {
	q       sqldb.Queryer
	ids     []int64
	found   map[int64]*ListedSeries
	patches map[int64]*ListedSeries // patch → its series
}

// readSeries reads series in the order of ids; those that do not exist are left out.
func readSeries(ctx context.Context, q sqldb.Queryer, ids []int64, parts SeriesParts) ([]*ListedSeries, error) {
	found, err := read(ctx, q, ids, `SELECT x.id, COALESCE(x.project_id, 0) AS project, x.date, COALESCE(x.name, '') AS name, x.version, x.total, x.received,
			CASE WHEN x.previous_id IS NULL OR x.previous_id IN (SELECT w.id FROM withheld w WHERE w.kind = 'series') THEN 0 ELSE x.previous_id END AS previous, x.submitter_id AS submitter, COALESCE(e.name, '') AS submitter_name, e.email AS submitter_mail
		FROM series x JOIN person e ON e.id = x.submitter_id WHERE x.id IN (?) AND `+shownIn("series"), func(s *ListedSeries) int64 { return s.ID })
	if err != nil || len(found) == 0 {
		return nil, err
	}
	r := &seriesReader{q: q, ids: ids, found: found, patches: map[int64]*ListedSeries{}}
	steps := []func(context.Context) error{r.covers, r.members}
	if parts.Dependencies || parts.Rest {
		steps = append(steps, func(ctx context.Context) error { return r.kin(ctx, parts) })
	}
	if parts.Rest {
		steps = append(steps, r.checks)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("read what belongs to %d series: %w", len(ids), err)
		}
	}
	return inOrder(ids, found), nil
}

func (r *seriesReader) covers(ctx context.Context) error {
	return sqldb.Chunks(r.ids, func(ids []int64) error {
		return r.q.Each(ctx, func(rows *sqlx.Rows) error {
			var series int64
			var c MailRef
			err := rows.Scan(&series, &c.ID, &c.Project, &c.MsgID, &c.Date, &c.Name)
			r.found[series].Cover = &c
			return err
		}, `SELECT s.id, x.id, x.project_id, COALESCE(m.msgid_long, m.msgid), x.date, x.name
			FROM series s JOIN cover x ON x.id = s.cover_id JOIN message m ON m.id = x.message_id AND m.hidden = FALSE WHERE s.id IN (?)`, ids)
	})
}

// members reads the patches, and counts their states.
func (r *seriesReader) members(ctx context.Context) error {
	return sqldb.Chunks(r.ids, func(ids []int64) error {
		return r.q.Each(ctx, func(rows *sqlx.Rows) error {
			var series int64
			var p MailRef
			if err := rows.Scan(&series, &p.ID, &p.Project, &p.MsgID, &p.Date, &p.Name, &p.State); err != nil {
				return err
			}
			s := r.found[series]
			s.Patches = append(s.Patches, &p)
			if s.States == nil {
				s.States = map[string]int{}
			}
			if p.State != "" {
				s.States[p.State]++
			}
			r.patches[p.ID] = s
			return nil
		}, `SELECT x.series_id, x.id, x.project_id, COALESCE(m.msgid_long, m.msgid), x.date, x.name, COALESCE(t.slug, '')
			FROM patch x JOIN message m ON m.id = x.message_id AND m.hidden = FALSE LEFT JOIN state t ON t.id = x.state_id
			WHERE x.series_id IN (?) ORDER BY x.series_id, x.number, x.id`, ids)
	})
}

// What series have beside them, in one form: kind, series, place, other series, name, value.
const (
	kinDependencies = `SELECT 0 AS kind, d.series_id AS id, d.position AS place, d.depends_on_id AS other, '' AS name, '' AS value FROM series_dependency d
			WHERE d.series_id IN (?) AND d.depends_on_id NOT IN (SELECT w.id FROM withheld w WHERE w.kind = 'series')
		UNION ALL SELECT 1, d.depends_on_id, d.series_id, d.series_id, '', '' FROM series_dependency d
			WHERE d.depends_on_id IN (?) AND d.series_id NOT IN (SELECT w.id FROM withheld w WHERE w.kind = 'series')`
	kinRest = "SELECT 2 AS kind, s.previous_id AS id, s.date AS place, s.id AS other, '' AS name, '' AS value FROM series s WHERE s.previous_id IN (?) AND " + shownSeries +
		" UNION ALL SELECT 3, g.series_id, 0, 0, g.name, g.value FROM series_metadata g WHERE g.series_id IN (?)"
)

// kin reads dependencies, newer versions and metadata.
func (r *seriesReader) kin(ctx context.Context, parts SeriesParts) error {
	query := kinDependencies + " UNION ALL " + kinRest
	switch {
	case !parts.Dependencies:
		query = kinRest
	case !parts.Rest:
		query = kinDependencies
	}
	return sqldb.Chunks(r.ids, func(ids []int64) error {
		args := []any{ids, ids, ids, ids}
		return r.q.Each(ctx, func(rows *sqlx.Rows) error {
			var kind int
			var of, place, other int64
			var name, value string
			err := rows.Scan(&kind, &of, &place, &other, &name, &value)
			if s := r.found[of]; s != nil {
				s.addKin(kind, other, name, value)
			}
			return err
		}, query+" ORDER BY 1, 2, 3, 4", args[:strings.Count(query, "?")]...)
	})
}

func (s *ListedSeries) addKin(kind int, other int64, name, value string) {
	switch {
	case kind == 0:
		s.DependsOn = append(s.DependsOn, other)
	case kind == 1 && len(s.Dependents) < maxNext:
		s.Dependents = append(s.Dependents, other)
	case kind == 2 && len(s.Next) < maxNext:
		s.Next = append(s.Next, other)
	case kind == 3:
		if s.Metadata == nil {
			s.Metadata = map[string]string{}
		}
		s.Metadata[name] = value
	}
}

func (r *seriesReader) checks(ctx context.Context) error {
	var patches []int64
	for id := range r.patches {
		patches = append(patches, id)
	}
	slices.Sort(patches)
	if len(patches) == 0 {
		patches = []int64{-1} // the number of queries is the same for every list
	}
	return sqldb.Chunks(patches, func(ids []int64) error {
		return r.q.Each(ctx, func(rows *sqlx.Rows) error {
			var patch int64
			var state, n int
			err := rows.Scan(&patch, &state, &n)
			if s := r.patches[patch]; s != nil && state >= 0 && state < len(s.Checks) {
				s.Checks[state] += n
			}
			return err
		}, "SELECT patch_id, state, COUNT(*) FROM patch_check_latest WHERE patch_id IN (?) GROUP BY patch_id, state", ids)
	})
}
