// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// Filters by tags, checks, comments, version and how long ago, on the list of patches: each stands above it with a link that takes it away, and stays in all links.
func TestListMarkFilters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		joe, token := s.user("joe", "joe@people.example", false)
		s.maintainer("alpha", "joe")
		s.exec("INSERT INTO patch_check_latest (patch_id, user_id, context, check_id, state) VALUES (?, ?, 'ci', 1, 1)", s.id("patch", "p2@x"), joe.ID)
		s.exec("UPDATE patch_comment SET addressed = FALSE WHERE patch_id = ?", s.id("patch", "p1@x"))
		const one, two, alone, list = "First step</bdi>", "Second step</bdi>", "Alone</bdi>", "/project/alpha/list/"
		for query, want := range map[string][]string{
			"?tag=2":                      {one, "!" + two, "!" + alone, "1 patch", "has Reviewed-by"},
			"?notag=2":                    {"!" + one, two, alone, "has no Reviewed-by"},
			"?tag=1&tag=2":                {"0 patches", `href="/project/alpha/list/?tag=2"`, `href="/project/alpha/list/?tag=1"`},
			"?checks=success":             {"!" + one, two, "!" + alone, "all checks green"},
			"?checks=green":               {"!" + one, two, "!" + alone},
			"?checks=none":                {one, "!" + two, alone},
			"?checks=fail":                {"0 patches"},
			"?comments=some":              {one, "!" + two, "!" + alone},
			"?comments=open":              {one, "!" + two, "!" + alone},
			"?comments=none&q=step":       {"!" + one, two, "!" + alone, `aria-label="Remove the filter without comments" title`, `href="/project/alpha/list/?q=step"`},
			"?version=1":                  {one, two, alone},
			"?version=2":                  {"0 patches"},
			"?since=5h":                   {one, two, "since 5 hours ago"}, // it is noon, they were sent at 8
			"?since=3h":                   {"0 patches"},
			"?before=3h":                  {one, two},
			"?since=2W":                   {one, two, "since 2 weeks ago"},
			"?since=2026-03-02":           {"0 patches", "since 2026-03-02"},
			"?since=2026-03-01":           {one, two},
			"?since=0d&before=99999y":     {one, two, "!since 0"},
			"?since=9999y":                {one, two},
			"?order=-tags":                {one, two, `aria-sort="descending"`, `selected>Most tags`},
			"?order=comments":             {one, two, "selected>As it is"},
			"?order=-version&checks=none": {one, alone, `href="/project/alpha/list/?order=-version"`},
			"?tag=x&notag=99&checks=x&comments=x&version=-1&since=x&before=w&series=x": {one, two, alone, "!Remove the filter"},
			"?series=0": {one, two, alone, "!Remove the filter"},
		} {
			s.expect(s.get(list+query), 200, want...)
		}
		// All that match is what the list shows.
		a := s.visit(token, "POST", list+"?notag=2&comments=none", "action=update&state=3&match=2&seen="+fmt.Sprint(int64(noon)))
		s.redirects(a, 303, list+"?notag=2&comments=none")
		s.expect(s.get(list+"?state=3"), 200, two, alone, "!"+one)
	})
}

// A page that the address finds by its place, as links to the next and the previous one do, holds what the number would; the filter goes with it.
func TestListPlaces(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		_, token := s.user("joe", "joe@people.example", false)
		s.exec("UPDATE user_account SET items_per_page = 1")
		s.exec("UPDATE patch SET date = date + id * 1000000")
		ids := s.rows("SELECT id FROM patch ORDER BY date DESC")
		dates := s.rows("SELECT date FROM patch ORDER BY date DESC")
		names := s.rows("SELECT name FROM patch ORDER BY date DESC")
		for query, want := range map[string]int{
			"after=" + dates[0] + "." + ids[0] + "&page=2": 1,
			"after=" + dates[1] + "." + ids[1] + "&page=3": 2,
			"upto=" + dates[2] + "." + ids[2] + "&page=2":  1,
			"upto=" + dates[1] + "." + ids[1] + "&page=1":  0,
			"after=" + dates[2] + "." + ids[2] + "&page=3": 2, // there is nothing: the number counts
			"after=x&page=2": 1,
			"after=" + dates[0] + "." + ids[0] + "&page=2&state=*":     1,
			"after=" + dates[0] + "." + ids[0] + "&page=2&checks=none": 1, // what is looked through has numbers only
		} {
			others := []string{`<bdi>` + names[want] + `</bdi></a></td>`}
			for i, name := range names {
				if i != want {
					others = append(others, "!<bdi>"+name+"</bdi></a></td>")
				}
			}
			s.expect(s.visit(token, "GET", "/project/alpha/list/?"+query, ""), 200, append(others, "3 patches")...)
		}
		a := s.visit(token, "GET", "/project/alpha/list/?state=*&page=2&after="+dates[0]+"."+ids[0], "")
		s.expect(a, 200, `rel="next" href="/project/alpha/list/?after=`+dates[1]+`.`+ids[1]+`&amp;page=3&amp;state=%2A"`, `rel="prev" href="/project/alpha/list/?state=%2A"`, `href="/project/alpha/list/?order=name&amp;state=%2A"`,
			"action=\"/project/alpha/list/?after="+dates[0]+"."+ids[0]+"&amp;page=2&amp;state=%2A\"")
	})
}
