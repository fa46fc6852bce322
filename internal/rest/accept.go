// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"net/http"
	"strconv"
	"strings"
)

// negotiate decides whether the answer is JSON or a page. format= in the query decides; else a page is for whoever names text/html in Accept and rates
// JSON lower, as browsers do.
func (c *Call) negotiate() error {
	switch format := c.query().Get("format"); {
	case format == "api" && c.shell.opt.Frame != nil:
		c.page = true
		return nil
	case format == "json":
		return nil
	case format != "":
		return &said{http.StatusNotFound, "Not found."}
	}
	switch {
	case c.shell.opt.Frame != nil && c.wantsPage():
		c.page = true
	case readAccept(c.R.Header.Values("Accept")).quality("application/json") == 0 && !c.Accepts(c.mayAnswer()):
		return &said{http.StatusNotAcceptable, "Could not satisfy the request Accept header."}
	}
	return nil
}

// wantsPage tells whether HTML is named, and JSON is not or liked less.
func (c *Call) wantsPage() bool {
	named := readAccept(c.R.Header.Values("Accept")).exactly
	return max(named["text/html"], named["application/xhtml+xml"]) > named["application/json"]
}

// mayAnswer is what the method that is asked for can answer with beside JSON; HEAD what GET can.
func (c *Call) mayAnswer() string {
	if c.R.Method == http.MethodHead {
		return c.route.Methods[http.MethodGet].Media
	}
	return c.route.Methods[c.R.Method].Media
}

// Accepts tells whether the client names a content type in Accept and likes it better than JSON.
func (c *Call) Accepts(kind string) bool {
	wanted := readAccept(c.R.Header.Values("Accept"))
	return kind != "" && wanted.exactly[kind] > wanted.exactly["application/json"]
}

// accepted is an Accept header.
type accepted struct {
	any     bool               // there is none: everything is welcome
	exactly map[string]float64 // media range → quality
}

// readAccept reads an Accept header (RFC 9110, 12.5.1). What can't be read is left out.
func readAccept(values []string) accepted {
	a := accepted{exactly: map[string]float64{}}
	header := strings.Join(values, ",")
	if a.any = strings.Trim(header, " \t,") == ""; a.any {
		return a
	}
	for part := range strings.SplitSeq(header, ",") {
		kind, parameters, _ := strings.Cut(part, ";")
		q := 1.0
		for p := range strings.SplitSeq(parameters, ";") {
			if name, value, ok := strings.Cut(p, "="); ok && strings.EqualFold(strings.TrimSpace(name), "q") {
				q, _ = strconv.ParseFloat(strings.TrimSpace(value), 64)
			}
		}
		kind = strings.ToLower(strings.TrimSpace(kind))
		if !(q >= 0 && q <= 1) {
			q = 0
		}
		a.exactly[kind] = max(a.exactly[kind], q)
	}
	return a
}

// quality is how welcome a content type is, 0 for not at all; the most exact range that has it counts.
func (a accepted) quality(kind string) float64 {
	if a.any {
		return 1
	}
	group, _, _ := strings.Cut(kind, "/")
	for _, k := range []string{kind, group + "/*", "*/*"} {
		if q, ok := a.exactly[k]; ok {
			return q
		}
	}
	return 0
}
