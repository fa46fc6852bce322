// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/web"
)

// mailPath is the page on which anybody says whether an address gets notices, as in Patchwork 3.2.
const mailPath = "/mail/"

// mailForm is what that page shows.
type mailForm struct {
	Email     string
	Problem   string
	Known     bool // OptedOut and Suspended are those of Email
	OptedOut  bool
	Suspended *outmail.Suspension
}

func (f *face) showMail(c *web.Call) error {
	form := mailForm{Email: c.User.Email}
	return c.Render(http.StatusOK, web.Meta{Title: "Mail settings", NoIndex: true}, mailPage(form))
}

// mailStatus tells whether an address gets notices. That anybody may ask is how Patchwork 3.2 has it.
func (f *face) mailStatus(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	form := mailForm{Email: strings.TrimSpace(c.R.PostForm.Get("email"))}
	return f.showMailForm(c, http.StatusOK, form)
}

func (f *face) showMailForm(c *web.Call, status int, form mailForm) (err error) {
	meta := web.Meta{Title: "Mail settings", NoIndex: true}
	if err := outmail.CheckAddress(form.Email); err != nil {
		form.Problem = "Fill in an e-mail address."
		return c.Render(http.StatusBadRequest, meta, mailPage(form))
	}
	if form.OptedOut, err = account.OptedOut(c.R.Context(), f.db, form.Email); err != nil {
		return err
	}
	if form.Suspended, err = outmail.Suspended(c.R.Context(), f.db, form.Email); err != nil {
		return err
	}
	form.Known = true
	return c.Render(status, meta, mailPage(form))
}

// askOptout has the owner of an address asked by mail whether he wants what somebody here says.
func (f *face) askOptout(c *web.Call, kind string) error {
	if err := readForm(c); err != nil {
		return err
	}
	form := mailForm{Email: strings.TrimSpace(c.R.PostForm.Get("email"))}
	err := account.AskOptout(c.R.Context(), f.db, c.Now, kind, form.Email, c.R.RemoteAddr, f.opt.ConfirmationDays)
	var throttled *account.Throttled
	status := http.StatusBadRequest
	switch {
	case err == nil:
		c.Flash(web.Flash{Text: "A mail was sent to " + form.Email + ". Nothing changes before you press the button on the page that it names."})
		return c.Redirect(http.StatusSeeOther, mailPath)
	case errors.As(err, &throttled):
		c.W.Header().Set("Retry-After", strconv.Itoa(throttled.Seconds()))
		status = http.StatusTooManyRequests
	case fault.Is(err, fault.Denied):
		status = http.StatusTooManyRequests
	case fault.Is(err, fault.Conflict):
		status = http.StatusConflict
	case !fault.Is(err, fault.Invalid):
		return err
	}
	form.Problem = web.Sentence(fault.UserText(err))
	return f.showMailForm(c, status, form)
}

// showUnsubscribe asks before anything changes: programs that look for viruses follow links, too.
func (f *face) showUnsubscribe(c *web.Call) error {
	email, err := account.Unsubscriber(c.R.Context(), f.db, c.Now, c.R.PathValue("token"))
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, web.Meta{Title: "Stop notices", NoIndex: true}, unsubscribePage(email, false))
}

// unsubscribe is also what mail programs send by themselves (RFC 8058): no session, no cookie, and no redirect in the answer.
func (f *face) unsubscribe(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	email, err := account.Unsubscribe(c.R.Context(), f.db, c.Now, c.R.PathValue("token"))
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, web.Meta{Title: "No more notices", NoIndex: true}, unsubscribePage(email, true))
}

// showConfirm shows what a link in a mail is about; only the button on the page does it.
func (f *face) showConfirm(c *web.Call) error {
	asked, err := account.FindConfirmation(c.R.Context(), f.db, c.Now, c.R.PathValue("key"), f.opt.ConfirmationDays)
	if err == nil {
		err = f.mayConfirm(c, asked)
	}
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, web.Meta{Title: "Confirm", NoIndex: true}, confirmPage(asked, false))
}

func (f *face) confirm(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	key := c.R.PathValue("key")
	asked, err := account.FindConfirmation(c.R.Context(), f.db, c.Now, key, f.opt.ConfirmationDays)
	if err == nil {
		err = f.mayConfirm(c, asked)
	}
	if err == nil {
		asked, err = account.Confirm(c.R.Context(), f.db, c.Actor(), c.Now, key, f.opt.ConfirmationDays)
	}
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, web.Meta{Title: "Confirmed", NoIndex: true}, confirmPage(asked, true))
}
