// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/sqldb"
)

func TestInsertSizes(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		ctx, next := t.Context(), 0
		for _, n := range []int{0, 1, 3, 4, 5, 255, 256, 257, 1000} {
			var rows [][]any
			for range n {
				rows = append(rows, []any{next, fmt.Sprintf("cup %d", next)})
				next++
			}
			fill(t, db, rows...)
			var got struct{ Total, Low, High int64 }
			err := db.Get(ctx, &got, "SELECT COUNT(*) AS total, COALESCE(MIN(id), 0) AS low, COALESCE(MAX(id), 0) AS high FROM cup WHERE id >= ? AND name = CONCAT('cup ', id)", next-n)
			if err != nil {
				t.Fatal(err)
			}
			if n > 0 && (got.Total != int64(n) || got.Low != int64(next-n) || got.High != int64(next-1)) || n == 0 && got.Total != 0 {
				t.Errorf("%d rows from %d: there are %+v", n, next-n, got)
			}
		}
	})
}

func TestInsertWrongWidth(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		good := []any{1, "ann"}
		for _, bad := range [][]any{{}, {2}, {2, "bob", 3}} {
			err := db.Tx(t.Context(), func(tx *sqldb.Tx) error { return insert(t.Context(), tx, good, bad) })
			if want := fmt.Sprintf("insert into cup: row of %d values for 2 columns", len(bad)); err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
		expectNames(t, db)
	})
}

// Octets that a text protocol would have to escape, larger than a statement may be.
func TestInsertLarge(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		ctx := t.Context()
		large := bytes.Repeat([]byte("\x00'\\\"\xff\n%?"), 6<<17)
		if len(large) != 6<<20 {
			t.Fatal(len(large))
		}
		rows := [][]any{{1, large}, {2, []byte{}}, {3, large}, {4, large}, {5, []byte("small")}, {6, nil}}
		err := db.Tx(ctx, func(tx *sqldb.Tx) error { return tx.Insert(ctx, "cup", []string{"id", "content"}, rows) })
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			var got struct {
				Content []byte
				Missing bool
			}
			if err := db.Get(ctx, &got, "SELECT content, content IS NULL AS missing FROM cup WHERE id = ?", row[0]); err != nil {
				t.Fatal(err)
			}
			want, _ := row[1].([]byte)
			if !bytes.Equal(got.Content, want) || got.Missing != (row[0] == 6) {
				t.Errorf("row %v: %d octets (null %v), want %d", row[0], len(got.Content), got.Missing, len(want))
			}
		}
	})
}

func TestUpsert(t *testing.T) {
	columns := []string{"id", "name", "hits"}
	tests := []struct {
		name string
		u    sqldb.Upsert
		want string
	}{
		{"nothing", sqldb.Upsert{}, "1 ann 10, 2 bob 20, 3 cy 3"},
		{"replace", sqldb.Upsert{Replace: []string{"name", "hits"}}, "1 eve 1, 2 bob 20, 3 cy 3"},
		{"add", sqldb.Upsert{Add: []string{"hits"}}, "1 ann 11, 2 bob 20, 3 cy 3"},
		{"both", sqldb.Upsert{Replace: []string{"name"}, Add: []string{"hits"}}, "1 eve 11, 2 bob 20, 3 cy 3"},
	}
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		ctx := t.Context()
		for _, test := range tests {
			test.u.Table, test.u.Columns, test.u.Key = "cup", columns, []string{"id"}
			err := db.Tx(ctx, func(tx *sqldb.Tx) error {
				if _, err := tx.Exec(ctx, "DELETE FROM cup"); err != nil {
					return err
				}
				if err := tx.Insert(ctx, "cup", columns, [][]any{{1, "ann", 10}, {2, "bob", 20}}); err != nil {
					return err
				}
				return tx.Upsert(ctx, test.u, [][]any{{1, "eve", 1}, {3, "cy", 3}})
			})
			if err != nil {
				t.Fatal(test.name, err)
			}
			var got []string
			if err := db.Select(ctx, &got, "SELECT CONCAT(id, ' ', name, ' ', hits) FROM cup ORDER BY id"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, strings.Join(got, ", ")); diff != "" {
				t.Error(test.name, diff)
			}
		}
	})
}
