// SPDX-License-Identifier: GPL-2.0-or-later

package schema_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func open(t *testing.T, url string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), url, sqldb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// eachEmpty runs f per engine on an empty database.
func eachEmpty(t *testing.T, f func(t *testing.T, db *sqldb.DB)) {
	t.Helper()
	dbtest.EachURL(t, func(t *testing.T, url string) { f(t, open(t, url)) })
}

func exec(t *testing.T, db *sqldb.DB, query string) {
	t.Helper()
	if _, err := db.SQL().Exec(query); err != nil {
		t.Fatal(err)
	}
}

func expectStatus(t *testing.T, db *sqldb.DB, fsys fs.FS, want schema.Status) {
	t.Helper()
	got, err := schema.InspectFS(t.Context(), db, fsys)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func list(texts map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range texts {
		fsys["migrations/"+name+".sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func TestSync(t *testing.T) {
	eachEmpty(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		st, err := schema.Inspect(ctx, db)
		if err != nil || st.Current != 0 || st.Wanted < 5003 || len(st.Pending) < 5 || st.Pending[0] != "0001_people" {
			t.Fatalf("empty: %+v, %v", st, err)
		}
		if err := schema.Require(ctx, db); !fault.Is(err, fault.Conflict) || fault.UserText(err) != fmt.Sprintf("the database schema is 0, this pw needs %d: run `pw db sync`", st.Wanted) {
			t.Errorf("empty: %v", err)
		}
		var tables []string
		query := "SELECT table_name FROM information_schema.tables WHERE table_schema IN (DATABASE(), 'public')"
		switch db.Engine() {
		case sqldb.SQLite:
			query = "SELECT name FROM sqlite_master"
		case sqldb.Postgres:
			query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
		}
		if err := db.Select(ctx, &tables, query); err != nil || len(tables) != 0 {
			t.Errorf("Inspect and Require made %q, %v", tables, err)
		}
		for range 2 {
			if err := schema.Sync(ctx, db); err != nil {
				t.Fatal(err)
			}
			expectStatus(t, db, schema.Files, schema.Status{Current: st.Wanted, Wanted: st.Wanted})
			if err := schema.Require(ctx, db); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestSyncRace(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		var wg sync.WaitGroup
		for range 8 {
			db := open(t, url)
			wg.Go(func() {
				if err := schema.Sync(t.Context(), db); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		db := open(t, url)
		if err := schema.Require(t.Context(), db); err != nil {
			t.Error(err)
		}
		var twice int
		err := db.Get(t.Context(), &twice, "SELECT COUNT(*) FROM (SELECT version_id FROM schema_version GROUP BY version_id HAVING COUNT(*) > 1) d")
		if err != nil || twice != 0 {
			t.Errorf("%d steps ran twice, %v", twice, err)
		}
	})
}

func TestInspectPartial(t *testing.T) {
	first := list(map[string]string{"0001_a": "CREATE TABLE a (id BIGINT PRIMARY KEY);\nCREATE TABLE b (id BIGINT PRIMARY KEY);\n"})
	whole := list(map[string]string{
		"0001_a": "CREATE TABLE a (id BIGINT PRIMARY KEY);\nCREATE TABLE b (id BIGINT PRIMARY KEY);\nCREATE TABLE c (id BIGINT PRIMARY KEY);\n",
		"0002_d": "CREATE TABLE d (id BIGINT PRIMARY KEY);\n",
	})
	eachEmpty(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		if err := schema.SyncFS(ctx, db, first); err != nil {
			t.Fatal(err)
		}
		expectStatus(t, db, first, schema.Status{Current: 1002, Wanted: 1002})
		expectStatus(t, db, whole, schema.Status{Current: 1002, Wanted: 2001, Pending: []string{"0001_a", "0002_d"}})
		err := schema.Require(ctx, db)
		if !fault.Is(err, fault.Conflict) || !strings.HasPrefix(err.Error(), "the database schema is 1002, this pw needs ") || !strings.HasSuffix(err.Error(), ": run `pw db sync`") {
			t.Errorf("got %v", err)
		}
		if err := schema.SyncFS(ctx, db, whole); err != nil {
			t.Fatal(err)
		}
		expectStatus(t, db, whole, schema.Status{Current: 2001, Wanted: 2001})
	})
}

func TestNewerIsRefused(t *testing.T) {
	newer := list(map[string]string{"9999_future": "CREATE TABLE future (id BIGINT PRIMARY KEY);\n"})
	eachEmpty(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		if err := schema.SyncFS(ctx, db, newer); err != nil {
			t.Fatal(err)
		}
		_, inspected := schema.Inspect(ctx, db)
		for _, err := range []error{inspected, schema.Require(ctx, db), schema.Sync(ctx, db)} {
			if !fault.Is(err, fault.Conflict) || !strings.HasPrefix(err.Error(), "the database has schema 9999001, this pw knows only ") || !strings.HasSuffix(err.Error(), ": install the newer pw that made it") {
				t.Errorf("got %v", err)
			}
		}
	})
}

// A step that fails leaves those before it done and itself undone, also where DDL is not transactional; the repaired list goes on from there.
func TestFailingStep(t *testing.T) {
	files := func(third string) fstest.MapFS {
		return list(map[string]string{
			"0001_a": "CREATE TABLE a (id BIGINT PRIMARY KEY);\nCREATE INDEX a_id ON a (id);\n" + third + ";\nCREATE TABLE c (id BIGINT PRIMARY KEY);\n",
			"0002_d": "CREATE TABLE d (id BIGINT PRIMARY KEY);\n",
		})
	}
	for name, broken := range map[string]string{"rows": "INSERT INTO a (id) VALUES (7), (7)", "table": "CREATE TABLE b (id BIGINT PRIMARY KEY, id BIGINT NULL)"} {
		t.Run(name, func(t *testing.T) {
			eachEmpty(t, func(t *testing.T, db *sqldb.DB) {
				ctx := t.Context()
				for range 2 {
					if err := schema.SyncFS(ctx, db, files(broken)); err == nil || !strings.Contains(err.Error(), "0001_a") {
						t.Fatalf("got %v", err)
					}
					expectStatus(t, db, files(broken), schema.Status{Current: 1002, Wanted: 2001, Pending: []string{"0001_a", "0002_d"}})
				}
				if err := schema.SyncFS(ctx, db, files("INSERT INTO a (id) VALUES (7), (8)")); err != nil {
					t.Fatal(err)
				}
				var ids []int64
				if err := db.Select(ctx, &ids, "SELECT id FROM a UNION ALL SELECT id FROM c UNION ALL SELECT id FROM d ORDER BY id"); err != nil || !slices.Equal(ids, []int64{7, 8}) {
					t.Errorf("rows %v, %v", ids, err)
				}
			})
		})
	}
}

// MariaDB commits DDL by itself: a process that dies right after has made the table and not said so.
func TestStepWithoutItsVersion(t *testing.T) {
	fsys := list(map[string]string{"0001_a": "CREATE TABLE a (id BIGINT PRIMARY KEY);\nCREATE INDEX a_id ON a (id);\n"})
	eachEmpty(t, func(t *testing.T, db *sqldb.DB) {
		for _, last := range []string{"1002", "1001"} {
			if err := schema.SyncFS(t.Context(), db, fsys); err != nil {
				t.Fatal(err)
			}
			exec(t, db, "DELETE FROM schema_version WHERE version_id >= "+last)
		}
		if err := schema.SyncFS(t.Context(), db, fsys); err != nil {
			t.Fatal(err)
		}
		expectStatus(t, db, fsys, schema.Status{Current: 1002, Wanted: 1002})
	})
}

// No dialect may drop a column.
func TestColumnsAreTheSame(t *testing.T) {
	queries := map[string]string{
		sqldb.SQLite:   "SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
		sqldb.Postgres: "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'",
		sqldb.MariaDB:  "SELECT CONCAT(table_name, '.', column_name) FROM information_schema.columns WHERE table_schema = DATABASE()",
	}
	seen := map[string][]string{}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		var columns []string
		if err := db.Select(t.Context(), &columns, queries[db.Engine()]); err != nil {
			t.Fatal(err)
		}
		columns = slices.DeleteFunc(columns, func(c string) bool {
			words := strings.HasPrefix(c, "patch_words") && !strings.HasPrefix(c, "patch_words_fill.") // each engine has an index of its own kind
			return words || strings.HasPrefix(c, "schema_version.")
		})
		slices.Sort(columns)
		if len(columns) < 250 {
			t.Fatalf("only %d columns: %q", len(columns), columns)
		}
		seen[db.Engine()] = columns
	})
	for engine, columns := range seen {
		for other, theirs := range seen {
			if diff := cmp.Diff(columns, theirs); diff != "" {
				t.Errorf("%s (-) and %s (+): %s", engine, other, diff)
			}
		}
	}
}

// Text is ordered and compared by code point on every engine.
func TestTextOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			return tx.Insert(ctx, "email_optout", []string{"email_key", "created_at"}, [][]any{{"b", 1}, {"é", 1}, {"a", 1}, {"B", 1}, {"e", 1}, {"a ", 1}, {"_", 1}, {"😀", 1}, {"ﬀ", 1}})
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := db.Select(ctx, &got, "SELECT email_key FROM email_optout ORDER BY email_key"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"B", "_", "a", "a ", "b", "e", "é", "ﬀ", "😀"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDefaultRows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		type state struct {
			ID             int64
			Name, Slug     string
			Ordering       int
			ActionRequired bool `db:"action_required"`
		}
		var states []state
		if err := db.Select(ctx, &states, "SELECT id, name, slug, ordering, action_required FROM state ORDER BY id"); err != nil {
			t.Fatal(err)
		}
		want := []state{
			{1, "New", "new", 0, true}, {2, "Under Review", "under-review", 1, true}, {3, "Accepted", "accepted", 2, false},
			{4, "Rejected", "rejected", 3, false}, {5, "RFC", "rfc", 4, false}, {6, "Not Applicable", "not-applicable", 5, false},
			{7, "Changes Requested", "changes-requested", 6, false}, {8, "Awaiting Upstream", "awaiting-upstream", 7, false},
			{9, "Superseded", "superseded", 8, false}, {10, "Deferred", "deferred", 9, false},
		}
		if diff := cmp.Diff(want, states); diff != "" {
			t.Error(diff)
		}
		type tag struct {
			ID                    int64
			Name, Pattern, Abbrev string
			ShowColumn            bool `db:"show_column"`
		}
		var tags []tag
		if err := db.Select(ctx, &tags, "SELECT id, name, pattern, abbrev, show_column FROM tag ORDER BY id"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]tag{{1, "Acked-by", "^Acked-by:", "A", true}, {2, "Reviewed-by", "^Reviewed-by:", "R", true}, {3, "Tested-by", "^Tested-by:", "T", true}}, tags); diff != "" {
			t.Error(diff)
		}
		for space, want := range map[string]int64{"state": 11, "tag": 4} {
			err := db.Tx(ctx, func(tx *sqldb.Tx) error {
				id, err := tx.NextID(ctx, space)
				if err == nil && id != want {
					t.Errorf("the next %s gets id %d, want %d", space, id, want)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
}
