// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestSessionEndedWhileIdle: a server that ended its sessions while nobody used them, as for a restart, is asked again, over a new one. Nobody is told.
func TestSessionEndedWhileIdle(t *testing.T) {
	withTable(t, func(t *testing.T, url string, db *sqldb.DB) {
		if db.Engine() != sqldb.Postgres {
			return
		}
		fill(t, db, []any{1, "ann"})
		ctx := t.Context()
		other := open(t, url)
		ways := []struct {
			name string
			use  func() error
		}{
			{"one question", func() error { return read(ctx, db, 1) }},
			{"two questions", func() error { return read(ctx, db, 2) }},
			{"a query", func() error { var n int; return db.Get(ctx, &n, "SELECT COUNT(*) FROM cup") }},
			{"a transaction", func() error {
				return db.Tx(ctx, func(tx *sqldb.Tx) error { _, err := tx.Exec(ctx, "UPDATE cup SET hits = hits + 1"); return err })
			}},
			{"a pipeline", func() error {
				return db.Tx(ctx, func(tx *sqldb.Tx) error {
					tx.Pipeline()
					return tx.Do(ctx, "UPDATE cup SET hits = hits + 1")
				})
			}},
		}
		for _, way := range ways {
			t.Run(way.name, func(t *testing.T) {
				if err := way.use(); err != nil {
					t.Fatal(err)
				}
				dbtest.EndSessions(t, other)
				if err := way.use(); err != nil {
					t.Errorf("after the server ended its sessions: %v", err)
				}
			})
		}
		var hits int
		if err := db.Get(ctx, &hits, "SELECT hits FROM cup"); err != nil || hits != 4 {
			t.Errorf("four transactions changed the row %d times: %v", hits, err)
		}
	})
}

// read asks n questions, and wants one row of each.
func read(ctx context.Context, db *sqldb.DB, n int) error {
	rows := 0
	asks := make([]sqldb.Ask, n)
	for i := range asks {
		asks[i] = sqldb.Ask{Query: "SELECT id FROM cup", Row: func(*sqldb.Cells) error { rows++; return nil }}
	}
	err := sqldb.Read(ctx, db, asks...)
	if err == nil && rows != n {
		return fmt.Errorf("%d rows of %d questions", rows, n)
	}
	return err
}

// TestServerGoneInPipeline: a server that is lost in the middle of a transaction is an outage, and the program lives on. pgx closes the connection in a goroutine of its own, beside which nothing
// else may be written.
func TestServerGoneInPipeline(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, raw string) {
		if !strings.HasPrefix(raw, "postgres") {
			return
		}
		r, url := behindRelay(t, raw)
		db, ctx := open(t, url), t.Context()
		for range 300 {
			err := db.Tx(ctx, func(tx *sqldb.Tx) error {
				tx.Pipeline()
				var session int
				if err := tx.Get(ctx, &session, "SELECT pg_backend_pid()"); err != nil {
					return err
				}
				r.cut()
				return tx.Get(ctx, &session, "SELECT pg_backend_pid() FROM pg_sleep(1)")
			})
			expectUnavailable(t, "a query", err)
		}
	})
}
