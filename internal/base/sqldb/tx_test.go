// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// withTable runs f per engine on a database that has the table cup (id, name unique, hits, blob) and the table id_block.
func withTable(t *testing.T, f func(t *testing.T, url string, db *sqldb.DB)) {
	t.Helper()
	dbtest.EachURL(t, func(t *testing.T, url string) {
		db := open(t, url)
		octets := map[string]string{sqldb.SQLite: "BLOB", sqldb.Postgres: "BYTEA", sqldb.MariaDB: "LONGBLOB"}[db.Engine()]
		for _, query := range []string{
			"CREATE TABLE cup (id BIGINT PRIMARY KEY, name VARCHAR(40) UNIQUE, hits INTEGER NOT NULL DEFAULT 0, content " + octets + ")",
			"CREATE TABLE id_block (name VARCHAR(64) NOT NULL PRIMARY KEY, next_id BIGINT NOT NULL)",
		} {
			if _, err := db.SQL().Exec(query); err != nil {
				t.Fatal(err)
			}
		}
		f(t, url, db)
	})
}

func insert(ctx context.Context, tx *sqldb.Tx, rows ...[]any) error {
	return tx.Insert(ctx, "cup", []string{"id", "name"}, rows)
}

// fill writes the rows in a transaction of their own.
func fill(t *testing.T, db *sqldb.DB, rows ...[]any) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *sqldb.Tx) error { return insert(t.Context(), tx, rows...) }); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, q sqldb.Queryer) []string {
	t.Helper()
	out := []string{}
	if err := q.Select(t.Context(), &out, "SELECT name FROM cup ORDER BY id"); err != nil {
		t.Fatal(err)
	}
	return out
}

func expectNames(t *testing.T, q sqldb.Queryer, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), names(t, q)); diff != "" {
		t.Error("rows:", diff)
	}
}

func TestQueries(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		ctx := t.Context()
		fill(t, db, []any{1, "ann"}, []any{2, "bob"}, []any{3, "cy"})
		read := func(q sqldb.Queryer) {
			var name string
			if err := q.Get(ctx, &name, "SELECT name FROM cup WHERE id = ?", 2); err != nil || name != "bob" {
				t.Errorf("Get: %q, %v", name, err)
			}
			if err := q.Get(ctx, &name, "SELECT name FROM cup WHERE id = ?", 9); !fault.Is(err, fault.NotFound) || !errors.Is(err, sql.ErrNoRows) {
				t.Errorf("Get of no row: %v", err)
			}
			var some []string
			err := q.Select(ctx, &some, "SELECT name FROM cup WHERE id IN (?) AND name NOT IN (?) ORDER BY id", []int64{1, 2, 3, 7, 8}, []string{"cy", "x", "y"})
			if diff := cmp.Diff([]string{"ann", "bob"}, some); err != nil || diff != "" {
				t.Error("Select:", err, diff)
			}
			if err := q.Select(ctx, &some, "SELECT name FROM cup WHERE id IN (?)", []int64{}); err == nil {
				t.Error("an empty list is no error")
			}
			var each []int64
			err = q.Each(ctx, func(rows *sqlx.Rows) error {
				var id int64
				err := rows.Scan(&id)
				each = append(each, id)
				return err
			}, "SELECT id FROM cup WHERE id > ? ORDER BY id", 1)
			if diff := cmp.Diff([]int64{2, 3}, each); err != nil || diff != "" {
				t.Error("Each:", err, diff)
			}
			enough := errors.New("enough")
			if err := q.Each(ctx, func(*sqlx.Rows) error { return enough }, "SELECT id FROM cup"); err != enough {
				t.Errorf("Each does not pass on the error of f: %v", err)
			}
		}
		read(db)
		if err := db.Get(ctx, new(string), "SELECT nothing FROM cup"); !fault.Is(err, fault.Internal) {
			t.Errorf("Get of no column: %v", err)
		}
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			read(tx)
			n, err := tx.Exec(ctx, "UPDATE cup SET hits = 0 WHERE id IN (?)", []int64{1, 2, 9})
			if err != nil || n != 2 {
				t.Errorf("Exec matched %d rows without changing them, want 2: %v", n, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestConflict(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		fill(t, db, []any{1, "ann"})
		for _, row := range [][]any{{1, "other"}, {2, "ann"}} {
			err := db.Tx(t.Context(), func(tx *sqldb.Tx) error { return insert(t.Context(), tx, row) })
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("%v: kind %v: %v", row, fault.KindOf(err), err)
			}
		}
		err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			return tx.Insert(t.Context(), "cup", []string{"name"}, [][]any{{"nobody"}, {nil}})
		})
		if db.Engine() != sqldb.SQLite && fault.Is(err, fault.Conflict) {
			t.Errorf("a missing value passes for a conflict: %v", err)
		}
	})
}

