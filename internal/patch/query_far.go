// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// maxSteps is how many places of one list are remembered.
const maxSteps = 64

// step is a place in a list: the patch behind which its offset-th begins, from 0.
type step struct {
	offset int
	at     Cursor
}

// ladder is places in a list of one project in the order of id or date. A page far from its beginning is walked to from the nearest one.
type ladder struct {
	state string // of the list when they were true, see Query.state
	top   int64  // the highest id of a patch then; 0: not known
	steps []step
}

// ladder names the places of a list; empty if it has none.
func (l *Listing) ladder(q sqldb.Queryer) string {
	classes, key, walk := l.f.walk()
	if !walk || len(classes) > 0 || key.by == OrderName || l.bunches == nil || l.state == "" || !l.exact || !l.f.watched(q) {
		return ""
	}
	return fmt.Sprint("steps ", l.f.conditions().key(), l.f.keys())
}

// whole tells whether a list is all patches of its project, which only arrivals change.
func (f Query) whole() bool { return f.States == nil && f.Archived == nil && f.Delegates == nil }

// climb finds the ids of a page far from the beginning, and remembers where it ends.
func (l *Listing) climb(ctx context.Context, q sqldb.Queryer, name string, offset, limit int) (ids []int64, err error) {
	places := l.f.Totals.ladder(name)
	if places.state != l.state {
		if places, err = l.follow(ctx, q, places); err != nil {
			return nil, err
		}
	}
	query, args, err := l.idsFrom(places.steps, offset, limit)
	if err != nil || query == "" {
		return nil, err
	}
	var last struct{ id, key, sum int64 }
	err = q.Each(ctx, func(rows *sqlx.Rows) error {
		err := rows.Scan(&last.id, &last.key, &last.sum)
		ids = append(ids, last.id)
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list patches: %w", err)
	}
	if len(ids) > 0 && l.f.state(look{changes: last.sum, arrivals: last.sum}) == l.state { // else the page is of a list that has changed meanwhile
		places.steps = slices.Concat(places.steps[max(0, len(places.steps)-maxSteps+1):], []step{{offset + len(ids), Cursor{ID: last.id, Date: clock.Time(last.key)}}})
	}
	l.f.Totals.keepLadder(name, places)
	return ids, nil
}

// idsFrom is the query for the ids of a page and what they are ordered by, from the nearest place, and for what the list depends on at that moment.
func (l *Listing) idsFrom(steps []step, offset, limit int) (string, []any, error) {
	limit = min(limit, l.Total-offset)
	if limit <= 0 {
		return "", nil, nil
	}
	_, key, _ := l.f.walk()
	s := segment{arms: l.arms(nil, key, l.bunches), offset: offset, limit: limit, desc: key.desc}
	s.turn(l.Total)
	for _, from := range steps {
		switch forth, back := offset-from.offset, from.offset-1-offset-limit; {
		case forth >= 0 && forth < s.offset:
			s.offset, s.at, s.desc = forth, &from.at, key.desc
		case back >= 0 && back < s.offset:
			s.offset, s.at, s.desc = back, &from.at, !key.desc
		}
	}
	query, args := s.ids(0, key)
	w, column := l.f.counters(), "changes"
	if l.f.whole() {
		column = "arrivals"
	}
	return "SELECT id, k, (SELECT SUM(p." + column + ") FROM patch_count p" + w.sql() + ") AS sum FROM (" + query + ") page ORDER BY k" + key.direction() + ", id" + key.direction(),
		slices.Concat(w.args, args), nil
}

// follow moves places by the patches that came since, if nothing else has happened to the list. What is left is true.
func (l *Listing) follow(ctx context.Context, q sqldb.Queryer, old ladder) (ladder, error) {
	now := ladder{state: l.state}
	if !l.f.whole() {
		return now, nil
	}
	var n look
	var came []Cursor
	w := &where{}
	l.f.sums(w, true)
	for i := range w.parts {
		w.parts[i] = "SELECT x.kind, x.value, 0 AS date FROM (" + w.parts[i] + ") x"
	}
	w.add(fmt.Sprintf("SELECT * FROM (SELECT %d AS kind, p.id AS value, p.date FROM patch p WHERE +p.project_id = ? AND p.id > ? ORDER BY p.id LIMIT %d) arrived", lookOther, maxArrived+1), l.f.Projects[0], old.top)
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var kind, value, date int64
		if err := rows.Scan(&kind, &value, &date); err != nil {
			return err
		}
		if n.add(kind, value); kind == lookOther {
			came = append(came, Cursor{ID: value, Date: clock.Time(date)})
		}
		return nil
	}, w.union(), w.args...)
	if err != nil {
		return now, fmt.Errorf("look for what came since: %w", err)
	}
	now.state, now.top = l.f.state(n), n.top
	if now.state != l.state || old.top == 0 || len(came) > maxArrived || old.state != l.f.state(look{arrivals: n.arrivals - int64(len(came))}) {
		if now.state != l.state { // it changes while it is read
			now.state, now.top = l.state, 0
		}
		return now, nil
	}
	for _, s := range old.steps {
		for _, c := range came {
			if l.before(c, s.at) {
				s.offset++
			}
		}
		now.steps = append(now.steps, s)
	}
	return now, nil
}

// before tells whether a patch is listed before another.
func (l *Listing) before(a, b Cursor) bool {
	_, key, _ := l.f.walk()
	if key.by == OrderDate && a.Date != b.Date {
		return a.Date < b.Date != key.desc
	}
	return a.ID < b.ID != key.desc
}
