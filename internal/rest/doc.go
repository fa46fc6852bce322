// SPDX-License-Identifier: GPL-2.0-or-later

//go:generate go tool -modfile=../../tools/go.mod templ generate

// Package rest is the shell of the REST API: it finds out who asks (session or token), reads bodies in JSON and in forms, writes answers and
// errors in the form that clients of Patchwork 3.2 know, and links the pages of lists. It also has the wire types of the common nouns, project
// and user, which objects of every domain embed.
//
// It knows no domain, owns no table, and decides nothing about what it passes on: handlers call one verb of a core.
//
//	shell.Route(mux, rest.Route{Path: "/things/", Since: rest.V12, Methods: map[string]rest.Op{"GET": {Do: face.list, Doc: "The things", Answer: []Thing{}, Paged: true}}})
package rest
