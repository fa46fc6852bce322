// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// CountGuess counts a secret of some kind that a visitor got wrong, by the network he comes from, with the rule for logins. It is fault.Denied, with a
// Throttled, when there were too many. Visitors who can't be told apart (see network) are not counted.
func CountGuess(ctx context.Context, db *sqldb.DB, now clock.Time, kind, remote string) error {
	n := network(remote)
	if n == "" {
		return nil
	}
	limits := []limit{newLimit(kind+" network "+n, ruleForNetworks, false)}
	err := db.Tx(ctx, func(tx *sqldb.Tx) error { return countFailure(ctx, tx, now, limits) })
	if err != nil {
		return fmt.Errorf("count a wrong secret: %w", err)
	}
	return nil
}
