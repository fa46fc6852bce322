// SPDX-License-Identifier: GPL-2.0-or-later

package account_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/passhash"
	"patchwork.example/pw/internal/test/dbtest"
)

const now = clock.Time(1_700_000_000_000_000)

func ptr[T any](v T) *T { return &v }

func inTx(t *testing.T, db *sqldb.DB, f func(ctx context.Context, tx *sqldb.Tx) error) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *sqldb.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func expectRows(t *testing.T, db *sqldb.DB, query string, want ...string) {
	t.Helper()
	got := []string{}
	if err := db.Select(t.Context(), &got, query); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Errorf("%s: %s", query, diff)
	}
}

func create(t *testing.T, db *sqldb.DB, name, email string) account.User {
	t.Helper()
	u, err := account.CreateUser(t.Context(), db, account.CLI, now, account.UserChange{Username: &name, Email: &email})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCreateUser(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		ann := create(t, db, "Ann", "Ann@Example.org")
		want := account.User{ID: 1, Username: "Ann", Email: "Ann@Example.org", Password: ann.Password, IsActive: true, ItemsPerPage: 100, CreatedAt: now}
		if diff := cmp.Diff(want, ann); diff != "" || ann.HasPassword() {
			t.Error(diff, ann.HasPassword())
		}
		for _, name := range []string{"Ann", "ann", "ANN", " ann "} {
			u, err := account.UserByName(ctx, db, name)
			if diff := cmp.Diff(want, u); err != nil || diff != "" {
				t.Error(name, err, diff)
			}
		}
		if _, err := account.UserByName(ctx, db, "bob"); !fault.Is(err, fault.NotFound) || fault.UserText(err) != `no user "bob"` {
			t.Error(err)
		}
		for _, name := range []string{"ann", "ANN"} {
			_, err := account.CreateUser(ctx, db, account.CLI, now, account.UserChange{Username: &name, Email: ptr("x@example.org")})
			if !fault.Is(err, fault.Conflict) || fault.UserText(err) != `there is a user "`+name+`" already` {
				t.Errorf("%s: %v", name, err)
			}
		}
		all := account.UserChange{Username: ptr("bob"), Email: ptr("bob@example.org"), FirstName: ptr("Bob"), LastName: ptr("Öl"), Password: ptr("correct horse"),
			IsActive: ptr(false), IsAdmin: ptr(true), SendEmail: ptr(true), ShowIDs: ptr(true), ItemsPerPage: ptr(500)}
		bob, err := account.CreateUser(ctx, db, account.Actor{User: 1, Admin: true, Via: "web"}, now, all)
		if err != nil {
			t.Fatal(err)
		}
		bob, err = account.UserByName(ctx, db, "bob")
		want = account.User{ID: bob.ID, Username: "bob", Email: "bob@example.org", FirstName: "Bob", LastName: "Öl", Password: bob.Password,
			IsAdmin: true, SendEmail: true, ShowIDs: true, ItemsPerPage: 500, CreatedAt: now}
		if diff := cmp.Diff(want, bob); err != nil || diff != "" {
			t.Error(err, diff)
		}
		if ok, upgrade, err := passhash.Verify("correct horse", bob.Password); !ok || upgrade || err != nil || !bob.HasPassword() {
			t.Error("the password does not fit:", ok, upgrade, err)
		}
		if ok, _, _ := passhash.Verify("correct house", bob.Password); ok {
			t.Error("another password fits")
		}
		expectRows(t, db, "SELECT CONCAT_WS(' ', COALESCE(actor_id, 0), via, verb, subject, detail) FROM audit ORDER BY id", "0 cli user create user Ann ", "1 web user create user bob ")
		users, err := account.Users(ctx, db)
		if err != nil || len(users) != 2 || users[0].Username != "Ann" || users[1].Username != "bob" {
			t.Error(users, err)
		}
	})
}

