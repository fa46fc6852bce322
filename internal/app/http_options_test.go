// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestOwnLook: what a site puts around its pages is there, and its stylesheet is served.
func TestOwnLook(t *testing.T) {
	css := filepath.Join(t.TempDir(), "own.css")
	if err := os.WriteFile(css, []byte("body { color: red }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, dbtest.Open(t, sqldb.SQLite), func(c *config.Config) {
		c.HTTP.CustomCSS, c.HTTP.NavHTML, c.HTTP.FooterHTML = css, `<a href="/x">Nav</a>`, `<b>Foot</b>`
	})
	s.expect(s.get("/"), http.StatusOK, `<link rel="stylesheet" href="/static/custom.css">`, `<a href="/x">Nav</a>`, `<b>Foot</b>`)
	s.expect(s.get("/static/custom.css"), http.StatusOK, "body { color: red }")
}

// TestLegacyRedirectsOff: numbers of patches lead nowhere then, those of comments, which today's pages use, still do.
func TestLegacyRedirectsOff(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite), func(c *config.Config) { c.HTTP.LegacyRedirects = false })
	s.project("kettle")
	s.patchMail("kettle", "p@mail.example", "[PATCH] boil")
	s.mail("kettle", "Message-ID: <r@mail.example>\nIn-Reply-To: <p@mail.example>\nFrom: Bo <bo@mail.example>\nSubject: Re: [PATCH] boil", "fine\n")
	s.expect(s.get("/patch/1/"), http.StatusNotFound)
	s.redirects(s.get("/comment/1/"), http.StatusFound, "/project/kettle/patch/p@mail.example/#1")
}
