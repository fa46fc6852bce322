// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"errors"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
)

// TestRemember: what was read is used again until anybody else commits: another process, or this one in a transaction that does not promise to keep it. Elsewhere than on SQLite
// it is read each time.
func TestRemember(t *testing.T) {
	withTable(t, func(t *testing.T, url string, db *sqldb.DB) {
		fill(t, db, []any{1, "a"})
		loads := 0
		count := func(keeps bool) (n int) {
			t.Helper()
			err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
				if keeps {
					tx.KeepsRemembered()
				}
				for range 2 {
					var err error
					n, err = sqldb.Remember(t.Context(), tx, "cups", func() (n int, err error) {
						loads++
						return n, tx.Get(t.Context(), &n, "SELECT COUNT(*) FROM cup")
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		expect := func(what string, keeps bool, cups, reads int) {
			t.Helper()
			if db.Engine() != sqldb.SQLite {
				reads = 2
			}
			loads = 0
			if n := count(keeps); n != cups || loads != reads {
				t.Errorf("%s: %d cups, read %d times; want %d, %d", what, n, loads, cups, reads)
			}
		}
		expect("first", true, 1, 1)
		expect("again", true, 1, 0)
		if err := commitOne(t.Context(), url); err != nil {
			t.Fatal(err)
		}
		expect("after another process", true, 2, 1)
		expect("again after it", true, 2, 0)
		fill(t, db, []any{2, "b"})
		expect("after one of ours", true, 3, 1)
		expect("one that promises nothing", false, 3, 2)
		expect("after it", true, 3, 1)
		undone := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			return errors.Join(insert(t.Context(), tx, []any{3, "c"}), errors.New("undo"))
		})
		if undone == nil {
			t.Fatal("not undone")
		}
		expect("after one that was undone", true, 3, 0)
	})
}
