// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	"github.com/pb33f/libopenapi/datamodel"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// openAPISchema is the schema of OpenAPI 3.1 documents.
func openAPISchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := jsonschema.UnmarshalJSON(strings.NewReader(datamodel.OpenAPI31SchemaData))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openapi.json", raw); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestOpenAPIDocuments: the document of each version is what OpenAPI 3.1 says, all its references lead somewhere, and every schema in it is one.
func TestOpenAPIDocuments(t *testing.T) {
	schema := openAPISchema(t)
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	for _, prefix := range []string{"", "/1.0", "/1.1", "/1.2", "/1.3", "/1.4"} {
		a := s.get("/api" + prefix + "/openapi.json")
		s.expect(a, http.StatusOK)
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(a.body))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", prefix, err)
		}
		doc, err := libopenapi.NewDocument([]byte(a.body))
		if err != nil {
			t.Fatalf("%s: %v", prefix, err)
		}
		if _, err := doc.BuildV3Model(); err != nil {
			t.Errorf("%s: %v", prefix, err)
		}
		compileSchemas(t, prefix, v.(map[string]any))
		operationsAreSound(t, prefix, a.body)
	}
}

// compileSchemas finds what is no JSON Schema.
func compileSchemas(t *testing.T, prefix string, doc map[string]any) {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("doc.json", doc); err != nil {
		t.Fatal(err)
	}
	components := doc["components"].(map[string]any)["schemas"].(map[string]any)
	if len(components) < 2 {
		t.Errorf("%s: only %d schemas", prefix, len(components))
	}
	for name := range components {
		if _, err := c.Compile("doc.json#/components/schemas/" + name); err != nil {
			t.Errorf("%s: %s: %v", prefix, name, err)
		}
	}
}

var inBraces = regexp.MustCompile(`\{(\w+)\}`)

// operationsAreSound: names of operations are there once, the parameters of a path are those in its braces, and each has a summary.
func operationsAreSound(t *testing.T, prefix, body string) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Summary     string
			Tags        []string
			Parameters  []struct{ Name, In string }
		}
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if other := seen[op.OperationID]; other != "" || op.Summary == "" || len(op.Tags) != 1 || !regexp.MustCompile(`^[a-z][A-Za-z0-9]+$`).MatchString(op.OperationID) {
				t.Errorf("%s %s %s: id %q (also of %s), summary %q, tags %v", prefix, method, path, op.OperationID, other, op.Summary, op.Tags)
			}
			seen[op.OperationID] = method + " " + path
			names := map[string]bool{}
			for _, p := range op.Parameters {
				if names[p.In+p.Name] {
					t.Errorf("%s %s %s: %s twice", prefix, method, path, p.Name)
				}
				names[p.In+p.Name] = true
			}
			for _, m := range inBraces.FindAllStringSubmatch(path, -1) {
				if !names["path"+m[1]] {
					t.Errorf("%s %s %s: %s is not described", prefix, method, path, m[1])
				}
			}
		}
	}
}

// TestAPIShell: what stands around all of the API is there in the whole program.
func TestAPIShell(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite), func(c *config.Config) {
		c.HTTP.CORSOrigins, c.HTTP.APIRate = []string{"https://ci.example.org"}, 1000
	})
	s.project("alpha")
	s.user("maint", "maint@users.example", false)
	s.maintainer("alpha", "maint")
	token, list := s.apiToken("maint"), "/api/1.4/projects/alpha/webhooks/"
	a := s.visit("", "GET", list, "", token, "Origin: https://ci.example.org")
	s.is(a, 200, "[]")
	for name, want := range map[string]string{"Allow": "GET, POST, HEAD, OPTIONS", "Access-Control-Allow-Origin": "https://ci.example.org", "RateLimit-Limit": "1000", "RateLimit-Remaining": "999",
		"Content-Type": "application/json", "Content-Length": "2", "Cache-Control": "private, no-cache", "X-Frame-Options": "DENY"} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	tag := a.Header.Get("ETag")
	for range 3 {
		if b := s.visit("", "GET", list, "", token, "If-None-Match: "+tag); b.StatusCode != 304 || b.body != "" {
			t.Errorf("%d %s", b.StatusCode, b.body)
		}
	}
	if b := s.visit("", "OPTIONS", list, "", "Origin: https://ci.example.org", "Access-Control-Request-Method: POST"); b.StatusCode != 204 || b.Header.Get("Access-Control-Allow-Methods") == "" {
		t.Errorf("preflight: %d %v", b.StatusCode, b.Header)
	}
	s.expect(s.visit("", "OPTIONS", list, "", token), 200, `"name":"Webhook List"`, `"actions":{"POST":{`)
	s.is(s.get("/api/1.4/projects/alpha/webhooks/?format=xml"), 404, `{"detail":"Not found."}`)
	page := s.visit("", "GET", list, "", token, "Accept: text/html,*/*;q=0.8")
	s.expect(page, 200, `<h1>Webhook List</h1>`, `<a class="skip"`, `!<script>`, `!style=`)
	if got := strings.Join(page.Header.Values("Vary"), ", "); !strings.Contains(got, "Accept") || page.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("page: Vary %s, %s", got, page.Header.Get("Content-Type"))
	}
	s.expect(s.get("/api/docs"), 200, `id="listProjectWebhooks"`, `/static/apidocs.`, `href="/api/openapi.json"`)
	s.expect(s.get("/api/docs?version=1.0"), 200, `!listProjectWebhooks`)
	s.expect(s.get("/api/docs?version=2"), 404, "<h1>Not found</h1>")
	for _, path := range []string{"/xmlrpc/", "/xmlrpc"} {
		s.expect(s.get(path), 410, "backend = rest")
		s.expect(s.visit("", "POST", path, "<methodCall/>"), 410, "<name>faultCode</name><value><int>410</int></value>")
	}
}

// TestAPISwitchedOff: nothing of it is there, not even what is said about it.
func TestAPISwitchedOff(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite), func(c *config.Config) { c.HTTP.API, c.HTTP.CORSOrigins = false, []string{"*"} })
	for _, path := range []string{"/api/", "/api/docs", "/api/openapi.json", "/api/1.4/projects/1/webhooks/"} {
		a := s.get(path)
		s.expect(a, 404, "<h1>Not found</h1>", `!href="/api/docs"`)
		if a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, a.Header)
		}
	}
}

// A meta-schema that takes everything would find nothing.
func TestOpenAPISchemaRefuses(t *testing.T) {
	schema := openAPISchema(t)
	for _, bad := range []string{`{}`, `{"openapi":"3.0.0","info":{"title":"x","version":"1"},"paths":{}}`, `{"openapi":"3.1.0","info":{"title":"x","version":"1"},"paths":{"no-slash":{}}}`,
		`{"openapi":"3.1.0","info":{"title":"x","version":"1"},"paths":{"/x":{"get":{"parameters":[{"name":"q"}]}}}}`} {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(bad)))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(v) == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}
