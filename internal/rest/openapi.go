// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// CursorParam is among the parameters of a list that Call.Cursor pages.
var CursorParam = Param{Name: "cursor", Doc: "page by page from the first (empty) on, each at the address that Link gives; costs the same however far, and counts nothing"}

var pageParams = []Param{{Name: "page", Doc: "number of the page, or last"}, perPageParam}

// operation is a method of a route in one version, with what documents say of it.
type operation struct {
	Route
	Op
	Method string
	ID     string
}

// operations are those of a version, in the order of their routes.
func (s *Shell) operations(v Version) []operation {
	var out []operation
	taken := map[string]bool{}
	for _, r := range s.routes {
		if r.Since > v || r.Tag == "" {
			continue
		}
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			op, ok := r.Methods[method]
			if !ok || op.Since > v {
				continue
			}
			id := operationID(method, r.Path, op)
			for i := 2; taken[id]; i++ {
				id = operationID(method, r.Path, op) + strconv.Itoa(i)
			}
			taken[id] = true
			out = append(out, operation{r, op, method, id})
		}
	}
	return out
}

// operationID is a name for generated clients: listPatches, getPatchCheck, updateBundle.
func operationID(method, path string, op Op) string {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	isList := op.Answer != nil && reflect.TypeOf(op.Answer).Kind() == reflect.Slice
	verb := map[string]string{"GET": "get", "POST": "create", "PUT": "replace", "PATCH": "update", "DELETE": "delete"}[method]
	if method == http.MethodGet && isList {
		verb = "list"
	}
	var name strings.Builder
	name.WriteString(verb)
	for i, segment := range segments {
		if strings.HasPrefix(segment, "{") || segment == "" {
			continue
		}
		last := i == len(segments)-1
		if !last || method == http.MethodPost {
			segment = singular(segment)
		}
		for part := range strings.SplitSeq(segment, "-") {
			name.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	if name.Len() == len(verb) {
		name.WriteString("Index")
	}
	return name.String()
}

var pathParam = regexp.MustCompile(`\{(\w+)(?:\.\.\.)?\}`)

// pathParams are the parameters in the path of a route. A project may be named by its link name.
func (r Route) pathParams() []Param {
	var out []Param
	for _, m := range pathParam.FindAllStringSubmatchIndex(r.Path, -1) {
		name := r.Path[m[2]:m[3]]
		switch {
		case strings.HasSuffix(r.Path[:m[0]], "/projects/"):
			out = append(out, Param{Name: name, Doc: "number or link name of the project"})
		case strings.Contains(r.Path[m[0]:m[1]], "...") || name == "msgid":
			out = append(out, Param{Name: name})
		default:
			out = append(out, Param{Name: name, Type: Number})
		}
	}
	return out
}

// queryParams are the parameters in the query, in one version.
func (o operation) queryParams(v Version) []Param {
	out := slices.DeleteFunc(slices.Clone(o.Query), func(p Param) bool { return p.Since > v })
	if o.Paged {
		for _, p := range pageParams {
			if !slices.ContainsFunc(out, func(have Param) bool { return have.Name == p.Name }) {
				out = append(out, p)
			}
		}
	}
	return out
}

// document is the OpenAPI 3.1 document of a version, below /api + prefix.
func (s *Shell) document(v Version, prefix string) ([]byte, error) {
	types := newSchemas(v)
	paths := object{}
	for _, o := range s.operations(v) {
		path := pathParam.ReplaceAllString(o.Path, "{$1}")
		entry := member{strings.ToLower(o.Method), o.describe(types, v)}
		if n := len(paths) - 1; n >= 0 && paths[n].name == path {
			paths[n].value = append(paths[n].value.(object), entry)
			continue
		}
		paths = paths.with(path, object{entry})
	}
	return json.Marshal(object{
		{"openapi", "3.1.0"},
		{"info", object{{"title", "Patchwork API"}, {"version", v.String()},
			{"description", "What this site answers, made from the program itself. Both forms of an address, with and without the slash at its end, are answered."}}},
		{"servers", []object{{{"url", "/api" + prefix}}}},
		{"paths", paths},
		{"components", object{
			{"schemas", append(types.components(), errorSchemas()...)},
			{"responses", errorResponses()},
			{"headers", answerHeaders()},
			{"securitySchemes", s.securitySchemes()},
		}},
	})
}

func (o operation) describe(types *schemas, v Version) object {
	d := object{{"operationId", o.ID}, {"summary", o.Doc}, {"tags", []string{o.Tag}}}
	params := []object{}
	for _, p := range o.pathParams() {
		params = append(params, p.describe("path"))
	}
	for _, p := range o.queryParams(v) {
		params = append(params, p.describe("query"))
	}
	if len(params) > 0 {
		d = d.with("parameters", params)
	}
	if len(o.Body) > 0 {
		schema := bodySchema(o.Body, v, o.Method != http.MethodPatch)
		content := object{}
		for _, kind := range parses {
			content = content.with(kind, object{{"schema", schema}})
		}
		d = d.with("requestBody", object{{"required", schema.has("required")}, {"content", content}})
	}
	return append(d, member{"responses", o.responses(types)}, member{"security", o.security()})
}

func (p Param) describe(in string) object {
	schema := p.schema()
	if p.Repeated {
		schema = object{{"type", "array"}, {"items", schema}}
	}
	d := object{{"name", p.Name}, {"in", in}}
	if p.Doc != "" {
		d = d.with("description", p.Doc)
	}
	if in == "path" {
		d = d.with("required", true)
	}
	return d.with("schema", schema)
}

func (o operation) responses(types *schemas) object {
	status := o.Status
	if status == 0 {
		status = http.StatusOK
	}
	success := object{{"description", http.StatusText(status)}}
	headers := object{}
	ref := func(name string) { headers = headers.with(name, object{{"$ref", "#/components/headers/" + name}}) }
	if o.Paged {
		ref("Link")
	}
	if o.Method == http.MethodGet && o.Answer != nil {
		ref("ETag")
	}
	if status == http.StatusCreated {
		ref("Location")
	}
	if len(headers) > 0 {
		success = success.with("headers", headers)
	}
	content := object{}
	if o.Answer != nil {
		content = content.with("application/json", object{{"schema", types.of(reflect.TypeOf(o.Answer))}})
	}
	if o.Media != "" {
		content = content.with(o.Media, object{{"schema", object{{"type", "string"}}}})
	}
	if len(content) > 0 {
		success = success.with("content", content)
	}
	out := object{{strconv.Itoa(status), success}}
	for _, e := range o.errors() {
		out = out.with(strconv.Itoa(e), object{{"$ref", "#/components/responses/" + errorNames[e]}})
	}
	return out.with("default", object{{"$ref", "#/components/responses/Error"}})
}

// errors are the statuses that an operation is expected to answer beside success.
func (o operation) errors() []int {
	var out []int
	if o.Method == http.MethodGet {
		out = append(out, http.StatusNotModified)
	}
	if len(o.Body) > 0 || slices.ContainsFunc(o.Query, func(p Param) bool { return p.Name == "cursor" }) {
		out = append(out, http.StatusBadRequest)
	}
	out = append(out, http.StatusForbidden)
	if o.Paged || strings.Contains(o.Path, "{") {
		out = append(out, http.StatusNotFound)
	}
	if o.Method != http.MethodGet {
		out = append(out, http.StatusPreconditionFailed)
	}
	if len(o.Body) > 0 {
		out = append(out, http.StatusUnsupportedMediaType)
	}
	return append(out, http.StatusTooManyRequests)
}

var errorNames = map[int]string{304: "NotModified", 400: "BadRequest", 403: "Forbidden", 404: "NotFound", 412: "PreconditionFailed", 415: "UnsupportedMediaType", 429: "TooManyRequests"}

func errorSchemas() object {
	return object{
		{"Detail", object{{"type", "object"}, {"properties", object{{"detail", object{{"type", "string"}}}}}, {"required", []string{"detail"}}}},
		{"FieldErrors", object{{"type", "object"}, {"description", "what is wrong with each field; detail: with the body as a whole"},
			{"additionalProperties", object{{"anyOf", []object{{{"type", "array"}, {"items", object{}}}, {{"type", "object"}}}}}}}},
	}
}

func errorResponses() object {
	detail, fields := object{{"$ref", "#/components/schemas/Detail"}}, object{{"$ref", "#/components/schemas/FieldErrors"}}
	answer := func(text string, schema object) object {
		return object{{"description", text}, {"content", object{{"application/json", object{{"schema", schema}}}}}}
	}
	either := object{{"anyOf", []object{detail, fields}}}
	return object{
		{"NotModified", object{{"description", "the answer is the one that If-None-Match names"}}},
		{"BadRequest", answer("the body or a parameter is wrong", either)},
		{"Forbidden", answer("nobody is logged in, or who is may not do this", detail)},
		{"NotFound", object{{"description", "there is no such object or page; a page of HTML if the address is none of the API"},
			{"content", object{{"application/json", object{{"schema", detail}}}, {"text/html", object{{"schema", object{{"type", "string"}}}}}}}}},
		{"PreconditionFailed", answer("the object is not as If-Match says", detail)},
		{"UnsupportedMediaType", answer("the body is of a type that is not read", detail)},
		{"TooManyRequests", answer("too many requests; Retry-After says when to try again", detail)},
		{"Error", answer("anything else", either)},
	}
}

func answerHeaders() object {
	header := func(text string) object {
		return object{{"description", text}, {"schema", object{{"type", "string"}}}}
	}
	return object{
		{"Link", header("addresses of the next, prev, first and last page (RFC 8288)")},
		{"ETag", header("changes when the answer does; for If-None-Match and If-Match")},
		{"Location", header("address of the new object")},
	}
}

func (s *Shell) securitySchemes() object {
	return object{
		{"token", object{{"type", "apiKey"}, {"in", "header"}, {"name", "Authorization"}, {"description", "Token SECRET"}}},
		{"bearer", object{{"type", "http"}, {"scheme", "bearer"}, {"description", "a token"}}},
		{"basic", object{{"type", "http"}, {"scheme", "basic"}, {"description", "name and password"}}},
		{"session", object{{"type", "apiKey"}, {"in", "cookie"}, {"name", s.opt.SessionCookie}, {"description", "login in a browser; changes must come from a page of this site"}}},
	}
}

// security says that anybody may read, and that who changes something must be known. Some reads need a login too, which their 403 says.
func (o operation) security() []object {
	out := []object{}
	if o.Method == http.MethodGet {
		out = append(out, object{})
	}
	for _, scheme := range []string{"token", "bearer", "basic", "session"} {
		out = append(out, object{{scheme, []string{}}})
	}
	return out
}

// Describe hangs the documents of all routes into mux, which are hung before the first request: /api/openapi.json, one for each version, and /api/docs. A document is made when it is
// first asked for: most processes are never asked, and all of them together take milliseconds.
func (s *Shell) Describe(mux *http.ServeMux) {
	for _, at := range prefixes() {
		document := sync.OnceValues(func() ([]byte, error) { return s.document(at.version, at.prefix) })
		r := Route{Path: "/openapi.json/", Methods: map[string]Op{"GET": {Do: func(c *Call) error {
			text, err := document()
			if err != nil {
				return fmt.Errorf("describe API %s: %w", at.version, err)
			}
			return c.send(http.StatusOK, "application/json", text)
		}}}}
		s.hang(mux, r, at.version, at.prefix)
	}
	s.hangDocs(mux)
}

// place is where a version is found below /api.
type place struct {
	version Version
	prefix  string
}

func prefixes() []place {
	out := []place{{Newest, ""}}
	for v := V10; v <= Newest; v++ {
		out = append(out, place{v, "/" + v.String()})
	}
	return out
}
