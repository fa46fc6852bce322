// SPDX-License-Identifier: GPL-2.0-or-later

package dbtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
)

func TestMain(m *testing.M) {
	if child() {
		return
	}
	Main(m)
}

func TestURLIsEmpty(t *testing.T) {
	EachURL(t, func(t *testing.T, url string) {
		st, err := schema.Inspect(t.Context(), connect(t, url))
		if err != nil {
			t.Fatal(err)
		}
		if st.Current != 0 || len(st.Pending) == 0 {
			t.Errorf("%+v", st)
		}
	})
}

// A fresh database must not differ from one that was migrated step by step.
func TestOpenIsMigrated(t *testing.T) {
	Each(t, func(t *testing.T, db *sqldb.DB) {
		if err := schema.Require(t.Context(), db); err != nil {
			t.Error(err)
		}
		url := URL(t, db.Engine())
		if err := migrate(t.Context(), url); err != nil {
			t.Fatal(err)
		}
		want, got := describe(t, connect(t, url)), describe(t, db)
		if len(want) < 20 {
			t.Fatalf("tables, columns and indexes seen in a migrated database: %q", want)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("migrated step by step (-) and fresh (+):\n%s", diff)
		}
	})
}

// describe lists columns, indexes, foreign keys and the number of rows of each table.
func describe(t *testing.T, db *sqldb.DB) []string {
	t.Helper()
	var out, tables []string
	queries := map[string][]string{
		sqldb.SQLite: {"SELECT COALESCE(sql, name) FROM sqlite_master ORDER BY 1"},
		sqldb.Postgres: {
			"SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1",
			"SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
			"SELECT pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1"},
		sqldb.MariaDB: {
			"SELECT CONCAT_WS(' ', table_name, column_name, column_type, is_nullable, column_default, collation_name) FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1",
			"SELECT CONCAT_WS(' ', table_name, index_name, seq_in_index, column_name, non_unique, sub_part) FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY 1",
			"SELECT CONCAT_WS(' ', table_name, column_name, referenced_table_name, referenced_column_name) FROM information_schema.key_column_usage WHERE table_schema = DATABASE() ORDER BY 1",
			"SELECT CONCAT_WS(' ', table_name, constraint_name, delete_rule) FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE() ORDER BY 1"},
	}
	for _, q := range queries[db.Engine()] {
		var rows []string
		if err := db.Select(t.Context(), &rows, q); err != nil {
			t.Fatal(err)
		}
		out = append(out, rows...)
	}
	list := map[string]string{
		sqldb.SQLite:   "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY 1",
		sqldb.Postgres: "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
		sqldb.MariaDB:  "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1",
	}
	if err := db.Select(t.Context(), &tables, list[db.Engine()]); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var n int
		if err := db.Get(t.Context(), &n, "SELECT COUNT(*) FROM "+table); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s: %d rows", table, n))
	}
	return out
}

func TestDatabasesAreApart(t *testing.T) {
	for _, e := range Engines(t) {
		for range 3 {
			t.Run(e, func(t *testing.T) {
				t.Parallel()
				db := Open(t, e)
				var n int
				if err := db.Get(t.Context(), &n, "SELECT COUNT(*) FROM id_block WHERE name = 'apart'"); err != nil || n != 0 {
					t.Fatalf("rows of another test: %d, %v", n, err)
				}
				err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
					return tx.Insert(t.Context(), "id_block", []string{"name", "next_id"}, [][]any{{"apart", 1}})
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestDatabaseIsDropped(t *testing.T) {
	for _, e := range Engines(t) {
		if e == sqldb.SQLite {
			continue
		}
		var url string
		t.Run("use", func(t *testing.T) { url = MigratedURL(t, e) })
		if db, err := sqldb.Open(t.Context(), url, sqldb.Options{}); err == nil {
			db.Close()
			t.Errorf("%s is still there", url)
		}
	}
}

func TestParseEngines(t *testing.T) {
	tests := []struct {
		list string
		want []string
		err  string
	}{
		{"", []string{"sqlite", "postgres", "mariadb"}, ""},
		{"sqlite", []string{"sqlite"}, ""},
		{"mariadb, sqlite", []string{"mariadb", "sqlite"}, ""},
		{"mysql", nil, `PW_TEST_ENGINES=mysql: "mysql" is none of sqlite, postgres, mariadb`},
	}
	for _, test := range tests {
		got, err := parseEngines(test.list)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q: %s", test.list, diff)
		}
		if fmt.Sprint(err) != test.err && (err != nil || test.err != "") {
			t.Errorf("%q: %v, want %s", test.list, err, test.err)
		}
	}
}

// uninstalled is a server that is not there.
type uninstalled struct{ postgres }

func (uninstalled) missing() error { return errors.New("no such server") }

// fake records how a test would end. Only what need calls is there.
type fake struct {
	testing.TB
	ended string
}

func (f *fake) Helper()           {}
func (f *fake) Skip(args ...any)  { f.ended = "skip: " + fmt.Sprint(args...) }
func (f *fake) Fatal(args ...any) { f.ended = "fatal: " + fmt.Sprint(args...) }

func TestNeed(t *testing.T) {
	servers["uninstalled"] = &server{kind: uninstalled{}}
	defer delete(servers, "uninstalled")
	for ci, want := range map[string]string{"": "skip: no such server", "true": "fatal: no such server"} {
		t.Setenv("CI", ci)
		got := &fake{}
		if need(got, "uninstalled"); got.ended != want {
			t.Errorf("CI=%s: %q, want %q", ci, got.ended, want)
		}
		if need(got, sqldb.SQLite); got.ended != want {
			t.Errorf("CI=%s: %q for SQLite", ci, got.ended)
		}
	}
}

// broken is a server that does not start.
type broken struct{ postgres }

func (broken) serve(string, string, bool) []string {
	return []string{"/bin/sh", "-c", "echo my disk is full; exit 1"}
}

func TestServerThatEnds(t *testing.T) {
	need(t, sqldb.Postgres)
	s := &server{kind: broken{}}
	err := s.launch(context.Background())
	if err == nil || !strings.Contains(err.Error(), "my disk is full") {
		t.Errorf("got %v", err)
	}
	s.stop()
	if left := remains(s.dir); left != "" {
		t.Error(left)
	}
}
