// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/web"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var noon = clock.FromTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))

const password = "correct horse"

// site is one process that serves pages of a database.
type site struct {
	t      *testing.T
	db     *sqldb.DB
	clock  *clock.Fake
	url    string
	log    *buffer
	remote string // what address visitors seem to come from, if not empty
}

// newSite starts a process; several may share a database. The front page says who is there.
func newSite(t *testing.T, db *sqldb.DB, opt web.Options) *site {
	t.Helper()
	return newSiteWith(t, db, opt, Options{ConfirmationDays: 7, Registration: true, Version: "4.0-test", API: true})
}

func newSiteWith(t *testing.T, db *sqldb.DB, opt web.Options, own Options) *site {
	t.Helper()
	s := &site{t: t, db: db, clock: clock.NewFake(noon), log: &buffer{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	sessions := account.NewSessions(db, s.clock)
	sessions.Tell = own.MailProblem == ""
	shell := web.New(opt, sessions, s.clock, log)
	mux := http.NewServeMux()
	Routes(mux, shell, db, sessions, log, own)
	mux.Handle("GET /{$}", shell.Page(func(c *web.Call) error {
		_, err := fmt.Fprintf(c.W, "hello %s", c.User.Username)
		return err
	}))
	pages := shell.Wrap(mux)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.remote != "" {
			r.RemoteAddr = s.remote
		}
		pages.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// user makes a user with the password of all tests.
func (s *site) user(name string) {
	s.t.Helper()
	email, password := name+"@example.org", password
	_, err := account.CreateUser(s.t.Context(), s.db, account.CLI, noon, account.UserChange{Username: &name, Email: &email, Password: &password})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) exec(query string, args ...any) {
	s.t.Helper()
	err := s.db.Tx(s.t.Context(), func(tx *sqldb.Tx) error {
		n, err := tx.Exec(s.t.Context(), query, args...)
		if err == nil && n == 0 {
			return fault.New(fault.NotFound, "it matches no row")
		}
		return err
	})
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
}

// answer is what a visitor got.
type answer struct {
	*http.Response
	body string
}

// cookie gives the cookie of a name that the answer sets, nil if it does not.
func (a answer) cookie(name string) *http.Cookie {
	for _, c := range a.Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// visitor is a browser: it has a session, or not, and follows no redirect.
type visitor struct {
	*site
	session string
	header  map[string]string
	host    string // named in the request; empty: the right one
}

func (s *site) visitor() *visitor { return &visitor{site: s} }

func (v *visitor) do(method, path, body string) answer {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.session != "" {
		req.AddCookie(&http.Cookie{Name: web.SessionCookie, Value: v.session})
	}
	for name, value := range v.header {
		req.Header.Set(name, value)
	}
	req.Host = v.host
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	a := answer{resp, string(text)}
	if c := a.cookie(web.SessionCookie); c != nil {
		v.session = c.Value
	}
	return a
}

func (v *visitor) get(path string) answer {
	v.t.Helper()
	return v.do("GET", path, "")
}

// login sends the form of the login page.
func (v *visitor) login(username, password, next string) answer {
	v.t.Helper()
	return v.do("POST", "/user/login/", url.Values{"username": {username}, "password": {password}, "next": {next}}.Encode())
}

// is expects that the visitor is known as a user, or as nobody.
func (v *visitor) is(username string) {
	v.t.Helper()
	if a := v.get("/"); a.StatusCode != 200 || a.body != "hello "+username {
		v.t.Errorf("%d %q, want hello %s", a.StatusCode, a.body, username)
	}
}

// buffer is a log that may be written and read at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
