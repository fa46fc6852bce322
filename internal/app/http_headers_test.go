// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestHeadersOnDemand: the headers of fifty replies are not in the page, but each is a link away; those of the patch itself are there, as in Patchwork 3.2.
func TestHeadersOnDemand(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		alpha := s.project("alpha")
		s.patchMail("alpha", "p1@x", "[PATCH] One", "X-Own: of the patch")
		for i := range 50 {
			head := fmt.Sprintf("From: Rita <rita@people.example>\nSubject: Re: [PATCH] One\nMessage-ID: <r%d@x>\nIn-Reply-To: <p1@x>\nX-Word: =?utf-8?q?G=C3=B6=3Cb=3E?=\n", i)
			for k := range 20 {
				head += fmt.Sprintf("X-Long-%d: %s\n", k, strings.Repeat("0123456789abcdef ", 18))
			}
			s.mail("alpha", strings.TrimSuffix(head, "\n"), "Good.\n")
		}
		page := s.get("/project/alpha/patch/p1@x/")
		s.expect(page, 200, "X-Own: of the patch", `<a href="/project/alpha/r0@x/headers/" data-headers>Headers</a>`, "!X-Long-3", "Reply by mail")
		if n := len(page.body); n > 150_000 {
			t.Errorf("%d bytes", n)
		}
		series := "/project/alpha/series/" + s.rows("SELECT series_id FROM patch")[0] + "/"
		for _, path := range []string{series, "/project/alpha/p1@x/T/"} {
			s.expect(s.get(path), 200, `<a href="/project/alpha/r0@x/headers/" data-headers>Headers</a>`, "!X-Long-3")
		}
		s.expect(s.get("/project/alpha/r0@x/headers/"), 200, `<pre class="headers">`, "X-Long-3: 0123", "X-Word: Gö&lt;b&gt;", `href="/project/alpha/r0@x/"`, "Rita", "noindex")
		s.expect(s.get("/project/alpha/p1@x/headers/"), 200, "X-Own: of the patch")
		s.redirects(s.get("/project/alpha/r0@x/headers"), 301, "/project/alpha/r0@x/headers/")
		s.expect(s.get("/project/alpha/none@x/headers/"), 404, "<h1>Not found")
		s.hide(alpha, "<r0@x>", true)
		s.expect(s.get("/project/alpha/r0@x/headers/"), 404)
	})
}
