// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode/utf8"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/passhash"
	"patchwork.example/pw/internal/outmail"
)

// Registration is what a visitor says who wants an account.
type Registration struct {
	Username, Email, FirstName, LastName, Password string
}

// registrationName is what names may be made of that visitors choose, as in Patchwork 3.2; administrators have more choice.
var registrationName = regexp.MustCompile(`^\w{1,30}$`)

func (r Registration) user(now clock.Time) (User, error) {
	u := User{Username: r.Username, Email: r.Email, FirstName: r.FirstName, LastName: r.LastName, ItemsPerPage: 100, CreatedAt: now, Pending: true}
	switch {
	case r.Username == "" || r.Email == "" || r.Password == "":
		return u, fault.New(fault.Invalid, "fill in a user name, an e-mail address and a password")
	case !registrationName.MatchString(r.Username):
		return u, fault.New(fault.Invalid, "the user name may have 1 to 30 letters from a to z, digits and underscores")
	case utf8.RuneCountInString(r.Email) > 100 || outmail.CheckAddress(r.Email) != nil:
		return u, fault.New(fault.Invalid, "the e-mail address is not one that mail can be sent to")
	}
	if err := u.valid(); err != nil {
		return u, err
	}
	return u, CheckPasswordOf(u, r.Password)
}

// ErrTaken is the error of a registration under the name of another user.
var ErrTaken = fault.New(fault.Conflict, "this username is already taken. Please choose another")

// Register makes a user who can do nothing before he opens the page that a mail to his address names; see Confirm. remote is the visitor.
//
// Whether the address has an account already is told to that address only: the visitor gets the same answer, after the same work. A name that is
// taken is ErrTaken, what can't be a user is fault.Invalid, and too much of a visitor's, or for an address, is fault.Denied.
func (s *Sessions) Register(ctx context.Context, r Registration, remote string, days int) error {
	if err := s.register(ctx, r, remote, days); err != nil {
		return fmt.Errorf("register a user: %w", err)
	}
	return nil
}

func (s *Sessions) register(ctx context.Context, r Registration, remote string, days int) error {
	now := s.clock.Now()
	u, err := r.user(now)
	if err != nil {
		return err
	}
	// In a transaction of its own: also who only looks which names there are is slowed down.
	if err := s.db.Tx(ctx, func(tx *sqldb.Tx) error { return countConfirmation(ctx, tx, now, remote) }); err != nil {
		return err
	}
	if _, err := UserByName(ctx, s.db, u.Username); err == nil {
		return ErrTaken
	} else if !fault.Is(err, fault.NotFound) {
		return err
	}
	leave, err := s.gate.enter(ctx)
	if err != nil {
		return err
	}
	u.Password, err = passhash.Hash(r.Password)
	leave()
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error { return addPending(ctx, tx, now, u, days) })
}

// addPending writes a user who is to confirm his address, and the mail. Where the address has an account the user is written too, so that the name is
// taken afterwards in both cases, but nobody gets the secret that would confirm him.
func addPending(ctx context.Context, tx *sqldb.Tx, now clock.Time, u User, days int) (err error) {
	var have []string
	err = tx.Select(ctx, &have, "SELECT username FROM user_account WHERE email_key = ? AND pending = FALSE ORDER BY id LIMIT 5", fold.Key(u.Email))
	if err != nil {
		return err
	}
	if u.ID, err = tx.NextID(ctx, "user"); err != nil {
		return err
	}
	err = insertUser(ctx, tx, u)
	if fault.Is(err, fault.Conflict) {
		return ErrTaken
	}
	if err != nil {
		return err
	}
	secret, err := beginConfirmation(ctx, tx, now, Confirmation{Kind: ConfirmRegistration, Email: u.Email, User: u.ID})
	if err != nil {
		return err
	}
	m := registrationMail(u, confirmPath(secret), days)
	if len(have) > 0 {
		m = knownMail(u, have)
	}
	_, err = outmail.Queue(ctx, tx, now, m)
	return err
}

