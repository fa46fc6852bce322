// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"log/slog"
	"net/http"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/web"
)

// face holds what the pages need.
type face struct {
	db       *sqldb.DB
	sessions *account.Sessions
	log      *slog.Logger
}

// Routes registers the pages at the addresses Patchwork 3.2 has them at. Attempts to log in go to log, without names, which may be
// passwords that were typed into the wrong field.
func Routes(mux *http.ServeMux, shell *web.Shell, db *sqldb.DB, sessions *account.Sessions, log *slog.Logger) {
	f := &face{db: db, sessions: sessions, log: log}
	mux.Handle("GET /user/{$}", shell.Page(f.profile))
	mux.Handle("GET /user/login/{$}", shell.Page(f.showLogin))
	mux.Handle("POST /user/login/{$}", shell.Page(f.login))
	mux.Handle("GET /user/logout/{$}", shell.Page(f.showLogout))
	mux.Handle("POST /user/logout/{$}", shell.Page(f.logout))
}

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
