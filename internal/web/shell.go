// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/etag"
	"patchwork.example/pw/internal/base/fault"
)

// SessionCookie holds the session of who is logged in.
const SessionCookie = "pw_session"

// Sessions finds who a session belongs to; account.Sessions is one.
type Sessions interface {
	Visitor(ctx context.Context, token string) (account.User, error)
}

// Options are what a site decides about its pages.
type Options struct {
	BaseURL     string // empty: as each request says
	SiteName    string
	NavHTML     string // put into the navigation of all pages as it is
	FooterHTML  string // put into the footer of all pages as it is
	CustomCSS   string // a stylesheet is served at /static/custom.css; empty: none
	SlowRequest time.Duration
	Version     string
	API         bool // there is documentation at /api/docs
	// Registration tells that visitors may register, and can: that needs mail.
	Registration bool
	// Stamp is sqldb.DB.Stamp: the same text twice says that nothing was committed in between; nil: it is not known.
	Stamp func(context.Context) (stamp string, ok bool, err error)
	// Todo, if set, counts what a user has to do.
	Todo func(ctx context.Context, user int64) (int, error)
	// Project, if set, finds what the navigation of a project needs by the name in addresses, for pages of errors; fault.NotFound: there is none that visitors see.
	Project func(ctx context.Context, link string) (Meta, error)
	// Observe, if set, hears of each answer; route is the pattern of the mux, empty for none.
	Observe func(route string, status int, took time.Duration)
}

// Shell makes pages of functions.
type Shell struct {
	opt      Options
	sessions Sessions
	clock    clock.Clock
	log      *slog.Logger
	versions *etag.Memory
}

// New makes a shell.
func New(opt Options, sessions Sessions, c clock.Clock, log *slog.Logger) *Shell {
	return &Shell{opt: opt, sessions: sessions, clock: c, log: log, versions: etag.NewMemory()}
}

// Call is one request on its way through a page function.
type Call struct {
	W     http.ResponseWriter
	R     *http.Request
	User  account.User // ID 0: nobody is logged in
	Now   clock.Time
	shell *Shell
	stamp string // of the database before the page was read; empty: not asked for
	text  bool   // what was asked for is no page: an error is one line
}

// Actor is who asks.
func (c *Call) Actor() account.Actor {
	return account.Actor{User: c.User.ID, Admin: c.User.IsAdmin, Via: "web"}
}

// Base is what addresses of the site begin with where they must be whole: http.base-url, else what the visitor has asked for.
func (c *Call) Base() string {
	switch {
	case c.shell.opt.BaseURL != "":
		return strings.TrimSuffix(c.shell.opt.BaseURL, "/")
	case c.Secure():
		return "https://" + c.R.Host
	}
	return "http://" + c.R.Host
}

// Meta is what the layout needs to know of a page.
type Meta struct {
	Title   string
	Project string // link name; empty: a page of the whole site
	Name    string // of the project
	Section string // of the navigation: "patches", "about", …
	NavHTML string // of the project, put in as it is
	Flash   []Flash
	NoIndex bool
	Scripts []string // of assets/, besides page.js
	Feed    Link     // an Atom feed of what the page shows; without a path there is none
	Todo    *int     // what the visitor has to do, if the page knows; nil: it is asked for
}

// Flash is a message about what was just done.
type Flash struct {
	Text string
	Bad  bool
	Undo string // the path of a form without fields that takes it back; empty: none. It is told in next where to go then

	Links []Link // what the end of Text is about; at most 4
}

// Link leads to a page of the site.
type Link struct{ Text, Path, Note string }

// Render writes a page. It is rendered whole before the first byte is sent, so that an error can still become an error page.
func (c *Call) Render(status int, m Meta, body templ.Component) error {
	b := pageBuffers.Get().(*bytes.Buffer)
	defer giveBack(b)
	if err := c.countTodo(&m); err != nil {
		return err
	}
	flash := c.takeFlash()
	m.Flash = append(flash, m.Flash...)
	if err := layout(c, m, body).Render(c.R.Context(), b); err != nil {
		return fmt.Errorf("render %s: %w", loggable(c.R.URL.Path), err)
	}
	c.send(status, "text/html; charset=utf-8", b.Bytes(), len(flash) > 0)
	return nil
}

// pageBuffers are the memory of pages that were sent: a page of a hundred rows grows to three times its size otherwise.
var pageBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxKeptPage bounds what is kept of one, in bytes.
const maxKeptPage = 1 << 20

func giveBack(b *bytes.Buffer) {
	if b.Cap() <= maxKeptPage {
		b.Reset()
		pageBuffers.Put(b)
	}
}

// countTodo finds out what the visitor has to do, for the head of the page.
func (c *Call) countTodo(m *Meta) error {
	if m.Todo != nil || c.User.ID == 0 || c.shell.opt.Todo == nil {
		return nil
	}
	n, err := c.shell.opt.Todo(c.R.Context(), c.User.ID)
	m.Todo = &n
	return err
}

// Redirect sends the visitor to another page of the site.
func (c *Call) Redirect(status int, path string) error {
	http.Redirect(c.W, c.R, path, status)
	return nil
}

// RequireLogin is nil when somebody is logged in; else it has sent the visitor to the login page and returns ErrDone.
func (c *Call) RequireLogin() error {
	if c.User.ID != 0 {
		return nil
	}
	c.Redirect(http.StatusFound, "/user/login/?next="+url.QueryEscape(c.R.URL.RequestURI()))
	return ErrDone
}

