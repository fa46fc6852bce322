// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// What to wait for with sqldb.DB.Wakeups.
const (
	WakeRelay   = "event-new" // there are events without a position
	WakeReaders = "event"     // there are new positions
)

// relayBatch is how many events get their positions in one transaction.
const relayBatch = 5000

// oldestWaiting are the events without a position that were stored first. The index of positions has them in that order, and ORDER BY says that it is to be used: else PostgreSQL passes all events
// by that have one.
const oldestWaiting = "SELECT id, at, project_id, actor_id, kind FROM event WHERE pos IS NULL ORDER BY pos LIMIT ?"

// Relay gives committed events that have none yet their positions, up to a batch of them in one transaction, and returns how many. Positions rise
// strictly from commit to commit, however many relays there are: they take turns by a row lock, and one that finds it taken does nothing. What is
// given in one batch is in the order of time. On SQLite Append itself gives positions, and there is nothing to do.
func Relay(ctx context.Context, db *sqldb.DB) (int64, error) {
	var waiting int64
	if err := db.Get(ctx, &waiting, "SELECT COUNT(*) FROM ("+oldestWaiting+") e", 1); err != nil || waiting == 0 {
		return 0, wrap(err, "look for new events")
	}
	var given int64
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		last, mine, err := takeTurn(ctx, tx)
		if err != nil || !mine {
			given = 0
			return err
		}
		give := giveSet
		if tx.Engine() == sqldb.MariaDB {
			give = giveListed
		}
		if given, err = give(ctx, tx, last); err != nil || given == 0 {
			return err
		}
		if err := tallyGiven(ctx, tx, last, given); err != nil {
			return err
		}
		tx.Wake(WakeReaders)
		_, err = tx.Exec(ctx, "UPDATE event_last SET pos = ? WHERE id = 1", last+given)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("give events their positions: %w", err)
	}
	return given, nil
}

// takeTurn locks the row of the highest position; mine is false while another relay has it.
func takeTurn(ctx context.Context, tx *sqldb.Tx) (last int64, mine bool, err error) {
	err = tx.Get(ctx, &last, "SELECT pos FROM event_last WHERE id = 1"+tx.SkipLocked())
	if fault.Is(err, fault.NotFound) {
		return 0, false, nil
	}
	return last, err == nil, err
}

// giveSet does it in one statement.
func giveSet(ctx context.Context, tx *sqldb.Tx, last int64) (int64, error) {
	return tx.Exec(ctx, `WITH fresh AS (`+oldestWaiting+`),
		ranked AS (SELECT id, ROW_NUMBER() OVER (ORDER BY at, id) AS k FROM fresh)
		UPDATE event SET pos = ? + ranked.k FROM ranked WHERE event.id = ranked.id`, relayBatch, last)
}

// giveListed is for MariaDB, whose UPDATE with a subquery would wait for rows that others are inserting.
func giveListed(ctx context.Context, tx *sqldb.Tx, last int64) (int64, error) {
	var ids []int64
	err := tx.Select(ctx, &ids, "SELECT id FROM ("+oldestWaiting+") fresh ORDER BY at, id", relayBatch)
	if err != nil {
		return 0, err
	}
	for first := 0; first < len(ids); first += 256 {
		some := ids[first:min(first+256, len(ids))]
		if _, err := tx.Exec(ctx, "UPDATE event SET pos = ? + FIELD(id, ?) WHERE id IN (?)", last+int64(first), some, some); err != nil {
			return 0, err
		}
	}
	return int64(len(ids)), nil
}

// takePositions gives n positions within the transaction that writes the events, which is alone or holds the row from now on, and returns the one before the first: on SQLite, and for imports.
func takePositions(ctx context.Context, tx *sqldb.Tx, n int) (last int64, err error) {
	if tx.Engine() == sqldb.SQLite { // in one statement
		err = tx.Get(ctx, &last, "UPDATE event_last SET pos = pos + ? WHERE id = 1 RETURNING pos", n)
		return last - int64(n), wrap(err, "take positions for events")
	}
	if _, err := tx.Exec(ctx, "UPDATE event_last SET pos = pos + ? WHERE id = 1", n); err != nil {
		return 0, wrap(err, "take positions for events")
	}
	err = tx.Get(ctx, &last, "SELECT pos FROM event_last WHERE id = 1")
	return last - int64(n), wrap(err, "take positions for events")
}

func wrap(err error, doing string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
