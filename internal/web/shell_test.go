// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
)

// sessions knows one token and is away for another.
type sessions struct{}

func (sessions) Visitor(_ context.Context, token string) (account.User, error) {
	switch token {
	case "ann":
		return account.User{ID: 7, Username: "ann"}, nil
	case "away":
		return account.User{}, fault.New(fault.Unavailable, "no database")
	}
	return account.User{}, fault.New(fault.Unauthenticated, "no such session")
}

// ask puts one request through a shell around a page function.
func ask(t *testing.T, f func(*Call) error, path string, cookies ...string) (*http.Response, string, string) {
	t.Helper()
	var log bytes.Buffer
	s := New(Options{SiteName: "Test site", Version: "4"}, sessions{}, clock.NewFake(0), slog.New(slog.NewTextHandler(&log, nil)))
	r := httptest.NewRequest("GET", path, nil)
	for _, c := range cookies {
		r.Header.Add("Cookie", c)
	}
	w := httptest.NewRecorder()
	s.Wrap(s.Page(f)).ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body), log.String()
}

// TestErrors: each kind of error has its status and its page; what users may not read is in the log only, under the number that the page names.
func TestErrors(t *testing.T) {
	tests := []struct {
		err    error
		status int
		title  string
		text   string
	}{
		{fault.New(fault.NotFound, "no such <thing>"), 404, "Not found", "o such &lt;thing&gt;"},
		{fmt.Errorf("open: %w", fault.New(fault.Denied, "not yours")), 403, "Not allowed", "ot yours"},
		{fault.New(fault.Invalid, "bad number"), 400, "Can&#39;t do that", "ad number"},
		{fault.New(fault.Conflict, "taken"), 409, "Can&#39;t do that", "aken"},
		{fault.New(fault.TooLarge, "too much"), 413, "Too large", "oo much"},
		{fault.New(fault.Unauthenticated, "secret"), 401, "Log in first", ""},
		{fault.New(fault.Unavailable, "secret"), 503, "Not available now", "Request "},
		{context.DeadlineExceeded, 503, "Not available now", "Request "},
		{errors.New("secret"), 500, "Something broke here", "Request "},
	}
	for _, test := range tests {
		a, body, log := ask(t, func(c *Call) error {
			c.W.Header().Set("Content-Disposition", "attachment")
			return test.err
		}, "/x/")
		if a.StatusCode != test.status || !strings.Contains(body, "<h1>"+test.title) || !strings.Contains(body, test.text) || strings.Contains(body, "secret") {
			t.Errorf("%v: %d %s", test.err, a.StatusCode, body)
		}
		if a.Header.Get("Content-Type") != "text/html; charset=utf-8" || a.Header.Get("Content-Disposition") != "" || (a.Header.Get("Retry-After") == "10") != (test.status == 503) {
			t.Errorf("%v: %v", test.err, a.Header)
		}
		id := a.Header.Get("X-Request-Id")
		if test.status >= 500 && (!strings.Contains(body, id) || strings.Count(log, id) != 2 || !strings.Contains(log, test.err.Error())) {
			t.Errorf("%v: request %s: %s", test.err, id, log)
		}
	}
}

// TestPlainErrors: who does not accept HTML gets an error in one line of text.
func TestPlainErrors(t *testing.T) {
	s := New(Options{SiteName: "Test site", Version: "4"}, sessions{}, clock.NewFake(0), slog.New(slog.DiscardHandler))
	for accept, html := range map[string]bool{"": true, " , ": true, "*/*": true, "text/*;q=0.1": true, "text/plain, text/html;q=0.5": true, "application/xhtml+xml": true, "TEXT/HTML": true,
		"text/plain": false, "application/json": false, "text/plain, text/html;q=0": false, "*/*; Q=0.0": false} {
		for _, method := range []string{"GET", "HEAD"} {
			r := httptest.NewRequest(method, "/x/", nil)
			r.Header.Set("Accept", accept)
			w := httptest.NewRecorder()
			s.Wrap(s.Page(func(c *Call) error { return fault.New(fault.NotFound, "no such <thing>") })).ServeHTTP(w, r)
			a, body := w.Result(), w.Body.String()
			kind := "text/plain; charset=utf-8"
			if html {
				kind = "text/html; charset=utf-8"
			}
			if a.StatusCode != 404 || a.Header.Get("Content-Type") != kind || fmt.Sprint(a.Header["Vary"]) != "[Cookie Accept Accept-Encoding]" {
				t.Errorf("%s %q: %d %v", method, accept, a.StatusCode, a.Header)
			}
			if !html && method == "GET" && body != "Not found: no such <thing>\n" {
				t.Errorf("%q: %q", accept, body)
			}
		}
	}
}

