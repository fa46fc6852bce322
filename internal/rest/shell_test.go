// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
)

// people knows one session and two tokens.
type people struct{}

func (people) Visitor(_ context.Context, token string) (account.User, error) {
	if token == "sess" {
		return account.User{ID: 7, Username: "ann"}, nil
	}
	return account.User{}, fault.New(fault.Unauthenticated, "no such session")
}

func (people) Bearer(_ context.Context, secret string) (account.User, string, error) {
	switch secret {
	case "writer":
		return account.User{ID: 8, IsAdmin: true}, account.ScopeWrite, nil
	case "reader":
		return account.User{ID: 9}, account.ScopeRead, nil
	case "checker":
		return account.User{ID: 9}, account.ScopeChecks, nil
	case "gone":
		return account.User{}, "", account.ErrInactive
	case "broken":
		return account.User{}, "", errors.New("disk on fire")
	}
	return account.User{}, "", fault.New(fault.Unauthenticated, "no such token")
}

// Basic knows ann's password.
func (people) Basic(_ context.Context, name, password, _ string) (account.User, error) {
	switch {
	case name == "ann" && password == "se:cret":
		return account.User{ID: 7, Username: "ann"}, nil
	case name == "slow":
		return account.User{}, fault.Wrap(fault.Denied, &account.Throttled{Wait: time.Minute}, "wait")
	}
	return account.User{}, fault.New(fault.Unauthenticated, "wrong")
}

