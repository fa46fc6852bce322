// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/base/sqldb"
)

// goneSeries are those of some series that do not exist.
func goneSeries(ctx context.Context, q sqldb.Queryer, ids []int64) (gone []int64, err error) {
	there := map[int64]bool{}
	err = sqldb.Chunks(unique(ids), func(ids []int64) error {
		var some []int64
		err := q.Select(ctx, &some, "SELECT id FROM series WHERE id IN (?)", ids)
		for _, id := range some {
			there[id] = true
		}
		return err
	})
	return slices.DeleteFunc(slices.Clone(unique(ids)), func(id int64) bool { return there[id] }), err
}

// Shown are those of some patches that exist and are not hidden, in their order, and the others.
func Shown(ctx context.Context, q sqldb.Queryer, ids []int64) (shown, gone []int64, err error) {
	there := map[int64]bool{}
	err = sqldb.Chunks(unique(ids), func(ids []int64) error {
		var some []int64
		err := q.Select(ctx, &some, "SELECT p.id FROM patch p WHERE p.id IN (?) AND "+shownPatch, ids)
		for _, id := range some {
			there[id] = true
		}
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("find %d patches: %w", len(ids), err)
	}
	for _, id := range ids {
		if there[id] {
			shown = append(shown, id)
		} else {
			gone = append(gone, id)
		}
	}
	return shown, gone, nil
}
