// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/project"
)

// Repaired tells what a repair of series did, or with a dry run would do.
type Repaired struct {
	Changed []int64  // series that have other patches or another cover letter now
	Created []int64  // series that are new
	Removed []int64  // series that had nothing left
	Events  []string // kinds of the events that were raised
}

// Split says what goes into a series of its own. Numbers and Patches (ids) may both be given.
type Split struct {
	Numbers []int
	Patches []int64
	Cover   bool
	Version int    // 0: that of the old series
	Total   int    // 0: that of the old series
	Name    string // empty: that of the cover letter or first patch
}

var errTried = errors.New("tried")

// MergeSeries moves the patches and the cover letter of a series, with what else is known of it, into another one; it is gone then. A number or a
// cover letter that both have is fault.Conflict. An administrator or a maintainer of the project may, as with all repairs of series.
func MergeSeries(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, into, from int64, dry bool) (Repaired, error) {
	if into == from {
		return Repaired{}, fault.New(fault.Invalid, "series %d can't be merged into itself", into)
	}
	return regroup(ctx, db, by, now, "series merge", fmt.Sprintf("series %d", into), fmt.Sprintf("series %d into it", from), dry, []int64{into, from}, func(r *regrouping) error {
		a, b := r.series[into], r.series[from]
		if a.cover != nil && b.cover != nil {
			return fault.New(fault.Conflict, "both series have a cover letter, %s and %s: move one away first", a.cover.msgid, b.cover.msgid)
		}
		if both := a.collisions(b); len(both) > 0 {
			return fault.New(fault.Conflict, "both series have patches with these numbers: %s; give them others, or move them away, first", inWords(both))
		}
		r.heir = a
		for _, m := range slices.Collect(maps.Values(b.patches)) {
			r.move(m, b, a, m.number)
		}
		if b.cover != nil {
			r.moveCover(b, a)
		}
		a.Total, a.Run = max(a.Total, b.Total), max(a.Run, b.Run)
		a.ChangeID, a.BaseCommit = cmp.Or(a.ChangeID, b.ChangeID), cmp.Or(a.BaseCommit, b.BaseCommit)
		return nil
	})
}

// SplitSeries moves some patches of a series, and its cover letter if asked for, into a new one. Something must stay.
func SplitSeries(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, id int64, what Split, dry bool) (Repaired, error) {
	return regroup(ctx, db, by, now, "series split", fmt.Sprintf("series %d", id), "", dry, []int64{id}, func(r *regrouping) error {
		a := r.series[id]
		moved, err := a.chosen(what)
		if err != nil {
			return err
		}
		if len(moved) == len(a.patches) && (a.cover == nil || what.Cover) {
			return fault.New(fault.Invalid, "nothing would stay in series %d", id)
		}
		n, err := r.begin(ctx, a)
		if err != nil {
			return err
		}
		for _, m := range moved {
			r.move(m, a, n, m.number)
		}
		if what.Cover {
			r.moveCover(a, n)
		}
		n.Version, n.Total = cmp.Or(what.Version, n.Version), cmp.Or(what.Total, n.Total)
		n.named = what.Name
		r.detail = fmt.Sprintf("%s into series %d", inWords(numbersOf(moved)), n.ID)
		return nil
	})
}

// MovePatch moves a patch to a place in a series, which may be its own; 0 keeps its number.
func MovePatch(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, patch, to int64, number int, dry bool) (Repaired, error) {
	var from int64
	if err := db.Get(ctx, &from, "SELECT COALESCE(series_id, 0) FROM patch WHERE id = ?", patch); err != nil {
		return Repaired{}, notThere(err, "patch", patch)
	}
	return regroup(ctx, db, by, now, "series move", fmt.Sprintf("patch %d", patch), fmt.Sprintf("to series %d", to), dry, []int64{to, from}, func(r *regrouping) error {
		a, b := r.series[from], r.series[to]
		m, err := r.loose(ctx, a, patch)
		if err != nil {
			return err
		}
		at := cmp.Or(number, m.number)
		if a == b && at == m.number {
			return nil
		}
		if at < 1 {
			return fault.New(fault.Invalid, "patch %d has no number: say which it gets", patch)
		}
		if other := b.patches[at]; other != nil && other != m {
			return fault.New(fault.Conflict, "series %d has a patch %d already, %s: choose another number, or move that one first", to, at, other.msgid)
		}
		r.heir = b
		r.move(m, a, b, at)
		return nil
	})
}

