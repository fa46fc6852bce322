// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a-h/templ"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// shelf is a site with one cup, in memory: what it is, how often it was looked at, and the stamp of its database.
type shelf struct {
	url          string
	clock        *clock.Fake
	cup          atomic.Value
	looks, stamp atomic.Int64
	stamps       error // what Stamp answers
}

type wireCup struct {
	ID    int64   `json:"id"`
	Name  string  `json:"name"`
	Owner *string `json:"owner" since:"1.2"`
}

func newShelf(t *testing.T, opt Options) *shelf {
	t.Helper()
	s := &shelf{clock: clock.NewFake(0)}
	s.cup.Store("blue")
	opt.SessionCookie, opt.PerPage, opt.MostPerPage = "pw_session", 30, 250
	opt.Stamp = func(context.Context) (string, bool, error) {
		return strconv.FormatInt(s.stamp.Load(), 10), s.stamps == nil, s.stamps
	}
	shell := New(opt, people{}, s.clock, slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	wire := func() wireCup { return wireCup{ID: 1, Name: s.cup.Load().(string)} }
	change := func(c *Call) error {
		if err := c.RequireUser(); err != nil {
			return err
		}
		b, err := c.Body()
		if err != nil {
			return err
		}
		name := b.Text("name", 20)
		if c.R.Method == "PUT" {
			b.Require("name")
		}
		if err := b.Err(); err != nil {
			return err
		}
		if name == nil {
			return c.JSON(200, wire())
		}
		if c.R.Header.Get("X-Race") != "" { // somebody else is faster
			s.cup.Store("stolen")
		}
		if ready := c.Precondition(func(context.Context, sqldb.Queryer) (any, error) { return wire(), nil }); ready != nil {
			if err := ready(c.R.Context(), nil); err != nil {
				return fault.Wrap(fault.KindOf(err), err, "change cup") // as cores wrap what they are given
			}
		}
		s.cup.Store(*name)
		s.stamp.Add(1)
		return c.JSON(200, wire())
	}
	fields := []Field{{Name: "name", Max: 20, Required: true}, {Name: "colour", Enum: []string{"light-blue", "red"}}, {Name: "lid", Type: Bool, Since: V13}}
	shell.Route(mux, Route{Path: "/cups/{id}/", Methods: map[string]Op{
		"GET":   {Doc: "A cup", Answer: wireCup{}, Do: func(c *Call) error { s.looks.Add(1); return c.JSON(200, wire()) }},
		"PUT":   {Doc: "Changes a cup", Body: fields, Answer: wireCup{}, Do: change},
		"PATCH": {Doc: "Changes a cup", Body: fields, Answer: wireCup{}, Do: change},
	}})
	shell.Route(mux, Route{Path: "/cups/", Methods: map[string]Op{
		"GET": {Doc: "The cups", Answer: []wireCup{}, Paged: true, Query: []Param{{Name: "name", Repeated: true, Doc: "by name"}, {Name: "kind", Repeated: true, Enum: []string{"tea", "coffee"}},
			{Name: "full", Type: Bool}, {Name: "new", Since: V14}}, Do: func(c *Call) error {
			if _, err := c.Page(90); err != nil {
				return err
			}
			s.looks.Add(1)
			return c.JSON(200, []wireCup{wire()})
		}},
		"POST": {Doc: "Makes a cup", Body: []Field{{Name: "name"}}, Do: func(c *Call) error { t.Error("a cup was made"); return nil }},
	}})
	shell.Route(mux, Route{Path: "/cups/{id}/ping/", Methods: map[string]Op{"POST": {Doc: "Pings", Do: func(c *Call) error { return c.NoContent() }}}})
	shell.Route(mux, Route{Path: "/stream/", Methods: map[string]Op{"GET": {Media: "text/event-stream", Do: func(c *Call) error { return c.JSON(200, c.Accepts("text/event-stream")) }}}})
	server := httptest.NewServer(shell.Front(mux))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

const cupTag = `"` // every tag of ours begins and ends so

func TestETag(t *testing.T) {
	s := newShelf(t, Options{})
	first := ask(t, "GET", s.url+"/api/cups/1/", "")
	tag := first.Header.Get("ETag")
	if len(tag) != 22 || !strings.HasPrefix(tag, cupTag) || !strings.HasSuffix(tag, cupTag) {
		t.Fatalf("ETag %s", tag)
	}
	for _, header := range []string{tag, "W/" + tag, `"x", ` + tag, `"x",W/` + tag + `, "y"`, "*"} {
		for range 2 {
			a := ask(t, "GET", s.url+"/api/cups/1/", "", "If-None-Match: "+header)
			a.is(t, 304, "")
			if a.Header.Get("ETag") != tag || a.Header.Get("Vary") != "Accept, Cookie, Authorization" || a.Header.Get("Cache-Control") != "private, no-cache" || a.Header.Get("Content-Type") != "" {
				t.Errorf("304 with %v", a.Header)
			}
		}
	}
	for _, header := range []string{`"x"`, strings.Trim(tag, `"`), tag[:len(tag)-1], `"x" "` + tag, ""} {
		ask(t, "GET", s.url+"/api/cups/1/", "", "If-None-Match: "+header).is(t, 200, `{"id":1,"name":"blue","owner":null}`)
	}
	ask(t, "HEAD", s.url+"/api/cups/1/", "", "If-None-Match: "+tag).is(t, 304, "")
	if old := ask(t, "GET", s.url+"/api/1.0/cups/1/", "").Header.Get("ETag"); old == tag {
		t.Error("two versions have one tag")
	}
	second := ask(t, "GET", s.url+"/api/cups/?page=2", "").Header.Get("ETag")
	if second == ask(t, "GET", s.url+"/api/cups/", "").Header.Get("ETag") {
		t.Error("two answers with different links have one tag")
	}
	if a := ask(t, "GET", s.url+"/api/cups/?page=77", ""); a.StatusCode != 404 || a.Header.Get("ETag") != "" {
		t.Errorf("an error has the tag %s", a.Header.Get("ETag"))
	}
}

// An answer that is known to be as it was is not built.
func TestNotModifiedWithoutLooking(t *testing.T) {
	s := newShelf(t, Options{})
	tag := ask(t, "GET", s.url+"/api/cups/1/", "").Header.Get("ETag")
	looks := func(want int64, status int, header ...string) {
		t.Helper()
		before := s.looks.Load()
		a := ask(t, "GET", s.url+"/api/cups/1/", "", header...)
		if got := s.looks.Load() - before; a.StatusCode != status || got != want {
			t.Errorf("%v: %d and %d looks, want %d and %d", header, a.StatusCode, got, status, want)
		}
	}
	condition := "If-None-Match: " + tag
	looks(1, 304, condition) // the stamp is not known yet
	looks(0, 304, condition)
	looks(0, 304, condition)
	looks(1, 200)
	looks(1, 200, `If-None-Match: "other"`)
	looks(1, 304, condition, "Cookie: pw_session=sess") // another user
	looks(0, 304, condition, "Cookie: pw_session=sess")
	looks(0, 403, condition, "Authorization: Token wrong")
	s.stamp.Add(1)
	looks(1, 304, condition) // something was committed, but not this
	looks(0, 304, condition)
	s.cup.Store("red")
	s.stamp.Add(1)
	looks(1, 200, condition)
	s.cup.Store("blue")
	s.stamp.Add(1)
	looks(1, 304, condition)
	s.stamps = errors.New("no database")
	looks(1, 304, condition)
	looks(1, 304, condition)
}

func TestIfMatch(t *testing.T) {
	s := newShelf(t, Options{})
	at, auth, js := s.url+"/api/cups/1/", "Authorization: Token writer", "Content-Type: application/json"
	tag := ask(t, "GET", at, "").Header.Get("ETag")
	gone := `{"detail":"The object is not as If-Match says: its ETag is \"` + strings.Trim(tag, `"`) + `\" now. Read it again."}`
	for _, header := range []string{`"x"`, "W/" + tag, `x`, ""} {
		a := ask(t, "PATCH", at, `{"name":"red"}`, auth, js, "If-Match: "+header)
		a.is(t, 412, gone)
		if a.Header.Get("ETag") != tag {
			t.Errorf("412 with the tag %s", a.Header.Get("ETag"))
		}
	}
	a := ask(t, "PATCH", at, `{"name":"stolen"}`, auth, js, "If-Match: "+tag)
	a.is(t, 200, `{"id":1,"name":"stolen","owner":null}`)
	stolen := a.Header.Get("ETag")
	if now := ask(t, "GET", at, "").Header.Get("ETag"); now != stolen || now == tag {
		t.Errorf("a change gives the tag %s, a look %s", stolen, now)
	}
	ask(t, "PATCH", at, `{"name":"red"}`, auth, js, "If-Match: "+tag).is(t, 412, strings.Replace(gone, strings.Trim(tag, `"`), strings.Trim(stolen, `"`), 1))
	s.cup.Store("blue")
	// Between the first look and the locks of the verb somebody else changes the cup.
	ask(t, "PATCH", at, `{"name":"red"}`, auth, js, "If-Match: "+tag, "X-Race: 1").is(t, 412, strings.Replace(gone, strings.Trim(tag, `"`), strings.Trim(stolen, `"`), 1))
	if got := s.cup.Load(); got != "stolen" {
		t.Errorf("the cup is %v: the change was lost", got)
	}
	ask(t, "PUT", at, `{"name":"red"}`, auth, js, "If-Match: *").is(t, 200, `{"id":1,"name":"red","owner":null}`)
	ask(t, "POST", s.url+"/api/cups/1/ping/", "", auth, "If-Match: "+tag).is(t, 412, `{"detail":"Nothing can be read at this address, so nothing there can match If-Match."}`)
}

func TestNegotiation(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request, status int, title string, body templ.Component) {
		w.WriteHeader(status)
		w.Write([]byte("page " + title))
	}
	s := newShelf(t, Options{Frame: page})
	const list, detail = `[{"id":1,"name":"blue","owner":null}]`, `{"detail":"Could not satisfy the request Accept header."}`
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
	for _, test := range []struct {
		query, accept string
		status        int
		body          string
	}{
		{"", "", 200, list}, {"", "*/*", 200, list}, {"", "application/json", 200, list}, {"", "application/*", 200, list}, {"", "Application/JSON; charset=utf-8", 200, list},
		{"", "text/html, application/json", 200, list}, {"", "application/json, text/html;q=0.9", 200, list}, {"", "text/html;q=0.5, application/json;q=0.9", 200, list},
		{"", "text/*, */*;q=0.1", 200, list}, {"", "text/html;q=0, */*", 200, list},
		{"", browser, 200, "page Cup List"}, {"", "text/html", 200, "page Cup List"}, {"", "application/json;q=0.5, text/html", 200, "page Cup List"},
		{"?format=json", browser, 200, list}, {"?format=json", "image/png", 200, list}, {"?format=api", "application/json", 200, "page Cup List"},
		{"?format=", "", 200, list}, {"?format=xml", "", 404, `{"detail":"Not found."}`}, {"?format=xml", browser, 404, `{"detail":"Not found."}`},
		{"", "image/png", 406, detail}, {"", "image/png, text/plain", 406, detail}, {"", "application/json;q=0", 406, detail}, {"", "*/*;q=0", 406, detail}, {"", "text/event-stream", 406, detail}, {"", ";;=,", 406, detail},
	} {
		ask(t, "GET", s.url+"/api/cups/"+test.query, "", "Accept: "+test.accept).is(t, test.status, test.body)
	}
	ask(t, "GET", s.url+"/api/stream/", "", "Accept: text/event-stream").is(t, 200, "true")
	ask(t, "GET", s.url+"/api/stream/", "", "Accept: */*").is(t, 200, "false")
	ask(t, "PATCH", s.url+"/api/cups/1/", `{"name":"x"}`, "Accept: image/png", "Content-Type: application/json", "Authorization: Token writer").is(t, 406, detail)
	if s.cup.Load() != "blue" {
		t.Error("a request that can't be answered was done")
	}
	ask(t, "DELETE", s.url+"/api/cups/", "", "Accept: "+browser).is(t, 405, "page Cup List")
	bare := newShelf(t, Options{})
	ask(t, "GET", bare.url+"/api/cups/", "", "Accept: "+browser).is(t, 200, list)
	ask(t, "GET", bare.url+"/api/cups/", "", "Accept: text/html").is(t, 406, detail)
}

func TestOptions(t *testing.T) {
	s := newShelf(t, Options{})
	const all = `"renders":["application/json"],"parses":["application/json","application/x-www-form-urlencoded","multipart/form-data"]`
	a := ask(t, "OPTIONS", s.url+"/api/cups/1/", "")
	a.is(t, 200, `{"name":"Cup Detail","description":"A cup",`+all+`}`)
	if got := a.Header.Get("Allow"); got != "GET, PUT, PATCH, HEAD, OPTIONS" {
		t.Error(got)
	}
	ask(t, "OPTIONS", s.url+"/api/cups", "", "Authorization: Token writer").is(t, 200, `{"name":"Cup List","description":"The cups",`+all+`}`)
	ask(t, "OPTIONS", s.url+"/api/cups/1/", "", "Authorization: Token wrong").is(t, 403, `{"detail":"Invalid token."}`)
	a = ask(t, "OPTIONS", s.url+"/api/1.0/cups/1/", "", "Authorization: Token writer")
	a.is(t, 200, `{"name":"Cup Detail","description":"A cup",`+all+`,"actions":{"PUT":{`+
		`"colour":{"choices":[{"display_name":"Light-blue","value":"light-blue"},{"display_name":"Red","value":"red"}],"label":"Colour","read_only":false,"required":false,"type":"choice"},`+
		`"id":{"label":"Id","read_only":true,"required":false,"type":"field"},"name":{"label":"Name","max_length":20,"read_only":false,"required":true,"type":"string"}}}}`)
	ask(t, "OPTIONS", s.url+"/api/1.4/cups/1/", "", "Authorization: Token reader").is(t, 200, `{"name":"Cup Detail","description":"A cup",`+all+`}`)
	if s.cup.Load() != "blue" {
		t.Error("asking has changed something")
	}
	for path, want := range map[string]string{"/people/{id}/": "Person Detail", "/series/": "Series List", "/patches/{id}/checks/": "Check List", "/": "Index", "/users/{id}/": "User Detail"} {
		if got := (Route{Path: path}).name(); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestHead(t *testing.T) {
	s := newShelf(t, Options{})
	get, head := ask(t, "GET", s.url+"/api/cups/", ""), ask(t, "HEAD", s.url+"/api/cups/", "")
	head.is(t, 200, "")
	for _, name := range []string{"Link", "Content-Type", "ETag", "Allow", "Vary"} {
		if get.Header.Get(name) == "" || get.Header.Get(name) != head.Header.Get(name) {
			t.Errorf("%s: GET %q, HEAD %q", name, get.Header.Get(name), head.Header.Get(name))
		}
	}
	if head.ContentLength != int64(len(get.body)) || get.ContentLength != int64(len(get.body)) {
		t.Errorf("Content-Length: GET %d, HEAD %d, of %d bytes", get.ContentLength, head.ContentLength, len(get.body))
	}
}

func TestHosts(t *testing.T) {
	at := func(opt Options, host string) answer {
		s := newShelf(t, opt)
		r, _ := http.NewRequest("GET", s.url+"/api/cups/?per_page=250", nil)
		r.Host = host
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return answer{Response: res}
	}
	for host, want := range map[string]int{"pw.example.org": 200, "pw.example.org:8080": 200, "a_b-c.D": 200, "[::1]:80": 200, "[::1]": 200, "192.0.2.1": 200, "pw:": 400, "pw:http": 400, "pw:70000": 400,
		"a;b": 400, "a,b": 400, "a$b": 400, "a%20b": 400, "a&b": 400, "(a)": 400, "[a]": 400, "a:b:c": 400, "::1": 400, strings.Repeat("a", 300): 400} {
		a := at(Options{}, host)
		if a.StatusCode != want {
			t.Errorf("%q: %d, want %d", host, a.StatusCode, want)
		}
		if link := a.Header.Get("Link"); want == 200 && link != "<http://"+host+`/api/cups/?page=1&per_page=250>; rel="first", <http://`+host+`/api/cups/?page=1&per_page=250>; rel="last"` {
			t.Errorf("%q: %s", host, link)
		}
	}
	if a := at(Options{BaseURL: "https://pw.example"}, "evil$example"); a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Link"), "<https://pw.example/api/cups/") {
		t.Errorf("%d %s", a.StatusCode, a.Header.Get("Link"))
	}
}

func TestCORS(t *testing.T) {
	const origin = "https://ci.example.org"
	configured, all, none := newShelf(t, Options{CORSOrigins: []string{"https://a.example", origin}}), newShelf(t, Options{CORSOrigins: []string{"*"}}), newShelf(t, Options{})
	for _, test := range []struct {
		name          string
		s             *shelf
		origin        string
		allowed, vary string
	}{
		{"configured", configured, origin, origin, "Origin, Accept, Cookie, Authorization"}, {"not configured", configured, "https://evil.example", "", "Origin, Accept, Cookie, Authorization"},
		{"part of one", configured, origin + ".evil.example", "", "Origin, Accept, Cookie, Authorization"}, {"none sent", configured, "", "", "Origin, Accept, Cookie, Authorization"},
		{"null", configured, "null", "", "Origin, Accept, Cookie, Authorization"}, {"all", all, "https://evil.example", "*", "Accept, Cookie, Authorization"}, {"off", none, origin, "", "Accept, Cookie, Authorization"},
	} {
		a := ask(t, "GET", test.s.url+"/api/cups/", "", "Origin: "+test.origin)
		if got := a.Header.Get("Access-Control-Allow-Origin"); a.StatusCode != 200 || got != test.allowed || strings.Join(a.Header.Values("Vary"), ", ") != test.vary || a.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d %q %v", test.name, a.StatusCode, got, a.Header)
		}
		p := ask(t, "OPTIONS", test.s.url+"/api/cups/1/", "", "Origin: "+test.origin, "Access-Control-Request-Method: PATCH", "Access-Control-Request-Headers: authorization,content-type")
		if test.allowed == "" {
			if p.StatusCode != 200 || p.Header.Get("Access-Control-Allow-Methods") != "" {
				t.Errorf("%s: preflight %d %v", test.name, p.StatusCode, p.Header)
			}
			continue
		}
		if p.StatusCode != 204 || p.Header.Get("Access-Control-Allow-Origin") != test.allowed || p.Header.Get("Access-Control-Allow-Methods") != "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" ||
			p.Header.Get("Access-Control-Allow-Headers") != "Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID" || p.Header.Get("Access-Control-Max-Age") != "7200" {
			t.Errorf("%s: preflight %d %v", test.name, p.StatusCode, p.Header)
		}
	}
	if got := ask(t, "GET", configured.url+"/api/cups/9/9/", "", "Origin: "+origin); got.StatusCode != 404 || got.Header.Get("Access-Control-Allow-Origin") != origin {
		t.Errorf("a script may not read that there is no such path: %d", got.StatusCode)
	}
	if got := ask(t, "GET", configured.url+"/apis/", "", "Origin: "+origin); got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a script may read what is not the API")
	}
	ask(t, "PATCH", configured.url+"/api/cups/1/", `{"name":"red"}`, "Origin: "+origin, "Sec-Fetch-Site: cross-site", "Content-Type: application/json", "Authorization: Token writer").is(t, 200, `{"id":1,"name":"red","owner":null}`)
	ask(t, "PATCH", configured.url+"/api/cups/1/", `{"name":"x"}`, "Origin: "+origin, "Sec-Fetch-Site: cross-site", "Content-Type: application/json", "Cookie: pw_session=sess").is(t, 403, `{"detail":"CSRF Failed: the request comes from another site."}`)
}

