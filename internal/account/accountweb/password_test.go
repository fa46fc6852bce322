// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/web"
)

const better = "a longer way to Tipperary"

var resetLink = regexp.MustCompile(`/user/password-reset/[\w-]+/[0-9a-f]{40}/`)

func newPassword(old, first, second string) []string {
	return []string{"old_password", old, "new_password1", first, "new_password2", second}
}

// TestKnownFailureC7: a new password leaves no other session, and C11: it is none of those that anybody would try.
func TestKnownFailureC7PasswordChange(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, web.Options{})
		s.user("ann")
		nobody, here, elsewhere := s.visitor(), s.visitor(), s.visitor()
		for _, path := range []string{"/user/password-change/", "/user/password-change/done/"} {
			if a := nobody.get(path); a.StatusCode != 302 || a.Header.Get("Location") != "/user/login/?next="+strings.ReplaceAll(path, "/", "%2F") {
				t.Errorf("%s: %d %s", path, a.StatusCode, a.Header.Get("Location"))
			}
		}
		here.login("ann", password, "")
		elsewhere.login("ann", password, "")
		here.shows(here.get("/user/password-change/"), 200, `name="old_password"`, `autocomplete="current-password"`)
		for _, test := range []struct{ old, first, second, says string }{
			{password, better, better + "!", "The two new passwords differ."},
			{password, "1", "1", "at least 8 characters"},
			{password, "12345678", "12345678", "anybody would try"},
			{password, "ann@example.org", "ann@example.org", "name or address of the user"},
			{"wrong", better, better, "The old password is wrong."},
		} {
			here.shows(here.post("/user/password-change/", newPassword(test.old, test.first, test.second)...), 200, test.says, `role="alert"`)
		}
		elsewhere.is("ann")
		a := here.post("/user/password-change/", newPassword(password, better, better)...)
		if a.StatusCode != 303 || a.Header.Get("Location") != "/user/password-change/done/" {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		here.shows(here.get("/user/password-change/done/"), 200, "Password changed")
		here.is("ann")
		elsewhere.is("")
		if a := elsewhere.login("ann", password, ""); a.StatusCode != 403 {
			t.Errorf("the old password: %d", a.StatusCode)
		}
		if a := elsewhere.login("ann", better, ""); a.StatusCode != 303 {
			t.Errorf("the new password: %d", a.StatusCode)
		}
		if log := s.log.String(); strings.Contains(log, "Tipperary") || strings.Contains(log, password) {
			t.Error("a password is in the log: " + log)
		}
	})
}

// TestKnownFailureC8PasswordChange: who sits down at a browser that somebody left can't try passwords without end.
func TestKnownFailureC8PasswordChange(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), web.Options{})
	s.user("ann")
	ann := s.visitor()
	ann.login("ann", password, "")
	for range 6 {
		ann.shows(ann.post("/user/password-change/", newPassword("guess", better, better)...), 200, "The old password is wrong.")
	}
	if a := ann.post("/user/password-change/", newPassword(password, better, better)...); a.StatusCode != 429 || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q", a.StatusCode, a.Header.Get("Retry-After"))
	}
	s.clock.Advance(10 * time.Second)
	if a := ann.post("/user/password-change/", newPassword(password, better, better)...); a.StatusCode != 303 {
		t.Errorf("after the wait: %d", a.StatusCode)
	}
}

// runResets does the jobs that requests for a new password have left.
func (s *site) runResets() {
	s.t.Helper()
	jobs, err := job.List(s.t.Context(), s.db, account.CLI, job.Query{Kind: account.ResetJob})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, j := range jobs {
		if err := account.ResetKind(s.db, s.clock).Handle(s.t.Context(), j); err != nil {
			s.t.Fatal(err)
		}
		s.exec("UPDATE job SET kind = 'done' WHERE id = ?", j.ID)
	}
}

