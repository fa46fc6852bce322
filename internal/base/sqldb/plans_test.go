// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestPlansOfGrownTables: what was planned while a table was small is planned anew when it has grown, and only then.
func TestPlansOfGrownTables(t *testing.T) {
	if !slices.Contains(dbtest.Engines(t), sqldb.Postgres) {
		return // the others keep no plans
	}
	url := dbtest.URL(t, sqldb.Postgres)
	db, err := sqldb.Open(t.Context(), url+"&plan_cache_mode=force_generic_plan", sqldb.Options{MaxConnections: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	execute := func(queries ...string) {
		t.Helper()
		for _, q := range queries {
			if _, err := db.SQL().ExecContext(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
	}
	plan := func(when, want string) {
		t.Helper()
		var n int
		if err := db.Get(t.Context(), &n, "SELECT COUNT(*) FROM grown WHERE id = ?", 1); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		var name string
		if err := db.Get(t.Context(), &name, "SELECT name FROM pg_prepared_statements WHERE statement LIKE 'SELECT COUNT(*) FROM grown%'"); err != nil {
			t.Fatal(err)
		}
		var lines []string
		if err := db.Select(t.Context(), &lines, "EXPLAIN EXECUTE "+name+" (1)"); err != nil || !strings.Contains(strings.Join(lines, "\n"), want) {
			t.Errorf("%s: %v\n%s", when, err, strings.Join(lines, "\n"))
		}
	}
	execute("CREATE TABLE grown (id BIGINT PRIMARY KEY, pad TEXT)", "INSERT INTO grown VALUES (1, '')", "ANALYZE grown")
	plan("one row", "Seq Scan")
	execute("INSERT INTO grown SELECT n, repeat('x', 100) FROM generate_series(2, 20000) n")
	time.Sleep(1100 * time.Millisecond)
	plan("20,000 rows", "Index")
	execute("SET enable_indexscan = off", "SET enable_indexonlyscan = off", "SET enable_bitmapscan = off") // what is planned now has no index
	time.Sleep(1100 * time.Millisecond)
	plan("20,000 rows still", "Index")
}
