// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"patchwork.example/pw/internal/base/etag"
)

// reads tells whether a request only reads.
func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// unchanged answers 304 without making the page if the visitor has it and nothing was committed since it was made.
func (c *Call) unchanged() bool {
	if !reads(c.R) || len(c.R.Header.Values("If-None-Match")) == 0 || c.shell.opt.Stamp == nil || c.hasFlash() {
		return false
	}
	stamp, ok, err := c.shell.opt.Stamp(c.R.Context())
	if err != nil || !ok { // whatever is wrong with the database, the page will say it
		return false
	}
	c.stamp = stamp
	tag, ok := c.shell.versions.Known(c.question(), stamp)
	if !ok || !c.has(tag) {
		return false
	}
	c.caching()
	c.notModified(tag)
	return true
}

// Aged says that the page has something that is only remembered, and may not be what the database has: the page is compared anew each time.
func (c *Call) Aged() { c.stamp = "" }

// question is all that a page depends on but the database. Pages say how long ago something was, to the minute.
func (c *Call) question() etag.Question {
	return etag.Ask(c.Base(), c.R.URL.RequestURI(), strconv.FormatInt(c.User.ID, 10), strings.Join(c.R.Header.Values("Cookie"), "; "),
		strings.Join(c.R.Header.Values("Accept"), ","), c.Now.Time().Truncate(time.Minute).Format(time.RFC3339))
}

func (c *Call) has(tag string) bool {
	return etag.Matches(c.R.Header.Values("If-None-Match"), tag, true)
}

// notModified says that the visitor has the page. Its tag is weak: compressed or not it is the same page.
func (c *Call) notModified(tag string) {
	c.W.Header().Set("ETag", "W/"+tag)
	c.W.WriteHeader(http.StatusNotModified)
}

// caching lets the browser keep the page, and ask each time whether it is still true.
func (c *Call) caching() {
	h := c.W.Header()
	h.Set("Cache-Control", "private, no-cache")
	if h.Get("Vary") == "" {
		h.Set("Vary", "Cookie")
	}
	h.Add("Vary", "Accept-Encoding")
}

// Send answers with a text that is no page, such as a feed, and is kept, compared and compressed as pages are.
func (c *Call) Send(contentType string, text []byte) { c.send(http.StatusOK, contentType, text, false) }

// send writes a page. fleeting says that it shows what is shown once: it gets no tag, is not kept, and is not compressed.
func (c *Call) send(status int, contentType string, page []byte, fleeting bool) {
	h := c.W.Header()
	h.Set("Content-Type", contentType)
	c.caching()
	if reads(c.R) && status == http.StatusOK && !fleeting {
		tag := etag.Of(page, "")
		if c.stamp != "" {
			c.shell.versions.Keep(c.question(), c.stamp, tag)
		}
		if c.has(tag) {
			h.Del("Content-Type")
			c.notModified(tag)
			return
		}
		h.Set("ETag", "W/"+tag)
	}
	if reads(c.R) && !fleeting {
		page = compressed(h, c.R.Header.Values("Accept-Encoding"), page)
	}
	h.Set("Content-Length", strconv.Itoa(len(page)))
	c.W.WriteHeader(status)
	if c.R.Method == http.MethodHead {
		return
	}
	if _, err := c.W.Write(page); err != nil {
		c.shell.log.Debug("visitor went away", "path", loggable(c.R.URL.Path), "err", err)
	}
}