// However f ends, its changes, its connection and its lock go with it.
func TestTxEnds(t *testing.T) {
	bad := errors.New("bad")
	ends := map[string]func(cancel func()) error{
		"error":  func(func()) error { return bad },
		"panic":  func(func()) error { panic(bad) },
		"goexit": func(func()) error { runtime.Goexit(); return nil },
		"cancel": func(cancel func()) error { cancel(); return nil },
	}
	withTable(t, func(t *testing.T, url string, _ *sqldb.DB) {
		db := openWith(t, url, sqldb.Options{MaxConnections: 1})
		fill(t, db, []any{1, "ann"})
		for how, end := range ends {
			var err error
			var wg sync.WaitGroup
			wg.Go(func() {
				defer func() { recover() }()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				err = db.Tx(ctx, func(tx *sqldb.Tx) error {
					if _, err := tx.Exec(ctx, "UPDATE cup SET name = 'eve' WHERE id = 1"); err != nil {
						t.Error(how, err)
					}
					return end(cancel)
				})
			})
			wg.Wait()
			switch {
			case how == "error" && err != bad:
				t.Errorf("error of f: %v", err)
			case how == "cancel" && !fault.Is(err, fault.Unavailable):
				t.Errorf("cancelled: kind %v: %v", fault.KindOf(err), err)
			}
			// Another handle would wait for a lock that was left behind.
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			for _, next := range []*sqldb.DB{db, open(t, url)} {
				err = next.Tx(ctx, func(tx *sqldb.Tx) error {
					_, err := tx.Exec(ctx, "UPDATE cup SET hits = hits + 1 WHERE id = 1")
					return err
				})
				if err != nil {
					t.Errorf("after %s: %v", how, err)
				}
			}
			cancel()
			expectNames(t, db, "ann")
		}
	})
}

func TestCancelledStatement(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		endless := "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT COUNT(*) FROM n"
		if db.Engine() == sqldb.MariaDB { // it bounds recursion
			endless = "SELECT SLEEP(100)"
		}
		for _, write := range []bool{false, true} {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			var n int
			var err error
			if write {
				err = db.Tx(ctx, func(tx *sqldb.Tx) error { return tx.Get(ctx, &n, endless) })
			} else {
				err = db.Get(ctx, &n, endless)
			}
			cancel()
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("write %v: kind %v: %v", write, fault.KindOf(err), err)
			}
		}
		fill(t, db, []any{1, "ann"})
	})
}

