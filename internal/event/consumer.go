// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// consumerBatch is how many events a consumer is given in one transaction.
const consumerBatch = 500

// Consumer reads all events in order, each once. Its position is a row, which moves on in the transaction in which Handle writes what follows from
// the events, such as jobs: neither is there without the other. Handle is given up to 500 events; it must be quick and do nothing outside the transaction, and
// when it fails the same events come again later, before any others.
type Consumer struct {
	Name      string
	Filter    Filter // the others are passed over
	FromStart bool   // begin with the oldest event there is, not with the next one, when the name is new
	Handle    func(ctx context.Context, tx *sqldb.Tx, events []Stored) error
}

// Consume gives c its next events, if there are any and no other process does it now, and returns how many it has moved on; it may be called again at
// once until that is 0.
func Consume(ctx context.Context, db *sqldb.DB, now clock.Time, c Consumer) (moved int64, err error) {
	behind, err := c.behind(ctx, db, now)
	if err != nil || !behind {
		return 0, wrap(err, "consumer "+c.Name)
	}
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		moved, err = c.step(ctx, tx, now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("consumer %s: %w", c.Name, err)
	}
	return moved, nil
}

// behind tells without a lock whether there is something to read. A consumer that has no row gets one.
func (c Consumer) behind(ctx context.Context, db *sqldb.DB, now clock.Time) (bool, error) {
	var lag int64
	err := db.Get(ctx, &lag, "SELECT l.pos - c.pos FROM event_consumer c, event_last l WHERE c.name = ? AND l.id = 1", c.Name)
	if !fault.Is(err, fault.NotFound) {
		return lag > 0, err
	}
	return true, db.Tx(ctx, func(tx *sqldb.Tx) error {
		var pos int64
		if !c.FromStart {
			if pos, err = Last(ctx, tx); err != nil {
				return err
			}
		}
		return tx.Upsert(ctx, sqldb.Upsert{Table: "event_consumer", Columns: []string{"name", "pos", "updated_at"}, Key: []string{"name"}},
			[][]any{{c.Name, pos, int64(now)}})
	})
}

func (c Consumer) step(ctx context.Context, tx *sqldb.Tx, now clock.Time) (moved int64, err error) {
	var pos int64
	err = tx.Get(ctx, &pos, "SELECT pos FROM event_consumer WHERE name = ?"+tx.SkipLocked(), c.Name)
	if fault.Is(err, fault.NotFound) { // another process is at it
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	last, err := Last(ctx, tx) // before the events: those behind it are read later
	if err != nil {
		return 0, err
	}
	events, next, err := After(ctx, tx, pos, consumerBatch, c.Filter)
	if err != nil {
		return 0, err
	}
	if next == pos { // what came last was deleted
		next = last
	}
	if len(events) > 0 {
		if err := c.Handle(ctx, tx, events); err != nil {
			return 0, err
		}
	}
	return next - pos, c.move(ctx, tx, now, next)
}

func (c Consumer) move(ctx context.Context, tx *sqldb.Tx, now clock.Time, pos int64) error {
	_, err := tx.Exec(ctx, "UPDATE event_consumer SET pos = ?, updated_at = ? WHERE name = ?", pos, int64(now), c.Name)
	return err
}
