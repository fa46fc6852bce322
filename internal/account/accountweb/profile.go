// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"net/http"
	"strconv"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/web"
)

// Link is a place of the site.
type Link struct{ Text, Path string }

// Work is what a user has to do with projects.
type Work struct {
	Maintains, Contributes, Bundles []Link
	Todo                            int  // patches delegated to him that require action
	MoreBundles                     bool // than are listed
}

// ownPage is what a user's own page shows.
type ownPage struct {
	User    account.User
	Persons []account.Person
	Out     map[string]bool // addresses that get no notices, folded
	Work    Work
}

// addresses are all of the user: that of his account, from where no mail may have come yet, and those of his persons.
func (p ownPage) addresses() []ownAddress {
	var out []ownAddress
	main := false
	for _, x := range p.Persons {
		primary := isPrimary(p.User, x)
		main = main || primary
		out = append(out, ownAddress{Person: x, Primary: primary, Out: p.Out[fold.Key(x.Email)]})
	}
	if !main && p.User.Email != "" {
		out = append([]ownAddress{{Person: account.Person{Email: p.User.Email}, Primary: true, Out: p.Out[fold.Key(p.User.Email)]}}, out...)
	}
	return out
}

// ownAddress is one of them.
type ownAddress struct {
	account.Person
	Primary, Out bool
}

// profile shows the user his own account.
func (f *face) profile(c *web.Call) (err error) {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	page := ownPage{User: c.User}
	if page.Persons, err = account.LinkedPersons(c.R.Context(), f.db, c.User.ID); err != nil {
		return err
	}
	emails, ids := []string{c.User.Email}, []int64(nil)
	for _, p := range page.Persons {
		emails, ids = append(emails, p.Email), append(ids, p.ID)
	}
	if page.Out, err = account.OptedOutOf(c.R.Context(), f.db, emails); err != nil {
		return err
	}
	if f.opt.Work != nil {
		if page.Work, err = f.opt.Work(c.R.Context(), c.Actor(), ids); err != nil {
			return err
		}
	}
	return c.Render(http.StatusOK, web.Meta{Title: c.User.Username, NoIndex: true}, profilePage(page))
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
	if text := c.R.PostForm.Get("series_per_page"); text != "" {
		series, err := strconv.Atoi(text)
		if err != nil {
			return fault.New(fault.Invalid, "series_per_page %q is no number", text)
		}
		change.SeriesPerPage = &series
	}
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

// unlinkLink leads to the form: a link takes nothing away, nor does it in Patchwork 3.2.
func (f *face) unlinkLink(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	return c.Redirect(http.StatusFound, "/user/")
}

// saved goes back to the profile and says what happened there, also if the visitor asked for what can't be.
func (f *face) saved(c *web.Call, err error, text string) error {
	flash := web.Flash{Text: text}
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		flash = web.Flash{Text: web.Sentence(fault.UserText(err)), Bad: true}
	} else if err != nil {
		return err
	}
	c.Flash(flash)
	return c.Redirect(http.StatusSeeOther, profilePath)
}