func serve(t *testing.T, opt Options) string {
	t.Helper()
	opt.SessionCookie, opt.PerPage, opt.MostPerPage = "pw_session", 30, 250
	s := New(opt, people{}, clock.NewFake(0), slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	s.Route(mux, Route{Path: "/who/", Since: V12, Methods: map[string]Op{
		"GET": {Do: func(c *Call) error {
			return c.JSON(200, map[string]any{"id": c.User.ID, "via": c.Actor().Via, "admin": c.Actor().Admin, "api": c.API})
		}},
		"POST":   {Do: func(c *Call) error { return c.Created(c.API+"/who/1/", "<ü&>") }, Since: V13},
		"DELETE": {Do: func(c *Call) error { return c.NoContent() }},
		"PATCH":  {Do: func(c *Call) error { return c.NoContent() }, Scope: account.ScopeChecks},
	}})
	only := func(path, method string, do func(*Call) error) {
		s.Route(mux, Route{Path: path, Methods: map[string]Op{method: {Do: do}}})
	}
	only("/thing/{id}/", "GET", func(c *Call) error {
		id, err := c.ID("id")
		if err != nil {
			return err
		}
		return c.JSON(200, id)
	})
	only("/filters/", "GET", func(c *Call) error {
		f := c.Filters()
		got := map[string]any{"ids": f.Numbers("id"), "on": f.Bool("on"), "since": DateOrNil(f.Time("since")), "order": fmt.Sprint(c.Order("a", "b")), "none": f.None()}
		last, has := f.Last("x")
		got["x"], got["has"] = last, has
		return c.JSON(200, got)
	})
	only("/body/", "PATCH", func(c *Call) error {
		b, err := c.Body()
		if err != nil {
			return err
		}
		got := map[string]any{"text": b.Text("text", 5), "on": b.Bool("on"), "list": b.Texts("list")}
		b.Require("must")
		if err := b.Err(); err != nil {
			return err
		}
		return c.JSON(200, got)
	})
	only("/keys/", "PATCH", func(c *Call) error {
		b, err := c.Body()
		if err != nil {
			return err
		}
		key, null, ok := b.Key("key")
		text, nulled := b.NullText("text", 3)
		got := []any{key, null, ok, b.Keys("keys"), text, nulled, b.Number("n")}
		if err := b.Err(); err != nil {
			return err
		}
		return c.JSON(200, got)
	})
	only("/list/", "GET", func(c *Call) error {
		p, err := c.Page(16)
		if err != nil {
			return err
		}
		return c.JSON(200, p)
	})
	for kind, name := range map[fault.Kind]string{fault.NotFound: "notfound", fault.Denied: "denied", fault.Conflict: "conflict", fault.Unavailable: "unavailable", fault.Internal: "internal", fault.Invalid: "invalid"} {
		only("/"+name+"/", "GET", func(*Call) error { return fault.New(kind, "because of it") })
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

type answer struct {
	*http.Response
	body string
}

func ask(t *testing.T, method, address, body string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(text)}
}

func (a answer) is(t *testing.T, status int, body string) {
	t.Helper()
	if a.StatusCode != status || a.body != body {
		t.Errorf("%s %s: %d %s, want %d %s", a.Request.Method, a.Request.URL, a.StatusCode, a.body, status, body)
	}
}

func TestAuthentication(t *testing.T) {
	url := serve(t, Options{})
	me := func(id int64, admin bool) string {
		return fmt.Sprintf(`{"admin":%v,"api":"%s/api","id":%d,"via":"api"}`, admin, url, id)
	}
	for header, want := range map[string]struct {
		status int
		body   string
	}{
		"X: y":                                  {200, me(0, false)},
		"Cookie: pw_session=sess":               {200, me(7, false)},
		"Cookie: pw_session=other":              {200, me(0, false)},
		"Authorization: Token writer":           {200, me(8, true)},
		"Authorization: token writer":           {200, me(8, true)},
		"Authorization: Bearer reader":          {200, me(9, false)},
		"Authorization: Digest eDp5":            {200, me(0, false)},
		"Authorization: Basic YW5uOnNlOmNyZXQ=": {200, me(7, false)}, // ann:se:cret
		"Authorization: basic eDp5":             {403, `{"detail":"Invalid username/password."}`},
		"Authorization: Basic":                  {403, `{"detail":"Invalid basic header. No credentials provided."}`},
		"Authorization: Basic a b":              {403, `{"detail":"Invalid basic header. Credentials string should not contain spaces."}`},
		"Authorization: Basic !!!":              {403, `{"detail":"Invalid basic header. Credentials not correctly base64 encoded."}`},
		"Authorization: Basic c2xvdzp4":         {429, `{"detail":"Too many wrong passwords. Try again in 60 seconds."}`}, // slow:x
		"Authorization: Token gone":             {403, `{"detail":"User inactive or deleted."}`},
		"Authorization: Token wrong":            {403, `{"detail":"Invalid token."}`},
		"Authorization: Token":                  {403, `{"detail":"Invalid token header. No credentials provided."}`},
		"Authorization: Token with blank":       {403, `{"detail":"Invalid token header. Token string should not contain spaces."}`},
		"Authorization: Token broken":           {500, `{"detail":"Internal error. Request "}`},
	} {
		ask(t, "GET", url+"/api/who/", "", header).is(t, want.status, want.body)
	}
	ask(t, "POST", url+"/api/who/", "", "Authorization: Token reader").is(t, 403, `{"detail":"This token is only for reading."}`)
	ask(t, "DELETE", url+"/api/who/", "", "Authorization: Token writer").is(t, 204, "")
	ask(t, "PATCH", url+"/api/who/", "", "Authorization: Token checker").is(t, 204, "")
	ask(t, "PATCH", url+"/api/who/", "", "Authorization: Token reader").is(t, 403, `{"detail":"This token is only for reading."}`)
	ask(t, "DELETE", url+"/api/who/", "", "Authorization: Token checker").is(t, 403, `{"detail":"This token is only for reading and for posting checks."}`)
	ask(t, "DELETE", url+"/api/who/", "", "Cookie: pw_session=sess").is(t, 204, "")
	ask(t, "DELETE", url+"/api/who/", "", "Cookie: pw_session=sess", "Origin: "+url).is(t, 204, "")
	ask(t, "DELETE", url+"/api/who/", "", "Cookie: pw_session=sess", "Origin: https://evil.example").is(t, 403, `{"detail":"CSRF Failed: the request comes from another site."}`)
	ask(t, "DELETE", url+"/api/who/", "", "Authorization: Token writer", "Origin: https://other.example").is(t, 204, "")
}

// TestBasicFromElsewhere: a browser that remembers a password sends it with the forms of other sites too.
func TestBasicFromElsewhere(t *testing.T) {
	url := serve(t, Options{CORSOrigins: []string{"*"}})
	const ann, refused = "Authorization: Basic YW5uOnNlOmNyZXQ=", `{"detail":"CSRF Failed: the request comes from another site."}` // ann:se:cret
	for _, kind := range []string{"", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain; charset=application/json"} {
		ask(t, "POST", url+"/api/who/", "", ann, "Content-Type: "+kind, "Sec-Fetch-Site: cross-site", "Origin: https://evil.example").is(t, 403, refused)
		ask(t, "POST", url+"/api/who/", "", ann, "Content-Type: "+kind, "Origin: null").is(t, 403, refused)
		ask(t, "POST", url+"/api/who/", "", ann, "Content-Type: "+kind).is(t, 201, `"<ü&>"`)
		ask(t, "POST", url+"/api/who/", "", ann, "Content-Type: "+kind, "Sec-Fetch-Site: same-origin", "Origin: "+url).is(t, 201, `"<ü&>"`)
	}
	ask(t, "POST", url+"/api/who/", "{}", ann, "Content-Type: application/json", "Sec-Fetch-Site: cross-site", "Origin: https://ci.example").is(t, 201, `"<ü&>"`)
	ask(t, "PATCH", url+"/api/who/", "", ann, "Sec-Fetch-Site: cross-site", "Origin: https://ci.example").is(t, 204, "")
	ask(t, "GET", url+"/api/who/", "", ann, "Sec-Fetch-Site: cross-site").is(t, 200, fmt.Sprintf(`{"admin":false,"api":"%s/api","id":7,"via":"api"}`, url))
}

func TestRoutes(t *testing.T) {
	url := serve(t, Options{BaseURL: "https://pw.example"})
	for _, path := range []string{"/api/1.4/who/", "/api/1.4/who"} {
		ask(t, "GET", url+path, "").is(t, 200, `{"admin":false,"api":"https://pw.example/api/1.4","id":0,"via":"api"}`)
	}
	a := ask(t, "POST", url+"/api/1.4/who", "")
	a.is(t, 201, `"<ü&>"`)
	if got := a.Header.Get("Location"); got != "https://pw.example/api/1.4/who/1/" {
		t.Error(got)
	}
	head := ask(t, "HEAD", url+"/api/who/", "")
	head.is(t, 200, "")
	if head.Header.Get("Allow") != "GET, POST, PATCH, DELETE, HEAD, OPTIONS" || head.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", head.Header)
	}
	ask(t, "PUT", url+"/api/who/", "").is(t, 405, `{"detail":"Method \"PUT\" not allowed."}`)
	ask(t, "GET", url+"/api/1.1/who/", "").is(t, 404, "404 page not found\n")
	ask(t, "GET", url+"/api/1.2/who/", "").is(t, 200, `{"admin":false,"api":"https://pw.example/api/1.2","id":0,"via":"api"}`)
	ask(t, "POST", url+"/api/1.2/who/", "").is(t, 405, `{"detail":"Method \"POST\" not allowed."}`)
	ask(t, "GET", url+"/api/thing/9/", "").is(t, 200, "9")
	for _, no := range []string{"abc", "+9", "9x", "99999999999999999999"} {
		ask(t, "GET", url+"/api/thing/"+no+"/", "").is(t, 404, "404 page not found\n")
	}
}

func TestErrors(t *testing.T) {
	url := serve(t, Options{})
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"notfound":    {404, `{"detail":"Not found."}`},
		"denied":      {403, `{"detail":"Authentication credentials were not provided."}`},
		"conflict":    {409, `{"detail":"because of it"}`},
		"invalid":     {400, `{"detail":"because of it"}`},
		"unavailable": {503, `{"detail":"Not available now; try again. Request "}`},
		"internal":    {500, `{"detail":"Internal error. Request "}`},
	} {
		ask(t, "GET", url+"/api/"+path+"/", "").is(t, want.status, want.body)
	}
	ask(t, "GET", url+"/api/denied/", "", "Cookie: pw_session=sess").is(t, 403, `{"detail":"You do not have permission to perform this action."}`)
}

