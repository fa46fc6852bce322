// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// listening is a site whose database tells which statements it hears.
type listening struct {
	*site
	mu    sync.Mutex
	heard []string
}

func listen(t *testing.T, engine string) *listening {
	t.Helper()
	l := &listening{}
	db, err := sqldb.Open(t.Context(), dbtest.MigratedURL(t, engine), sqldb.Options{Statement: func(query string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.heard = append(l.heard, query)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	l.site = serve(t, db)
	l.seriesOfTwo()
	return l
}

// of are the statements that a page makes.
func (l *listening) of(path string) []string {
	l.t.Helper()
	l.mu.Lock()
	l.heard = nil
	l.mu.Unlock()
	l.expect(l.get(path), 200)
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.heard)
}

// ask sends a request as a browser does, and leaves the answer as it came.
func (s *site) ask(method, path string, headers ...string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	a, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	a.Body.Close()
	return a
}

// TestKnownFailuresOfPages has items of the section on scaling and operation that concern pages; those of the API are in test/apitest.
func TestKnownFailuresOfPages(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			l := listen(t, engine)
			t.Run("E1", func(t *testing.T) { l.t = t; countsNothing(l) })
			t.Run("E3", func(t *testing.T) { l.t = t; readsNoTexts(l) })
			t.Run("E5", func(t *testing.T) { l.t = t; findsWords(l) })
			t.Run("E6", func(t *testing.T) { l.t = t; isWatched(l) })
			t.Run("E8", func(t *testing.T) { l.t = t; isCheap(l) })
			t.Run("E9", func(t *testing.T) { l.t = t; saysUnavailable(l) })
		})
	}
}

// A list is not counted patch by patch: its total comes from counters.
func countsNothing(l *listening) {
	for _, path := range []string{"list/", "list/?state=*&archive=both", "list/?state=1", "list/?archive=true", "list/?order=name", "list/?page=7"} {
		for _, query := range l.of("/project/alpha/" + path) {
			if regexp.MustCompile(`COUNT\(.*FROM patch p`).MatchString(query) {
				l.t.Errorf("%s counts: %s", path, query)
			}
		}
	}
}

// A list reads no headers, texts and diffs.
func readsNoTexts(l *listening) {
	for _, path := range []string{"list/", "list/?state=*&archive=both&order=submitter", "list/?q=first"} {
		for _, query := range l.of("/project/alpha/" + path) {
			if regexp.MustCompile("message_body|patch_diff|mail_raw").MatchString(query) {
				l.t.Errorf("%s reads texts: %s", path, query)
			}
		}
	}
}

// Words are found by an index, without regard to letter case, and _ and % are what they are.
func findsWords(l *listening) {
	link := regexp.MustCompile(`href="/project/alpha/patch/[^/"]+/"`)
	asked := map[string]bool{} // those looked up; what was found is remembered
	for q, rows := range map[string]int{"step": 2, "STEP": 2, "tep+first": 1, "st_p": 0, "s%25p": 0, "step+%22": 0, "step+OR+nowhere": 0, "%25": 0, "one+AND+NOT": 0} {
		path := "/project/alpha/list/?state=*&archive=both&q=" + q
		queries := l.of(path)
		links := link.FindAllString(l.get(path).body, -1)
		slices.Sort(links)
		if links = slices.Compact(links); len(links) != rows {
			l.t.Errorf("%s: %q, want %d", path, links, rows)
		}
		key := strings.ToLower(q)
		asked[key] = asked[key] || slices.ContainsFunc(queries, func(s string) bool { return strings.Contains(s, "patch_words") })
	}
	for q, ok := range asked {
		if len(q) > 3 && !ok {
			l.t.Errorf("%s asks no index", q)
		}
	}
}

