// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

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
	c.shell.log.Warn(what, "request", c.W.Header().Get("X-Request-Id"), "path", loggable(c.R.URL.Path), "err", err)
}

// fail answers with the page of an error. What users may not read is logged with the request id that the page names.
func (c *Call) fail(err error) {
	if rec, ok := c.W.(*recorder); ok && rec.wrote { // a download that broke off must not look whole
		c.shell.log.Warn("answer broken off", "request", c.W.Header().Get("X-Request-Id"), "path", loggable(c.R.URL.Path), "err", err)
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
		c.shell.log.Log(c.R.Context(), level, "request failed", "request", c.W.Header().Get("X-Request-Id"), "path", loggable(c.R.URL.Path), "err", err)
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
	if c.W.Header().Get("Vary") == "" {
		c.W.Header().Set("Vary", "Cookie")
	}
	c.W.Header().Add("Vary", "Accept")
	if c.text || !takesHTML(c.R) {
		c.plain(status, title, text)
		return
	}
	if rerr := c.Render(status, c.errorMeta(status, title), errorPage(c, title, text, status)); rerr != nil {
		http.Error(c.W, title, status)
	}
}

// errorMeta is of the page of an error. It keeps the navigation of the project that its address is in, unless the database may be to blame.
func (c *Call) errorMeta(status int, title string) Meta {
	m := Meta{Title: title, NoIndex: true}
	rest, ok := strings.CutPrefix(c.R.URL.EscapedPath(), "/project/")
	if part, _, _ := strings.Cut(rest, "/"); ok && part != "" && status < 500 && c.shell.opt.Project != nil && readable(c.R.URL) == nil {
		link, err := url.PathUnescape(part)
		if err != nil {
			return m
		}
		in, err := c.shell.opt.Project(c.R.Context(), link)
		if err == nil {
			m.Project, m.Name, m.NavHTML = in.Project, in.Name, in.NavHTML
		} else if !fault.Is(err, fault.NotFound) {
			c.Warn("no navigation on the page of an error", err)
		}
	}
	return m
}

// plain answers with an error in one line, for clients that want no page.
func (c *Call) plain(status int, title, text string) {
	if text = strings.Join(strings.Fields(text), " "); text != "" {
		title += ": " + text
	}
	c.caching()
	http.Error(c.W, title, status)
}

// takesHTML tells whether a page is welcome (RFC 9110, 12.5.1). Who says nothing takes all.
func takesHTML(r *http.Request) bool {
	header := strings.Join(r.Header.Values("Accept"), ",")
	if strings.Trim(header, " \t,") == "" {
		return true
	}
	for part := range strings.SplitSeq(header, ",") {
		kind, parameters, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "text/html", "application/xhtml+xml", "text/*", "*/*":
			if !refused(parameters) {
				return true
			}
		}
	}
	return false
}

// refused tells whether the parameters of a media range have q=0.
func refused(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		if name, value, ok := strings.Cut(p, "="); ok && strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return err == nil && q == 0
		}
	}
	return false
}
