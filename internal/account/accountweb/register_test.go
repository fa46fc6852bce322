// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/web"
)

var confirmLink = regexp.MustCompile(`/confirm/[0-9a-f]{40}/`)

// value is one column of one row, as text.
func (s *site) value(query string, args ...any) string {
	s.t.Helper()
	var out []string
	if err := s.db.Select(s.t.Context(), &out, query, args...); err != nil {
		s.t.Fatal(err)
	}
	return strings.Join(out, ",")
}

func (s *site) users() string {
	s.t.Helper()
	return s.value("SELECT username || CASE WHEN is_active THEN ' active' ELSE '' END || CASE WHEN pending THEN ' pending' ELSE '' END FROM user_account ORDER BY username_key")
}

func registration(username, email, password string) []string {
	return []string{"username", username, "email", email, "password", password, "first_name", "Ann", "last_name", "Author"}
}

func TestRegister(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), web.Options{SiteName: "Patchwork"})
	s.user("joe")
	v := s.visitor()
	v.shows(v.get("/register/"), 200, `name="username"`, `name="email"`, `name="password"`, `autocomplete="new-password"`)
	for _, test := range []struct{ username, email, password, says string }{
		{"", "", "", "Fill in a user name"},
		{"ann author", "ann@example.org", "kettle on the hob", "The user name may have"},
		{"ann", "ann", "kettle on the hob", "not one that mail can be sent to"},
		{"ann", "ann@example.org", "1", "at least 8 characters"},
		{"ann", "ann@example.org", "password1", "anybody would try"},
		{"annette", "ann@example.org", "Annette1", "name or address of the user"},
		{"JOE", "ann@example.org", "kettle on the hob", "This username is already taken. Please choose another."},
	} {
		a := v.post("/register/", registration(test.username, test.email, test.password)...)
		v.shows(a, 200, test.says, `role="alert"`)
		if strings.Contains(a.body, "kettle on the hob") {
			t.Errorf("%v: the page has the password", test)
		}
	}
	if got := s.users(); got != "joe active" {
		t.Fatal(got)
	}
	s.exec("INSERT INTO person (id, email, email_key, name, name_key, name_votes) VALUES (7, 'Ann@Example.org', 'ann@example.org', 'Ann', 'ann', 1)")
	v.shows(v.post("/register/", registration("ann", "Ann@Example.org", "kettle on the hob")...), 200, "A mail was sent to Ann@Example.org")
	if got := s.users(); got != "ann pending,joe active" {
		t.Fatal(got)
	}
	if a := v.login("ann", "kettle on the hob", ""); a.StatusCode != 403 {
		t.Errorf("an unconfirmed user logs in: %d", a.StatusCode)
	}
	link := confirmLink.FindString(s.mailed())
	for range 2 { // a program that looks for viruses opens the page, and more than once
		v.shows(v.get(link), 200, "Confirm your account", "ann@example.org", `<button class="primary">Confirm</button>`)
	}
	if got := s.users(); got != "ann pending,joe active" {
		t.Fatal(got)
	}
	v.shows(v.post(link), 200, "Your account works")
	if got := s.users() + " " + s.value("SELECT CAST(e.id AS CHAR(9)) FROM person e JOIN user_account u ON u.id = e.user_id WHERE u.username = 'ann'"); got != "ann active,joe active 7" {
		t.Fatal(got)
	}
	v.shows(v.post(link), 409, "already been processed")
	v.shows(v.get(link), 409, "already been processed")
	if a := v.login("ann", "kettle on the hob", ""); a.StatusCode != 303 {
		t.Errorf("the new user logs in: %d", a.StatusCode)
	}
	if log := s.log.String(); strings.Contains(log, "kettle") || strings.Contains(log, strings.Split(link, "/")[2]) {
		t.Error("a secret is in the log: " + log)
	}
}

// Whoever registers the address of somebody else learns nothing, and neither do later registrations under the same name.
func TestRegisterKnownAddress(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), web.Options{SiteName: "Patchwork"})
	s.user("joe")
	v := s.visitor()
	pages := map[string]string{}
	for _, test := range []struct{ username, email string }{{"mallory", "JOE@example.org"}, {"newcomer", "new@example.org"}} {
		a := v.post("/register/", registration(test.username, test.email, "kettle on the hob")...)
		v.shows(a, 200)
		pages[test.username] = strings.NewReplacer(test.username, "NAME", test.email, "EMAIL").Replace(a.body)
		if test.username == "mallory" {
			mail := s.mailed()
			if confirmLink.MatchString(mail) || !strings.Contains(mail, "has an account already:\n\n    joe\n") || !strings.Contains(mail, "/user/password-reset/") {
				t.Error(mail)
			}
		}
		v.shows(v.post("/register/", registration(test.username, "x"+test.email, "kettle on the hob")...), 200, "already taken")
	}
	if pages["mallory"] != pages["newcomer"] {
		t.Errorf("the answers differ:\n%s\n%s", pages["mallory"], pages["newcomer"])
	}
	if got := s.users(); got != "joe active,mallory pending,newcomer pending" {
		t.Error(got)
	}
}

