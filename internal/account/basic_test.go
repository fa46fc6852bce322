// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestBasic(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		fake := clock.NewFake(noon)
		s := NewSessions(db, fake)
		ann := newUser(t, db, "ann", "")
		newUser(t, db, "off", "correct horse")
		if _, err := UpdateUser(t.Context(), db, CLI, noon, "off", UserChange{IsActive: ptr(false)}); err != nil {
			t.Fatal(err)
		}
		store(t, db, "ann", "pbkdf2_sha256$260000$yua5HcoTd363OezBUcla0r$9hYB2chcRz0BxuaJEGKyB+Kd+jdzHr3BW+jLXeq5kXU=") // a real Django's, of Admin-acme-1!
		for _, wrong := range [][2]string{{"ann", "admin-acme-1!"}, {"ann", ""}, {"off", "correct horse"}, {"nobody", "Admin-acme-1!"}} {
			if u, err := s.Basic(t.Context(), wrong[0], wrong[1], ""); !fault.Is(err, fault.Unauthenticated) || u.ID != 0 {
				t.Errorf("%v: user %d, %v", wrong, u.ID, err)
			}
		}
		for range 2 {
			if u, err := s.Basic(t.Context(), "ANN", "Admin-acme-1!", ""); err != nil || u.ID != ann.ID || u.Username != "ann" {
				t.Errorf("%+v, %v", u, err)
			}
		}
		if n := count(t, db, "SELECT COUNT(*) FROM user_account WHERE username = 'ann' AND password LIKE '$argon2id$%'"); n != 1 {
			t.Error("the hash of the old hasher was not replaced")
		}
		if n := count(t, db, "SELECT COUNT(*) FROM login_session"); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

// A program that sends name and password with each request has them checked once in ten minutes: checking costs memory and time that a site has not got
// a hundred times a second.
func TestBasicIsRemembered(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		fake := clock.NewFake(noon)
		s := NewSessions(db, fake)
		checks := 0
		s.verify = func(password, encoded string) (bool, bool, error) {
			checks++
			return encoded == "plain "+password, false, nil
		}
		newPlainUser(t, db, "ann", "right")
		steps := []struct {
			after            time.Duration
			password, remote string
			in               bool
			checks           int
		}{
			{0, "right", "192.0.2.1:1", true, 1},
			{time.Minute, "right", "192.0.2.1:2", true, 1},
			{9 * time.Minute, "right", "192.0.2.1:3", true, 2}, // forgotten after ten
			{0, "right", "192.0.2.2:1", true, 3},               // from elsewhere it is one guess of many
			{0, "wrong", "192.0.2.1:1", false, 4},
			{0, "right", "127.0.0.1:1", true, 5},
			{0, "right", "127.0.0.1:1", true, 5},
		}
		for _, step := range steps {
			fake.Advance(step.after)
			if u, err := s.Basic(t.Context(), "ann", step.password, step.remote); (err == nil) != step.in || (u.ID != 0) != step.in || checks != step.checks {
				t.Errorf("%+v: user %d after %d checks, %v", step, u.ID, checks, err)
			}
		}
		store(t, db, "ann", "plain new")
		if _, err := s.Basic(t.Context(), "ann", "right", "192.0.2.1:1"); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("the old password: %v", err)
		}
		if _, err := s.Basic(t.Context(), "ann", "new", "192.0.2.1:1"); err != nil {
			t.Error(err)
		}
		exec(t, db, "UPDATE user_account SET is_active = FALSE WHERE username = 'ann'")
		if _, err := s.Basic(t.Context(), "ann", "new", "192.0.2.1:1"); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("switched off: %v", err)
		}
	})
}

// Guesses slow down as at the login page, also those that come right; who was let in before does not notice.
func TestBasicIsThrottled(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := NewSessions(db, clock.NewFake(noon))
		plain(s)
		newPlainUser(t, db, "ann", "right")
		for _, remote := range []string{"192.0.2.1:1", "127.0.0.1:1"} { // of the latter nobody knows who it is
			if _, err := s.Basic(t.Context(), "ann", "right", remote); err != nil {
				t.Fatal(err)
			}
		}
		var throttled *Throttled
		for i := range 7 {
			_, err := s.Basic(t.Context(), "ann", "wrong", fmt.Sprintf("198.51.100.%d:1", i))
			if got, want := errors.As(err, &throttled), i == 6; got != want || err == nil {
				t.Errorf("guess %d: %v", i, err)
			}
		}
		for _, remote := range []string{"198.51.100.99:1", "127.0.0.1:1", ""} {
			if _, err := s.Basic(t.Context(), "ann", "right", remote); !errors.As(err, &throttled) {
				t.Errorf("%s: %v", remote, err)
			}
		}
		if _, err := s.Basic(t.Context(), "ann", "right", "192.0.2.1:1"); err != nil {
			t.Error(err)
		}
	})
}

// What is remembered is bounded, and holds no passwords.
func TestProven(t *testing.T) {
	p := newProven()
	for i := range provenMost + 2 {
		p.add(noon, User{ID: int64(i)}, "pass", "net")
	}
	if len(p.until) != 2 || !p.has(noon, User{ID: provenMost}, "pass", "net") {
		t.Errorf("%d entries", len(p.until))
	}
	if p.has(noon, User{ID: provenMost}, "pas", "snet") || strings.Contains(fmt.Sprint(p.until), "pass") {
		t.Error("an entry is not of its parts")
	}
}