// ErrDone says that the answer was written already.
var ErrDone = fmt.Errorf("answered")

// Page makes a handler of a page function: it finds who is logged in and turns an error into a page.
func (s *Shell) Page(f func(*Call) error) http.Handler {
	return s.Mixed(f, func(*http.Request) bool { return false })
}

// Text is Page for files and texts, which programs fetch: an error is one line of text, whatever the client accepts.
func (s *Shell) Text(f func(*Call) error) http.Handler {
	return s.Mixed(f, func(*http.Request) bool { return true })
}

// Mixed is Page or Text, as each request says.
func (s *Shell) Mixed(f func(*Call) error, text func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &Call{W: w, R: r, Now: s.clock.Now(), shell: s, text: text(r)}
		err := readable(r.URL)
		if err == nil {
			err = s.recognize(c)
		}
		if err == nil && c.unchanged() {
			return
		}
		if err == nil {
			err = f(c)
		}
		if err != nil && err != ErrDone {
			c.fail(err)
		}
	})
}

// readable refuses addresses with what no text of a database can hold: not every engine would take it even to compare.
func readable(u *url.URL) error {
	ok := func(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
	if !ok(u.Path) {
		return fault.New(fault.NotFound, "there is no such page")
	}
	for name, values := range u.Query() {
		for _, v := range values {
			if !ok(name) || !ok(v) {
				return fault.New(fault.Invalid, "the address is no readable text after the question mark")
			}
		}
	}
	return nil
}

func (s *Shell) recognize(c *Call) error {
	cookie, err := c.R.Cookie(SessionCookie)
	if err != nil {
		return nil
	}
	u, err := s.sessions.Visitor(c.R.Context(), cookie.Value)
	if fault.Is(err, fault.Unauthenticated) {
		return nil
	}
	c.User = u
	return err
}

// Wrap puts around all handlers of a site what each answer needs: security headers, protection against cross-site writes, an access log
// with a request id, and an answer even when a handler panics.
func (s *Shell) Wrap(h http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	if s.opt.BaseURL != "" {
		if u, err := url.Parse(s.opt.BaseURL); err == nil {
			guard.AddTrustedOrigin(u.Scheme + "://" + u.Host)
		}
	}
	guard.AddInsecureBypassPattern("/api/")              // the API asks only of those whom it knows by their session: programs of other sites may come with a token
	guard.AddInsecureBypassPattern("/mail/unsubscribe/") // who has the link has the right, session or not: webmail posts it from its own page (RFC 8058)
	guard.SetDenyHandler(s.Page(func(*Call) error {
		return fault.New(fault.Denied, "this form was sent from another site, or by a browser that does not say from where; open the page here and send it again")
	}))
	guarded := guard.Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := requestID()
		rec := &recorder{ResponseWriter: w, status: http.StatusOK, reads: reads(r)}
		s.headers(rec.Header())
		rec.Header().Set("X-Request-Id", id)
		defer func() {
			p := recover()
			if p == http.ErrAbortHandler {
				defer panic(p)
			} else if p != nil {
				s.log.Error("panic", "request", id, "path", loggable(r.URL.Path), "panic", p, "stack", string(debug.Stack()))
				if !rec.wrote {
					http.Error(rec, "Internal error. Request "+id, http.StatusInternalServerError)
				}
			}
			took := time.Since(start)
			s.access(r, rec, id, took)
			if s.opt.Observe != nil && !rec.streamed() {
				s.opt.Observe(r.Pattern, rec.status, took)
			}
		}()
		guarded.ServeHTTP(rec, r)
	})
}

func (s *Shell) headers(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if strings.HasPrefix(s.opt.BaseURL, "https:") {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

func (s *Shell) access(r *http.Request, rec *recorder, id string, took time.Duration) {
	level := slog.LevelInfo
	if s.opt.SlowRequest > 0 && took > s.opt.SlowRequest && !rec.streamed() {
		level = slog.LevelWarn
	}
	s.log.Log(r.Context(), level, "request", "id", id, "method", r.Method, "path", loggable(r.URL.RequestURI()), "status", rec.status, "bytes", rec.bytes,
		"ms", float64(took.Microseconds())/1000, "remote", r.RemoteAddr)
}

func requestID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
	wrote  bool
	reads  bool // the request only reads
	mute   bool // the answer is written already
}

// WriteHeader implements http.ResponseWriter. That an address lacks its slash, or has one too many, the mux answers with 307, so that a form that is sent there arrives; for who reads it
// is 301, as in Patchwork 3.2: the address is wrong for good.
func (r *recorder) WriteHeader(status int) {
	if r.wrote {
		r.ResponseWriter.WriteHeader(status)
		return
	}
	if r.wrote = true; status != http.StatusTemporaryRedirect || !r.reads {
		r.status = status
		r.ResponseWriter.WriteHeader(status)
		return
	}
	r.status, r.mute = http.StatusMovedPermanently, true
	r.Header().Del("Content-Type") // of a text that says it is for now
	r.ResponseWriter.WriteHeader(r.status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	if r.mute {
		return len(p), nil
	}
	r.wrote = true
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// streamed tells whether the answer was a stream of events: how long one lasts is up to the client.
func (r *recorder) streamed() bool { return r.Header().Get("Content-Type") == "text/event-stream" }

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
