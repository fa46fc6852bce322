// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestKnownFailuresOfOperation has the other items of section E, scaling and operation, each under its number. Of those that it does not have TestKnownFailuresOfPages has 1, 3, 5, 8 and
// 9, apitest.TestKnownFailures 2 for the API, and cmd/pw TestBackup 10, by the commands, and TestPipedPasswords 11.
func TestKnownFailuresOfOperation(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			t.Run("E2", func(t *testing.T) { asksNoMoreForMore(listen(t, engine)) })
			t.Run("E4", func(t *testing.T) { answersMany(serve(t, dbtest.Open(t, engine))) })
			t.Run("E6", func(t *testing.T) { logsAsTold(serve(t, dbtest.Open(t, engine))) })
			t.Run("E7", func(t *testing.T) { isTwoNodes(serve(t, dbtest.Open(t, engine))) })
			t.Run("E7, tables", func(t *testing.T) { syncsOnce(t, dbtest.URL(t, engine)) })
			t.Run("E9", func(t *testing.T) { isNoMissingPage(serve(t, dbtest.Open(t, engine))) })
		})
	}
	t.Run("E8", unitsAreBounded)
	t.Run("E10", func(t *testing.T) { comesBack(serve(t, dbtest.Open(t, sqldb.SQLite))) })
}

// A page makes as many queries for many rows as for few.
func asksNoMoreForMore(l *listening) {
	paths := []string{"/project/alpha/list/?state=*", "/project/alpha/series/?who=*", "/project/alpha/queue/review/", "/project/alpha/"}
	few := map[string]int{}
	for _, path := range paths {
		few[path] = len(l.of(path))
	}
	for n := range 20 {
		l.patchMail("alpha", fmt.Sprintf("more%d@x", n), fmt.Sprintf("[PATCH] More of it, part %d", n))
	}
	for _, path := range paths {
		if got := len(l.of(path)); got != few[path] {
			l.t.Errorf("%s: %d queries, %d before there were 20 patches more", path, got, few[path])
		}
	}
}

// 200 visitors at the same time are all answered, with the connections that there are.
func answersMany(s *site) {
	s.seriesOfTwo()
	paths := []string{"/project/alpha/list/", "/project/alpha/series/", "/project/alpha/patch/p1@x/", "/project/alpha/list/?q=step&state=*"}
	var all sync.WaitGroup
	for n := range 200 {
		all.Go(func() {
			res, err := http.Get(s.url + paths[n%len(paths)])
			if err != nil {
				s.t.Error(err)
				return
			}
			defer res.Body.Close()
			if page, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 {
				s.t.Errorf("%s: %d %v %.200s", res.Request.URL, res.StatusCode, err, page)
			}
		})
	}
	all.Wait()
}

// Lines below the level that is asked for are not written, and lines are JSON if that is asked for; what is measured can be fetched.
func logsAsTold(s *site) {
	s.seriesOfTwo()
	var out bytes.Buffer
	s.app.Log = slog.New(newStreamHandler(config.Log{Format: "json", Level: slog.LevelWarn}, &out))
	server := httptest.NewServer(s.app.Handler("4.test"))
	s.url = server.URL
	s.patchMail("alpha", "quiet@x", "[PATCH] Quiet")
	s.expect(s.get("/project/alpha/list/"), 200)
	server.Close() // lines are written after the answer
	if out.Len() > 0 {
		s.t.Errorf("asked for warnings it logs %s", out.String())
	}
	s.app.Log = slog.New(newStreamHandler(config.Log{Format: "json", Level: slog.LevelInfo}, &out))
	server = httptest.NewServer(s.app.Handler("4.test"))
	s.url = server.URL
	s.expect(s.get("/project/alpha/list/?q=x"), 200)
	server.Close()
	var line struct {
		Level, Method, Path, ID string
		Status                  int
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Level != "INFO" || line.Method != "GET" || line.Status != 200 || line.ID == "" || !strings.HasPrefix(line.Path, "/project/alpha/list/") {
		s.t.Errorf("%v: %s", err, out.String())
	}
	recorder := httptest.NewRecorder()
	s.app.MetricsHandler().ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	if recorder.Code != 200 || !strings.Contains(recorder.Body.String(), "pw_") {
		s.t.Errorf("/metrics: %d %.300s", recorder.Code, recorder.Body)
	}
}

// Who is logged in at one process is at another, and what a page of one posts the other takes.
func isTwoNodes(s *site) {
	c, _ := s.newCast()
	other := httptest.NewServer((&App{Config: s.app.Config, DB: s.db, Clock: s.app.Clock, Log: s.app.Log}).Handler("4.test"))
	s.t.Cleanup(other.Close)
	form := s.visit(c.mia, "GET", "/project/alpha/patch/p1@x/", "")
	s.expect(form, 200, `<select name="state">`)
	first := s.url
	s.url = other.URL
	s.expect(s.visit(c.mia, "GET", "/user/", ""), 200, "mia")
	s.redirects(s.visit(c.mia, "POST", "/project/alpha/patch/p1@x/", "state=3"), 303, "/project/alpha/patch/p1@x/")
	s.url = first
	s.isPatch("p1@x", "3 0 open")
	s.redirects(s.visit(c.mia, "POST", "/user/logout/", ""), 303, "/")
	s.url = other.URL
	s.redirects(s.visit(c.mia, "GET", "/user/", ""), 302, "/user/login/?next=%2Fuser%2F")
}

// Four processes that start at the same time make the tables once.
func syncsOnce(t *testing.T, url string) {
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			db, err := sqldb.Open(t.Context(), url, sqldb.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if err := schema.Sync(t.Context(), db); err != nil {
				t.Error(err)
			}
			if err := schema.Require(t.Context(), db); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// A database that is away is 503, for whatever there is and for what there is not.
func isNoMissingPage(s *site) {
	c, _ := s.newCast()
	s.db.Close()
	for _, path := range []string{"/", "/project/alpha/", "/project/alpha/list/", "/project/alpha/series/", "/project/alpha/patch/p1@x/", "/project/none/list/", "/patch/1/", "/series/1/mbox/", "/user/", "/api/1.4/patches/1/"} {
		if a := s.visit(c.mia, "GET", path, ""); a.StatusCode != 503 || strings.Contains(a.body, "ot found") {
			s.t.Errorf("%s: %d %.200s", path, a.StatusCode, a.body)
		}
	}
}

// A copy of the database, made while mail comes in, is a whole site.
func comesBack(s *site) {
	s.seriesOfTwo()
	copied := filepath.Join(s.t.TempDir(), "copy.db")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 50 {
			s.patchMail("alpha", fmt.Sprintf("during%d@x", n), fmt.Sprintf("[PATCH] During, part %d", n))
		}
	}()
	if _, err := s.db.SQL().ExecContext(s.t.Context(), "VACUUM INTO ?", copied); err != nil {
		s.t.Fatal(err)
	}
	<-done
	db, err := sqldb.Open(s.t.Context(), "sqlite:"+copied, sqldb.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { db.Close() })
	back := serve(s.t, db)
	back.sound()
	page := "/project/alpha/patch/p1@x/"
	if was, is := s.get(page).body, strings.ReplaceAll(back.get(page).body, back.url, s.url); was != is {
		s.t.Error("the page of a patch is another after the database was copied back")
	}
}
