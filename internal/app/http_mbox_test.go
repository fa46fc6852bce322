// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestMboxRanges: a download can be gone on with, and is not sent again if nothing has changed.
func TestMboxRanges(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		series := "/series/" + s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", "p1@x"))[0] + "/mbox/"
		for _, path := range []string{"/project/alpha/patch/p1@x/mbox/", "/project/alpha/patch/p2@x/mbox/?series=*", "/project/alpha/patch/p1@x/raw/", "/project/alpha/cover/c@x/mbox/", series, "/project/alpha/p1@x/raw"} {
			whole := s.get(path)
			s.expect(whole, 200)
			tag := whole.Header.Get("ETag")
			if !regexp.MustCompile(`^"[0-9a-f]{32}"$`).MatchString(tag) || whole.Header.Get("Accept-Ranges") != "bytes" || whole.Header.Get("Content-Length") != fmt.Sprint(len(whole.body)) {
				t.Errorf("%s: %v", path, whole.Header)
			}
			head := s.visit("", "HEAD", path, "")
			head.Header.Del("X-Request-Id")
			whole.Header.Del("X-Request-Id")
			whole.Header.Set("Date", head.Header.Get("Date"))
			if diff := cmp.Diff(whole.Header, head.Header); head.StatusCode != 200 || head.body != "" || diff != "" {
				t.Errorf("HEAD %s: %d %s", path, head.StatusCode, diff)
			}
			n := len(whole.body)
			for header, want := range map[string]struct {
				status int
				body   string
				about  string // Content-Range
			}{
				"Range: bytes=0-9":      {206, whole.body[:10], fmt.Sprintf("bytes 0-9/%d", n)},
				"Range: bytes=20-":      {206, whole.body[20:], fmt.Sprintf("bytes 20-%d/%d", n-1, n)},
				"Range: bytes=-7":       {206, whole.body[n-7:], fmt.Sprintf("bytes %d-%d/%d", n-7, n-1, n)},
				"Range: bytes=10-99999": {206, whole.body[10:], fmt.Sprintf("bytes 10-%d/%d", n-1, n)},
				"Range: bytes=999999-":  {416, "", fmt.Sprintf("bytes */%d", n)},
				"Range: lines=1-2":      {416, "", ""},
				"If-None-Match: " + tag: {304, "", ""},
				`If-None-Match: "x"`:    {200, whole.body, ""},
			} {
				a := s.visit("", "GET", path, "", header)
				if a.StatusCode != want.status || want.status < 300 && a.body != want.body || want.status == 304 && a.body != "" || a.Header.Get("Content-Range") != want.about {
					t.Errorf("%s, %s: %d, %s, %q", path, header, a.StatusCode, a.Header.Get("Content-Range"), a.body)
				}
			}
			if a := s.visit("", "GET", path, "", "Range: bytes=5-8", "If-Range: "+tag); a.StatusCode != 206 || a.body != whole.body[5:9] {
				t.Errorf("%s: the same file, %d %q", path, a.StatusCode, a.body)
			}
			if a := s.visit("", "GET", path, "", "Range: bytes=5-8", `If-Range: "0123"`); a.StatusCode != 200 || a.body != whole.body {
				t.Errorf("%s: another file, %d %q", path, a.StatusCode, a.body)
			}
			if a := s.visit("", "GET", path, "", "Range: bytes=0-1,4-5"); a.StatusCode != 206 || !strings.HasPrefix(a.Header.Get("Content-Type"), "multipart/byteranges") {
				t.Errorf("%s: two ranges: %d %v", path, a.StatusCode, a.Header)
			}
		}
		// What a reply adds to a patch makes its file another one, and so does who is to look after it.
		before := s.get("/project/alpha/patch/p2@x/mbox/").Header.Get("ETag")
		s.mail("alpha", "From: Rita <rita@people.example>\nSubject: Re: [PATCH 2/2] Second step\nMessage-ID: <late@x>\nIn-Reply-To: <p2@x>", "Tested-by: Rita <rita@people.example>\n")
		if after := s.get("/project/alpha/patch/p2@x/mbox/"); after.Header.Get("ETag") == before || !strings.Contains(after.body, "Tested-by: Rita") {
			t.Errorf("the tag stayed %s", before)
		}
	})
}