// TestKnownFailureC4: links are of http.base-url whatever Host a visitor names, and C5: their keys are random, stored as hashes, and work once.
func TestKnownFailureC4PasswordReset(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, web.Options{})
		s.user("ann")
		s.user("off")
		s.user("ldap")
		s.exec("UPDATE user_account SET is_active = FALSE WHERE username = 'off'")
		s.exec("UPDATE user_account SET password = '!none' WHERE username = 'ldap'")
		thief, ann := s.visitor(), s.visitor()
		ann.login("ann", password, "")
		thief.host = "evil.example"
		answers := map[string]string{}
		for _, who := range []string{"ann", "off", "ldap", "nobody"} {
			a := thief.post("/user/password-reset/", "email", strings.ToUpper(who)+"@example.org")
			answers[fmt.Sprint(a.StatusCode, a.Header.Get("Location"), a.body)] += who + " "
		}
		if len(answers) != 1 || answers["303/user/password-reset/mail-sent/"] != "ann off ldap nobody " {
			t.Errorf("the answers differ: %v", answers)
		}
		if rows, err := outmail.List(t.Context(), db, outmail.Filter{}); err != nil || len(rows) != 0 {
			t.Errorf("the request itself wrote %v, %v", rows, err)
		}
		thief.shows(thief.get("/user/password-reset/mail-sent/"), 200, "If the address is that of an account")
		s.runResets()
		rows, err := outmail.List(t.Context(), db, outmail.Filter{})
		if err != nil || len(rows) != 1 || rows[0].Recipient != "ann@example.org" {
			t.Fatalf("%+v, %v", rows, err)
		}
		mail := s.mailed()
		if strings.Contains(mail, "evil") || strings.Contains(mail, "http") { // what begins a link comes when it is sent
			t.Error(mail)
		}
		link := resetLink.FindString(mail)
		secret := strings.Split(link, "/")[4]
		var stored []byte
		if err := db.Get(t.Context(), &stored, "SELECT key_hash FROM email_confirmation WHERE kind = 'reset'"); err != nil || [32]byte(stored) != sha256.Sum256([]byte(secret)) {
			t.Errorf("%x, %v", stored, err)
		}
		for range 2 { // a program that looks for viruses
			thief.shows(thief.get(link), 200, "Choose a new password", "account ann")
		}
		for path, want := range map[string]int{
			strings.Replace(link, secret, strings.Repeat("0", 40), 1): 404, strings.Replace(link, "/user/password-reset/", "/user/password-reset/x", 1): 404, "/confirm/" + secret + "/": 404,
		} {
			thief.shows(thief.get(path), want, "was the address of the page copied whole?</p>")
			thief.shows(thief.post(path, "new_password1", better, "new_password2", better), want)
		}
		ann.shows(ann.post(link, "new_password1", "1", "new_password2", "1"), 200, "at least 8 characters")
		ann.shows(ann.post(link, "new_password1", better, "new_password2", "x"), 200, "differ")
		if a := s.visitor().post(link, "new_password1", better, "new_password2", better); a.StatusCode != 303 || a.Header.Get("Location") != "/user/login/" {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		ann.is("") // logged out everywhere
		ann.shows(ann.get(link), 409, "was used already")
		ann.shows(ann.post(link, "new_password1", password, "new_password2", password), 409)
		if a := ann.login("ann", better, ""); a.StatusCode != 303 {
			t.Errorf("the new password: %d", a.StatusCode)
		}
	})
}

// A link ends after a day, and as soon as the password, the address or the account is changed in another way.
func TestPasswordResetEnds(t *testing.T) {
	other, off, on := "ann@example.com", false, true
	update := func(s *site, c account.UserChange) {
		t.Helper()
		if _, err := account.UpdateUser(t.Context(), s.db, account.CLI, noon, "ann", c); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(*site){
		"too late": func(s *site) { s.clock.Advance(24*time.Hour + time.Second) },
		"changed by the user": func(s *site) {
			v := s.visitor()
			v.login("ann", password, "")
			if a := v.post("/user/password-change/", newPassword(password, better, better)...); a.StatusCode != 303 {
				t.Errorf("%d", a.StatusCode)
			}
		},
		"changed by an administrator": func(s *site) { p := better; update(s, account.UserChange{Password: &p}) },
		"switched off and on": func(s *site) {
			update(s, account.UserChange{IsActive: &off})
			update(s, account.UserChange{IsActive: &on})
		},
		"another address": func(s *site) { update(s, account.UserChange{Email: &other}) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, dbtest.Open(t, sqldb.SQLite), web.Options{})
			s.user("ann")
			v := s.visitor()
			v.post("/user/password-reset/", "email", "ann@example.org")
			s.runResets()
			link := resetLink.FindString(s.mailed())
			v.shows(v.get(link), 200)
			change(s)
			v.shows(v.get(link), 409, "ask for a new one")
			v.shows(v.post(link, "new_password1", "stolen kettle", "new_password2", "stolen kettle"), 409)
		})
	}
}

