// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestWaitingPlan: what waits for a position is found by the index, even where PostgreSQL has been told that it is a third of a long table, behind all others.
func TestWaitingPlan(t *testing.T) {
	if !slices.Contains(dbtest.Engines(t), sqldb.Postgres) {
		return
	}
	db := dbtest.Open(t, sqldb.Postgres)
	for _, fill := range []string{
		"INSERT INTO event (id, pos, kind, at, payload) SELECT n, n, 'a', n, '' FROM generate_series(1, 20000) n",
		"INSERT INTO event (id, kind, at, payload) SELECT n, 'a', n, '' FROM generate_series(20001, 30000) n",
		"ANALYZE event",
	} {
		if _, err := db.SQL().ExecContext(t.Context(), fill); err != nil {
			t.Fatal(err)
		}
	}
	var plan []string
	if err := db.Select(t.Context(), &plan, "EXPLAIN "+oldestWaiting, 5000); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(plan, "\n"); !strings.Contains(got, "Index Cond: (pos IS NULL)") || strings.Contains(got, "Sort") || strings.Contains(got, "Seq Scan") {
		t.Error(got)
	}
}
