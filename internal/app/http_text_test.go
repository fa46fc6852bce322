// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"bytes"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestTextErrors: what programs fetch answers an error with its status and one line of text, whatever is accepted: by curl, by a browser, by who says nothing.
func TestTextErrors(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		alpha, old, new := s.stepsTwice()
		s.hide(alpha, "<d1@x>", true)
		s.user("joe", "joe@people.example", false)
		joe := s.apiToken("joe")
		a1 := "/project/alpha/patch/a1@x/"
		for _, test := range []struct {
			path   string
			status int
			want   string
		}{
			{"/series/77777/range-diff/", 404, "Not found: there is no series 77777"},
			{"/series/x/range-diff/", 404, "Not found: there is no such series"},
			{"/series/" + old + "/range-diff/", 404, "Not found: series " + old + " is the first version that is known; name another series to compare it with: ?from=NUMBER"},
			{"/series/" + new + "/range-diff/?from=77777", 404, "Not found: there is no series 77777"},
			{"/series/" + new + "/range-diff/?from=x", 400, "Can't do that: from=x: want the number of a series"},
			{"/series/" + new + "/range-diff/?creation-factor=x", 400, "Can't do that: creation-factor=x: want a number from 0 to 999"},
			{"/series/" + new + "/range-diff/?from=%00", 400, "Can't do that: the address is no readable text after the question mark"},
			{"/series/77777/mbox/", 404, "Not found: there is no series 77777"},
			{"/series/x/mbox/", 404, "Not found: there is no such series"},
			{"/project/alpha/patch/none@x/mbox/", 404, "Not found: there is no message <none@x> here"},
			{"/project/alpha/patch/d1@x/mbox/", 404, "Not found: there is no message <d1@x> here"},
			{"/project/none/patch/a1@x/mbox/", 404, "Not found: no project \"none\""},
			{a1 + "mbox/?series=1234567", 404, "Not found: the patch is not in series \"1234567\""},
			{"/project/alpha/patch/none@x/raw/", 404, "Not found: there is no message <none@x> here"},
			{"/project/alpha/patch/none@x/diff/", 404, "Not found: there is no message <none@x> here"},
			{"/project/alpha/cover/none@x/mbox/", 404, "Not found: there is no message <none@x> here"},
			{"/project/alpha/cover/c1@x/raw/", 404, "Not found: a cover letter has no diff"},
			{"/project/alpha/none@x/raw", 404, "Not found: there is no message <none@x> here"},
			{"/project/alpha/none@x/patches.mbox", 404, "Not found: there is no message <none@x> here"},
			{"/project/alpha/none@x/2-x.patch", 404, "Not found: there is no message <none@x> here"},
			{"/project/alpha/none@x/t.mbox.gz", 404, "Not found: there is no message <none@x> here"},
			{"/project/none/pwclientrc/", 404, "Not found: no project \"none\""},
			{"/patch/77777/mbox/", 404, "Not found: there is no patch 77777"},
			{"/patch/77777/raw/", 404, "Not found: there is no patch 77777"},
			{"/cover/77777/mbox/", 404, "Not found: there is no cover 77777"},
			{"/bundle/joe/none/mbox/", 404, "Not found: there is no bundle \"none\" of \"joe\""},
			{"/bundle/none/none/mbox/", 404, "Not found: there is no bundle \"none\" of \"none\""},
		} {
			for _, accept := range []string{"Accept: */*", "Accept: text/html,application/xhtml+xml,*/*;q=0.8", "X-None: x", joe} {
				a := s.visit("", "GET", test.path, "", accept)
				if a.StatusCode != test.status || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" || a.body != test.want+"\n" {
					t.Errorf("%s %s: %d %s %q, want %d %q", test.path, accept, a.StatusCode, a.Header.Get("Content-Type"), a.body[:min(len(a.body), 200)], test.status, test.want)
				}
			}
		}
		// The pages beside them are pages, and what is sent on is sent on.
		for _, path := range []string{"/project/alpha/series/77777/range-diff/", "/project/alpha/patch/none@x/", "/project/alpha/none@x/", "/project/alpha/none@x/T/", "/patch/77777/", "/series/77777/", "/patch/77777/nothing/"} {
			s.expect(s.visit("", "GET", path, "", "Accept: */*"), 404, "<h1>Not found")
		}
		s.redirects(s.get("/cover/"+s.rows("SELECT id FROM cover ORDER BY id")[0]+"/mbox/"), 302, "/project/alpha/cover/c1@x/mbox/")
		for _, accept := range []string{"*/*", "text/plain"} {
			a := s.visit("", "DELETE", a1+"mbox/", "", "Accept: "+accept)
			if s.expect(a, 405); strings.Contains(a.body, "<h1>") != (accept == "*/*") {
				t.Errorf("%s: %s", accept, a.body)
			}
		}

		if a := s.visit("", "GET", "/bundle/joe/none/mbox/", "", "Authorization: Token wrong"); a.StatusCode != 403 || a.body != "Not allowed: Invalid token.\n" {
			t.Errorf("%d %q", a.StatusCode, a.body)
		}
		s.exec("UPDATE patch_diff SET diff = ? WHERE patch_id = ?", bytes.Repeat([]byte("+x\n"), 3<<20), s.id("patch", "a1@x"))
		a := s.visit("", "GET", "/series/"+new+"/range-diff/", "", "Accept: */*")
		if a.StatusCode != 413 || strings.Count(a.body, "\n") != 1 || !strings.HasPrefix(a.body, "Too large: these series are too large to be compared here") {
			t.Errorf("%d %q", a.StatusCode, a.body)
		}
	})
}
