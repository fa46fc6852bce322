// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestFrontPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.expect(s.get("/"), 200, "Welcome to Patchwork", "pw admin user create", "pw admin project create")
		_, joe := s.user("joe", "joe@people.example", false)
		s.expect(s.get("/"), 200, "!pw admin user create", "pw admin project create")
		s.expect(s.visit(joe, "GET", "/", ""), 200, "Log out", "joe")
		s.project("alpha")
		s.redirects(s.get("/"), 302, "/project/alpha/list/")
		s.project("beta")
		s.expect(s.get("/"), 200, `href="/project/alpha/list/"`, `href="/project/beta/list/"`, "BETA", "beta@lists.example")
	})
}

func TestAboutPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		s.user("mia", "mia@people.example", false)
		s.maintainer("alpha", "mia")
		s.expect(s.get("/project/alpha/"), 200, "alpha@lists.example", "alpha.lists.example", "mia", "/project/alpha/list/?state=1&amp;archive=both", `<td class="num">3</td>`, "!mia@people.example")
		s.expect(s.get("/project/nosuch/"), 404, "Not found", "nosuch")
		s.expect(s.get("/project/Alpha/"), 404)
	})
}

func TestPagesAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		s.expect(s.get("/project/alpha/list/"), 200, "3 patches", "First step", "Second step", "Alone", "Ann Author", "2026-03-01", "!Two steps</a></td>", "!<form method=\"post\" action=\"/project")
		s.expect(s.get("/project/alpha/list/?q=STEP"), 200, "2 patches", "!Alone")
		s.expect(s.get("/project/alpha/patch/p1@x/"), 200, "<title>[1/2] First step - ALPHA", "Text of [PATCH 1/2] First step.", "Good.", "Reviewed-by: Rita", "Second step", "Two steps", "lib/a.c", `<ins class="a"`,
			`href="mbox/"`, `href="raw/"`, "Signed-off-by", "&lt;p1@x&gt;", "!name=\"delegate\"", "!Nice cover")
		s.expect(s.get("/project/alpha/cover/c@x/"), 200, "What it is about.", "Nice cover.", "First step", `href="mbox/"`, "!raw/", "!Good.")
		series := fmt.Sprintf("/project/alpha/series/%s/", s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", "p1@x"))[0])
		s.expect(s.get(series), 200, "Two steps", "First step", "Second step", "What it is about.", "Nice cover.", "2 of 2", "!Alone")
		s.project("beta")
		s.expect(s.get(strings.Replace(series, "alpha", "beta", 1)), 404)
		for _, path := range []string{"/project/beta/patch/p1@x/", "/project/alpha/patch/nosuch@x/", "/project/alpha/patch/r1@x/", "/project/alpha/patch/", "/project/alpha/series/99999/", "/project/alpha/series/x/",
			"/project/alpha/series/99999999999999999999/", "/project/nosuch/list/", "/nosuch/", "/nosuch", "/project/", "/series/", "/project/alpha/bogus/", "/project/alpha/patch/p1@x/bogus/"} {
			s.expect(s.get(path), 404, "Not found", "Patchwork 4.test")
		}
	})
}

// download is what the answer with a file must say.
func (s *site) download(path, contentType, file string, texts ...string) {
	s.t.Helper()
	a := s.get(path)
	s.expect(a, 200, texts...)
	if a.Header.Get("Content-Type") != contentType || a.Header.Get("Content-Disposition") != "attachment; filename="+file {
		s.t.Errorf("%s: %s, %s; want %s, %s", path, a.Header.Get("Content-Type"), a.Header.Get("Content-Disposition"), contentType, file)
	}
	head := s.visit("", "HEAD", path, "")
	if head.StatusCode != 200 || head.body != "" || head.Header.Get("Content-Disposition") != a.Header.Get("Content-Disposition") {
		s.t.Errorf("HEAD %s: %d, %v", path, head.StatusCode, head.Header)
	}
}

