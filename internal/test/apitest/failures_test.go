// SPDX-License-Identifier: GPL-2.0-or-later

package apitest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/test/apiseed"
	"patchwork.example/pw/internal/test/dbtest"
)

// knownFailure is an item of a list of failures that were seen in an earlier system, as far as they are the API's: C security, D compatibility, E scaling.
type knownFailure struct {
	item, ours string
	run        func(*kit)
}

// TestKnownFailures shows on each engine that ours does not fail in these ways.
func TestKnownFailures(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			for _, f := range knownFailures {
				t.Run(f.item, func(t *testing.T) {
					f.run(newKit(t, engine))
					if t.Failed() {
						t.Logf("known failure %s: %s", f.item, f.ours)
					}
				})
			}
		})
	}
}

var knownFailures = []knownFailure{
	{"C1", "who may not change a patch or a comment does not, and a comment belongs to the patch in the address", func(k *kit) {
		for _, body := range []string{`{"state":"accepted"}`, `{"archived":true}`, `{"delegate":null}`} {
			k.each("- joe rev", "PATCH", k.patch(1), body, 403)
		}
		k.each("- joe", "PATCH", k.comment(1), `{"addressed":true}`, 403)
		k.is(k.Do("maint", "PATCH", fmt.Sprintf("%scomments/%d/", k.patch(2), k.Comments[1]), `{"addressed":true}`), 404)
		k.is(k.Get("", k.patch(1)), 200, "state", "new", "archived", false, "delegate.username", "deleg")
		k.is(k.Get("", k.comment(1)), 200, "addressed", nil)
	}},
	{"C2", "the target of a check is an address of the web", func(k *kit) {
		for _, target := range []string{"javascript:alert(1)", "data:text/html,x", "//evil.example", "https://"} {
			k.is(k.Do("maint", "POST", k.checksOf(1), fmt.Sprintf(`{"state":"success","target_url":%q}`, target)), 400, "target_url.0", "Enter a valid URL.")
		}
	}},
	{"C3", "a private bundle is its owner's alone, and he gets its mbox", func(k *kit) {
		id := k.bundle("joe", "secret", false, 1)
		k.each("- dev maint", "GET", bundleAt(id), "", 404)
		k.each("- dev maint", "GET", "/bundle/joe/secret/mbox/", "", 404)
		k.is(k.Get("joe", bundleAt(id)), 200)
		k.says(k.Get("joe", "/bundle/joe/secret/mbox/"), 200, "kettle: close the hole")
	}},
	{"C6", "a page of another site changes nothing by a visitor's session", func(k *kit) {
		cookie := "Cookie: " + k.session("maint")
		k.is(k.Do("", "PATCH", k.patch(1), `{"state":"rfc"}`, cookie, "Sec-Fetch-Site: cross-site"), 403)
		k.is(k.Do("", "PATCH", k.patch(1), `{"state":"rfc"}`, cookie, "Origin: https://evil.example"), 403)
		k.is(k.Get("", k.patch(1)), 200, "state", "new")
		k.is(k.Do("", "PATCH", k.patch(1), `{"state":"rfc"}`, cookie, "Sec-Fetch-Site: same-origin", "X-CSRFToken: anything"), 200, "state", "rfc")
	}},
	{"C8", "wrong passwords slow down the next ones", func(k *kit) {
		basic := func(password string) apiseed.Answer {
			return k.Do("", "GET", "/api/", "", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("maint:"+password)))
		}
		for range 6 {
			k.is(basic("guess"), 403, "detail", "Invalid username/password.")
		}
		if a := k.is(basic(apiseed.Password), 429); a.Header.Get("Retry-After") == "" {
			k.t.Error("no Retry-After")
		}
		k.is(k.Get("maint", "/api/"), 200) // a token is no password
	}},
	{"C9", "answers carry the headers that keep a browser safe", func(k *kit) {
		h := k.is(k.Get("", "/api/patches/"), 200).Header
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Content-Security-Policy": "frame-ancestors 'none'", "Referrer-Policy": "same-origin"} {
			if !strings.Contains(h.Get(name), want) {
				k.t.Errorf("%s: %q, want %q", name, h.Get(name), want)
			}
		}
	}},
	{"C10", "a body that comes slowly holds no connection to the database", func(k *kit) {
		address := strings.TrimPrefix(k.URL, "http://")
		for range 60 {
			c, err := net.Dial("tcp", address)
			if err != nil {
				k.t.Fatal(err)
			}
			k.t.Cleanup(func() { c.Close() })
			fmt.Fprintf(c, "PATCH %s HTTP/1.1\r\nHost: x\r\nAuthorization: Token %s\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", k.patch(1), k.Client.Tokens["maint"])
		}
		time.Sleep(200 * time.Millisecond)
		for range 20 {
			start := time.Now()
			k.is(k.Get("maint", "/api/patches/"), 200)
			k.is(k.Do("maint", "PATCH", k.patch(2), `{"state":"rfc"}`), 200)
			if took := time.Since(start); took > 5*time.Second {
				k.t.Fatalf("a request took %v", took)
			}
		}
	}},
	{"C11", "tokens have a scope and an end, are stored as hashes, and end with their user; people are for users", func(k *kit) {
		later := apiseed.Now.Add(time.Hour)
		for name, n := range map[string]account.NewToken{"reader": {Scope: account.ScopeRead}, "ended": {Scope: account.ScopeWrite, ExpiresAt: &later}} {
			n.Username, n.Name = "maint", name
			secret, _, err := account.CreateToken(k.t.Context(), k.db, account.CLI, apiseed.Now, n)
			if err != nil {
				k.t.Fatal(err)
			}
			k.Client.Tokens[name] = secret
			var stored []byte
			if err := k.db.Get(k.t.Context(), &stored, "SELECT token_hash FROM api_token WHERE name = ?", name); err != nil || [32]byte(stored) != sha256.Sum256([]byte(secret)) {
				k.t.Errorf("%x, %v", stored, err)
			}
		}
		k.is(k.Get("reader", k.patch(1)), 200)
		k.is(k.Do("reader", "PATCH", k.patch(1), `{"state":"rfc"}`), 403, "detail", "This token is only for reading.")
		k.is(k.Get("ended", k.patch(1)), 200)
		k.exec("UPDATE api_token SET expires_at = ? WHERE name = 'ended'", int64(apiseed.Now)-1)
		k.is(k.Get("ended", k.patch(1)), 403, "detail", "Invalid token.")
		off := false
		if _, err := account.UpdateUser(k.t.Context(), k.db, account.CLI, apiseed.Now, "dev", account.UserChange{IsActive: &off}); err != nil {
			k.t.Fatal(err)
		}
		k.is(k.Get("dev", k.patch(1)), 403, "detail", "User inactive or deleted.")
		k.each("-", "GET", "/api/people/", "", 403)
		k.each("-", "GET", "/api/1.0/people/?q=example", "", 403)
		k.each("-", "GET", "/api/users/", "", 403)
	}},
	{"C12", "the pages of the API load nothing from elsewhere", func(k *kit) {
		for _, a := range []apiseed.Answer{k.Get("", "/api/docs"), k.Do("", "GET", "/api/patches/", "", "Accept: text/html")} {
			k.is(a, 200)
			if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
				k.t.Errorf("%s: %s", a.Request, a.Header.Get("Content-Type"))
			}
			if got := regexp.MustCompile(`(?i)<(script|link|img|iframe|style)[^>]*(src|href)="?(https?:)?//[^>]*>`).FindString(a.Body); got != "" {
				k.t.Errorf("%s: %s", a.Request, got)
			}
			if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "http") {
				k.t.Error(csp)
			}
		}
	}},
	{"D1", "the mbox addresses of answers are mbox files", func(k *kit) {
		k.bundle("joe", "pub b", true, 1, 2)
		for _, from := range []string{k.patch(1), k.patch(5), older("1.2", k.patch(5)), k.cover(1), k.cover(2), k.series(1), k.series(5), "/api/bundles/?owner=joe"} {
			a := k.is(k.Get("", from), 200)
			address, _ := a.At("mbox").(string)
			if a.Len() == 1 {
				address, _ = a.At("0.mbox").(string)
			}
			file := k.Get("", strings.TrimPrefix(address, k.URL))
			if k.is(file, 200); !strings.HasPrefix(file.Body, "From patchwork ") || !regexp.MustCompile(`filename=\S+`).MatchString(file.Header.Get("Content-Disposition")) {
				k.t.Errorf("%s: %s, %.100q, %v", from, address, file.Body, file.Header)
			}
		}
		raw := k.Get("", strings.TrimPrefix(strings.Replace(fmt.Sprint(k.Get("", k.patch(5)).At("mbox")), "mbox", "raw", 1), k.URL)) // git-pw patch download --diff
		k.says(raw, 200, "diff --git a/lib/spout.c")
	}},
	{"D2", "a form changes a patch", func(k *kit) {
		k.is(k.Do("maint", "PATCH", older("1.2", k.patch(1)), "state=accepted&archived=True&commit_ref=abc"), 200, "state", "accepted", "archived", true, "commit_ref", "abc")
	}},
	{"D3", "states are slugs, in and out, and several are alternatives", func(k *kit) {
		k.is(k.Do("maint", "PATCH", k.patch(1), `{"state":"under-review"}`), 200, "state", "under-review")
		k.lists("", "/api/1.2/patches/?state=under-review", k.Patches[1])
		k.lists("", "/api/1.2/patches/?state=under-review&state=new&archived=false&order=-date&project=alpha", k.Patches[1], k.Patches[2], k.Patches[3], k.Patches[5])
	}},
	{"D4", "all forms of the addresses answer, with their query and for all methods", func(k *kit) {
		for _, path := range []string{"/api", "/api/", "/api/1.2", "/api/1.2/"} {
			k.is(k.Get("", path), 200)
		}
		for _, path := range []string{"/api/patches?per_page=1", "/api/patches/?per_page=1", "/api/1.3/patches?per_page=1"} {
			k.is(k.Get("", path), 200, "0.id", k.Patches[1], "1", apiseed.Missing)
		}
		k.is(k.Do("maint", "PATCH", strings.TrimSuffix(k.patch(1), "/"), `{"state":"rfc"}`), 200, "state", "rfc")
	}},
	{"D5", "Link has host, path, filters and page size", func(k *kit) {
		k.more("page", 4)
		a := k.is(k.Get("", "/api/1.3/patches?project=alpha&per_page=3"), 200)
		if got := links(k, a); !strings.HasPrefix(got, "next /api/1.3/patches") || !strings.HasPrefix(a.Header.Get("Link"), "<"+k.URL) || !strings.Contains(got, "page=2&per_page=3&project=alpha") {
			k.t.Error(a.Header.Get("Link"))
		}
	}},
	{"D6", "wrong filters find nothing, delegates are cleared, order is kept, checks and events say what they are about", func(k *kit) {
		k.lists("", "/api/patches/?since=garbage")
		k.is(k.Get("", "/api/events/?before=garbage"), 200)
		k.lists("", "/api/bundles/?owner=joe")
		k.is(k.Do("maint", "PATCH", k.patch(1), `{"delegate":null}`), 200, "delegate", nil)
		k.is(k.Get("", "/api/patches/?order=-name&project=alpha"), 200, "0.id", k.Patches[3], "3.id", k.Patches[1])
		k.is(k.Get("", "/api/patches/?order=date&project=alpha"), 200, "0.id", k.Patches[1], "3.id", k.Patches[5])
		k.is(k.Do("maint", "POST", k.checksOf(1), `{"context":"x"}`), 400)
		k.check("maint", 1, `{"state":"fail","context":"ci"}`)
		k.relay()
		k.is(k.Get("", "/api/events/?category=check-created"), 200, "0.payload.check.state", "fail")
		k.is(k.Get("", "/api/events/?category=patch-delegated"), 200, "0.payload.previous_delegate.username", "deleg", "0.payload.current_delegate", nil)
	}},
	{"E1", "a list by cursor counts nothing", func(k *kit) {
		k.more("page", 20)
		for _, path := range []string{"patches", "series", "covers", "events"} {
			a := k.is(k.Get("", "/api/"+path+"/?per_page=2&cursor="), 200)
			next := regexp.MustCompile(`<([^>]*)>; rel="next"`).FindStringSubmatch(a.Header.Get("Link"))
			if path == "covers" { // there are two
				continue
			}
			if next == nil {
				k.t.Errorf("%s: no next page: %v", path, a.Header)
				continue
			}
			k.queries.since()
			k.is(k.Get("", strings.TrimPrefix(next[1], k.URL)), 200, "1.url", k.Get("", strings.TrimPrefix(next[1], k.URL)).At("1.url"))
			for _, q := range k.queries.since() {
				if strings.HasPrefix(strings.TrimSpace(q), "SELECT COUNT(") {
					k.t.Errorf("%s: %s", path, q)
				}
			}
		}
	}},
	{"E2", "the number of queries does not grow with the rows", func(k *kit) {
		for i := range 3 {
			k.more(fmt.Sprintf("one%d", i), 2)
		}
		few := map[string]int64{}
		paths := []string{"/api/patches/?q=one&per_page=250", "/api/series/?q=one&per_page=250", "/api/events/?per_page=250", "/api/people/?per_page=250"}
		for _, path := range paths {
			few[path] = k.count("joe", path)
		}
		for i := range 10 {
			k.more(fmt.Sprintf("one%d", 3+i), 3)
		}
		k.relay()
		for _, path := range paths {
			if many := k.count("joe", path); many != few[path] {
				k.t.Errorf("%s: %d queries, and %d before there was more", path, many, few[path])
			}
		}
		short, long := k.more("short", 2), k.more("long", 20)
		mbox := func(ids []int64) int64 {
			return k.count("", fmt.Sprintf("/series/%v/mbox/", k.Get("", fmt.Sprintf("/api/patches/%d/", ids[0])).At("series.0.id")))
		}
		if a, b := mbox(short), mbox(long); a != b {
			k.t.Errorf("the mbox of a series of 2 takes %d queries, of 20 %d", a, b)
		}
	}},
	{"E3", "a list reads no texts, headers and diffs", func(k *kit) {
		k.is(k.Get("", "/api/patches/"), 200)
		k.queries.since()
		for _, path := range []string{"patches", "series", "covers", "events"} {
			k.is(k.Get("", "/api/"+path+"/"), 200)
		}
		for _, q := range k.queries.since() {
			if strings.Contains(q, "message_body") || strings.Contains(q, "patch_diff") {
				k.t.Error(q)
			}
		}
	}},
	{"E4", "200 clients at the same time are all answered", func(k *kit) {
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				resp, err := http.Get(k.URL + "/api/1.2/patches/?per_page=100")
				if err != nil {
					k.t.Error(err)
					return
				}
				defer resp.Body.Close()
				if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 {
					k.t.Errorf("%d %v %.200s", resp.StatusCode, err, body)
				}
			})
		}
		all.Wait()
	}},
	{"E5", "names are searched without letter case, and letters mean themselves", func(k *kit) {
		for _, q := range []string{"KETTLE", "kettle", "Hole%20kettle"} {
			if a := k.is(k.Get("", "/api/patches/?project=alpha&q="+q), 200); a.Len() < 1 {
				k.t.Errorf("%s: %d patches", a.Request, a.Len())
			}
		}
		k.lists("", "/api/patches/?q=100%25", k.Patches[5])
		k.lists("", "/api/patches/?q=kettl_")
		k.lists("", "/api/patches/?q=k%25e")
	}},
	{"E8", "what has not changed is not sent again", func(k *kit) {
		for _, path := range []string{k.patch(1), "/api/patches/", "/api/series/", "/api/events/", k.cover(1)} {
			a := k.is(k.Get("", path), 200)
			tag := a.Header.Get("ETag")
			if tag == "" {
				k.t.Errorf("%s: no ETag", path)
				continue
			}
			if again := k.is(k.Do("", "GET", path, "", "If-None-Match: "+tag), 304); again.Body != "" {
				k.t.Errorf("%s: %q", path, again.Body)
			}
		}
		tag := k.Get("", "/api/patches/").Header.Get("ETag")
		k.is(k.Do("maint", "PATCH", k.patch(1), `{"state":"rfc"}`), 200)
		k.is(k.Do("", "GET", "/api/patches/", "", "If-None-Match: "+tag), 200, "0.state", "rfc")
	}},
	{"E9", "a failing database is no 404", func(k *kit) {
		k.db.Close()
		for _, path := range []string{k.patch(1), "/api/patches/", "/api/projects/alpha/", "/api/patches/?project=alpha"} {
			if a := k.Get("", path); a.Status < 500 || a.At("detail") == apiseed.Missing {
				k.t.Errorf("%s: %d %s", a.Request, a.Status, a.Body)
			}
		}
	}},
}

// session logs a user in, and gives the cookie.
func (k *kit) session(who string) string {
	k.t.Helper()
	a := k.is(k.Do("", "POST", "/user/login/", "username="+who+"&password="+strings.ReplaceAll(apiseed.Password, " ", "+")), 303)
	cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	return cookie
}
