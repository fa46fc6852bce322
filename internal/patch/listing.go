// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// Sender is who sent a mail, as lists show him.
type Sender struct {
	Submitter     int64
	SubmitterName string `db:"submitter_name"` // empty: none known
	SubmitterMail string `db:"submitter_mail"`
}

// Mark is the last object of a page, behind which the next one begins.
type Mark struct {
	ID   int64
	Date clock.Time // counts in the order of dates
}

// Slice is the part of a list that is asked for.
type Slice struct {
	Order         []string // the first counts most, a leading "-" reverses one, unknown ones are passed over; default id
	Offset, Limit int
	After         *Mark // nil: from the beginning. Only in the order of id, or date, alone; else fault.Invalid
	Back          bool  // what comes before the mark, in reverse order
}

// sorting is one column that a list is sorted by.
type sorting struct {
	name, column string
	down         bool
}

// sortings are the orders of the slice that are known, ended by the id.
func (s Slice) sortings(columns map[string]string) []sorting {
	var out []sorting
	for _, name := range s.Order {
		name, down := strings.CutPrefix(name, "-")
		if columns[name] != "" && !slices.ContainsFunc(out, func(o sorting) bool { return o.name == name }) {
			out = append(out, sorting{name, columns[name], down})
		}
	}
	if !slices.ContainsFunc(out, func(o sorting) bool { return o.name == "id" }) {
		out = append(out, sorting{"id", columns["id"], len(out) > 0 && out[len(out)-1].down})
	}
	for i := range out {
		out[i].down = out[i].down != s.Back
	}
	return out
}

// after is the condition that only what comes behind the mark passes.
func (s Slice) after(w *where, by []sorting) error {
	if s.After == nil {
		return nil
	}
	than := ">"
	if by[0].down {
		than = "<"
	}
	switch {
	case by[0].name == "id":
		w.add("x.id "+than+" ?", s.After.ID)
	case by[0].name == "date" && by[1].name == "id" && by[1].down == by[0].down:
		date := int64(s.After.Date)
		w.add("x.date "+than+"= ? AND (x.date "+than+" ? OR x.id "+than+" ?)", date, date, s.After.ID)
	default:
		return fault.New(fault.Invalid, "a list can be gone through by marks only in the order of id or date")
	}
	return nil
}

// sql is the query of a slice of a small table, x, that is read at once.
func (s Slice) sql(columns string, w *where, orders map[string]string) (string, []any, error) {
	if s.Limit < 1 || s.Offset < 0 {
		return "", nil, fault.New(fault.Invalid, "%d objects from the %dth on: want at least 1", s.Limit, s.Offset)
	}
	by := s.sortings(orders)
	if err := s.after(w, by); err != nil {
		return "", nil, err
	}
	order, _, _ := (&finder{}).order(by)
	return columns + w.sql() + order + " LIMIT ? OFFSET ?", append(w.args, s.Limit, s.Offset), nil
}

// finder finds the ids of a list in narrow indexes of a table, x.
type finder struct {
	kind     string            // what the counters call it
	from     string            // the table, as x
	columns  map[string]string // orders → columns
	projects []int64           // nil: any
	where    where             // what else is asked for
}

// arms splits a list into ones that an index has in order: one for each project. Lists of all projects have indexes too, but not for names.
func (f *finder) arms(ctx context.Context, q sqldb.Queryer, by []sorting) ([]where, error) {
	projects := unique(f.projects)
	if projects == nil && by[0].name == "name" {
		if err := q.Select(ctx, &projects, "SELECT project_id FROM list_count WHERE kind = ? ORDER BY project_id LIMIT ?", f.kind, maxArms+1); err != nil {
			return nil, fmt.Errorf("find the projects of %s: %w", f.kind, err)
		}
		if len(projects) > maxArms {
			projects = nil
		}
	}
	if projects == nil {
		return []where{f.where}, nil
	}
	if len(projects) == 0 || len(projects) > maxArms {
		w := f.where.clone()
		w.in("x.project_id", append([]int64{}, projects...))
		return []where{w}, nil
	}
	var out []where
	for _, p := range projects {
		w := f.where.clone()
		if p == 0 {
			w.add("x.project_id IS NULL")
		} else {
			w.add("x.project_id = ?", p)
		}
		out = append(out, w)
	}
	return out, nil
}

