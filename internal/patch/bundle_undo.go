// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
)

// What was done to a bundle.
const (
	BundleCreated = "create"
	BundleAdded   = "add"    // patches
	BundleRemoved = "remove" // patches
	BundleSet     = "set"    // its patches, or their order
	BundleDeleted = "delete"

	BundleRenamed     = "rename" // and perhaps published or not any more
	BundlePublished   = "publish"
	BundleUnpublished = "unpublish"
)

// BundleEdit is what a change set did to a bundle, which was called so and seen so.
type BundleEdit struct {
	ID     int64  `json:"id"`
	What   string `json:"what"` // one of the above
	Name   string `json:"name"`
	Public bool   `json:"public,omitempty"`
}

// itself tells whether the bundle itself was changed, not its patches.
func (e BundleEdit) itself() bool {
	return e.What == BundleRenamed || e.What == BundlePublished || e.What == BundleUnpublished
}

// places are where patches stand in a bundle.
type places map[int64]int

func readPlaces(ctx context.Context, q sqldb.Queryer, bundle int64) (places, error) {
	in := places{}
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var patch int64
		var at int
		err := rows.Scan(&patch, &at)
		in[patch] = at
		return err
	}, "SELECT patch_id, position FROM bundle_patch WHERE bundle_id = ?", bundle)
	if err != nil {
		return nil, fmt.Errorf("read the patches of bundle %d: %w", bundle, err)
	}
	return in, nil
}

// placesOf are the places of patches that are put one after the other.
func placesOf(patches []int64) places {
	in := places{}
	for i, id := range patches {
		in[id] = i + 1
	}
	return in
}

// differ lists the patches whose places are others.
func (was places) differ(is places) []int64 {
	all := places{}
	maps.Copy(all, was)
	maps.Copy(all, is)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(id int64) bool {
		old, had := was[id]
		now, has := is[id]
		return had == has && old == now
	})
}

func (p places) cell(patch int64) any {
	if at, in := p[patch]; in {
		return at
	}
	return nil
}

// record writes down what was done to a bundle, so that it can be taken back, and returns the change set; 0: nothing is different.
func (b Bundle) record(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, what string, was, is places) (int64, error) {
	s := &ChangeSet{Actor: by.User, Via: by.Via, At: now, Project: b.Project}
	s.finish(now, SetDone)
	err := b.recordIn(ctx, tx, s, what, was, is, nil)
	return s.ID, err
}

func (b Bundle) recordIn(ctx context.Context, tx *sqldb.Tx, s *ChangeSet, what string, was, is places, values []changedValue) error {
	changed := was.differ(is)
	err := sqldb.Chunks(changed, func(ids []int64) error {
		_, err := tx.Exec(ctx, "UPDATE change_place SET later = TRUE WHERE bundle_id = ? AND later = FALSE AND patch_id IN (?)", b.ID, ids)
		return err
	})
	if err != nil {
		return fmt.Errorf("note what was changed once more: %w", err)
	}
	if len(changed)+len(values) == 0 && s.Undoes == 0 {
		return nil
	}
	edit := BundleEdit{b.ID, what, b.Name, b.Public}
	s.Wanted = wanted{Bundle: &edit}.text()
	s.Changed = len(changed)
	if edit.itself() && len(values) > 0 {
		s.Changed++
	}
	if s.Undoes == 0 {
		s.Total, s.Done = s.Changed, s.Changed
	}
	if err := s.insert(ctx, tx); err != nil {
		return fmt.Errorf("write down the change: %w", err)
	}
	var rows [][]any
	for _, id := range changed {
		rows = append(rows, []any{s.ID, id, b.ID, was.cell(id), is.cell(id), false})
	}
	if err := tx.Insert(ctx, "change_place", []string{"set_id", "patch_id", "bundle_id", "old_place", "new_place", "later"}, rows); err != nil {
		return fmt.Errorf("write down what changed: %w", err)
	}
	return s.recordValues(ctx, tx, subject{"bundle", b.ID}, values)
}

// changedPlace is the place of a patch before and after a change; nil: none.
type changedPlace struct {
	Patch int64 `db:"patch_id"`
	Old   *int  `db:"old_place"`
	New   *int  `db:"new_place"`
	Later bool
}

