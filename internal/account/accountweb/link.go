// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"net/http"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/web"
)

const linkPath = "/user/link/"

func linkEntry(email, problem string) entry {
	return entry{Title: "Add an address", Action: linkPath, Button: "Send the mail", Problem: problem,
		Lead:   "Mail that you send from there will count as yours. A mail goes to the address; nothing changes before you press the button on the page that it names.",
		Fields: []field{{Label: "E-mail address", Name: "email", Value: email, Type: "email", Autocomplete: "email", Most: 254}}}
}

func (f *face) showLink(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	if err := f.needsMail(c); err != nil {
		return err
	}
	return showEntry(c, http.StatusOK, linkEntry("", ""))
}

func (f *face) link(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	if err := c.RequireLogin(); err != nil {
		return err
	}
	if err := f.needsMail(c); err != nil {
		return err
	}
	email := strings.TrimSpace(c.R.PostForm.Get("email"))
	err := account.AskLink(c.R.Context(), f.db, c.Actor(), c.Now, email, c.R.RemoteAddr, f.opt.ConfirmationDays)
	if err != nil {
		status, text, ok := explain(c, err)
		if !ok {
			return err
		}
		return showEntry(c, status, linkEntry(email, text))
	}
	c.Flash(web.Flash{Text: "A mail was sent to " + email + ". Nothing changes before you press the button on the page that it names."})
	return c.Redirect(http.StatusSeeOther, profilePath)
}

// setNotices says for an address of the user's own whether it gets notices.
func (f *face) setNotices(c *web.Call, out bool) error {
	if err := readForm(c); err != nil {
		return err
	}
	if err := c.RequireLogin(); err != nil {
		return err
	}
	email := c.R.PostForm.Get("email")
	text := "Notices are sent to " + email + " again"
	if out {
		text = "No more notices are sent to " + email
	}
	return f.saved(c, account.SetOwnNotices(c.R.Context(), f.db, c.Actor(), c.Now, email, out), text)
}
