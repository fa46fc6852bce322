// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"encoding/base64"
	"net/http"
	"strings"

	"patchwork.example/pw/internal/format/fold"
)

const flashCookie = "pw_flash"

// Flash tells the visitor something on the next page he sees: after a form was sent and he is redirected.
func (c *Call) Flash(f Flash) {
	mark := "+"
	if f.Bad {
		mark = "-"
	}
	text := mark + fold.Cut(f.Text, 600)
	if f.Undo != "" {
		text += "\x00" + f.Undo
	}
	value := base64.RawURLEncoding.EncodeToString([]byte(text))
	http.SetCookie(c.W, &http.Cookie{Name: flashCookie, Value: value, Path: "/", MaxAge: 60, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.Secure()})
}

// hasFlash tells whether there is something to say on the next page.
func (c *Call) hasFlash() bool {
	_, err := c.R.Cookie(flashCookie)
	return err == nil
}

func (c *Call) takeFlash() []Flash {
	cookie, err := c.R.Cookie(flashCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(c.W, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.Secure()})
	raw, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || len(raw) < 2 {
		return nil
	}
	text, undo, _ := strings.Cut(string(raw[1:]), "\x00")
	return []Flash{{Text: text, Bad: raw[0] == '-', Undo: LocalPath(undo, "")}} // a cookie can come from anywhere
}

// LocalPath is next if it is the path of a page of this site, else otherwise: what comes in a form or a cookie must not lead to another site.
// Browsers read a backslash as a slash and drop tabs and line feeds.
func LocalPath(next, otherwise string) string {
	const longest = 4096
	bad := func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsFunc(next, bad) || len(next) > longest {
		return otherwise
	}
	return next
}

// Secure tells whether the visitor came by https, so that cookies may say so.
func (c *Call) Secure() bool {
	return c.R.TLS != nil || c.R.Header.Get("X-Forwarded-Proto") == "https" || strings.HasPrefix(c.shell.opt.BaseURL, "https:")
}
