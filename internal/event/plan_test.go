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

// TestNewestPlan: the newest events of a project that has few are found by its index, newest first, and so is what waits, whatever others do.
func TestNewestPlan(t *testing.T) {
	if !slices.Contains(dbtest.Engines(t), sqldb.Postgres) {
		return
	}
	db := dbtest.Open(t, sqldb.Postgres)
	for _, fill := range []string{
		"INSERT INTO event (id, pos, project_id, kind, at, payload) SELECT n, n, CASE WHEN n % 200 = 0 THEN 1 ELSE 2 END, CASE WHEN n % 3 = 0 THEN 'a' ELSE 'b' END, n, '' FROM generate_series(1, 30000) n",
		"INSERT INTO event (id, project_id, kind, at, payload) SELECT n, 2, 'a', n, '' FROM generate_series(30001, 31000) n",
		"ANALYZE event",
	} {
		if _, err := db.SQL().ExecContext(t.Context(), fill); err != nil {
			t.Fatal(err)
		}
	}
	for kind, index := range map[string]string{"": "Index Scan Backward using event_project_at", "a": "Index Scan Backward using event_project_kind_at"} {
		query, args := newest(1, kind, []string{"c"}, nil, 50)
		var plan []string
		if err := db.Select(t.Context(), &plan, "EXPLAIN "+query, args...); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(plan, "\n"); !strings.Contains(got, index) || !strings.Contains(got, "Index Cond: (pos IS NULL)") || strings.Contains(got, "Seq Scan") {
			t.Errorf("%q: %s", kind, got)
		}
	}
}