func TestDownloads(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		id := s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", "p1@x"))[0]
		const patchType = "text/plain; charset=utf-8"
		s.download("/project/alpha/patch/p2@x/mbox/", patchType, "2-2-Second-step.patch", "Subject: [PATCH 2/2] Second step\n", "+two\n", "!First step")
		s.download("/project/alpha/patch/p1@x/mbox/", patchType, "1-2-First-step.patch", "Reviewed-by: Rita <rita@people.example>\n---\n")
		s.download("/project/alpha/patch/p2@x/mbox/?series=*", patchType, "2-2-Second-step.patch", "Subject: [PATCH 1/2] First step\n", "Subject: [PATCH 2/2] Second step\n")
		s.download("/project/alpha/patch/p2@x/mbox/?series="+id, patchType, "2-2-Second-step.patch", "First step", "Second step")
		s.download("/project/alpha/patch/p1@x/mbox/?series=*", patchType, "1-2-First-step.patch", "First step", "!Second step")
		s.download("/project/alpha/patch/p1@x/raw/", "text/x-patch", "1-2-First-step.diff", "+two\n", "!Signed-off-by")
		if a := s.get("/project/alpha/patch/p1@x/raw/"); a.body != diff {
			t.Errorf("raw: %q", a.body)
		}
		s.download("/project/alpha/cover/c@x/mbox/", "text/plain", "0-2-Two-steps.mbox", "What it is about.")
		s.download("/series/"+id+"/mbox/", "text/plain", "Two-steps.patch", "First step", "Second step", "!Alone")
		s.download("/project/alpha/patch/alone@x/mbox/", patchType, "Alone.patch", "Alone")
		for _, path := range []string{"/project/alpha/patch/p2@x/mbox/?series=99", "/project/alpha/patch/p2@x/mbox/?series=x", "/project/alpha/patch/p2@x/mbox/?series=", "/project/alpha/patch/nosuch@x/mbox/",
			"/project/alpha/patch/nosuch@x/raw/", "/series/99/mbox/", "/series/x/mbox/", "/project/nosuch/patch/p2@x/mbox/"} {
			a := s.get(path)
			s.expect(a, 404, "Not found")
			if a.Header.Get("Content-Disposition") != "" || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("%s: %v", path, a.Header)
			}
		}
		// A patch that is in no series, as an import may have it, and a pull request, which has no diff.
		s.exec("UPDATE patch SET series_id = NULL, number = NULL WHERE id = ?", s.id("patch", "alone@x"))
		for _, series := range []string{"*", id, "0"} {
			s.expect(s.get("/project/alpha/patch/alone@x/mbox/?series="+series), 404, "Not found")
		}
		s.expect(s.get("/project/alpha/patch/alone@x/"), 200, "!Series mbox")
		s.exec("DELETE FROM patch_diff WHERE patch_id = ?", s.id("patch", "alone@x"))
		s.expect(s.get("/project/alpha/patch/alone@x/raw/"), 404, "no diff", "!None")
		s.expect(s.get("/project/alpha/patch/alone@x/"), 200, "!raw/")
	})
}

