// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
)

// What a token is good for.
const (
	ScopeRead   = "read"   // to look at what its user may see
	ScopeChecks = "checks" // that, and to post checks: for CI bots
	ScopeWrite  = "write"  // everything its user may do
)

// tokensPerUser bounds how many tokens a user may have.
const tokensPerUser = 100

// Token is a key to the API that stands for a user. What it is itself is told once, when it is made; only its hash is kept.
type Token struct {
	ID        int64
	Username  string
	Name      string
	Scope     string      // ScopeRead, ScopeChecks or ScopeWrite
	CreatedAt clock.Time  `db:"created_at"`
	ExpiresAt *clock.Time `db:"expires_at"` // nil: never
	UsedAt    *clock.Time `db:"used_at"`    // to the hour; nil: never
}

// NewToken says what a token is to be. Name is unique among those of the user.
type NewToken struct {
	Username, Name, Scope string
	ExpiresAt             *clock.Time
}

func (n NewToken) valid(now clock.Time) error {
	switch {
	case strings.TrimSpace(n.Name) == "" || utf8.RuneCountInString(n.Name) > 100:
		return fault.New(fault.Invalid, "a token needs a name of 1 to 100 characters")
	case n.Scope != ScopeRead && n.Scope != ScopeChecks && n.Scope != ScopeWrite:
		return fault.New(fault.Invalid, "scope %q: want read, checks or write", n.Scope)
	case n.ExpiresAt != nil && *n.ExpiresAt <= now:
		return fault.New(fault.Invalid, "the token would have expired already")
	}
	return nil
}

// CreateToken makes a token of a user and gives its secret, 40 hexadecimal digits. Administrators make tokens for everybody, others for themselves.
func CreateToken(ctx context.Context, db *sqldb.DB, by Actor, now clock.Time, n NewToken) (secret string, t Token, err error) {
	if err := n.valid(now); err != nil {
		return "", t, err
	}
	secret = newAPIToken()
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		u, err := tokenOwner(ctx, tx, by, n.Username)
		if err == nil {
			t, err = insertToken(ctx, tx, by, now, u, n, secret)
		}
		return err
	})
	if err != nil {
		return "", Token{}, fmt.Errorf("create a token: %w", err)
	}
	return secret, t, nil
}

func insertToken(ctx context.Context, tx *sqldb.Tx, by Actor, now clock.Time, u User, n NewToken, secret string) (t Token, err error) {
	var have int
	if err := tx.Get(ctx, &have, "SELECT COUNT(*) FROM api_token WHERE user_id = ?", u.ID); err != nil {
		return t, err
	}
	if have >= tokensPerUser {
		return t, fault.New(fault.Conflict, "user %q has %d tokens; revoke one first", u.Username, have)
	}
	t = Token{Username: u.Username, Name: n.Name, Scope: n.Scope, CreatedAt: now, ExpiresAt: n.ExpiresAt}
	if t.ID, err = tx.NextID(ctx, "api_token"); err != nil {
		return t, err
	}
	var expires any
	if n.ExpiresAt != nil {
		expires = int64(*n.ExpiresAt)
	}
	err = tx.Insert(ctx, "api_token", []string{"id", "user_id", "name", "token_hash", "scope", "created_at", "expires_at"},
		[][]any{{t.ID, u.ID, t.Name, tokenHash(secret), t.Scope, int64(now), expires}})
	if fault.Is(err, fault.Conflict) {
		return t, fault.New(fault.Conflict, "user %q has a token %q already", u.Username, n.Name)
	}
	if err != nil {
		return t, err
	}
	return t, event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "token create", Subject: "user " + u.Username, Detail: n.Name})
}

// RotateToken makes the one token of the actor that Patchwork 3.2 knows, named as an imported one is, and ends the one he had under that name. Others stay.
func RotateToken(ctx context.Context, db *sqldb.DB, by Actor, now clock.Time) (secret string, t Token, err error) {
	if by.User == 0 {
		return "", t, fault.New(fault.Denied, "only users have tokens")
	}
	secret = newAPIToken()
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		var u User
		if err := tx.Get(ctx, &u, "SELECT "+userColumns+" FROM user_account WHERE id = ? AND is_active = TRUE"+tx.LockRows(), by.User); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM api_token WHERE user_id = ? AND name = ?", u.ID, importedTokenName); err != nil {
			return err
		}
		t, err = insertToken(ctx, tx, by, now, u, NewToken{Username: u.Username, Name: importedTokenName, Scope: ScopeWrite}, secret)
		return err
	})
	if err != nil {
		return "", Token{}, fmt.Errorf("replace the token of user %d: %w", by.User, err)
	}
	return secret, t, nil
}

