// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/passhash"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// noon is when the tests begin.
var noon = clock.FromTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))

func ptr[T any](v T) *T { return &v }

// newUser makes a user name@example.org.
func newUser(t *testing.T, db *sqldb.DB, name, password string) User {
	t.Helper()
	u, err := CreateUser(t.Context(), db, CLI, noon, UserChange{Username: &name, Email: ptr(name + "@example.org"), Password: &password})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// plain makes s check passwords at no cost: a stored one is "plain " and the password.
func plain(s *Sessions) {
	s.verify = func(password, encoded string) (bool, bool, error) { return encoded == "plain "+password, false, nil }
}

// newPlainUser makes a user with a password for plain.
func newPlainUser(t *testing.T, db *sqldb.DB, name, password string) User {
	t.Helper()
	u := newUser(t, db, name, "")
	store(t, db, name, "plain "+password)
	return u
}

// store sets what is stored of a user's password.
func store(t *testing.T, db *sqldb.DB, name, encoded string) {
	t.Helper()
	exec(t, db, "UPDATE user_account SET password = ? WHERE username = ?", encoded, name)
}

func exec(t *testing.T, db *sqldb.DB, query string, args ...any) {
	t.Helper()
	err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
		n, err := tx.Exec(t.Context(), query, args...)
		if err == nil && n == 0 {
			t.Errorf("%s changed nothing", query)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, db *sqldb.DB, query string, args ...any) (n int64) {
	t.Helper()
	if err := db.Get(t.Context(), &n, query, args...); err != nil {
		t.Fatal(err)
	}
	return n
}

func lets(t *testing.T, password, encoded string) bool {
	t.Helper()
	ok, _, err := passhash.Verify(password, encoded)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}
