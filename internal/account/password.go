// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"fmt"
	"net/mail"
	"slices"
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

// MinPassword is the least number of characters of a new password.
const MinPassword = 8

// CheckPassword is fault.Invalid for what may not become anybody's password.
func CheckPassword(password string) error {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return fault.New(fault.Invalid, "the password is too short: want at least %d characters", MinPassword)
	case len(password) > 1024:
		return fault.New(fault.Invalid, "the password is too long: want at most 1024 bytes")
	case isCommon(fold.Key(password)):
		return fault.New(fault.Invalid, "the password is among the first that anybody would try")
	}
	return nil
}

// CheckPasswordOf is CheckPassword, and fault.Invalid for what anybody knows of the user.
func CheckPasswordOf(u User, password string) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	const around = "0123456789!.?-_ "
	local, _, _ := strings.Cut(u.Email, "@")
	key := fold.Key(password)
	for _, known := range []string{u.Username, u.Email, local, u.FirstName + u.LastName, u.FirstName + " " + u.LastName} {
		known = fold.Key(known)
		bare := strings.Trim(known, around)
		if bare != "" && (key == known || strings.Trim(key, around) == bare) {
			return fault.New(fault.Invalid, "the password is the name or address of the user")
		}
	}
	return nil
}

// commonStems are what most guesses begin with. Digits and signs around them make no password of them.
var commonStems = strings.Fields(`password passwort passw0rd p@ssword p@ssw0rd passwd pass qwerty qwertyuiop qwertz qwertzuiop azerty asdfghjkl asdfasdf zxcvbnm qwerqwer qazwsxedc qazwsx
	q1w2e3r4 q1w2e3r4t5 1q2w3e4r 1q2w3e4r5t 1qaz2wsx zaq12wsx letmein welcome iloveyou sunshine princess football baseball superman batman trustno1 starwars whatever dragon monkey master
	shadow michael jennifer computer internet administrator admin root user guest login test testtest changeme default secret superuser kernel linux patchwork patch maintainer abc abcd
	abcabc hello hellohello google facebook passpass adminadmin rootroot secretsecret correcthorsebatterystaple`)

// isCommon tells whether a folded password is one of the usual ones: a common word with or without digits and signs around it, digits alone in a row
// or a date's length of them, or few characters over and over.
func isCommon(key string) bool {
	bare := strings.Trim(key, "0123456789!.?-_#*+ ")
	switch {
	case bare == "" && utf8.RuneCountInString(key) <= 12:
		return true
	case slices.Contains(commonStems, key) || slices.Contains(commonStems, bare):
		return true
	}
	return isRepeated(key) || isSequence(key)
}

// isRepeated tells whether a text is made of at most three different characters, or of a part of up to four repeated.
func isRepeated(key string) bool {
	different := map[rune]bool{}
	for _, r := range key {
		different[r] = true
	}
	if len(different) <= 3 {
		return true
	}
	for n := 1; n <= 4 && 2*n <= len(key); n++ {
		if strings.Repeat(key[:n], len(key)/n+1)[:len(key)] == key {
			return true
		}
	}
	return false
}

// isSequence tells whether each character follows, or precedes, the one before it: abcdefgh, 87654321.
func isSequence(key string) bool {
	runes := []rune(key)
	for _, step := range []rune{1, -1} {
		follows := true
		for i := 1; i < len(runes) && follows; i++ {
			follows = runes[i] == runes[i-1]+step || runes[i-1] == '9' && runes[i] == '0'
		}
		if follows {
			return true
		}
	}
	return false
}

// HasPassword tells whether there is a password that lets the user in.
func (u User) HasPassword() bool { return u.Password != "" && !strings.HasPrefix(u.Password, "!") }

func (u *User) setPassword(password string) (err error) {
	if password == "" {
		u.Password = passhash.Unusable()
		return nil
	}
	if err := CheckPasswordOf(*u, password); err != nil {
		return err
	}
	if u.Password, err = passhash.Hash(password); err != nil {
		return fmt.Errorf("hash the password: %w", err)
	}
	return nil
}

