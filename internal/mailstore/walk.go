// SPDX-License-Identifier: GPL-2.0-or-later

package mailstore

import (
	"context"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// Among says which deliveries to go through.
type Among struct {
	Project  int64      // 0: all, also those of none
	Outcomes []string   // empty: all
	Since    clock.Time // received at or after; 0: all
	Down     bool       // newest first
	From     int64      // with Down only ids below, else only ids above; 0: all
}

// Walk gives the ids of deliveries in order, reading an index piece by piece. Deliveries whose outcome changes on the way are met once at
// the most.
type Walk struct {
	q       sqldb.Queryer
	among   Among
	floor   int64 // no id below is of interest
	started bool
	sources []*source
	last    int64
}

// source is the ids with one outcome.
type source struct {
	outcome string
	ids     []int64 // read, but not given yet
	at      int64   // the last one read
	end     bool
}

// NewWalk makes a walk; it reads nothing yet.
func NewWalk(q sqldb.Queryer, a Among) *Walk { return &Walk{q: q, among: a} }

// Next gives up to n more ids; none is the end.
func (w *Walk) Next(ctx context.Context, n int) ([]int64, error) {
	if err := w.start(ctx); err != nil {
		return nil, err
	}
	var out []int64
	for len(out) < n {
		id, err := w.one(ctx)
		if err != nil || id == 0 {
			return out, err
		}
		out = append(out, id)
	}
	return out, nil
}

func (w *Walk) start(ctx context.Context) error {
	if w.started {
		return nil
	}
	w.started = true
	if w.among.Since != 0 {
		// Ids rise with time but for the blocks they are taken in: the lowest id since then, not the first mail's.
		err := w.q.Get(ctx, &w.floor, firstSince, int64(w.among.Since))
		if err != nil {
			return fmt.Errorf("find the first mail since %s: %w", w.among.Since, err)
		}
		if w.floor == 0 {
			return nil
		}
	}
	outcomes := w.among.Outcomes
	if len(outcomes) == 0 {
		var err error
		if outcomes, err = outcomesOf(ctx, w.q, w.among.Project); err != nil {
			return err
		}
	}
	for _, o := range slices.Compact(slices.Sorted(slices.Values(outcomes))) {
		w.sources = append(w.sources, &source{outcome: o, at: w.among.From})
	}
	return nil
}

// firstSince adds 0 so that SQLite reads the index of received_at, not all older rows in order of their ids.
const firstSince = "SELECT COALESCE(MIN(id + 0), 0) FROM mail WHERE received_at >= ?"

// outcomesOf lists the outcomes there are with one look into the index for each.
func outcomesOf(ctx context.Context, q sqldb.Queryer, project int64) ([]string, error) {
	query, args := "SELECT COALESCE(MIN(outcome), '') FROM mail WHERE outcome > ?", []any{""}
	if project != 0 {
		query, args = "SELECT COALESCE(MIN(outcome), '') FROM mail WHERE project_id = ? AND outcome > ?", []any{project, ""}
	}
	var out []string
	for {
		var next string
		if err := q.Get(ctx, &next, query, args...); err != nil {
			return nil, fmt.Errorf("list the outcomes of mails: %w", err)
		}
		if next == "" {
			return out, nil
		}
		out = append(out, next)
		args[len(args)-1] = next
	}
}

// one is the next id of all sources, 0 at the end.
func (w *Walk) one(ctx context.Context) (int64, error) {
	var best *source
	for _, s := range w.sources {
		if err := w.fill(ctx, s); err != nil {
			return 0, err
		}
		if len(s.ids) > 0 && (best == nil || w.before(s.ids[0], best.ids[0])) {
			best = s
		}
	}
	if best == nil {
		return 0, nil
	}
	w.last = best.ids[0]
	return w.last, nil
}

// before tells whether a comes earlier in the walk than b.
func (w *Walk) before(a, b int64) bool {
	if w.among.Down {
		a, b = b, a
	}
	return a < b
}

// fill reads on in a source when nothing is left of it but what was given already.
func (w *Walk) fill(ctx context.Context, s *source) error {
	for {
		for len(s.ids) > 0 && w.last != 0 && !w.before(w.last, s.ids[0]) {
			s.ids = s.ids[1:]
		}
		if len(s.ids) > 0 || s.end {
			return nil
		}
		if err := w.read(ctx, s); err != nil {
			return fmt.Errorf("list %s mails: %w", s.outcome, err)
		}
	}
}

// walkPiece is how many ids are read at once.
const walkPiece = 256

func (w *Walk) read(ctx context.Context, s *source) error {
	query, args := "SELECT id FROM mail WHERE outcome = ? AND id >= ?", []any{s.outcome, w.floor}
	if w.among.Project != 0 {
		query, args = "SELECT id FROM mail WHERE project_id = ? AND outcome = ? AND id >= ?", []any{w.among.Project, s.outcome, w.floor}
	}
	if s.at != 0 {
		args = append(args, s.at)
		if w.among.Down {
			query += " AND id < ?"
		} else {
			query += " AND id > ?"
		}
	}
	if query += " ORDER BY id"; w.among.Down {
		query += " DESC"
	}
	s.ids = nil
	if err := w.q.Select(ctx, &s.ids, query+" LIMIT ?", append(args, walkPiece)...); err != nil {
		return err
	}
	if n := len(s.ids); n > 0 {
		s.at = s.ids[n-1]
	}
	s.end = len(s.ids) < walkPiece
	return nil
}

// Totals counts deliveries per outcome; From and Down of a do not count.
func Totals(ctx context.Context, q sqldb.Queryer, a Among) (map[string]int64, error) {
	w := NewWalk(q, a)
	if err := w.start(ctx); err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for _, s := range w.sources {
		query, args := "SELECT COUNT(*) FROM mail WHERE outcome = ? AND id >= ?", []any{s.outcome, w.floor}
		if a.Project != 0 {
			query, args = "SELECT COUNT(*) FROM mail WHERE project_id = ? AND outcome = ? AND id >= ?", []any{a.Project, s.outcome, w.floor}
		}
		var n int64
		if err := q.Get(ctx, &n, query, args...); err != nil {
			return nil, fmt.Errorf("count %s mails: %w", s.outcome, err)
		}
		if n > 0 {
			out[s.outcome] = n
		}
	}
	return out, nil
}

// LockMails reads deliveries by id and locks their rows, without their bytes, in order of their ids. One that does not exist is fault.NotFound.
func LockMails(ctx context.Context, tx *sqldb.Tx, ids []int64) ([]Mail, error) {
	return byIDs(ctx, tx, ids, tx.LockRows())
}

// Mails reads deliveries by id, without their bytes, in order of their ids. One that does not exist is fault.NotFound.
func Mails(ctx context.Context, q sqldb.Queryer, ids []int64) ([]Mail, error) {
	return byIDs(ctx, q, ids, "")
}

func byIDs(ctx context.Context, q sqldb.Queryer, ids []int64, lock string) ([]Mail, error) {
	var out []Mail
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	err := sqldb.Chunks(ids, func(ids []int64) error {
		some, err := selectMails(ctx, q, "id IN (?) ORDER BY id"+lock, ids)
		out = append(out, some...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %d mails: %w", len(ids), err)
	}
	if len(out) < len(ids) {
		for i, id := range ids {
			if i == len(out) || out[i].ID != id {
				return nil, fault.New(fault.NotFound, "there is no mail %d", id)
			}
		}
	}
	return out, nil
}