// TestStatements: a page makes a fixed number of statements, however much it shows.
func TestStatements(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			var n atomic.Int32
			db, err := sqldb.Open(t.Context(), dbtest.MigratedURL(t, engine), sqldb.Options{Statement: func(string) { n.Add(1) }})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			s := serve(t, db)
			s.seriesOfTwo()
			s.relay()
			id := s.id("patch", "p1@x")
			series := s.rows("SELECT series_id FROM patch WHERE id = ?", id)[0]
			u, joe := s.user("joe", "joe@people.example", false)
			_, mia := s.user("mia", "mia@people.example", false)
			s.maintainer("alpha", "mia")
			s.exec("INSERT INTO bundle (id, owner_id, project_id, name, name_key, public) SELECT 1, ?, project_id, 'b', 'b', TRUE FROM patch WHERE id = ?", u.ID, id)
			s.exec("INSERT INTO bundle_patch (bundle_id, patch_id, position) SELECT 1, id, id FROM patch")
			fewer := map[string]int32{"": 2, "after=9999999999999999.1&page=2": 2} // for lists that PostgreSQL walks to
			for _, test := range []struct {
				token, path string
				most        int32
			}{
				{"", "/project/alpha/list/", 6},
				{"", "/project/alpha/list/?state=*&archive=both&order=name&q=step&page=3", 6},
				{"", "/project/alpha/list/?delegate=nobody&order=submitter", 6},
				{"", "/project/alpha/list/?submitter=ann", 6},
				{"", "/project/alpha/list/?checks=none&notag=1&comments=none&version=1&order=-tags", 6},
				{"", "/project/alpha/list/?q=first", 6},
				{"", "/project/alpha/list/?q=first+step&state=*", 6},
				{"", "/project/alpha/list/?q=step&tag=2", 7},
				{"", "/project/alpha/list/?after=9999999999999999.1&page=2", 6},
				{joe, "/project/alpha/list/", 7},
				{"", "/project/alpha/patch/p1@x/", 11},
				{"", "/project/alpha/patch/p2@x/", 11},
				{joe, "/project/alpha/patch/p1@x/", 17},
				{"", "/project/alpha/cover/c@x/", 9},
				{joe, "/project/alpha/cover/c@x/", 13},
				{joe, "/project/alpha/series/" + series + "/", 14},
				{"", "/project/alpha/p1@x/T/", 4},
				{"", "/project/alpha/series/" + series + "/", 10},
				{"", "/project/alpha/", 4},
				{"", "/series/" + series + "/mbox/", 6},
				{"", "/project/alpha/patch/p2@x/mbox/?series=*", 9},
				{"", "/project/alpha/patch/p1@x/raw/", 3},
				{"", "/project/alpha/p1@x/t.mbox.gz", 4},
				{"", "/project/alpha/p1@x/raw", 4},
				{"", "/bundle/joe/b/", 6},
				{joe, "/bundle/joe/b/", 8},
				{joe, "/bundle/joe/b/mbox/", 8},
				{joe, "/user/bundles/", 6},
				{"", "/project/alpha/series/", 7},
				{"", "/project/alpha/series/?order=name&q=step&state=1&checks=none", 8},
				{joe, "/project/alpha/series/", 8},
				{"", "/project/alpha/list.atom", 7},
				{"", "/project/alpha/list.atom?state=*&archive=both&q=step&page=3", 7},
				{"", "/project/alpha/series.atom", 7},
				{"", "/project/alpha/series.atom?q=step&state=1&checks=none", 8},
				{"", "/project/alpha/events.atom", 11},
				{"", "/project/alpha/events.atom?series=" + series, 13},
				{"", fmt.Sprint("/project/alpha/events.atom?patch=", id), 9},
				{"", "/project/alpha/queue/review/", 7},
				{joe, "/project/alpha/queue/review/?submitter=ann", 10},
				{mia, "/user/queue/review/", 8},
				{mia, "/user/queue/review/?q=alone&order=name", 9},
				{mia, "/user/queue/stale/?idle=1", 6},
				{mia, "/user/queue/mine/", 6},
				{"", "/project/alpha/patch/p1@x/diff/", 4},
				{"", "/project/alpha/p1@x/headers/", 3},
				{"", "/project/alpha/series/" + series + "/range-diff/?from=" + series, 13},
				{"", "/series/" + series + "/range-diff/?from=" + series, 12},
				{joe, "/user/", 8},
				{joe, "/user/changes/", 4},
				{joe, "/user/queries/", 4},
				{joe, "/user/todo/", 3},
				{joe, "/user/notifications/", 6},
			} {
				if filter, list := strings.CutPrefix(test.path, "/project/alpha/list/"); list && engine == sqldb.Postgres {
					test.most -= fewer[strings.TrimPrefix(filter, "?")]
				}
				if test.path == "/project/alpha/list.atom" && engine == sqldb.Postgres {
					test.most -= fewer[""]
				}
				n.Store(0)
				s.expect(s.visit(test.token, "GET", test.path, ""), 200)
				if got := n.Load(); got > test.most || got < test.most && !strings.Contains(test.path, "q=") { // of words something may be remembered
					t.Errorf("%s: %d statements, want %d", test.path, got, test.most)
				}
			}
		})
	}
}

// TestKnownFailureC9: every answer carries the headers that keep other sites, sniffers and injected scripts out.
func TestKnownFailureC9(t *testing.T) {
	for _, base := range []string{"", "http://patches.example", "https://patches.example"} {
		s := serve(t, dbtest.Open(t, sqldb.SQLite), func(c *config.Config) { c.HTTP.BaseURL = base })
		s.seriesOfTwo()
		for _, path := range []string{"/", "/project/alpha/list/", "/project/alpha/patch/p1@x/", "/project/alpha/patch/p1@x/mbox/", "/nosuch/", "/healthz", "/robots.txt", "/project/alpha/list", "/static/x.css"} {
			a := s.get(path)
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
				"Strict-Transport-Security": map[bool]string{true: "max-age=31536000"}[base == "https://patches.example"],
				"Content-Security-Policy":   "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			} {
				if got := a.Header.Get(name); got != want {
					t.Errorf("%q: %s: %s: %q, want %q", base, path, name, got, want)
				}
			}
			if a.Header.Get("X-Request-Id") == "" || strings.Contains(a.body, " style=") || strings.Contains(a.body, "<style") || strings.Contains(a.body, "onclick") {
				t.Errorf("%s: has no request id, or what its policy forbids", path)
			}
			if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") && a.StatusCode != 301 && a.StatusCode != 302 &&
				(a.Header.Get("Cache-Control") != "private, no-cache" || a.Header.Get("Vary") != "Cookie") {
				t.Errorf("%s: may be cached: %v", path, a.Header)
			}
		}
	}
}

