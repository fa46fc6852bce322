// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// Frame puts the body of a page into the layout of the site and sends it.
type Frame func(w http.ResponseWriter, r *http.Request, status int, title string, body templ.Component)

// view is an answer as a page shows it.
type view struct {
	Title   string
	Doc     string
	Version string // that was asked for; empty: none
	Asked   string // method and address
	Status  string
	Others  []pageLink // the same in other versions
	JSON    string     // address of the answer alone
	Docs    string     // address of the documentation
	Filters []filter
	Links   []pageLink
	Allow   string
	Body    templ.Component
}

type pageLink struct {
	Text, Rel, To string
	Here          bool
}

// filter is a parameter of the address as a form shows it.
type filter struct {
	Param
	Values []string // as given; one that may be repeated has an empty one more
}

// show answers with a page. What a form has sent is cleaned of empty fields first: in a filter, empty is a value.
func (c *Call) show(status int, text []byte) error {
	q := maps.Clone(c.query())
	if to, ok := c.tidied(q); ok {
		http.Redirect(c.W, c.R, to, http.StatusSeeOther)
		return nil
	}
	v := view{Title: c.route.name(), Doc: c.op.Doc, Asked: c.R.Method + " " + c.R.URL.RequestURI(), Status: strconv.Itoa(status) + " " + http.StatusText(status), Docs: "/api/docs",
		Allow: c.W.Header().Get("Allow"), Body: readable{text, c.Base}, Links: linksOf(c.W.Header().Get("Link")), Filters: c.filterForm()}
	prefix := strings.TrimPrefix(c.API, c.Unversioned)
	v.Version = strings.TrimPrefix(prefix, "/")
	v.Others = c.otherVersions(prefix, q)
	q.Set("format", "json")
	v.JSON = withQuery(c.R.URL.EscapedPath(), q)
	c.shell.opt.Frame(c.W, c.R, status, v.Title, answerPage(v))
	return nil
}

// tidied is the address of what a form of ours asks for, without its empty fields and, for a browser, without the mark of the form.
func (c *Call) tidied(q url.Values) (to string, ok bool) {
	if q.Get("format") != "api" || c.R.Method != http.MethodGet {
		return "", false
	}
	q.Del("format")
	empty := false
	maps.DeleteFunc(q, func(name string, values []string) bool {
		q[name] = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
		empty = empty || len(q[name]) < len(values)
		return len(q[name]) == 0
	})
	return withQuery(c.R.URL.EscapedPath(), q), empty || c.wantsPage()
}

func withQuery(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// otherVersions are the same address without a version and in all that have it.
func (c *Call) otherVersions(prefix string, q url.Values) []pageLink {
	path := strings.TrimPrefix(c.R.URL.EscapedPath(), "/api"+prefix)
	out := []pageLink{{Text: "newest", To: withQuery("/api"+path, q), Here: prefix == ""}}
	for v := c.route.Since; v <= Newest; v++ {
		p := "/" + v.String()
		out = append(out, pageLink{Text: v.String(), To: withQuery("/api"+p+path, q), Here: prefix == p})
	}
	return out
}

// linksOf reads a Link header of ours.
func linksOf(header string) []pageLink {
	words := map[string]string{"next": "Next", "prev": "Previous", "first": "First", "last": "Last"}
	var out []pageLink
	for _, part := range strings.Split(header, ", <") {
		to, rel, ok := strings.Cut(strings.TrimPrefix(part, "<"), `>; rel="`)
		rel = strings.TrimSuffix(rel, `"`)
		if ok && words[rel] != "" {
			out = append(out, pageLink{Text: words[rel], Rel: rel, To: to})
		}
	}
	order := []string{"first", "prev", "next", "last"}
	slices.SortFunc(out, func(a, b pageLink) int { return slices.Index(order, a.Rel) - slices.Index(order, b.Rel) })
	return out
}

// filterForm are the parameters that the address takes in this version, with the values that it has.
func (c *Call) filterForm() []filter {
	params := slices.Clone(c.op.Query)
	if c.op.Paged && !slices.ContainsFunc(params, func(p Param) bool { return p.Name == "per_page" }) {
		params = append(params, perPageParam)
	}
	var out []filter
	for _, p := range params {
		if p.Since > c.Version || p.Name == "page" || p.Name == "cursor" {
			continue
		}
		f := filter{p, slices.Clone(c.query()[p.Name])}
		if p.Repeated || len(f.Values) == 0 {
			f.Values = append(f.Values, "")
		}
		if !p.Repeated {
			f.Values = f.Values[len(f.Values)-1:]
		}
		out = append(out, f)
	}
	return out
}

var perPageParam = Param{Name: "per_page", Type: Number, Doc: "objects on a page"}

// choices are what a form offers for a filter; nil: anything.
func (f filter) choices() []string {
	if f.Type == Bool {
		return []string{"true", "false"}
	}
	return f.Enum
}

func (f filter) placeholder() string {
	switch f.Type {
	case Instant:
		return "2026-01-31T12:00:00"
	case Number:
		return "number"
	}
	return ""
}
