// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/rest"
	"patchwork.example/pw/internal/test/apiseed"
	"patchwork.example/pw/internal/test/dbtest"
)

// served is the site of apiseed with its API over HTTP.
type served struct {
	apiseed.Client
	*apiseed.Seed
	db      *sqldb.DB
	clock   *clock.Fake
	queries *atomic.Int64
}

// eachServed runs f on every engine.
func eachServed(t *testing.T, f func(t *testing.T, s *served)) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			s := &served{clock: clock.NewFake(apiseed.Now), queries: &atomic.Int64{}}
			db, err := sqldb.Open(t.Context(), dbtest.MigratedURL(t, engine), sqldb.Options{Statement: func(string) { s.queries.Add(1) }})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			s.db, s.Seed = db, apiseed.Fill(t, db)
			mux := http.NewServeMux()
			shell := rest.New(rest.Options{BaseURL: "http://h", SessionCookie: "pw_session", PerPage: 30, MostPerPage: 250}, account.NewSessions(db, s.clock), s.clock, slog.New(slog.DiscardHandler))
			Routes(mux, shell, db)
			server := httptest.NewServer(mux)
			defer server.Close()
			s.Client = apiseed.Client{T: t, URL: server.URL, Tokens: s.Seed.Tokens}
			f(t, s)
		})
	}
}

// fill puts ids into a text: {p1} is patch 1, {c1} cover 1, {s1} series 1, {m1} comment 1, {r1} reply 1, {u.dev} user dev, {h.dev} person dev, {j.alpha} project alpha.
func (s *served) fill(text string) string {
	var pairs []string
	for letter, ids := range map[string]map[int]int64{"p": s.Patches, "c": s.Covers, "s": s.Series, "m": s.Comments, "r": s.Replies} {
		for n, id := range ids {
			pairs = append(pairs, fmt.Sprintf("{%s%d}", letter, n), fmt.Sprint(id))
		}
	}
	for name, id := range s.Persons {
		pairs = append(pairs, "{h."+name+"}", fmt.Sprint(id))
	}
	for name, id := range s.Users {
		pairs = append(pairs, "{u."+name+"}", fmt.Sprint(id))
	}
	for name, id := range s.Projects {
		pairs = append(pairs, "{j."+name+"}", fmt.Sprint(id))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// ask sends a request in which fill has put ids, and compares status and, if want is not empty, the body.
func (s *served) ask(t *testing.T, who, method, path, body string, status int, want string, header ...string) apiseed.Answer {
	t.Helper()
	a := s.Do(who, method, s.fill("/api"+path), s.fill(body), header...)
	if a.Status != status || want != "" && a.Body != s.fill(want) {
		t.Errorf("%s %s: %d %s\nwant %d %s", a.Request, s.fill(body), a.Status, a.Body, status, s.fill(want))
	}
	return a
}

// rows is what a query finds, as texts.
func (s *served) rows(t *testing.T, query string) string {
	t.Helper()
	var out []string
	if err := s.db.Select(t.Context(), &out, s.fill(query)); err != nil {
		t.Fatal(query, err)
	}
	return strings.Join(out, "\n")
}

// asked counts the queries of a request.
func (s *served) asked(t *testing.T, who, path string) int64 {
	t.Helper()
	s.Get(who, s.fill("/api"+path))                  // notes that the token was used
	tx(t, s, "UPDATE state SET ordering = ordering") // so that nothing is known from before
	before := s.queries.Load()
	s.ask(t, who, "GET", path, "", 200, "")
	return s.queries.Load() - before
}

// tx runs one statement.
func tx(t *testing.T, s *served, query string) {
	t.Helper()
	err := s.db.Tx(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), query)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