// Whatever is called when the context ends, or has ended, says so, and not only that the database is unavailable.
func TestEndedContext(t *testing.T) {
	withTable(t, func(t *testing.T, url string, db *sqldb.DB) {
		fill(t, db, []any{1, "ann"})
		inTx := func(f func(ctx context.Context, tx *sqldb.Tx) error) func(context.Context, *sqldb.DB) error {
			return func(ctx context.Context, db *sqldb.DB) error {
				return db.Tx(context.WithoutCancel(ctx), func(tx *sqldb.Tx) error { return f(ctx, tx) })
			}
		}
		slow := "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT COUNT(*) FROM n"
		if db.Engine() == sqldb.MariaDB {
			slow = "SELECT SLEEP(100)"
		}
		for what, f := range map[string]func(context.Context, *sqldb.DB) error{
			"Tx":     func(ctx context.Context, db *sqldb.DB) error { return db.Tx(ctx, func(*sqldb.Tx) error { return nil }) },
			"Get":    func(ctx context.Context, db *sqldb.DB) error { return db.Get(ctx, new(int), slow) },
			"Select": func(ctx context.Context, db *sqldb.DB) error { return db.Select(ctx, new([]int), slow) },
			"Lock":   func(ctx context.Context, db *sqldb.DB) error { _, err := db.Lock(ctx, "test"); return err },
			"Ping":   func(ctx context.Context, db *sqldb.DB) error { return db.Ping(ctx) },
			"Open": func(ctx context.Context, _ *sqldb.DB) error {
				_, err := sqldb.Open(ctx, url, sqldb.Options{})
				return err
			},
			"Exec": inTx(func(ctx context.Context, tx *sqldb.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE cup SET hits = 1")
				return err
			}),
			"Insert":  inTx(func(ctx context.Context, tx *sqldb.Tx) error { return insert(ctx, tx, []any{2, "bob"}) }),
			"NextID":  inTx(func(ctx context.Context, tx *sqldb.Tx) error { _, err := tx.NextID(ctx, "cup"); return err }),
			"Reserve": inTx(func(ctx context.Context, tx *sqldb.Tx) error { return tx.ReserveIDs(ctx, "cup", 9) }),
			"ended under it": func(ctx context.Context, db *sqldb.DB) error { // on servers database/sql knows only that the transaction is over
				return db.Tx(ctx, func(tx *sqldb.Tx) error {
					for end := ctx.Done(); ; {
						select {
						case <-end:
							return insert(context.WithoutCancel(ctx), tx, []any{3, "eve"})
						default:
						}
						if err := insert(context.WithoutCancel(ctx), tx, []any{3, "eve"}); err != nil {
							return fmt.Errorf("insert: %w", err)
						}
						if _, err := tx.Exec(context.WithoutCancel(ctx), "DELETE FROM cup WHERE id = 3"); err != nil {
							return fmt.Errorf("delete: %w", err)
						}
					}
				})
			},
		} {
			for _, before := range []bool{true, false} {
				if !before && what != "Get" && what != "Select" && !strings.HasPrefix(what, "ended") {
					continue // too quick to be struck in the middle
				}
				ctx, cancel := context.WithCancel(t.Context())
				if before {
					cancel()
				} else {
					time.AfterFunc(30*time.Millisecond, cancel)
				}
				if err := f(ctx, db); !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.Canceled) {
					t.Errorf("%s, ended before %v: kind %v: %v", what, before, fault.KindOf(err), err)
				}
				cancel()
			}
		}
		expectNames(t, db, "ann")
	})
}

