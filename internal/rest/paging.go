// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Page is the part of a list that was asked for.
type Page struct {
	Offset, Limit int
}

// Page reads page and per_page of the request for a list of so many objects, and writes the Link header. A page that is not there is 404; the
// first page always is.
func (c *Call) Page(total int) (Page, error) {
	q := c.query()
	per := c.perPage(q)
	pages := max(1, (total+per-1)/per)
	page := 1
	switch asked := q.Get("page"); {
	case asked == "last":
		page = pages
	case q.Has("page"):
		n, err := strconv.Atoi(asked)
		if err != nil || n < 1 || n > pages {
			return Page{}, &said{http.StatusNotFound, "Invalid page."}
		}
		page = n
	}
	c.W.Header().Set("Link", c.links(q, page, pages))
	return Page{Offset: (page - 1) * per, Limit: per}, nil
}

// links are in the order in which pwclient looks for them: next first, if there is one.
func (c *Call) links(q url.Values, page, pages int) string {
	var out []string
	link := func(rel string, n int) {
		other := maps.Clone(q)
		other.Set("page", strconv.Itoa(n))
		if rel == "prev" && n == 1 {
			other.Del("page")
		}
		address := c.Base + c.R.URL.EscapedPath()
		if len(other) > 0 {
			address += "?" + other.Encode() // sorted by key
		}
		out = append(out, "<"+address+`>; rel="`+rel+`"`)
	}
	if page < pages {
		link("next", page+1)
	}
	if page > 1 {
		link("prev", page-1)
	}
	link("first", 1)
	link("last", pages)
	return strings.Join(slices.Clip(out), ", ")
}

// perPage is how many objects a page has, as the client says within bounds.
func (c *Call) perPage(q url.Values) int {
	if n, err := strconv.Atoi(q.Get("per_page")); err == nil && n > 0 {
		return min(n, c.shell.opt.MostPerPage)
	}
	return c.shell.opt.PerPage
}
