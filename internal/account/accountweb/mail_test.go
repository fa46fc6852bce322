// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/web"
)

func email(s string) string { return url.Values{"email": {s}}.Encode() }

// mailed is the text of the newest mail in the queue; links begin with nothing.
func (s *site) mailed() string {
	s.t.Helper()
	rows, err := outmail.List(s.t.Context(), s.db, outmail.Filter{Most: 1})
	if err != nil || len(rows) != 1 {
		s.t.Fatalf("%+v, %v", rows, err)
	}
	m, err := rows[0].Mail()
	if err != nil {
		s.t.Fatal(err)
	}
	return m.Shown("")
}

func (v *visitor) shows(a answer, status int, texts ...string) {
	v.t.Helper()
	if a.StatusCode != status {
		v.t.Errorf("%s %s: %d, want %d", a.Request.Method, a.Request.URL.Path, a.StatusCode, status)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			v.t.Errorf("%s %s: no %q in %s", a.Request.Method, a.Request.URL.Path, text, a.body)
		}
	}
}

func TestMailSettings(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), web.Options{SiteName: "Patchwork"})
	v := s.visitor()
	v.shows(v.get("/mail/"), 200, `action="/mail/"`)
	for _, path := range []string{"/mail/optout/", "/mail/optin/"} {
		if a := v.get(path); a.StatusCode != 302 || a.Header.Get("Location") != "/mail/" {
			t.Errorf("%s: %d to %s", path, a.StatusCode, a.Header.Get("Location"))
		}
	}
	v.shows(v.do("POST", "/mail/", email("<b>")), 400, "Fill in an e-mail address", "&lt;b&gt;")
	v.shows(v.do("POST", "/mail/", email(" Some@Example.org ")), 200, "may send notices to <strong>Some@Example.org</strong>", `action="/mail/optout/"`)
	v.shows(v.do("POST", "/mail/optin/", email("some@example.org")), 409, "This address has not opted out.")
	if a := v.do("POST", "/mail/optout/", email("Some@Example.org")); a.StatusCode != 303 || a.cookie("pw_flash") == nil {
		t.Errorf("%d", a.StatusCode)
	}
	link := regexp.MustCompile(`/confirm/[0-9a-f]{40}/`).FindString(s.mailed())
	v.shows(v.get(link), 200, "Stop notices", "some@example.org", `<form class="form" method="post">`)
	v.shows(v.do("POST", "/mail/", email("SOME@example.org")), 200, "may send notices") // reading the page has changed nothing
	v.shows(v.do("POST", link, ""), 200, "sends no more notices to <strong>some@example.org</strong>")
	v.shows(v.get(link), 409, "already been processed")
	v.shows(v.do("POST", link, ""), 409, "already been processed")
	v.shows(v.do("POST", "/mail/", email("SOME@example.org")), 200, "opted out", `action="/mail/optin/"`)
	v.shows(v.get("/confirm/"+strings.Repeat("0", 40)+"/"), 404)
	s.exec("INSERT INTO mail_suspended (recipient_key, at, reason) VALUES ('dead@example.org', 1, '3 mails came back')")
	v.shows(v.do("POST", "/mail/", email("dead@example.org")), 200, "is suspended: 3 mails came back")
	for i := range 4 {
		a := v.do("POST", "/mail/optout/", email("victim@example.org"))
		if want := map[bool]int{true: 303, false: 429}[i < 3]; a.StatusCode != want {
			t.Errorf("%d: %d", i, a.StatusCode)
		}
	}
	s.remote = "192.0.2.9:77"
	for i := range 12 {
		a := v.do("POST", "/mail/optout/", email(string(rune('a'+i))+"@example.org"))
		if i == 11 && (a.StatusCode != 429 || a.Header.Get("Retry-After") == "") {
			t.Errorf("%d, Retry-After %q", a.StatusCode, a.Header.Get("Retry-After"))
		}
	}
}

// TestOneClick: a mail program posts what RFC 8058 says, without a cookie, and the address gets no more; whoever only follows the link is asked.
func TestOneClick(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), web.Options{SiteName: "Patchwork", BaseURL: "https://patchwork.example.net"})
	var link string
	var sign outmail.Signer
	err := s.db.Tx(t.Context(), func(tx *sqldb.Tx) (err error) {
		sign, err = outmail.LoadSigner(t.Context(), tx, noon)
		link = sign.UnsubscribePath("Ann@example.org")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	v := s.visitor()
	v.shows(v.get(link), 200, "will send no more notices to <strong>ann@example.org</strong>", `method="post"`)
	v.shows(v.do("POST", "/mail/", email("ann@example.org")), 200, "may send notices")
	v.shows(v.get("/mail/unsubscribe/YW5u.00000000000000000000/"), 404)
	v.shows(v.do("POST", link, "List-Unsubscribe=One-Click"), 200, "sends no more notices to <strong>ann@example.org</strong>")
	v.shows(v.do("POST", "/mail/", email("ann@example.org")), 200, "opted out")
	// Webmail posts it from its own page.
	v.header = map[string]string{"Origin": "https://webmail.example", "Sec-Fetch-Site": "cross-site"}
	v.shows(v.do("POST", sign.UnsubscribePath("bob@example.org"), "List-Unsubscribe=One-Click"), 200, "no more notices to <strong>bob@example.org</strong>")
	v.shows(v.do("POST", "/mail/", email("bob@example.org")), 403)
}