// Two transactions that lock the same rows in opposite order both come through.
func TestTxDeadlock(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		if db.Engine() == sqldb.SQLite {
			return // its writers wait at the beginning: TestTxBusy
		}
		ctx := t.Context()
		fill(t, db, []any{1, "ann"}, []any{2, "bob"})
		var attempts atomic.Int32
		var both sync.WaitGroup
		both.Add(2)
		var wg sync.WaitGroup
		for _, order := range [][]int64{{1, 2}, {2, 1}} {
			wg.Go(func() {
				first := true
				err := db.Tx(ctx, func(tx *sqldb.Tx) error {
					attempts.Add(1)
					for i, id := range order {
						if _, err := tx.Exec(ctx, "UPDATE cup SET hits = hits + 1 WHERE id = ?", id); err != nil {
							return err
						}
						if i == 0 && first {
							first = false
							both.Done()
							both.Wait()
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if attempts.Load() != 3 {
			t.Errorf("%d attempts, want 3", attempts.Load())
		}
		var hits []int
		if err := db.Select(ctx, &hits, "SELECT hits FROM cup ORDER BY id"); err != nil || cmp.Diff([]int{2, 2}, hits) != "" {
			t.Errorf("hits %v, %v", hits, err)
		}
	})
}

// A writer of another process is waited for; when the engine still says busy, f is run again, eight times in all.
func TestTxBusy(t *testing.T) {
	url := dbtest.URL(t, sqldb.SQLite)
	ctx := t.Context()
	db, other := open(t, url), open(t, url)
	if _, err := db.SQL().Exec("CREATE TABLE cup (id BIGINT PRIMARY KEY, name VARCHAR(40))"); err != nil {
		t.Fatal(err)
	}
	impatient, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(url, "sqlite:")+"?_pragma=busy_timeout(0)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer impatient.Close()
	inside, release := make(chan bool), make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() {
		err := other.Tx(ctx, func(tx *sqldb.Tx) error {
			close(inside)
			<-release
			return insert(ctx, tx, []any{1, "first"})
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-inside
	_, busy := impatient.BeginTx(ctx, nil)
	if busy == nil {
		t.Fatal("two writers at once")
	}
	wg.Go(func() {
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			expectNames(t, tx, "first")
			return insert(ctx, tx, []any{2, "second"})
		})
		if err != nil {
			t.Error(err)
		}
	})
	time.Sleep(100 * time.Millisecond)
	close(release)
	wg.Wait()
	expectNames(t, db, "first", "second")

	for _, fails := range []int{3, 7, 8} {
		n := 0
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			if n++; n <= fails {
				return busy
			}
			return nil
		})
		if want := min(fails+1, 8); n != want || (err == nil) != (fails < 8) || err != nil && !fault.Is(err, fault.Unavailable) {
			t.Errorf("busy %d times: %d attempts, want %d: %v", fails, n, want, err)
		}
	}
}

// A row that another transaction holds is passed over, or waited for.
func TestRowLocks(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		ctx := t.Context()
		fill(t, db, []any{1, "ann"}, []any{2, "bob"})
		if db.Engine() == sqldb.SQLite {
			return // the writer is alone
		}
		err := db.Tx(ctx, func(one *sqldb.Tx) error {
			var id int64
			if err := one.Get(ctx, &id, "SELECT id FROM cup WHERE id = 1"+one.LockRows()); err != nil {
				return err
			}
			return db.Tx(ctx, func(two *sqldb.Tx) error {
				var ids []int64
				if err := two.Select(ctx, &ids, "SELECT id FROM cup ORDER BY id"+two.SkipLocked()); err != nil {
					return err
				}
				if diff := cmp.Diff([]int64{2}, ids); diff != "" {
					t.Error(diff)
				}
				short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
				defer cancel()
				return two.Get(short, &id, "SELECT id FROM cup WHERE id = 1"+two.LockRows())
			})
		})
		if !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a row that is locked was had: %v", err)
		}
	})
}

// TestShort: on SQLite a short read is not given up when its context ends; none begins after that.
func TestShort(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		fill(t, db, []any{1, "ann"})
		ctx, cancel := context.WithCancel(t.Context())
		short := sqldb.Short(ctx, db)
		cancel()
		var name string
		err := db.Get(short, &name, "SELECT name FROM cup WHERE id = 1")
		if lasts := db.Engine() == sqldb.SQLite; lasts != (err == nil) || lasts != (name == "ann") {
			t.Errorf("begun before the end: %q, %v", name, err)
		}
		if err := db.Get(sqldb.Short(ctx, db), &name, "SELECT name FROM cup WHERE id = 1"); !errors.Is(err, context.Canceled) {
			t.Errorf("begun after it: %v", err)
		}
		err = db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			if sqldb.Short(ctx, tx) != ctx {
				t.Error("a transaction has its own way, see ShortStatements")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
