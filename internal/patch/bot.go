// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/project"
)

// SetBot says whether a program sends what comes from a person's address (found by number or address), nil that each mail tells by itself, and lets all series
// be looked at again: a program's reply is no review. Administrators may say so, and who maintains a project. See Sweeping for what is not done on return.
func SetBot(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, person string, bot *bool, only func(context.Context, *sqldb.Tx) error) (account.Person, error) {
	var p account.Person
	err := db.Tx(ctx, func(tx *sqldb.Tx) (err error) {
		if err := project.RequireAnyMaintainer(ctx, tx, by, "say who is a program"); err != nil {
			return err
		}
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
		if err != nil {
			return err
		}
		if p.Bot = bot; changed {
			if err := lookAgain(ctx, tx, now, projects, false); err != nil {
				return err
			}
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "person update", Subject: "person " + person})
	})
	if err != nil {
		return account.Person{}, fmt.Errorf("person update: %w", err)
	}
	return p, nil
}
