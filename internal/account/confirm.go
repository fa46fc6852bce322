// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/mail"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/outmail"
)

// Kinds of confirmation. The words are those of Patchwork 3.2, but for the last.
const (
	ConfirmOptOut       = "optout"
	ConfirmOptIn        = "optin"
	ConfirmRegistration = "registration" // of a new account
	ConfirmPerson       = "userperson"   // of one more address of a user
	ConfirmReset        = "reset"        // of who forgot his password
)

// Confirmation is a question that was put by mail.
type Confirmation struct {
	ID        int64
	Kind      string
	Email     string
	User      int64      `db:"user_id"` // 0: of nobody
	CreatedAt clock.Time `db:"created_at"`
	Active    bool       // not answered yet
}

const (
	// confirmKeyBytes is 160 random bits, of which only the hash is stored.
	confirmKeyBytes = 20
	// mailsPerAddress is how many confirmations of a kind an address may be sent in confirmWindow, whoever asks: these pages must not be a way to
	// fill somebody's mailbox.
	mailsPerAddress = 3
	confirmWindow   = 24 * time.Hour
)

// ruleForConfirmations slows down who asks for many, from one network.
var ruleForConfirmations = rule{free: 10, first: time.Minute, most: time.Hour}

// beginConfirmation writes a confirmation and returns the secret that answers it. Too many of a kind to one address are fault.Denied.
func beginConfirmation(ctx context.Context, tx *sqldb.Tx, now clock.Time, c Confirmation) (secret string, err error) {
	var n int
	key := personKey(c.Email)
	err = tx.Get(ctx, &n, "SELECT COUNT(*) FROM email_confirmation WHERE email = ? AND created_at > ? AND kind = ?", key, int64(now.Add(-confirmWindow)), c.Kind)
	if err != nil {
		return "", err
	}
	if n >= mailsPerAddress {
		return "", fault.New(fault.Denied, "%d mails were sent to this address today; look for them in its mailbox", n)
	}
	id, err := tx.NextID(ctx, "email_confirmation")
	if err != nil {
		return "", err
	}
	raw := make([]byte, confirmKeyBytes)
	rand.Read(raw) // never fails, see crypto/rand
	secret = hex.EncodeToString(raw)
	return secret, tx.Insert(ctx, "email_confirmation", []string{"id", "kind", "email", "user_id", "key_hash", "created_at", "active"},
		[][]any{{id, c.Kind, key, sqldb.NullID(c.User), tokenHash(secret), int64(now), true}})
}

// confirmPath is the page that answers a confirmation.
func confirmPath(secret string) string { return "/confirm/" + secret + "/" }

// closeConfirmations makes the open questions of a kind to a user worthless.
func closeConfirmations(ctx context.Context, tx *sqldb.Tx, user int64, kind string) error {
	_, err := tx.Exec(ctx, "UPDATE email_confirmation SET active = FALSE WHERE user_id = ? AND kind = ? AND active = TRUE", user, kind)
	return err
}

// AskOptout sends a mail to an address by which its owner can stop notices (kind ConfirmOptOut) or have them again (ConfirmOptIn). remote is who asks;
// too many of his, or to the address, are fault.Denied.
func AskOptout(ctx context.Context, db *sqldb.DB, now clock.Time, kind, email, remote string, days int) error {
	if err := outmail.CheckAddress(email); err != nil {
		return err
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := countConfirmation(ctx, tx, now, remote); err != nil {
			return err
		}
		out, err := OptedOut(ctx, tx, email)
		if err != nil {
			return err
		}
		if out == (kind == ConfirmOptOut) {
			return fault.New(fault.Conflict, "%s", map[bool]string{true: "this address gets no notices already", false: "this address has not opted out"}[out])
		}
		secret, err := beginConfirmation(ctx, tx, now, Confirmation{Kind: kind, Email: email})
		if err != nil {
			return err
		}
		_, err = outmail.Queue(ctx, tx, now, optoutMail(kind, email, confirmPath(secret), days))
		return err
	})
	if err != nil {
		return fmt.Errorf("ask %s to confirm %s: %w", email, kind, err)
	}
	return nil
}

