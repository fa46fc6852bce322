// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/patch/patchnotify"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

const notificationsPath = "/user/notifications/"

// notifications is what the page of what one wants to be told shows.
type notifications struct {
	Email     string
	Choice    patchnotify.Choice
	Projects  []project.Project
	OptedOut  bool
	Suspended *outmail.Suspension
}

func (n notifications) sums(p project.Project) bool { return slices.Contains(n.Choice.Summaries, p.ID) }

func (p *Pages) showNotifications(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	n := notifications{Email: c.User.Email}
	for _, load := range []func() error{
		func() (err error) { n.Choice, err = patchnotify.ChoiceOf(c.R.Context(), p.db, c.User); return err },
		func() (err error) { n.Projects, err = project.All(c.R.Context(), p.db); return err },
		func() (err error) { n.OptedOut, err = account.OptedOut(c.R.Context(), p.db, c.User.Email); return err },
		func() (err error) {
			n.Suspended, err = outmail.Suspended(c.R.Context(), p.db, c.User.Email)
			return err
		},
	} {
		if err := load(); err != nil {
			return err
		}
	}
	return c.Render(http.StatusOK, web.Meta{Title: "Notifications", NoIndex: true}, notificationsPage(n))
}

func (p *Pages) saveNotifications(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	if err := parseForm(c); err != nil {
		return err
	}
	form := c.R.PostForm
	if form.Has("resume") {
		return p.resumeMail(c)
	}
	choice := patchnotify.Choice{Delegated: form.Has("delegated"), Checks: form.Has("checks"), Series: form.Has("series")}
	if days := strings.TrimSpace(form.Get("review_days")); days != "" {
		n, err := strconv.Atoi(days)
		if err != nil {
			return fault.New(fault.Invalid, "%.20q is no number of days", days)
		}
		choice.ReviewDays = n
	}
	for _, s := range form["summary"] {
		id, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return fault.New(fault.Invalid, "%.20q is no project", s)
		}
		choice.Summaries = append(choice.Summaries, id)
	}
	if err := patchnotify.Choose(c.R.Context(), p.db, c.Actor(), c.Now, c.User, choice); err != nil {
		return err
	}
	c.Flash(web.Flash{Text: "Your choice is saved."})
	return c.Redirect(http.StatusSeeOther, notificationsPath)
}

// resumeMail lets a user try again whether his address works.
func (p *Pages) resumeMail(c *web.Call) error {
	err := p.db.Tx(c.R.Context(), func(tx *sqldb.Tx) error {
		_, err := outmail.Resume(c.R.Context(), tx, c.User.Email)
		return err
	})
	if err != nil {
		return err
	}
	c.Flash(web.Flash{Text: fmt.Sprintf("Mail is sent to %s again.", c.User.Email)})
	return c.Redirect(http.StatusSeeOther, notificationsPath)
}
