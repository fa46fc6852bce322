// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// listed are the series of a list, in order.
func listed(a answer) string {
	var out []string
	for _, m := range regexp.MustCompile(`data-open href="[^"]*/series/(?:\d+)/">\s*<bdi>([^<]*)</bdi>`).FindAllStringSubmatch(a.body, -1) {
		out = append(out, m[1])
	}
	return strings.Join(out, ", ")
}

func (s *site) lists(token, path, want string) answer {
	s.t.Helper()
	a := s.visit(token, "GET", path, "")
	s.expect(a, 200)
	if got := listed(a); got != want {
		s.t.Errorf("%s: %s; want %s", path, got, want)
	}
	return a
}

func TestSeriesList(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		joe, token := s.user("joe", "joe@people.example", false)
		s.maintainer("alpha", "joe")
		const list = "/project/alpha/series/"
		a := s.lists("", list, "Alone, Two steps")
		s.expect(a, 200, "2 series", "maintainer", "2 patches"[:1], `aria-current="page">Series`, `href="/project/alpha/queue/review/"`, "Needs first review", "!Delegated to me", "!series_id:", "!<form method=\"post\" action=\"/project")
		s.lists("", list+"?who=nobody", "")
		s.lists("", list+"?who=author", "")
		s.lists("", list+"?who=*&order=name", "Alone, Two steps")
		s.lists("", list+"?order=-name", "Two steps, Alone")
		s.lists("", list+"?order=size&who=maintainer", "Alone, Two steps")
		s.expect(s.lists("", list+"?q=STEPS&state=1&state=2&tag=2&idle=5", ""), 200, `aria-label="Remove the filter silent for 5 days"`, `href="/project/alpha/series/?idle=5&amp;q=STEPS&amp;state=2&amp;tag=2"`)
		s.lists("", list+"?q=STEPS&state=1", "Two steps")
		s.lists("", list+"?version=2", "")
		s.lists("", list+"?notag=2", "Alone")
		s.expect(s.lists("", list+"?notag=1&notag=2&since=5h", "Alone"), 200, "none Acked-by", "sent since 5 hours ago", `href="/project/alpha/series/?notag=2&amp;since=5h"`)
		s.lists("", list+"?since=3h", "")
		s.lists("", list+"?since=2026-03-01&before=2026-03-02", "Alone, Two steps")
		s.lists("", list+"?before=2026-03-01", "")
		s.lists("", list+"?checks=green", "")
		s.lists("", list+"?comments=some&checks=none", "Two steps")
		s.lists("", list+"?submitter=nobody-at-all&page=x&after=1&upto=x.y&who=x&state=x&tag=99&idle=-1&version=-1&since=yesterday&checks=x&comments=x&order=x", "Alone, Two steps")
		s.lists("", list+"?delegate=nobody", "Alone, Two steps")
		s.lists("", list+"?delegate=joe", "")
		s.expect(s.get("/project/nosuch/series/"), 404)

		// The selected series are changed, and one comes back to the list as it was.
		series := s.rows("SELECT id FROM series WHERE name = 'Two steps'")[0]
		a = s.lists(token, list+"?order=name", "Alone, Two steps")
		s.expect(a, 200, "series_id:"+series, `action="/project/alpha/series/?order=name"`, "Delegated to me", "Bundles")
		a = s.visit(token, "POST", list+"?order=name", fmt.Sprintf("series_id:%s=on&delegate=%d&state=*&archived=*", series, joe.ID))
		s.redirects(a, 303, "/project/alpha/series/?order=name")
		s.lists("", list+"?delegate=joe", "Two steps")
		s.lists(token, "/project/alpha/queue/delegated/", "Two steps")
		s.redirects(s.visit("", "POST", list, "series_id:1=on&state=2"), 302, "/user/login/?next=%2Fproject%2Falpha%2Fseries%2F")
		a = s.visit(token, "POST", list, "state=2")
		s.redirects(a, 303, list)
	})
}