// ChangePassword gives the actor, who must know his old one, a new password. It ends all his sessions but the one whose token is given, and what links to
// reset it there are; tokens of the API stay. A wrong old password is fault.Unauthenticated, counted and slowed down as one at Login is; a new one that is too weak is
// fault.Invalid.
func (s *Sessions) ChangePassword(ctx context.Context, by Actor, session, old, password, remote string) error {
	if by.User == 0 {
		return fault.New(fault.Denied, "only users have passwords")
	}
	if err := s.changePassword(ctx, by, session, old, password, remote); err != nil {
		return fmt.Errorf("change the password of user %d: %w", by.User, err)
	}
	return nil
}

func (s *Sessions) changePassword(ctx context.Context, by Actor, session, old, password, remote string) error {
	var u User
	if err := s.db.Get(ctx, &u, "SELECT "+userColumns+" FROM user_account WHERE id = ? AND is_active = TRUE", by.User); err != nil {
		return err
	}
	if err := CheckPasswordOf(u, password); err != nil {
		return err
	}
	limits := limitsOf(fold.Key(u.Username), remote)
	if err := checkLimits(ctx, s.db, s.clock.Now(), limits); err != nil {
		return err
	}
	leave, err := s.gate.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := s.db.Tx(ctx, func(tx *sqldb.Tx) error { return countFailure(ctx, tx, s.clock.Now(), limits) }); err != nil {
		return err
	}
	ok, _, err := s.verify(old, u.Password)
	if err != nil {
		return fault.Wrap(fault.Unauthenticated, err, "check the stored password")
	}
	if !ok {
		return fault.New(fault.Unauthenticated, "the old password is wrong")
	}
	encoded, err := passhash.Hash(password)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		now := s.clock.Now()
		if err := forgiveFailure(ctx, tx, now, limits); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "UPDATE user_account SET password = ? WHERE id = ? AND password = ? AND is_active = TRUE", encoded, u.ID, u.Password)
		if err == nil && n == 0 {
			err = errChanged
		}
		if err != nil {
			return err
		}
		return s.passwordChanged(ctx, tx, now, by, u, session, "password change")
	})
}

// passwordChanged does what follows from a new password: sessions other than one, and links to reset it, end; it is written down, and the user told.
func (s *Sessions) passwordChanged(ctx context.Context, tx *sqldb.Tx, now clock.Time, by Actor, u User, session, verb string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM login_session WHERE user_id = ? AND id_hash <> ?", u.ID, tokenHash(session)); err != nil {
		return err
	}
	if err := closeConfirmations(ctx, tx, u.ID, ConfirmReset); err != nil {
		return err
	}
	if s.Tell {
		if err := queueChanged(ctx, tx, now, u, "by a form of the site"); err != nil {
			return err
		}
	}
	return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: verb, Subject: "user " + u.Username})
}

// queueChanged tells a user that he has a new password. That his address is none that mail can be sent to must not keep him from one.
func queueChanged(ctx context.Context, tx *sqldb.Tx, now clock.Time, u User, how string) error {
	if outmail.CheckAddress(u.Email) != nil {
		return nil
	}
	_, err := outmail.Queue(ctx, tx, now, changedMail(u, now, how))
	return err
}

// changedMail says nothing that would help who reads it and should not: there is no link but to a form that anybody may open.
func changedMail(u User, now clock.Time, how string) outmail.Mail {
	text := fmt.Sprintf(`Hello,

the password of the account %s at Patchwork was changed
on %s,
%s. Sessions that began before have ended.

If it was you, there is nothing to do. If not, choose another password now, and
look whether the tokens of the account are yours:

    %s

    %s
`, u.Username, now.Time().UTC().Format("2 January 2006, 15:04 UTC"), how, outmail.Link("/user/password-reset/"), outmail.Link("/user/tokens/"))
	return outmail.Mail{Kind: "password-changed", To: mail.Address{Address: u.Email}, Subject: "Your Patchwork password was changed", Text: text, Always: true}
}
