// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/outmail"
)

// Optout is an address that gets no notices: nothing that the site sends without having been asked for it at that moment.
type Optout struct {
	Email     string     `db:"email_key"` // folded
	CreatedAt clock.Time `db:"created_at"`
}

// Optouts lists them by address.
func Optouts(ctx context.Context, q sqldb.Queryer) ([]Optout, error) {
	var out []Optout
	if err := q.Select(ctx, &out, "SELECT email_key, created_at FROM email_optout ORDER BY email_key"); err != nil {
		return nil, fmt.Errorf("list who opted out: %w", err)
	}
	return out, nil
}

// OptedOut tells whether an address, in any letter case, gets no notices.
func OptedOut(ctx context.Context, q sqldb.Queryer, email string) (bool, error) {
	var n int
	if err := q.Get(ctx, &n, "SELECT COUNT(*) FROM email_optout WHERE email_key = ?", personKey(email)); err != nil {
		return false, fmt.Errorf("ask whether %s opted out: %w", email, err)
	}
	return n > 0, nil
}

// OptOut stops notices to an address, in the caller's transaction; it may be stopped already.
func OptOut(ctx context.Context, tx *sqldb.Tx, now clock.Time, email string) error {
	err := tx.Upsert(ctx, sqldb.Upsert{Table: "email_optout", Columns: []string{"email_key", "created_at"}, Key: []string{"email_key"}}, [][]any{{personKey(email), int64(now)}})
	if err != nil {
		return fmt.Errorf("opt out %s: %w", email, err)
	}
	return nil
}

// OptIn lets an address have notices again, also if mail to it had been suspended because it came back; was tells whether it had opted out.
func OptIn(ctx context.Context, tx *sqldb.Tx, email string) (was bool, err error) {
	n, err := tx.Exec(ctx, "DELETE FROM email_optout WHERE email_key = ?", personKey(email))
	if err == nil {
		_, err = outmail.Resume(ctx, tx, email)
	}
	if err != nil {
		return false, fmt.Errorf("opt in %s: %w", email, err)
	}
	return n > 0, nil
}

// SetOptout is OptOut or OptIn by an administrator. To opt in who had not opted out is fault.NotFound.
func SetOptout(ctx context.Context, db *sqldb.DB, by Actor, now clock.Time, email string, out bool) error {
	verb := map[bool]string{true: "optout add", false: "optout remove"}[out]
	if err := by.RequireAdmin("say who gets notices"); err != nil {
		return err
	}
	if err := outmail.CheckAddress(email); err != nil {
		return err
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := setOptout(ctx, tx, now, email, out); err != nil {
			return err
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: verb, Subject: "address " + email})
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", verb, email, err)
	}
	return nil
}

func setOptout(ctx context.Context, tx *sqldb.Tx, now clock.Time, email string, out bool) error {
	if out {
		return OptOut(ctx, tx, now, email)
	}
	was, err := OptIn(ctx, tx, email)
	if err == nil && !was {
		return fault.New(fault.NotFound, "%s has not opted out", email)
	}
	return err
}

// Unsubscriber is the address, folded, that a link to unsubscribe is for; fault.NotFound if the site never wrote it.
func Unsubscriber(ctx context.Context, db *sqldb.DB, now clock.Time, token string) (email string, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		sign, err := outmail.LoadSigner(ctx, tx, now)
		if err == nil {
			email, err = sign.Unsubscriber(token)
		}
		return err
	})
	return email, err
}

// Unsubscribe stops notices to the address whose link was followed; see outmail.Signer. It returns the address.
func Unsubscribe(ctx context.Context, db *sqldb.DB, now clock.Time, token string) (email string, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		sign, err := outmail.LoadSigner(ctx, tx, now)
		if err != nil {
			return err
		}
		if email, err = sign.Unsubscriber(token); err != nil {
			return err
		}
		return OptOut(ctx, tx, now, email)
	})
	return email, err
}
