// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"cmp"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// docsPage is what the documentation shows of a version.
type docsPage struct {
	Version  string
	Prefix   string // below /api
	Versions []pageLink
	Spec     string // address of the document for programs
	Script   string // address of what tries requests; empty: none
	User     string // who is logged in
	Tags     []docsTag
}

type docsTag struct {
	Name string
	Ops  []docsOp
}

type docsOp struct {
	operation
	Full   string // path with /api and the version
	Path   []Param
	Query  []Param
	Fields []Field // of the body
	Answer []docsField
	IsList bool
}

// docsField is a field of an answer.
type docsField struct{ Name, Type string }

// hangDocs hangs the page that people read. Without a frame there is none.
func (s *Shell) hangDocs(mux *http.ServeMux) {
	if s.opt.Frame == nil {
		return
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, prefix := Newest, ""
		if asked := r.URL.Query().Get("version"); asked != "" {
			var err error
			if v, err = parseVersion(asked); err != nil {
				s.opt.NotFound.ServeHTTP(w, r)
				return
			}
			prefix = "/" + asked
		}
		page := s.docs(v, prefix)
		c := &Call{W: w, R: r, shell: s}
		if c.recognize("") == nil {
			page.User = c.User.Username
		}
		w.Header().Add("Vary", "Cookie, Authorization")
		s.opt.Frame(w, r, http.StatusOK, "API documentation", docsBody(page))
	})
	mux.Handle("GET /api/docs/{$}", h)
	mux.Handle("GET /api/docs", h)
}

func (s *Shell) docs(v Version, prefix string) docsPage {
	page := docsPage{Version: v.String(), Prefix: prefix, Spec: "/api" + prefix + "/openapi.json", Script: s.opt.Script}
	for _, at := range prefixes() {
		link := pageLink{Text: "newest", To: "/api/docs", Here: at.prefix == prefix}
		if at.prefix != "" {
			link.Text, link.To = at.version.String(), "/api/docs?version="+at.version.String()
		}
		page.Versions = append(page.Versions, link)
	}
	for _, o := range s.operations(v) {
		i := slices.IndexFunc(page.Tags, func(t docsTag) bool { return t.Name == o.Tag })
		if i < 0 {
			i = len(page.Tags)
			page.Tags = append(page.Tags, docsTag{Name: o.Tag})
		}
		page.Tags[i].Ops = append(page.Tags[i].Ops, o.docs(v, prefix))
	}
	order := s.chapters(v)
	place := func(t docsTag) int {
		if i := slices.Index(order, t.Name); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(page.Tags, func(a, b docsTag) int { return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.Name, b.Name)) })
	return page
}

// chapters are the index of the API and what it lists, in its order.
func (s *Shell) chapters(v Version) []string {
	for _, r := range s.routes {
		index := reflect.TypeOf(r.Methods[http.MethodGet].Answer)
		if r.Path != "/" || index == nil || index.Kind() != reflect.Struct {
			continue
		}
		order := []string{r.Tag}
		for _, f := range wireFields(index) {
			if f.since <= v {
				order = append(order, f.key())
			}
		}
		return order
	}
	return nil
}

func (o operation) docs(v Version, prefix string) docsOp {
	d := docsOp{operation: o, Full: "/api" + prefix + o.Route.Path, Path: o.pathParams(), Query: o.queryParams(v)}
	d.Fields = slices.DeleteFunc(slices.Clone(o.Body), func(f Field) bool { return f.Since > v })
	if o.Op.Answer == nil {
		return d
	}
	t := reflect.TypeOf(o.Op.Answer)
	d.IsList = t.Kind() == reflect.Slice
	if t = elem(t); t.Kind() == reflect.Struct {
		for _, f := range wireFields(t) {
			if f.since <= v {
				d.Answer = append(d.Answer, docsField{f.key(), typeName(t.FieldByIndex(f.index).Type)})
			}
		}
	}
	return d
}

// typeName is a type in words.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem()) + " or null"
	case reflect.Slice:
		return "list of " + typeName(item(t))
	case reflect.Map:
		return "object"
	case reflect.Struct:
		return label(t.Name())
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Interface:
		return "any"
	}
	return "number"
}

// words are the type of a parameter or field, and what it takes.
func words(t Type, enum []string, most int) string {
	name := map[Type]string{"": "text", Text: "text", Number: "number", Bool: "true or false", Instant: "time", Object: "object", Numbers: "list of numbers", Texts: "list of texts", Anything: "any"}[t]
	if len(enum) > 0 {
		name = strings.Join(enum, ", ")
	}
	if most > 0 {
		name += ", at most " + strconv.Itoa(most)
	}
	return name
}

// sample is a body to begin with.
func (d docsOp) sample() string {
	var out []string
	for _, f := range d.Fields {
		if f.Required || len(d.Fields) == 1 {
			out = append(out, `"`+f.Name+`": `+sampleValue(f))
		}
	}
	if len(out) == 0 && len(d.Fields) > 0 {
		out = append(out, `"`+d.Fields[0].Name+`": `+sampleValue(d.Fields[0]))
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func sampleValue(f Field) string {
	switch f.Type {
	case Number:
		return "1"
	case Bool:
		return "true"
	case Numbers, Texts:
		return "[]"
	case Object:
		return "{}"
	}
	if len(f.Enum) > 0 {
		return `"` + f.Enum[0] + `"`
	}
	return `""`
}

// success is the status of an operation that succeeds, with its name.
func success(o Op) string {
	status := o.Status
	if status == 0 {
		status = http.StatusOK
	}
	return strconv.Itoa(status) + " " + http.StatusText(status)
}
