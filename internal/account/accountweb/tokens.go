// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"net/http"
	"strconv"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/web"
)

const tokensPath = "/user/tokens/"

// tokenForm is what the form for a new token shows.
type tokenForm struct {
	Name, Scope, Problem string
	Days                 int // 0: it never ends
}

var scopes = []struct{ name, text string }{
	{account.ScopeWrite, "everything that I may do"}, {account.ScopeChecks, "reading and reporting checks"}, {account.ScopeRead, "reading"},
}

var lives = []struct {
	days int
	text string
}{{30, "in 30 days"}, {90, "in 90 days"}, {365, "in a year"}, {0, "never"}}

func goodFor(scope string) string {
	for _, s := range scopes {
		if s.name == scope {
			return s.text
		}
	}
	return scope
}

// date is a day, or a word for none.
func date(t *clock.Time, none string) string {
	if t == nil {
		return none
	}
	return t.Time().Format("2006-01-02")
}

func (f *face) tokens(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	return f.showTokens(c, http.StatusOK, tokenForm{Scope: account.ScopeWrite, Days: 365})
}

func (f *face) showTokens(c *web.Call, status int, form tokenForm) error {
	tokens, err := account.Tokens(c.R.Context(), f.db, c.Actor(), c.User.Username)
	if err != nil {
		return err
	}
	return c.Render(status, web.Meta{Title: "API tokens", NoIndex: true}, tokensPage(tokens, form))
}

// createToken answers with the page that shows the secret, and not with a redirect: nothing keeps it.
func (f *face) createToken(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	if err := c.RequireLogin(); err != nil {
		return err
	}
	days, err := strconv.Atoi(c.R.PostForm.Get("days"))
	if err != nil || days < 0 || days > 10*366 {
		return fault.New(fault.Invalid, "a token lives for 0 (for ever) to 3660 days")
	}
	form := tokenForm{Name: c.R.PostForm.Get("name"), Scope: c.R.PostForm.Get("scope"), Days: days}
	secret, made, err := account.CreateToken(c.R.Context(), f.db, c.Actor(), c.Now,
		account.NewToken{Username: c.User.Username, Name: form.Name, Scope: form.Scope, ExpiresAt: account.InDays(c.Now, days)})
	if text := fault.UserText(err); fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		form.Problem = web.Sentence(text)
		return f.showTokens(c, http.StatusBadRequest, form)
	}
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, web.Meta{Title: "Token made", NoIndex: true}, tokenMadePage(made, secret))
}

// rotateToken is what the profile of Patchwork 3.2 has a button for; there a link does it, too.
func (f *face) rotateToken(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	if err := c.RequireLogin(); err != nil {
		return err
	}
	secret, made, err := account.RotateToken(c.R.Context(), f.db, c.Actor(), c.Now)
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, web.Meta{Title: "Token made", NoIndex: true}, tokenMadePage(made, secret))
}

func (f *face) revokeToken(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	if err := c.RequireLogin(); err != nil {
		return err
	}
	name := c.R.PostForm.Get("name")
	if err := account.RevokeToken(c.R.Context(), f.db, c.Actor(), c.Now, c.User.Username, name); err != nil {
		return err
	}
	c.Flash(web.Flash{Text: "The token " + name + " is worthless now."})
	return c.Redirect(http.StatusSeeOther, tokensPath)
}