// ids finds those of one slice, in order.
func (f *finder) ids(ctx context.Context, q sqldb.Queryer, s Slice) ([]int64, error) {
	by := s.sortings(f.columns)
	if s.Limit < 1 || s.Offset < 0 {
		return nil, fault.New(fault.Invalid, "%d objects from the %dth on: want at least 1", s.Limit, s.Offset)
	}
	all, err := f.arms(ctx, q, by)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if err := s.after(&all[i], by); err != nil {
			return nil, err
		}
		all[i].add(shownIn(f.kind))
	}
	query, args := f.walk(all, by, s)
	var ids []int64
	if err := q.Select(ctx, &ids, query, append(args, s.Limit, s.Offset)...); err != nil {
		return nil, fmt.Errorf("list %s: %w", f.kind, err)
	}
	return ids, nil
}

// walk is the query for one slice of what the arms find. Each of several is in order by itself; their first rows hold the first rows of the whole.
func (f *finder) walk(all []where, by []sorting, s Slice) (query string, args []any) {
	order, again, keys := f.order(by)
	if len(all) == 1 {
		return "SELECT x.id" + f.from + all[0].sql() + order + " LIMIT ? OFFSET ?", all[0].args
	}
	var arms []string
	for _, w := range all {
		arms = append(arms, "SELECT * FROM (SELECT x.id"+keys+f.from+w.sql()+order+" LIMIT ?) arm")
		args = append(append(args, w.args...), s.Offset+s.Limit)
	}
	return "SELECT id FROM (" + strings.Join(arms, " UNION ALL ") + ") arms" + again + " LIMIT ? OFFSET ?", args
}

// order is the ORDER BY of an arm and of what the arms make together, and the columns of an arm that the latter needs.
func (f *finder) order(by []sorting) (arm, whole, keys string) {
	var inner, outer []string
	for i, s := range by {
		direction, key := "", fmt.Sprintf("k%d", i)
		if s.down {
			direction = " DESC"
		}
		if s.name == "id" {
			key = "id"
		} else {
			keys += ", " + s.column + " AS " + key
		}
		inner, outer = append(inner, s.column+direction), append(outer, key+direction)
	}
	return " ORDER BY " + strings.Join(inner, ", "), " ORDER BY " + strings.Join(outer, ", "), keys
}

// count counts the whole list: by the counters of projects if nothing else is asked for, else in an index.
func (f *finder) count(ctx context.Context, q sqldb.Queryer) (int, error) {
	var w where
	query := "SELECT COUNT(*)" + f.from
	column := "x.project_id"
	if len(f.where.parts) == 0 {
		query, column = "SELECT COALESCE(SUM(c.objects), 0) FROM list_count c", "c.project_id"
		w.add("c.kind = ?", f.kind)
	} else {
		w = f.where.clone()
		w.add(shownIn(f.kind))
	}
	w.in(column, f.projects)
	var n int
	if err := q.Get(ctx, &n, query+w.sql(), w.args...); err != nil {
		return 0, fmt.Errorf("count %s: %w", f.kind, err)
	}
	return n, nil
}

func (w *where) clone() where {
	return where{parts: slices.Clone(w.parts), args: slices.Clone(w.args)}
}

// mails asks for persons, dates and words of the names.
func (f *finder) mails(engine string, submitters []int64, since, before *clock.Time, words string) error {
	f.where.in("x.submitter_id", submitters)
	if since != nil {
		f.where.add("x.date >= ?", int64(*since))
	}
	if before != nil {
		f.where.add("x.date < ?", int64(*before))
	}
	all := wordsOf(words)
	if len(all) > maxWords {
		return fault.New(fault.Invalid, "too many words: at most %d can be searched at once", maxWords)
	}
	f.where.words(engine, "x.name_fold", all)
	return nil
}

func foldedName(name *string) any {
	if name == nil {
		return nil
	}
	return nameFold(*name)
}

// listedCount is how many series and cover letters a project has more than before.
type listedCount struct{ series, covers int }

// countListed keeps the counters of a project.
func countListed(ctx context.Context, tx *sqldb.Tx, project int64, n listedCount) error {
	var rows [][]any
	if n.covers != 0 {
		rows = append(rows, []any{project, "cover", n.covers})
	}
	if n.series != 0 {
		rows = append(rows, []any{project, "series", n.series})
	}
	u := sqldb.Upsert{Table: "list_count", Columns: []string{"project_id", "kind", "objects"}, Key: []string{"project_id", "kind"}, Add: []string{"objects"}}
	if err := tx.Upsert(ctx, u, rows); err != nil {
		return fmt.Errorf("count the series of project %d: %w", project, err)
	}
	return nil
}
