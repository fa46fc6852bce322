// SPDX-License-Identifier: GPL-2.0-or-later

package dbtest

import (
	"os"
	"testing"

	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
)

func TestKept(t *testing.T) {
	dir, err := os.MkdirTemp(place(), "pwkept")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // for the server's user
		t.Fatal(err)
	}
	for _, e := range Engines(t) {
		t.Run(e, func(t *testing.T) {
			t.Setenv("KEEP", dir)
			if got := fillings(t, e, "small") + fillings(t, e, "small"); got != 1 {
				t.Errorf("filled %d times", got)
			}
			if got := fillings(t, e, "other"); got != 1 {
				t.Errorf("another one was filled %d times", got)
			}
			t.Setenv("KEEP", "")
			if got := fillings(t, e, "small"); got != 1 {
				t.Errorf("one that is not kept was filled %d times", got)
			}
		})
	}
}

// fillings is how often a database was filled, which has what fill wrote.
func fillings(t *testing.T, engine, name string) (n int) {
	t.Run(name, func(t *testing.T) {
		url := Kept(t, engine, name, func(url string) {
			n++
			if err := migrate(t.Context(), url); err != nil {
				t.Fatal(err)
			}
			err := connect(t, url).Tx(t.Context(), func(tx *sqldb.Tx) error {
				return tx.Insert(t.Context(), "id_block", []string{"name", "next_id"}, [][]any{{"kept", 1}})
			})
			if err != nil {
				t.Fatal(err)
			}
		})
		db := connect(t, url)
		var rows int
		if err := db.Get(t.Context(), &rows, "SELECT COUNT(*) FROM id_block WHERE name = 'kept'"); err != nil || rows != 1 {
			t.Errorf("%d rows, %v", rows, err)
		}
		if err := schema.Require(t.Context(), db); err != nil {
			t.Error(err)
		}
	})
	return n
}
