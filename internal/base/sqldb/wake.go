// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"database/sql"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5/stdlib"

	"patchwork.example/pw/internal/base/fault"
)

// wakeChannel is the one channel of NOTIFY that pw uses in its database.
const wakeChannel = "patchwork"

// sleepers are those of this process who wait for commits, by what they wait for.
type sleepers struct {
	mu sync.Mutex
	by map[string][]chan struct{}
}

func (s *sleepers) wake(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.by[name] {
		select {
		case c <- struct{}{}:
		default: // it has one waiting already
		}
	}
}

func (s *sleepers) wakeAll() {
	s.mu.Lock()
	names := make([]string, 0, len(s.by))
	for name := range s.by {
		names = append(names, name)
	}
	s.mu.Unlock()
	for _, name := range names {
		s.wake(name)
	}
}

// Wake lets those who wait for name look as soon as this transaction has committed: in all processes that Listen on PostgreSQL, in this one
// elsewhere. It is a hint, and may be lost: who waits for it looks from time to time without it.
func (tx *Tx) Wake(name string) {
	if !slices.Contains(tx.wakes, name) {
		tx.wakes = append(tx.wakes, name)
	}
}

// sendWakes makes the commit that follows tell the other processes.
func (tx *Tx) sendWakes(ctx context.Context) error {
	if tx.db.engine != Postgres {
		return nil
	}
	for _, name := range tx.wakes {
		if err := tx.write(ctx, statement{text: "SELECT pg_notify($1, $2)", args: []any{wakeChannel, name}, doing: "tell others"}); err != nil {
			return err
		}
	}
	return nil
}

// Wakeups gives a channel on which there is something after commits that called Wake(name), one for any number of them, until stop is called.
func (db *DB) Wakeups(name string) (c <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	s := &db.sleepers
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string][]chan struct{}{}
	}
	s.by[name] = append(s.by[name], ch)
	return ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.by[name] = slices.DeleteFunc(s.by[name], func(c chan struct{}) bool { return c == ch })
	}
}

// Listen hears the commits of other processes for Wakeups until ctx ends (nil) or the connection, which is its own, is lost
// (fault.Unavailable). Only PostgreSQL tells; elsewhere it just waits.
func (db *DB) Listen(ctx context.Context) error {
	if db.engine != Postgres {
		<-ctx.Done()
		return nil
	}
	conn, err := db.locks.Conn(ctx)
	if err != nil {
		return classify(ctx, err)
	}
	defer conn.Close()
	err = db.listen(ctx, conn)
	if ctx.Err() != nil {
		return nil
	}
	return fault.Wrap(fault.Unavailable, err, "listen for wake-ups")
}

func (db *DB) listen(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "LISTEN "+wakeChannel); err != nil {
		return err
	}
	db.sleepers.wakeAll() // for what was said before
	return conn.Raw(func(c any) error {
		for {
			n, err := c.(*stdlib.Conn).Conn().WaitForNotification(ctx)
			if err != nil {
				return err
			}
			db.sleepers.wake(n.Payload)
		}
	})
}
