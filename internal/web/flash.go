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
	value := base64.RawURLEncoding.EncodeToString([]byte(mark + fold.Cut(f.Text, 600)))
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
	return []Flash{{Text: string(raw[1:]), Bad: raw[0] == '-'}}
}

// Secure tells whether the visitor came by https, so that cookies may say so.
func (c *Call) Secure() bool {
	return c.R.TLS != nil || c.R.Header.Get("X-Forwarded-Proto") == "https" || strings.HasPrefix(c.shell.opt.BaseURL, "https:")
}