// undoBundle takes back what a set did to a bundle: each patch whose place nobody changed since gets its old one, or none. A bundle that the set made goes with its
// last patch, and one that it deleted comes again. See Undo.
func (s *ChangeSet) undoBundle(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time) (ChangeSet, error) {
	edit := *s.Bundle()
	if by.User != s.Actor && !(by.User == 0 && by.Admin) {
		return ChangeSet{}, fault.New(fault.Denied, "a bundle is changed by its owner only")
	}
	b, err := s.bundleAgain(ctx, tx, edit)
	if err != nil {
		return ChangeSet{}, err
	}
	if err := project.Lock(ctx, tx, []int64{b.Project}); err != nil { // so that no patch is deleted meanwhile
		return ChangeSet{}, err
	}
	was, err := readPlaces(ctx, tx, b.ID)
	if err != nil {
		return ChangeSet{}, err
	}
	var rows []changedPlace
	if err := tx.Select(ctx, &rows, "SELECT patch_id, old_place, new_place, later FROM change_place WHERE set_id = ? ORDER BY patch_id", s.ID); err != nil {
		return ChangeSet{}, err
	}
	back := ChangeSet{Actor: by.User, Via: by.Via, At: now, Project: b.Project, Undoes: s.ID, Back: s.Back, Total: len(rows), Done: len(rows)}
	back.finish(now, SetDone)
	is, err := back.formerPlaces(ctx, tx, b, was, rows)
	if err != nil {
		return ChangeSet{}, err
	}
	old := b
	values, overtaken, err := b.restore(ctx, tx, s)
	if err != nil {
		return ChangeSet{}, err
	}
	if edit.itself() {
		back.Total, back.Done = 1, 1
	}
	if overtaken {
		back.Overtaken++
	}
	what := map[string]string{BundleCreated: BundleRemoved, BundleAdded: BundleRemoved, BundleRemoved: BundleAdded, BundleDeleted: BundleCreated, BundleSet: BundleSet}[edit.What]
	if edit.itself() && len(values) == 0 {
		what = edit.What
	} else if edit.itself() {
		what = b.what(old)
	} else if len(is) == 0 && edit.What == BundleCreated {
		what = BundleDeleted
	} else if len(is) == 0 || len(is) > MaxBundlePatches { // no such bundle may be
		is, back.Overtaken = was, len(rows)-back.Lost
	}
	if err := b.replace(ctx, tx, was, is, what == BundleDeleted); err != nil {
		return ChangeSet{}, err
	}
	if err := b.recordIn(ctx, tx, &back, what, was, is, values); err != nil {
		return ChangeSet{}, err
	}
	s.UndoneBy = back.ID
	if err := s.save(ctx, tx); err != nil {
		return ChangeSet{}, err
	}
	return back, s.auditUndo(ctx, tx, by, now, len(rows))
}

// bundleAgain locks the bundle that a set is about, and makes it anew if the set deleted it.
func (s *ChangeSet) bundleAgain(ctx context.Context, tx *sqldb.Tx, e BundleEdit) (Bundle, error) {
	b, err := holdBundle(ctx, tx, account.Actor{User: s.Actor}, e.ID)
	if !fault.Is(err, fault.NotFound) {
		return b, err
	}
	if e.What != BundleDeleted {
		return b, fault.New(fault.Conflict, "the bundle %s was deleted since", e.Name)
	}
	b = Bundle{ID: e.ID, Owner: s.Actor, Project: s.Project, Name: e.Name, Public: e.Public}
	var others int
	if err := tx.Get(ctx, &others, "SELECT COUNT(*) FROM bundle WHERE owner_id = ? AND name = ?", b.Owner, b.Name); err != nil {
		return b, err
	}
	if others > 0 {
		return b, fault.New(fault.Conflict, "there is another bundle %s meanwhile", e.Name)
	}
	return b, insertBundles(ctx, tx, []Bundle{b})
}

// formerPlaces are the places in a bundle with those of the rows that can be given back; the set counts the others.
func (s *ChangeSet) formerPlaces(ctx context.Context, tx *sqldb.Tx, b Bundle, was places, rows []changedPlace) (places, error) {
	var ids []int64
	for _, r := range rows {
		ids = append(ids, r.Patch)
	}
	var there []int64
	err := sqldb.Chunks(ids, func(ids []int64) error {
		var some []int64
		err := tx.Select(ctx, &some, "SELECT id FROM patch WHERE id IN (?) AND project_id = ?", ids, b.Project)
		there = append(there, some...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find %d patches: %w", len(ids), err)
	}
	exists := map[int64]bool{}
	for _, id := range there {
		exists[id] = true
	}
	is := maps.Clone(was)
	for _, r := range rows {
		at, in := was[r.Patch]
		switch {
		case !exists[r.Patch]:
			s.Lost++
		case r.Later || in != (r.New != nil) || in && at != *r.New:
			s.Overtaken++
		case r.Old == nil:
			delete(is, r.Patch)
		default:
			is[r.Patch] = *r.Old
		}
	}
	return is, nil
}

// replace writes what is different, or deletes the bundle.
func (b Bundle) replace(ctx context.Context, tx *sqldb.Tx, was, is places, remove bool) error {
	changed := was.differ(is)
	err := sqldb.Chunks(changed, func(ids []int64) error {
		_, err := tx.Exec(ctx, "DELETE FROM bundle_patch WHERE bundle_id = ? AND patch_id IN (?)", b.ID, ids)
		return err
	})
	if err != nil {
		return err
	}
	var list []ImportedPlace
	for _, id := range changed {
		if at, in := is[id]; in {
			list = append(list, ImportedPlace{Bundle: b.ID, Patch: id, Position: at})
		}
	}
	if err := ImportPlaces(ctx, tx, list); err != nil || !remove {
		return err
	}
	_, err = tx.Exec(ctx, "DELETE FROM bundle WHERE id = ?", b.ID)
	return err
}
