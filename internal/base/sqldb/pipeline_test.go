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
)

// piped runs f in a transaction that sends statements together.
func piped(t *testing.T, db *sqldb.DB, f func(ctx context.Context, tx *sqldb.Tx) error) error {
	t.Helper()
	return db.Tx(t.Context(), func(tx *sqldb.Tx) error {
		tx.Pipeline()
		return f(t.Context(), tx)
	})
}

func cups(ctx context.Context, tx *sqldb.Tx, ids ...int64) (out []string, err error) {
	err = tx.Select(ctx, &out, "SELECT name FROM cup WHERE id IN (?) ORDER BY id", ids)
	return out, err
}

// TestPipeline: what is written is seen by what reads after it, and is there after the commit.
func TestPipeline(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		err := piped(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			for i := range int64(200) { // more than are held
				if err := tx.Insert(ctx, "cup", []string{"id", "name"}, [][]any{{i, fmt.Sprint("n", i)}}); err != nil {
					return err
				}
			}
			if err := tx.Do(ctx, "UPDATE cup SET name = ? WHERE id IN (?)", "seven", []int64{7}); err != nil {
				return err
			}
			if got, err := cups(ctx, tx, 6, 7, 199); err != nil || !slices.Equal(got, []string{"n6", "seven", "n199"}) {
				t.Errorf("within: %q, %v", got, err)
			}
			n, err := tx.Exec(ctx, "UPDATE cup SET hits = 1 WHERE id IN (?)", []int64{1, 2, 999})
			if err != nil || n != 2 {
				t.Errorf("matched %d, %v", n, err)
			}
			return tx.Do(ctx, "DELETE FROM cup WHERE id > ?", 9)
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := names(t, db); len(got) != 10 || got[7] != "seven" {
			t.Errorf("after: %q", got)
		}
	})
}

// TestPipelineFails: an error of a write that was held is told before or by the commit, says what was written, has its kind, and nothing of the transaction stays.
func TestPipelineFails(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		fill(t, db, []any{1, "ann"})
		for name, after := range map[string]func(ctx context.Context, tx *sqldb.Tx) error{
			"commit": func(context.Context, *sqldb.Tx) error { return nil },
			"read": func(ctx context.Context, tx *sqldb.Tx) error {
				_, err := cups(ctx, tx, 1)
				return err
			},
			"count": func(ctx context.Context, tx *sqldb.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE cup SET hits = 1")
				return err
			},
		} {
			err := piped(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
				if err := tx.Insert(ctx, "cup", []string{"id", "name"}, [][]any{{2, "bob"}}); err != nil {
					return err
				}
				if err := tx.Insert(ctx, "cup", []string{"id", "name"}, [][]any{{1, "again"}}); err != nil {
					return err
				}
				return after(ctx, tx)
			})
			if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "insert into cup") {
				t.Errorf("%s: %v", name, err)
			}
			if got := names(t, db); !slices.Equal(got, []string{"ann"}) {
				t.Errorf("%s: %q stayed", name, got)
			}
		}
	})
}

// TestCommitOfFailed: who goes on after an error, and commits, is told that nothing was stored.
func TestCommitOfFailed(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		if db.Engine() != sqldb.Postgres {
			return // the others keep what was written before
		}
		err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			if err := tx.Insert(t.Context(), "cup", []string{"id", "name"}, [][]any{{1, "ann"}}); err != nil {
				return err
			}
			if _, err := tx.Exec(t.Context(), "UPDATE nowhere SET x = 1"); err == nil {
				t.Error("there is a table nowhere")
			}
			return nil
		})
		if err == nil {
			t.Error("the commit is said to have worked")
		}
		if got := names(t, db); len(got) != 0 {
			t.Errorf("%q", got)
		}
	})
}

// TestTogether: steps read the same together as one after the other, what depends on an answer too; each statement is heard once, and an error ends it.
func TestTogether(t *testing.T) {
	withTable(t, func(t *testing.T, url string, _ *sqldb.DB) {
		heard := 0
		db := openWith(t, url, sqldb.Options{Statement: func(string) { heard++ }})
		fill(t, db, []any{1, "ann"}, []any{2, "bob"}, []any{3, "cid"})
		err := piped(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			if err := tx.Insert(ctx, "cup", []string{"id", "name"}, [][]any{{4, "dan"}}); err != nil {
				return err
			}
			heard = 0
			var one, two, follow []string
			var count, sum int
			err := tx.Together(ctx,
				func(ctx context.Context) (err error) { one, err = cups(ctx, tx, 1, 4); return err },
				func(ctx context.Context) (err error) {
					if err = tx.Get(ctx, &count, "SELECT COUNT(*) FROM cup"); err != nil {
						return err
					}
					follow, err = cups(ctx, tx, int64(count))
					return err
				},
				func(ctx context.Context) error { return tx.Get(ctx, &sum, "SELECT SUM(id) FROM cup") },
				func(ctx context.Context) (err error) { two, err = cups(ctx, tx, 2); return err })
			got := fmt.Sprint(one, two, follow, count, sum)
			if want := "[ann dan] [bob] [dan] 4 10"; err != nil || got != want || heard != 5 {
				t.Errorf("%s, want %s; %d statements, %v", got, want, heard, err)
			}
			if later, err := cups(ctx, tx, 1, 4); err != nil || !slices.Equal(later, []string{"ann", "dan"}) {
				t.Errorf("later: %q, %v", later, err)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		bad := errors.New("enough")
		err = piped(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			return tx.Together(ctx, func(ctx context.Context) error { _, err := cups(ctx, tx, 1); return err }, func(context.Context) error { return bad })
		})
		if !errors.Is(err, bad) {
			t.Errorf("a step that fails: %v", err)
		}
		var missing int
		err = piped(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			return tx.Together(ctx, func(ctx context.Context) error { _, err := cups(ctx, tx, 1); return err },
				func(ctx context.Context) error {
					return tx.Get(ctx, &missing, "SELECT id FROM cup WHERE name = ?", "zoe")
				})
		})
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("no row: %v", err)
		}
		err = piped(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			return tx.Together(ctx, func(ctx context.Context) error { _, err := cups(ctx, tx, 1); return err },
				func(ctx context.Context) error { return tx.Get(ctx, &missing, "SELECT id FROM nowhere") })
		})
		if err == nil {
			t.Error("there is a table nowhere")
		}
	})
}

// TestTogetherLater: what was asked early and is asked again after a write gives what is there then.
func TestTogetherLater(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		fill(t, db, []any{1, "ann"})
		err := piped(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			asked := 0
			step := func(ctx context.Context) error {
				asked++
				if asked == 1 && db.Engine() == sqldb.Postgres { // what is found out is not what is asked
					_, err := cups(ctx, tx, 1)
					return err
				}
				return nil
			}
			if err := tx.Together(ctx, step, step); err != nil {
				return err
			}
			if err := tx.Do(ctx, "UPDATE cup SET name = ? WHERE id = ?", "eve", 1); err != nil {
				return err
			}
			if got, err := cups(ctx, tx, 1); err != nil || !slices.Equal(got, []string{"eve"}) {
				t.Errorf("%q, %v", got, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
