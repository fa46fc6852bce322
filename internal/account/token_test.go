// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"errors"
	"regexp"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestTokens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		fake := clock.NewFake(noon)
		s := NewSessions(db, fake)
		ann, joe := newUser(t, db, "ann", ""), newUser(t, db, "joe", "")
		self := Actor{User: ann.ID, Via: "web"}
		secret, made, err := CreateToken(t.Context(), db, self, noon, NewToken{Username: "ANN", Name: "ci", Scope: ScopeWrite, ExpiresAt: InDays(noon, 2)})
		if err != nil || !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(secret) || made.Username != "ann" {
			t.Fatalf("%q, %+v, %v", secret, made, err)
		}
		reading, _, err := CreateToken(t.Context(), db, CLI, noon, NewToken{Username: "joe", Name: "ci", Scope: ScopeRead})
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, db, "SELECT COUNT(*) FROM api_token WHERE token_hash = ?", tokenHash(secret)); n != 1 {
			t.Error("the hash is not what is stored")
		}
		for _, n := range []NewToken{{"ann", "", ScopeRead, nil}, {"ann", "x", "all", nil}, {"ann", "x", ScopeRead, ptr(noon)}} {
			if _, _, err := CreateToken(t.Context(), db, CLI, noon, n); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", n, err)
			}
		}
		for n, kind := range map[NewToken]fault.Kind{{"ann", "ci", ScopeRead, nil}: fault.Conflict, {"joe", "x", ScopeRead, nil}: fault.Denied, {"nobody", "x", ScopeRead, nil}: fault.NotFound} {
			if _, _, err := CreateToken(t.Context(), db, self, noon, n); !fault.Is(err, kind) {
				t.Errorf("%+v: %v", n, err)
			}
		}

		u, scope, err := s.Bearer(t.Context(), secret)
		if err != nil || u.ID != ann.ID || scope != ScopeWrite {
			t.Errorf("%+v %q %v", u, scope, err)
		}
		if u, scope, err = s.Bearer(t.Context(), reading); err != nil || u.ID != joe.ID || scope != ScopeRead {
			t.Errorf("%+v %q %v", u, scope, err)
		}
		for _, bad := range []string{"", "x", secret[1:], secret + "0", "\x00"} {
			if _, _, err := s.Bearer(t.Context(), bad); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		// The time of use is noted once an hour; an expired token is none.
		fake.Set(noon.Add(30 * time.Minute))
		s.Bearer(t.Context(), secret)
		all, err := Tokens(t.Context(), db, CLI, "")
		if err != nil || len(all) != 2 || all[0].Username != "ann" || *all[0].UsedAt != noon || all[1].ExpiresAt != nil {
			t.Errorf("%+v, %v", all, err)
		}
		fake.Set(noon.Add(48 * time.Hour))
		if _, _, err := s.Bearer(t.Context(), secret); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("expired: %v", err)
		}
		fake.Set(noon.Add(time.Hour))
		if _, _, err := s.Bearer(t.Context(), secret); err != nil {
			t.Error(err)
		}
		if own, err := Tokens(t.Context(), db, self, "ann"); err != nil || len(own) != 1 || *own[0].UsedAt != noon.Add(time.Hour) {
			t.Errorf("%+v, %v", own, err)
		}
		if _, err := Tokens(t.Context(), db, self, "joe"); !fault.Is(err, fault.Denied) {
			t.Error(err)
		}
		if _, err := Tokens(t.Context(), db, self, ""); !fault.Is(err, fault.Denied) {
			t.Error(err)
		}

		// A user who is switched off has no tokens, a revoked one is none.
		if _, err := UpdateUser(t.Context(), db, CLI, noon, "joe", UserChange{IsActive: ptr(false)}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Bearer(t.Context(), reading); !errors.Is(err, ErrInactive) {
			t.Errorf("switched off: %v", err)
		}
		if err := RevokeToken(t.Context(), db, self, noon, "joe", "ci"); !fault.Is(err, fault.Denied) {
			t.Error(err)
		}
		if err := RevokeToken(t.Context(), db, self, noon, "ann", "ci"); err != nil {
			t.Fatal(err)
		}
		if err := RevokeToken(t.Context(), db, self, noon, "ann", "ci"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if _, _, err := s.Bearer(t.Context(), secret); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("revoked: %v", err)
		}
	})
}
