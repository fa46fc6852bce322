// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"net/url"
	"path"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestVersionsOnPages: older and newer versions are linked, what a newer one superseded is told, and who may change the patches takes it back.
func TestVersionsOnPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		s.exec("UPDATE project SET auto_supersede = TRUE, show_dependencies = TRUE")
		s.mail("alpha", "From: Ann Author <ann@people.example>\nSubject: [PATCH v2] Alone\nMessage-ID: <alone2@x>",
			"Text.\n\nDepends-on: <c@x>\nbase-commit: 0123456789abcdef\nchange-id: 2026-alone\n---\ndiff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n")
		series := func(msgid string) string {
			return "/project/alpha/series/" + s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", msgid))[0] + "/"
		}
		old, fresh := series("alone@x"), series("alone2@x")
		changes := func(from, to string) string { return to + "range-diff/?from=" + path.Base(from) }
		s.expect(s.get("/project/alpha/patch/alone@x/"), 200, "Superseded", "Newer version", fresh, "!Older version", `href="`+changes(old, fresh)+`"`)
		s.expect(s.get("/project/alpha/patch/alone2@x/"), 200, "Older version", old, "Known by its name", "!Newer version", `href="`+changes(old, fresh)+`"`)
		s.expect(s.get(changes(old, fresh)), 200, "v1 to v2")
		s.expect(s.get(fresh), 200, "Older version", "0123456789abcdef", "2026-alone", "Depends on", series("p1@x"), "!became superseded")
		s.expect(s.get(series("p1@x")), 200, "Needed by", fresh)
		s.expect(s.get(old), 200, "Newer version", "One patch became superseded", "!Give them")

		undo := old + "unsupersede/"
		s.redirects(s.visit("", "POST", undo, ""), 302, "/user/login/?next="+url.QueryEscape(undo))
		s.expect(s.visit(c.joe, "GET", old, ""), 200, "!Give them")
		s.expect(s.visit(c.joe, "POST", undo, ""), 403, "Not allowed", "maintainers of ALPHA")
		s.isPatch("alone@x", "9 "+s.rows("SELECT id FROM user_account WHERE username = 'del'")[0]+" open")
		s.expect(s.visit(c.mia, "POST", "/project/alpha/series/99999/unsupersede/", ""), 404)
		s.expect(s.visit(c.mia, "POST", "/project/alpha/series/x/unsupersede/", ""), 404)
		s.expect(s.visit(c.ann, "GET", old, ""), 200, "Give them their old states back")
		a := s.visit(c.ann, "POST", undo, "")
		s.redirects(a, 303, old)
		if a.flash() != "+1 of its patches have their old state again" {
			t.Errorf("%q", a.flash())
		}
		s.isPatch("alone@x", "1 "+s.rows("SELECT id FROM user_account WHERE username = 'del'")[0]+" open")
		s.expect(s.visit(c.ann, "POST", undo, ""), 409)

		// A version of which only the second patch came is called by it, as in lists.
		s.mail("alpha", "From: Ann Author <ann@people.example>\nSubject: [PATCH v3 2/2] Second\nMessage-ID: <alone3@x>",
			"Text.\n\nchange-id: 2026-alone\n---\ndiff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n")
		for _, page := range []string{"/project/alpha/patch/alone2@x/", "/project/alpha/patch/alone3@x/", fresh, series("alone3@x"), changes(fresh, series("alone3@x"))} {
			s.expect(s.get(page), 200, "[v3,2/2] Second", "!(no subject)")
		}
		s.sound()
	})
}
