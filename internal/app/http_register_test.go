// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"net/mail"
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
			s.expect(s.get("/"), 200, "Log in", test.want)
		})
	}
}
