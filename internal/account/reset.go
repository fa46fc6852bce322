// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/mail"
	"strconv"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/passhash"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/outmail"
)

// ResetLife is how long a link to choose a new password works.
const ResetLife = 24 * time.Hour

// ResetJob is the kind of the jobs that find out who forgot his password.
const ResetJob = "password-reset"

// ruleForResets slows down who asks for one address over and over, from wherever.
var ruleForResets = rule{free: 5, first: 10 * time.Minute, most: time.Hour}

type resetPayload struct {
	Email string `json:"email"`
}

// AskReset has a link to choose a new password sent to the users with an address, if there are any: that is found out by a job (see ResetKind), so that
// neither the answer nor its time tells. remote is who asks; too much of his, or for the address, is fault.Denied.
func AskReset(ctx context.Context, db *sqldb.DB, now clock.Time, email, remote string) error {
	if err := outmail.CheckAddress(email); err != nil {
		return err
	}
	key := personKey(email)
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := countConfirmation(ctx, tx, now, remote); err != nil {
			return err
		}
		if err := countFailure(ctx, tx, now, []limit{newLimit("resets "+key, ruleForResets, false)}); err != nil {
			return err
		}
		_, err := job.Enqueue(ctx, tx, now, job.New{Kind: ResetJob, Target: ResetJob + ":" + key, Payload: resetPayload{key}})
		return err
	})
	if err != nil {
		return fmt.Errorf("ask for a new password: %w", err)
	}
	return nil
}

// ResetKind is the kind of job that does what AskReset promises.
func ResetKind(db *sqldb.DB, c clock.Clock) job.Kind {
	return job.Kind{Name: ResetJob, Parallel: 2, Handle: func(ctx context.Context, j job.Job) error {
		var p resetPayload
		if err := j.Decode(&p); err != nil {
			return err
		}
		// Like the 3.2's: who has no password logs in by other means, and gets none by this.
		var users []User
		err := db.Select(ctx, &users, "SELECT "+userColumns+` FROM user_account WHERE email_key = ? AND is_active = TRUE AND password <> '' AND password NOT LIKE '!%'
			ORDER BY id LIMIT 3`, p.Email)
		if err != nil {
			return fmt.Errorf("find who forgot his password: %w", err)
		}
		return db.Tx(ctx, func(tx *sqldb.Tx) error {
			for _, u := range users {
				_, err := queueReset(ctx, tx, c.Now(), u)
				if err != nil && !fault.Is(err, fault.Denied) { // enough of them today
					return err
				}
			}
			return nil
		})
	}}
}

// queueReset makes a link and the mail with it.
func queueReset(ctx context.Context, tx *sqldb.Tx, now clock.Time, u User) (path string, err error) {
	if path, err = beginReset(ctx, tx, now, u); err != nil {
		return "", err
	}
	_, err = outmail.Queue(ctx, tx, now, resetMail(u, path))
	return path, err
}

func beginReset(ctx context.Context, tx *sqldb.Tx, now clock.Time, u User) (path string, err error) {
	secret, err := beginConfirmation(ctx, tx, now, Confirmation{Kind: ConfirmReset, Email: u.Email, User: u.ID})
	if err != nil {
		return "", err
	}
	return "/user/password-reset/" + base64.RawURLEncoding.EncodeToString(strconv.AppendInt(nil, u.ID, 10)) + "/" + secret + "/", nil
}

func resetMail(u User, path string) outmail.Mail {
	text := fmt.Sprintf(`Hello,

somebody, probably you, asked for a new password of the account %s at Patchwork.
To choose one, open this page:

    %s

It works once, in the next %d hours. If you do not want this, ignore this mail:
your password stays as it is.
`, u.Username, outmail.Link(path), int(ResetLife.Hours()))
	return outmail.Mail{Kind: "password-reset", To: mail.Address{Address: u.Email}, Subject: "Patchwork password reset", Text: text, Private: true, Always: true}
}

// SendReset makes a link by which an active user chooses a password, also if he has none yet, and returns its path. With mailed it goes to his address, too.
func SendReset(ctx context.Context, db *sqldb.DB, by Actor, now clock.Time, name string, mailed bool) (path string, err error) {
	if err := by.RequireAdmin("reset passwords"); err != nil {
		return "", err
	}
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		u, err := UserByName(ctx, tx, name)
		if err != nil {
			return err
		}
		if !u.IsActive {
			return fault.New(fault.Conflict, "user %q is not active", u.Username)
		}
		begin := beginReset
		if mailed {
			begin = queueReset
		}
		if path, err = begin(ctx, tx, now, u); err != nil {
			return err
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "user reset", Subject: "user " + u.Username})
	})
	if err != nil {
		return "", fmt.Errorf("reset the password of %q: %w", name, err)
	}
	return path, nil
}

var errNoReset = fault.New(fault.NotFound, "there is no such link to a new password; was the address of the page copied whole?")

// FindReset is the active user whose link to a new password has these two parts. One that was used, or is older than ResetLife, is fault.Conflict, an
// unknown one fault.NotFound.
func FindReset(ctx context.Context, q sqldb.Queryer, now clock.Time, user, secret string) (User, error) {
	u, _, err := findReset(ctx, q, now, user, secret, "")
	return u, err
}

func findReset(ctx context.Context, q sqldb.Queryer, now clock.Time, user, secret, lock string) (u User, c Confirmation, err error) {
	id, err := base64.RawURLEncoding.DecodeString(user)
	if err != nil {
		return u, c, errNoReset
	}
	c, err = findConfirmation(ctx, q, now, secret, ResetLife, lock)
	belongs := c.Kind == ConfirmReset && strconv.FormatInt(c.User, 10) == string(id)
	switch {
	case fault.Is(err, fault.NotFound) || c.ID != 0 && !belongs:
		return u, c, errNoReset
	case fault.Is(err, fault.Conflict):
		return u, c, fault.New(fault.Conflict, "this link was used already, or is too old, or the password was changed since; ask for a new one")
	case err != nil:
		return u, c, err
	}
	err = q.Get(ctx, &u, "SELECT "+userColumns+" FROM user_account WHERE id = ? AND is_active = TRUE", c.User)
	if fault.Is(err, fault.NotFound) {
		err = errNoReset
	}
	return u, c, err
}

// ResetPassword gives the user of a link a new password, ends all his sessions and all his links; see FindReset and CheckPasswordOf.
func (s *Sessions) ResetPassword(ctx context.Context, user, secret, password string) (User, error) {
	u, err := s.resetPassword(ctx, user, secret, password)
	if err != nil {
		return User{}, fmt.Errorf("reset a password: %w", err)
	}
	return u, nil
}

func (s *Sessions) resetPassword(ctx context.Context, user, secret, password string) (User, error) {
	u, err := FindReset(ctx, s.db, s.clock.Now(), user, secret) // who has no link has nothing hashed
	if err == nil {
		err = CheckPasswordOf(u, password)
	}
	if err != nil {
		return u, err
	}
	leave, err := s.gate.enter(ctx)
	if err != nil {
		return u, err
	}
	encoded, err := passhash.Hash(password)
	leave()
	if err != nil {
		return u, err
	}
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		now := s.clock.Now()
		if u, _, err = findReset(ctx, tx, now, user, secret, tx.LockRows()); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "UPDATE user_account SET password = ? WHERE id = ? AND is_active = TRUE", encoded, u.ID)
		if err == nil && n == 0 {
			err = errNoReset
		}
		if err != nil {
			return err
		}
		return s.passwordChanged(ctx, tx, now, Actor{User: u.ID, Via: "web"}, u, "", "password reset")
	})
	return u, err
}
