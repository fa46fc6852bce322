// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
)

// Added tells what AddToBundle and RemoveFromBundle did.
type Added struct {
	Bundle  Bundle
	Patches int      // that are in it now, or out of it, and were not before
	Already []string // names of those that were in it before
	Set     int64    // the change set that Undo takes; 0: nothing can be taken back
}

// AddToBundle appends patches to a bundle of the actor, in their order, but those that are in it. They must be of the bundle's project. See UpdateBundle for whom it
// refuses.
func AddToBundle(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, id int64, patches []int64) (out Added, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		out = Added{}
		b, err := holdBundle(ctx, tx, by, id)
		if err != nil {
			return err
		}
		out.Bundle = b
		patches := distinct(patches)
		project, err := bundleProject(ctx, tx, patches)
		if err == nil && project != b.Project {
			err = wrongField("patches", "Bundle patches must belong to the same project")
		}
		if err != nil {
			return err
		}
		was, err := readPlaces(ctx, tx, id)
		if err != nil {
			return err
		}
		is, err := out.add(ctx, tx, was, patches)
		if err != nil {
			return err
		}
		out.Set, err = b.record(ctx, tx, by, now, BundleAdded, was, is)
		return err
	})
	if err != nil {
		return Added{}, fmt.Errorf("add %d patches to bundle %d: %w", len(patches), id, err)
	}
	return out, nil
}

func (out *Added) add(ctx context.Context, tx *sqldb.Tx, was places, patches []int64) (places, error) {
	last, is := 0, maps.Clone(was)
	for _, at := range was {
		last = max(last, at)
	}
	var already []int64
	for _, p := range patches {
		if _, in := was[p]; in {
			already = append(already, p)
			continue
		}
		last++
		is[p] = last
	}
	if n := len(is); n > MaxBundlePatches {
		return nil, wrongField("patches", "A bundle may have %d patches, this one would have %d", MaxBundlePatches, n)
	}
	out.Patches = len(is) - len(was)
	if len(already) > 0 {
		if err := tx.Select(ctx, &out.Already, "SELECT name FROM patch WHERE id IN (?) ORDER BY id", already); err != nil {
			return nil, err
		}
	}
	return is, out.Bundle.replace(ctx, tx, was, is, false)
}

// RemoveFromBundle takes patches out of a bundle of the actor; others stay, hidden ones too. All of them can't be taken out. See UpdateBundle for whom it refuses.
func RemoveFromBundle(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, id int64, patches []int64) (out Added, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		out = Added{}
		b, err := holdBundle(ctx, tx, by, id)
		if err != nil {
			return err
		}
		out.Bundle = b
		was, err := readPlaces(ctx, tx, id)
		if err != nil {
			return err
		}
		is := maps.Clone(was)
		for _, p := range patches {
			delete(is, p)
		}
		switch out.Patches = len(was) - len(is); {
		case out.Patches == 0:
			return fault.New(fault.Invalid, "No patches selected; nothing removed")
		case len(is) == 0:
			return fault.New(fault.Invalid, "A bundle can't be empty; delete it instead")
		}
		if err := b.replace(ctx, tx, was, is, false); err != nil {
			return err
		}
		out.Set, err = b.record(ctx, tx, by, now, BundleRemoved, was, is)
		return err
	})
	if err != nil {
		return Added{}, fmt.Errorf("take patches out of bundle %d: %w", id, err)
	}
	return out, nil
}

// OrderBundle gives the patches of a bundle of the actor another order: that in which order puts those that are in it at that moment and can be seen. What it
// leaves out, and hidden patches, come last. An error of order ends it, and nothing is changed. It returns the change set that Undo takes; 0: the order is as before. See UpdateBundle for whom it refuses.
func OrderBundle(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, id int64, order func([]int64) ([]int64, error)) (set int64, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		b, err := holdBundle(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if err := project.Lock(ctx, tx, []int64{b.Project}); err != nil { // so that no patch is deleted meanwhile
			return err
		}
		var held []int64
		if err := tx.Select(ctx, &held, "SELECT patch_id FROM bundle_patch WHERE bundle_id = ? ORDER BY position, patch_id", id); err != nil {
			return err
		}
		seen, err := BundlePatches(ctx, tx, id)
		if err != nil {
			return err
		}
		in := map[int64]bool{}
		for _, p := range held {
			in[p] = true
		}
		ordered, err := order(seen[id])
		if err != nil {
			return err
		}
		patches := slices.DeleteFunc(distinct(append(ordered, held...)), func(p int64) bool { return !in[p] })
		set, err = b.refill(ctx, tx, by, now, b, &patches)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("order bundle %d: %w", id, err)
	}
	return set, nil
}
