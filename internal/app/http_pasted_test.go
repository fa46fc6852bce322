// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

var (
	listedPatch  = regexp.MustCompile(`<a href="/project/alpha/patch/([^"/]+)/`)
	listedSeries = regexp.MustCompile(`<td class="name"><a data-open href="[^"]*/series/(\d+)/`)
)

// namesIn are the different names of rows that a page lists.
func namesIn(a answer, row *regexp.Regexp) string {
	var out []string
	for _, m := range row.FindAllStringSubmatch(a.body, -1) {
		if len(out) == 0 || out[len(out)-1] != m[1] {
			out = append(out, m[1])
		}
	}
	return strings.Join(out, " ")
}

// TestPastedMessageID: a Message-ID in the filter of a list finds what it is of, in whatever state; words that only look like one stay words.
func TestPastedMessageID(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		s.patchMail("alpha", "told@x", "[PATCH] Drop me@people.example from the list")
		s.project("beta")
		s.patchMail("beta", "elsewhere@x", "[PATCH] Elsewhere")
		s.exec("UPDATE patch SET state_id = 3, archived = TRUE WHERE id = ?", s.id("patch", "p1@x"))
		two, alone := s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", "p1@x"))[0], s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", "alone@x"))[0]
		told := s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", "told@x"))[0]
		for _, test := range []struct{ q, rest, patches, series string }{
			{"<p1@x>", "", "p1@x", two},
			{"p1@x", "", "p1@x", two},
			{"Message-ID: <p2@x>", "", "p2@x", two},
			{"message-id:<p2@x>", "", "p2@x", two},
			{"second <p2@x> step", "", "p2@x", ""},   // the series has another name
			{"unheard-of <p2@x>", "", "", ""},        // the other words count
			{"<r1@x>", "", "p1@x", two},              // a reply to the first patch
			{"<c@x>", "", "p2@x p1@x", two},          // the cover letter
			{"r0@x", "", "p2@x p1@x", two},           // a reply to it
			{"nobody@nowhere <alone@x>", "", "", ""}, // a word that looks like one
			{"<alone@x>", "", "alone@x", alone},
			{"me@people.example", "", "told@x", told}, // no Message-ID: it is in the name
			{"<me@people.example>", "", "", ""},
			{"<elsewhere@x>", "", "", ""}, // of another project
			{"p1@", "", "", ""},
			{"P1@x", "", "", ""},
			{"@x", "", "", ""},
			{"<p1@x>", "&state=1", "", two}, // said otherwise
			{"<c@x>", "&series=" + two, "p2@x p1@x", two},
			{"<c@x>", "&series=" + alone, "", two}, // of another series
			{"<p1@x>", "&series=" + alone, "", two},
			{"<p1@x>", "&archive=true", "p1@x", two},
			{"<p1@x>", "&archive=true&state=4", "", two},
		} {
			q := "?q=" + url.QueryEscape(test.q) + test.rest
			if got := namesIn(s.get("/project/alpha/list/"+q), listedPatch); got != test.patches {
				t.Errorf("patches of %s%s: %q, want %q", test.q, test.rest, got, test.patches)
			}
			if got := namesIn(s.visit(c.mia, "GET", "/project/alpha/series/"+q, ""), listedSeries); test.rest == "" && got != test.series {
				t.Errorf("series of %s: %q, want %q", test.q, got, test.series)
			}
		}
		s.expect(s.get("/project/alpha/list/?q=%3Cp1@x%3E"), 200, "message “&lt;p1@x&gt;”", "!any state", "!archived or not")
		s.expect(s.get("/project/alpha/list/?q=%3Cnone@x%3E"), 200, "name has “&lt;none@x&gt;”")
		s.expect(s.get("/project/alpha/series/?q=p1@x"), 200, "message “p1@x”")

		// All that match are what the page lists.
		s.says(s.visit(c.mia, "POST", "/project/alpha/list/?q=%3Cp1@x%3E", fmt.Sprintf("action=update&state=4&match=1&seen=%d", int64(noon))), "/project/alpha/list/?q=%3Cp1@x%3E", "+1 patch updated (state: Rejected)")
		s.isPatch("p1@x", "4 0 archived")
		s.isPatch("p2@x", "1 0 open")
	})
}
