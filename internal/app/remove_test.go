// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// Who registered and never confirmed is removed when his link has ended, with all that was written of him; his name is free again. Nobody else is.
func TestForgetUnconfirmed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.user("ann", "ann@people.example", false)
		off, no := "off", false
		s.user(off, "off@people.example", false)
		if _, err := account.UpdateUser(t.Context(), db, account.CLI, noon, off, account.UserChange{IsActive: &no}); err != nil {
			t.Fatal(err)
		}
		life, clk := 7*24*time.Hour, s.app.Clock.(*clock.Fake)
		register := func(name string) error {
			return account.NewSessions(db, clk).Register(t.Context(), account.Registration{Username: name, Email: name + "@people.example", Password: "kettle on the hob"}, "", 7)
		}
		if err := register("early"); err != nil {
			t.Fatal(err)
		}
		clk.Advance(time.Hour)
		if err := register("late"); err != nil {
			t.Fatal(err)
		}
		users := func(want string) {
			t.Helper()
			if err := s.app.forgetUnconfirmed(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(s.rows("SELECT username FROM user_account ORDER BY username"), " "); got != want {
				t.Errorf("users %s, want %s", got, want)
			}
		}
		clk.Advance(life - time.Hour)
		users("ann early late off") // the link of early ends now, and has not ended
		clk.Advance(time.Second)
		users("ann late off")
		if got := s.rows("SELECT COUNT(*) FROM email_confirmation c LEFT JOIN user_account u ON u.id = c.user_id WHERE c.user_id IS NOT NULL AND u.id IS NULL"); got[0] != "0" {
			t.Errorf("%s links of users who are gone", got[0])
		}
		if got := s.rows("SELECT verb, subject, via FROM audit WHERE verb = 'user delete'"); strings.Join(got, ",") != "user delete user early job" {
			t.Errorf("written down: %q", got)
		}
		if err := register("early"); err != nil {
			t.Errorf("the name is not free again: %v", err)
		}
		clk.Advance(time.Hour)
		users("ann early off")
	})
}
