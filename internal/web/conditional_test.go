// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
)

// site is one page over a database that is only a stamp and a text.
type site struct {
	handler http.Handler
	clock   *clock.Fake
	stamp   string
	text    string
	made    int // how often the page was made
	status  int
	flash   bool
}

func newSite() *site {
	s := &site{clock: clock.NewFake(0), stamp: "1", text: strings.Repeat("as it was ", 500), status: 200}
	shell := New(Options{SiteName: "Test site", Version: "4", Stamp: func(context.Context) (string, bool, error) {
		if s.stamp == "" {
			return "", false, fault.New(fault.Unavailable, "no database")
		}
		return s.stamp, true, nil
	}}, sessions{}, s.clock, slog.New(slog.DiscardHandler))
	s.handler = shell.Wrap(shell.Page(func(c *Call) error {
		s.made++
		if s.flash {
			c.Flash(Flash{Text: "done"})
			return c.Redirect(303, "/")
		}
		return c.Render(s.status, Meta{Title: "Page"}, templ.Raw("<p>"+s.text+"</p>"))
	}))
	return s
}

func (s *site) ask(method, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, a *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestUnchanged: a page that the visitor has is not sent again, and not even made again while nothing was committed; whoever sees another page gets it.
func TestUnchanged(t *testing.T) {
	s := newSite()
	first := s.ask("GET", "/x/?q=a")
	tag := first.Header.Get("ETag")
	if first.StatusCode != 200 || !strings.HasPrefix(tag, `W/"`) || first.Header.Get("Cache-Control") != "private, no-cache" || fmt.Sprint(first.Header["Vary"]) != "[Cookie Accept-Encoding]" {
		t.Fatal(first.StatusCode, first.Header)
	}
	has := "If-None-Match: " + tag
	step := func(what string, a *http.Response, status, made int) {
		t.Helper()
		if a.StatusCode != status || s.made != made {
			t.Errorf("%s: %d, made %d times; want %d, %d", what, a.StatusCode, s.made, status, made)
		}
		if b := body(t, a); status == 304 && (b != "" || a.Header.Get("ETag") != tag || a.Header.Get("Cache-Control") != "private, no-cache" || a.Header.Get("Content-Type") != "") {
			t.Errorf("%s: %q %v", what, b, a.Header)
		}
	}
	step("known for the first time", s.ask("GET", "/x/?q=a", has), 304, 2) // who only looks costs no stamp
	step("nothing was committed", s.ask("GET", "/x/?q=a", has), 304, 2)
	step("HEAD", s.ask("HEAD", "/x/?q=a", has), 304, 2)
	step("another tag", s.ask("GET", "/x/?q=a", `If-None-Match: "other"`), 200, 3)
	step("one of several", s.ask("GET", "/x/?q=a", `If-None-Match: "other", `+tag), 304, 3)
	step("any", s.ask("GET", "/x/?q=a", "If-None-Match: *"), 304, 3)
	step("another user", s.ask("GET", "/x/?q=a", has, "Cookie: pw_session=ann"), 200, 4)
	step("another address", s.ask("GET", "/x/?q=b", has), 200, 5) // its link to log in leads back there
	step("a form", s.ask("POST", "/x/?q=a", has), 200, 6)
	s.stamp = "2"
	step("something else was committed", s.ask("GET", "/x/?q=a", has), 304, 7)
	s.clock.Advance(time.Minute)
	step("times that are said moved on", s.ask("GET", "/x/?q=a", has), 304, 8)
	s.stamp, s.text = "3", "as it is"
	step("changed", s.ask("GET", "/x/?q=a", has), 200, 9)
	s.stamp = ""
	step("no stamp", s.ask("GET", "/x/?q=a", has), 200, 10)
	s.status = 404
	if a := s.ask("GET", "/x/?q=a", "If-None-Match: *"); a.StatusCode != 404 || a.Header.Get("ETag") != "" {
		t.Errorf("not found: %d %v", a.StatusCode, a.Header)
	}
}

// TestUnchangedFlash: what was just done is said once, whatever the browser has.
func TestUnchangedFlash(t *testing.T) {
	s := newSite()
	tag := s.ask("GET", "/").Header.Get("ETag")
	s.ask("GET", "/", "If-None-Match: "+tag)
	s.flash = true
	cookie := s.ask("POST", "/").Header.Get("Set-Cookie")
	s.flash = false
	a := s.ask("GET", "/", "If-None-Match: "+tag, "Cookie: "+cookie[:strings.Index(cookie, ";")], "Accept-Encoding: gzip, zstd")
	if b := body(t, a); a.StatusCode != 200 || !strings.Contains(b, ">done</p>") || a.Header.Get("ETag") != "" || a.Header.Get("Content-Encoding") != "" {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, b)
	}
	if a := s.ask("GET", "/", "If-None-Match: "+tag); a.StatusCode != 304 {
		t.Errorf("afterwards: %d", a.StatusCode)
	}
}

