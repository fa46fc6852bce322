// SPDX-License-Identifier: GPL-2.0-or-later

// Package apiseed fills a database with the small site that tests of the REST API are told on: two projects, six people, a series of two with its cover
// letter and replies, a single patch, one of the other project, one whose Message-ID is full of slashes. All of it comes in as mail and by the verbs of
// the cores. It also has a client that asks in somebody's name.
//
// It owns no table, and does not know the program: who uses it brings a server.
//
//	s := apiseed.Fill(t, db)
//	c := apiseed.Client{T: t, URL: server.URL, Tokens: s.Tokens}
//	a := c.Do("maint", "PATCH", fmt.Sprintf("/api/patches/%d/", s.Patches[1]), `{"state": "accepted"}`)
//	if a.Status != 200 || a.At("state") != "accepted" { … }
package apiseed