// Two people may register one address at a time; it becomes the account of who confirms first. A link ends, and the switch of the site counts to the last.
func TestRegisterLater(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	s := newSite(t, db, web.Options{})
	v := s.visitor()
	links := map[string]string{}
	for _, name := range []string{"one", "two", "late"} {
		email := map[bool]string{true: "late@example.org", false: "same@example.org"}[name == "late"]
		v.shows(v.post("/register/", registration(name, email, "kettle on the hob")...), 200, "A mail was sent")
		links[name] = confirmLink.FindString(s.mailed())
	}
	closed := newSiteWith(t, db, web.Options{}, Options{ConfirmationDays: 7})
	c := closed.visitor()
	c.shows(c.get("/register/"), 403, "the administrators make accounts")
	c.shows(c.post("/register/", registration("ann", "ann@example.org", "kettle on the hob")...), 403)
	c.shows(c.post(links["one"]), 403)
	if strings.Contains(c.get("/user/login/").body, "/register/") {
		t.Error("the login page leads to a closed page")
	}
	v.shows(v.post(links["two"]), 200, "Your account works")
	v.shows(v.post(links["one"]), 409, "This address has an account already")
	s.clock.Advance(7*24*time.Hour + time.Second)
	v.shows(v.get(links["late"]), 409, "has expired")
	v.shows(v.post(links["late"]), 409, "has expired")
	if got := s.users(); got != "late pending,one pending,two active" {
		t.Error(got)
	}
}

// The same visitor registers few, an address gets few mails, and without a way for mail nothing is promised.
func TestRegisterBounds(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	s := newSite(t, db, web.Options{})
	v := s.visitor()
	for i := range 4 {
		a := v.post("/register/", registration(fmt.Sprint("ann", i), "ann@example.org", "kettle on the hob")...)
		if want := map[bool]int{true: 200, false: 429}[i < 3]; a.StatusCode != want {
			t.Errorf("mail %d: %d", i, a.StatusCode)
		}
	}
	s.remote = "192.0.2.9:77"
	for i := range 12 {
		a := v.post("/register/", registration("ann0", fmt.Sprintf("x%d@example.org", i), "kettle on the hob")...) // looks whether a name is taken
		if i == 11 && (a.StatusCode != 429 || a.Header.Get("Retry-After") == "") {
			t.Errorf("%d, Retry-After %q", a.StatusCode, a.Header.Get("Retry-After"))
		}
	}
	mute := newSiteWith(t, db, web.Options{}, Options{ConfirmationDays: 7, Registration: true, MailProblem: "http.base-url is empty: mail needs it for its links"})
	m := mute.visitor()
	mails := s.value("SELECT CAST(COUNT(*) AS CHAR(9)) FROM outgoing_mail")
	for _, path := range []string{"/register/", "/user/password-reset/"} {
		m.header = map[string]string{"X-Forwarded-Host": "evil.example"}
		m.shows(m.get(path), 503, "This site sends no mail yet")
		m.shows(m.post(path, registration("bob", "bob@example.org", "kettle on the hob")...), 503)
	}
	if got := s.value("SELECT CAST(COUNT(*) AS CHAR(9)) FROM outgoing_mail"); got != mails {
		t.Errorf("%s mails, there were %s", got, mails)
	}
	if !strings.Contains(mute.log.String(), "http.base-url is empty") {
		t.Error("the log does not say what is missing: " + mute.log.String())
	}
}

