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
	BundleMoved   = "move"   // to another project, with other patches
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
	Own    bool   `json:"own,omitempty"`  // it is called, seen or placed otherwise, whatever was done to its patches
	Left   string `json:"left,omitempty"` // see ChangeSet.Left
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
	if len(changed)+len(values) == 0 && s.Undoes == 0 {
		return nil
	}
	over, err := placeMarks(b.ID).overtake(ctx, tx, s.At, 0, changed)
	if err != nil {
		return err
	}
	edit := BundleEdit{b.ID, what, b.Name, b.Public, len(values) > 0, s.Left()}
	s.Wanted = wanted{Bundle: &edit}.text()
	if s.Changed = len(changed); edit.Own {
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
	if err := insertRows(ctx, tx, s.ID, overRows(over)); err != nil {
		return err
	}
	return s.recordValues(ctx, tx, s.At, subject{"bundle", b.ID}, values)
}

// changedPlace is the place of a patch before and after a change; nil: none.
type changedPlace struct {
	Patch int64 `db:"patch_id"`
	Old   *int  `db:"old_place"`
	New   *int  `db:"new_place"`
	Later bool
}

// bundleBack is a change of a bundle on its way back.
type bundleBack struct {
	of, set ChangeSet // what is taken back, and what does it
	edit    BundleEdit
	was     Bundle
	to      Bundle // what it is called and seen again, and of which project it is
	former  formerValues
	rows    []changedPlace
	in, is  places
	left    []int64
}

// undoBundle takes back what a set did to a bundle: each patch whose place nobody changed since gets its old one, or none, and the bundle itself what it was. One that
// the set made goes with its last patch, one that it deleted comes again, and one that it moved to another project goes back as a whole or not at all. See Undo.
func (s *ChangeSet) undoBundle(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time) (ChangeSet, error) {
	if by.User != s.Actor && !(by.User == 0 && by.Admin) {
		return ChangeSet{}, fault.New(fault.Denied, "a bundle is changed by its owner only")
	}
	k := bundleBack{of: *s, edit: *s.Bundle(), set: ChangeSet{Actor: by.User, Via: by.Via, At: now, Undoes: s.ID, Back: s.Back}}
	k.set.finish(now, SetDone)
	if err := k.read(ctx, tx); err != nil {
		return ChangeSet{}, err
	}
	if err := k.write(ctx, tx); err != nil {
		return ChangeSet{}, err
	}
	s.UndoneBy = k.set.ID
	if err := s.save(ctx, tx); err != nil {
		return ChangeSet{}, err
	}
	return k.set, s.auditUndo(ctx, tx, by, now, len(k.rows))
}

// read finds out, under locks, what becomes of the bundle.
func (k *bundleBack) read(ctx context.Context, tx *sqldb.Tx) (err error) {
	if k.was, err = k.of.bundleAgain(ctx, tx, k.edit); err != nil {
		return err
	}
	if k.former, err = k.of.formerValues(ctx, tx, k.was.values()); err != nil {
		return err
	}
	k.to = k.was.as(k.former.values)
	if err := project.Lock(ctx, tx, unique([]int64{k.was.Project, k.to.Project})); err != nil { // so that no patch is deleted meanwhile
		return err
	}
	if k.in, err = readPlaces(ctx, tx, k.was.ID); err != nil {
		return err
	}
	if err := tx.Select(ctx, &k.rows, "SELECT patch_id, old_place, new_place, later FROM change_place WHERE set_id = ? ORDER BY patch_id", k.of.ID); err != nil {
		return fmt.Errorf("read what change %d changed: %w", k.of.ID, err)
	}
	k.set.Total = len(k.rows)
	if k.former.any {
		k.set.Total++
	}
	k.set.Done = k.set.Total
	if k.former.overtaken {
		k.set.Overtaken++
	}
	if err := k.places(ctx, tx); err != nil {
		return err
	}
	if k.edit.What == BundleMoved && (k.set.Overtaken > 0 || k.strangers()) {
		k.stay()
		k.set.Overtaken, k.set.Lost, k.to = k.set.Total, 0, k.was
	} else if emptied := len(k.is) == 0 && len(k.rows) > 0; emptied && k.edit.What != BundleCreated || len(k.is) > MaxBundlePatches { // no such bundle may be
		k.set.Overtaken += len(k.rows) - k.set.Lost - len(k.left)
		k.stay()
	}
	return nil
}

