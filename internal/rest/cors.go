// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"net/http"
	"slices"
	"strings"
)

// What scripts of other origins may send and read. Cookies are never among it (no Access-Control-Allow-Credentials): such a script brings a token, or
// sees what everybody sees.
const (
	crossMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
	crossHeaders = "Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID"
	crossAnswers = "Link, ETag, Location, Allow, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Request-Id"
	crossMaxAge  = "7200" // seconds that a browser may remember the answer to a preflight request
)

// Front stands before all handlers of a site. Below /api/ it lets browsers read the answers for scripts of the configured origins, and answers
// what they ask before a write (the CORS protocol of the Fetch standard).
func (s *Shell) Front(next http.Handler) http.Handler {
	if len(s.opt.CORSOrigins) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") && r.URL.Path != "/api" || !s.cross(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

// cross writes the headers for scripts of another origin; it reports whether the request was a preflight, which is answered then.
func (s *Shell) cross(w http.ResponseWriter, r *http.Request) (answered bool) {
	h, origin := w.Header(), r.Header.Get("Origin")
	allowed := "*"
	if !slices.Contains(s.opt.CORSOrigins, "*") {
		h.Add("Vary", "Origin")
		if origin == "" || !slices.Contains(s.opt.CORSOrigins, origin) {
			return false
		}
		allowed = origin
	}
	h.Set("Access-Control-Allow-Origin", allowed)
	h.Set("Access-Control-Expose-Headers", crossAnswers)
	if r.Method != http.MethodOptions || origin == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", crossMethods)
	h.Set("Access-Control-Allow-Headers", crossHeaders)
	h.Set("Access-Control-Max-Age", crossMaxAge)
	w.WriteHeader(http.StatusNoContent)
	return true
}