func TestAssets(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	page := s.get("/").body
	for _, end := range []string{".css", ".js", ".svg"} {
		_, rest, _ := strings.Cut(page, `="/static/`)
		for !strings.HasPrefix(rest[strings.IndexByte(rest, '.')+13:], end+`"`) {
			if _, rest, _ = strings.Cut(rest, `="/static/`); rest == "" {
				t.Fatalf("no %s in %s", end, page)
			}
		}
		name, _, _ := strings.Cut(rest, `"`)
		a := s.get("/static/" + name)
		s.expect(a, 200)
		if !strings.Contains(a.Header.Get("Cache-Control"), "immutable") || a.body == "" {
			t.Errorf("%s: %v", name, a.Header)
		}
	}
	s.expect(s.get("/static/style.css"), 404)
	s.expect(s.get("/static/"), 404)
	s.expect(s.get("/static/../layout.templ"), 301)
}

// TestMethods: what a page can't be asked is 405 and names what it can, also for who is not logged in.
func TestMethods(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	s.seriesOfTwo()
	for _, test := range []struct{ method, path, allow string }{
		{"POST", "/", "GET, HEAD"}, {"PUT", "/project/alpha/", "GET, HEAD, POST"}, {"PUT", "/project/alpha/list/", "GET, HEAD, POST"}, {"DELETE", "/project/alpha/patch/p1@x/", "GET, HEAD, POST"},
		{"PUT", "/project/alpha/cover/c@x/", "GET, HEAD, POST"}, {"POST", "/series/1/mbox/", "GET, HEAD"}, {"PATCH", "/patch/1/", "GET, HEAD"}, {"OPTIONS", "/project/alpha/list/", "GET, HEAD, POST"},
	} {
		a := s.visit("", test.method, test.path, "")
		s.expect(a, 405)
		if a.Header.Get("Allow") != test.allow {
			t.Errorf("%s %s: Allow %q, want %q", test.method, test.path, a.Header.Get("Allow"), test.allow)
		}
	}
	s.expect(s.visit("", "PUT", "/nosuch/", ""), 404)
	for _, path := range []string{"/project/alpha/list/", "/project/alpha/patch/p1@x/", "/healthz", "/robots.txt", "/project/alpha/"} {
		a := s.visit("", "HEAD", path, "")
		if a.StatusCode != 200 || a.body != "" || a.Header.Get("Content-Type") != s.get(path).Header.Get("Content-Type") {
			t.Errorf("HEAD %s: %d, %v", path, a.StatusCode, a.Header)
		}
	}
	s.expect(s.visit("", "HEAD", "/project/alpha/patch/nosuch@x/", ""), 404)
}

// TestKnownFailureE9: a database that does not answer is not "not found".
func TestKnownFailureE9(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			db, err := sqldb.Open(t.Context(), dbtest.MigratedURL(t, engine), sqldb.Options{})
			if err != nil {
				t.Fatal(err)
			}
			s := serve(t, db)
			s.seriesOfTwo()
			_, joe := s.user("joe", "joe@people.example", false)
			db.Close()
			for _, path := range []string{"/", "/project/alpha/", "/project/alpha/list/", "/project/alpha/patch/p1@x/", "/project/alpha/patch/p1@x/mbox/", "/project/alpha/patch/nosuch@x/", "/project/alpha/cover/c@x/",
				"/project/alpha/series/1/", "/series/1/", "/series/1/mbox/", "/patch/1/", "/cover/1/", "/comment/1/"} {
				a := s.get(path)
				s.expect(a, 503, "Not available now", "!Not found", "!closed", "!SELECT")
				if a.Header.Get("Retry-After") != "10" || a.Header.Get("Content-Disposition") != "" {
					t.Errorf("%s: %v", path, a.Header)
				}
			}
			s.expect(s.visit(joe, "GET", "/project/alpha/list/", ""), 503)
			s.expect(s.visit(joe, "POST", "/project/alpha/list/", "patch_id:1=on&state=3"), 503)
			if log := s.log.String(); !strings.Contains(log, "request failed") {
				t.Error("not in the log")
			}
		})
	}
}

func TestHealth(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	s.expect(s.get("/healthz"), 200, "ok")
	s.expect(s.get("/robots.txt"), 200, "Disallow: /user/")
}

// TestOwnHTML: what the administrator put into the navigation and the footer is there as it is.
func TestOwnHTML(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite), func(c *config.Config) { c.HTTP.FooterHTML = `<a href="/imprint">Imprint</a>` })
	nav := `<a href="https://wiki.example/">Wiki</a>`
	s.project("alpha", func(c *project.Change) { c.NavHTML = &nav })
	s.project("beta")
	s.expect(s.get("/project/alpha/list/"), 200, nav, `<a href="/imprint">Imprint</a>`)
	s.expect(s.get("/project/beta/list/"), 200, "!"+nav)
}
