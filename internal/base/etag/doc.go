// SPDX-License-Identifier: GPL-2.0-or-later

// Package etag has entity tags of HTTP answers, and remembers those that were given, so that a client which has an answer is told so without the answer being made
// while nothing was committed: docs/decisions/0022. The shells of API and pages use it. It owns no table.
//
//	q := etag.Ask(r.URL.RequestURI(), user)
//	if tag, ok := memory.Known(q, stamp); ok && etag.Matches(r.Header.Values("If-None-Match"), tag, true) { … 304 … }
//	tag := etag.Of(body, "")
//	memory.Keep(q, stamp, tag)
package etag
