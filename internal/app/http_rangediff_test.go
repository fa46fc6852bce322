// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// versionMail is a patch of 20 lines, of which the last one says what it is told.
func (s *site) versionMail(msgid, subject, message, last string, more ...string) {
	s.t.Helper()
	head := append([]string{"From: Ann Author <ann@people.example>", "Subject: " + subject, "Message-ID: <" + msgid + ">"}, more...)
	diff := "diff --git a/lib/" + msgid[:1] + ".c b/lib/" + msgid[:1] + ".c\nnew file mode 100644\n--- /dev/null\n+++ b/lib/" + msgid[:1] + ".c\n@@ -0,0 +1,20 @@\n"
	for n := range 19 {
		diff += fmt.Sprintf("+step(%d);\n", n)
	}
	s.mail("alpha", strings.Join(head, "\n"), message+"\n\nchange-id: 2026-steps\n---\n"+diff+"+"+last+"\n")
}

// stepsTwice makes a series of three patches and its next version: the first is as it was, the second has another last line, the third is gone, and another one new.
func (s *site) stepsTwice() (alpha project.Project, old, new string) {
	s.t.Helper()
	alpha = s.project("alpha")
	s.mail("alpha", "From: Ann Author <ann@people.example>\nSubject: [PATCH 0/3] Steps\nMessage-ID: <c1@x>", "What it is about.\n\nchange-id: 2026-steps\n")
	s.versionMail("a1@x", "[PATCH 1/3] lib: go", "One.", "go();", "In-Reply-To: <c1@x>")
	s.versionMail("b1@x", "[PATCH 2/3] lib: turn", "Two.", "turn(<left>);", "In-Reply-To: <c1@x>")
	s.versionMail("d1@x", "[PATCH 3/3] lib: stop", "Three.", "stop();", "In-Reply-To: <c1@x>")
	s.mail("alpha", "From: Ann Author <ann@people.example>\nSubject: [PATCH v2 0/3] Steps\nMessage-ID: <c2@x>", "What it is about.\n\nchange-id: 2026-steps\n")
	s.versionMail("a2@x", "[PATCH v2 1/3] lib: go", "One.", "go();", "In-Reply-To: <c2@x>")
	s.versionMail("b2@x", "[PATCH v2 2/3] lib: turn", "Two, again.", "turn(<right>);", "In-Reply-To: <c2@x>")
	s.patchMail("alpha", "e2@x", "[PATCH v2 3/3] lib: sleep", "In-Reply-To: <c2@x>")
	series := func(msgid string) string {
		return s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", msgid))[0]
	}
	return alpha, series("a1@x"), series("a2@x")
}

func TestRangeDiffPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		alpha, old, new := s.stepsTwice()
		_, mia := s.user("mia", "mia@people.example", false)
		page, text := "/project/alpha/series/"+new+"/range-diff/", "/series/"+new+"/range-diff/"

		a := s.get(text)
		s.expect(a, 200)
		names := s.rows("SELECT p.hash FROM patch p JOIN message m ON m.id = p.message_id ORDER BY m.id")
		for i := range names {
			names[i] = names[i][:7]
		}
		want := "1:  " + names[0] + " = 1:  " + names[3] + " lib: go\n" +
			"2:  " + names[1] + " ! 2:  " + names[4] + " lib: turn\n" +
			"    @@ Metadata\n      ## Commit message ##\n         lib: turn\n     \n    -    Two.\n    +    Two, again.\n     \n         change-id: 2026-steps\n     \n" +
			"    @@ lib/b.c (new)\n     +step(16);\n     +step(17);\n     +step(18);\n    -+turn(<left>);\n    ++turn(<right>);\n" +
			"3:  " + names[2] + " < -:  ------- lib: stop\n" +
			"-:  ------- > 3:  " + names[5] + " lib: sleep\n"
		if a.body != want || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s:\n%s\nwant:\n%s", a.Header.Get("Content-Type"), a.body, want)
		}
		if b := s.get(text + "?from=" + old); b.body != want {
			t.Errorf("with ?from=: %s", b.body)
		}
		s.expect(s.visit("", "HEAD", text, ""), 200)
		s.expect(s.get(page), 200, "1 unchanged, 1 changed, 1 new, 1 dropped", "turn(&lt;left&gt;)", "v1 to v2", "/project/alpha/patch/b1@x/", "/project/alpha/patch/b2@x/", "Match more loosely", `href="`+text+"?from="+old+`"`)
		s.expect(s.get(page+"?creation-factor=999"), 200, "1 unchanged, 2 changed", "!Match more loosely")
		s.redirects(s.get(page+"?from="+old+"&to="+old), 302, "/project/alpha/series/"+old+"/range-diff/?from="+old)

		for path, says := range map[string]string{
			text + "?from=x":                                  "want the number of a series",
			text + "?creation-factor=x":                       "want a number from 0 to 999",
			text + "?creation-factor=1000":                    "want a number from 0 to 999",
			page + "?from=999999999999":                       "here is no series 999999999999",
			"/series/x/range-diff/":                           "here is no such series",
			"/series/77777/range-diff/":                       "here is no series 77777",
			"/series/" + old + "/range-diff/":                 "first version that is known",
			"/project/alpha/series/77777/range-diff/":         "here is no series 77777",
			"/project/nowhere/series/" + new + "/range-diff/": "nowhere",
		} {
			a := s.get(path)
			if s.expect(a, a.StatusCode, says); a.StatusCode != 400 && a.StatusCode != 404 {
				t.Errorf("%s: %d", path, a.StatusCode)
			}
		}
		// A patch that is hidden is not compared.
		s.hide(alpha, "<b1@x>", true)
		if b := s.get(text); strings.Contains(b.body, "turn(<left>)") {
			t.Errorf("hidden: %s", b.body)
		}
		s.hide(alpha, "<b1@x>", false)

		// Whoever is logged in is told what came since he looked.
		since := "What changed since you looked at v1"
		s.expect(s.visit(mia, "GET", "/project/alpha/series/"+new+"/", ""), 200, "!"+since, "v1 to v2")
		s.expect(s.visit(mia, "GET", "/project/alpha/patch/a1@x/", ""), 200, "!"+since)
		s.expect(s.visit(mia, "GET", "/project/alpha/series/"+new+"/", ""), 200, since)
		s.expect(s.visit(mia, "GET", "/project/alpha/patch/b2@x/", ""), 200, since)
		s.expect(s.get("/project/alpha/series/"+new+"/"), 200, "!"+since)
		if looks := s.rows("SELECT COUNT(*) FROM series_look"); looks[0] != "2" {
			t.Errorf("%s looks are noted, want 2", looks[0])
		}
		s.sound()
	})
}
