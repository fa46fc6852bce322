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
		{"bigint, text[]", strings.NewReplacer("= ?", "= $1", "IN (?)", "= ANY ($2)").Replace(referring), "1, '{a}'", "Index Cond: (((msgid)::text = ANY ($2)) AND (project_id = $1))"},
		{"bigint, text[], int", strings.NewReplacer("= ?", "= $1", "IN (?)", "= ANY ($2)", "LIMIT ?", "LIMIT $3").Replace(newerNamed), "1, '{a}', 9",
			"Index Cond: (((name_key)::text = ANY ($2)) AND (version > 1))"},
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
	for brief, begin := range map[bool]string{false: "SELECT p.id, p.message_id,", true: briefByID[:40]} {
		for range 20 {
			if rows, err := readRows(t.Context(), db, []int64{1}, brief); len(rows) > 0 || err != nil {
				t.Fatal(rows, err)
			}
		}
		var kept int
		if err := db.Get(t.Context(), &kept, "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE ?", begin+"%"); err != nil || kept != 15 {
			t.Errorf("%d of 20 by a plan that is kept, %v; the first 5 never are", kept, err)
		}
	}
	f, err := Query{Projects: []int64{1}, States: []int64{1}, Brief: true}.tidy(db)
	if err != nil {
		t.Fatal(err)
	}
	l := &Listing{f: f, Total: 1, exact: true, bunches: []bunch{{Project: 1, State: 1, Patches: 1}}}
	for range 4 {
		if rows, err := l.Rows(t.Context(), db, 0, 100); len(rows) > 0 || err != nil {
			t.Fatal(rows, err)
		}
	}
	var kept int
	if err := db.Get(t.Context(), &kept, "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE 'WITH page AS MATERIALIZED (SELECT * FROM (%'"); err != nil || kept != 4 {
		t.Errorf("%d of 4 pages that are walked to by a plan that is kept, %v", kept, err)
	}
	var jit string
	if err := db.Get(t.Context(), &jit, "SHOW jit"); err != nil || jit != "off" {
		t.Errorf("jit %s, %v", jit, err)
	}
}

// TestDeepPages: PostgreSQL merges the arms of a page far back, each in its order, and does not sort all that is in them.
func TestDeepPages(t *testing.T) {
	if !slices.Contains(dbtest.Engines(t), sqldb.Postgres) {
		return // TestListPlans
	}
	db := dbtest.Open(t, sqldb.Postgres)
	for _, query := range []string{`INSERT INTO patch (id, message_id, project_id, submitter_id, date, name, name_key, archived)
		SELECT n, n, 1, 1, n / 3, 'x', 'x', n % 5 = 0 FROM generate_series(1, 50000) n`, "ANALYZE patch"} {
		if _, err := db.SQL().ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Query{Projects: []int64{1}, Order: "-date"}.tidy(db)
	if err != nil {
		t.Fatal(err)
	}
	l := &Listing{f: f, Total: 50000, exact: true, bunches: []bunch{{Project: 1, Patches: 40000}, {Project: 1, Archived: true, Patches: 10000}}}
	ids, err := l.place(t.Context(), db, 6000, 4)
	if err != nil || !slices.Equal(ids, []int64{44000, 43999, 43998, 43997}) {
		t.Errorf("%v, %v", ids, err)
	}
	query, args, err := l.ids(6000, 4)
	if err != nil {
		t.Fatal(err)
	}
	var plan []string
	if err := db.Select(t.Context(), &plan, "EXPLAIN "+query, args...); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(plan, "\n"); !strings.Contains(got, "Merge Append") {
		t.Error(got)
	}
}

// TestBySubmitterPlan: PostgreSQL reads the patches of one submitter after the other, and not all patches for each.
func TestBySubmitterPlan(t *testing.T) {
	if !slices.Contains(dbtest.Engines(t), sqldb.Postgres) {
		return // TestListPlans
	}
	db := dbtest.Open(t, sqldb.Postgres)
	for _, query := range []string{
		"INSERT INTO person (id, email, email_key, name, name_key, name_votes) SELECT n, n || '@x', n || '@x', 'N' || n, 'n' || n, 1 FROM generate_series(1, 300) n",
		`INSERT INTO patch (id, message_id, project_id, submitter_id, date, name, name_key, archived, state_id)
			SELECT n, n, 1, 1 + n % 300, n / 3, 'x', 'x', FALSE, 1 + n % 2 FROM generate_series(1, 50000) n`,
		"ANALYZE person", "ANALYZE patch"} {
		if _, err := db.SQL().ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Query{Projects: []int64{1}, States: []int64{1}, Archived: []bool{false}, Order: "submitter"}.tidy(db)
	if err != nil {
		t.Fatal(err)
	}
	query, args, err := (&Listing{f: f, Total: 25000, exact: true}).ids(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var plan []string
	if err := db.Select(t.Context(), &plan, "EXPLAIN "+query, args...); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(plan, "\n"); !strings.Contains(got, "patch_submitter") || strings.Contains(got, "Seq Scan on patch") {
		t.Error(got)
	}
}
