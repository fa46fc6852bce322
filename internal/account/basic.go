// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// Basic is the user whose name and password these are, without a session: for programs that send both with every request. It answers and throttles
// like Login, and replaces old hashes as it does. To check a password costs 19 MiB and tens of milliseconds: one that was right is remembered for
// provenFor, so that a program with a hundred requests pays once.
func (s *Sessions) Basic(ctx context.Context, name, password, remote string) (User, error) {
	u, err := s.basic(ctx, nameKey(name), password, remote)
	if err != nil {
		return User{}, fmt.Errorf("check a password: %w", err)
	}
	return u, nil
}

func (s *Sessions) basic(ctx context.Context, key, password, remote string) (User, error) {
	u, known, err := s.candidate(ctx, key)
	if err != nil {
		return User{}, err
	}
	place := network(remote)
	if known && place != "" && s.proven.has(s.clock.Now(), u, password, place) {
		return u, nil
	}
	limits := limitsOf(key, remote)
	if err := checkLimits(ctx, s.db, s.clock.Now(), limits); err != nil {
		return User{}, err
	}
	if known && s.proven.has(s.clock.Now(), u, password, place) {
		return u, nil
	}
	leave, err := s.gate.enter(ctx)
	if err != nil {
		return User{}, err
	}
	defer leave()
	if err := s.db.Tx(ctx, func(tx *sqldb.Tx) error { return countFailure(ctx, tx, s.clock.Now(), limits) }); err != nil {
		return User{}, err
	}
	u, encoded, err := s.check(ctx, key, password)
	if err != nil {
		return User{}, err
	}
	if err := s.admit(ctx, u, encoded, limits); err != nil {
		return User{}, err
	}
	u.Password = encoded
	s.proven.add(s.clock.Now(), u, password, place)
	return u, nil
}

// admit forgives the failure that was counted before a password was found right, and stores its new hash if there is one. Where another request has
// stored one at the same moment, that stays.
func (s *Sessions) admit(ctx context.Context, u User, encoded string, limits []limit) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := forgiveFailure(ctx, tx, s.clock.Now(), limits); err != nil || encoded == u.Password {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE user_account SET password = ? WHERE id = ? AND password = ?", encoded, u.ID, u.Password)
		return err
	})
}

const (
	provenFor  = 10 * time.Minute
	provenMost = 4096 // at 100 bytes each
)

// proven remembers for a while which passwords were right. It holds no passwords: an entry is a MAC, under a key that only this process has ever had, of
// the password, the hash it was right for, and the network it came from. So a new password, or one from elsewhere, is not among them: others' guesses
// still count, and do not lock out who has been let in. It is a shortcut only, and may forget at any time.
type proven struct {
	mu    sync.Mutex
	key   [32]byte
	until map[[sha256.Size]byte]clock.Time
}

func newProven() *proven {
	p := &proven{until: map[[sha256.Size]byte]clock.Time{}}
	rand.Read(p.key[:]) // never fails, see crypto/rand
	return p
}

func (p *proven) entry(u User, password, place string) (e [sha256.Size]byte) {
	mac := hmac.New(sha256.New, p.key[:])
	for _, part := range []string{u.Password, password, place} {
		fmt.Fprintf(mac, "%d:%d:%s", u.ID, len(part), part)
	}
	return [sha256.Size]byte(mac.Sum(nil))
}

func (p *proven) has(now clock.Time, u User, password, place string) bool {
	e := p.entry(u, password, place)
	p.mu.Lock()
	defer p.mu.Unlock()
	return now < p.until[e]
}

func (p *proven) add(now clock.Time, u User, password, place string) {
	e := p.entry(u, password, place)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.until) >= provenMost {
		clear(p.until)
	}
	p.until[e] = now.Add(provenFor)
}
