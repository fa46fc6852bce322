// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"patchwork.example/pw/internal/account"
)

// Route is a path of the API and what its methods do. It is what requests are answered by and what the documentation is made of.
type Route struct {
	Path    string  // below /api/ or /api/1.x/, with a slash at its end: /patches/{id}/
	Since   Version // the first that has it; in older ones it is no path of the site
	Tag     string  // chapter of the documentation, as "patches"
	Methods map[string]Op
}

// Op is what one method of a route does.
type Op struct {
	Do     func(*Call) error
	Doc    string  // in one line
	Since  Version // before, the method is 405
	Query  []Param
	Body   []Field
	Answer any    // zero value of the wire type, Patch{} or []Patch{}; nil: nothing
	Status int    // of success; 0: 200
	Paged  bool   // it takes page and per_page, and answers with Link
	Scope  string // what a token must be good for; empty: account.ScopeRead to read, else account.ScopeWrite
	Media  string // a content type it can answer with beside JSON, as text/event-stream; Call.Accepts tells whether that is asked for
}

// Type is the type of a parameter or of a field of a body.
type Type string

// The types. Lists are written as repeated keys in queries and forms.
const (
	Text     Type = "string"
	Number   Type = "integer"
	Bool     Type = "boolean"
	Instant  Type = "date-time" // ISO 8601
	Object   Type = "object"
	Numbers  Type = "integers"
	Texts    Type = "strings"
	Anything Type = "any"
)

// Param is a parameter in the query of an address.
type Param struct {
	Name     string
	Type     Type // empty: Text
	Doc      string
	Repeated bool // given several times, any of the values may match
	Enum     []string
	Since    Version // older ones ignore it
}

// Field is a field that a body may have. What is in none is ignored.
type Field struct {
	Name     string
	Type     Type // empty: Text
	Doc      string
	Max      int  // characters or items; 0: as much as a body may have
	Null     bool // null is allowed
	Required bool // for POST and PUT
	Enum     []string
	Fields   []Field // of an Object
	Since    Version // older ones ignore it
}

// scope is what a token must be good for to do this.
func (o Op) scope(method string) string {
	switch {
	case o.Scope != "":
		return o.Scope
	case method == http.MethodGet:
		return account.ScopeRead
	}
	return account.ScopeWrite
}

// allow is the Allow header: the same in all versions, as in Patchwork 3.2.
func (r Route) allow() string {
	var out []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if _, ok := r.Methods[method]; ok {
			out = append(out, method)
		}
	}
	if _, ok := r.Methods["GET"]; ok {
		out = append(out, "HEAD")
	}
	return strings.Join(append(out, "OPTIONS"), ", ")
}

// Route hangs a route into mux: below /api/ and below each version that has it, with and without the slash at its end.
func (s *Shell) Route(mux *http.ServeMux, r Route) {
	s.routes = append(s.routes, r)
	s.hang(mux, r, Newest, "")
	for v := r.Since; v <= Newest; v++ {
		s.hang(mux, r, v, "/"+v.String())
	}
}

func (s *Shell) hang(mux *http.ServeMux, r Route, v Version, prefix string) {
	h := s.handler(r, v, prefix)
	mux.Handle("/api"+prefix+r.Path+"{$}", h)
	mux.Handle("/api"+prefix+strings.TrimSuffix(r.Path, "/"), h)
}

// methods are the names of the methods of a route, sorted.
func (r Route) methods() []string { return slices.Sorted(maps.Keys(r.Methods)) }
