// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestGenericPlans: the plans that PostgreSQL keeps for lookups of intake and for the rows of a page, made while tables are empty, are good when they are full.
func TestGenericPlans(t *testing.T) {
	if !slices.Contains(dbtest.Engines(t), sqldb.Postgres) {
		return // the others keep no plans
	}
	db := dbtest.Open(t, sqldb.Postgres)
	conn, err := db.SQL().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i, c := range []struct{ types, query, args, want string }{
		{"text[], bigint, int", strings.NewReplacer("IN (?)", "= ANY ($1)", "project_id + 0 = ?", "project_id + 0 = $2", "LIMIT ?", "LIMIT $3").Replace(sameContent), "'{a}', 1, 9",
			"Index Cond: ((git_patch_id)::text = ANY ($1))"},
		{"bigint, text[]", "SELECT id FROM message WHERE project_id = $1 AND msgid = ANY ($2) AND copy = 0", "1, '{a}'",
			"Index Cond: (((msgid)::text = ANY ($2)) AND (project_id = $1) AND (copy = 0))"},
		{"bigint[]", strings.Replace(rowsByID, "IN (?)", "= ANY ($1)", 1), "'{1}'", "Index Cond: (id = ANY ($1))"},
	} {
		for _, query := range []string{"SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off", fmt.Sprintf("PREPARE q%d (%s) AS %s", i, c.types, c.query)} {
			if _, err := conn.ExecContext(t.Context(), query); err != nil {
				t.Fatal(query, err)
			}
		}
		rows, err := conn.QueryContext(t.Context(), fmt.Sprintf("EXPLAIN EXECUTE q%d (%s)", i, c.args))
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, line)
		}
		if got := strings.Join(plan, "\n"); rows.Err() != nil || !strings.Contains(got, c.want) {
			t.Errorf("%s\nis run as\n%s\n%v", c.query, got, rows.Err())
		}
	}
}

// TestKeptPlans: the joins of a page are not planned anew for each, even if it has one patch.
func TestKeptPlans(t *testing.T) {
	if !slices.Contains(dbtest.Engines(t), sqldb.Postgres) {
		return // the others keep no plans
	}
	db, err := sqldb.Open(t.Context(), dbtest.MigratedURL(t, sqldb.Postgres), sqldb.Options{MaxConnections: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range 20 {
		if rows, err := readRows(t.Context(), db, []int64{1}); len(rows) > 0 || err != nil {
			t.Fatal(rows, err)
		}
	}
	var kept int
	if err := db.Get(t.Context(), &kept, "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT p.id, p.message_id,%'"); err != nil || kept != 15 {
		t.Errorf("%d of 20 by a plan that is kept, %v; the first 5 never are", kept, err)
	}
	var jit string
	if err := db.Get(t.Context(), &jit, "SHOW jit"); err != nil || jit != "off" {
		t.Errorf("jit %s, %v", jit, err)
	}
}
