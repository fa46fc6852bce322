// SPDX-License-Identifier: GPL-2.0-or-later

//go:generate go tool -modfile=../../../tools/go.mod templ generate

// Package accountweb has the pages of accounts: logging in and out, a user's own page, and what anybody
// can say about mail to his address.
//
// It owns no tables and decides nothing: who may come in is account.Sessions' to say.
//
//	accountweb.Routes(mux, shell, db, sessions, log, opt)
package accountweb