// TestVisitorGone: a page that fails is an error in the log, unless its visitor went away in the middle.
func TestVisitorGone(t *testing.T) {
	for gone, want := range map[bool]int{false: 1, true: 0} {
		var log bytes.Buffer
		s := New(Options{}, sessions{}, clock.NewFake(0), slog.New(slog.NewTextHandler(&log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		h := s.Page(func(*Call) error {
			if gone {
				cancel()
			}
			return errors.New("no more rows")
		})
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil))
		cancel()
		if n := strings.Count(log.String(), "request failed"); n != want {
			t.Errorf("gone %v: %d lines, want %d: %s", gone, n, want, log.String())
		}
	}
}

func TestPanic(t *testing.T) {
	a, body, log := ask(t, func(*Call) error { panic("oops") }, "/x/")
	if a.StatusCode != 500 || strings.Contains(body, "oops") || !strings.Contains(body, a.Header.Get("X-Request-Id")) || !strings.Contains(log, "oops") || !strings.Contains(log, "status=500") {
		t.Errorf("%d %s %s", a.StatusCode, body, log)
	}
	// An answer that was begun is broken off, so that it does not look whole.
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("panic: %v", p)
		}
	}()
	ask(t, func(c *Call) error {
		io.WriteString(c.W, "half a file")
		return errors.New("the database is gone")
	}, "/x/")
	t.Error("was not broken off")
}

func TestVisitor(t *testing.T) {
	who := func(c *Call) error {
		_, err := fmt.Fprintf(c.W, "%d %+v", c.User.ID, c.Actor())
		return err
	}
	for cookie, want := range map[string]string{
		"":                 "0 {User:0 Admin:false Via:web}",
		"pw_session=ann":   "7 {User:7 Admin:false Via:web}",
		"pw_session=old":   "0 {User:0 Admin:false Via:web}",
		"other=ann":        "0 {User:0 Admin:false Via:web}",
		"pw_session=":      "0 {User:0 Admin:false Via:web}",
		"pw_session=\"ann": "0 {User:0 Admin:false Via:web}",
	} {
		if a, body, _ := ask(t, who, "/", cookie); a.StatusCode != 200 || body != want {
			t.Errorf("%q: %d %q", cookie, a.StatusCode, body)
		}
	}
	if a, _, _ := ask(t, who, "/", "pw_session=away"); a.StatusCode != 503 {
		t.Errorf("sessions can't be read: %d", a.StatusCode)
	}
	login := func(c *Call) error {
		if err := c.RequireLogin(); err != nil {
			return err
		}
		return who(c)
	}
	if a, _, _ := ask(t, login, "/a/?b=c&d=%2F"); a.StatusCode != 302 || a.Header.Get("Location") != "/user/login/?next=%2Fa%2F%3Fb%3Dc%26d%3D%252F" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	if a, _, _ := ask(t, login, "/a/", "pw_session=ann"); a.StatusCode != 200 {
		t.Errorf("%d", a.StatusCode)
	}
}

func TestReadable(t *testing.T) {
	ok := func(c *Call) error { return c.Render(200, Meta{Title: "Fine"}, templ.Raw("fine")) }
	for path, status := range map[string]int{"/ä/?q=ä": 200, "/%C3%A4/": 200, "/%00/": 404, "/%FF/": 404, "/?q=%00": 400, "/?%00=q": 400, "/?q=%C3": 400, "/?q=%zz": 200, "/?a;b": 200} {
		if a, body, _ := ask(t, ok, path); a.StatusCode != status {
			t.Errorf("%s: %d %s", path, a.StatusCode, body)
		}
	}
}

// TestFlash: a message goes to the next page, once, whatever is in it.
func TestFlash(t *testing.T) {
	for _, f := range []Flash{{Text: "Done & <done>"}, {Text: "Not; done, \"ä\"\n\u202e", Bad: true}, {Text: strings.Repeat("ä", 5000), Undo: "/user/changes/7/undo/"}, {Bad: true},
		{Text: "Left", Links: []Link{{"a <b>", "/patch/7/", "ann"}, {"c", "/patch/8/", ""}}}, {Text: "Left", Undo: "/user/changes/7/undo/", Links: []Link{{Text: "c", Path: "/x"}}},
		{Text: strings.Repeat("😀", 300), Undo: "/user/changes/7/undo/", Links: slices.Repeat([]Link{{strings.Repeat("😀", 60), "/patch/1234567890/", strings.Repeat("😀", 40)}}, 4)}} {
		a, _, _ := ask(t, func(c *Call) error {
			c.Flash(f)
			return c.Redirect(http.StatusSeeOther, "/next/")
		}, "/x/")
		cookies := a.Cookies()
		if len(cookies) != 1 || len(cookies[0].Value) > 4000 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Secure {
			t.Fatalf("%q: %v", f.Text, a.Header)
		}
		var got []Flash
		next, _, _ := ask(t, func(c *Call) error {
			got = c.takeFlash()
			return nil
		}, "/next/", cookies[0].Name+"="+cookies[0].Value)
		want := []Flash{f}
		if r := []rune(f.Text); len(r) > 600 {
			want[0].Text = string(r[:600])
		}
		if f.Text == "" {
			want = nil
		}
		if diff := cmp.Diff(want, got); diff != "" || next.Cookies()[0].MaxAge != -1 {
			t.Errorf("%q: %s %v", f.Text, diff, next.Header)
		}
	}
}