func TestBodies(t *testing.T) {
	url := serve(t, Options{}) + "/api/body/"
	const all = `{"list":["a","b"],"on":true,"text":"ü"}`
	js, form := "Content-Type: application/json; charset=utf-8", "Content-Type: application/x-www-form-urlencoded"
	for _, test := range []struct {
		header, body string
		status       int
		want         string
	}{
		{js, `{"text":"ü","on":true,"list":["a","b"],"must":1,"other":{}}`, 200, all},
		{js, `{"text":"ü","on":"Yes","list":["a","b"],"must":null}`, 200, all},
		{form, "text=x&text=%C3%BC&on=TRUE&list=a&list=b&must=", 200, all},
		{form, "must=&on=&list=", 200, `{"list":[],"on":null,"text":null}`},
		{js, `{"must":1,"on":0}`, 200, `{"list":null,"on":false,"text":null}`},
		{js, ``, 400, `{"must":["This field is required."]}`},
		{"X: y", ``, 400, `{"must":["This field is required."]}`},
		{js, `{"must":1,"text":"too long","on":" true ","list":"a"}`, 400,
			`{"list":["Expected a list of items but got type \"str\"."],"on":["Must be a valid boolean."],"text":["Ensure this field has no more than 5 characters."]}`},
		{js, `{"must":1,"text":[],"on":"tRUE","list":[5]}`, 400, `{"list":["Not a valid string."],"on":["Must be a valid boolean."],"text":["Not a valid string."]}`},
		{js, `{"must":1,"text":null,"on":null,"list":null}`, 400, `{"list":["This field may not be null."],"on":["This field may not be null."],"text":["This field may not be null."]}`},
		{js, `{"must":1,"text":"\u0000"}`, 400, `{"text":["Null characters are not allowed."]}`},
		{js, `[1]`, 400, `{"detail":["Invalid data. Expected a dictionary, but got list."]}`},
		{js, `"x"`, 400, `{"detail":["Invalid data. Expected a dictionary, but got str."]}`},
		{js, `{} {}`, 400, `{"detail":"JSON parse error - there is more than one value"}`},
		{"Content-Type: text/plain", `x`, 415, `{"detail":"Unsupported media type \"text/plain\" in request."}`},
		{js, `{"text":"` + strings.Repeat("x", 2<<20) + `"}`, 413, `{"detail":"a body may have 1048576 bytes"}`},
	} {
		a := ask(t, "PATCH", url, test.body, test.header)
		a.is(t, test.status, test.want)
	}
	if a := ask(t, "PATCH", url, `{bad`, js); a.StatusCode != 400 || !strings.HasPrefix(a.body, `{"detail":"JSON parse error - `) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range [][2]string{{"text", "ü"}, {"on", "1"}, {"list", "a"}, {"list", "b"}, {"must", ""}} {
		w.WriteField(f[0], f[1])
	}
	w.Close()
	ask(t, "PATCH", url, b.String(), "Content-Type: "+w.FormDataContentType()).is(t, 200, all)
}

