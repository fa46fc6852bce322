// SPDX-License-Identifier: GPL-2.0-or-later

//go:generate go tool -modfile=../../../tools/go.mod templ generate

// Package projectweb shows the list of projects and the page of each. It owns no tables; what a page tells of other domains it is given by app.
//
//	projectweb.Routes(mux, shell, db, numbers)
package projectweb
