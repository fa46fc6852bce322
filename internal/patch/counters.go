// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"patchwork.example/pw/internal/base/sqldb"
)

// countKey is what patches are counted by. State and delegate may be 0.
type countKey struct {
	project, state, delegate int64
	archived                 bool
}

// shift is how a counter changes: how many patches more are there, how many came, went, or are called otherwise than before, and how many changes more than one are noted.
type shift struct{ patches, arrivals, changes int64 }

// countPatches keeps the counters, in order of their keys: transactions that touch the same rows then wait for each other. Each counter that is named has changed, even
// by no patch in the end.
func countPatches(ctx context.Context, tx *sqldb.Tx, shifts map[countKey]shift) error {
	var rows [][]any
	for k, n := range shifts {
		rows = append(rows, []any{k.project, k.state, k.delegate, k.archived, n.patches, 1 + n.changes, n.arrivals})
	}
	slices.SortFunc(rows, func(a, b []any) int {
		return cmp.Or(cmp.Compare(a[0].(int64), b[0].(int64)), cmp.Compare(a[1].(int64), b[1].(int64)), cmp.Compare(a[2].(int64), b[2].(int64)))
	})
	u := sqldb.Upsert{Table: "patch_count", Columns: []string{"project_id", "state_id", "delegate_id", "archived", "patches", "changes", "arrivals"},
		Key: []string{"project_id", "state_id", "archived", "delegate_id"}, Add: []string{"patches", "changes", "arrivals"}}
	if err := tx.Upsert(ctx, u, rows); err != nil {
		return fmt.Errorf("count patches: %w", err)
	}
	return nil
}

// renamedPatches tells the counters that patches of a project have other names or dates.
func renamedPatches(ctx context.Context, tx *sqldb.Tx, project int64) error {
	_, err := tx.Exec(ctx, "UPDATE patch_count SET changes = changes + 1, arrivals = arrivals + 1 WHERE project_id = ?", project)
	return err
}

// doubtLists makes all that was found in lists doubtful, whatever it depends on. Counters that were made anew begin at a number that they have never had.
func doubtLists(ctx context.Context, tx *sqldb.Tx) error {
	never := rand.Int64N(1<<40) + 1<<40
	_, err := tx.Exec(ctx, "UPDATE patch_count SET changes = changes + ?, arrivals = arrivals + ?", never, never)
	return err
}