func TestPaging(t *testing.T) {
	url := serve(t, Options{})
	at := url + "/api/list/"
	link := func(parts ...string) string {
		var out []string
		for i := 0; i < len(parts); i += 2 {
			out = append(out, "<"+at+parts[i+1]+`>; rel="`+parts[i]+`"`)
		}
		return strings.Join(out, ", ")
	}
	for query, want := range map[string][2]string{
		"":                       {`{"Offset":0,"Limit":30}`, link("first", "?page=1", "last", "?page=1")},
		"?per_page=5&page=2&a=b": {`{"Offset":5,"Limit":5}`, link("next", "?a=b&page=3&per_page=5", "prev", "?a=b&per_page=5", "first", "?a=b&page=1&per_page=5", "last", "?a=b&page=4&per_page=5")},
		"?per_page=5&page=last":  {`{"Offset":15,"Limit":5}`, link("prev", "?page=3&per_page=5", "first", "?page=1&per_page=5", "last", "?page=4&per_page=5")},
		"?per_page=1000":         {`{"Offset":0,"Limit":250}`, link("first", "?page=1&per_page=1000", "last", "?page=1&per_page=1000")},
		"?per_page=0&page=1":     {`{"Offset":0,"Limit":30}`, link("first", "?page=1&per_page=0", "last", "?page=1&per_page=0")},
	} {
		a := ask(t, "GET", at+query, "")
		a.is(t, 200, want[0])
		if got := a.Header.Get("Link"); got != want[1] {
			t.Errorf("%s: %s, want %s", query, got, want[1])
		}
	}
	for _, query := range []string{"?page=0", "?page=2", "?page=x", "?page=-1"} {
		ask(t, "GET", at+query, "").is(t, 404, `{"detail":"Invalid page."}`)
	}
}

func TestFilters(t *testing.T) {
	url := serve(t, Options{}) + "/api/filters/"
	for query, want := range map[string]string{
		"":                                 `{"has":false,"ids":[],"none":false,"on":null,"order":"[]","since":null,"x":""}`,
		"?id=1&id=2&on=True&x=&x=b":        `{"has":true,"ids":[1,2],"none":false,"on":true,"order":"[]","since":null,"x":"b"}`,
		"?id=1&id=a":                       `{"has":false,"ids":[],"none":true,"on":null,"order":"[]","since":null,"x":""}`,
		"?id=":                             `{"has":false,"ids":[],"none":true,"on":null,"order":"[]","since":null,"x":""}`,
		"?on=yes&order=-a,c,b,a":           `{"has":false,"ids":[],"none":false,"on":null,"order":"[{a true} {b false}]","since":null,"x":""}`,
		"?since=2026-02-03T04:05:06.25":    `{"has":false,"ids":[],"none":false,"on":null,"order":"[]","since":"2026-02-03T04:05:06.250000","x":""}`,
		"?since=2026-02-03T04:05:06+01:00": `{"has":false,"ids":[],"none":false,"on":null,"order":"[]","since":"2026-02-03T03:05:06","x":""}`,
		"?since=2026-02-03T04:05:06Z":      `{"has":false,"ids":[],"none":false,"on":null,"order":"[]","since":"2026-02-03T04:05:06","x":""}`,
		"?since=garbage":                   `{"has":false,"ids":[],"none":true,"on":null,"order":"[]","since":null,"x":""}`,
	} {
		ask(t, "GET", url+query, "").is(t, 200, want)
	}
}