func TestRateLimit(t *testing.T) {
	s := newShelf(t, Options{PerMinute: 3})
	want := func(status int, left, reset, retry string, header ...string) {
		t.Helper()
		a := ask(t, "GET", s.url+"/api/cups/1/", "", header...)
		h := a.Header
		if a.StatusCode != status || h.Get("RateLimit-Limit") != "3" || h.Get("RateLimit-Remaining") != left || h.Get("RateLimit-Reset") != reset || h.Get("Retry-After") != retry {
			t.Errorf("%d, %v; want %d, %s left, full in %s, again in %q", a.StatusCode, h, status, left, reset, retry)
		}
		if status == 429 && a.body != `{"detail":"Too many requests: 3 a minute are allowed. Try again in `+retry+` seconds."}` {
			t.Error(a.body)
		}
	}
	want(200, "2", "20", "")
	want(200, "1", "40", "")
	s.clock.Advance(5 * time.Second)
	want(403, "0", "55", "", "Authorization: Token wrong") // a guess counts for the network
	want(429, "0", "55", "15")
	want(429, "0", "55", "15", "Authorization: Token guess")
	want(200, "2", "20", "", "Authorization: Token writer") // a user has his own
	want(200, "2", "20", "", "Authorization: Token reader")
	s.clock.Advance(15 * time.Second)
	want(200, "0", "60", "")
	want(429, "0", "60", "20")
	s.clock.Advance(time.Hour)
	want(200, "2", "20", "")
	free := ask(t, "GET", newShelf(t, Options{}).url+"/api/cups/1/", "")
	if free.Header.Get("RateLimit-Limit") != "" {
		t.Error("without a limit it is told")
	}
	for remote, want := range map[string]string{"192.0.2.1:77": "192.0.2.1", "[::ffff:192.0.2.1]:77": "192.0.2.1", "[2001:db8:1:2:3::9]:1": "2001:db8:1:2::/64", "[fe80::1%eth0]:1": "fe80::/64", "@": "@"} {
		if got := networkOf(remote); got != want {
			t.Errorf("%s: %s, want %s", remote, got, want)
		}
	}
}

