// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"net/http"
	"slices"
	"strings"

	"patchwork.example/pw/internal/base/fault"
)

// Unmatched answers what no other pattern of mux matches; it belongs at the pattern "/". An address that can be asked in another way is 405 and says
// in which, any other is a page that says there is none.
func (s *Shell) Unmatched(mux *http.ServeMux) http.Handler {
	return s.Page(func(c *Call) error {
		allowed := allowedMethods(mux, c.R)
		if len(allowed) == 0 {
			return errNoPage
		}
		c.W.Header().Set("Allow", strings.Join(allowed, ", "))
		const title, text = "Can't do that", "This address can't be asked that way."
		if !takesHTML(c.R) {
			c.plain(http.StatusMethodNotAllowed, title, text)
			return nil
		}
		return c.Render(http.StatusMethodNotAllowed, c.errorMeta(http.StatusMethodNotAllowed, title),
			errorPage(c, title, text, http.StatusMethodNotAllowed))
	})
}

var errNoPage = fault.New(fault.NotFound, "there is no such page")

// NotFound answers that there is no such page, whatever stands after the question mark.
func (s *Shell) NotFound() http.Handler {
	page := s.Page(func(*Call) error { return errNoPage })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bare, address := *r, *r.URL
		address.RawQuery = ""
		bare.URL = &address
		page.ServeHTTP(w, &bare)
	})
}

// allowedMethods are those for which mux has a pattern of its own at the address of r.
func allowedMethods(mux *http.ServeMux, r *http.Request) []string {
	var out []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := *r
		other.Method = method
		if _, pattern := mux.Handler(&other); !slices.Contains([]string{"", "/"}, pattern) {
			out = append(out, method)
		}
	}
	return out
}