func TestKeys(t *testing.T) {
	url := serve(t, Options{}) + "/api/keys/"
	js, form := "Content-Type: application/json", "Content-Type: application/x-www-form-urlencoded"
	for _, test := range []struct {
		header, body string
		status       int
		want         string
	}{
		{js, `{"key":7,"keys":["8",9],"text":null,"n":"5"}`, 200, `[7,false,true,[8,9],null,true,5]`},
		{js, `{"key":null,"text":3}`, 200, `[0,true,true,null,"3",false,null]`},
		{form, `key=&keys=1&keys=2&text=`, 200, `[0,true,true,[1,2],"",false,null]`},
		{js, `{"key":"ann","keys":[true],"n":1.5}`, 400,
			`{"key":["Incorrect type. Expected pk value, received str."],"keys":["Incorrect type. Expected pk value, received bool."],"n":["A valid integer is required."]}`},
		{js, `{"key":99999999999999999999,"n":null}`, 400, `{"key":["Invalid pk \"99999999999999999999\" - object does not exist."],"n":["This field may not be null."]}`},
		{js, `{"key":-1,"text":[],"keys":5}`, 400, `{"key":["Invalid pk \"-1\" - object does not exist."],"keys":["Expected a list of items but got type \"int\"."],"text":["Not a valid string."]}`},
	} {
		ask(t, "PATCH", url, test.body, test.header).is(t, test.status, test.want)
	}
}

func TestMarshal(t *testing.T) {
	type inner struct {
		B string `json:"b" since:"1.3"`
	}
	type outer struct {
		A int `json:"a" since:"1.1"`
		inner
		C *inner   `json:"c"`
		D []string `json:"d"`
		E any      `json:"e"`
		F string   `json:"-"`
	}
	v := outer{A: 1, inner: inner{"x"}, E: map[string][]inner{"k": {{"y"}}}}
	for version, want := range map[Version]string{
		V10: `{"c":null,"d":[],"e":{"k":[{}]}}`,
		V12: `{"a":1,"c":null,"d":[],"e":{"k":[{}]}}`,
		V14: `{"a":1,"b":"x","c":null,"d":[],"e":{"k":[{"b":"y"}]}}`,
	} {
		if got, err := Marshal(version, v); err != nil || string(got) != want {
			t.Errorf("%s: %s %v, want %s", version, got, err, want)
		}
	}
	const text = "é<&>\"\\\n\r\t\b\f\x01\x7f\u2028\xff😀"
	if got, err := Marshal(Newest, text); err != nil || string(got) != `"é<&>\"\\\n\r\t\b\f\u0001`+"\x7f"+`\u2028\ufffd😀"` {
		t.Errorf("%s %v", got, err)
	}
	if got, err := Marshal(Newest, []any{json.RawMessage(`{"raw":1}`), 1.5, nil, true}); err != nil || string(got) != `[{"raw":1},1.5,null,true]` {
		t.Errorf("%s %v", got, err)
	}
}

// TestGoneClient: a client that goes away in the middle is no error of the site, which administrators would be called for.
func TestGoneClient(t *testing.T) {
	for _, gone := range []bool{false, true} {
		var log bytes.Buffer
		s := New(Options{}, people{}, clock.NewFake(0), slog.New(slog.NewTextHandler(&log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		if gone {
			cancel()
		}
		w := httptest.NewRecorder()
		c := &Call{W: w, R: httptest.NewRequestWithContext(ctx, "GET", "/api/patches/", nil), shell: s}
		c.fail(fault.Wrap(fault.Unavailable, context.Canceled, "read patches"))
		if logged := strings.Contains(log.String(), "level=ERROR"); w.Code != 503 || logged == gone {
			t.Errorf("gone %v: %d, %q", gone, w.Code, log.String())
		}
		cancel()
	}
}