// TestSeriesStand: the page of a series says who must act, why, and in which states its patches are.
func TestSeriesStand(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		page := "/project/alpha/series/" + s.rows("SELECT id FROM series WHERE name = 'Two steps'")[0] + "/"
		says := func(state, act string) {
			t.Helper()
			s.expect(s.get(page), 200, "<dt>State</dt><dd>"+state+"</dd>", "<dt>Must act</dt><dd>"+act+"</dd>")
		}
		post := func(msgid, form string) {
			t.Helper()
			s.visit(c.mia, "POST", "/project/alpha/patch/"+msgid+"/", "action=update&"+form)
		}
		del := s.rows("SELECT id FROM user_account WHERE username = 'mia'")[0]
		says("New", "maintainer: 1 of 2 open patches reviewed")
		post("p1@x", "state=1&archived=false&delegate="+del)
		says("New", "mia: 1 of 2 open patches reviewed")
		post("p2@x", "state=7&archived=false")
		says("1 New, 1 Changes Requested", "author: 1 patch is in the state Changes Requested")
		post("p2@x", "state=3&archived=false")
		says("1 New, 1 Accepted", "mia: reviewed, and no check says no")
		post("p1@x", "state=3&archived=false")
		says("Accepted", "nobody: all patches are decided or archived")
		alone := "/project/alpha/series/" + s.rows("SELECT id FROM series WHERE name = 'Alone'")[0] + "/"
		s.expect(s.get(alone), 200, "<dt>State</dt><dd>New</dd>", "<dd>del: nobody but the sender has answered yet</dd>")

		// Of a series of three the second patch only has come: it is called by that.
		s.patchMail("alpha", "n2@x", "[PATCH 2/3] Second of three")
		page = "/project/alpha/series/" + s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", "n2@x"))[0] + "/"
		says("New", "author: 2 patches are missing")
		s.expect(s.get(page), 200, "<h1><bdi>[2/3] Second of three</bdi></h1>", "<title>[2/3] Second of three", "!(no subject)")
		s.lists("", "/project/alpha/series/?who=author", "[2/3] Second of three")
	})
}

func TestSeriesPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		u, token := s.user("joe", "joe@people.example", false)
		s.exec("UPDATE user_account SET items_per_page = 1 WHERE id = ?", u.ID)
		a := s.lists(token, "/project/alpha/series/", "Alone")
		next := regexp.MustCompile(`rel="next" href="([^"]*)"`).FindStringSubmatch(a.body)
		if next == nil {
			t.Fatal("no next page")
		}
		a = s.lists(token, next[1], "Two steps")
		prev := regexp.MustCompile(`rel="prev" href="([^"]*)"`).FindStringSubmatch(a.body)
		if prev == nil || strings.Contains(a.body, `rel="next"`) {
			t.Fatal("no way back, or a way beyond the end")
		}
		s.lists(token, prev[1], "Alone")
		a = s.lists(token, "/project/alpha/series/?order=name&page=2", "Two steps")
		s.expect(a, 200, `href="/project/alpha/series/?order=name"`)
	})
}

func TestQueuePages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		s.redirects(s.get("/project/alpha/queue/"), 302, "/project/alpha/queue/review/")
		s.lists("", "/project/alpha/queue/review/", "Alone")
		s.lists("", "/project/alpha/queue/discussed/", "Two steps") // of two patches one is reviewed
		for _, empty := range []string{"ready", "author", "checks", "stale"} {
			s.lists("", "/project/alpha/queue/"+empty+"/", "")
		}
		s.lists("", "/project/alpha/queue/discussed/?q=nothing", "")
		s.lists("", "/project/alpha/queue/review/?who=author", "Alone") // a queue says itself who must act
		for _, personal := range []string{"delegated", "mine"} {
			s.redirects(s.get("/project/alpha/queue/"+personal+"/"), 302, "/user/login/?next=%2Fproject%2Falpha%2Fqueue%2F"+personal+"%2F")
		}
		ann, token := s.user("ann", "ann-user@people.example", false)
		s.lists(token, "/project/alpha/queue/mine/", "")
		s.exec("UPDATE person SET user_id = ? WHERE id = (SELECT submitter_id FROM series WHERE name = 'Alone')", ann.ID)
		s.expect(s.lists(token, "/project/alpha/queue/mine/", "Alone, Two steps"), 200, `Mine <span class="count">2</span>`)
		s.expect(s.get("/project/alpha/queue/nosuch/"), 404)
		s.expect(s.get("/project/nosuch/queue/review/"), 404)
	})
}

