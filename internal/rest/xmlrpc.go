// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

// XMLRPC answers what clients of the XML-RPC interface ask, which Patchwork 3.2 still has: 410, and to a call a fault that says what to use. baseURL is
// the address of the site; empty: as the request says.
func XMLRPC(baseURL string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site := baseURL
		if site == "" && validHost(r.Host) {
			site = "http://" + r.Host
		}
		remedy := "Patchwork's XML-RPC interface was removed. Use the REST API at " + site + "/api/: in ~/.pwclientrc set \"backend = rest\" and \"url = " +
			site + "/api/\" (pwclient 2.0 or newer), or use git-pw."
		h := w.Header()
		if r.Method != http.MethodPost {
			h.Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusGone)
			fmt.Fprintln(w, remedy)
			return
		}
		var text strings.Builder
		xml.EscapeText(&text, []byte(remedy))
		h.Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(http.StatusGone)
		fmt.Fprintf(w, `<?xml version="1.0"?>
<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>%d</int></value></member>`+
			`<member><name>faultString</name><value><string>%s</string></value></member></struct></value></fault></methodResponse>
`, http.StatusGone, text.String())
	})
}
