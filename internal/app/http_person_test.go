// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestPersonPage: who maintains a project says on a page that a program sends somebody's mail, as the API and the command line do; others see no such page.
func TestPersonPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		person := s.rows("SELECT submitter_id FROM patch ORDER BY id")[0]
		page := "/project/alpha/person/" + person + "/"
		said := func(want string) {
			t.Helper()
			if got := s.rows("SELECT COALESCE(CASE WHEN bot = TRUE THEN 'yes' WHEN bot = FALSE THEN 'no' END, 'guess') FROM person WHERE id = ?", person)[0]; got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		s.expect(s.visit(c.mia, "GET", page, ""), 200, `value="guess" checked`, `?submitter=`+person+`&amp;state=*`)
		for _, v := range []string{"yes", "no", "guess", "yes"} {
			s.redirects(s.visit(c.mia, "POST", page, "bot="+v), 303, page)
			said(v)
			s.expect(s.visit(c.mia, "GET", page, ""), 200, fmt.Sprintf(`value="%s" checked`, v))
		}
		s.expect(s.visit(c.mia, "POST", page, "bot=perhaps"), 400)
		s.expect(s.visit(c.mia, "GET", "/project/alpha/person/999999/", ""), 404)
		s.expect(s.visit(c.joe, "GET", page, ""), 403)
		s.expect(s.visit(c.joe, "POST", page, "bot=no"), 403)
		s.expect(s.visit("", "POST", page, "bot=no"), 302)
		said("yes")
		if got := s.rows("SELECT DISTINCT verb, via, subject FROM audit WHERE verb = 'person update'"); len(got) != 1 || got[0] != "person update web person "+person {
			t.Error(got)
		}
		s.sound()
	})
}
