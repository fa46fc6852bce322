// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestOwnQueues: queues over the projects that one maintains, or where something is delegated to one, and what is done there.
func TestOwnQueues(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, mia := s.newCast() // she maintains alpha, which has two series; one patch of it is delegated to del
		for _, name := range []string{"beta", "gamma"} {
			s.project(name)
			s.patchMail(name, name+"@x", "[PATCH] Of "+name)
		}
		s.maintainer("beta", "mia")
		s.maintainer("beta", "del")
		const own = "/user/queue/"
		s.redirects(s.get(own), 302, own+"review/")
		s.redirects(s.get(own+"ready/?q=a"), 302, "/user/login/?next=%2Fuser%2Fqueue%2Fready%2F%3Fq%3Da")
		s.expect(s.visit(c.mia, "GET", own+"nosuch/", ""), 404)
		s.expect(s.visit(c.mia, "GET", "/project/alpha/queue/ready/", ""), 200, `href="/user/queue/ready/"`, "All my projects")
		s.expect(s.visit("", "GET", "/project/alpha/queue/review/", ""), 200, "!All my projects")

		// Both of her projects, and not the third; del has what he maintains and where something is delegated to him; joe has nothing.
		a := s.lists(c.mia, own+"review/", "Of beta, Alone")
		s.expect(a, 200, "In the 2 projects that you maintain, or where an open patch is delegated to you.", "<h1>Needs first review, all my projects", `href="/project/beta/queue/review/">beta</a>`, `Needs first review <span class="count">2</span>`,
			`In review <span class="count">1</span>`, `Stale <span class="count">0</span>`, `Mine <span class="count">0</span>`, `action="/user/queue/review/"`, "!Create bundle", "noindex")
		s.lists(c.mia, own+"discussed/", "Two steps")
		s.lists(c.mia, own+"review/?q=beta", "Of beta")
		s.lists(c.mia, own+"review/?order=name", "Alone, Of beta")
		s.lists(c.del, own+"review/", "Of beta, Alone")
		s.lists(c.del, own+"delegated/", "Alone")
		s.expect(s.lists(c.joe, own+"review/", ""), 200, "You maintain no project, and no open patch is delegated to you.", `Stale <span class="count">0</span>`)
		s.lists(c.joe, own+"stale/", "")
		s.lists(c.root, own+"review/", "") // an administrator may change all, but works on none
		s.lists(c.ann, own+"mine/", "Of gamma, Of beta, Alone, Two steps")
		s.expect(s.visit(c.ann, "GET", own+"review/", ""), 200, `Mine <span class="count">4</span>`)

		// What is ticked is changed in both projects at once, and taken back at once; what is not hers is refused.
		series := func(name string) string { return s.rows("SELECT id FROM series WHERE name = ?", name)[0] }
		three := fmt.Sprintf("series_id:%s=on&series_id:%s=on&series_id:%s=on", series("Alone"), series("Of beta"), series("Of gamma"))
		a = s.visit(c.mia, "POST", own+"review/?order=name", three+"&state=3&delegate=*&archived=*")
		s.says(a, own+"review/?order=name", "-2 patches updated (state: Accepted). You don't have permissions to edit patch 'Of gamma'")
		del := s.rows("SELECT id FROM user_account WHERE username = 'del'")[0]
		s.isPatch("alone@x", "3 "+del+" open")
		s.isPatch("beta@x", "3 0 open")
		s.isPatch("gamma@x", "1 0 open")
		s.says(s.visit(c.mia, "POST", a.undo(), ""), "/user/changes/", "+2 patches are as they were before (undo of “state: Accepted”)")
		s.isPatch("beta@x", "1 0 open")

		// All that match, with the question before it; what she may not do is said before anything is changed.
		s.exec("UPDATE user_account SET items_per_page = 1 WHERE id = ?", mia.ID)
		seen := fmt.Sprint(int64(noon))
		s.expect(s.visit(c.mia, "GET", own+"review/", ""), 200, "Update all 2 series that match…")
		s.says(s.visit(c.mia, "POST", own+"review/", "action=ask&seen="+seen+"&delegate="+del), own+"review/", "-the delegate must be a maintainer of the project")
		page := s.visit(c.mia, "POST", own+"review/", fmt.Sprintf("action=ask&seen=%s&state=2&delegate=%d", seen, mia.ID)).location()
		s.expect(s.visit(c.mia, "GET", page, ""), 200, "<h1>Change 2 patches?</h1>", "2 of 2 series.", "state: Under Review, delegate: mia", `action="`+page+`start/"`)
		s.expect(s.visit(c.del, "GET", page, ""), 404)
		s.expect(s.visit(c.mia, "GET", "/project/alpha/change/"+page[len("/user/changes/"):], ""), 404)
		s.redirects(s.visit("", "GET", page, ""), 302, "/user/login/?next=%2Fuser%2Fchanges%2F"+page[len("/user/changes/"):len(page)-1]+"%2F")
		s.isPatch("beta@x", "1 0 open")
		s.says(s.visit(c.mia, "POST", page+"start/", ""), own+"review/", "+2 patches updated (state: Under Review, delegate: mia)")
		for _, id := range []string{"alone@x", "beta@x"} {
			s.isPatch(id, fmt.Sprintf("2 %d open", mia.ID))
		}
		s.isPatch("p1@x", "1 0 open")
		s.expect(s.visit(c.mia, "GET", page, ""), 200, "<h1>2 patches updated (state: Under Review, delegate: mia)</h1>", "Undo")
		s.expect(s.visit(c.mia, "GET", "/user/changes/", ""), 200, `href="`+page+`">state: Under Review, delegate: mia</a>`)
		s.expect(s.visit(c.mia, "GET", "/user/todo/", ""), 200, `href="/user/queue/review/"`, `href="/user/changes/"`)
		s.sound()
	})
}
