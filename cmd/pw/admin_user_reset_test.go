// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"regexp"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/outmail"
)

// mails are the texts of those that wait, the newest first.
func (s site) mails() (out []string) {
	s.t.Helper()
	rows, err := outmail.List(s.t.Context(), s.db(), outmail.Filter{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range rows {
		m, err := r.Mail()
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, r.Kind+" to "+r.Recipient+"\n"+m.Shown("https://pw.example.org"))
	}
	return out
}

var printedLink = regexp.MustCompile(`https://pw\.example\.org/user/password-reset/([\w-]+)/([0-9a-f]{40})/\n`)

// An administrator has a link to a new password printed, or sent; it works also for who has no password yet.
func TestUserReset(t *testing.T) {
	s := newSite(t)
	s.does("admin", "user", "create", "ann", "-e", "ann@example.org", "--no-password")
	s.does("admin", "user", "create", "off", "-e", "off@example.org", "--no-password", "--no-active")
	const base, from, way = "--http-base-url=https://pw.example.org", "--smtp-from=pw@example.org", "--smtp-host=mail.example.org"
	for _, test := range []struct {
		line string
		code int
		err  string
	}{
		{"ann", 65, "pw: http.base-url is empty: a link can't be made without it\n"},
		{"ann --print", 65, "pw: http.base-url is empty: a link can't be made without it\n"},
		{"ann " + base, 65, "pw: smtp.host and smtp.sendmail are empty: there is no way for mail to leave; --print needs no mail\n"},
		{"off --print " + base, 73, "pw: reset the password of \"off\": user \"off\" is not active\n"},
		{"carol --print " + base, 66, "pw: reset the password of \"carol\": no user \"carol\"\n"},
	} {
		s.says("admin user reset "+test.line, test.code, "", test.err)
	}
	printed := s.does("admin", "user", "reset", "ANN", "--print", base)
	link := printedLink.FindStringSubmatch(printed)
	if link == nil || link[0] != printed {
		t.Fatalf("printed %q", printed)
	}
	if got := s.mails(); len(got) != 0 {
		t.Errorf("--print sends %q", got)
	}
	s.says("admin user reset -u ann "+base+" "+from+" "+way, 0, "a mail with a link is on its way to user \"ann\"\n", "")
	got := s.mails()
	if len(got) != 1 || !strings.HasPrefix(got[0], "password-reset to ann@example.org\n") {
		t.Fatalf("%q", got)
	}
	sent := printedLink.FindStringSubmatch(got[0])
	if sent == nil || sent[0] == link[0] {
		t.Fatalf("sent %q, printed %q", sent, link)
	}
	sessions := account.NewSessions(s.db(), clock.System{})
	if _, err := sessions.ResetPassword(t.Context(), link[1], link[2], "kettle on the hob"); err != nil {
		t.Fatal(err)
	}
	s.lets("ann", "kettle on the hob")
	for _, l := range [][]string{link, sent} { // the one was used, and the other ended with the old password
		if _, err := sessions.ResetPassword(t.Context(), l[1], l[2], "a longer way to Tipperary"); err == nil {
			t.Errorf("%s works still", l[0])
		}
	}
	s.lets("ann", "kettle on the hob")
}

// A user is told that an administrator gave him a password, if mail can leave; of one that was taken away he is not.
func TestPasswdTells(t *testing.T) {
	s := newSite(t)
	s.does("admin", "user", "create", "ann", "-e", "ann@example.org", "--no-password")
	mail := []string{"--http-base-url=https://pw.example.org", "--smtp-from=pw@example.org", "--smtp-host=mail.example.org"}
	passwd := func(input string, args ...string) {
		t.Helper()
		if got := s.pw(input, append([]string{"admin", "user", "passwd", "ann"}, args...)...); got.code != 0 {
			t.Fatalf("%+v", got)
		}
	}
	passwd("kettle on the hob\n", "--password-stdin")
	passwd("", append(mail, "--no-password")...)
	if got := s.mails(); len(got) != 0 {
		t.Errorf("%q", got)
	}
	passwd("kettle on the hob\n", append(mail, "--password-stdin")...)
	got := s.mails()
	if len(got) != 1 || !strings.HasPrefix(got[0], "password-changed to ann@example.org\n") || !strings.Contains(got[0], "by an administrator.") || strings.Contains(got[0], "kettle") {
		t.Errorf("%q", got)
	}
}
