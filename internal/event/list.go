// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// Query says which events a list has, and in which order: by time and then id, the latest first unless Oldest. The zero value means all.
type Query struct {
	Kind     string   // this one only
	Except   []string // not these
	Projects []int64
	Actors   []int64            // users
	About    map[string][]int64 // for each kind of subject, one of these
	Since    *clock.Time        // at or after
	Before   *clock.Time        // before
	Oldest   bool               // first
}

// maxListed bounds how many numbers the parts of a Query may have.
const maxListed = 100

// maxWaiting bounds how many events without a position a list looks at to count its own among them: there are many only where no worker runs, and after an import.
const maxWaiting = 10_000

// Check is fault.Invalid for a query of too many values.
func (q Query) Check() error {
	n := max(1, len(q.Projects)) * max(1, len(q.Actors))
	for _, ids := range q.About {
		n = max(n, len(ids))
	}
	if n > maxListed {
		return fault.New(fault.Invalid, "a filter may have %d values", maxListed)
	}
	return nil
}

// Listing is a list that was counted, whose pages can be read.
type Listing struct {
	Total   int
	query   Query
	buckets map[int64]int // how many there are in which period; nil for lists that what they are about keeps short
}

// List counts a list in one query. Its cost grows with the months that the list spans, not with the events in it, unless About narrows it.
func List(ctx context.Context, db sqldb.Queryer, q Query) (*Listing, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	l := &Listing{query: q}
	count := l.countAll
	if len(q.About) > 0 {
		count = l.countAbout
	}
	return l, wrap(count(ctx, db), "count events")
}

// where collects the parts of a condition.
type where struct {
	parts []string
	args  []any
}

func (w *where) add(part string, args ...any) {
	w.parts, w.args = append(w.parts, part), append(w.args, args...)
}

func (w *where) sql() string {
	if len(w.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.parts, " AND ")
}

func (w *where) kind(q Query) {
	if q.Kind != "" {
		w.add("kind = ?", q.Kind)
	} else if len(q.Except) > 0 {
		w.add("kind NOT IN (?)", q.Except)
	}
}

// oneOf compares a single value by itself, so that an index can give the order of the rest.
func (w *where) oneOf(column string, values []int64) {
	switch {
	case len(values) == 1:
		w.add(column+" = ?", values[0])
	case len(values) > 1:
		w.add(column+" IN (?)", values)
	}
}

func (w *where) between(since, before *clock.Time) {
	if since != nil {
		w.add("at >= ?", int64(*since))
	}
	if before != nil {
		w.add("at < ?", int64(*before))
	}
}

// narrowed is the condition that an event of the list in a span of time fulfils, whatever it is about.
func (q Query) narrowed(since, before *clock.Time) where {
	var w where
	w.kind(q)
	w.oneOf("project_id", q.Projects)
	w.oneOf("actor_id", q.Actors)
	w.between(since, before)
	return w
}

// union collects the parts of a query that reads several kinds of rows at one moment.
type union struct {
	parts []string
	args  []any
}

func (u *union) add(sql string, args ...any) {
	u.parts, u.args = append(u.parts, sql), append(u.args, args...)
}

// countAll adds up the roll-up of whole periods, what in them has no position yet, and the events of periods that the list has only a part of.
func (l *Listing) countAll(ctx context.Context, db sqldb.Queryer) error {
	first, last, cut := l.query.periods()
	var u union
	if first <= last {
		l.addWhole(&u, first, last)
	}
	for _, p := range cut {
		since, before := later(l.query.Since, startOf(p)), earlier(l.query.Before, startOf(p+1))
		w := l.query.narrowed(&since, &before)
		u.add("SELECT 0 AS exact, "+strconv.FormatInt(p, 10)+" AS v, COUNT(*) AS n FROM event"+w.sql(), w.args...)
	}
	if len(u.parts) == 0 {
		return nil
	}
	var rows []struct {
		Exact, V int64
		N        int
	}
	if err := db.Select(ctx, &rows, strings.Join(u.parts, " UNION ALL "), u.args...); err != nil {
		return err
	}
	l.buckets = map[int64]int{}
	for _, r := range rows {
		p := r.V
		if r.Exact == 1 {
			p = periodOf(clock.Time(r.V))
		}
		l.buckets[p] += r.N
		l.Total += r.N
	}
	return nil
}

// addWhole counts whole periods. Rows are (0, period, how many), and (1, instant, 1) for what waits for its position.
func (l *Listing) addWhole(u *union, first, last int64) {
	q := l.query
	var w where
	w.oneOf("project_id", orAll(q.Projects))
	w.oneOf("actor_id", orAll(q.Actors))
	w.kind(q)
	var since, before *clock.Time
	if first != math.MinInt64 {
		w.add("period >= ?", first)
		at := startOf(first)
		since = &at
	}
	if last != math.MaxInt64 {
		w.add("period <= ?", last)
		at := startOf(last + 1)
		before = &at
	}
	u.add("SELECT 0 AS exact, period AS v, SUM(events) AS n FROM event_count"+w.sql()+" GROUP BY period", w.args...)
	waiting := q.narrowed(since, before)
	u.add("SELECT 1 AS exact, at AS v, 1 AS n FROM ("+oldestWaiting+") waiting"+waiting.sql(), append([]any{maxWaiting}, waiting.args...)...)
}

