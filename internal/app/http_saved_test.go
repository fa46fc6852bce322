// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// A filter is saved, found above the list, shared, opened with, changed and deleted.
func TestSavedQueryPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		_, mia := s.user("mia", "mia@people.example", false)
		_, joe := s.user("joe", "joe@people.example", false)
		const list, saved = "/project/alpha/list/", "/user/queries/"
		s.expect(s.visit(mia, "GET", list+"?q=first", ""), 200, "Save this query", `name="query" value="q=first"`)
		s.expect(s.get(list+"?q=first"), 200, "!Save this query")
		s.redirects(s.visit("", "POST", saved, "name=x"), 302, "/user/login/?next=%2Fuser%2Fqueries%2F")
		a := s.visit(mia, "POST", saved, "kind=patch&project=alpha&name=First+ones&query=q%3Dfirst%26page%3D2%26bogus%3D1&public=1&next=%2Fproject%2Falpha%2Flist%2F%3Fq%3Dfirst")
		s.redirects(a, 303, list+"?q=first")
		s.expect(s.visit(mia, "GET", list+"?q=first", ""), 200, `href="/project/alpha/list/?q=first" aria-current="page"><bdi>First ones</bdi>`)
		s.expect(s.visit(joe, "GET", list+"?q=first", ""), 200, "!First ones")
		id := s.rows("SELECT id FROM saved_query")[0]
		if q := s.rows("SELECT query FROM saved_query")[0]; q != "q=first" {
			t.Errorf("saved %q", q)
		}
		for _, who := range []string{"", joe, mia} {
			s.redirects(s.visit(who, "GET", "/query/"+id+"/", ""), 302, list+"?q=first")
		}
		s.expect(s.visit(joe, "POST", saved+id+"/", "action=delete"), 404)
		s.redirects(s.visit(mia, "POST", saved+id+"/", "action=change&name=Other&opens=1"), 303, saved)
		s.expect(s.visit(mia, "GET", saved, ""), 200, `value="Other"`, "patches of ALPHA")
		for _, who := range []string{"", joe} {
			s.expect(s.visit(who, "GET", "/query/"+id+"/", ""), 404)
		}

		// The list opens with it; without a filter it is as usual by a link of its own, and other people's is as ever.
		s.redirects(s.visit(mia, "GET", list, ""), 302, list+"?q=first")
		s.expect(s.visit(mia, "GET", list+"?q=first", ""), 200, `href="/project/alpha/list/?view=plain"`, `name="view" value="plain"`)
		s.expect(s.visit(mia, "GET", list+"?view=plain", ""), 200, "3 patches")
		s.expect(s.visit(joe, "GET", list, ""), 200, "3 patches")
		s.redirects(s.visit(mia, "POST", saved+id+"/", "action=delete"), 303, saved)
		s.expect(s.visit(mia, "GET", list, ""), 200, "3 patches", "!Other</bdi>")
		s.expect(s.get("/query/"+id+"/"), 404)
		s.expect(s.get("/query/x/"), 404)

		// A list without any filter has a name too, and its link leads there whatever the list opens with.
		s.expect(s.visit(mia, "GET", list, ""), 200, "Save this list", `name="query" value=""`)
		s.redirects(s.visit(mia, "POST", saved, "kind=patch&project=alpha&name=All&query=&public=1"), 303, "/user/queries/")
		s.redirects(s.visit(mia, "POST", saved, "kind=patch&project=alpha&name=Start&query=q%3Dfirst&opens=1"), 303, "/user/queries/")
		s.expect(s.visit(mia, "GET", list+"?view=plain", ""), 200, `href="/project/alpha/list/?view=plain" aria-current="page"><bdi>All</bdi>`)
		bare := s.rows("SELECT id FROM saved_query WHERE name = 'All'")[0]
		for _, who := range []string{"", joe, mia} {
			s.redirects(s.visit(who, "GET", "/query/"+bare+"/", ""), 302, list+"?view=plain")
		}
	})
}

// Columns, rows and dates are of the address, or kept for a user.
func TestListColumns(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		u, mia := s.user("mia", "mia@people.example", false)
		const list, series = "/project/alpha/list/", "/project/alpha/series/"
		s.expect(s.get(list), 200, ">2026-03-01</time>", "S W F</abbr>", `title="sent 4 h"`, "!formaction")
		s.expect(s.get(list+"?columns=date,comments&dates=relative&per_page=1&q=step"), 200, "!S W F</abbr>", ">4 h</time>", `title="sent 2026-03-01 08:00 UTC"`, "order=-comments", "!order=submitter",
			`rel="next" href="/project/alpha/list/?after=`, `&amp;columns=date%2Ccomments&amp;dates=relative&amp;page=2&amp;per_page=1&amp;q=step"`)
		s.expect(s.get(series+"?columns=name&columns=active&dates=absolute"), 200, ">2026-03-01</time>", "!S W F</abbr>")
		a := s.visit(mia, "POST", "/user/columns/?kind=patch&next=%2Fproject%2Falpha%2Flist%2F%3Fq%3Dstep", "columns=name&columns=date&columns=bogus&per_page=1&dates=relative")
		s.redirects(a, 303, list+"?q=step")
		s.expect(s.visit(mia, "GET", list+"?q=step", ""), 200, ">4 h</time>", "!S W F</abbr>", `rel="next"`)
		s.expect(s.visit(mia, "GET", list+"?q=step&per_page=500&dates=absolute&columns=checks", ""), 200, "S W F</abbr>", `!rel="next"`)
		if got := s.rows("SELECT CONCAT_WS(' ', items_per_page, dates, patch_columns) FROM user_account WHERE id = ?", u.ID); fmt.Sprint(got) != "[1 relative name,date]" {
			t.Error(got)
		}
		// Lists of series have a number of rows of their own, which until it is kept is that of lists of patches.
		s.expect(s.visit(mia, "GET", series, ""), 200, `name="per_page" value="1"`)
		s.redirects(s.visit(mia, "POST", "/user/columns/?kind=series&next=%2Fproject%2Falpha%2Fseries%2F", "columns=name&per_page=25&dates=relative"), 303, series)
		s.expect(s.visit(mia, "GET", series, ""), 200, `name="per_page" value="25"`)
		s.expect(s.visit(mia, "GET", list, ""), 200, `name="per_page" value="1"`)
		if got := s.rows("SELECT CONCAT_WS(' ', items_per_page, series_per_page) FROM user_account WHERE id = ?", u.ID); fmt.Sprint(got) != "[1 25]" {
			t.Error(got)
		}
		s.redirects(s.visit("", "POST", "/user/columns/?kind=patch", "columns=name"), 302, "/user/login/?next=%2Fuser%2Fcolumns%2F%3Fkind%3Dpatch")
		s.expect(s.visit(mia, "POST", "/user/columns/?kind=x", "columns=name"), 400)
	})
}
