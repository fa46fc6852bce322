// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"fmt"
	"regexp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
)

// SelfChange is what users may change of themselves. What is nil stays.
type SelfChange struct {
	FirstName, LastName *string
	SendEmail, ShowIDs  *bool
	ItemsPerPage        *int
	SeriesPerPage       *int // see ListChoices

	Dates, PatchColumns, SeriesColumns *string // see ListChoices
}

// ListChoices is how a user wants his lists.
type ListChoices struct {
	Dates         string // DatesRelative or DatesAbsolute; empty: as each list has them
	PatchColumns  string `db:"patch_columns"` // names of columns, joined by commas; empty: the usual ones. What they mean is up to the lists.
	SeriesColumns string `db:"series_columns"`
	SeriesPerPage int    `db:"series_per_page"` // rows of lists of series; 0: ItemsPerPage
}

// How lists say when something was.
const (
	DatesRelative = "relative" // how long ago
	DatesAbsolute = "absolute" // the day
)

// columnsRE is a list of columns.
var columnsRE = regexp.MustCompile(`^[a-z]{1,20}(,[a-z]{1,20}){0,11}$`)

// choose sets what is not nil.
func (l *ListChoices) choose(c SelfChange) error {
	set(&l.Dates, c.Dates)
	set(&l.PatchColumns, c.PatchColumns)
	set(&l.SeriesColumns, c.SeriesColumns)
	if c.SeriesPerPage != nil {
		if l.SeriesPerPage = *c.SeriesPerPage; l.SeriesPerPage != 0 {
			if err := CheckItemsPerPage(l.SeriesPerPage); err != nil {
				return err
			}
		}
	}
	switch l.Dates {
	case "", DatesRelative, DatesAbsolute:
	default:
		return fault.New(fault.Invalid, "dates %q: want relative or absolute", l.Dates)
	}
	for _, columns := range []string{l.PatchColumns, l.SeriesColumns} {
		if columns != "" && !columnsRE.MatchString(columns) {
			return fault.New(fault.Invalid, "columns %q: want names joined by commas, twelve at most", columns)
		}
	}
	return nil
}

// MaySelf is fault.Denied unless the actor is this user: nobody else may change what only the user himself can, not even an administrator, who has
// UpdateUser.
func MaySelf(by Actor, user int64) error {
	if by.User == 0 || by.User != user {
		return fault.New(fault.Denied, "users may change themselves only")
	}
	return nil
}

// UpdateSelf changes the user who is the actor. unless is asked in the transaction, after the lock; its error ends the change. nil: nothing is asked.
func UpdateSelf(ctx context.Context, db *sqldb.DB, by Actor, now clock.Time, user int64, c SelfChange, unless func(context.Context, *sqldb.Tx) error) (User, error) {
	var u User
	if err := MaySelf(by, user); err != nil {
		return u, err
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		u = User{}
		if err := tx.Get(ctx, &u, "SELECT "+userColumns+" FROM user_account WHERE id = ?"+tx.LockRows(), user); err != nil {
			return err
		}
		if unless != nil {
			if err := unless(ctx, tx); err != nil {
				return err
			}
		}
		change := UserChange{FirstName: c.FirstName, LastName: c.LastName, SendEmail: c.SendEmail, ShowIDs: c.ShowIDs, ItemsPerPage: c.ItemsPerPage}
		if err := change.apply(&u); err != nil {
			return err
		}
		if err := u.choose(c); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE user_account SET first_name = ?, last_name = ?, send_email = ?, items_per_page = ?, show_ids = ?, dates = ?, patch_columns = ?, series_columns = ?, series_per_page = ?
			WHERE id = ?`, u.FirstName, u.LastName, u.SendEmail, u.ItemsPerPage, u.ShowIDs, u.Dates, u.PatchColumns, u.SeriesColumns, u.SeriesPerPage, u.ID)
		if err != nil {
			return err
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "user update", Subject: "user " + u.Username})
	})
	if err != nil {
		return u, fmt.Errorf("change user %d: %w", user, err)
	}
	return u, nil
}