// TestCompressed: a page comes in the encoding that the client takes, and is the same page.
func TestCompressed(t *testing.T) {
	s := newSite()
	plain := body(t, s.ask("GET", "/"))
	for accept, want := range map[string]string{
		"": "", "identity": "", "br": "", "gzip": "gzip", "gzip, deflate, br": "gzip", "gzip, deflate, br, zstd": "zstd", "zstd": "zstd", "ZSTD, GZip": "zstd", "zstd;q=0.1, gzip": "gzip",
		"gzip;q=0": "", "gzip; q=0.5": "gzip", "*": "gzip", "*;q=0": "", "gzip;q=nonsense": "", "gzip;q=0, *": "", "zstd;q=0,gzip;q=0.001": "gzip", "x-gzip": "gzip", ",,;;": "",
	} {
		a := s.ask("GET", "/", "Accept-Encoding: "+accept)
		got, length := body(t, a), a.Header.Get("Content-Length")
		if a.Header.Get("Content-Encoding") != want || length != fmt.Sprint(len(got)) || fmt.Sprint(a.Header["Vary"]) != "[Cookie Accept-Encoding]" {
			t.Errorf("%q: %v", accept, a.Header)
		}
		if got = uncompressed(t, want, got); got != plain {
			t.Errorf("%q: another page: %.200q", accept, got)
		}
		head := s.ask("HEAD", "/", "Accept-Encoding: "+accept)
		if head.StatusCode != 200 || body(t, head) != "" || head.Header.Get("Content-Length") != length || head.Header.Get("ETag") != a.Header.Get("ETag") || head.Header.Get("Content-Encoding") != want {
			t.Errorf("HEAD %q: %v", accept, head.Header)
		}
	}
	if a := s.ask("POST", "/", "Accept-Encoding: gzip"); a.Header.Get("Content-Encoding") != "" || a.Header.Get("ETag") != "" { // it may show a secret, once
		t.Errorf("the answer to a form: %v", a.Header)
	}
}

func uncompressed(t *testing.T, coding, text string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(text)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestAssets: files are kept for ever under the name that their content has, and come compressed.
func TestAssets(t *testing.T) {
	ask := func(method, path, accept string) *http.Response {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		Assets().ServeHTTP(w, r)
		return w.Result()
	}
	plain := ask("GET", Asset("style.css"), "")
	text := body(t, plain)
	if plain.StatusCode != 200 || plain.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || plain.Header.Get("Vary") != "Accept-Encoding" || plain.Header.Get("Content-Type") != "text/css; charset=utf-8" || len(text) < 10000 {
		t.Errorf("%v", plain.Header)
	}
	for _, coding := range []string{"gzip", "zstd"} {
		a := ask("GET", Asset("style.css"), coding)
		short := body(t, a)
		if a.Header.Get("Content-Encoding") != coding || len(short) > len(text)/3 || uncompressed(t, coding, short) != text {
			t.Errorf("%s: %d of %d bytes, %v", coding, len(short), len(text), a.Header)
		}
		head := ask("HEAD", Asset("style.css"), coding)
		if body(t, head) != "" || head.Header.Get("Content-Length") != fmt.Sprint(len(short)) {
			t.Errorf("HEAD %s: %v", coding, head.Header)
		}
	}
	if a := ask("GET", "/static/style.000000000000.css", "gzip"); a.StatusCode != 404 || a.Header.Get("Cache-Control") != "" {
		t.Errorf("a name that nothing has: %d %v", a.StatusCode, a.Header)
	}
}