func registrationMail(u User, path string, days int) outmail.Mail {
	text := fmt.Sprintf(`Hello,

somebody, probably you, registered this address at Patchwork, with the user
name %s.

To confirm it, open this page and press the button:

    %s

The page works for %d days. If you do not want this, ignore this mail: without
you nobody can use the account, and it will be removed.
`, u.Username, outmail.Link(path), days)
	return outmail.Mail{Kind: "confirm-registration", To: mail.Address{Address: u.Email}, Subject: "Patchwork account confirmation", Text: text, Private: true, Always: true}
}

func knownMail(u User, have []string) outmail.Mail {
	text := fmt.Sprintf(`Hello,

somebody, probably you, wanted to register this address at Patchwork, with the
user name %s. It has an account already:

    %s

Log in there:

    %s

If you have forgotten your password, ask for a new one:

    %s

If it was not you, ignore this mail: nothing will change.
`, u.Username, strings.Join(have, ", "), outmail.Link("/user/login/"), outmail.Link("/user/password-reset/"))
	return outmail.Mail{Kind: "confirm-registration", To: mail.Address{Address: u.Email}, Subject: "Patchwork account confirmation", Text: text, Private: true, Always: true}
}

// registered lets in whose address was confirmed; mail from it is his.
func registered(ctx context.Context, tx *sqldb.Tx, by Actor, now clock.Time, c Confirmation) error {
	var u User
	err := tx.Get(ctx, &u, "SELECT "+userColumns+" FROM user_account WHERE id = ?"+tx.LockRows(), c.User)
	if fault.Is(err, fault.NotFound) {
		return errNoConfirmation
	}
	if err != nil {
		return err
	}
	if u.IsActive {
		return fault.New(fault.Conflict, "this confirmation has already been processed")
	}
	others, err := UsersByEmail(ctx, tx, []string{fold.Key(u.Email)})
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return fault.New(fault.Conflict, "this address has an account already")
	}
	if _, err := tx.Exec(ctx, "UPDATE user_account SET is_active = TRUE, pending = FALSE WHERE id = ?", u.ID); err != nil {
		return err
	}
	if err := addPerson(ctx, tx, u, u.Email); err != nil {
		return err
	}
	return event.Audit(ctx, tx, event.Audited{At: now, Actor: u.ID, Via: by.Via, Verb: "user register", Subject: "user " + u.Username})
}

// addPerson gives the person with an address to a user, unless he belongs to somebody; one is made if need be.
func addPerson(ctx context.Context, tx *sqldb.Tx, u User, email string) error {
	var known int
	if err := tx.Get(ctx, &known, "SELECT COUNT(*) FROM person WHERE email_key = ?", personKey(email)); err != nil {
		return err
	}
	if known == 0 {
		id, err := tx.NextID(ctx, "person")
		if err != nil {
			return err
		}
		name := fold.Cut(strings.TrimSpace(u.FirstName+" "+u.LastName), 255)
		votes := min(len(name), 1)
		// Beside the taking in of a mail from there, which makes a person too.
		err = tx.Upsert(ctx, sqldb.Upsert{Table: "person", Columns: []string{"id", "email", "email_key", "name", "name_key", "name_votes"}, Key: []string{"email_key"}},
			[][]any{{id, fold.Cut(email, 255), personKey(email), sqldb.NullText(name), columnKey(name), votes}})
		if err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "UPDATE person SET user_id = ? WHERE email_key = ? AND user_id IS NULL", u.ID, personKey(email))
	return err
}

// Unconfirmed lists users who registered before an instant and never confirmed, the oldest first, at most as many as most.
func Unconfirmed(ctx context.Context, q sqldb.Queryer, before clock.Time, most int) ([]User, error) {
	var out []User
	err := q.Select(ctx, &out, "SELECT "+userColumns+" FROM user_account WHERE pending = TRUE AND created_at < ? ORDER BY created_at, id LIMIT ?", int64(before), most)
	if err != nil {
		return nil, fmt.Errorf("list unconfirmed registrations: %w", err)
	}
	return out, nil
}

// LockUnconfirmed reads a user under lock; fault.NotFound if he has confirmed meanwhile.
func LockUnconfirmed(ctx context.Context, tx *sqldb.Tx, id int64) (User, error) {
	var u User
	err := tx.Get(ctx, &u, "SELECT "+userColumns+" FROM user_account WHERE id = ? AND pending = TRUE"+tx.LockRows(), id)
	return u, err
}
