// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestCells(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		tables := map[string]string{sqldb.SQLite: "TEXT", sqldb.Postgres: "TEXT", sqldb.MariaDB: "LONGTEXT"}
		if _, err := db.SQL().Exec("CREATE TABLE cell (id BIGINT PRIMARY KEY, small INTEGER, name " + tables[db.Engine()] + ", yes BOOLEAN)"); err != nil {
			t.Fatal(err)
		}
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			return tx.Insert(ctx, "cell", []string{"id", "small", "name", "yes"}, [][]any{{int64(1) << 60, -7, "größe", true}, {2, nil, nil, nil}, {3, 0, "", false}})
		})
		if err != nil {
			t.Fatal(err)
		}
		read := func(f func(*sqldb.Cells) string, columns string, n int) (string, error) {
			c := sqldb.NewCells(n)
			var out []string
			err := db.Each(ctx, func(rows *sqlx.Rows) error {
				c.Read(rows)
				out = append(out, f(c))
				return c.Err()
			}, "SELECT "+columns+" FROM cell ORDER BY id")
			return strings.Join(out, "; "), err
		}
		got, err := read(func(c *sqldb.Cells) string {
			text := "nil"
			if s := c.MaybeText(2); s != nil {
				text = *s
			}
			return fmt.Sprintf("%d %d %q %s %t %t %d %d", c.Num(0), c.Num(1), c.Text(2), text, c.Flag(3), c.Flag(4), c.Num(5), c.Num(6))
		}, "id, small, name, yes, id = 2, CASE WHEN id = 2 THEN 9 END, (SELECT SUM(d.id) FROM cell d WHERE d.id < 9)", 7)
		if want := `2 0 "" nil false true 9 5; 3 0 ""  false false 0 5; 1152921504606846976 -7 "größe" größe true false 0 5`; err != nil || got != want {
			t.Errorf("read %s, %v\nwant %s", got, err, want)
		}
		for name, f := range map[string]func(*sqldb.Cells){"integer": func(c *sqldb.Cells) { c.Num(0) }, "boolean": func(c *sqldb.Cells) { c.Flag(0) }} {
			if _, err := read(func(c *sqldb.Cells) string { f(c); return "" }, "name", 1); err == nil || !strings.Contains(err.Error(), "column 1 is") {
				t.Errorf("a text as %s: %v", name, err)
			}
		}
		if _, err := read(func(c *sqldb.Cells) string { return c.Text(0) }, "id", 1); err == nil || !strings.Contains(err.Error(), "not a text") {
			t.Errorf("a number as text: %v", err)
		}
		if _, err := read(func(c *sqldb.Cells) string { return "" }, "id, name", 1); err == nil {
			t.Error("two columns are read as one")
		}
	})
}
