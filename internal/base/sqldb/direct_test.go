// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// On SQLite statements that can't be interrupted go past the driver, others through it: what is written and read, and what errors say, must be the same.
func TestDirectValues(t *testing.T) {
	withTable(t, func(t *testing.T, url string, db *sqldb.DB) {
		long := strings.Repeat("grün ", 20_000)
		rows := [][]any{{int64(1), "a", 3, []byte("\x00\xff")}, {2, "", 0, []byte{}}, {3, nil, true, nil}, {4, "naïve ☕", int64(-5), []byte(long)}, {5, "x", 1, []byte(nil)}}
		if db.Engine() == sqldb.Postgres {
			rows[2][2] = 1 // its integers are not truth values
		}
		want := []string{`1 "a" 3 00ff`, `2 "" 0 `, `3 null 1 `, `4 "naïve ☕" -5 ` + fmt.Sprintf("%x", long), `5 "x" 1 `}
		for _, short := range []bool{false, true, true} { // the third time the statements are kept ones
			err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
				if short {
					tx.ShortStatements()
				}
				if _, err := tx.Exec(t.Context(), "DELETE FROM cup WHERE id > ?", 0); err != nil {
					return err
				}
				if err := tx.Insert(t.Context(), "cup", []string{"id", "name", "hits", "content"}, rows); err != nil {
					return err
				}
				n, err := tx.Exec(t.Context(), "UPDATE cup SET hits = hits + ? WHERE id IN (?)", 0, []int64{1, 2, 9})
				if n != 2 || err != nil {
					t.Errorf("rows that were found: %d, %v; want 2", n, err)
				}
				if got := wholeCups(t, tx); !cmp.Equal(got, want) {
					t.Errorf("short %v: %s", short, cmp.Diff(want, got))
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := wholeCups(t, db); !cmp.Equal(got, want) {
				t.Errorf("short %v, committed: %s", short, cmp.Diff(want, got))
			}
		}
	})
}

func wholeCups(t *testing.T, q sqldb.Queryer) (out []string) {
	t.Helper()
	err := q.Each(t.Context(), func(rows *sqlx.Rows) error {
		var id, hits int64
		var name *string
		var content []byte
		if err := rows.Scan(&id, &name, &hits, &content); err != nil {
			return err
		}
		text := "null"
		if name != nil {
			text = fmt.Sprintf("%q", *name)
		}
		out = append(out, fmt.Sprintf("%d %s %d %x", id, text, hits, content))
		return nil
	}, "SELECT id, name, hits, content FROM cup ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestDirectErrors: an error has the kind and says the words that it has through the driver, and the statement can be used again.
func TestDirectErrors(t *testing.T) {
	withTable(t, func(t *testing.T, url string, db *sqldb.DB) {
		fill(t, db, []any{1, "a"})
		try := func(short bool) error {
			return db.Tx(t.Context(), func(tx *sqldb.Tx) error {
				if short {
					tx.ShortStatements()
				}
				return insert(t.Context(), tx, []any{2, "a"})
			})
		}
		plain, direct := try(false), try(true)
		if !fault.Is(direct, fault.Conflict) || direct.Error() != plain.Error() {
			t.Errorf("a name that is taken: %v; want %v", direct, plain)
		}
		err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			tx.ShortStatements()
			return insert(t.Context(), tx, []any{2, "b"})
		})
		if got := names(t, db); err != nil || !cmp.Equal(got, []string{"a", "b"}) {
			t.Errorf("the same statement again: %v, %v", got, err)
		}
		for _, query := range []string{"SELECT nothing FROM nowhere", "SELECT id FROM cup WHERE name = ABS(?, 1, 2)"} {
			var ids []int64
			err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
				tx.ShortStatements()
				return tx.Select(t.Context(), &ids, query, make([]any, strings.Count(query, "?"))...)
			})
			if err == nil {
				t.Errorf("%s: no error", query)
			}
		}
	})
}

// TestDirectNested: rows of a statement that is under way are not disturbed by the same statement with other values, nor by a context that ends behind it.
func TestDirectNested(t *testing.T) {
	withTable(t, func(t *testing.T, url string, db *sqldb.DB) {
		if db.Engine() != sqldb.SQLite {
			return // a connection of these servers has one result at a time
		}
		for i := range 6 {
			fill(t, db, []any{i, strings.Repeat(string(rune('a'+i)), 30)})
		}
		const query = "SELECT id, name FROM cup WHERE id >= ? AND name > ? ORDER BY id"
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var got []string
		var walk func(tx *sqldb.Tx, from int) error
		walk = func(tx *sqldb.Tx, from int) error {
			return tx.Each(ctx, func(rows *sqlx.Rows) error {
				var id int
				var name string
				if err := rows.Scan(&id, &name); err != nil {
					return err
				}
				got = append(got, fmt.Sprintf("%d%c", id, name[0]))
				if id < 3 || from == 3 {
					return nil
				}
				return walk(tx, id+1)
			}, query, from, "a")
		}
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			tx.ShortStatements()
			if err := walk(tx, 2); err != nil {
				return err
			}
			cancel()
			var ids []int64
			return tx.Select(ctx, &ids, "SELECT id FROM cup")
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a statement after the end: %v", err)
		}
		if want := []string{"2c", "3d", "4e", "5f", "5f", "4e", "5f", "5f"}; !cmp.Equal(got, want) {
			t.Errorf("%v; want %v", got, want)
		}
	})
}
