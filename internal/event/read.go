// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"context"
	"slices"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// Stored is an event as it was written, with its position.
type Stored struct {
	ID       int64
	Pos      int64
	Project  int64 `db:"project_id"` // 0: none
	Actor    int64 `db:"actor_id"`   // user; 0: nobody
	Kind     string
	At       clock.Time
	Payload  string // JSON
	Subjects []Subject
}

// Subject gives the id of the event's subject of a kind; 0 if it has none.
func (e Stored) Subject(kind string) int64 {
	for _, s := range e.Subjects {
		if s.Kind == kind {
			return s.ID
		}
	}
	return 0
}

// Filter narrows what After reads; the zero value lets everything pass.
type Filter struct {
	Kinds   []string // empty: all
	Project int64    // 0: all
}

func (f Filter) passes(e Stored) bool {
	return (len(f.Kinds) == 0 || slices.Contains(f.Kinds, e.Kind)) && (f.Project == 0 || f.Project == e.Project)
}

// Last is the highest position given so far. Once a reader has seen it, no event will come at or before it.
func Last(ctx context.Context, q sqldb.Queryer) (pos int64, err error) {
	return pos, wrap(q.Get(ctx, &pos, "SELECT pos FROM event_last WHERE id = 1"), "read the last position of events")
}

// After reads the events behind a position, in order, at most limit before the filter: a reader goes on from the position of the last of them or, if
// there are none, from next, which is the position up to which all has been read.
func After(ctx context.Context, q sqldb.Queryer, pos int64, limit int, f Filter) (events []Stored, next int64, err error) {
	var found []Stored
	err = q.Select(ctx, &found, `SELECT id, pos, COALESCE(project_id, 0) AS project_id, COALESCE(actor_id, 0) AS actor_id, kind, at, payload FROM event
		WHERE pos > ? ORDER BY pos LIMIT ?`, pos, limit)
	if err != nil {
		return nil, pos, wrap(err, "read events")
	}
	if len(found) == 0 {
		return nil, pos, nil
	}
	next = found[len(found)-1].Pos
	events = slices.DeleteFunc(found, func(e Stored) bool { return !f.passes(e) })
	return events, next, addSubjects(ctx, q, events)
}

// addSubjects reads what the events are about.
func addSubjects(ctx context.Context, q sqldb.Queryer, events []Stored) error {
	at := make(map[int64]int, len(events))
	ids := make([]int64, 0, len(events))
	for i, e := range events {
		at[e.ID] = i
		ids = append(ids, e.ID)
	}
	return sqldb.Chunks(ids, func(ids []int64) error {
		err := q.Each(ctx, func(rows *sqlx.Rows) error {
			var s Subject
			var id int64
			if err := rows.Scan(&s.Kind, &s.ID, &id); err != nil {
				return err
			}
			e := &events[at[id]]
			e.Subjects = append(e.Subjects, s)
			return nil
		}, "SELECT kind, subject_id, event_id FROM event_subject WHERE event_id IN (?) ORDER BY event_id, kind, subject_id", ids)
		return wrap(err, "read the subjects of events")
	})
}

// window is how many positions Next looks at for events that its filter lets pass.
const window = 20_000

// Next reads the events behind a position that have one of the projects and pass by kind, in the order of their positions, at most limit, without
// subjects, in two queries. The reader goes on from next: all before it has been read, and nothing will ever come there.
func Next(ctx context.Context, db sqldb.Queryer, pos int64, limit int, q Query) (events []Stored, next int64, err error) {
	if err := q.Check(); err != nil {
		return nil, pos, err
	}
	var span struct{ First, Last int64 }
	err = db.Get(ctx, &span, `SELECT COALESCE((SELECT MIN(pos) FROM event WHERE pos > ?), 0) AS first, pos AS last FROM event_last WHERE id = 1`, pos)
	if err != nil {
		return nil, pos, wrap(err, "read events")
	}
	if span.First == 0 || span.Last <= pos {
		return nil, max(pos, span.Last), nil
	}
	end := min(span.Last, span.First+window)
	var w where
	w.add("pos > ? AND pos <= ?", pos, end)
	if len(q.Projects) > 0 { // not by their index: the order is that of positions
		w.add("COALESCE(project_id, 0) IN (?)", q.Projects)
	}
	if q.Kind != "" {
		w.add("COALESCE(kind, '') = ?", q.Kind)
	} else if len(q.Except) > 0 {
		w.add("kind NOT IN (?)", q.Except)
	}
	err = db.Select(ctx, &events, "SELECT "+storedColumns+" FROM event"+w.sql()+" ORDER BY event.pos LIMIT ?", append(w.args, limit)...) // the column, which its index has in order; pos alone would be what is selected
	if err != nil {
		return nil, pos, wrap(err, "read events")
	}
	if len(events) == limit {
		end = events[limit-1].Pos
	}
	return events, end, nil
}
