// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"bytes"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/web"
)

// TestKnownFailureC6CrossSite: neither logging in nor out works from another site's page.
func TestKnownFailureC6CrossSite(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	const base = "https://patches.example.org"
	s := newSite(t, db, web.Options{BaseURL: base})
	s.user("ann")
	tests := []struct {
		header map[string]string
		passes bool
	}{
		{nil, true}, // no browser
		{map[string]string{"Sec-Fetch-Site": "same-origin"}, true},
		{map[string]string{"Origin": s.url}, true},
		{map[string]string{"Origin": base}, true}, // behind a proxy that changes Host
		{map[string]string{"Sec-Fetch-Site": "cross-site"}, false},
		{map[string]string{"Sec-Fetch-Site": "same-site"}, false},
		{map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, false},
		{map[string]string{"Origin": "https://evil.example"}, false},
		{map[string]string{"Origin": "http://patches.example.org"}, false},
		{map[string]string{"Origin": "null"}, false},
	}
	for _, test := range tests {
		v := s.visitor()
		v.header = test.header
		status := 403
		if test.passes {
			status = 303
		}
		if a := v.login("ann", password, ""); a.StatusCode != status || (v.session != "") != test.passes {
			t.Errorf("%v: logging in: %d", test.header, a.StatusCode)
		}
		v = s.visitor()
		v.login("ann", password, "")
		v.header = test.header
		if a := v.do("POST", "/user/logout/", ""); a.StatusCode != status {
			t.Errorf("%v: logging out: %d", test.header, a.StatusCode)
		}
		v.header = nil
		v.is(map[bool]string{true: "", false: "ann"}[test.passes])
	}
}

// TestKnownFailureC6Processes: who logged in at one process is known to another, and to one started later, and can log out there.
func TestKnownFailureC6Processes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		a, b := newSite(t, db, web.Options{}), newSite(t, db, web.Options{})
		a.user("ann")
		va, vb := a.visitor(), b.visitor()
		va.login("ann", password, "")
		vb.session = va.session
		vb.is("ann")
		if a := vb.do("POST", "/user/logout/", ""); a.StatusCode != 303 {
			t.Errorf("logging out at the other: %d", a.StatusCode)
		}
		va.is("")
	})
}

// TestKnownFailureC8Throttle: who guesses has to wait, and is told how long.
func TestKnownFailureC8Throttle(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, web.Options{})
		s.user("ann")
		v := s.visitor()
		for i := range 6 {
			if a := v.login("ann", "wrong", ""); a.StatusCode != 403 {
				t.Fatalf("guess %d: %d", i+1, a.StatusCode)
			}
		}
		a := v.login("ann", password, "")
		if a.StatusCode != 429 || a.Header.Get("Retry-After") != "5" || !strings.Contains(a.body, "Too many failed attempts; try again in 5 seconds.") {
			t.Errorf("%d, Retry-After %s, %s", a.StatusCode, a.Header.Get("Retry-After"), a.body)
		}
		s.clock.Advance(5 * time.Second)
		v.login("ann", password, "")
		v.is("ann")

		s.remote = "192.0.2.1:1"
		for i := range 21 {
			v.login(fmt.Sprintf("user%d", i), "wrong", "")
		}
		if a := v.login("ann", password, ""); a.StatusCode != 429 || a.Header.Get("Retry-After") != "10" {
			t.Errorf("many names from one address: %d, Retry-After %s", a.StatusCode, a.Header.Get("Retry-After"))
		}
		s.remote = "192.0.2.2:1"
		if a := v.login("ann", password, ""); a.StatusCode != 303 {
			t.Errorf("from another address: %d", a.StatusCode)
		}
	})
}

// TestKnownFailureC8Flood: while 20 bad logins run, at most two passwords are being checked, and other pages answer.
func TestKnownFailureC8Flood(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	s := newSite(t, db, web.Options{})
	s.user("ann")
	// A slow one, such as Django's.
	s.exec("UPDATE user_account SET password = 'pbkdf2_sha256$300000$yua5HcoTd363OezBUcla0r$9hYB2chcRz0BxuaJEGKyB+Kd+jdzHr3BW+jLXeq5kXU='")
	start := time.Now()
	done := make(chan struct{})
	var flood sync.WaitGroup
	for i := range 20 {
		flood.Go(func() {
			if a := s.visitor().login(fmt.Sprintf("user%d", i), "wrong", ""); a.StatusCode != 403 && a.StatusCode != 503 {
				t.Errorf("bad login: %d", a.StatusCode)
			}
		})
	}
	go func() {
		flood.Wait()
		close(done)
	}()
	most, pages, slowest := 0, 0, time.Duration(0)
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(10 * time.Millisecond):
			most = max(most, checking())
			begin := time.Now()
			s.visitor().is("")
			pages, slowest = pages+1, max(slowest, time.Since(begin))
		}
	}
	if most != 2 {
		t.Errorf("%d passwords were seen being checked at once", most)
	}
	if took := time.Since(start); took > 2*time.Minute || slowest > max(2*time.Second, took/2) || pages < 3 { // one that had to wait for the flood would take as long
		t.Errorf("took %s; %d other pages, the slowest %s", took, pages, slowest)
	}
}

