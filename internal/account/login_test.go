// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/passhash"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestLogin(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := NewSessions(db, clock.NewFake(noon.Add(time.Hour)))
		newUser(t, db, "Ann", "correct horse")
		newUser(t, db, "bob", "correct horse")
		newUser(t, db, "without", "")
		newUser(t, db, "strasse", "correct horse")
		exec(t, db, "UPDATE user_account SET username = 'straße' WHERE username_key = 'strasse'") // as another system may have named him
		if _, err := UpdateUser(t.Context(), db, CLI, noon, "bob", UserChange{IsActive: ptr(false)}); err != nil {
			t.Fatal(err)
		}
		tests := []struct {
			name, password string
			in             bool
		}{
			{"Ann", "correct horse", true}, {"ann", "correct horse", true}, {" ANN ", "correct horse", true}, {"STRAßE", "correct horse", true},
			{"Ann", "Correct horse", false}, {"Ann", "", false}, {"Ann", "correct horse\x00", false}, {"Ann", strings.Repeat("x", 5000), false},
			{"bob", "correct horse", false}, {"without", "", false}, {"without", "correct horse", false},
			{"ann@example.org", "correct horse", false}, {"nobody", "correct horse", false}, {"", "correct horse", false}, {"zzz", "", false},
			{"A\x00nn", "correct horse", false}, {"An\xffn", "correct horse", false}, {strings.Repeat("Ann", 1000), "correct horse", false},
		}
		for _, test := range tests {
			token, u, err := s.Login(t.Context(), test.name, test.password, "")
			if test.in && (err != nil || token == "" || u.ID == 0) || !test.in && (!fault.Is(err, fault.Unauthenticated) || token != "" || u.ID != 0) {
				t.Errorf("%.20q, %.20q: %q, user %d, %v", test.name, test.password, token, u.ID, err)
			}
			if !test.in && err != nil && err.Error() != "log in: wrong user name or password" {
				t.Errorf("%.20q, %.20q: the error tells more: %v", test.name, test.password, err)
			}
		}
		if u, err := UserByName(t.Context(), db, "ann"); err != nil || u.LastLogin == nil || *u.LastLogin != noon.Add(time.Hour) {
			t.Errorf("last login %v, %v", u.LastLogin, err)
		}
		if n := count(t, db, "SELECT COUNT(*) FROM login_session"); n != 4 {
			t.Errorf("%d sessions of 4 logins", n)
		}
	})
}

// A real Django's stored hash lets its user in and is replaced by one of ours.
func TestDjangoHashIsReplaced(t *testing.T) {
	const encoded = "pbkdf2_sha256$260000$yua5HcoTd363OezBUcla0r$9hYB2chcRz0BxuaJEGKyB+Kd+jdzHr3BW+jLXeq5kXU="
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := NewSessions(db, clock.NewFake(noon))
		newUser(t, db, "admin", "")
		store(t, db, "admin", encoded)
		stored := func() string {
			u, err := UserByName(t.Context(), db, "admin")
			if err != nil {
				t.Fatal(err)
			}
			return u.Password
		}
		if _, _, err := s.Login(t.Context(), "admin", "admin-acme-1!", ""); !fault.Is(err, fault.Unauthenticated) || stored() != encoded {
			t.Errorf("wrong password: %v, stored %s", err, stored())
		}
		for range 2 {
			if _, _, err := s.Login(t.Context(), "admin", "Admin-acme-1!", ""); err != nil {
				t.Errorf("right password: %v", err)
			}
			if got := stored(); !strings.HasPrefix(got, "$argon2id$v=19$m=19456,t=2,p=1$") || !lets(t, "Admin-acme-1!", got) {
				t.Errorf("stored after logging in: %s", got)
			}
		}
	})
}

// Of many logins at once that all find the old hash, none is told that the password is wrong, and none waits for ever.
func TestDjangoHashIsReplacedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := NewSessions(db, clock.NewFake(noon))
		newUser(t, db, "admin", "")
		store(t, db, "admin", "md5$pepper$e9a6ef7ee02cb14fbb3d0e2e3f3db2d5")
		var both sync.WaitGroup
		both.Add(checksAtOnce)
		var first atomic.Int32
		s.verify = func(_, encoded string) (bool, bool, error) {
			if first.Add(1) <= checksAtOnce { // each has read the old hash before one of them replaces it
				both.Done()
				both.Wait()
			}
			return true, strings.HasPrefix(encoded, "md5$"), nil
		}
		var done sync.WaitGroup
		for range checksAtOnce {
			done.Go(func() {
				if _, _, err := s.Login(t.Context(), "admin", "secret", ""); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		if first.Load() != checksAtOnce+1 {
			t.Errorf("%d checks; want one again, of the login that came second", first.Load())
		}
	})
}

