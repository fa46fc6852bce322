// SPDX-License-Identifier: GPL-2.0-or-later

// Package irc tells channels of what happens: one line for each event that a target wants, made by a template. A worker keeps one connection per
// server and nick, joins, says, and waits until the server has taken it; what fails is tried again for an hour, after which it is no news.
//
// It owns the table irc_target. It knows no domain: which events there are, and what is known of one, it is given (Words, Describer). It connects
// to no address that egress refuses. It starts no goroutine; those of a connection are the library's.
//
//	t, err := irc.Create(ctx, db, actor, now, kinds, "linux-erofs", irc.Change{URL: &url}) // ircs://irc.example.org/erofs
package irc
