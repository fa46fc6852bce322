// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
)

// maxSteps is how many places of one list are remembered.
const maxSteps = 64

// step is a place in a list of one project in the order of id or date: the patch behind which its offset-th begins, from 0. A page far from the beginning is walked to
// from the nearest one.
type step struct {
	offset int
	at     Cursor
}

// climb finds the ids of a page far from the beginning, and remembers where it ends. same tells whether the list was still what was counted.
func (l *Listing) climb(ctx context.Context, q sqldb.Queryer, offset, limit int) (ids []int64, same bool, err error) {
	name := fmt.Sprint("steps ", l.f.conditions().key(), l.f.keys())
	places, ok := l.f.Totals.recall(name, l.seen)
	_, key, _ := l.f.walk()
	if !ok && key.by != OrderName { // which has no places
		if places, err = l.follow(ctx, q, places); err != nil {
			return nil, false, err
		}
	}
	var sum int64
	var last Cursor
	ids, last, sum, err = l.walkFrom(ctx, q, places.steps, offset, limit)
	if same = sum == l.changes; same && len(ids) > 0 && key.by != OrderName {
		places.steps = slices.Concat(places.steps[max(0, len(places.steps)-maxSteps+1):], []step{{offset + len(ids), last}})
	}
	l.f.Totals.keep(name, places)
	return ids, same, err
}

// walkFrom finds the ids of a page from the nearest place, where it ends, and the sum of the changes of the list at that moment.
func (l *Listing) walkFrom(ctx context.Context, q sqldb.Queryer, steps []step, offset, limit int) (ids []int64, last Cursor, sum int64, err error) {
	query, args := l.idsFrom(steps, offset, limit)
	if query == "" {
		return nil, Cursor{}, -1, nil
	}
	place := any(&last.Date)
	if _, key, _ := l.f.walk(); key.by == OrderName {
		place = &last.Name
	}
	err = q.Each(ctx, func(rows *sqlx.Rows) error {
		err := rows.Scan(&last.ID, place, &sum)
		ids = append(ids, last.ID)
		return err
	}, query, args...)
	if err != nil {
		return nil, Cursor{}, -1, fmt.Errorf("list patches: %w", err)
	}
	return ids, last, sum, nil
}

// idsFrom is the query for the ids of a page and what they are ordered by, from the nearest place, and for the changes of the list at that moment.
func (l *Listing) idsFrom(steps []step, offset, limit int) (string, []any) {
	limit = min(limit, l.Total-offset)
	if limit <= 0 {
		return "", nil
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
	w := l.f.counters()
	return "SELECT id, k, (SELECT SUM(p.changes) FROM patch_count p" + w.sql() + ") AS sum FROM (" + query + ") page ORDER BY k" + key.direction() + ", id" + key.direction(),
		slices.Concat(w.args, args)
}

// follow moves places by the patches that came since, if nothing else has happened to the list. What is left is true.
func (l *Listing) follow(ctx context.Context, q sqldb.Queryer, old fact) (fact, error) {
	now := fact{moment: moment{state: l.seen.state}}
	if !l.f.whole() {
		return now, nil
	}
	n, err := l.f.lookAgain(ctx, q, old.top)
	if err != nil || l.f.state(n) != now.state { // it changes while it is read
		return now, err
	}
	now.top = n.top
	if !old.follows(n) {
		return now, nil
	}
	for _, s := range old.steps {
		for _, c := range n.came {
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
