// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/web"
)

func (v *visitor) post(path string, fields ...string) answer {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return v.do("POST", path, form.Encode())
}

// A user makes tokens, sees each once, and revokes them; nobody else sees or revokes his.
func TestTokenPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, web.Options{})
		s.user("ann")
		s.user("joe")
		nobody, ann, joe := s.visitor(), s.visitor(), s.visitor()
		for _, path := range []string{"/user/tokens/", "/user/tokens/revoke/"} {
			if a := nobody.post(path, "name", "ci", "scope", "write", "days", "30"); a.StatusCode < 302 || a.StatusCode > 403 || a.StatusCode == 200 {
				t.Errorf("%s without a login: %d", path, a.StatusCode)
			}
		}
		ann.login("ann", password, "")
		joe.login("joe", password, "")
		if a := ann.get("/user/tokens/"); a.StatusCode != 200 || !strings.Contains(a.body, "You have none.") {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		made := ann.post("/user/tokens/", "name", "c<i>", "scope", "checks", "days", "30")
		secret := regexp.MustCompile(`<pre class="text" tabindex="0">([0-9a-f]{40})</pre>`).FindStringSubmatch(made.body)
		if made.StatusCode != 200 || secret == nil || !strings.Contains(made.body, "reading and reporting checks") || !strings.Contains(made.Header.Get("Cache-Control"), "no-") {
			t.Fatalf("%d %s", made.StatusCode, made.body)
		}
		u, scope, err := account.NewSessions(db, s.clock).Bearer(t.Context(), secret[1])
		if err != nil || u.Username != "ann" || scope != account.ScopeChecks {
			t.Errorf("%s %s %v", u.Username, scope, err)
		}
		if !strings.Contains(made.body, `data-copy="`+secret[1]+`"`) {
			t.Errorf("nothing copies the token: %s", made.body)
		}
		list := ann.get("/user/tokens/")
		for _, want := range []string{"c&lt;i&gt;", "reading and reporting checks", "2026-03-31", `action="/user/tokens/revoke/"`} {
			if !strings.Contains(list.body, want) {
				t.Errorf("no %q in %s", want, list.body)
			}
		}
		if strings.Contains(list.body, secret[1]) || strings.Contains(joe.get("/user/tokens/").body, "c&lt;i&gt;") {
			t.Error("a secret is shown again, or another's token")
		}
		for _, bad := range [][]string{{"name", "c<i>", "scope", "read", "days", "0"}, {"name", " ", "scope", "read", "days", "0"}, {"name", "x", "scope", "all", "days", "0"}} {
			if a := ann.post("/user/tokens/", bad...); a.StatusCode != 400 || !strings.Contains(a.body, `role="alert"`) {
				t.Errorf("%v: %d %s", bad, a.StatusCode, a.body)
			}
		}
		if a := ann.post("/user/tokens/", "name", "x", "scope", "read", "days", "-1"); a.StatusCode != 400 {
			t.Errorf("days -1: %d", a.StatusCode)
		}
		if a := joe.post("/user/tokens/revoke/", "name", "c<i>"); a.StatusCode != 404 {
			t.Errorf("another's token: %d", a.StatusCode)
		}
		if a := ann.get("/user/tokens/revoke/"); a.StatusCode != 404 && a.StatusCode != 405 {
			t.Errorf("GET revokes: %d", a.StatusCode)
		}
		ann.header = map[string]string{"Sec-Fetch-Site": "cross-site"}
		if a := ann.post("/user/tokens/revoke/", "name", "c<i>"); a.StatusCode != 403 {
			t.Errorf("from another site: %d", a.StatusCode)
		}
		ann.header = nil
		s.clock.Advance(time.Minute)
		if a := ann.post("/user/tokens/revoke/", "name", "c<i>"); a.StatusCode != 303 || a.Header.Get("Location") != "/user/tokens/" {
			t.Errorf("revoke: %d %s", a.StatusCode, a.body)
		}
		if _, _, err := account.NewSessions(db, s.clock).Bearer(t.Context(), secret[1]); err == nil {
			t.Error("it still works")
		}
	})
}

// The button of Patchwork 3.2 replaces the token that was imported from there, and no other; opening the address changes nothing.
func TestGenerateToken(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, web.Options{})
		s.user("ann")
		nobody, ann := s.visitor(), s.visitor()
		ann.login("ann", password, "")
		const path = "/user/generate-token/"
		if a := nobody.post(path); a.StatusCode != 302 || a.Header.Get("Location") != "/user/login/?next=%2Fuser%2Fgenerate-token%2F" {
			t.Errorf("without a login: %d %s", a.StatusCode, a.Header.Get("Location"))
		}
		if a := ann.get(path); a.StatusCode != 302 || a.Header.Get("Location") != "/user/tokens/" {
			t.Errorf("GET: %d %s", a.StatusCode, a.Header.Get("Location"))
		}
		shown := regexp.MustCompile(`<pre class="text" tabindex="0">([0-9a-f]{40})</pre>`)
		secretOf := func(a answer) string {
			t.Helper()
			m := shown.FindStringSubmatch(a.body)
			if a.StatusCode != 200 || m == nil {
				t.Fatalf("%d %s", a.StatusCode, a.body)
			}
			return m[1]
		}
		works := func(secret string, want bool) {
			t.Helper()
			u, scope, err := account.NewSessions(db, s.clock).Bearer(t.Context(), secret)
			if got := err == nil && u.Username == "ann" && scope != ""; got != want {
				t.Errorf("%s, %s, %v: want %v", u.Username, scope, err, want)
			}
		}
		own := secretOf(ann.post("/user/tokens/", "name", "ci", "scope", "read", "days", "0"))
		first := secretOf(ann.post(path))
		works(first, true)
		ann.header = map[string]string{"Sec-Fetch-Site": "cross-site"}
		if a := ann.post(path); a.StatusCode != 403 {
			t.Errorf("from another site: %d", a.StatusCode)
		}
		ann.header = nil
		works(first, true)
		second := secretOf(ann.post(path))
		works(first, false)
		works(second, true)
		works(own, true)
		if got := s.value("SELECT CONCAT_WS(' ', name, scope) FROM api_token ORDER BY name"); got != "ci read,imported write" {
			t.Error(got)
		}
		if log := s.log.String(); strings.Contains(log, first) || strings.Contains(log, second) {
			t.Error("a secret is in the log: " + log)
		}
	})
}