// TestLargeSeriesMbox: a series that is longer than what is kept of it in memory comes whole, in parts too, by a number of statements that grows with its bytes only.
func TestLargeSeriesMbox(t *testing.T) {
	const patches = 370
	var n atomic.Int32
	db, err := sqldb.Open(t.Context(), dbtest.MigratedURL(t, sqldb.SQLite), sqldb.Options{Statement: func(string) { n.Add(1) }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := serve(t, db)
	s.project("alpha")
	lines := strings.Repeat("+"+strings.Repeat("x", 99)+"\n", 80)
	for i := 1; i <= patches; i++ {
		s.mail("alpha", fmt.Sprintf("From: Ann <ann@people.example>\nSubject: [PATCH %d/%d] step %d\nMessage-ID: <p%d@x>\nIn-Reply-To: <p1@x>", i, patches, i, i),
			fmt.Sprintf("Step %d.\n---\n--- a/f\n+++ b/f\n@@ -1,0 +1,80 @@\n%s", i, lines))
	}
	n.Store(0)
	whole := s.get("/series/1/mbox/")
	asked := n.Load()
	s.expect(whole, 200)
	if got := strings.Count(whole.body, "\n\nFrom patchwork ") + 1; got != patches || len(whole.body) < 3<<20 {
		t.Errorf("%d mails in %d bytes", got, len(whole.body))
	}
	if asked > 40 {
		t.Errorf("%d statements", asked)
	}
	for _, at := range []int{0, 1 << 20, len(whole.body)/2 + 7, len(whole.body) - 5000} {
		a := s.visit("", "GET", "/series/1/mbox/", "", fmt.Sprintf("Range: bytes=%d-%d", at, at+4999))
		if a.StatusCode != 206 || a.body != whole.body[at:at+5000] {
			t.Errorf("at %d: %d, %d bytes", at, a.StatusCode, len(a.body))
		}
	}
	// Each part of a range that lies elsewhere is a MiB to read: who asks for many gets the whole file, which is less.
	end := len(whole.body) - 1
	parts := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("0-0,%d-%d,", end, end), 75), ",")
	n.Store(0)
	many := s.visit("", "GET", "/series/1/mbox/", "", "Range: bytes="+parts)
	if got := n.Load(); many.StatusCode != 200 || many.body != whole.body || got > 40 {
		t.Errorf("150 parts: %d, %d bytes, %d statements", many.StatusCode, len(many.body), got)
	}
}

