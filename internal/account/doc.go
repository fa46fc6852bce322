// SPDX-License-Identifier: GPL-2.0-or-later

// Package account keeps who is who: users who log in, persons (addresses that mail comes from) and which user they belong to,
// passwords, tokens, sessions, and the Actor every verb of every core is done by.
//
// It owns the tables user_account, person, login_session, login_throttle, api_token, email_confirmation and email_optout. It knows nothing of
// projects or patches: who maintains what is asked of package project.
//
//	u, err := account.CreateUser(ctx, db, account.CLI, now, account.UserChange{Username: &name, Email: &address})
package account
