// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"strconv"

	"patchwork.example/pw/internal/base/etag"
	"patchwork.example/pw/internal/base/sqldb"
)

// read answers GET and HEAD. If the client has an answer, it is compared without being built, while nothing was committed since it was.
func (c *Call) read() error {
	if len(c.R.Header.Values("If-None-Match")) == 0 || c.shell.opt.Stamp == nil || c.page {
		return c.op.Do(c)
	}
	stamp, ok, err := c.shell.opt.Stamp(c.R.Context())
	if err != nil || !ok { // whatever is wrong with the database, the answer will say it
		return c.op.Do(c)
	}
	c.stamp = stamp
	if tag, ok := c.shell.versions.Known(c.question(), stamp); ok && c.has(tag) {
		c.notModified(tag)
		return nil
	}
	return c.op.Do(c)
}

// Aged says that the answer has something that is only remembered, and may not be what the database has: the answer is compared anew each time.
func (c *Call) Aged() { c.stamp = "" }

// question is all that an answer depends on but the database.
func (c *Call) question() etag.Question {
	return etag.Ask(c.Base, c.R.URL.RequestURI(), strconv.FormatInt(c.User.ID, 10))
}

func (c *Call) has(tag string) bool {
	return etag.Matches(c.R.Header.Values("If-None-Match"), tag, true)
}

func (c *Call) notModified(tag string) {
	c.W.Header().Set("ETag", tag)
	c.W.WriteHeader(http.StatusNotModified)
}

// tag gives the answer to a read, or to a change of one object, its entity tag; it reports whether the client has the answer and was told so.
func (c *Call) tag(text []byte) (answered bool) {
	switch c.R.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPut, http.MethodPatch:
		c.W.Header().Set("ETag", etag.Of(text, ""))
		return false
	default:
		return false
	}
	tag := etag.Of(text, c.W.Header().Get("Link"))
	if c.stamp != "" {
		c.shell.versions.Keep(c.question(), c.stamp, tag)
	}
	if c.has(tag) {
		c.notModified(tag)
		return true
	}
	c.W.Header().Set("ETag", tag)
	return false
}

// expected answers 412 to a write with If-Match unless what a GET of the address answers is what the client has seen. What changes while it writes
// is found by Precondition.
func (c *Call) expected() error {
	if len(c.R.Header.Values("If-Match")) == 0 {
		return nil
	}
	get, ok := c.route.Methods[http.MethodGet]
	if !ok || c.Version < get.Since {
		return &said{http.StatusPreconditionFailed, "Nothing can be read at this address, so nothing there can match If-Match."}
	}
	seen, err := c.rehearse(http.MethodGet, get)
	if err != nil {
		return err
	}
	return c.match(seen.header.Get("ETag"))
}

func (c *Call) match(tag string) error {
	if tag != "" && etag.Matches(c.R.Header.Values("If-Match"), tag, false) {
		return nil
	}
	c.W.Header().Set("ETag", tag)
	return &said{http.StatusPreconditionFailed, fmt.Sprintf("The object is not as If-Match says: its ETag is %s now. Read it again.", tag)}
}

// Precondition is for verbs that change one object: nil if the request has no If-Match. Else the verb runs it in its transaction, after its locks and
// before it changes anything; render makes the wire type of the object as a GET would. Its error ends the request with 412.
func (c *Call) Precondition(render func(context.Context, sqldb.Queryer) (any, error)) func(context.Context, *sqldb.Tx) error {
	if len(c.R.Header.Values("If-Match")) == 0 {
		return nil
	}
	return func(ctx context.Context, tx *sqldb.Tx) error {
		v, err := render(ctx, tx)
		if err != nil {
			return err
		}
		text, err := Marshal(c.Version, v)
		if err != nil {
			return fmt.Errorf("compare with If-Match: %w", err)
		}
		return c.match(etag.Of(text, ""))
	}
}

// rehearsal keeps an answer instead of sending it.
type rehearsal struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *rehearsal) Header() http.Header         { return r.header }
func (r *rehearsal) WriteHeader(status int)      { r.status = status }
func (r *rehearsal) Write(p []byte) (int, error) { return r.body.Write(p) }

// rehearse does what another method of the route does for the same visitor, with an empty body and without conditions, and keeps the answer.
func (c *Call) rehearse(method string, op Op) (*rehearsal, error) {
	r := c.R.Clone(c.R.Context())
	r.Method, r.Body, r.ContentLength = method, http.NoBody, 0
	for _, name := range []string{"If-Match", "If-None-Match", "Content-Type"} {
		r.Header.Del(name)
	}
	to := &rehearsal{header: maps.Clone(c.W.Header()), status: http.StatusOK}
	other := *c
	other.W, other.R, other.op, other.page, other.stamp = to, r, op, false, ""
	return to, op.Do(&other)
}
