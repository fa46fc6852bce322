// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/passhash"
)

// Login checks a user's name, in any letter case, and password, and begins a session. remote is the visitor's address, with or without a
// port. The stored hash of an old hasher is replaced.
//
// A wrong name, a wrong password and a user who is switched off are one and the same fault.Unauthenticated. Who failed too often is
// fault.Denied with a *Throttled as its cause. ErrBusy means that too many passwords are being checked at this moment.
func (s *Sessions) Login(ctx context.Context, name, password, remote string) (token string, u User, err error) {
	token, u, err = s.login(ctx, nameKey(name), password, remote)
	if err != nil {
		return "", User{}, fmt.Errorf("log in: %w", err)
	}
	return token, u, nil
}

func (s *Sessions) login(ctx context.Context, key, password, remote string) (string, User, error) {
	limits := limitsOf(key, remote)
	if err := checkLimits(ctx, s.db, s.clock.Now(), limits); err != nil {
		return "", User{}, err
	}
	leave, err := s.gate.enter(ctx)
	if err != nil {
		return "", User{}, err
	}
	defer leave()
	// Counted before the password is checked: otherwise as many could be tried as fit in at the same moment.
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error { return countFailure(ctx, tx, s.clock.Now(), limits) })
	if err != nil {
		return "", User{}, err
	}
	for range 3 { // two logins of one user may both want to replace his old hash
		u, encoded, err := s.check(ctx, key, password)
		if err != nil {
			return "", User{}, err
		}
		token, err := s.enter(ctx, u, encoded, limits)
		if !errors.Is(err, errChanged) {
			return token, u, err
		}
	}
	return "", User{}, errChanged
}

var (
	errWrong   = fault.New(fault.Unauthenticated, "wrong user name or password")
	errChanged = fault.New(fault.Conflict, "this account was changed at the same moment; try again")
)

// check finds the user whose name and password these are, and the hash to store: his, or a new one in place of an old hasher's.
func (s *Sessions) check(ctx context.Context, key, password string) (u User, encoded string, err error) {
	u, known, err := s.candidate(ctx, key)
	if err != nil {
		return User{}, "", err
	}
	ok, upgrade, err := s.verify(password, u.Password)
	switch {
	case known && err != nil:
		return User{}, "", fault.Wrap(fault.Unauthenticated, err, "check the stored password of user %d", u.ID)
	case !known || !ok:
		return User{}, "", errWrong
	case !upgrade:
		return u, u.Password, nil
	}
	encoded, err = passhash.Hash(password)
	if err != nil {
		return User{}, "", fmt.Errorf("replace the stored password of user %d: %w", u.ID, err)
	}
	return u, encoded, nil
}

// candidate finds the user with a name who may log in by password. If there is none it gives whoever comes next by name, known being false: to
// check the password against that hash takes as long as against one of the site's own, whichever hashers they came from.
func (s *Sessions) candidate(ctx context.Context, key string) (u User, known bool, err error) {
	var row struct {
		User
		Key string `db:"username_key"`
	}
	for _, from := range []string{key, ""} {
		err = s.db.Get(ctx, &row, "SELECT "+userColumns+`, username_key FROM user_account
			WHERE username_key >= ? AND is_active = TRUE AND password <> '' AND password NOT LIKE '!%' ORDER BY username_key LIMIT 1`, from)
		if !fault.Is(err, fault.NotFound) {
			break
		}
	}
	switch {
	case fault.Is(err, fault.NotFound):
		return User{Password: nobodysHash}, false, nil
	case err != nil:
		return User{}, false, fmt.Errorf("find user: %w", err)
	}
	return row.User, row.Key == key, nil
}

// nobodysHash stands in for a user's on a site where nobody has a password.
const nobodysHash = "$argon2id$v=19$m=19456,t=2,p=1$iOsx3y/uxYKzTb8f8p+KQA$MU5++bAhSM0duYz+ybLeytGuTJ63Sz8Hk+2/1lSpzwY"

// enter begins the session of a user whose password was right a moment ago. If it was changed since, or the user switched off, it is
// errChanged: the change ended his sessions, and none may slip in after it.
func (s *Sessions) enter(ctx context.Context, u User, encoded string, limits []limit) (token string, err error) {
	now := s.clock.Now()
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := forgiveFailure(ctx, tx, now, limits); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "UPDATE user_account SET last_login = ?, password = ? WHERE id = ? AND password = ? AND is_active = TRUE",
			int64(now), encoded, u.ID, u.Password)
		if err != nil {
			return err
		}
		if n == 0 {
			return errChanged
		}
		token, err = s.begin(ctx, tx, u.ID, now)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("begin a session of user %d: %w", u.ID, err)
	}
	return token, nil
}

// nameKey is the key of a name as typed. No name has a zero octet, which PostgreSQL refuses to compare.
func nameKey(name string) string {
	return fold.Key(strings.ReplaceAll(fold.Cut(name, 255), "\x00", "\uFFFD"))
}

const (
	checksAtOnce = 2 // an argon2id takes 19 MiB and a core
	maxWaiting   = 32
	maxWait      = 10 * time.Second
)

// ErrBusy is the error of a login when too many others are waiting for their passwords to be checked.
var ErrBusy = fault.New(fault.Unavailable, "too many are logging in at this moment")

// gate lets checksAtOnce through at once.
type gate struct {
	slots   chan struct{}
	waiting *atomic.Int32
}

func newGate() gate {
	return gate{slots: make(chan struct{}, checksAtOnce), waiting: new(atomic.Int32)}
}

func (g gate) enter(ctx context.Context) (leave func(), err error) {
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > maxWaiting {
		return nil, ErrBusy
	}
	timeout := time.NewTimer(maxWait)
	defer timeout.Stop()
	select {
	case g.slots <- struct{}{}:
		return func() { <-g.slots }, nil
	case <-timeout.C:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "wait for other passwords to be checked")
	}
}
