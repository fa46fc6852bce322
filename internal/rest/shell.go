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
	"patchwork.example/pw/internal/base/etag"
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
	Frame         Frame        // makes pages for browsers; nil: they get JSON too
	Script        string       // address of web's apidocs.js, by which the documentation tries requests; empty: it does not
	CORSOrigins   []string     // whose scripts may read answers, as https://ci.example.org; "*": all
	PerMinute     int          // requests that a user or a network may make; 0: any number
	// Stamp is sqldb.DB.Stamp: the same text twice says that nothing was committed in between; nil: it is not known.
	Stamp func(context.Context) (stamp string, ok bool, err error)
}

// Shell makes handlers of functions.
type Shell struct {
	opt      Options
	sessions Sessions
	clock    clock.Clock
	log      *slog.Logger
	origin   *http.CrossOriginProtection
	routes   []Route
	limiter  *limiter // nil: no limit
	streams  *streams
	versions *etag.Memory
}

// New makes a shell.
func New(opt Options, sessions Sessions, c clock.Clock, log *slog.Logger) *Shell {
	if opt.NotFound == nil {
		opt.NotFound = http.HandlerFunc(http.NotFound)
	}
	s := &Shell{opt: opt, sessions: sessions, clock: c, log: log, streams: newStreams(), origin: http.NewCrossOriginProtection(), versions: etag.NewMemory()}
	if opt.PerMinute > 0 {
		s.limiter = newLimiter(opt.PerMinute)
	}
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
	route  Route
	op     Op
	values url.Values
	scope  string // of the token that the client came with; empty: he came without
	page   bool   // a browser asks: the answer is shown as a page
	stamp  string // of the database, from before anything was read; empty: unknown
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