func countConfirmation(ctx context.Context, tx *sqldb.Tx, now clock.Time, remote string) error {
	n := network(remote)
	if n == "" {
		return nil
	}
	return countFailure(ctx, tx, now, []limit{newLimit("confirmations "+n, ruleForConfirmations, false)})
}

func optoutMail(kind, email, path string, days int) outmail.Mail {
	subject, wish := "Patchwork opt-out request", "no longer send notices to this address"
	if kind == ConfirmOptIn {
		subject, wish = "Patchwork opt-in request", "send notices to this address again"
	}
	text := fmt.Sprintf(`Hello,

somebody, probably you, asked Patchwork to %s:

    %s

To confirm it, open this page and press the button:

    %s

The page works for %d days. If you do not want this, ignore this mail: nothing
will change, and you will not be asked again.
`, wish, email, outmail.Link(path), days)
	return outmail.Mail{Kind: "confirm-" + kind, To: mail.Address{Address: email}, Subject: subject, Text: text, Private: true, Always: true}
}

// FindConfirmation is the open question that a key answers. One that was answered or is older than days is fault.Conflict, an unknown one
// fault.NotFound.
func FindConfirmation(ctx context.Context, q sqldb.Queryer, now clock.Time, key string, days int) (Confirmation, error) {
	c, err := findConfirmation(ctx, q, now, key, time.Duration(days)*24*time.Hour, "")
	if err == nil && c.Kind == ConfirmReset {
		err = errNoConfirmation
	}
	return c, err
}

var errNoConfirmation = fault.New(fault.NotFound, "there is no such confirmation; was the address of the page copied whole?")

func findConfirmation(ctx context.Context, q sqldb.Queryer, now clock.Time, key string, life time.Duration, lock string) (Confirmation, error) {
	var c Confirmation
	if len(key) > 100 {
		return c, errNoConfirmation
	}
	err := q.Get(ctx, &c, "SELECT id, kind, email, COALESCE(user_id, 0) AS user_id, created_at, active FROM email_confirmation WHERE key_hash = ?"+lock, tokenHash(key))
	switch {
	case fault.Is(err, fault.NotFound):
		return c, errNoConfirmation
	case err != nil:
		return c, fmt.Errorf("find a confirmation: %w", err)
	case !c.Active:
		return c, fault.New(fault.Conflict, "this confirmation has already been processed")
	case now.Sub(c.CreatedAt) > life:
		return c, fault.New(fault.Conflict, "this confirmation has expired; ask for a new one")
	}
	return c, nil
}

// Confirm does what was asked by mail, see FindConfirmation. One of another user's address than the actor's is fault.Denied.
func Confirm(ctx context.Context, db *sqldb.DB, by Actor, now clock.Time, key string, days int) (Confirmation, error) {
	var c Confirmation
	err := db.Tx(ctx, func(tx *sqldb.Tx) (err error) {
		if c, err = findConfirmation(ctx, tx, now, key, time.Duration(days)*24*time.Hour, tx.LockRows()); err != nil {
			return err
		}
		if err := confirmed(ctx, tx, by, now, c); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE email_confirmation SET active = FALSE WHERE id = ?", c.ID)
		return err
	})
	return c, err
}

func confirmed(ctx context.Context, tx *sqldb.Tx, by Actor, now clock.Time, c Confirmation) error {
	switch c.Kind {
	case ConfirmOptOut:
		return OptOut(ctx, tx, now, c.Email)
	case ConfirmOptIn:
		_, err := OptIn(ctx, tx, c.Email)
		return err
	case ConfirmRegistration:
		return registered(ctx, tx, by, now, c)
	case ConfirmPerson:
		return linked(ctx, tx, by, now, c)
	}
	return errNoConfirmation
}

// SweepConfirmations removes what was asked before an instant, answered or not.
func SweepConfirmations(ctx context.Context, db *sqldb.DB, before clock.Time) (n int64, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		n, err = tx.Exec(ctx, "DELETE FROM email_confirmation WHERE created_at < ?", int64(before))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("remove old confirmations: %w", err)
	}
	return n, nil
}
