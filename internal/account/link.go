// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"fmt"
	"net/mail"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/outmail"
)

// AskLink sends a mail to an address that the actor says is his too; when he confirms it, mail from there counts as his. One that is his already is
// fault.Conflict. That it is somebody else's is told at the confirmation only, to who reads its mail. remote is who asks; too much of his, or to the
// address, is fault.Denied.
func AskLink(ctx context.Context, db *sqldb.DB, by Actor, now clock.Time, email, remote string, days int) error {
	if by.User == 0 {
		return fault.New(fault.Denied, "only users have addresses")
	}
	if err := outmail.CheckAddress(email); err != nil {
		return err
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := countAsking(ctx, tx, now, by.User, remote); err != nil {
			return err
		}
		var u User
		if err := tx.Get(ctx, &u, "SELECT "+userColumns+" FROM user_account WHERE id = ? AND is_active = TRUE", by.User); err != nil {
			return err
		}
		var own int
		if err := tx.Get(ctx, &own, "SELECT COUNT(*) FROM person WHERE email_key = ? AND user_id = ?", personKey(email), u.ID); err != nil {
			return err
		}
		if own > 0 {
			return fault.New(fault.Conflict, "this address is yours already")
		}
		secret, err := beginConfirmation(ctx, tx, now, Confirmation{Kind: ConfirmPerson, Email: email, User: u.ID})
		if err != nil {
			return err
		}
		_, err = outmail.Queue(ctx, tx, now, linkMail(u, email, confirmPath(secret), days))
		return err
	})
	if err != nil {
		return fmt.Errorf("ask to link %s: %w", email, err)
	}
	return nil
}

// countAsking slows down who has many mails sent: by the network he comes from, and by his account wherever he comes from.
func countAsking(ctx context.Context, tx *sqldb.Tx, now clock.Time, user int64, remote string) error {
	if err := countConfirmation(ctx, tx, now, remote); err != nil {
		return err
	}
	return countFailure(ctx, tx, now, []limit{newLimit(fmt.Sprintf("confirmations of user %d", user), ruleForConfirmations, false)})
}

func linkMail(u User, email, path string, days int) outmail.Mail {
	text := fmt.Sprintf(`Hello,

the user %s at Patchwork says that this address is his:

    %s

If that is you, open this page while you are logged in, and press the button:

    %s

The page works for %d days. If you do not want this, ignore this mail: nothing
will change.
`, u.Username, email, outmail.Link(path), days)
	return outmail.Mail{Kind: "confirm-userperson", To: mail.Address{Address: email}, Subject: "Patchwork email address confirmation", Text: text, Private: true, Always: true}
}

// MayConfirm is fault.Denied when a confirmation is for another user than the actor, and fault.Unauthenticated when nobody has logged in who must.
func (c Confirmation) MayConfirm(by Actor) error {
	switch {
	case c.Kind != ConfirmPerson || c.User == by.User && by.User != 0:
		return nil
	case by.User == 0:
		return fault.New(fault.Unauthenticated, "log in to confirm it")
	}
	return fault.New(fault.Denied, "another user has asked for this; log in as him")
}

// linked gives an address that was confirmed to its user. One that belongs to another user stays his: both would have rights by it.
func linked(ctx context.Context, tx *sqldb.Tx, by Actor, now clock.Time, c Confirmation) error {
	if err := c.MayConfirm(by); err != nil {
		return err
	}
	var u User
	if err := tx.Get(ctx, &u, "SELECT "+userColumns+" FROM user_account WHERE id = ? AND is_active = TRUE"+tx.LockRows(), c.User); err != nil {
		return err
	}
	if err := addPerson(ctx, tx, u, c.Email); err != nil {
		return err
	}
	var own int
	if err := tx.Get(ctx, &own, "SELECT COUNT(*) FROM person WHERE email_key = ? AND user_id = ?", personKey(c.Email), u.ID); err != nil {
		return err
	}
	if own == 0 {
		return fault.New(fault.Conflict, "this address belongs to another user, who must unlink it first")
	}
	return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "user link", Subject: "user " + u.Username})
}

// SetOwnNotices stops notices to an address of the actor, or lets it have them again, without asking by mail: it was confirmed when it became his. One that is not
// his is fault.NotFound.
func SetOwnNotices(ctx context.Context, db *sqldb.DB, by Actor, now clock.Time, email string, out bool) error {
	if by.User == 0 {
		return fault.New(fault.Denied, "only users have addresses")
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		var own int
		err := tx.Get(ctx, &own, `SELECT (SELECT COUNT(*) FROM person WHERE email_key = ? AND user_id = ?) + (SELECT COUNT(*) FROM user_account WHERE id = ? AND email_key = ?)`,
			personKey(email), by.User, by.User, fold.Key(email))
		if err != nil {
			return err
		}
		if own == 0 {
			return fault.New(fault.NotFound, "you have no such address")
		}
		if out {
			return OptOut(ctx, tx, now, email)
		}
		_, err = OptIn(ctx, tx, email)
		return err
	})
	if err != nil {
		return fmt.Errorf("set notices to %s: %w", email, err)
	}
	return nil
}

// OptedOutOf tells which of some addresses get no notices; the keys are folded.
func OptedOutOf(ctx context.Context, q sqldb.Queryer, emails []string) (map[string]bool, error) {
	out := map[string]bool{}
	keys := make([]string, 0, len(emails))
	for _, e := range emails {
		keys = append(keys, personKey(e))
	}
	err := sqldb.Chunks(keys, func(keys []string) error {
		var found []string
		err := q.Select(ctx, &found, "SELECT email_key FROM email_optout WHERE email_key IN (?)", keys)
		for _, key := range found {
			out[key] = true
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask who opted out: %w", err)
	}
	return out, nil
}
