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

// TestGenericPlans: the plans that PostgreSQL keeps for lookups of intake, made while tables are empty, are good when they are full.
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