func TestUserRules(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	u := func(name, email string) account.UserChange { return account.UserChange{Username: &name, Email: &email} }
	tests := []struct {
		change account.UserChange
		text   string // empty: allowed
	}{
		{u("a", "a@b"), ""},
		{u("A_1.b@c+d-e", "o'brien+x@sub.example.org"), ""},
		{u(strings.Repeat("n", 150), strings.Repeat("l", 242)+"@example.org"), ""},
		{u("ü", "x@y"), `user name "ü": want 1 to 150 letters, digits or any of _ . @ + -`},
		{u("", "x@y"), `user name "": want 1 to 150 letters, digits or any of _ . @ + -`},
		{u("a b", "x@y"), `user name "a b": want 1 to 150 letters, digits or any of _ . @ + -`},
		{u("a\n", "x@y"), `user name "a\n": want 1 to 150 letters, digits or any of _ . @ + -`},
		{u(strings.Repeat("n", 151), "x@y"), `user name "` + strings.Repeat("n", 151) + `": want 1 to 150 letters, digits or any of _ . @ + -`},
		{u("b", "nobody"), `e-mail address "nobody": want local@domain, at most 254 characters`},
		{u("b", "x@y@z"), `e-mail address "x@y@z": want local@domain, at most 254 characters`},
		{u("b", "X <x@y>"), `e-mail address "X <x@y>": want local@domain, at most 254 characters`},
		{u("b", "x@y\nBcc: z@y"), `e-mail address "x@y\nBcc: z@y": want local@domain, at most 254 characters`},
		{account.UserChange{Username: ptr("b")}, `e-mail address "": want local@domain, at most 254 characters`},
		{account.UserChange{Username: ptr("b"), Email: ptr("b@c"), FirstName: ptr(strings.Repeat("é", 151))}, "first and last name may have 150 characters each"},
		{account.UserChange{Username: ptr("b"), Email: ptr("b@c"), LastName: ptr(strings.Repeat("é", 151))}, "first and last name may have 150 characters each"},
		{account.UserChange{Username: ptr("b"), Email: ptr("b@c"), ItemsPerPage: ptr(0)}, "items per page 0: want 1 to 500"},
		{account.UserChange{Username: ptr("b"), Email: ptr("b@c"), ItemsPerPage: ptr(501)}, "items per page 501: want 1 to 500"},
		{account.UserChange{Username: ptr("b"), Email: ptr("b@c"), Password: ptr("seven77")}, "the password is too short: want at least 8 characters"},
		{account.UserChange{Username: ptr("b"), Email: ptr("b@c"), Password: ptr("ßßßßßßß")}, "the password is too short: want at least 8 characters"},
		{account.UserChange{Username: ptr("b"), Email: ptr("b@c"), Password: ptr(strings.Repeat("x", 1025))}, "the password is too long: want at most 1024 bytes"},
		{account.UserChange{Username: ptr("b"), Email: ptr("b@c"), Password: ptr("")}, ""},
	}
	for _, test := range tests {
		_, err := account.CreateUser(t.Context(), db, account.CLI, now, test.change)
		if fault.UserText(err) != test.text || (err == nil) != (test.text == "") || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v, want %s", test.change, err, test.text)
		}
	}
	_, err := account.CreateUser(t.Context(), db, account.Actor{User: 1, Via: "web"}, now, u("", ""))
	if !fault.Is(err, fault.Denied) || fault.UserText(err) != "only an administrator may create users" {
		t.Error(err)
	}
	_, err = account.UpdateUser(t.Context(), db, account.Actor{User: 1, Via: "web"}, now, "nobody", u("", ""))
	if !fault.Is(err, fault.Denied) || fault.UserText(err) != "only an administrator may change users" {
		t.Error(err)
	}
}

// Folding makes some letters two or three: the folded twins must still fit their columns.
func TestFoldedTwinsFit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		_, err := account.CreateUser(ctx, db, account.CLI, now, account.UserChange{Username: ptr("b"), Email: ptr(strings.Repeat("ß", 240) + "@c")})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("an address that folds to 482 characters: %v", err)
		}
		for range 2 { // the second mail finds the person of the first
			inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
				for _, email := range []string{strings.Repeat("ß", 200) + "@c", strings.Repeat("a", 300) + "@d"} {
					p, err := account.LoadPersons(ctx, tx, []string{email})
					if err != nil {
						return err
					}
					if _, err := p.Sender(ctx, tx, email, strings.Repeat("ΐ", 300)); err != nil {
						return err
					}
					if err := p.Save(ctx, tx); err != nil {
						return err
					}
				}
				return nil
			})
		}
		expectRows(t, db, "SELECT CONCAT_WS(' ', email, email_key, name_votes) FROM person ORDER BY id",
			strings.Repeat("ß", 200)+"@c "+strings.Repeat("s", 255)+" 2", strings.Repeat("a", 255)+" "+strings.Repeat("a", 255)+" 2")
	})
}

