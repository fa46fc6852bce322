// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"net/http"
	"strconv"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/web"
)

// profile shows the user his own account.
func (f *face) profile(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	persons, err := account.LinkedPersons(c.R.Context(), f.db, c.User.ID)
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, web.Meta{Title: c.User.Username, NoIndex: true}, profilePage(c.User, persons))
}

// saveProfile changes what lists show to the user.
func (f *face) saveProfile(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	if err := c.RequireLogin(); err != nil {
		return err
	}
	rows, err := strconv.Atoi(c.R.PostForm.Get("items_per_page"))
	if err != nil {
		return fault.New(fault.Invalid, "items_per_page %q is no number", c.R.PostForm.Get("items_per_page"))
	}
	ids := c.R.PostForm.Get("show_ids") != ""
	change := account.SelfChange{ItemsPerPage: &rows, ShowIDs: &ids}
	if dates := c.R.PostForm.Get("dates"); c.R.PostForm.Has("dates") {
		change.Dates = &dates
	}
	_, err = account.UpdateSelf(c.R.Context(), f.db, c.Actor(), c.Now, c.User.ID, change, nil)
	return f.saved(c, err, "Settings saved")
}

// unlink takes an address off the user.
func (f *face) unlink(c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	if err := c.RequireLogin(); err != nil {
		return err
	}
	id, err := strconv.ParseInt(c.R.PathValue("id"), 10, 64)
	if err != nil {
		return fault.New(fault.NotFound, "you have no such address")
	}
	return f.saved(c, account.UnlinkPerson(c.R.Context(), f.db, c.Actor(), c.Now, id), "The address is no longer yours here")
}

// saved goes back to the profile and says what happened there, also if the visitor asked for what can't be.
func (f *face) saved(c *web.Call, err error, text string) error {
	flash := web.Flash{Text: text}
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		flash = web.Flash{Text: sentence(fault.UserText(err)), Bad: true}
	} else if err != nil {
		return err
	}
	c.Flash(flash)
	return c.Redirect(http.StatusSeeOther, profilePath)
}
