// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/test/browser"
	"patchwork.example/pw/internal/web"
)

// accountSite is a site that sends mail. Its user has projects, many addresses, bundles and tokens with names as long as they get.
func accountSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t, func(c *config.Config) {
		c.HTTP.BaseURL, c.SMTP.Sendmail, c.SMTP.From = "https://patchwork.example.org", "/usr/sbin/sendmail", mail.Address{Address: "patchwork@example.org"}
	})
	hostile := mailSource(hostileMails())
	s.addProject(t, "kettle", "Kettle", demoList, demoMails(t))
	s.addProject(t, "hostile", "Hostile & <b>Sons</b>", hostileList, &hostile)
	s.addMaintainer(t, "hostile", "kettle")
	s.admin = s.addAdmin(t)
	s.exec(t, `UPDATE user_account SET first_name = 'Maximiliane', last_name = 'von und zu Hohen-Bindestrich <b>' WHERE username <> 'admin'`)
	s.exec(t, `UPDATE patch SET delegate_id = (SELECT MIN(id) FROM user_account) WHERE id % 4 = 0`)
	s.exec(t, `UPDATE person SET user_id = (SELECT MIN(id) FROM user_account) WHERE id % 2 = 0`)
	s.exec(t, `INSERT INTO person (id, email, email_key, name, name_key, name_votes, user_id) SELECT 1000000,
		e, e, NULL, '', 0, u.id FROM (SELECT 'an-address-as-long-as-they-get-in-this-world@a-department.of-a-large-company.example.org' AS e) e, (SELECT MIN(id) AS id FROM user_account) u`)
	s.exec(t, `INSERT INTO email_optout (email_key, created_at) SELECT email_key, 1772366400000000 FROM person WHERE user_id IS NOT NULL AND id % 4 = 0`)
	s.exec(t, `INSERT INTO bundle (id, owner_id, project_id, name, name_key, public) SELECT n.n, u.id, p.id, n.n || ' a <b>bundle</b> with-a-name-without-any-place-to', n.n || 'x', TRUE
		FROM (SELECT MIN(id) AS id FROM user_account) u, (SELECT MIN(id) AS id FROM project) p, (WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 25) SELECT n FROM k) n`)
	if _, err := s.Check(t.Context(), true, func(string) {}); err != nil {
		t.Fatal(err)
	}
	return s
}

var secretPath = regexp.MustCompile(`/(confirm/[0-9a-f]{40}|user/password-reset/[\w-]+/[0-9a-f]{40})/`)

// mailed is the path in the mail that was queued last.
func (s *site) mailed(t *testing.T) string {
	t.Helper()
	rows, err := outmail.List(t.Context(), s.DB, outmail.Filter{Most: 1})
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	m, err := rows[0].Mail()
	if err != nil {
		t.Fatal(err)
	}
	path := secretPath.FindString(m.Shown(""))
	if path == "" {
		t.Fatal(m)
	}
	return path
}

// accountPaths asks for all that is confirmed by a link in a mail, and gives the links.
func (s *site) accountPaths(t *testing.T) (registered, linked, reset string) {
	t.Helper()
	sessions := account.NewSessions(s.DB, s.Clock)
	r := account.Registration{Username: "newcomer_with_a_name_of_thirty", Email: "somebody-with-a-long-name@a-department.of-a-large-company.example.org", Password: "kettle on the hob"}
	if err := sessions.Register(t.Context(), r, "192.0.2.7:7", 7); err != nil {
		t.Fatal(err)
	}
	registered = s.mailed(t)
	u, err := account.UserByName(t.Context(), s.DB, maintainer)
	if err != nil {
		t.Fatal(err)
	}
	if err := account.AskLink(t.Context(), s.DB, account.Actor{User: u.ID, Via: "test"}, s.Clock.Now(), "another-of-mine@a-department.of-a-large-company.example.org", "", 7); err != nil {
		t.Fatal(err)
	}
	linked = s.mailed(t)
	if reset, err = account.SendReset(t.Context(), s.DB, root, s.Clock.Now(), maintainer, false); err != nil {
		t.Fatal(err)
	}
	return registered, linked, reset
}

// likeOthers are pages of accounts all parts of which another page has that axe-core is asked of.
var likeOthers = []string{"unknown link", "confirm an address", "change the password", "about, for users", "profile", "reset the password"}

