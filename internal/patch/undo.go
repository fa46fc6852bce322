// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
)

// Undo takes a change back: each patch becomes what it was before, all of it, unless somebody changed anything of it since that can be taken back, not even
// back and forth: then it stays as it is. What was changed since and itself taken back does not count. It is a change of its own, with its own events, which can be taken
// back too. The set that it returns counts each patch once: Changed; Overtaken, changed since, see LeftBy; Refused, patches the actor may not edit any more; Lost, patches
// that are gone, or that can't be as they were. More than MaxChanged patches are done by a job. Only who made a change, and administrators, may take it back, for ten minutes after its end; see MayUndo.
func Undo(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, id int64) (ChangeSet, error) {
	var s ChangeSet
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		of, err := holdSet(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if err := of.MayUndo(now); err != nil {
			return err
		}
		if of.Bundle() != nil {
			s, err = of.undoBundle(ctx, tx, by, now)
			return err
		}
		var ids []int64
		if err := tx.Select(ctx, &ids, "SELECT DISTINCT r.patch_id FROM change_row r WHERE r.set_id = ? AND "+realFields+" ORDER BY r.patch_id", id); err != nil {
			return err
		}
		s = *newSet(by, now, Change{})
		s.Undoes, s.Project, s.Back, s.Total = of.ID, of.Project, of.Back, len(ids)
		if err := s.insert(ctx, tx); err != nil {
			return err
		}
		of.UndoneBy = s.ID
		if err := of.save(ctx, tx); err != nil {
			return err
		}
		if e := of.Series(); e != nil {
			if err := s.undoSeries(ctx, tx, by, now, &of, e.ID); err != nil {
				return err
			}
		}
		if err := s.begin(ctx, tx, by, now, ids); err != nil {
			return err
		}
		return of.auditUndo(ctx, tx, by, now, len(ids))
	})
	if err != nil {
		return ChangeSet{}, fmt.Errorf("take back change %d: %w", id, err)
	}
	return s, nil
}

// auditUndo writes into the audit trail what no user takes back.
func (s *ChangeSet) auditUndo(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, patches int) error {
	if by.User != 0 {
		return nil
	}
	return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "change undo", Subject: fmt.Sprintf("change %d", s.ID), Detail: fmt.Sprintf("%d patches", patches)})
}

// fate is what becomes of a row when a change of it is taken back. Each row has one.
type fate int

const (
	comesBack fate = iota
	isOvertaken
	isRefused
	isLost
)

// takeBack takes back what the set undoes of some patches, of each all of it or nothing.
func (u *update) takeBack(ctx context.Context, ids []int64) error {
	rows, err := readChanged(ctx, u.tx, u.set.Undoes, ids)
	if err != nil {
		return err
	}
	related, err := lockFormer(ctx, u.tx, rows)
	if err != nil {
		return err
	}
	patches, err := holdThere(ctx, u.tx, ids)
	if err != nil {
		return err
	}
	if rows, err = readChanged(ctx, u.tx, u.set.Undoes, ids); err != nil { // as they are marked under the locks
		return err
	}
	u.set.lose(without(ids, patches)...)
	back := formerRelation{relationChange{move: map[int64]int64{}}, related}
	var wishes []wish
	var left []*held
	for _, p := range patches {
		w, f := u.former(p, rows[p.ID], related)
		switch f {
		case comesBack:
			wishes = append(wishes, w)
			back.wants(w)
		case isOvertaken:
			left = append(left, p)
		case isRefused:
			u.refuse(p)
		case isLost:
			u.set.lose(p.ID)
		}
	}
	stay := back.settled()
	wishes = slices.DeleteFunc(wishes, func(w wish) bool {
		if stay[w.patch.ID] {
			left = append(left, w.patch)
		}
		return stay[w.patch.ID]
	})
	if err := u.nameLeft(ctx, left); err != nil {
		return err
	}
	u.set.Changed += len(wishes)
	if err := u.grantAll(ctx, wishes, related, back.relationChange); err != nil {
		return err
	}
	return u.freeAgain(ctx, wishes, rows)
}