func TestLinkAddress(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), web.Options{})
	s.user("ann")
	s.user("joe")
	s.exec("INSERT INTO person (id, email, email_key, name, name_key, name_votes, user_id) SELECT 7, 'joe@example.org', 'joe@example.org', 'Joe', 'joe', 1, id FROM user_account WHERE username = 'joe'")
	nobody, ann, joe := s.visitor(), s.visitor(), s.visitor()
	for _, a := range []answer{nobody.get("/user/link/"), nobody.post("/user/link/", "email", "x@example.org")} {
		if a.StatusCode != 302 || !strings.HasPrefix(a.Header.Get("Location"), "/user/login/?next=") {
			t.Errorf("%d %s", a.StatusCode, a.Header.Get("Location"))
		}
	}
	ann.login("ann", password, "")
	joe.login("joe", password, "")
	owner := func(email string) string {
		return s.value("SELECT u.username FROM person e JOIN user_account u ON u.id = e.user_id WHERE e.email_key = ?", email)
	}
	ann.shows(ann.get("/user/link/"), 200, `name="email"`)
	ann.shows(ann.post("/user/link/", "email", "not one"), 200, "is no address", `role="alert"`)
	if a := ann.post("/user/link/", "email", "Ann@Home.example"); a.StatusCode != 303 || a.Header.Get("Location") != "/user/" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	link := confirmLink.FindString(s.mailed())
	if a := nobody.get(link); a.StatusCode != 302 || a.Header.Get("Location") != "/user/login/?next="+strings.ReplaceAll(link, "/", "%2F") {
		t.Errorf("%d %s", a.StatusCode, a.Header.Get("Location"))
	}
	joe.shows(joe.get(link), 403, "Another user has asked for this")
	joe.shows(joe.post(link), 403)
	ann.shows(ann.get(link), 200, "will count as yours")
	if got := owner("ann@home.example"); got != "" {
		t.Errorf("it is of %s before it was confirmed", got)
	}
	ann.shows(ann.post(link), 200, "The address is yours")
	if got := owner("ann@home.example"); got != "ann" {
		t.Errorf("it is of %q", got)
	}
	ann.shows(ann.post("/user/link/", "email", "ANN@home.example"), 200, "This address is yours already.")
	// The address of another user: the same answer, a mail, and at the end a refusal that only its reader sees.
	if a := ann.post("/user/link/", "email", "joe@example.org"); a.StatusCode != 303 {
		t.Errorf("%d", a.StatusCode)
	}
	link = confirmLink.FindString(s.mailed())
	ann.shows(ann.post(link), 409, "belongs to another user")
	if got := owner("joe@example.org"); got != "joe" {
		t.Errorf("it is of %q", got)
	}
}

// Users say on their own page whether an address of theirs gets notices; of others' addresses they can't.
func TestOwnNotices(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), web.Options{})
	s.user("ann")
	s.user("joe")
	ann := s.visitor()
	ann.login("ann", password, "")
	ann.shows(ann.get("/user/"), 200, "gets notices", `action="/user/optout/"`)
	ann.post("/user/optout/", "email", "Ann@example.org")
	ann.shows(ann.get("/user/"), 200, "gets no notices", `action="/user/optin/"`)
	if got := s.value("SELECT email_key FROM email_optout"); got != "ann@example.org" {
		t.Error(got)
	}
	ann.shows(ann.post("/user/optout/", "email", "joe@example.org"), 404)
	ann.post("/user/optin/", "email", "ann@example.org")
	if got := s.value("SELECT email_key FROM email_optout"); got != "" {
		t.Error(got)
	}
	if a := s.visitor().post("/user/optout/", "email", "ann@example.org"); a.StatusCode != 302 {
		t.Errorf("without a login: %d", a.StatusCode)
	}
	if rows, err := outmail.List(t.Context(), s.db, outmail.Filter{}); err != nil || len(rows) != 0 {
		t.Errorf("%v, %v", rows, err)
	}
}

func TestAbout(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), web.Options{})
	s.user("ann")
	s.user("joe")
	s.exec("UPDATE user_account SET is_admin = TRUE, first_name = 'Joe', last_name = 'Root' WHERE username = 'joe'")
	v := s.visitor()
	a := v.get("/about/")
	v.shows(a, 200, "Patchwork 4.0-test", `href="/api/docs"`, "Joe Root (joe)", `href="/register/"`)
	if strings.Contains(a.body, "joe@example.org") || strings.Contains(a.body, "ann") {
		t.Error(a.body)
	}
	v.login("ann", password, "")
	v.shows(v.get("/about/"), 200, `href="mailto:joe@example.org"`)
	named := newSiteWith(t, s.db, web.Options{}, Options{Admins: []mail.Address{{Name: "Site Admin", Address: "admin@example.net"}}})
	n := named.visitor()
	n.shows(n.get("/about/"), 200, "Site Admin", `href="mailto:admin@example.net"`, "made by the administrators")
	for _, path := range []string{"/help/", "/help/about/", "/help/pwclient/"} {
		if a := v.get(path); a.StatusCode != 301 || a.Header.Get("Location") != "/about/" {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.Header.Get("Location"))
		}
	}
}