func newAPIToken() string {
	b := make([]byte, 20)
	rand.Read(b) // never fails, see crypto/rand
	return hex.EncodeToString(b)
}

func tokenOwner(ctx context.Context, q sqldb.Queryer, by Actor, username string) (User, error) {
	u, err := UserByName(ctx, q, username)
	if err != nil {
		return u, err
	}
	if !by.Admin && by.User != u.ID {
		return u, fault.New(fault.Denied, "a user manages only his own tokens")
	}
	return u, nil
}

const tokenColumns = "t.id, u.username, t.name, t.scope, t.created_at, t.expires_at, t.used_at"

// Tokens lists the tokens of a user by name; those of all users, for administrators only, if username is empty.
func Tokens(ctx context.Context, q sqldb.Queryer, by Actor, username string) ([]Token, error) {
	query, args := "SELECT "+tokenColumns+" FROM api_token t JOIN user_account u ON u.id = t.user_id", []any(nil)
	if username == "" {
		if err := by.RequireAdmin("list the tokens of all users"); err != nil {
			return nil, err
		}
	} else {
		u, err := tokenOwner(ctx, q, by, username)
		if err != nil {
			return nil, err
		}
		query, args = query+" WHERE t.user_id = ?", []any{u.ID}
	}
	var out []Token
	if err := q.Select(ctx, &out, query+" ORDER BY u.username_key, t.name", args...); err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return out, nil
}

// RevokeToken deletes a token of a user by its name; fault.NotFound if there is none.
func RevokeToken(ctx context.Context, db *sqldb.DB, by Actor, now clock.Time, username, name string) error {
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		u, err := tokenOwner(ctx, tx, by, username)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "DELETE FROM api_token WHERE user_id = ? AND name = ?", u.ID, name)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "user %q has no token %q", u.Username, name)
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "token revoke", Subject: "user " + u.Username, Detail: name})
	})
	if err != nil {
		return fmt.Errorf("revoke a token: %w", err)
	}
	return nil
}

// ErrInactive says that a token is right and its user was switched off.
var ErrInactive = fault.New(fault.Unauthenticated, "the user of this token was switched off")

// Bearer is the user a token stands for, and what it is good for. An unknown or expired token is fault.Unauthenticated, and so is ErrInactive.
func (s *Sessions) Bearer(ctx context.Context, secret string) (u User, scope string, err error) {
	now := s.clock.Now()
	var row struct {
		User
		Scope  string
		UsedAt *clock.Time `db:"used_at"`
	}
	hash := tokenHash(secret)
	err = s.db.Get(ctx, &row, "SELECT "+userColumns+`, scope, used_at FROM user_account
		JOIN (SELECT user_id, scope, used_at FROM api_token WHERE token_hash = ? AND (expires_at IS NULL OR expires_at > ?)) t ON t.user_id = id`, hash, int64(now))
	if fault.Is(err, fault.NotFound) {
		return User{}, "", fault.New(fault.Unauthenticated, "no such token")
	}
	if err != nil {
		return User{}, "", fmt.Errorf("find token: %w", err)
	}
	if !row.IsActive {
		return User{}, "", ErrInactive
	}
	if row.UsedAt == nil || now.Sub(*row.UsedAt) >= seenEvery {
		s.useToken(ctx, hash, now)
	}
	return row.User, row.Scope, nil
}

// useToken notes that a token was used. It has no error: whoever came with it is known whether or not the note could be written.
func (s *Sessions) useToken(ctx context.Context, hash []byte, now clock.Time) {
	ctx, cancel := context.WithTimeout(ctx, touchTimeout)
	defer cancel()
	s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE api_token SET used_at = ? WHERE token_hash = ?", int64(now), hash)
		return err
	})
}

// InDays is the instant so many days after now, nil for none.
func InDays(now clock.Time, days int) *clock.Time {
	if days == 0 {
		return nil
	}
	at := now.Add(time.Duration(days) * 24 * time.Hour)
	return &at
}
