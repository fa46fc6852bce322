// SPDX-License-Identifier: GPL-2.0-or-later

//go:generate go tool -modfile=../../tools/go.mod templ generate

// Package web is the shell of all HTML pages: layout, assets, security headers, sessions, protection against cross-site requests, error pages,
// paging. It knows accounts and nothing of any domain; the faces (patchweb, projectweb, accountweb) hang their pages into it.
//
// A page is a function that gets a Call and returns an error; the shell turns the error into a page of its own:
//
//	mux.Handle("GET /about/", shell.Page(func(c *web.Call) error {
//		return c.Render(http.StatusOK, web.Meta{Title: "About"}, about())
//	}))
package web
