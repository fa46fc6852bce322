// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestRead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		texts := map[string]string{sqldb.SQLite: "TEXT", sqldb.Postgres: "TEXT", sqldb.MariaDB: "LONGTEXT"}
		if _, err := db.SQL().Exec("CREATE TABLE asked (id BIGINT PRIMARY KEY, small INTEGER, name " + texts[db.Engine()] + ", short VARCHAR(9), yes BOOLEAN)"); err != nil {
			t.Fatal(err)
		}
		err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			return tx.Insert(t.Context(), "asked", []string{"id", "small", "name", "short", "yes"}, [][]any{{int64(1) << 60, -7, "größe", "s", true}, {2, nil, nil, nil, nil}, {-3, 0, "", "", false}})
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Run("values", func(t *testing.T) { readsValues(t, db) })
		t.Run("transaction", func(t *testing.T) {
			err := db.Tx(t.Context(), func(tx *sqldb.Tx) error { readsValues(t, tx); return nil })
			if err != nil {
				t.Error(err)
			}
		})
		t.Run("errors", func(t *testing.T) { failsToRead(t, db) })
		t.Run("end", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := sqldb.Read(ctx, db, sqldb.Ask{Query: "SELECT 1", Row: noRow}); !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.Canceled) {
				t.Errorf("after the end of its context: %v", err)
			}
			readsValues(t, db)
		})
	})
}

func noRow(*sqldb.Cells) error { return nil }

func readsValues(t *testing.T, q sqldb.Queryer) {
	t.Helper()
	var rows, sums []string
	var ids []int64
	err := sqldb.Read(t.Context(), q,
		sqldb.Ask{Query: "SELECT id, small, name, short, yes FROM asked WHERE id IN (?) ORDER BY id", Args: []any{[]int64{-3, 2, 1 << 60}}, Row: func(c *sqldb.Cells) error {
			rows = append(rows, fmt.Sprintf("%d %d %t %q %t %q %t", c.Num(0), c.Num(1), c.Null(1), c.Text(2), c.MaybeText(2) == nil, c.Text(3), c.Flag(4)))
			return nil
		}},
		sqldb.Ask{Query: "SELECT id FROM asked WHERE id > ? ORDER BY id", Args: []any{0}, Keep: true, Row: func(c *sqldb.Cells) error { ids = append(ids, c.Num(0)); return nil }},
		sqldb.Ask{Query: "SELECT SUM(id), SUM(small), SUM(id) - ?, COUNT(*) FROM asked", Args: []any{int64(1) << 60}, Row: func(c *sqldb.Cells) error {
			sums = append(sums, fmt.Sprint(c.Num(0), c.Num(1), c.Num(2), c.Num(3)))
			return nil
		}})
	if err != nil {
		t.Error(err)
	}
	want := []string{`-3 0 false "" false "" false`, `2 0 true "" true "" false`, `1152921504606846976 -7 false "größe" false "s" true`}
	if !slices.Equal(rows, want) || !slices.Equal(ids, []int64{2, 1 << 60}) || !slices.Equal(sums, []string{"1152921504606846975 -7 -1 3"}) {
		t.Errorf("read %q, %d, %q", rows, ids, sums)
	}
}

func failsToRead(t *testing.T, db *sqldb.DB) {
	stop := errors.New("enough")
	many := sqldb.Ask{Query: "SELECT a.id FROM asked a, asked b, asked c", Row: func(*sqldb.Cells) error { return stop }}
	fine := sqldb.Ask{Query: "SELECT id FROM asked", Row: noRow}
	for _, asks := range [][]sqldb.Ask{{many}, {many, fine}, {fine, many}} {
		if err := sqldb.Read(t.Context(), db, asks...); !errors.Is(err, stop) {
			t.Errorf("a row that is refused: %v", err)
		}
	}
	wrong := sqldb.Ask{Query: "SELECT nothing FROM nowhere", Row: noRow}
	for _, asks := range [][]sqldb.Ask{{wrong}, {wrong, fine}, {fine, wrong}, {fine, {Query: "SELECT id FROM asked WHERE id = ?", Row: noRow}}} {
		if err := sqldb.Read(t.Context(), db, asks...); err == nil {
			t.Errorf("no error of %v", asks)
		}
	}
	for want, f := range map[string]func(*sqldb.Cells){"not an integer": func(c *sqldb.Cells) { c.Num(1) }, "not a boolean": func(c *sqldb.Cells) { c.Flag(1) }, "not a text": func(c *sqldb.Cells) { c.Text(0) }} {
		err := sqldb.Read(t.Context(), db, sqldb.Ask{Query: "SELECT id, name FROM asked", Row: func(c *sqldb.Cells) error { f(c); return nil }})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s: %v", want, err)
		}
	}
	readsValues(t, db)
}

// TestReadNumbers reads numbers of any length as PostgreSQL sends them.
func TestReadNumbers(t *testing.T) {
	if !slices.Contains(dbtest.Engines(t), sqldb.Postgres) {
		return // the others have no such type, or send it as text
	}
	db := dbtest.Open(t, sqldb.Postgres)
	read := func(number string) (n int64, err error) {
		err = sqldb.Read(t.Context(), db, sqldb.Ask{Query: "SELECT CAST('" + number + "' AS NUMERIC)", Row: func(c *sqldb.Cells) error { n = c.Num(0); return nil }})
		return n, err
	}
	for number, want := range map[string]int64{"0": 0, "1": 1, "-1": -1, "9999": 9999, "10000": 10000, "-10001": -10001, "100000000": 100000000, "123456789012": 123456789012, "7.000": 7,
		"9223372036854775807": 9223372036854775807, "-9223372036854775807": -9223372036854775807, "1000000000000000000": 1000000000000000000} {
		if n, err := read(number); n != want || err != nil {
			t.Errorf("%s is read as %d, %v", number, n, err)
		}
	}
	for _, number := range []string{"1.5", "0.0001", "9223372036854775808", "99999999999999999999", "1e30", "NaN"} {
		if n, err := read(number); err == nil {
			t.Errorf("%s is read as %d", number, n)
		}
	}
}

// TestReadKeepsPlans: the plan of a query that says so is made once, and nothing else is planned otherwise because of it.
func TestReadKeepsPlans(t *testing.T) {
	if !slices.Contains(dbtest.Engines(t), sqldb.Postgres) {
		return // the others keep no plans
	}
	db, err := sqldb.Open(t.Context(), dbtest.URL(t, sqldb.Postgres), sqldb.Options{MaxConnections: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for n := range 3 {
		if err := sqldb.Read(t.Context(), db, sqldb.Ask{Query: "SELECT relname FROM pg_class WHERE oid = ?", Args: []any{n}, Row: noRow, Keep: true}); err != nil {
			t.Fatal(err)
		}
	}
	var kept int
	var mode string
	if err := db.Get(t.Context(), &kept, "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT relname%'"); err != nil || kept != 3 {
		t.Errorf("%d of 3 by a plan that is kept, %v", kept, err)
	}
	if err := db.Get(t.Context(), &mode, "SHOW plan_cache_mode"); err != nil || mode != "auto" {
		t.Errorf("behind it plans are made %s, %v", mode, err)
	}
}
