// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
)

// Sessions finds who a session or a token belongs to; account.Sessions is one.
type Sessions interface {
	Visitor(ctx context.Context, token string) (account.User, error)
	Bearer(ctx context.Context, secret string) (account.User, string, error)
	Basic(ctx context.Context, name, password, remote string) (account.User, error)
}

// Options are what a site decides about its API.
type Options struct {
	BaseURL       string // begins all addresses in answers; empty: as each request says
	SessionCookie string
	PerPage       int // objects on a page when the client does not say
	MostPerPage   int
	NotFound      http.Handler // answers what is no path of the API; nil: http.NotFound
}

// Shell makes handlers of functions.
type Shell struct {
	opt      Options
	sessions Sessions
	clock    clock.Clock
	log      *slog.Logger
	origin   *http.CrossOriginProtection
	routes   []Route
}

// New makes a shell.
func New(opt Options, sessions Sessions, c clock.Clock, log *slog.Logger) *Shell {
	if opt.NotFound == nil {
		opt.NotFound = http.HandlerFunc(http.NotFound)
	}
	s := &Shell{opt: opt, sessions: sessions, clock: c, log: log, origin: http.NewCrossOriginProtection()}
	if u, err := url.Parse(opt.BaseURL); err == nil && u.Host != "" {
		s.origin.AddTrustedOrigin(u.Scheme + "://" + u.Host)
	}
	return s
}

// Call is one request on its way through a handler.
type Call struct {
	W           http.ResponseWriter
	R           *http.Request
	User        account.User // ID 0: nobody
	Now         clock.Time
	Version     Version // that was asked for
	Base        string  // scheme and host that addresses in the answer begin with
	API         string  // Base and the path of the API in the version that was asked for: http://host/api/1.4
	Unversioned string  // Base and /api, for addresses that never have a version

	shell  *Shell
	values url.Values
}

// Actor is who asks.
func (c *Call) Actor() account.Actor {
	return account.Actor{User: c.User.ID, Admin: c.User.IsAdmin, Via: "api"}
}

// RequireUser is fault.Unauthenticated unless somebody is logged in.
func (c *Call) RequireUser() error {
	if c.User.ID == 0 {
		return errNobody
	}
	return nil
}

func (s *Shell) handler(r Route, v Version, prefix string) http.Handler {
	allow := r.allow()
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := &Call{W: w, R: req, Now: s.clock.Now(), Version: v, Base: s.base(req), shell: s}
		c.Unversioned = c.Base + "/api"
		c.API = c.Unversioned + prefix
		w.Header().Set("Allow", allow)
		w.Header().Set("Vary", "Accept, Cookie, Authorization")
		w.Header().Set("Cache-Control", "private, no-cache")
		if err := c.serve(r); err != nil {
			c.fail(err)
		}
	})
}

func (c *Call) serve(r Route) error {
	method := c.R.Method
	if method == http.MethodHead {
		method = http.MethodGet // net/http leaves out the body
	}
	op, ok := r.Methods[method]
	if !ok || c.Version < op.Since {
		return &said{http.StatusMethodNotAllowed, fmt.Sprintf("Method %q not allowed.", c.R.Method)}
	}
	if err := c.recognize(op.scope(method)); err != nil {
		return err
	}
	return op.Do(c)
}

func (s *Shell) base(r *http.Request) string {
	switch {
	case s.opt.BaseURL != "":
		return s.opt.BaseURL
	case r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https":
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// JSON answers with an object or a list.
func (c *Call) JSON(status int, v any) error {
	text, err := Marshal(c.Version, v)
	if err != nil {
		return fmt.Errorf("write %s: %w", c.R.URL.Path, err)
	}
	c.W.Header().Set("Content-Type", "application/json")
	c.W.WriteHeader(status)
	if _, err := c.W.Write(text); err != nil {
		c.shell.log.Debug("client went away", "path", c.R.URL.Path, "err", err)
	}
	return nil
}

// Created answers 201 with the new object and the address it has from now on.
func (c *Call) Created(address string, v any) error {
	c.W.Header().Set("Location", address)
	return c.JSON(http.StatusCreated, v)
}

// NoContent answers 204.
func (c *Call) NoContent() error {
	c.W.WriteHeader(http.StatusNoContent)
	return nil
}

// said is an error whose status and text clients know.
type said struct {
	status int
	detail string
}

// Error implements error.
func (s *said) Error() string { return s.detail }

// FieldErrors says of each field of a body what is wrong with it.
type FieldErrors map[string][]string

// Error implements error.
func (f FieldErrors) Error() string { return fmt.Sprintf("%d fields are wrong", len(f)) }

// errNoPath says that the address is no path of the API after all.
var errNoPath = fault.New(fault.NotFound, "there is no such path")

var errNobody = fault.New(fault.Unauthenticated, "Authentication credentials were not provided.")

// statusOf is the status of a kind. Who is not logged in is 403, as in Patchwork 3.2, whose first way to log in is a session.
func statusOf(kind fault.Kind) int {
	switch kind {
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Denied, fault.Unauthenticated:
		return http.StatusForbidden
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