// An address gets three mails a day, and asking over and over is slowed down wherever it comes from, whether or not there is an account.
func TestPasswordResetBounds(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), web.Options{})
	s.user("ann")
	v := s.visitor()
	for i := range 7 {
		s.remote = fmt.Sprintf("192.0.2.%d:77", i)
		for _, who := range []string{"ann", "nobody"} {
			a := v.post("/user/password-reset/", "email", who+"@example.org")
			if want := map[bool]int{true: 303, false: 429}[i < 6]; a.StatusCode != want || want == 429 && a.Header.Get("Retry-After") == "" {
				t.Errorf("%s, request %d: %d", who, i+1, a.StatusCode)
			}
		}
	}
	s.runResets()
	if rows, err := outmail.List(t.Context(), s.db, outmail.Filter{}); err != nil || len(rows) != 3 {
		t.Errorf("%d mails, %v", len(rows), err)
	}
}

// A user of an imported Patchwork 3.2 logs in with his old password, and changes it.
func TestImportedUserChangesPassword(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), web.Options{})
	s.user("ann")
	// PBKDF2-SHA256 of "correct horse", as Django 3.2 writes it, with few rounds.
	s.exec("UPDATE user_account SET password = ? WHERE username = 'ann'", "pbkdf2_sha256$1000$saltsaltsalt$F7o7+5VTVzFAO998X6s3AHrDsJVdMiIlgndIMe19NvY=")
	v := s.visitor()
	if a := v.login("ann", password, ""); a.StatusCode != 303 {
		t.Fatalf("%d", a.StatusCode)
	}
	if a := v.post("/user/password-change/", newPassword(password, better, better)...); a.StatusCode != 303 {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if got := s.value("SELECT password FROM user_account"); !strings.HasPrefix(got, "$argon2id$") {
		t.Error(got)
	}
	if a := s.visitor().login("ann", better, ""); a.StatusCode != 303 {
		t.Errorf("%d", a.StatusCode)
	}
}

// alter changes a table.
func (s *site) alter(query string) {
	s.t.Helper()
	err := s.db.Tx(s.t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(s.t.Context(), query)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// Who has a new password is told by mail, in the transaction that writes it; who has failed to get one is not, and nobody where no mail can leave.
func TestPasswordChangedMail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, web.Options{})
		s.user("ann")
		mails := func(want ...string) {
			t.Helper()
			rows, err := outmail.List(t.Context(), db, outmail.Filter{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rows {
				got = append(got, r.Kind+" to "+r.Recipient)
			}
			if strings.Join(got, ", ") != strings.Join(want, ", ") {
				t.Errorf("mails: %q, want %q", got, want)
			}
		}
		ann := s.visitor()
		ann.login("ann", password, "")
		ann.post("/user/password-change/", newPassword("wrong", better, better)...)
		mails()
		s.alter("ALTER TABLE outgoing_mail RENAME TO away")
		if a := ann.post("/user/password-change/", newPassword(password, better, better)...); a.StatusCode != 500 {
			t.Errorf("no mail could be written: %d", a.StatusCode)
		}
		s.alter("ALTER TABLE away RENAME TO outgoing_mail")
		if a := ann.post("/user/password-change/", newPassword(password, better, better)...); a.StatusCode != 303 {
			t.Fatalf("the password was changed though the mail was not written: %d", a.StatusCode)
		}
		mails("password-changed to ann@example.org")
		want := `Hello,

the password of the account ann at Patchwork was changed
on 1 March 2026, 12:00 UTC,
by a form of the site. Sessions that began before have ended.

If it was you, there is nothing to do. If not, choose another password now, and
look whether the tokens of the account are yours:

    /user/password-reset/

    /user/tokens/
`
		if got := s.mailed(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		ann.post("/user/password-reset/", "email", "ann@example.org")
		s.runResets()
		link := resetLink.FindString(s.mailed())
		ann.post(link, "new_password1", password, "new_password2", password)
		mails("password-changed to ann@example.org", "password-reset to ann@example.org", "password-changed to ann@example.org")
		mute := newSiteWith(t, db, web.Options{}, Options{MailProblem: "smtp.from is empty"}).visitor()
		mute.login("ann", password, "")
		if a := mute.post("/user/password-change/", newPassword(password, better, better)...); a.StatusCode != 303 {
			t.Errorf("without a way for mail: %d", a.StatusCode)
		}
		odd := "ann(ex)@example.org" // an administrator may set what no mail can be sent to
		if _, err := account.UpdateUser(t.Context(), db, account.CLI, noon, "ann", account.UserChange{Email: &odd}); err != nil {
			t.Fatal(err)
		}
		ann.login("ann", better, "")
		if a := ann.post("/user/password-change/", newPassword(better, password, password)...); a.StatusCode != 303 {
			t.Errorf("without an address: %d", a.StatusCode)
		}
		mails("password-changed to ann@example.org", "password-reset to ann@example.org", "password-changed to ann@example.org")
	})
}