func orAll(ids []int64) []int64 {
	if len(ids) == 0 {
		return []int64{0}
	}
	return ids
}

// periods are the first and last period that the list has all of, and those that it has a part of.
func (q Query) periods() (first, last int64, cut []int64) {
	first, last = math.MinInt64, math.MaxInt64
	if q.Since != nil {
		if first = periodOf(*q.Since); *q.Since != startOf(first) {
			cut = append(cut, first)
			first++
		}
	}
	if q.Before != nil {
		last = periodOf(*q.Before)
		if *q.Before != startOf(last) && !slices.Contains(cut, last) {
			cut = append(cut, last)
		}
		last--
	}
	return first, last, cut
}

func later(t *clock.Time, u clock.Time) clock.Time {
	if t == nil {
		return u
	}
	return max(*t, u)
}

func earlier(t *clock.Time, u clock.Time) clock.Time {
	if t == nil {
		return u
	}
	return min(*t, u)
}

// countAbout counts the events about some subjects.
func (l *Listing) countAbout(ctx context.Context, db sqldb.Queryer) error {
	where, args := l.query.about()
	return db.Get(ctx, &l.Total, "SELECT COUNT(*) FROM "+ofSubjects+where, args...)
}

// ofSubjects is where events about some subjects are read. The subjects lead to the events: CROSS JOIN says so to SQLite.
const ofSubjects = "(SELECT DISTINCT event_id FROM event_subject WHERE kind = ? AND subject_id IN (?)) s CROSS JOIN event"

// about is the condition on what ofSubjects reads.
func (q Query) about() (sql string, args []any) {
	kinds := slices.Sorted(maps.Keys(q.About))
	args = []any{kinds[0], q.About[kinds[0]]}
	w := q.narrowed(q.Since, q.Before)
	for _, kind := range kinds[1:] {
		w.add("id IN (SELECT event_id FROM event_subject WHERE kind = ? AND subject_id IN (?))", kind, q.About[kind])
	}
	w.add("id = s.event_id")
	return w.sql(), append(args, w.args...)
}

const storedColumns = "id, COALESCE(pos, 0) AS pos, COALESCE(project_id, 0) AS project_id, COALESCE(actor_id, 0) AS actor_id, kind, at, payload"

// Page reads a part of the list in two queries, without subjects. To read far behind costs no more than to read the first: whole periods are passed over
// by their counts.
func (l *Listing) Page(ctx context.Context, db sqldb.Queryer, offset, limit int) ([]Stored, error) {
	q := l.query
	direction := " DESC"
	if q.Oldest {
		direction = ""
	}
	order := " ORDER BY at" + direction + ", id" + direction
	var out []Stored
	if len(q.About) > 0 {
		where, args := q.about()
		err := db.Select(ctx, &out, "SELECT "+storedColumns+" FROM "+ofSubjects+where+order+" LIMIT ? OFFSET ?", append(args, limit, offset)...)
		return out, wrap(err, "read events")
	}
	q, offset = l.skip(offset)
	var u union
	for _, one := range q.split() {
		w := one.narrowed(one.Since, one.Before)
		u.add("SELECT * FROM (SELECT id, at FROM event"+w.sql()+order+" LIMIT ?) e", append(w.args, offset+limit)...)
	}
	var picked []struct { // what is passed over is read from indexes only
		ID int64
		At clock.Time
	}
	err := db.Select(ctx, &picked, strings.Join(u.parts, " UNION ALL ")+order+" LIMIT ? OFFSET ?", append(u.args, limit, offset)...)
	if err != nil || len(picked) == 0 {
		return nil, wrap(err, "find events")
	}
	ids := make([]int64, 0, len(picked))
	for _, p := range picked {
		ids = append(ids, p.ID)
	}
	err = db.Select(ctx, &out, "SELECT "+storedColumns+" FROM event WHERE id IN (?)"+order, ids)
	return out, wrap(err, "read events")
}

// skip narrows the query to begin with the period that the event at offset is in.
func (l *Listing) skip(offset int) (Query, int) {
	q := l.query
	periods := slices.Sorted(maps.Keys(l.buckets))
	if !q.Oldest {
		slices.Reverse(periods)
	}
	for _, p := range periods {
		if n := l.buckets[p]; offset >= n {
			offset -= n
			continue
		}
		if q.Oldest {
			from := later(q.Since, startOf(p))
			q.Since = &from
		} else {
			to := earlier(q.Before, startOf(p+1))
			q.Before = &to
		}
		break
	}
	return q, offset
}

// split makes a query for each project and actor, each of which an index answers in order.
func (q Query) split() []Query {
	out := []Query{q}
	for _, by := range []func(*Query) *[]int64{func(q *Query) *[]int64 { return &q.Projects }, func(q *Query) *[]int64 { return &q.Actors }} {
		ids := *by(&q)
		if len(ids) == 0 {
			continue
		}
		var parts []Query
		for _, one := range out {
			for _, id := range ids {
				*by(&one) = []int64{id}
				parts = append(parts, one)
			}
		}
		out = parts
	}
	return out
}
