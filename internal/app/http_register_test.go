// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"net/mail"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// Registration is offered where it can be had: it needs mail.
func TestRegisterIsOffered(t *testing.T) {
	for _, test := range []struct {
		what   string
		change func(*config.Config)
		want   string
	}{
		{"no mail", func(c *config.Config) {}, `!href="/register/"`},
		{"mail", func(c *config.Config) {
			c.HTTP.BaseURL, c.SMTP.Host, c.SMTP.From = "https://patchwork.example", "mail.example", mail.Address{Address: "patchwork@patchwork.example"}
		}, `href="/register/"`},
		{"mail, but nobody may", func(c *config.Config) {
			c.HTTP.BaseURL, c.SMTP.Host, c.SMTP.From, c.Account.Registration = "https://patchwork.example", "mail.example", mail.Address{Address: "patchwork@patchwork.example"}, false
		}, `!href="/register/"`},
	} {
		t.Run(test.what, func(t *testing.T) {
			s := serve(t, dbtest.Open(t, sqldb.SQLite), func(c *config.Config) { c.Account.Registration = true; test.change(c) })
			for _, page := range []string{"/", "/user/login/", "/about/"} {
				s.expect(s.get(page), 200, "Log in", test.want)
			}
		})
	}
}

// TestLogInLeadsBack: the link to log in knows where one was, unless that is about accounts and addresses, or has a secret in it.
func TestLogInLeadsBack(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	s.project("alpha")
	s.user("joe", "joe@people.example", false)
	s.expect(s.get("/project/alpha/list/?q=a%26b"), 200, `href="/user/login/?next=%2Fproject%2Falpha%2Flist%2F%3Fq%3Da%2526b"`)
	s.expect(s.get("/project/nosuch/"), 404, `href="/user/login/?next=%2Fproject%2Fnosuch%2F"`)
	for _, page := range []string{"/user/login/", "/mail/", "/user/password-reset/1/secret/"} {
		if a := s.get(page); !strings.Contains(a.body, `href="/user/login/"`) || strings.Contains(a.body, "login/?next") {
			t.Errorf("%s: %s", page, a.body)
		}
	}
}
