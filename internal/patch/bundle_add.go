// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
)

// Added tells what AddToBundle and RemoveFromBundle did.
type Added struct {
	Bundle  Bundle
	Patches int      // that are in it now, or out of it, and were not before
	Already []string // names of those that were in it before
}

// AddToBundle appends patches to a bundle of the actor, in their order, but those that are in it. They must be of the bundle's project. See UpdateBundle for whom it
// refuses.
func AddToBundle(ctx context.Context, db *sqldb.DB, by account.Actor, id int64, patches []int64) (out Added, err error) {
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
		var held []ImportedPlace
		err = tx.Select(ctx, &held, "SELECT bundle_id AS bundle, patch_id AS patch, position FROM bundle_patch WHERE bundle_id = ? ORDER BY position", id)
		if err != nil {
			return err
		}
		return out.add(ctx, tx, held, patches)
	})
	if err != nil {
		return Added{}, fmt.Errorf("add %d patches to bundle %d: %w", len(patches), id, err)
	}
	return out, nil
}

func (out *Added) add(ctx context.Context, tx *sqldb.Tx, held []ImportedPlace, patches []int64) error {
	last, in := 0, map[int64]bool{}
	for _, p := range held {
		last, in[p.Patch] = max(last, p.Position), true
	}
	var places []ImportedPlace
	var already []int64
	for _, p := range patches {
		if in[p] {
			already = append(already, p)
			continue
		}
		last++
		places = append(places, ImportedPlace{Bundle: out.Bundle.ID, Patch: p, Position: last})
	}
	if n := len(held) + len(places); n > MaxBundlePatches {
		return wrongField("patches", "A bundle may have %d patches, this one would have %d", MaxBundlePatches, n)
	}
	out.Patches = len(places)
	if len(already) > 0 {
		if err := tx.Select(ctx, &out.Already, "SELECT name FROM patch WHERE id IN (?) ORDER BY id", already); err != nil {
			return err
		}
	}
	return ImportPlaces(ctx, tx, places)
}

// RemoveFromBundle takes patches out of a bundle of the actor; others stay, hidden ones too. All of them can't be taken out. See UpdateBundle for whom it refuses.
func RemoveFromBundle(ctx context.Context, db *sqldb.DB, by account.Actor, id int64, patches []int64) (out Added, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		out = Added{}
		b, err := holdBundle(ctx, tx, by, id)
		if err != nil {
			return err
		}
		out.Bundle = b
		var held []int64
		if err := tx.Select(ctx, &held, "SELECT patch_id FROM bundle_patch WHERE bundle_id = ?", id); err != nil {
			return err
		}
		gone := slices.DeleteFunc(slices.Clone(held), func(p int64) bool { return !slices.Contains(patches, p) })
		switch out.Patches = len(gone); {
		case len(gone) == 0:
			return fault.New(fault.Invalid, "No patches selected; nothing removed")
		case len(gone) == len(held):
			return fault.New(fault.Invalid, "A bundle can't be empty; delete it instead")
		}
		_, err = tx.Exec(ctx, "DELETE FROM bundle_patch WHERE bundle_id = ? AND patch_id IN (?)", id, gone)
		return err
	})
	if err != nil {
		return Added{}, fmt.Errorf("take patches out of bundle %d: %w", id, err)
	}
	return out, nil
}

// OrderBundle gives the patches of a bundle of the actor another order: that in which order puts those that are in it at that moment and can be seen. What it
// leaves out, and hidden patches, come last. See UpdateBundle for whom it refuses.
func OrderBundle(ctx context.Context, db *sqldb.DB, by account.Actor, id int64, order func([]int64) []int64) error {
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
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
		patches := slices.DeleteFunc(distinct(append(order(seen[id]), held...)), func(p int64) bool { return !in[p] })
		if _, err := tx.Exec(ctx, "DELETE FROM bundle_patch WHERE bundle_id = ?", id); err != nil {
			return err
		}
		return b.fill(ctx, tx, patches)
	})
	if err != nil {
		return fmt.Errorf("order bundle %d: %w", id, err)
	}
	return nil
}
