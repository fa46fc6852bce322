// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"log/slog"
	"net/http"

	"patchwork.example/pw/internal/base/fault"
)

// Status is the HTTP status of an error kind.
func Status(kind fault.Kind) int {
	switch kind {
	case fault.None:
		return http.StatusOK
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Denied:
		return http.StatusForbidden
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Warn logs what went wrong beside an answer that is good all the same.
func (c *Call) Warn(what string, err error) {
	c.shell.log.Warn(what, "request", c.W.Header().Get("X-Request-Id"), "path", c.R.URL.Path, "err", err)
}

// fail answers with the page of an error. What users may not read is logged with the request id that the page names.
func (c *Call) fail(err error) {
	if rec, ok := c.W.(*recorder); ok && rec.wrote { // a download that broke off must not look whole
		c.shell.log.Warn("answer broken off", "request", c.W.Header().Get("X-Request-Id"), "path", c.R.URL.Path, "err", err)
		panic(http.ErrAbortHandler)
	}
	c.W.Header().Del("Content-Disposition")
	c.W.Header().Del("ETag")
	kind := fault.KindOf(err)
	status := Status(kind)
	text := fault.UserText(err)
	if status >= 500 {
		level := slog.LevelError
		if c.R.Context().Err() != nil { // the visitor went away: anybody can
			level = slog.LevelDebug
		}
		c.shell.log.Log(c.R.Context(), level, "request failed", "request", c.W.Header().Get("X-Request-Id"), "path", c.R.URL.Path, "err", err)
		text = "Request " + c.W.Header().Get("X-Request-Id")
	}
	if status == http.StatusServiceUnavailable {
		c.W.Header().Set("Retry-After", "10")
	}
	title := map[fault.Kind]string{
		fault.NotFound: "Not found", fault.Denied: "Not allowed", fault.Unavailable: "Not available now", fault.Invalid: "Can't do that",
		fault.Conflict: "Can't do that", fault.TooLarge: "Too large", fault.Unauthenticated: "Log in first",
	}[kind]
	if title == "" {
		title = "Something broke here"
	}
	if rerr := c.Render(status, Meta{Title: title, NoIndex: true}, errorPage(title, text, status)); rerr != nil {
		http.Error(c.W, title, status)
	}
}