// checking counts the goroutines that check a password.
func checking() int {
	buf := make([]byte, 1<<20)
	return bytes.Count(buf[:runtime.Stack(buf, true)], []byte("/passhash.Verify("))
}

// TestKnownFailureC9: the pages carry the headers that keep other sites and injected scripts out.
func TestKnownFailureC9(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), web.Options{BaseURL: "https://patches.example.org"})
	for _, a := range []answer{s.visitor().get("/user/login/"), s.visitor().login("x", "y", ""), s.visitor().get("/user/"), s.visitor().get("/nowhere")} {
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "same-origin", "Strict-Transport-Security": "max-age=",
		} {
			if got := a.Header.Get(name); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s: %q", a.Request.URL.Path, name, got)
			}
		}
		if strings.Contains(a.body, "style=") || strings.Contains(a.body, "<style") || strings.Contains(a.body, "onclick") {
			t.Errorf("%s: has what the policy forbids", a.Request.URL.Path)
		}
	}
}

// TestKnownFailureC10: forms whose body does not come hold no connection of the database.
func TestKnownFailureC10(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			db, err := sqldb.Open(t.Context(), dbtest.MigratedURL(t, engine), sqldb.Options{MaxConnections: 2})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			s := newSite(t, db, web.Options{})
			s.user("ann")
			in := s.visitor()
			in.login("ann", password, "")
			for i := range 120 {
				s.slow(t, in.session, []string{"/user/login/", "/user/logout/"}[i%2])
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				in.is("ann")
				v := s.visitor()
				v.login("ann", password, "")
				v.is("ann")
			}()
			select {
			case <-done:
			case <-time.After(time.Minute):
				t.Fatal("the site does not answer")
			}
			// The last of the slow ones may be asking whose session it has just now.
			for start := time.Now(); db.SQL().Stats().InUse > 0; time.Sleep(time.Millisecond) {
				if time.Since(start) > time.Minute {
					t.Fatalf("%d connections are in use", db.SQL().Stats().InUse)
				}
			}
		})
	}
}

// slow sends a form but for the end of its body.
func (s *site) slow(t *testing.T, session, path string) {
	t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nCookie: pw_session=%s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nusername=a", path, u.Host, session)
	if err != nil {
		t.Fatal(err)
	}
}

func TestLargeForm(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), web.Options{})
	s.user("ann")
	if a := s.visitor().login("ann", strings.Repeat("x", maxForm), ""); a.StatusCode != 413 {
		t.Errorf("%d", a.StatusCode)
	}
	if a := s.visitor().do("POST", "/user/login/", "username=%zz"); a.StatusCode != 400 {
		t.Errorf("a broken form: %d", a.StatusCode)
	}
}

// No password, and no name, which may be a password in the wrong field, is ever logged.
func TestPasswordIsNotLogged(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	s := newSite(t, db, web.Options{})
	s.user("ann")
	v := s.visitor()
	v.login("ann", password, "/x/")
	session := v.session
	for range 8 {
		v.login("ann", "s3cret-wrong", "")
	}
	v.login("s3cret-in-the-name", "s3cret-wrong", "")
	v.do("POST", "/user/login/", "username=%zz&password=s3cret-broken")
	s.exec("UPDATE user_account SET password = 'crypt$$s3cret-hash'")
	s.clock.Advance(time.Hour)
	v.login("ann", "s3cret-wrong", "")
	db.Close()
	if a := v.login("ann", "s3cret-wrong", ""); a.StatusCode < 500 {
		t.Errorf("without a database: %d", a.StatusCode)
	}
	log := s.log.String()
	for _, secret := range []string{"s3cret", password, url.QueryEscape(password), session} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log:\n%s", secret, log)
		}
	}
	for want, times := range map[string]int{
		`msg="logged in" remote=127.0.0.1`: 1, `msg="login refused" remote=127.0.0.1`: 10,
		"wrong user name or password": 7, "too many failed attempts": 2, "unknown password hasher": 1, `msg="request failed"`: 1,
	} {
		if n := strings.Count(log, want); n != times {
			t.Errorf("%d times %s in the log, want %d:\n%s", n, want, times, log)
		}
	}
}
