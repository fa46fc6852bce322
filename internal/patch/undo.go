// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
)

// Undo takes a change back: each field of each patch gets its old value, if it still has the one that the change gave it and nobody changed it since, not even
// back and forth. It is a change of its own, with its own events, which can be taken back too. The set that it returns counts: Changed; Refused, patches the actor may
// not edit any more; Overtaken, patches of which something was left alone because it was changed since; Lost, patches that are gone, or whose old value is
// impossible now. More than MaxChanged patches are done by a job. Only who made a change, and administrators, may take it back, for ten minutes after its end; see MayUndo.
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
		if err := tx.Select(ctx, &ids, "SELECT DISTINCT patch_id FROM change_row WHERE set_id = ? AND field <> 'refused' ORDER BY patch_id", id); err != nil {
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

// takeBack takes back what the set undoes of some patches.
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
	u.set.Lost += len(ids) - len(patches)
	back := u.formerRelations(related, patches, rows)
	var wishes []wish
	for _, p := range patches {
		c, overtaken, lost := u.former(p, rows[p.ID])
		if overtaken || back.overtaken[p.ID] {
			u.set.Overtaken++
		}
		if lost {
			u.set.Lost++
		}
		switch {
		case c.Empty() && back.refused[p.ID]:
			u.refuse(p)
		case c.Empty():
		case !u.mayEdit(p) && !u.mayEditAs(p, c):
			u.refuse(p)
		default:
			wishes = append(wishes, wish{p, c})
		}
	}
	done, err := u.grant(ctx, wishes)
	if err != nil {
		return err
	}
	u.set.Changed += len(unique(append(done, slices.Collect(maps.Keys(back.move))...)))
	return u.relateBack(ctx, related, back.relationChange)
}

// mayEditAs tells whether the actor could edit the patch as it was: who gave it to another delegate may take that back.
func (u *update) mayEditAs(p *held, was Change) bool {
	old := *p
	if was.Delegate != nil {
		old.Delegate = *was.Delegate
	}
	return u.mayEdit(&old)
}

// former is what gives a patch the values back that it had before some changes. overtaken: not all of them, because they were changed since; lost: because they
// are not possible any more.
func (u *update) former(p *held, rows []changedRow) (c Change, overtaken, lost bool) {
	is := fieldsOf(p)
	for _, r := range rows {
		if r.Field == relationField {
			continue
		}
		if r.Later || is[r.Field] != r.New {
			overtaken = true
			continue
		}
		id, _ := strconv.ParseInt(r.Old, 10, 64) // of those that are numbers
		switch {
		case r.Field == "state" && u.book.slug(id) == "", r.Field == "delegate" && id != 0 && !u.maintainers[p.Project][id]:
			lost = true
		case r.Field == "state":
			c.State = &id
		case r.Field == "delegate":
			c.Delegate = &id
		case r.Field == "archived":
			yes := r.Old == "true"
			c.Archived = &yes
		case r.Field == "commit":
			c.CommitRef = &r.Old
		case r.Field == "pull":
			c.PullURL = &r.Old
		}
	}
	return c, overtaken, lost
}

func readChanged(ctx context.Context, q sqldb.Queryer, set int64, patches []int64) (map[int64][]changedRow, error) {
	out := map[int64][]changedRow{}
	err := sqldb.Chunks(patches, func(ids []int64) error {
		var some []changedRow
		err := q.Select(ctx, &some, "SELECT patch_id, field, old_value, new_value, later FROM change_row WHERE set_id = ? AND patch_id IN (?) AND field <> 'refused'", set, ids)
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
	patch  *held
	change Change
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
