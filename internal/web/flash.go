// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"patchwork.example/pw/internal/format/fold"
)

const flashCookie = "pw_flash"

// maxLinks is how many links a message has.
const maxLinks = 4

// Flash tells the visitor something on the next page he sees: after a form was sent and he is redirected.
func (c *Call) Flash(f Flash) {
	mark := "+"
	if f.Bad {
		mark = "-"
	}
	longest := 600
	if len(f.Links) > 0 {
		longest = 300
	}
	text := mark + fold.Cut(f.Text, longest)
	if f.Undo != "" || len(f.Links) > 0 {
		text += "\x00" + f.Undo
	}
	for _, l := range f.Links[:min(len(f.Links), maxLinks)] {
		text += "\x00" + strings.Join([]string{fold.Cut(l.Text, 60), l.Path, fold.Cut(l.Note, 40)}, "\x00")
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
	f := Flash{Bad: raw[0] == '-'} // a cookie can come from anywhere
	parts := strings.Split(string(raw[1:]), "\x00")
	if f.Text = parts[0]; len(parts) > 1 {
		f.Undo = LocalPath(parts[1], "")
		for link := range slices.Chunk(parts[2:], 3) {
			if len(link) == 3 && LocalPath(link[1], "") != "" && len(f.Links) < maxLinks {
				f.Links = append(f.Links, Link{link[0], link[1], link[2]})
			}
		}
	}
	return []Flash{f}
}

// saying is the text of a message with its links.
func saying(f Flash) templ.Component {
	said := f.Text
	if f.Bad { // the text of an error
		said = capital(said)
	}
	text := templ.EscapeString(said)
	for i, l := range f.Links {
		text += map[bool]string{true: ": ", false: ", "}[i == 0] + `<a href="` + templ.EscapeString(l.Path) + `"><bdi>` + templ.EscapeString(l.Text) + "</bdi></a>"
		if l.Note != "" {
			text += " (<bdi>" + templ.EscapeString(l.Note) + "</bdi>)"
		}
	}
	return templ.Raw(text)
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