// Each request is one line of the log, with the number that the answer names, and without debug lines; monitors and browsers find what they look for.
func isWatched(l *listening) {
	before := len(l.log.String())
	a := l.ask("GET", "/project/alpha/list/?q=a%0Ab")
	for end := time.Now().Add(30 * time.Second); len(l.log.String()) == before && time.Now().Before(end); { // it is written after the answer
		time.Sleep(5 * time.Millisecond)
	}
	lines := strings.Split(strings.TrimSpace(l.log.String()[before:]), "\n")
	if len(lines) != 1 || !strings.Contains(lines[0], "level=INFO") || !strings.Contains(lines[0], "id="+a.Header.Get("X-Request-Id")) || !strings.Contains(lines[0], "status=200") {
		l.t.Errorf("%q", lines)
	}
	if strings.Contains(l.log.String(), "level=DEBUG") {
		l.t.Error("debug lines that nobody asked for")
	}
	icon := regexp.MustCompile(`<link rel="icon" href="([^"]+)"`).FindStringSubmatch(l.get("/project/alpha/").body)
	for _, path := range []string{"/healthz", "/readyz", "/robots.txt", "/project/alpha/list.atom", icon[1]} {
		l.expect(l.get(path), 200)
	}
	l.redirects(l.get("/favicon.ico"), 302, icon[1])
}

// What a visitor has is not sent again, pages and files come compressed, and files are kept for ever.
func isCheap(l *listening) {
	list := "/project/alpha/list/"
	whole := l.ask("GET", list)
	packed := l.ask("GET", list, "Accept-Encoding: gzip")
	again := l.ask("GET", list, "If-None-Match: "+whole.Header.Get("ETag"), "Accept-Encoding: gzip")
	if whole.StatusCode != 200 || whole.Header.Get("Content-Encoding") != "" || packed.Header.Get("Content-Encoding") != "gzip" || packed.ContentLength*2 > whole.ContentLength || again.StatusCode != 304 {
		l.t.Errorf("%d %v\n%d %v\n%d %v", whole.StatusCode, whole.Header, packed.ContentLength, packed.Header, again.StatusCode, again.Header)
	}
	l.mu.Lock()
	l.heard = nil
	l.mu.Unlock()
	if again = l.ask("GET", list, "If-None-Match: "+whole.Header.Get("ETag")); again.StatusCode != 304 {
		l.t.Errorf("%d %v", again.StatusCode, again.Header)
	}
	l.mu.Lock()
	statements := len(l.heard)
	l.mu.Unlock()
	if engine := l.db.Engine(); engine != sqldb.MariaDB && statements != 0 { // it has no stamp
		l.t.Errorf("%d statements for a page that the visitor has", statements)
	}
	l.exec("UPDATE patch SET archived = FALSE")
	l.exec("UPDATE project SET name = ? WHERE linkname = 'alpha'", "Renamed")
	if a := l.ask("GET", list, "If-None-Match: "+whole.Header.Get("ETag")); a.StatusCode != 200 || a.Header.Get("ETag") == whole.Header.Get("ETag") {
		l.t.Errorf("after a change: %d %v", a.StatusCode, a.Header)
	}
	style := regexp.MustCompile(`<link rel="stylesheet" href="([^"]+)"`).FindStringSubmatch(l.get(list).body)
	a := l.ask("GET", style[1], "Accept-Encoding: zstd, gzip")
	if a.Header.Get("Content-Encoding") != "zstd" || !strings.Contains(a.Header.Get("Cache-Control"), "immutable") || a.Header.Get("Vary") != "Accept-Encoding" {
		l.t.Errorf("%v", a.Header)
	}
}

// A database that is away is not a page that is not there.
func saysUnavailable(l *listening) {
	l.db.Close()
	for _, path := range []string{"/", "/project/alpha/list/", "/project/alpha/list/?q=step", "/project/alpha/patch/p1@x/"} {
		if a := l.ask("GET", path, `If-None-Match: "x"`); a.StatusCode < 500 || a.Header.Get("ETag") != "" {
			l.t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	if a := l.get("/readyz"); a.StatusCode != 503 {
		l.t.Error(fmt.Sprint("readyz: ", a.StatusCode))
	}
}
