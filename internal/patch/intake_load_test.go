// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"fmt"
	"testing"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestManyOfOneDate: of a sender whose clock has stopped an intake looks at the newest series, not at all.
func TestManyOfOneDate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newProject(t, db, "dev")
		const stopped = clock.Time(1_000_000_000_000_000)
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			rows := [][]any{}
			for id := int64(1); id <= 1000; id++ {
				rows = append(rows, []any{id, p.ID, fmt.Sprint("series ", id), int64(stopped), 7, 1, 2, 1})
			}
			return tx.Insert(ctx, "series", []string{"id", "project_id", "name", "date", "submitter_id", "version", "total", "received"}, rows)
		})
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			book, err := patch.LoadRulebook(ctx, tx)
			if err != nil {
				return err
			}
			in, err := patch.LoadIntake(ctx, tx, book, p, stopped, patch.Wanted{Own: []string{"<one@mail.example>"}, Submitters: []int64{7},
				Spans: []patch.Span{{From: stopped - 1, To: stopped + 1}}})
			if err != nil {
				return err
			}
			n, oldest := 0, int64(0)
			in.EachSeries(func(s *patch.Series) {
				n++
				if oldest == 0 || s.ID < oldest {
					oldest = s.ID
				}
			})
			if n != 104 || oldest != 897 {
				t.Errorf("%d series, from %d", n, oldest)
			}
			return nil
		})
	})
}
