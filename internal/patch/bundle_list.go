// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// BundleQuery says which bundles a list holds, of those that By may see. A nil list means: any.
type BundleQuery struct {
	Slice
	By               account.Actor
	Projects, Owners []int64
	Public           *bool
	Words            string // each must be in the name, without regard to letter case
}

// bundleOrders are the fields a list of bundles can be sorted by.
var bundleOrders = map[string]string{"id": "x.id", "name": "x.name", "owner": "x.owner_id"}

// BundleOrders are the names of these fields.
func BundleOrders() []string { return []string{"id", "name", "owner"} }

const bundleColumns = "SELECT x.id, x.owner_id, x.project_id, x.name, x.public FROM bundle x"

// ReadBundle reads a bundle that the actor may see.
func ReadBundle(ctx context.Context, q sqldb.Queryer, by account.Actor, id int64) (Bundle, error) {
	return oneBundle(ctx, q, by, fmt.Sprintf("bundle %d", id), " WHERE x.id = ?", id)
}

// BundleOf reads a bundle that the actor may see, by the name of its owner, without regard to letter case, and its own.
func BundleOf(ctx context.Context, q sqldb.Queryer, by account.Actor, owner, name string) (Bundle, error) {
	return oneBundle(ctx, q, by, fmt.Sprintf("bundle %q of %q", name, owner), " JOIN user_account u ON u.id = x.owner_id WHERE u.username_key = ? AND x.name = ?", fold.Key(owner), name)
}

func oneBundle(ctx context.Context, q sqldb.Queryer, by account.Actor, what, where string, args ...any) (Bundle, error) {
	var b Bundle
	err := q.Get(ctx, &b, bundleColumns+where, args...)
	if fault.Is(err, fault.NotFound) || err == nil && !b.visible(by) {
		return Bundle{}, fault.New(fault.NotFound, "there is no %s", what)
	}
	if err != nil {
		return Bundle{}, fmt.Errorf("read %s: %w", what, err)
	}
	return b, nil
}

// CountBundles counts the bundles of a list.
func CountBundles(ctx context.Context, q sqldb.Queryer, f BundleQuery) (int, error) {
	w, err := f.conditions()
	if err != nil {
		return 0, err
	}
	var n int
	if err := q.Get(ctx, &n, "SELECT COUNT(*) FROM bundle x"+w.sql(), w.args...); err != nil {
		return 0, fmt.Errorf("count bundles: %w", err)
	}
	return n, nil
}

// ListBundles reads one part of a list of bundles.
func ListBundles(ctx context.Context, q sqldb.Queryer, f BundleQuery) ([]Bundle, error) {
	w, err := f.conditions()
	if err != nil {
		return nil, err
	}
	query, args, err := f.sql(bundleColumns, w, bundleOrders)
	if err != nil {
		return nil, err
	}
	var out []Bundle
	if err := q.Select(ctx, &out, query, args...); err != nil {
		return nil, fmt.Errorf("list bundles: %w", err)
	}
	return out, nil
}

func (f BundleQuery) conditions() (*where, error) {
	words := wordsOf(f.Words)
	if len(words) > maxWords {
		return nil, fault.New(fault.Invalid, "too many words: at most %d can be searched at once", maxWords)
	}
	w := &where{}
	w.add("(x.public = TRUE OR x.owner_id = ?)", f.By.User)
	w.in("x.project_id", f.Projects)
	w.in("x.owner_id", f.Owners)
	if f.Public != nil {
		w.add("x.public = ?", *f.Public)
	}
	for _, word := range words {
		w.add("x.name_key LIKE ? ESCAPE '!'", "%"+likeEscape.Replace(word)+"%")
	}
	return w, nil
}

// BundlePatches lists the patches of bundles, without hidden ones: bundle → ids of patches in the order of the bundle.
func BundlePatches(ctx context.Context, q sqldb.Queryer, bundles ...int64) (map[int64][]int64, error) {
	out := map[int64][]int64{}
	err := sqldb.Chunks(bundles, func(ids []int64) error {
		var places []struct{ Bundle, Patch int64 }
		err := q.Select(ctx, &places, `SELECT b.bundle_id AS bundle, b.patch_id AS patch FROM bundle_patch b JOIN patch p ON p.id = b.patch_id
			JOIN message m ON m.id = p.message_id AND m.hidden = FALSE WHERE b.bundle_id IN (?) ORDER BY b.bundle_id, b.position, b.patch_id`, ids)
		for _, at := range places {
			out[at.Bundle] = append(out[at.Bundle], at.Patch)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the patches of %d bundles: %w", len(bundles), err)
	}
	return out, nil
}

// BundleSizes counts the patches of bundles, without hidden ones.
func BundleSizes(ctx context.Context, q sqldb.Queryer, bundles []int64) (map[int64]int, error) {
	out := map[int64]int{}
	err := sqldb.Chunks(bundles, func(ids []int64) error {
		var sizes []struct {
			Bundle int64
			N      int
		}
		err := q.Select(ctx, &sizes, `SELECT b.bundle_id AS bundle, COUNT(*) AS n FROM bundle_patch b JOIN patch p ON p.id = b.patch_id
			WHERE b.bundle_id IN (?) AND `+shownPatch+` GROUP BY b.bundle_id`, ids)
		for _, s := range sizes {
			out[s.Bundle] = s.N
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count the patches of %d bundles: %w", len(bundles), err)
	}
	return out, nil
}

// InBundle lists the patches of a bundle in its order, as lists show them.
func InBundle(ctx context.Context, q sqldb.Queryer, bundle int64) ([]*Row, error) {
	out, err := selectRows(ctx, q, rowColumns+" FROM bundle_patch b JOIN patch p ON p.id = b.patch_id"+rowJoins+" WHERE b.bundle_id = ? ORDER BY b.position, b.patch_id", bundle)
	if err != nil {
		return nil, fmt.Errorf("list the patches of bundle %d: %w", bundle, err)
	}
	return out, decorate(ctx, q, out)
}