func gunzip(t *testing.T, body string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%v: %.200q", err, body)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestThread: a thread comes as its mails came, from the address of any of them.
func TestThread(t *testing.T) {
	const line = "From mboxrd@z Thu Jan  1 00:00:00 1970\n"
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		s.mail("alpha", "Return-Path: <secret@alpha.example>\nDelivered-To: pw@alpha.example\nFrom: Rita <rita@people.example>\nSubject: Re: [PATCH 2/2] Second step\nMessage-ID: <q/1%2F@x>\nReferences: <c@x>\n <p2@x>\nX-Odd: folded\n  Delivered-To: here\n"+
			"List-Unsubscribe: <https://lists.example/one-click?key=7>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click", "Fine.\nFrom here on\n>From there\n")
		a := s.get("/project/alpha/c@x/t.mbox.gz")
		s.expect(a, 200)
		if a.Header.Get("Content-Type") != "application/gzip" || a.Header.Get("Content-Disposition") != "attachment; filename=c-x.mbox.gz" {
			t.Errorf("%v", a.Header)
		}
		all := gunzip(t, a.body)
		if got := strings.Count(all, line); got != 6 || !strings.HasPrefix(all, line) || strings.Contains(all, "Alone") {
			t.Errorf("%d mails, want 6:\n%s", got, all)
		}
		const want = line + "From: Rita <rita@people.example>\nSubject: Re: [PATCH 2/2] Second step\nMessage-ID: <q/1%2F@x>\nReferences: <c@x>\n <p2@x>\nX-Odd: folded\n  Delivered-To: here\n" +
			"Date: Sun, 1 Mar 2026 08:00:00 +0000\nList-Id: <alpha.lists.example>\n\nFine.\n>From here on\n>>From there\n\n"
		if !strings.Contains(all, want) {
			t.Errorf("it lacks\n%s\nin\n%s", want, all)
		}
		for _, id := range []string{"p2@x", "p2%40x", "r1@x", "q%2F1%252F@x", "q%252F1%25252F@x", "%3Cc@x%3E"} {
			if b := s.get("/project/alpha/" + id + "/t.mbox.gz"); b.StatusCode != 200 || gunzip(t, b.body) != all {
				t.Errorf("%s: %d", id, b.StatusCode)
			}
		}
		raw := s.get("/project/alpha/q%2F1%252F@x/raw")
		if raw.StatusCode != 200 || raw.body != want || raw.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%d %v\n%s", raw.StatusCode, raw.Header, raw.body)
		}
		s.expect(s.visit("", "GET", "/project/alpha/c@x/t.mbox.gz", "", "If-None-Match: "+a.Header.Get("ETag")), 304)
		if head := s.visit("", "HEAD", "/project/alpha/c@x/t.mbox.gz", ""); head.StatusCode != 200 || head.Header.Get("ETag") != a.Header.Get("ETag") || head.body != "" {
			t.Errorf("HEAD: %d %v", head.StatusCode, head.Header)
		}
		// The address of a mail leads b4 to the directory, and a browser to the page.
		comment := s.rows("SELECT c.id FROM patch_comment c JOIN message m ON m.id = c.message_id WHERE m.msgid = '<q/1%2F@x>'")[0]
		for path, to := range map[string]string{
			"/project/alpha/p1%40x":            s.url + "/project/alpha/p1@x/",
			"/project/alpha/q%2F1%252F@x":      s.url + "/project/alpha/q%252F1%25252F@x/",
			"/project/alpha/p1@x/":             "/project/alpha/patch/p1@x/",
			"/project/alpha/c@x/":              "/project/alpha/cover/c@x/",
			"/project/alpha/q%252F1%25252F@x/": "/project/alpha/patch/p2@x/#" + comment,
		} {
			s.redirects(s.get(path), 302, to)
		}
		// A mail whose bytes are not kept is written from what is.
		s.exec("UPDATE message SET mail_id = NULL WHERE msgid = '<p1@x>'")
		s.exec("DELETE FROM mail_raw WHERE mail_id = (SELECT mail_id FROM message WHERE msgid = '<r1@x>')")
		again := gunzip(t, s.get("/project/alpha/c@x/t.mbox.gz").body)
		if strings.Count(again, line) != 6 || !strings.Contains(again, "\nMessage-ID: <p1@x>\n") || !strings.Contains(again, "Text of [PATCH 1/2] First step.\n\nSigned-off-by: Ann Author <ann@people.example>\n---\n\n"+diff+"\n") ||
			!strings.Contains(again, "\nMessage-ID: <r1@x>\n") || !strings.Contains(again, "Reviewed-by: Rita <rita@people.example>\n") {
			t.Errorf("%s", again)
		}
		// What is hidden, waits for nothing here, or is another project's is not given out.
		s.mail2("alpha", "From: Eve <eve@people.example>\nSubject: Re: gone\nMessage-ID: <wait@x>\nIn-Reply-To: <gone@x>", "Text.\n")
		s.expect(s.get("/project/alpha/wait@x/raw"), 200, "Subject: Re: gone")
		s.redirects(s.get("/project/alpha/wait@x/"), 302, "/project/alpha/wait@x/raw")
		s.exec("UPDATE message SET hidden = TRUE WHERE msgid = '<p2@x>'")
		if rest := gunzip(t, s.get("/project/alpha/c@x/t.mbox.gz").body); strings.Count(rest, line) != 5 || strings.Contains(rest, "Message-ID: <p2@x>") {
			t.Errorf("the hidden mail is there:\n%s", rest)
		}
		s.project("beta")
		for _, path := range []string{"/project/alpha/p2@x/t.mbox.gz", "/project/alpha/p2@x/raw", "/project/alpha/p2@x/", "/project/alpha/p2@x", "/project/beta/c@x/t.mbox.gz", "/project/beta/c@x/raw", "/project/alpha/nosuch@x/t.mbox.gz",
			"/project/alpha/t.mbox.gz", "/project/nosuch/c@x/t.mbox.gz", "/project/alpha/%00/t.mbox.gz", "/project/alpha/c@x/T.mbox.gz", "/project/alpha/" + strings.Repeat("%2F", 3000) + "/raw"} {
			a := s.get(path)
			s.expect(a, 404, "Not found")
			if a.Header.Get("ETag") != "" || a.Header.Get("Content-Disposition") != "" {
				t.Errorf("%s: %v", path, a.Header)
			}
		}
		s.expect(s.visit("", "POST", "/project/alpha/c@x/t.mbox.gz", "x=y"), 405)
	})
}