func TestTodo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		s.project("beta")
		joe, token := s.user("joe", "joe@people.example", false)
		s.maintainer("alpha", "joe")
		s.redirects(s.get("/user/todo/"), 302, "/user/login/?next=%2Fuser%2Ftodo%2F")
		s.expect(s.visit(token, "GET", "/user/todo/", ""), 200, "No open patch is delegated to you", `href="/user/todo/"`)
		s.redirects(s.visit(token, "POST", "/project/alpha/list/", fmt.Sprintf("patch_id:%d=on&delegate=%d&state=*", s.id("patch", "p1@x"), joe.ID)), 303, "/project/alpha/list/")
		s.redirects(s.visit(token, "GET", "/user/todo/", ""), 302, "/user/todo/alpha/")
		list := fmt.Sprintf("/project/alpha/list/?delegate=%d", joe.ID)
		s.redirects(s.visit(token, "GET", "/user/todo/alpha/", ""), 302, list)
		s.expect(s.visit(token, "GET", list, ""), 200, "First step", "!Second step", "<bdi>delegate joe</bdi>")
		s.expect(s.get("/project/alpha/list/?submitter="+s.rows("SELECT submitter_id FROM patch WHERE id = ?", s.id("patch", "p1@x"))[0]), 200, "<bdi>by ")
		s.expect(s.visit(token, "GET", "/user/todo/nosuch/", ""), 404)
		s.redirects(s.get("/user/todo/alpha/"), 302, "/user/login/?next=%2Fuser%2Ftodo%2Falpha%2F")
		s.exec("INSERT INTO patch_count (project_id, state_id, archived, delegate_id, patches) SELECT id, 1, FALSE, ?, 1234 FROM project WHERE linkname = 'beta'", joe.ID)
		s.expect(s.visit(token, "GET", "/user/todo/", ""), 200, `href="/user/todo/alpha/">ALPHA`, `href="/user/todo/beta/">BETA`, `<td class="num">1,234</td>`)
	})
}

// TestPatchListFilter: each part of a filter can be taken away, several states and dates are asked for in the address.
func TestPatchListFilter(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		const list = "/project/alpha/list/"
		_, root := s.user("root", "root@people.example", true)
		s.visit(root, "POST", list, fmt.Sprintf("patch_id:%d=on&state=3&delegate=*", s.id("patch", "alone@x")))
		s.visit(root, "POST", list, fmt.Sprintf("patch_id:%d=on&state=4&delegate=*", s.id("patch", "p2@x")))
		s.expect(s.get(list), 200, "First step", "!Alone", "!Second step", "!Remove the filter")
		s.expect(s.get(list+"?state=3&state=4&order=name&page=1"), 200, "Alone", "Second step", "!First step", `aria-label="Remove the filter state Accepted"`,
			`href="/project/alpha/list/?order=name&amp;state=4"`, `href="/project/alpha/list/?order=name&amp;state=3"`)
		s.expect(s.get(list+"?state=*&since=2026-03-01&before=2026-03-02"), 200, "Alone", "First step", "Remove the filter any state", "Remove the filter since 2026-03-01", "Remove the filter before 2026-03-02")
		s.expect(s.get(list+"?state=*&before=2026-03-01"), 200, "No patch matches")
		s.expect(s.get(list+"?since=x&before=1"), 200, "First step", "!Remove the filter")
		s.expect(s.get(list+"?q=step&archive=both&delegate=nobody&submitter=ann"), 200, "First step", "name has “step”", "archived or not", "delegate “nobody”", "submitter “ann”")
	})
}
