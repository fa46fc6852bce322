// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"net/http"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/web"
)

// offersRegistration tells whether visitors may register, and can: that needs mail.
func (f *face) offersRegistration() bool { return f.opt.Registration && f.opt.MailProblem == "" }

// mayRegister is nil where the form is to be shown; else the answer is written.
func (f *face) mayRegister(c *web.Call) error {
	if !f.opt.Registration {
		if err := c.Render(http.StatusForbidden, web.Meta{Title: "No registration", NoIndex: true}, closedPage()); err != nil {
			return err
		}
		return web.ErrDone
	}
	return f.needsMail(c)
}

func (f *face) showRegister(c *web.Call) error {
	if c.User.ID != 0 {
		return c.Redirect(http.StatusFound, profilePath)
	}
	if err := f.mayRegister(c); err != nil {
		return err
	}
	return showEntry(c, http.StatusOK, registerEntry(account.Registration{}, ""))
}

func registerEntry(r account.Registration, problem string) entry {
	return entry{Title: "Register", Action: "/register/", Button: "Register", Problem: problem,
		Lead: "With an account you look after your patches here. Sending patches to a list needs none.",
		Fields: []field{
			{Label: "User name", Name: "username", Value: r.Username, Autocomplete: "username", Most: 30, Hint: "letters from a to z, digits and underscores; everybody can see it", Focus: true},
			{Label: "E-mail address", Name: "email", Value: r.Email, Type: "email", Autocomplete: "email", Most: 100, Hint: "the one that you send patches from; a mail goes there"},
			passwordField("Password", "password", "new-password", passwordHint),
			{Label: "First name, if you like", Name: "first_name", Value: r.FirstName, Autocomplete: "given-name", Most: 150, Optional: true},
			{Label: "Last name, if you like", Name: "last_name", Value: r.LastName, Autocomplete: "family-name", Most: 150, Optional: true},
		}}
}

// register answers the same whether or not the address has an account already; see account.Sessions.Register.
func (f *face) register(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	if err := f.mayRegister(c); err != nil {
		return err
	}
	value := func(name string) string { return strings.TrimSpace(c.R.PostForm.Get(name)) }
	r := account.Registration{Username: value("username"), Email: value("email"), FirstName: value("first_name"), LastName: value("last_name"), Password: c.R.PostForm.Get("password")}
	err := f.sessions.Register(c.R.Context(), r, c.R.RemoteAddr, f.opt.ConfirmationDays)
	if err != nil {
		status, text, ok := explain(c, err)
		if !ok {
			return err
		}
		return showEntry(c, status, registerEntry(r, text))
	}
	f.log.Info("registered", "remote", c.R.RemoteAddr)
	return c.Render(http.StatusOK, web.Meta{Title: "Look into your mailbox", NoIndex: true}, saidPage("Look into your mailbox",
		[]string{"A mail was sent to " + r.Email + ". Open the page that it names and press the button there: then your account works."}, "", ""))
}

// mayConfirm is nil if the visitor can be shown a question; else the answer is written.
func (f *face) mayConfirm(c *web.Call, asked account.Confirmation) error {
	if asked.Kind == account.ConfirmRegistration && !f.opt.Registration {
		return f.mayRegister(c)
	}
	if asked.Kind == account.ConfirmPerson {
		if err := c.RequireLogin(); err != nil {
			return err
		}
	}
	return asked.MayConfirm(c.Actor())
}