// mail2 takes a mail in, whatever becomes of it.
func (s *site) mail2(linkname, head, body string) {
	s.t.Helper()
	s.deliver([]byte(head + "\nDate: Sun, 1 Mar 2026 08:00:00 +0000\nList-Id: <" + linkname + ".lists.example>\n\n" + body))
}

// deliver takes the bytes of a mail in.
func (s *site) deliver(raw []byte) {
	s.t.Helper()
	if _, err := s.app.Intake().Deliver(context.Background(), []ingress.Delivery{{Raw: raw, Via: "test"}}); err != nil {
		s.t.Fatal(err)
	}
}

// TestThreadLineEnds: a mail that came by SMTP has the line ends of a file, and the CRs that belong to it.
func TestThreadLineEnds(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	s.project("alpha")
	s.deliver([]byte("From x Thu Jan  1 00:00:00 1970\r\nFrom: Ann <ann@people.example>\r\nSubject: [PATCH] dos\r\nMessage-ID: <d@x>\r\nList-Id: <alpha.lists.example>\r\n\r\nText.\r\n---\r\n--- a/f\r\n+++ b/f\r\n@@ -1 +1 @@\r\n-a\r\r\n+b\r\r\n"))
	const want = "From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: Ann <ann@people.example>\nSubject: [PATCH] dos\nMessage-ID: <d@x>\nList-Id: <alpha.lists.example>\n\nText.\n---\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\r\n+b\r\n\n"
	if a := s.get("/project/alpha/d@x/raw"); a.body != want {
		t.Errorf("%q", a.body)
	}
}

func TestPwclientrc(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.project("alpha")
		_, joe := s.user("joe", "joe@people.example", false)
		a := s.get("/project/alpha/pwclientrc/")
		s.expect(a, 200, "\n# [options]\n# default = alpha\n\n[alpha]\nbackend = rest\nurl = "+s.url+"/api/\n", "!\nusername", "!\npassword")
		if a.Header.Get("Content-Type") != "text/plain" || a.Header.Get("Content-Disposition") != "attachment; filename=.pwclientrc" {
			t.Errorf("%v", a.Header)
		}
		s.expect(s.visit(joe, "GET", "/project/alpha/pwclientrc/", ""), 200, "\nusername = joe\npassword = <")
		s.expect(s.get("/project/nosuch/pwclientrc/"), 404, "Not found")
		s.redirects(s.get("/project/alpha/pwclientrc"), 301, "/project/alpha/pwclientrc/")
		named := serve(t, db, func(c *config.Config) { c.HTTP.BaseURL = "https://patches.example/" })
		named.expect(named.get("/project/alpha/pwclientrc/"), 200, "\nurl = https://patches.example/api/\n")
		without := serve(t, db, func(c *config.Config) { c.HTTP.API = false })
		without.expect(without.get("/project/alpha/pwclientrc/"), 404)
		for l := range strings.SplitSeq(strings.TrimSpace(a.body), "\n") { // what Python's configparser takes
			if !regexp.MustCompile(`^(#.*|\[\w+\]|\w+ = .+|)$`).MatchString(l) {
				t.Errorf("%q", l)
			}
		}
	})
}

