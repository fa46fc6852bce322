// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// take writes n new ids of the space "cup" into the table, whose primary key refuses one that was given before.
func take(ctx context.Context, tx *sqldb.Tx, n int) error {
	rows := make([][]any, n)
	last := int64(0)
	for i := range rows {
		id, err := tx.NextID(ctx, "cup")
		if err != nil {
			return err
		}
		if id <= last {
			return fmt.Errorf("id %d after %d", id, last)
		}
		last = id
		rows[i] = []any{id}
	}
	return tx.Insert(ctx, "cup", []string{"id"}, rows)
}

// No id is given twice, whichever handle asks and however many transactions in between are rolled back, by an error, a panic or the end
// of their context.
func TestIDsAreUnique(t *testing.T) {
	withTable(t, func(t *testing.T, url string, db *sqldb.DB) {
		var committed atomic.Int64
		var wg sync.WaitGroup
		for _, db := range []*sqldb.DB{db, open(t, url), open(t, url)} {
			for range 8 {
				wg.Go(func() {
					for range 8 {
						n := 1 + rand.IntN(300)
						err := takeOrFail(t.Context(), db, n, rand.IntN(6))
						if err == nil {
							committed.Add(int64(n))
						} else if !errors.Is(err, errOnPurpose) && !errors.Is(err, context.Canceled) && !fault.Is(err, fault.Unavailable) {
							t.Error(err)
						}
					}
				})
			}
		}
		wg.Wait()
		var rows int64
		if err := db.Get(t.Context(), &rows, "SELECT COUNT(*) FROM cup"); err != nil || rows != committed.Load() {
			t.Errorf("%d rows, %d ids committed, %v", rows, committed.Load(), err)
		}
	})
}

var errOnPurpose = errors.New("rolled back on purpose")

// takeOrFail rolls back in half of the ways.
func takeOrFail(ctx context.Context, db *sqldb.DB, n, way int) (err error) {
	defer func() {
		if recover() != nil {
			err = errOnPurpose
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := take(ctx, tx, n); err != nil {
			return err
		}
		switch way {
		case 0:
			return errOnPurpose
		case 1:
			panic(errOnPurpose)
		case 2:
			cancel() // database/sql rolls back now, while this function still runs
			time.Sleep(time.Millisecond)
			for range 600 {
				if _, err := tx.NextID(ctx, "cup"); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func nextID(t *testing.T, db *sqldb.DB, name string) (id int64) {
	t.Helper()
	err := db.Tx(t.Context(), func(tx *sqldb.Tx) (err error) {
		id, err = tx.NextID(t.Context(), name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestIDsComeInBlocks(t *testing.T) {
	withTable(t, func(t *testing.T, url string, db *sqldb.DB) {
		other := open(t, url)
		if id := nextID(t, db, "a"); id != 1 {
			t.Errorf("the first id is %d", id)
		}
		if id := nextID(t, db, "b"); id != 1 {
			t.Errorf("the first id of another space is %d", id)
		}
		if id := nextID(t, db, "a"); id != 2 {
			t.Errorf("the second id is %d", id)
		}
		if id := nextID(t, other, "a"); id != 4 { // 2 and 3 are a block of db
			t.Errorf("the first id of another handle is %d", id)
		}
		err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			for _, want := range []int64{3, 5, 6, 7, 8, 9} { // a block of one, of two, of four, of eight
				if id, err := tx.NextID(t.Context(), "a"); err != nil || id != want {
					return fmt.Errorf("id %d, want %d: %w", id, want, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if id := nextID(t, other, "a"); id != 17 {
			t.Errorf("another handle goes on with %d", id)
		}
	})
}

// TestFreshIDs: they are above what others were given, also above what these have not used yet.
func TestFreshIDs(t *testing.T) {
	withTable(t, func(t *testing.T, url string, db *sqldb.DB) {
		other := open(t, url)
		fresh := func(db *sqldb.DB, n int, want int64) {
			t.Helper()
			err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
				if first, err := tx.FreshIDs(t.Context(), "a", n); err != nil || first != want {
					t.Errorf("%d ids from %d, want %d: %v", n, first, want, err)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		fresh(db, 3, 1)
		nextID(t, db, "a")
		nextID(t, db, "a") // 5 and 6 are taken, 6 is left
		fresh(other, 1, 7)
		fresh(db, 2, 8)
		fresh(other, 1, 10)
		if id := nextID(t, db, "a"); id != 6 {
			t.Errorf("a block that was begun goes on with %d", id)
		}
	})
}

func TestReserveIDs(t *testing.T) {
	withTable(t, func(t *testing.T, url string, db *sqldb.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		reserve := func(last, want int64) {
			t.Helper()
			err := db.Tx(ctx, func(tx *sqldb.Tx) error {
				if err := tx.ReserveIDs(ctx, "cup", last); err != nil {
					return err
				}
				id, err := tx.NextID(ctx, "cup") // in the same transaction, as an import does
				if err == nil && id != want {
					t.Errorf("the first id after ReserveIDs %d is %d, want %d", last, id, want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		reserve(1000, 1001)
		if id := nextID(t, db, "cup"); id != 1002 {
			t.Errorf("the next one is %d", id)
		}
		reserve(500, 1003)  // lies behind
		reserve(1200, 1201) // lies behind the block that is in use
		reserve(5000, 5001)
		if id := nextID(t, open(t, url), "cup"); id != 5009 {
			t.Errorf("another handle gets %d", id)
		}
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			if err := tx.ReserveIDs(ctx, "cup", 9000); err != nil {
				return err
			}
			return errOnPurpose
		})
		if err != errOnPurpose {
			t.Error(err)
		}
		if id := nextID(t, db, "cup"); id < 5002 {
			t.Errorf("after a rollback comes %d", id)
		}
	})
}
