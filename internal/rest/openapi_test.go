// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"log/slog"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
)

type wireSaucer struct {
	ID    int64    `json:"id"`
	Names []string `json:"names"`
}

type wireKettle struct {
	wireSaucer
	State   string            `json:"state" enum:"hot,cold"`
	Mood    *string           `json:"mood" enum:"good" since:"1.1"`
	Cup     *wireCup          `json:"cup"`
	Cups    []wireCup         `json:"cups" doc:"what it fills"`
	Sizes   map[string]int    `json:"sizes"`
	Weight  float64           `json:"weight"`
	Full    bool              `json:"full"`
	Extra   any               `json:"extra" since:"1.4"`
	Odd     odd               `json:"odd"`
	Foreign map[string]string `json:"-"`
}

// odd writes itself.
type odd struct{}

func (odd) MarshalJSON() ([]byte, error) { return []byte(`"odd"`), nil }
func (odd) JSONSchema() map[string]any {
	return map[string]any{"type": "string", "const": "odd"}
}

func kettles(t *testing.T) (url string) {
	t.Helper()
	frame := func(w http.ResponseWriter, r *http.Request, status int, title string, body templ.Component) {
		w.WriteHeader(status)
		body.Render(r.Context(), w)
	}
	s := New(Options{SessionCookie: "pw_session", Frame: frame, Script: "/static/try.js"}, people{}, clock.NewFake(0), slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	none := func(c *Call) error { return c.NoContent() }
	fields := []Field{{Name: "state", Enum: []string{"hot", "cold"}, Required: true, Doc: "how it is"}, {Name: "owner", Type: Number, Null: true}, {Name: "mood", Enum: []string{"good"}, Null: true},
		{Name: "names", Type: Texts, Max: 9}, {Name: "title", Max: 255}, {Name: "when", Type: Instant}, {Name: "extra", Type: Anything, Since: V14},
		{Name: "settings", Type: Object, Fields: []Field{{Name: "n", Type: Number}}}, {Name: "ids", Type: Numbers}}
	s.Route(mux, Route{Path: "/kettles/", Tag: "kettles", Methods: map[string]Op{
		"GET":  {Do: none, Doc: "All kettles", Answer: []wireKettle{}, Paged: true, Query: []Param{{Name: "state", Enum: []string{"hot", "cold"}, Repeated: true}, CursorParam, {Name: "q", Since: V13}}, Media: "text/event-stream"},
		"POST": {Do: none, Doc: "Makes a kettle", Answer: wireKettle{}, Status: 201, Body: fields, Since: V12},
	}})
	s.Route(mux, Route{Path: "/kettles/{id}/", Tag: "kettles", Methods: map[string]Op{
		"GET": {Do: none, Doc: "A kettle", Answer: wireKettle{}}, "PATCH": {Do: none, Doc: "Changes a kettle", Answer: wireKettle{}, Body: fields}, "PUT": {Do: none, Doc: "Changes a kettle", Answer: wireKettle{}, Body: fields},
		"DELETE": {Do: none, Doc: "Throws a kettle away", Status: 204}}})
	s.Route(mux, Route{Path: "/projects/{project}/berries/{id}/", Since: V14, Tag: "lids", Methods: map[string]Op{"GET": {Do: none, Doc: "A berry", Answer: wireCup{}}}})
	s.Route(mux, Route{Path: "/projects/{project}/lids/{id}/turn-off/", Since: V14, Tag: "lids", Methods: map[string]Op{"POST": {Do: none, Doc: "Turns it off", Status: 202}}})
	s.Route(mux, Route{Path: "/cups/", Tag: "cups", Methods: map[string]Op{"GET": {Do: none, Doc: "All cups", Answer: []wireCup{}}}})
	s.Route(mux, Route{Path: "/", Tag: "index", Methods: map[string]Op{"GET": {Do: none, Doc: "Where the lists are", Answer: struct {
		Lids    string `json:"lids" since:"1.4"`
		Kettles string `json:"kettles"`
	}{}}}})
	s.Describe(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func document(t *testing.T, address string) (doc map[string]any) {
	t.Helper()
	a := ask(t, "GET", address, "", "Accept: text/html")
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil || a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/json" || a.Header.Get("ETag") == "" {
		t.Fatalf("%s: %d %v, %v", address, a.StatusCode, a.Header, err)
	}
	return doc
}

// same compares a part of a document with JSON.
func same(t *testing.T, doc map[string]any, path, want string) {
	t.Helper()
	var got any = doc
	for name := range strings.SplitSeq(path, " ") {
		if m, ok := got.(map[string]any); ok {
			got = m[name]
		}
	}
	text, _ := json.Marshal(got)
	var a, b bytes.Buffer
	if err := json.Indent(&a, text, "", " "); err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal([]byte(want), &v); err != nil {
		t.Fatal(err)
	}
	text, _ = json.Marshal(v)
	json.Indent(&b, text, "", " ")
	if diff := cmp.Diff(b.String(), a.String()); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}

func TestOpenAPI(t *testing.T) {
	url := kettles(t)
	doc := document(t, url+"/api/openapi.json")
	same(t, doc, "openapi", `"3.1.0"`)
	same(t, doc, "servers", `[{"url": "/api"}]`)
	same(t, doc, "components schemas WireKettle", `{"type": "object", "required": ["id", "names", "state", "mood", "cup", "cups", "sizes", "weight", "full", "extra", "odd"], "properties": {
		"id": {"type": "integer"}, "names": {"type": "array", "items": {"type": "string"}}, "state": {"type": "string", "enum": ["hot", "cold"]},
		"mood": {"type": ["string", "null"], "enum": ["good", null]}, "cup": {"anyOf": [{"$ref": "#/components/schemas/WireCup"}, {"type": "null"}]},
		"cups": {"type": "array", "items": {"$ref": "#/components/schemas/WireCup"}, "description": "what it fills"}, "sizes": {"type": "object", "additionalProperties": {"type": "integer"}},
		"weight": {"type": "number"}, "full": {"type": "boolean"}, "extra": {}, "odd": {"const": "odd", "type": "string"}}}`)
	same(t, doc, "components schemas WireCup required", `["id", "name", "owner"]`)
	body := `{"type": "object", "properties": {"state": {"type": "string", "enum": ["hot", "cold"], "description": "how it is"}, "owner": {"type": ["integer", "null"]},
		"mood": {"type": ["string", "null"], "enum": ["good", null]}, "names": {"type": "array", "items": {"type": "string"}, "maxItems": 9}, "title": {"type": "string", "maxLength": 255},
		"when": {"type": "string", "format": "date-time"}, "extra": {}, "settings": {"type": "object", "properties": {"n": {"type": "integer"}}}, "ids": {"type": "array", "items": {"type": "integer"}}}`
	same(t, doc, "paths /kettles/ post requestBody content application/x-www-form-urlencoded schema", body+`, "required": ["state"]}`)
	same(t, doc, "paths /kettles/{id}/ patch requestBody content application/json schema", body+`}`)
	same(t, doc, "paths /kettles/{id}/ patch requestBody required", `false`)
	same(t, doc, "paths /kettles/ post responses 201", `{"description": "Created", "headers": {"Location": {"$ref": "#/components/headers/Location"}}, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/WireKettle"}}}}`)
	same(t, doc, "paths /kettles/ get", `{"operationId": "listKettles", "summary": "All kettles", "tags": ["kettles"], "parameters": [
		{"name": "state", "in": "query", "schema": {"type": "array", "items": {"type": "string", "enum": ["hot", "cold"]}}},
		{"name": "cursor", "in": "query", "description": "page by page from the first (empty) on, each at the address that Link gives; costs the same however far, and counts nothing", "schema": {"type": "string"}},
		{"name": "q", "in": "query", "schema": {"type": "string"}}, {"name": "page", "in": "query", "description": "number of the page, or last", "schema": {"type": "string"}},
		{"name": "per_page", "in": "query", "description": "objects on a page", "schema": {"type": "integer"}}],
		"responses": {"200": {"description": "OK", "headers": {"Link": {"$ref": "#/components/headers/Link"}, "ETag": {"$ref": "#/components/headers/ETag"}},
			"content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/WireKettle"}}}, "text/event-stream": {"schema": {"type": "string"}}}},
			"304": {"$ref": "#/components/responses/NotModified"}, "400": {"$ref": "#/components/responses/BadRequest"}, "403": {"$ref": "#/components/responses/Forbidden"},
			"404": {"$ref": "#/components/responses/NotFound"}, "429": {"$ref": "#/components/responses/TooManyRequests"}, "default": {"$ref": "#/components/responses/Error"}},
		"security": [{}, {"token": []}, {"bearer": []}, {"basic": []}, {"session": []}]}`)
	same(t, doc, "paths /projects/{project}/berries/{id}/ get operationId", `"getProjectBerry"`)
	same(t, doc, "paths /projects/{project}/lids/{id}/turn-off/ post operationId", `"createProjectLidTurnOff"`)
	same(t, doc, "paths /projects/{project}/lids/{id}/turn-off/ post parameters", `[{"name": "project", "in": "path", "required": true, "description": "number or link name of the project", "schema": {"type": "string"}},
		{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}]`)
	same(t, doc, "paths /projects/{project}/lids/{id}/turn-off/ post responses 202", `{"description": "Accepted"}`)
	same(t, doc, "components securitySchemes session", `{"type": "apiKey", "in": "cookie", "name": "pw_session", "description": "login in a browser; changes must come from a page of this site"}`)
}

// Each version has its own document: what came later is not in it.
func TestOpenAPIOfVersions(t *testing.T) {
	url := kettles(t)
	old := document(t, url+"/api/1.0/openapi.json")
	same(t, old, "servers", `[{"url": "/api/1.0"}]`)
	same(t, old, "info version", `"1.0"`)
	same(t, old, "components schemas WireKettle required", `["id", "names", "state", "cup", "cups", "sizes", "weight", "full", "odd"]`)
	same(t, old, "components schemas WireCup properties", `{"id": {"type": "integer"}, "name": {"type": "string"}}`)
	same(t, old, "paths /kettles/ post", `null`)
	same(t, old, "paths /projects/{project}/lids/{id}/turn-off/", `null`)
	text, _ := json.Marshal(old["paths"])
	if bytes.Contains(text, []byte(`"q"`)) || bytes.Contains(text, []byte(`"extra"`)) {
		t.Errorf("a parameter or a field of later versions: %s", text)
	}
	same(t, document(t, url+"/api/1.3/openapi.json"), "paths /kettles/ post operationId", `"createKettle"`)
}

func TestDocs(t *testing.T) {
	url := kettles(t)
	for address, want := range map[string][]string{
		"/api/docs": {`<details class="api-op" id="listKettles" data-method="GET" data-path="/api/kettles/">`, `id="createProjectLidTurnOff"`, `href="/api/openapi.json"`, `<script src="/static/try.js" defer></script>`,
			`<a href="/api/docs" aria-current="page">newest</a>`, `hot, cold`, `(may be repeated)`, `(required)`, `list of WireCup`, `{&#34;state&#34;: &#34;hot&#34;}`, `not logged in`},
		"/api/docs/?version=1.0": {`data-path="/api/1.0/kettles/{id}/"`, `href="/api/1.0/openapi.json"`, `!createKettle`, `!createProjectLid`, `!<code>extra</code>`},
	} {
		a := ask(t, "GET", url+address, "")
		for _, part := range want {
			part, not := strings.CutPrefix(part, "!")
			if a.StatusCode != 200 || strings.Contains(a.body, part) == not {
				t.Errorf("%s: %d, %q", address, a.StatusCode, part)
			}
		}
	}
	for version, want := range map[string]string{"": "index lids kettles cups", "?version=1.0": "index kettles cups"} { // as the index lists them
		var chapters []string
		for _, m := range regexp.MustCompile(`<h2 id="([a-z]+)"`).FindAllStringSubmatch(ask(t, "GET", url+"/api/docs"+version, "").body, -1) {
			chapters = append(chapters, m[1])
		}
		if got := strings.Join(chapters, " "); got != want {
			t.Errorf("%s: chapters %s, want %s", version, got, want)
		}
	}
	if a := ask(t, "GET", url+"/api/docs", "", "Cookie: pw_session=sess"); !strings.Contains(a.body, "as ann, who is logged in") {
		t.Error("who is logged in is not told so")
	}
	ask(t, "GET", url+"/api/docs?version=1.5", "").is(t, 404, "404 page not found\n")
}
