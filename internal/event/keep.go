// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"context"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// pruneBatch is how many events one transaction of Prune deletes.
const pruneBatch = 1000

// Prune deletes events from before a time that have their position, a thousand per transaction, and returns how many. Positions are not given again.
func Prune(ctx context.Context, db *sqldb.DB, before clock.Time) (total int64, err error) {
	for {
		var ids []int64
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			ids = nil
			err := tx.Select(ctx, &ids, "SELECT id FROM event WHERE at < ? AND pos IS NOT NULL ORDER BY at, id LIMIT ?", int64(before), pruneBatch)
			if err != nil || len(ids) == 0 {
				return err
			}
			return remove(ctx, tx, ids)
		})
		if err != nil {
			return total, wrap(err, "delete old events")
		}
		total += int64(len(ids))
		if len(ids) < pruneBatch {
			return total, nil
		}
	}
}

func remove(ctx context.Context, tx *sqldb.Tx, ids []int64) error {
	if err := discount(ctx, tx, ids); err != nil {
		return err
	}
	for _, query := range []string{"DELETE FROM event_subject WHERE event_id IN (?)", "DELETE FROM event WHERE id IN (?)"} {
		if _, err := tx.Exec(ctx, query, ids); err != nil {
			return err
		}
	}
	return nil
}

// Late counts the events from before a time that have no position: nobody relays them.
func Late(ctx context.Context, q sqldb.Queryer, before clock.Time) (n int64, err error) {
	err = q.Get(ctx, &n, "SELECT COUNT(*) FROM event WHERE pos IS NULL AND at < ?", int64(before))
	return n, wrap(err, "look for events without a position")
}

// Ahead counts the events and consumers whose position is above the highest one that was given; with repair that is raised above them.
func Ahead(ctx context.Context, tx *sqldb.Tx, repair bool) (n int64, err error) {
	err = tx.Get(ctx, &n, `SELECT (SELECT COUNT(*) FROM event WHERE pos > l.pos) + (SELECT COUNT(*) FROM event_consumer c WHERE c.pos > l.pos) FROM event_last l WHERE l.id = 1`)
	if err != nil || n == 0 || !repair {
		return n, wrap(err, "compare positions of events")
	}
	var top int64
	err = tx.Get(ctx, &top, "SELECT COALESCE(MAX(p), 0) FROM (SELECT MAX(pos) AS p FROM event UNION ALL SELECT MAX(pos) FROM event_consumer) x")
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE event_last SET pos = ? WHERE id = 1", top)
	}
	return n, wrap(err, "raise the last position of events")
}

// Lag is how many positions a consumer is behind.
type Lag struct {
	Name   string
	Behind int64
}

// Lags tells of all consumers how far they are behind.
func Lags(ctx context.Context, q sqldb.Queryer) ([]Lag, error) {
	var out []Lag
	err := q.Select(ctx, &out, "SELECT c.name, l.pos - c.pos AS behind FROM event_consumer c, event_last l WHERE l.id = 1 ORDER BY c.name")
	return out, wrap(err, "compare consumers of events")
}