func TestUpdateUser(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		ann, bob := create(t, db, "ann", "ann@example.org"), create(t, db, "bob", "bob@example.org")
		sessions := func() {
			inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
				if _, err := tx.Exec(ctx, "DELETE FROM login_session"); err != nil {
					return err
				}
				return tx.Insert(ctx, "login_session", []string{"id_hash", "user_id", "created_at", "seen_at", "expires_at"},
					[][]any{{[]byte(strings.Repeat("a", 32)), ann.ID, 1, 1, 1}, {[]byte(strings.Repeat("b", 32)), bob.ID, 1, 1, 1}})
			})
		}
		update := func(name string, c account.UserChange) account.User {
			t.Helper()
			sessions()
			u, err := account.UpdateUser(ctx, db, account.CLI, now, name, c)
			if err != nil {
				t.Fatal(err)
			}
			return u
		}
		const left = "SELECT CONCAT(user_id, '') FROM login_session ORDER BY user_id"
		update("ANN", account.UserChange{Username: ptr("Ann2"), Email: ptr("ann2@example.org"), FirstName: ptr("A"), LastName: ptr("B"), SendEmail: ptr(true), IsAdmin: ptr(true), ShowIDs: ptr(true), ItemsPerPage: ptr(7)})
		expectRows(t, db, left, "1", "2")
		got, err := account.UserByName(ctx, db, "ann2")
		want := account.User{ID: ann.ID, Username: "Ann2", Email: "ann2@example.org", FirstName: "A", LastName: "B", Password: ann.Password, IsActive: true,
			IsAdmin: true, SendEmail: true, ShowIDs: true, ItemsPerPage: 7, CreatedAt: now}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
		u := update("ann2", account.UserChange{Password: ptr("new password")})
		if ok, _, err := passhash.Verify("new password", u.Password); !ok || err != nil {
			t.Error("the new password does not fit", err)
		}
		expectRows(t, db, left, "2")
		update("ann2", account.UserChange{IsActive: ptr(false)})
		expectRows(t, db, left, "2")
		u = update("ann2", account.UserChange{IsActive: ptr(true), Password: ptr("")})
		if ok, _, _ := passhash.Verify("", u.Password); ok || u.HasPassword() {
			t.Error("an empty password lets in")
		}
		if _, err := account.UpdateUser(ctx, db, account.CLI, now, "ann2", account.UserChange{Username: ptr("BOB")}); !fault.Is(err, fault.Conflict) {
			t.Errorf("rename to a name that is taken: %v", err)
		}
		if _, err := account.UpdateUser(ctx, db, account.CLI, now, "ann2", account.UserChange{ItemsPerPage: ptr(-1)}); !fault.Is(err, fault.Invalid) {
			t.Errorf("bad value: %v", err)
		}
		if _, err := account.UpdateUser(ctx, db, account.CLI, now, "carl", account.UserChange{}); !fault.Is(err, fault.NotFound) {
			t.Errorf("nobody: %v", err)
		}
	})
}

func TestUsersByEmail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		create(t, db, "off", "ann@example.org")
		create(t, db, "first", "ANN@example.org")
		create(t, db, "second", "ann@example.org")
		if _, err := account.UpdateUser(t.Context(), db, account.CLI, now, "off", account.UserChange{IsActive: ptr(false)}); err != nil {
			t.Fatal(err)
		}
		got, err := account.UsersByEmail(t.Context(), db, []string{"ann@example.org", "nobody@example.org"})
		if diff := cmp.Diff(map[string]int64{"ann@example.org": 2}, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}

func TestRemoveUser(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		mailFrom(t, db, "ann@example.org", "Ann")
		ann := create(t, db, "ann", "ANN@example.org")
		expectRows(t, db, "SELECT CONCAT_WS(' ', email, user_id) FROM person", "ann@example.org 1")
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			for table, columns := range map[string][]string{
				"login_session":      {"id_hash", "user_id", "created_at", "seen_at", "expires_at"},
				"api_token":          {"id", "user_id", "name", "token_hash", "scope", "created_at"},
				"email_confirmation": {"id", "user_id", "kind", "email", "key_hash", "created_at", "active"},
			} {
				hash := []byte(strings.Repeat("h", 32))
				row := map[string][]any{"login_session": {hash, ann.ID, 1, 1, 1}, "api_token": {1, ann.ID, "ci", hash, "all", 1}, "email_confirmation": {1, ann.ID, "k", "e", hash, 1, true}}[table]
				if err := tx.Insert(ctx, table, columns, [][]any{row}); err != nil {
					return err
				}
			}
			return account.RemoveUser(ctx, tx, ann)
		})
		for _, table := range []string{"user_account", "login_session", "api_token", "email_confirmation"} {
			expectRows(t, db, "SELECT CONCAT(COUNT(*), '') FROM "+table, "0")
		}
		expectRows(t, db, "SELECT CONCAT_WS(' ', email, COALESCE(user_id, 0)) FROM person", "ann@example.org 0")
	})
}
