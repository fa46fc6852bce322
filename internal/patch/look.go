// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// Edition is a version of a series among all of them.
type Edition struct {
	Version
	Date    clock.Time
	Patches int        // that are here
	Looked  clock.Time // when the user last looked at it; 0: never
}

// maxEditions bounds how far versions are followed, back and forth.
const maxEditions = 100

// Editions lists all versions that a series has, itself among them, oldest first; user is whose looks are told, 0 for nobody's.
func Editions(ctx context.Context, q sqldb.Queryer, series, user int64) ([]Edition, error) {
	var out []Edition
	err := q.Select(ctx, &out, `WITH RECURSIVE back (id, previous_id, steps) AS (
			SELECT id, previous_id, 0 FROM series WHERE id = ?
			UNION ALL SELECT s.id, s.previous_id, b.steps + 1 FROM back b JOIN series s ON s.id = b.previous_id WHERE b.steps < ?),
		forth (id, steps) AS (
			SELECT id, 0 FROM back WHERE steps = (SELECT MAX(steps) FROM back)
			UNION ALL SELECT s.id, f.steps + 1 FROM forth f JOIN series s ON s.previous_id = f.id WHERE f.steps < ?)
		SELECT s.id, s.version, `+seriesName+` AS name, s.date, s.received AS patches, COALESCE(l.at, 0) AS looked
		FROM (SELECT DISTINCT id FROM forth) f JOIN series s ON s.id = f.id LEFT JOIN series_look l ON l.series_id = s.id AND l.user_id = ?
		ORDER BY s.version, s.date, s.id LIMIT ?`, series, maxEditions, 2*maxEditions, user, 2*maxEditions)
	if err != nil {
		return nil, fmt.Errorf("read the versions of series %d: %w", series, err)
	}
	return out, nil
}

// Look notes that a user has looked at a series, so that he can be shown what changed since.
func Look(ctx context.Context, db *sqldb.DB, user, series int64, now clock.Time) error {
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		u := sqldb.Upsert{Table: "series_look", Columns: []string{"series_id", "user_id", "at"}, Key: []string{"series_id", "user_id"}, Replace: []string{"at"}}
		return tx.Upsert(ctx, u, [][]any{{series, user, now}})
	})
	if err != nil {
		return fmt.Errorf("note the look at series %d: %w", series, err)
	}
	return nil
}

// LastLook is the newest of these versions before the series at hand that the user has looked at; ok tells whether there is one.
func LastLook(editions []Edition, series int64) (last Edition, ok bool) {
	for _, e := range editions {
		if e.ID == series {
			break
		}
		if e.Looked != 0 {
			last, ok = e, true
		}
	}
	return last, ok
}