// TestBundleMbox: check 102. A private bundle is there for its owner only, by session, Basic or token; the patches stand in the order of the bundle.
func TestBundleMbox(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		joe, _ := s.user("joe", "joe@people.example", false)
		_, mia := s.user("mia", "mia@people.example", true)
		s.maintainer("alpha", "mia")
		password := "correct horse battery"
		if _, err := account.UpdateUser(t.Context(), db, account.CLI, noon, "joe", account.UserChange{Password: &password}); err != nil {
			t.Fatal(err)
		}
		session := s.session(joe.ID) // the new password has ended the old one
		key, _, err := account.CreateToken(t.Context(), db, account.CLI, noon, account.NewToken{Username: "joe", Name: "x", Scope: account.ScopeRead})
		if err != nil {
			t.Fatal(err)
		}
		name, private, patches := "my bundle", false, []int64{s.id("patch", "p2@x"), s.id("patch", "alone@x"), s.id("patch", "p1@x")}
		b, err := patch.CreateBundle(t.Context(), db, account.Actor{User: joe.ID}, 0, patch.BundleChange{Name: &name, Public: &private, Patches: &patches})
		if err != nil {
			t.Fatal(err)
		}
		const path = "/bundle/joe/my%20bundle/mbox/"
		basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("joe:"+password))
		for _, a := range []answer{s.visit(session, "GET", path, ""), s.visit("", "GET", path, "", basic), s.visit("", "GET", path, "", "Authorization: Token "+key), s.visit("", "GET", path, "", "Authorization: Bearer "+key)} {
			s.expect(a, 200)
			if subjects := strings.Join(regexp.MustCompile(`(?m)^Subject: .*$`).FindAllString(a.body, -1), "; "); subjects != "Subject: [PATCH 2/2] Second step; Subject: [PATCH] Alone; Subject: [PATCH 1/2] First step" {
				t.Errorf("%s", subjects)
			}
			if a.Header.Get("Content-Type") != "text/plain" || a.Header.Get("Content-Disposition") != fmt.Sprintf("attachment; filename=bundle-%d-my-bundle.mbox", b.ID) || a.Header.Get("ETag") == "" || a.Header.Get("Vary") != "Cookie, Authorization" {
				t.Errorf("%v", a.Header)
			}
		}
		for _, a := range []answer{s.get(path), s.visit(mia, "GET", path, ""), s.visit("", "GET", "/bundle/joe/nosuch/mbox/", "", basic)} {
			s.expect(a, 404, "Not found", "!First step")
		}
		s.expect(s.visit("", "GET", path, "", "Authorization: Token 0123456789012345678901234567890123456789"), 403, "Invalid token.")
		s.expect(s.visit("", "GET", path, "", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("joe:wrong"))), 403, "Invalid username/password.")
		old := fmt.Sprintf("/user/bundle/%d/", b.ID)
		s.redirects(s.get(old+"mbox/"), 302, "/user/login/?next="+strings.ReplaceAll(old, "/", "%2F")+"mbox%2F")
		s.redirects(s.visit(session, "GET", old+"mbox/", ""), 302, path)
		s.expect(s.visit(mia, "GET", old+"mbox/", ""), 404)
		public := true
		if _, err := patch.UpdateBundle(t.Context(), db, account.Actor{User: joe.ID}, 0, b.ID, patch.BundleChange{Public: &public}); err != nil {
			t.Fatal(err)
		}
		s.expect(s.get(path), 200, "First step")
		s.exec("UPDATE message SET hidden = TRUE WHERE msgid = '<p1@x>'")
		s.expect(s.get(path), 200, "!First step", "Alone")
		without := serve(t, db, func(c *config.Config) { c.HTTP.API = false })
		without.expect(without.get(path), 200, "Alone")
	})
}
