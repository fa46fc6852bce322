// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// commitOne is what another process does: it commits a row.
func commitOne(ctx context.Context, url string) error {
	db, err := sqldb.Open(ctx, url, sqldb.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Tx(ctx, func(tx *sqldb.Tx) error { return insert(ctx, tx, []any{1000, "of another process"}) })
}

func stamp(t *testing.T, db *sqldb.DB) string {
	t.Helper()
	s, ok, err := db.Stamp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ok != (db.Engine() != sqldb.MariaDB) || ok != (s != "") {
		t.Fatalf("stamp %q, %v", s, ok)
	}
	return s
}

func TestStampChangesWithCommits(t *testing.T) {
	withTable(t, func(t *testing.T, url string, db *sqldb.DB) {
		if db.Engine() == sqldb.MariaDB {
			stamp(t, db) // says that there is none
			return
		}
		ctx, other := t.Context(), open(t, url)
		last := stamp(t, db)
		changed := func(what string) {
			t.Helper()
			if now := stamp(t, db); now == last {
				t.Errorf("%s: still %s", what, now)
			} else {
				last = now
			}
		}
		for range 3 {
			names(t, db)
			if now := stamp(t, db); now != last {
				t.Errorf("after nothing but reading: %s, was %s", now, last)
			}
		}
		fill(t, db, []any{1, "ann"})
		changed("this handle")
		fill(t, other, []any{2, "bob"})
		changed("another handle")
		spawn(t, "commit", url)
		changed("another process")
		err := other.Tx(ctx, func(tx *sqldb.Tx) error {
			if err := insert(ctx, tx, []any{3, "cy"}); err != nil {
				return err
			}
			last = stamp(t, db) // while it is written and not committed
			expectNames(t, db, "ann", "bob", "of another process")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		changed("a transaction that was under way")
		if _, err := db.SQL().Exec("DELETE FROM cup"); err != nil {
			t.Fatal(err)
		}
		changed("a statement without a transaction")
	})
}

// What was read between two equal stamps is true at the second: it has all that was committed before that was asked for.
func TestStampAmongWriters(t *testing.T) {
	withTable(t, func(t *testing.T, url string, db *sqldb.DB) {
		if db.Engine() == sqldb.MariaDB {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		enough := time.Second
		if os.Getenv("PW_SOAK") != "" {
			enough = 30 * time.Second
		}
		fill(t, db, []any{1, "counter"})
		var acknowledged, equal, checked atomic.Int64
		tested := func() bool { return acknowledged.Load() > 0 && equal.Load() > 0 && equal.Load() < checked.Load() }
		var wg sync.WaitGroup
		wg.Go(func() {
			for began := time.Now(); ctx.Err() == nil && (time.Since(began) < enough || !tested()); {
				time.Sleep(10 * time.Millisecond)
			}
			cancel()
		})
		for _, writer := range []*sqldb.DB{db, open(t, url), open(t, url)} {
			wg.Go(func() {
				for ctx.Err() == nil {
					err := writer.Tx(context.WithoutCancel(ctx), func(tx *sqldb.Tx) error {
						_, err := tx.Exec(ctx, "UPDATE cup SET hits = hits + 1 WHERE id = 1")
						return err
					})
					if err == nil {
						acknowledged.Add(1)
					}
					time.Sleep(time.Duration(acknowledged.Load()%5) * time.Millisecond)
				}
			})
		}
		for range 3 {
			wg.Go(func() {
				for ctx.Err() == nil {
					before, _, _ := db.Stamp(ctx)
					var seen int64
					if err := db.Get(ctx, &seen, "SELECT hits FROM cup WHERE id = 1"); err != nil {
						continue
					}
					least := acknowledged.Load()
					after, ok, err := db.Stamp(ctx)
					if err != nil || !ok {
						continue
					}
					checked.Add(1)
					if before == after {
						equal.Add(1)
						if seen < least {
							t.Errorf("stamp %s before and after, but %d commits were seen of %d", after, seen, least)
						}
					}
				}
			})
		}
		wg.Wait()
		t.Logf("%d commits, %d comparisons, %d equal", acknowledged.Load(), checked.Load(), equal.Load())
		if !tested() {
			t.Error("this has tested nothing")
		}
	})
}

// A server that went away and came back gives no stamp of before.
func TestStampAfterAnOutage(t *testing.T) {
	withTable(t, func(t *testing.T, raw string, db *sqldb.DB) {
		if db.Engine() != sqldb.Postgres {
			return
		}
		first, through := behindRelay(t, raw)
		far := open(t, through)
		before := stamp(t, far)
		if now := stamp(t, far); now != before {
			t.Fatalf("%s, then %s", before, now)
		}
		first.cut()
		if _, ok, err := far.Stamp(t.Context()); ok || !fault.Is(err, fault.Unavailable) {
			t.Fatalf("by a connection that was cut: %v, %v", ok, err)
		}
		if now := stamp(t, far); now == before {
			t.Errorf("by a new connection it is %s as before", now)
		}
	})
}

func TestStampEnds(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		if db.Engine() == sqldb.MariaDB {
			return
		}
		stamp(t, db)
		db.Close()
		if _, ok, err := db.Stamp(t.Context()); ok || !fault.Is(err, fault.Unavailable) {
			t.Errorf("after Close: %v, %v", ok, err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("gone"))
		if _, ok, err := db.Stamp(ctx); ok || err == nil {
			t.Errorf("of a visitor who is gone: %v, %v", ok, err)
		}
	})
}

func BenchmarkStamp(b *testing.B) {
	for _, e := range []string{sqldb.SQLite, sqldb.Postgres} {
		b.Run(e, func(b *testing.B) {
			db := dbtest.Open(b, e)
			for b.Loop() {
				if _, ok, err := db.Stamp(b.Context()); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