// grantAll fulfils wishes of patches and of their relations.
func (u *update) grantAll(ctx context.Context, wishes []wish, related map[int64]relative, r relationChange) error {
	of := slices.DeleteFunc(slices.Clone(wishes), func(w wish) bool { return w.change.Empty() })
	if _, err := u.grant(ctx, of); err != nil {
		return err
	}
	return u.relateBack(ctx, related, r)
}

// freeAgain lets the changes before the one that is taken back be taken back, of the patches that came back.
func (u *update) freeAgain(ctx context.Context, wishes []wish, rows map[int64][]changedRow) error {
	over := map[int64]string{}
	for _, w := range wishes {
		for _, r := range rows[w.patch.ID] {
			if r.Field == overField {
				over[r.Patch] = r.Old
			}
		}
	}
	return patchMarks.free(ctx, u.tx, over)
}

// mayEditAs tells whether the actor could edit the patch as it was: who gave it to another delegate may take that back.
func (u *update) mayEditAs(p *held, was Change) bool {
	old := *p
	if was.Delegate != nil {
		old.Delegate = *was.Delegate
	}
	return u.mayEdit(&old)
}

// former is what gives a patch all values back that it had before some changes, and whether it gets them.
func (u *update) former(p *held, rows []changedRow, related map[int64]relative) (w wish, f fate) {
	w.patch = p
	is := fieldsOf(p)
	lost, refused := false, false
	for _, r := range rows {
		if r.Field == overField {
			continue
		}
		if r.Later || is[r.Field] != r.New {
			return w, isOvertaken
		}
		id, _ := strconv.ParseInt(r.Old, 10, 64) // of those that are numbers
		switch r.Field {
		case "state":
			w.change.State = &id
			lost = lost || u.book.slug(id) == ""
		case "delegate":
			w.change.Delegate = &id
			lost = lost || id != 0 && !u.maintainers[p.Project][id]
		case "archived":
			yes := r.Old == "true"
			w.change.Archived = &yes
		case "commit":
			w.change.CommitRef = &r.Old
		case "pull":
			w.change.PullURL = &r.Old
		case relationField:
			w.relation = &id
			refused = !u.maintainsAll(related, p, id)
		}
	}
	switch {
	case refused || !w.change.Empty() && !u.mayEdit(p) && !u.mayEditAs(p, w.change):
		return w, isRefused
	case lost || w.change.Empty() && w.relation == nil:
		return w, isLost
	}
	return w, comesBack
}

func readChanged(ctx context.Context, q sqldb.Queryer, set int64, patches []int64) (map[int64][]changedRow, error) {
	out := map[int64][]changedRow{}
	err := sqldb.Chunks(patches, func(ids []int64) error {
		var some []changedRow
		err := q.Select(ctx, &some, "SELECT patch_id, field, old_value, new_value, later FROM change_row WHERE set_id = ? AND patch_id IN (?) AND field NOT IN ('refused', 'overtaken')", set, ids)
		for _, r := range some {
			out[r.Patch] = append(out[r.Patch], r)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what change %d changed: %w", set, err)
	}
	return out, nil
}

// wish is what one patch is to become.
type wish struct {
	patch    *held
	change   Change
	relation *int64 // 0: none; nil: as it is
}

// grant fulfils wishes that differ from patch to patch, equal ones together, and returns the patches that are different now. Who may wish was asked before.
func (u *update) grant(ctx context.Context, wishes []wish) (done []int64, err error) {
	var kinds []string
	alike := map[string]*update{}
	for _, w := range wishes {
		kind := w.change.stored()
		one := alike[kind]
		if one == nil {
			one = &update{tx: u.tx, by: u.by, now: u.now, book: u.book, maintainers: u.maintainers, change: w.change, set: u.set}
			alike[kind], kinds = one, append(kinds, kind)
		}
		if err := one.apply(w.patch); err != nil {
			return nil, err
		}
	}
	for _, kind := range kinds {
		if err := alike[kind].write(ctx); err != nil {
			return nil, err
		}
		done = append(done, alike[kind].touched...)
	}
	return done, nil
}
