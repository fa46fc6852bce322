// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// SetBot says whether a program sends what comes from a person's address (found by number or address), nil that each mail tells by itself, and lets all series
// be looked at again: a program's reply is no review. See Sweeping for what is not done on return.
func SetBot(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, person string, bot *bool, only func(context.Context, *sqldb.Tx) error) (account.Person, error) {
	var p account.Person
	err := administer(ctx, db, by, now, "person update", "person "+person, func(tx *sqldb.Tx) (err error) {
		if p, err = account.FindPerson(ctx, tx, person); err != nil {
			return err
		}
		projects, err := lockProjectsOf(ctx, tx, allProjects)
		if err != nil {
			return err
		}
		if only != nil {
			if err := only(ctx, tx); err != nil {
				return err
			}
		}
		changed, err := account.SetBot(ctx, tx, p.ID, bot)
		if err != nil || !changed {
			return err
		}
		p.Bot = bot
		return lookAgain(ctx, tx, now, projects, false)
	})
	return p, err
}