func TestPager(t *testing.T) {
	for _, test := range []struct {
		page, pages int
		want        []int
	}{
		{1, 1, []int{1}}, {4, 7, []int{1, 2, 3, 4, 5, 6, 7}}, {1, 8, []int{1, 2, 0, 7, 8}}, {3, 8, []int{1, 2, 3, 4, 0, 7, 8}}, {4, 8, []int{1, 2, 3, 4, 5, 0, 7, 8}},
		{5, 9, []int{1, 2, 0, 4, 5, 6, 0, 8, 9}}, {9, 9, []int{1, 2, 0, 8, 9}}, {50, 100, []int{1, 2, 0, 49, 50, 51, 0, 99, 100}},
	} {
		if diff := cmp.Diff(test.want, Pager{Page: test.page, Pages: test.pages}.Numbers()); diff != "" {
			t.Errorf("page %d of %d: %s", test.page, test.pages, diff)
		}
	}
	for _, test := range []struct { // behind what was counted
		page, pages int
		open        bool
		want        []int
	}{
		{1, 1, true, []int{1, 0}}, {8, 9, true, []int{1, 2, 0, 7, 8, 9, 0}}, {10, 9, true, []int{1, 2, 0, 8, 9, 10, 0}}, {12, 9, true, []int{1, 2, 0, 8, 9, 0, 12, 0}}, {12, 9, false, []int{1, 2, 0, 8, 9, 0, 12}},
	} {
		if diff := cmp.Diff(test.want, Pager{Page: test.page, Pages: test.pages, Open: test.open}.Numbers()); diff != "" {
			t.Errorf("page %d of at least %d: %s", test.page, test.pages, diff)
		}
	}
	q := url.Values{"page": {"3"}, "order": {"name"}, "q": {"a&b", "c"}}
	p := Pager{Page: 3, Pages: 9, Path: "/list/", Query: q}
	if got := p.Link(4); got != "/list/?order=name&page=4&q=a%26b&q=c" {
		t.Error(got)
	}
	if got := p.Link(1); got != "/list/?order=name&q=a%26b&q=c" {
		t.Error(got)
	}
	if got := (Pager{Path: "/list/", Query: url.Values{"page": {"2"}}}).Link(1); got != "/list/" {
		t.Error(got)
	}
	if q.Get("page") != "3" {
		t.Error("the query of the request was changed")
	}
}

func TestUnmatched(t *testing.T) {
	s := New(Options{}, sessions{}, clock.NewFake(0), slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	page := s.Page(func(c *Call) error { return nil })
	mux.Handle("GET /a/{$}", page)
	mux.Handle("POST /a/{$}", page)
	mux.Handle("DELETE /b/{id}/{$}", page)
	mux.Handle("/", s.Unmatched(mux))
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/a/", 200, ""}, {"HEAD", "/a/", 200, ""}, {"PUT", "/a/", 405, "GET, HEAD, POST"}, {"GET", "/b/7/", 405, "DELETE"}, {"OPTIONS", "/b/7/", 405, "DELETE"},
		{"GET", "/c/", 404, ""}, {"BREW", "/", 404, ""}, {"GET", "/a/b/", 404, ""},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(test.method, test.path, nil))
		if w.Code != test.status || w.Header().Get("Allow") != test.allow {
			t.Errorf("%s %s: %d, Allow %q; want %d, %q", test.method, test.path, w.Code, w.Header().Get("Allow"), test.status, test.allow)
		}
	}
}

// TestSaying: the text of an error begins with a capital letter where it is a message; other texts stay as they are.
func TestSaying(t *testing.T) {
	for want, f := range map[string]Flash{
		"There is no &lt;b&gt;": {Text: "there is no <b>", Bad: true},
		"Äh":                    {Text: "äh", Bad: true},
		"":                      {Bad: true},
		"done":                  {Text: "done"},
		`Left: <a href="/patch/1/"><bdi>one</bdi></a> (<bdi>mia</bdi>)`: {Text: "Left", Links: []Link{{"one", "/patch/1/", "mia"}}},
	} {
		var b strings.Builder
		if err := saying(f).Render(t.Context(), &b); err != nil || b.String() != want {
			t.Errorf("%q, %v, want %q", b.String(), err, want)
		}
	}
}