func TestXMLRPC(t *testing.T) {
	server := httptest.NewServer(XMLRPC("https://pw.example/?a&b"))
	t.Cleanup(server.Close)
	const remedy = `Patchwork's XML-RPC interface was removed. Use the REST API at https://pw.example/?a&b/api/: in ~/.pwclientrc set "backend = rest" and "url = https://pw.example/?a&b/api/" (pwclient 2.0 or newer), or use git-pw.`
	ask(t, "GET", server.URL, "").is(t, 410, remedy+"\n")
	a := ask(t, "POST", server.URL, "<?xml version='1.0'?><methodCall><methodName>pw_rpc_version</methodName></methodCall>")
	escaped := strings.NewReplacer("&", "&amp;", `"`, "&#34;", "'", "&#39;").Replace(remedy)
	a.is(t, 410, `<?xml version="1.0"?>
<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>410</int></value></member><member><name>faultString</name><value><string>`+escaped+`</string></value></member></struct></value></fault></methodResponse>
`)
	if a.Header.Get("Content-Type") != "text/xml; charset=utf-8" {
		t.Error(a.Header)
	}
}

func TestReadable(t *testing.T) {
	v := map[string]any{"a": "<b>&\"\\\n\tx\u202ey", "b": []any{}, "c": map[string]any{}, "d": []any{1, -2.5, true, nil}, "e": "http://h/api/1/?a&b", "f": "https://other/", "g": "http://x y", "h": "javascript:alert(1)",
		"i": "https://h\u202e/", "j": "\x00é"}
	text, err := Marshal(V14, v)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := (readable{text, "http://h"}).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{`{`,
		`  <span class="k">&#34;a&#34;</span>: <span class="s">&#34;&lt;b&gt;&amp;<i>\&#34;</i><i>\\</i><i>\n</i>`,
		`<i>\t</i>x<i>\u202e</i>y&#34;</span>,`,
		`  <span class="k">&#34;b&#34;</span>: [],`,
		`  <span class="k">&#34;c&#34;</span>: {},`,
		`  <span class="k">&#34;d&#34;</span>: [`,
		`    <span class="w">1</span>,`, `    <span class="w">-2.5</span>,`, `    <span class="w">true</span>,`, `    <span class="w">null</span>`, `  ],`,
		`  <span class="k">&#34;e&#34;</span>: <span class="s">&#34;<a href="http://h/api/1/?a&amp;b">http://h/api/1/?a&amp;b</a>&#34;</span>,`,
		`  <span class="k">&#34;f&#34;</span>: <span class="s">&#34;<a href="https://other/" rel="noreferrer nofollow">https://other/</a>&#34;</span>,`,
		`  <span class="k">&#34;g&#34;</span>: <span class="s">&#34;http://x y&#34;</span>,`,
		`  <span class="k">&#34;h&#34;</span>: <span class="s">&#34;javascript:alert(1)&#34;</span>,`,
		`  <span class="k">&#34;i&#34;</span>: <span class="s">&#34;https://h<i>\u202e</i>/&#34;</span>,`,
		`  <span class="k">&#34;j&#34;</span>: <span class="s">&#34;<i>\u0000</i>é&#34;</span>`, `}`}, "\n")
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// A form sends empty fields, which as filters would find nothing.
func TestFormOfPage(t *testing.T) {
	page := func(w http.ResponseWriter, r *http.Request, status int, title string, body templ.Component) {
		body.Render(r.Context(), w)
	}
	s := newShelf(t, Options{Frame: page})
	a := ask(t, "GET", s.url+"/api/1.2/cups/?format=api&name=&full=&name=x&page=", "")
	if a.StatusCode != 303 || a.Header.Get("Location") != "/api/1.2/cups/?name=x" {
		t.Errorf("%d %s", a.StatusCode, a.Header.Get("Location"))
	}
	a = ask(t, "GET", s.url+"/api/1.2/cups/?name=x%22y&kind=tea&page=2", "", "Accept: text/html")
	for _, part := range []string{`<h1>Cup List</h1>`, `<input name="name" value="x&#34;y"`, `<input name="name" value=""`, `name="kind" value="tea" checked`, `name="kind" value="coffee">`, `<select name="full">`,
		`<a href="/api/1.2/cups/?kind=tea&amp;name=x%22y&amp;page=2" aria-current="page">1.2</a>`, `href="/api/cups/?kind=tea`, `href="/api/1.2/cups/?format=json&amp;kind=tea&amp;name=x%22y&amp;page=2"`, `name="per_page"`,
		`<a rel="prev" href="` + s.url + `/api/1.2/cups/?kind=tea&amp;name=x%22y&amp;per_page=`, `<a rel="next"`} {
		part = strings.ReplaceAll(part, "&amp;per_page=", "")
		if !strings.Contains(a.body, part) {
			t.Errorf("no %s in\n%s", part, a.body)
		}
	}
	if strings.Contains(a.body, `name="new"`) {
		t.Error("a filter of 1.4 in 1.2")
	}
}

func TestReadAccept(t *testing.T) {
	for header, want := range map[string]float64{"a/b;q=0.3": 0.3, "a/*;q=0.2, */*": 0.2, "*/*;q=0.1": 0.1, "a/b;x=y;q=0.5": 0.5, "a/b;q=2": 0, "a/b;q=NaN": 0, "a/b;q=x": 0, "c/d": 0, "A/B": 1, "a/b;q=0.1, a/b;q=0.4": 0.4} {
		if got := readAccept([]string{header}).quality("a/b"); got != want {
			t.Errorf("%s: %v, want %v", header, got, want)
		}
	}
	if _, err := json.Marshal(readAccept(nil).any); err != nil || !readAccept([]string{" , "}).any {
		t.Error("an empty header wants nothing")
	}
}
