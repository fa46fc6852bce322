// SPDX-License-Identifier: GPL-2.0-or-later

package accountapi

import (
	"context"
	"math"
	"net/http"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/rest"
)

// at finds the user of an address; there are none for who is not logged in.
func (f *face) at(c *rest.Call) (account.User, error) {
	id, err := c.ID("id")
	if err != nil {
		return account.User{}, err
	}
	if err := c.RequireUser(); err != nil {
		return account.User{}, err
	}
	return account.UserByID(c.R.Context(), f.db, id)
}

func (f *face) user(c *rest.Call) error {
	u, err := f.at(c)
	if err != nil {
		return err
	}
	return show(c, u)
}

// show answers with a user.
func show(c *rest.Call, u account.User) error {
	return c.JSON(http.StatusOK, wireUser(c, u))
}

// wireUser makes the wire type; others than he himself see no settings.
func wireUser(c *rest.Call, u account.User) User {
	out := User{User: *rest.EmbedUser(c.API, &u)}
	if u.ID == c.User.ID {
		out.Settings = &Settings{SendEmail: u.SendEmail, ItemsPerPage: u.ItemsPerPage, ShowIDs: u.ShowIDs}
	}
	return out
}

// ifUser compares a user with If-Match.
func ifUser(c *rest.Call, id int64) func(context.Context, *sqldb.Tx) error {
	return c.Precondition(func(ctx context.Context, q sqldb.Queryer) (any, error) {
		u, err := account.UserByID(ctx, q, id)
		return wireUser(c, u), err
	})
}

// change answers PATCH, and PUT, which requires settings.
func (f *face) change(whole bool) func(*rest.Call) error {
	return func(c *rest.Call) error {
		u, err := f.at(c)
		if err != nil {
			return err
		}
		if err := account.MaySelf(c.Actor(), u.ID); err != nil {
			return err
		}
		change, err := readChange(c, whole)
		if err != nil {
			return err
		}
		if change == (account.SelfChange{}) {
			return show(c, u)
		}
		u, err = account.UpdateSelf(c.R.Context(), f.db, c.Actor(), c.Now, u.ID, change, ifUser(c, u.ID))
		if err != nil {
			return err
		}
		return show(c, u)
	}
}

// readChange reads a body; below 1.2 there are no settings.
func readChange(c *rest.Call, whole bool) (account.SelfChange, error) {
	b, err := c.Body()
	if err != nil {
		return account.SelfChange{}, err
	}
	change := account.SelfChange{FirstName: b.Text("first_name", maxName), LastName: b.Text("last_name", maxName)}
	if c.Version < rest.V12 {
		return change, b.Err()
	}
	settings := b.Nested("settings")
	if settings == nil && whole && !b.Has("settings") {
		b.Require("settings")
	}
	if settings != nil {
		change.SendEmail, change.ShowIDs = settings.Bool("send_email"), settings.Bool("show_ids")
		if n := settings.Number("items_per_page"); n != nil {
			items := int(min(max(*n, math.MinInt32), math.MaxInt32))
			if err := account.CheckItemsPerPage(items); err != nil {
				settings.Wrong("items_per_page", "%s", fault.UserText(err))
			}
			change.ItemsPerPage = &items
		}
	}
	return change, b.ErrWith(map[string]*rest.Body{"settings": settings})
}
