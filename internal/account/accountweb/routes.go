// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"context"
	"log/slog"
	"net/http"
	"net/mail"

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
	ConfirmationDays int    // for which a link in a mail works
	Registration     bool   // visitors may register
	MailProblem      string // why no mail can leave; empty: it can
	Version          string
	API              bool           // there is one
	Admins           []mail.Address // whom /about/ names; empty: the users who are administrators
	// Work finds what a user has to do with the projects of the site, which this package does not know; nil: nothing is told.
	Work func(ctx context.Context, by account.Actor, persons []int64) (Work, error)
}

// Routes registers the pages at the addresses Patchwork 3.2 has them at. Attempts to log in go to log, without names, which may be
// passwords that were typed into the wrong field.
func Routes(mux *http.ServeMux, shell *web.Shell, db *sqldb.DB, sessions *account.Sessions, log *slog.Logger, opt Options) {
	f := &face{db: db, sessions: sessions, log: log, opt: opt}
	mux.Handle("GET /user/{$}", shell.Page(f.profile))
	mux.Handle("POST /user/{$}", shell.Page(f.saveProfile))
	mux.Handle("POST /user/unlink/{id}/{$}", shell.Page(f.unlink))
	mux.Handle("GET /user/unlink/{id}/{$}", shell.Page(f.unlinkLink))
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
	mux.Handle("GET /register/{$}", shell.Page(f.showRegister))
	mux.Handle("POST /register/{$}", shell.Page(f.register))
	mux.Handle("GET /user/link/{$}", shell.Page(f.showLink))
	mux.Handle("POST /user/link/{$}", shell.Page(f.link))
	mux.Handle("POST /user/optout/{$}", shell.Page(func(c *web.Call) error { return f.setNotices(c, true) }))
	mux.Handle("POST /user/optin/{$}", shell.Page(func(c *web.Call) error { return f.setNotices(c, false) }))
	mux.Handle("GET "+changePath+"{$}", shell.Page(f.showChange))
	mux.Handle("POST "+changePath+"{$}", shell.Page(f.change))
	mux.Handle("GET "+changePath+"done/{$}", shell.Page(f.changeDone))
	mux.Handle("GET "+resetPath+"{$}", shell.Page(f.showReset))
	mux.Handle("POST "+resetPath+"{$}", shell.Page(f.reset))
	mux.Handle("GET "+resetPath+"mail-sent/{$}", shell.Page(f.resetSent))
	mux.Handle("GET "+resetPath+"{user}/{secret}/{$}", shell.Page(f.showChoose))
	mux.Handle("POST "+resetPath+"{user}/{secret}/{$}", shell.Page(f.choose))
	mux.Handle("GET /about/{$}", shell.Page(f.showAbout))
	mux.Handle("GET /admin/{$}", shell.Page(f.showAdmin))
	for _, path := range []string{"/help/", "/help/about/", "/help/pwclient/"} { // addresses of Patchwork 3.2
		mux.Handle("GET "+path+"{$}", http.RedirectHandler("/about/", http.StatusMovedPermanently))
	}
	mux.Handle("GET /user/generate-token/{$}", shell.Page(func(c *web.Call) error { return c.Redirect(http.StatusFound, tokensPath) }))
	mux.Handle("POST /user/generate-token/{$}", shell.Page(f.rotateToken))
	mux.Handle("GET /confirm/{key}/{$}", shell.Page(f.showConfirm))
	mux.Handle("POST /confirm/{key}/{$}", shell.Page(f.confirm))
}