// testAccounts looks at the pages of accounts as testLook does, and at what they say after their forms were sent.
func testAccounts(t *testing.T, b *browser.Browser) {
	s, closed := accountSite(t), newSite(t, func(c *config.Config) { c.Account.Registration = false })
	registered, linked, reset := s.accountPaths(t)
	form := func(pairs ...string) []string { return append([]string{}, pairs...) }
	passwords := func(old, first, second string) []string {
		return form("old_password", old, "new_password1", first, "new_password2", second)
	}
	const weak, strong = "password1", "a longer way to Tipperary"
	pages := []struct {
		name, path string
		user       bool
		status     int
		form       []string // names and values; nil: it is only looked at
		says       string
	}{
		{"register", "/register/", false, 200, nil, "Register"},
		{"register, weak", "/register/", false, 200, form("username", "joe", "email", "joe@example.org", "password", weak), "anybody would try"},
		{"register, taken", "/register/", false, 200, form("username", "ADMIN", "email", "joe@example.org", "password", strong), "already taken"},
		{"registered", "/register/", false, 200, form("username", "joe", "email", "joe-with-a-long-name@a-department.of-a-large-company.example.org", "password", strong), "Look into your mailbox"},
		{"confirm a registration", registered, false, 200, nil, "Confirm your account"},
		{"registration confirmed", registered, false, 200, form(), "Your account works"},
		{"unknown link", "/confirm/0000000000000000000000000000000000000000/", false, 404, nil, "Not found"},
		{"link an address", "/user/link/", true, 200, nil, "Add an address"},
		{"link an address, own", "/user/link/", true, 200, form("email", "BO@example.net"), "yours already"},
		{"link an address, mail sent", "/user/link/", true, 200, form("email", "one-more@a-department.of-a-large-company.example.org"), "A mail was sent to"},
		{"confirm an address", linked, true, 200, nil, "Add an address"},
		{"address confirmed", linked, true, 200, form(), "The address is yours"},
		{"change the password", "/user/password-change/", true, 200, nil, "Change the password"},
		{"change the password, wrong", "/user/password-change/", true, 200, passwords("not it", strong, strong), "The old password is wrong"},
		{"change the password, weak", "/user/password-change/", true, 200, passwords(password, weak, weak), "anybody would try"},
		{"change the password, differ", "/user/password-change/", true, 200, passwords(password, strong, strong+"!"), "differ"},
		{"password changed", "/user/password-change/done/", true, 200, nil, "Password changed"},
		{"about, for users", "/about/", true, 200, nil, "admin@example.org"},
		{"profile", "/user/", true, 200, nil, "Your addresses"},
		{"reset the password", "/user/password-reset/", false, 200, nil, "Reset the password"},
		{"reset, mail sent", "/user/password-reset/", false, 200, form("email", "maintainer@example.org"), "Look into your mailbox"},
		{"choose a password", reset, false, 200, nil, "Choose a new password"},
		{"choose a password, weak", reset, false, 200, form("new_password1", weak, "new_password2", weak), "anybody would try"},
		{"password chosen", reset, false, 200, form("new_password1", strong, "new_password2", strong), "Log in with it"},
		{"log in", "/user/login/", false, 200, nil, "I have forgotten my password"},
		{"log in, wrong", "/user/login/", false, 403, form("username", "admin", "password", "not it"), "Log in"},
		{"about", "/about/", false, 200, nil, "About this site"},
	}
	one := b.Tab(t)
	for _, p := range pages {
		t.Run(p.name, func(t *testing.T) { // one after the other: some end what others need
			tab := one.Lend(t)
			if p.user {
				tab.SetCookie(s.url, web.SessionCookie, s.session)
			}
			status := tab.Open(s.url + p.path)
			if p.form != nil {
				status = send(tab, p.form)
			}
			if said := browser.Eval[string](tab, `document.querySelector("main").innerText + document.title`); status != p.status || !strings.Contains(said, p.says) {
				t.Fatalf("%s: %d, %s", p.path, status, said)
			}
			switch {
			case slices.Contains(likeOthers, p.name):
				lookAt(t, tab, p.status, alike)
			case p.form == nil || p.name == "register, weak" || soak(): // the others look like one of these
				lookAt(t, tab, p.status, whole)
			}
		})
	}
	for path, status := range map[string]int{"/register/": 403, "/user/password-reset/": 503, "/about/": 200} {
		t.Run("closed, "+path, func(t *testing.T) {
			tab := one.Lend(t)
			if got := tab.Open(closed.url + path); got != status {
				t.Fatalf("%d, want %d", got, status)
			}
			lookAt(t, tab, status, alike)
		})
	}
}

// send fills the form of the page and sends it.
func send(tab *browser.Tab, form []string) (status int) {
	for i := 0; i < len(form); i += 2 {
		browser.Eval[bool](tab, fmt.Sprintf(`(document.querySelector("main [name='%s']").value = %q) !== null`, form[i], form[i+1]))
	}
	browser.Eval[bool](tab, `document.querySelector("main form.form button").focus() === undefined`)
	return tab.PressAndLoad("\r")
}
