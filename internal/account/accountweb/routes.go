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
	opt      Options
}

// Options are what a site decides about these pages.
type Options struct {
	ConfirmationDays int // for which a link in a mail works
}

// Routes registers the pages at the addresses Patchwork 3.2 has them at. Attempts to log in go to log, without names, which may be
// passwords that were typed into the wrong field.
func Routes(mux *http.ServeMux, shell *web.Shell, db *sqldb.DB, sessions *account.Sessions, log *slog.Logger, opt Options) {
	f := &face{db: db, sessions: sessions, log: log, opt: opt}
	mux.Handle("GET /user/{$}", shell.Page(f.profile))
	mux.Handle("POST /user/{$}", shell.Page(f.saveProfile))
	mux.Handle("POST /user/unlink/{id}/{$}", shell.Page(f.unlink))
	mux.Handle("GET /submitter/{$}", shell.Page(f.completeSubmitter))
	mux.Handle("GET /delegate/{$}", shell.Page(f.completeDelegate))
	mux.Handle("GET /user/login/{$}", shell.Page(f.showLogin))
	mux.Handle("POST /user/login/{$}", shell.Page(f.login))
	mux.Handle("GET /user/logout/{$}", shell.Page(f.showLogout))
	mux.Handle("POST /user/logout/{$}", shell.Page(f.logout))
	mux.Handle("GET /user/tokens/{$}", shell.Page(f.tokens))
	mux.Handle("POST /user/tokens/{$}", shell.Page(f.createToken))
	mux.Handle("POST /user/tokens/revoke/{$}", shell.Page(f.revokeToken))
	mux.Handle("GET /mail/{$}", shell.Page(f.showMail))
	mux.Handle("POST /mail/{$}", shell.Page(f.mailStatus))
	for _, kind := range []string{account.ConfirmOptOut, account.ConfirmOptIn} {
		mux.Handle("GET /mail/"+kind+"/{$}", shell.Page(func(c *web.Call) error { return c.Redirect(http.StatusFound, mailPath) }))
		mux.Handle("POST /mail/"+kind+"/{$}", shell.Page(func(c *web.Call) error { return f.askOptout(c, kind) }))
	}
	mux.Handle("GET /mail/unsubscribe/{token}/{$}", shell.Page(f.showUnsubscribe))
	mux.Handle("POST /mail/unsubscribe/{token}/{$}", shell.Page(f.unsubscribe))
	mux.Handle("GET /confirm/{key}/{$}", shell.Page(f.showConfirm))
	mux.Handle("POST /confirm/{key}/{$}", shell.Page(f.confirm))
}
