// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"errors"
	"net/http"
	"strconv"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/web"
)

// profilePath is where one lands after logging in, as in Patchwork 3.2.
const profilePath = "/user/"

// loginForm is what the login page shows.
type loginForm struct {
	Username string
	Next     string // empty: the user's own page
	Problem  string
}

func (f *face) showLogin(c *web.Call) error {
	next := c.R.URL.Query().Get("next")
	if c.User.ID != 0 {
		return c.Redirect(http.StatusFound, web.LocalPath(next, profilePath))
	}
	return c.Render(http.StatusOK, web.Meta{Title: "Log in", NoIndex: true}, loginPage(loginForm{Next: web.LocalPath(next, "")}, f.offersRegistration()))
}

func (f *face) login(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	form := loginForm{Username: c.R.PostForm.Get("username"), Next: web.LocalPath(c.R.Form.Get("next"), "")}
	password := c.R.PostForm.Get("password")
	if form.Username == "" || password == "" {
		form.Problem = "Fill in your user name and your password."
		return f.showProblem(c, http.StatusBadRequest, form)
	}
	token, u, err := f.sessions.Login(c.R.Context(), form.Username, password, c.R.RemoteAddr)
	if err != nil {
		return f.refuse(c, form, err)
	}
	f.log.Info("logged in", "remote", c.R.RemoteAddr, "user", u.ID)
	if err := f.endSession(c); err != nil {
		return err
	}
	setCookie(c, token, cookieLife)
	return c.Redirect(http.StatusSeeOther, web.LocalPath(form.Next, profilePath))
}

// refuse shows the form again with what was wrong, if it is the visitor's affair.
func (f *face) refuse(c *web.Call, form loginForm, err error) error {
	var throttled *account.Throttled
	status := http.StatusForbidden
	switch {
	case errors.As(err, &throttled):
		status = http.StatusTooManyRequests
		c.W.Header().Set("Retry-After", strconv.Itoa(throttled.Seconds()))
		form.Problem = web.Sentence(fault.UserText(err))
	case errors.Is(err, account.ErrBusy):
		status = http.StatusServiceUnavailable
		c.W.Header().Set("Retry-After", "5")
		form.Problem = "Too many are logging in at this moment. Try again in a few seconds."
	case fault.Is(err, fault.Unauthenticated):
		form.Problem = "Wrong user name or password."
	default:
		return err
	}
	f.log.Info("login refused", "remote", c.R.RemoteAddr, "err", err)
	return f.showProblem(c, status, form)
}

func (f *face) showProblem(c *web.Call, status int, form loginForm) error {
	return c.Render(status, web.Meta{Title: "Log in", NoIndex: true}, loginPage(form, f.offersRegistration()))
}

func (f *face) showLogout(c *web.Call) error {
	return c.Render(http.StatusOK, web.Meta{Title: "Log out", NoIndex: true}, logoutPage(c.User))
}

func (f *face) logout(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	if err := f.endSession(c); err != nil {
		return err
	}
	setCookie(c, "", -1)
	c.Flash(web.Flash{Text: "You are logged out."})
	return c.Redirect(http.StatusSeeOther, web.LocalPath(c.R.Form.Get("next"), "/"))
}

// endSession ends the session that the visitor came with, if any.
func (f *face) endSession(c *web.Call) error {
	cookie, err := c.R.Cookie(web.SessionCookie)
	if err != nil || c.User.ID == 0 {
		return nil
	}
	return f.sessions.Logout(c.R.Context(), cookie.Value)
}

// cookieLife is as long as browsers keep a cookie, in seconds. When a session is over is decided by account.Sessions, which lets it live on
// while it is used.
const cookieLife = 400 * 24 * 60 * 60

// setCookie sets the session cookie; a negative life removes it.
func setCookie(c *web.Call, token string, life int) {
	http.SetCookie(c.W, &http.Cookie{Name: web.SessionCookie, Value: token, Path: "/", MaxAge: life, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.Secure()})
}

// maxForm is the longest body of a form here, in bytes.
const maxForm = 64 << 10

// readForm reads the body before anything is asked of the database, however slowly it comes.
func readForm(c *web.Call) error {
	c.R.Body = http.MaxBytesReader(c.W, c.R.Body, maxForm)
	err := c.R.ParseForm()
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.Wrap(fault.TooLarge, err, "a form may have %d bytes", maxForm)
	}
	return fault.Wrap(fault.Invalid, err, "the form can't be read")
}