// stay leaves all patches where they are.
func (k *bundleBack) stay() {
	k.is, k.left = k.in, nil
	for _, r := range k.rows {
		k.left = append(k.left, r.Patch)
	}
}

// strangers tells whether there would be patches that the bundle did not have before it was moved: they came since, and are of the other project.
func (k *bundleBack) strangers() bool {
	old := map[int64]bool{}
	for _, r := range k.rows {
		old[r.Patch] = r.Old != nil
	}
	for id := range k.is {
		if !old[id] {
			return true
		}
	}
	return len(k.is) == 0
}

// places finds the places that the patches get, and which stay where they are.
func (k *bundleBack) places(ctx context.Context, tx *sqldb.Tx) error {
	of := map[int64]int64{} // patch → its project
	var ids []int64
	for _, r := range k.rows {
		ids = append(ids, r.Patch)
	}
	err := sqldb.Chunks(ids, func(ids []int64) error {
		return tx.Each(ctx, func(rows *sqlx.Rows) error {
			var id, in int64
			err := rows.Scan(&id, &in)
			of[id] = in
			return err
		}, "SELECT id, project_id FROM patch WHERE id IN (?)", ids)
	})
	if err != nil {
		return fmt.Errorf("find %d patches: %w", len(ids), err)
	}
	k.is = maps.Clone(k.in)
	for _, r := range k.rows {
		at, in := k.in[r.Patch]
		switch {
		case of[r.Patch] == 0:
			k.set.Lost++
			delete(k.is, r.Patch)
		case r.Later || in != (r.New != nil) || in && at != *r.New || r.Old != nil && of[r.Patch] != k.to.Project:
			k.left = append(k.left, r.Patch)
			k.set.Overtaken++
		case r.Old == nil:
			delete(k.is, r.Patch)
		default:
			k.is[r.Patch] = *r.Old
		}
	}
	return nil
}

// what tells in a word what taking it back does.
func (k *bundleBack) what() string {
	switch {
	case k.edit.What == BundleCreated && len(k.is) == 0:
		return BundleDeleted
	case k.to != k.was && (k.edit.What != BundleSet || len(k.in.differ(k.is)) == 0):
		return k.to.what(k.was)
	}
	again := map[string]string{BundleCreated: BundleRemoved, BundleAdded: BundleRemoved, BundleRemoved: BundleAdded, BundleDeleted: BundleCreated}[k.edit.What]
	if again == "" {
		return k.edit.What
	}
	return again
}

// write does it, writes it down, and lets what was done before be taken back.
func (k *bundleBack) write(ctx context.Context, tx *sqldb.Tx) error {
	what, back := k.what(), k.in.differ(k.is)
	values := k.to.differ(k.was)
	if len(values) > 0 {
		if err := k.to.save(ctx, tx); fault.Is(err, fault.Invalid) {
			return fault.New(fault.Conflict, "there is another bundle %s meanwhile", k.to.Name)
		} else if err != nil {
			return err
		}
	}
	if err := k.to.replace(ctx, tx, k.in, k.is, what == BundleDeleted); err != nil {
		return err
	}
	k.set.Project = k.to.Project
	if k.former.any && len(values) == 0 {
		k.set.Wanted = wanted{Bundle: &BundleEdit{Left: LeftOvertaken}}.text()
	}
	if err := k.to.recordIn(ctx, tx, &k.set, what, k.in, k.is, values); err != nil {
		return err
	}
	if err := insertRows(ctx, tx, k.set.ID, namesLeft(k.left)); err != nil {
		return err
	}
	over, err := readOver(ctx, tx, k.of.ID, back)
	if err != nil {
		return err
	}
	if err := placeMarks(k.was.ID).free(ctx, tx, over); err != nil || len(values) == 0 {
		return err
	}
	return valueMarks("bundle").free(ctx, tx, map[int64]string{k.was.ID: k.former.over})
}

// namesLeft names the first of some patches that stay where they are.
func namesLeft(patches []int64) (list []changedRow) {
	for _, id := range patches[:min(len(patches), maxRefusedNames)] {
		list = append(list, changedRow{Patch: id, Field: overtakenField})
	}
	return list
}

// readOver reads which sets a set overtook of some patches.
func readOver(ctx context.Context, q sqldb.Queryer, set int64, patches []int64) (map[int64]string, error) {
	rows, err := readChanged(ctx, q, set, patches)
	over := map[int64]string{}
	for id, list := range rows {
		for _, r := range list {
			if r.Field == overField {
				over[id] = r.Old
			}
		}
	}
	return over, err
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
