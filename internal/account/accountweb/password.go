// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"net/http"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/web"
)

const (
	changePath = "/user/password-change/"
	resetPath  = "/user/password-reset/"
)

func changeEntry(problem string) entry {
	return entry{Title: "Change the password", Action: changePath, Button: "Change the password", Problem: problem,
		Lead: "You stay logged in here, and are logged out everywhere else. Tokens of the API go on working.",
		Fields: []field{
			passwordField("Old password", "old_password", "current-password", ""),
			passwordField("New password", "new_password1", "new-password", passwordHint),
			passwordField("New password again", "new_password2", "new-password", ""),
		}}
}

func (f *face) showChange(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	return showEntry(c, http.StatusOK, changeEntry(""))
}

func (f *face) change(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	if err := c.RequireLogin(); err != nil {
		return err
	}
	session, err := c.R.Cookie(web.SessionCookie)
	if err != nil {
		return err
	}
	password, err := twice(c, "new_password1", "new_password2")
	if err == nil {
		err = f.sessions.ChangePassword(c.R.Context(), c.Actor(), session.Value, c.R.PostForm.Get("old_password"), password, c.R.RemoteAddr)
	}
	if err == nil {
		f.log.Info("password changed", "remote", c.R.RemoteAddr, "user", c.User.ID)
		return c.Redirect(http.StatusSeeOther, changePath+"done/")
	}
	status, text, ok := explain(c, err)
	if !ok {
		return err
	}
	f.log.Info("password change refused", "remote", c.R.RemoteAddr, "user", c.User.ID, "err", err)
	return showEntry(c, status, changeEntry(text))
}

func (f *face) changeDone(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	return c.Render(http.StatusOK, web.Meta{Title: "Password changed", NoIndex: true}, saidPage("Password changed",
		[]string{"Your new password counts from now on. You are logged out everywhere but here."}, profilePath, "Your account"))
}

func resetEntry(email, problem string) entry {
	return entry{Title: "Reset the password", Action: resetPath, Button: "Send the mail", Problem: problem,
		Lead:   "Fill in the address of your account. A mail with a link goes there, by which you choose a new password.",
		Fields: []field{{Label: "E-mail address", Name: "email", Value: email, Type: "email", Autocomplete: "email", Most: 254, Focus: true}}}
}

func (f *face) showReset(c *web.Call) error {
	if err := f.needsMail(c); err != nil {
		return err
	}
	return showEntry(c, http.StatusOK, resetEntry("", ""))
}

// reset answers the same whether or not there is an account; see account.AskReset.
func (f *face) reset(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	if err := f.needsMail(c); err != nil {
		return err
	}
	email := strings.TrimSpace(c.R.PostForm.Get("email"))
	err := account.AskReset(c.R.Context(), f.db, c.Now, email, c.R.RemoteAddr)
	if err == nil {
		return c.Redirect(http.StatusSeeOther, resetPath+"mail-sent/")
	}
	status, text, ok := explain(c, err)
	if !ok {
		return err
	}
	return showEntry(c, status, resetEntry(email, text))
}

func (f *face) resetSent(c *web.Call) error {
	return c.Render(http.StatusOK, web.Meta{Title: "Look into your mailbox", NoIndex: true}, saidPage("Look into your mailbox",
		[]string{"If the address is that of an account with a password, a mail is on its way there. The link in it works for a day.",
			"None comes? Then your account may have another address. The administrators of this site can help."}, "/about/", "Who they are"))
}

func chooseEntry(c *web.Call, u account.User, problem string) entry {
	return entry{Title: "Choose a new password", Action: c.R.URL.EscapedPath(), Button: "Set the password", Problem: problem,
		Lead: "This is the account " + u.Username + ". You will be logged out everywhere.",
		Fields: []field{
			passwordField("New password", "new_password1", "new-password", passwordHint),
			passwordField("New password again", "new_password2", "new-password", ""),
		}}
}

func (f *face) showChoose(c *web.Call) error {
	u, err := account.FindReset(c.R.Context(), f.db, c.Now, c.R.PathValue("user"), c.R.PathValue("secret"))
	if err != nil {
		return err
	}
	return showEntry(c, http.StatusOK, chooseEntry(c, u, ""))
}

func (f *face) choose(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	user, secret := c.R.PathValue("user"), c.R.PathValue("secret")
	u, err := account.FindReset(c.R.Context(), f.db, c.Now, user, secret)
	if err != nil {
		return err
	}
	password, err := twice(c, "new_password1", "new_password2")
	if err == nil {
		_, err = f.sessions.ResetPassword(c.R.Context(), user, secret, password)
	}
	if err == nil {
		f.log.Info("password reset", "remote", c.R.RemoteAddr, "user", u.ID)
		setCookie(c, "", -1) // a session of his that this browser had has ended
		c.Flash(web.Flash{Text: "Your new password counts from now on. Log in with it."})
		return c.Redirect(http.StatusSeeOther, "/user/login/")
	}
	status, text, ok := explain(c, err)
	if !ok {
		return err
	}
	return showEntry(c, status, chooseEntry(c, u, text))
}