// MoveCover gives a cover letter to another series, which has none.
func MoveCover(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, cover, to int64, dry bool) (Repaired, error) {
	var from int64
	err := db.Get(ctx, &from, "SELECT COALESCE(s.id, 0) FROM cover c LEFT JOIN series s ON s.cover_id = c.id WHERE c.id = ?", cover)
	if err != nil {
		return Repaired{}, notThere(err, "cover letter", cover)
	}
	if from == 0 || from == to {
		return Repaired{}, fault.New(fault.Invalid, "cover letter %d is in series %d: name another series", cover, from)
	}
	return regroup(ctx, db, by, now, "series move", fmt.Sprintf("cover %d", cover), fmt.Sprintf("to series %d", to), dry, []int64{to, from}, func(r *regrouping) error {
		a, b := r.series[from], r.series[to]
		switch {
		case a.cover == nil || a.cover.id != cover:
			return fault.New(fault.Conflict, "cover letter %d was moved meanwhile: try again", cover)
		case b.cover != nil:
			return fault.New(fault.Conflict, "series %d has a cover letter already, %s: move that one first", to, b.cover.msgid)
		}
		r.heir = b
		r.moveCover(a, b)
		return nil
	})
}

func notThere(err error, what string, id int64) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "there is no %s %d", what, id)
	}
	return fmt.Errorf("find %s %d: %w", what, id, err)
}

func inWords(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = fmt.Sprint(n)
	}
	return strings.Join(words, ", ")
}

func numbersOf(mails []*member) []int {
	out := make([]int, len(mails))
	for i, m := range mails {
		out[i] = m.number
	}
	slices.Sort(out)
	return out
}

// regroup runs one repair: permission, lock, what is decided in memory, and everything that follows, in one transaction.
func regroup(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, verb, subject, detail string, dry bool, ids []int64, decide func(*regrouping) error) (Repaired, error) {
	var out Repaired
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		r := &regrouping{tx: tx, by: by, now: now, detail: detail}
		if err := r.load(ctx, verb, slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return id == 0 })); err != nil {
			return err
		}
		if err := decide(r); err != nil {
			return err
		}
		if err := r.write(ctx); err != nil {
			return err
		}
		out = r.told()
		if dry {
			return errTried
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: verb, Subject: subject, Detail: r.detail})
	})
	if err != nil && !errors.Is(err, errTried) {
		return Repaired{}, fmt.Errorf("%s: %w", verb, err)
	}
	return out, nil
}

func projectOf(ctx context.Context, tx *sqldb.Tx, series []int64) (project.Project, error) {
	var p project.Project
	var found []struct{ ID, Project int64 }
	if err := tx.Select(ctx, &found, "SELECT id, COALESCE(project_id, 0) AS project FROM series WHERE id IN (?)", series); err != nil {
		return p, fmt.Errorf("find the projects of series: %w", err)
	}
	for _, id := range series {
		i := slices.IndexFunc(found, func(f struct{ ID, Project int64 }) bool { return f.ID == id })
		if i < 0 {
			return p, fault.New(fault.NotFound, "there is no series %d", id)
		}
		if found[i].Project != found[0].Project {
			return p, fault.New(fault.Invalid, "series %d and %d are of different projects", found[0].ID, id)
		}
	}
	all, err := project.All(ctx, tx)
	for _, p := range all {
		if p.ID == found[0].Project {
			return p, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "series %d is of no project", series[0])
	}
	return p, err
}
