// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"context"
	"testing"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// TestStatement: each statement is heard once, before it runs, with its text as the caller wrote it.
func TestStatement(t *testing.T) {
	withTable(t, func(t *testing.T, url string, _ *sqldb.DB) {
		var heard []string
		db := openWith(t, url, sqldb.Options{Statement: func(query string) { heard = append(heard, query) }})
		fill(t, db, []any{1, "ann"})
		names(t, db)
		err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE cup SET hits = ? WHERE id IN (?)", 1, []int64{1, 2})
			return err
		})
		want := []string{"INSERT INTO cup (id, name) VALUES ", "SELECT name FROM cup ORDER BY id", "UPDATE cup SET hits = ? WHERE id IN (?)"}
		if err != nil || len(heard) != 3 || heard[0] != want[0] || heard[1] != want[1] || heard[2] != want[2] {
			t.Errorf("%q, %v", heard, err)
		}
	})
}

// TestClosed: a program that is ending does not take its closed database for a bug.
func TestClosed(t *testing.T) {
	withTable(t, func(t *testing.T, url string, _ *sqldb.DB) {
		db, err := sqldb.Open(t.Context(), url, sqldb.Options{})
		if err != nil {
			t.Fatal(err)
		}
		db.Close()
		var n int
		if err := db.Get(t.Context(), &n, "SELECT 1"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("reading: %v", err)
		}
		if err := db.Tx(context.Background(), func(*sqldb.Tx) error { return nil }); !fault.Is(err, fault.Unavailable) {
			t.Errorf("writing: %v", err)
		}
	})
}