// No session slips in after the password was changed or the user switched off while it was being checked.
func TestLoginAgainstChange(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		changes := map[string]UserChange{"off": {IsActive: ptr(false)}, "new password": {Password: ptr("another secret")}}
		for name, change := range changes {
			s := NewSessions(db, clock.NewFake(noon))
			username := strings.ReplaceAll(name, " ", "-")
			newUser(t, db, username, "correct horse")
			once := sync.Once{}
			s.verify = func(password, encoded string) (bool, bool, error) {
				ok, upgrade, err := passhash.Verify(password, encoded)
				once.Do(func() {
					if _, err := UpdateUser(t.Context(), db, CLI, noon, username, change); err != nil {
						t.Error(err)
					}
				})
				return ok, upgrade, err
			}
			if _, _, err := s.Login(t.Context(), username, "correct horse", ""); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := count(t, db, "SELECT COUNT(*) FROM login_session"); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

// A stored hash that can't be read refuses as a wrong password does; the log gets the reason, not the hash.
func TestUnreadableHash(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	s := NewSessions(db, clock.NewFake(noon))
	newUser(t, db, "ann", "")
	store(t, db, "ann", "crypt$$ab1cd")
	_, _, err := s.Login(t.Context(), "ann", "secret", "")
	if !fault.Is(err, fault.Unauthenticated) || !errors.Is(err, passhash.ErrUnknown) || strings.Contains(err.Error(), "ab1cd") || fault.UserText(err) != "" {
		t.Errorf("%v", err)
	}
}

// TestKnownFailureC8Timing: for a name that nobody has, or that may not log in, a hash of the site is checked all the same, and always
// the same one.
func TestKnownFailureC8Timing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := NewSessions(db, clock.NewFake(noon))
		var checked []string
		s.verify = func(_, encoded string) (bool, bool, error) {
			checked = append(checked, encoded)
			return true, false, nil // even if the password is right for the hash
		}
		try := func(names ...string) []string {
			checked = nil
			for _, name := range names {
				if _, _, err := s.Login(t.Context(), name, "secret", ""); !fault.Is(err, fault.Unauthenticated) {
					t.Errorf("%q: %v", name, err)
				}
			}
			return checked
		}
		if diff := cmp.Diff([]string{nobodysHash, nobodysHash}, try("ann", "")); diff != "" {
			t.Errorf("without users: %s", diff)
		}
		for name, encoded := range map[string]string{"bob": "hash of bob", "dan": "hash of dan", "eve": "!unusable", "carol": "hash of carol"} {
			newUser(t, db, name, "")
			store(t, db, name, encoded)
		}
		exec(t, db, "UPDATE user_account SET is_active = FALSE WHERE username = 'carol'")
		want := []string{"hash of bob", "hash of dan", "hash of dan", "hash of bob", "hash of bob", "hash of bob"}
		if diff := cmp.Diff(want, try("ann", "bobo", "carol", "eve", "zoe", "ann")); diff != "" {
			t.Error(diff)
		}
	})
	if ok, _, err := passhash.Verify("secret", nobodysHash); ok || err != nil {
		t.Errorf("the hash of nobody: %v, %v", ok, err)
	}
}

// TestKnownFailureC8Flood: 20 bad logins at once check two passwords at a time, and all end.
func TestKnownFailureC8Flood(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := NewSessions(db, clock.NewFake(noon))
		newUser(t, db, "ann", "correct horse")
		var now, most, all atomic.Int32
		s.verify = func(password, encoded string) (bool, bool, error) {
			all.Add(1)
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			time.Sleep(5 * time.Millisecond)
			return passhash.Verify(password, encoded)
		}
		start := time.Now()
		var wait sync.WaitGroup
		for i := range 20 {
			wait.Go(func() {
				if _, _, err := s.Login(t.Context(), "user"+string(rune('a'+i)), "wrong", ""); !fault.Is(err, fault.Unauthenticated) {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if most.Load() != 2 || all.Load() != 20 {
			t.Errorf("%d checks, %d at once", all.Load(), most.Load())
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("took %s", took)
		}
	})
}

func TestGate(t *testing.T) {
	g := newGate()
	var leave [checksAtOnce]func()
	for i := range leave {
		var err error
		if leave[i], err = g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	waiting, cancel := context.WithCancel(t.Context())
	errs := make(chan error, maxWaiting)
	for range maxWaiting {
		go func() {
			_, err := g.enter(waiting)
			errs <- err
		}()
	}
	for g.waiting.Load() < maxWaiting {
		time.Sleep(time.Millisecond)
	}
	if _, err := g.enter(t.Context()); !errors.Is(err, ErrBusy) {
		t.Errorf("one too many: %v", err)
	}
	leave[0]()
	if err := <-errs; err != nil {
		t.Errorf("who waited for the free place: %v", err)
	}
	cancel()
	for range maxWaiting - 1 {
		if err := <-errs; !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("who went away: %v", err)
		}
	}
	if n := g.waiting.Load(); n != 0 {
		t.Errorf("%d are still waiting", n)
	}
	leave[1]()
	if _, err := g.enter(t.Context()); err != nil {
		t.Errorf("a free place: %v", err)
	}
}
