// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/passhash"
)

const (
	// SessionLife is how long a session lives on after it was last used.
	SessionLife = 14 * 24 * time.Hour
	// seenEvery is how old the note of the last use may be: not every page view is a write.
	seenEvery = time.Hour
	// touchTimeout bounds how long a page waits for the writer only to note that a session was used.
	touchTimeout = time.Second

	tokenBytes  = 32
	tokenLength = 43 // of the base64 of tokenBytes
)

// Sessions lets users in and knows them again. All of it is in the database, so that any process knows the sessions of all others; but the
// bound on passwords being checked at once is one per Sessions, and a process makes only one.
type Sessions struct {
	db     *sqldb.DB
	clock  clock.Clock
	gate   gate
	proven *proven
	verify func(password, encoded string) (ok, upgrade bool, err error)
	// Tell sends who has changed his password, or reset it, a mail about it. Where no mail can leave it would wait for ever.
	Tell bool
}

// NewSessions makes the Sessions of a process.
func NewSessions(db *sqldb.DB, c clock.Clock) *Sessions {
	return &Sessions{db: db, clock: c, gate: newGate(), proven: newProven(), verify: passhash.Verify}
}

// Visitor is the active user whose session the token is. An unknown or expired token, or one of a user who was switched off, is
// fault.Unauthenticated. The session lives on for SessionLife from now.
func (s *Sessions) Visitor(ctx context.Context, token string) (User, error) {
	now := s.clock.Now()
	var row struct {
		User
		SeenAt clock.Time `db:"seen_at"`
	}
	if len(token) != tokenLength {
		return User{}, errNoSession
	}
	id := tokenHash(token)
	err := s.db.Get(ctx, &row, "SELECT "+userColumns+`, seen_at FROM user_account
		JOIN (SELECT user_id, seen_at FROM login_session WHERE id_hash = ? AND expires_at > ?) s ON s.user_id = id
		WHERE is_active = TRUE`, id, int64(now))
	if fault.Is(err, fault.NotFound) {
		return User{}, errNoSession
	}
	if err != nil {
		return User{}, fmt.Errorf("find session: %w", err)
	}
	if now.Sub(row.SeenAt) >= seenEvery {
		s.touch(ctx, id, row.SeenAt, now)
	}
	return row.User, nil
}

var errNoSession = fault.New(fault.Unauthenticated, "no such session")

// touch notes that a session was used. It has no error: the visitor is known whether or not the note could be written, and the next page
// view tries again.
func (s *Sessions) touch(ctx context.Context, id []byte, seen, now clock.Time) {
	ctx, cancel := context.WithTimeout(ctx, touchTimeout)
	defer cancel()
	s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE login_session SET seen_at = ?, expires_at = ? WHERE id_hash = ? AND seen_at = ?",
			int64(now), int64(now.Add(SessionLife)), id, int64(seen))
		return err
	})
}

// Logout ends the session of a token; one that is unknown or has ended is no error.
func (s *Sessions) Logout(ctx context.Context, token string) error {
	err := s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM login_session WHERE id_hash = ?", tokenHash(token))
		return err
	})
	if err != nil {
		return fmt.Errorf("log out: %w", err)
	}
	return nil
}

// begin makes a session in the caller's transaction and removes those that are over.
func (s *Sessions) begin(ctx context.Context, tx *sqldb.Tx, user int64, now clock.Time) (token string, err error) {
	if _, err := tx.Exec(ctx, "DELETE FROM login_session WHERE expires_at <= ?", int64(now)); err != nil {
		return "", err
	}
	token = newToken()
	return token, tx.Insert(ctx, "login_session", []string{"id_hash", "user_id", "created_at", "seen_at", "expires_at"},
		[][]any{{tokenHash(token), user, int64(now), int64(now), int64(now.Add(SessionLife))}})
}

func newToken() string {
	b := make([]byte, tokenBytes)
	rand.Read(b) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

// tokenHash is what is stored: who reads the database can't take over a session.
func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// Sweep removes the sessions that have expired and the failed logins that no longer count; it returns how many sessions there were.
func Sweep(ctx context.Context, db *sqldb.DB, now clock.Time) (sessions int64, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		if sessions, err = tx.Exec(ctx, "DELETE FROM login_session WHERE expires_at <= ?", int64(now)); err != nil {
			return err
		}
		return forgetOld(ctx, tx, now)
	})
	if err != nil {
		return 0, fmt.Errorf("remove expired sessions: %w", err)
	}
	return sessions, nil
}
