// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// relay gives all events their positions, as the worker does.
func (s *site) relay() {
	s.t.Helper()
	for n := int64(1); n > 0; {
		var err error
		if n, err = event.Relay(s.t.Context(), s.db); err != nil {
			s.t.Fatal(err)
		}
	}
}

// busySite is feedSite where a maintainer, joe, has done some things, and a machine others.
func busySite(t *testing.T, db *sqldb.DB) *site {
	t.Helper()
	s := feedSite(t, db)
	joe, _ := s.user("joe", "joe@people.example", false)
	s.maintainer("alpha", "joe")
	s.relay()
	first, second := s.id("patch", "p1@x"), s.id("patch", "p2@x")
	by := account.Actor{User: joe.ID, Via: "web"}
	update := func(c patch.Change) {
		t.Helper()
		if _, err := patch.Update(t.Context(), db, by, noon, []int64{first}, c); err != nil {
			t.Fatal(err)
		}
		s.relay()
	}
	update(patch.Change{State: new(int64(3))})
	update(patch.Change{Delegate: &joe.ID})
	update(patch.Change{Delegate: new(int64(0))})
	update(patch.Change{CommitRef: new("abc123")})
	update(patch.Change{Archived: new(true)})
	if _, _, err := patch.PostCheck(t.Context(), db, by, noon, second, patch.NewCheck{State: 3, Context: "ci-build"}); err != nil {
		t.Fatal(err)
	}
	s.relay()
	var comment int64
	if err := db.Get(t.Context(), &comment, "SELECT id FROM patch_comment WHERE patch_id = ?", first); err != nil {
		t.Fatal(err)
	}
	for _, addressed := range []bool{false, true} {
		if err := patch.SetAddressed(t.Context(), db, by, noon, patch.Target{Patch: first}, comment, &addressed, nil); err != nil {
			t.Fatal(err)
		}
		s.relay()
	}
	return s
}

const wantEventFeed = `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
 <title>ALPHA: patch P (patch-comment-created)</title>
 <id>https://patches.example/project/alpha/events.atom?category=patch-comment-created&amp;patch=P</id>
 <updated>2026-03-01T12:00:00.000000Z</updated>
 <link rel="self" type="application/atom+xml" href="https://patches.example/project/alpha/events.atom?patch=P&amp;category=patch-comment-created"></link>
 <link rel="alternate" type="text/html" href="https://patches.example/project/alpha/patch/p1@x/"></link>
 <author>
  <name>Patchwork</name>
 </author>
 <entry>
  <title>New comment - [1/2] First step</title>
  <id>tag:patches.example,2026:event/E</id>
  <published>2026-03-01T12:00:00.000000Z</published>
  <updated>2026-03-01T12:00:00.000000Z</updated>
  <author>
   <name>Rita</name>
  </author>
  <link rel="alternate" type="text/html" href="https://patches.example/comment/C/"></link>
  <summary type="text">&gt; Text&#xA;&#xA;Good.&#xA;&#xA;Reviewed-by: Rita &lt;rita@people.example&gt;</summary>
 </entry>
</feed>
`

func TestEventFeed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := busySite(t, db)
		series, first, second := s.numberOfSeries("p1@x"), fmt.Sprint(s.id("patch", "p1@x")), fmt.Sprint(s.id("patch", "p2@x"))
		done := []string{"Comment addressed - [1/2] First step", "Comment needs action - [1/2] First step", "Check ci-build: fail - [2/2] Second step", "Archived: yes - [1/2] First step",
			"Commit: abc123 - [1/2] First step", "Delegate: nobody - [1/2] First step", "Delegate: joe - [1/2] First step", "State: Accepted, was New - [1/2] First step"}
		alone := []string{"Series complete - Alone", "New series - Alone", "New patch - Alone"}
		came := []string{"New comment - [0/2] Two steps", "New comment - [1/2] First step", "Series complete - Two steps", "New patch - [2/2] Second step",
			"New patch - [1/2] First step", "New cover letter - [0/2] Two steps", "New series - Two steps"}
		for query, want := range map[string][]string{
			"":                                       slices.Concat(done, alone, came),
			"?order=date&page=2":                     slices.Concat(done, alone, came),
			"?per_page=2":                            done[:2],
			"?category=patch-created":                {"New patch - Alone", "New patch - [2/2] Second step", "New patch - [1/2] First step"},
			"?patch=" + second:                       {"Check ci-build: fail - [2/2] Second step", "New patch - [2/2] Second step"},
			"?series=" + series:                      slices.Concat(done, came),
			"?category=check-created&patch=" + first: {},
			"?category=patch-completed":              {"Patch and all before it are here - Alone", "Patch and all before it are here - [2/2] Second step", "Patch and all before it are here - [1/2] First step"},
		} {
			if diff := cmp.Diff(want, s.titles("/project/alpha/events.atom"+query)); diff != "" {
				t.Errorf("events.atom%s (-want +got):\n%s", query, diff)
			}
		}
		numbers := strings.NewReplacer("patch P", "patch "+first, "patch=P", "patch="+first, "event/E", "event/"+s.rows("SELECT e.id FROM event e JOIN event_subject s ON s.event_id = e.id WHERE e.kind = 'patch-comment-created' AND s.kind = 'patch' AND s.subject_id = ?", first)[0],
			"comment/C/", "comment/"+s.rows("SELECT id FROM patch_comment")[0]+"/")
		s.feed("/project/alpha/events.atom?patch="+first+"&category=patch-comment-created", numbers.Replace(wantEventFeed))
		s.expect(s.get("/project/alpha/events.atom?per_page=1"), 200, "<title>Comment addressed - [1/2] First step</title>", "<name>joe</name>", `href="https://patches.example/project/alpha/list/"`, "!joe@")

		s.expect(s.get("/project/alpha/events.atom?category=series-created&series="+series), 200, `href="https://patches.example/project/alpha/series/`+series+`/"></link>`+"\n </entry>", "!list/?series")

		alpha, err := project.ByLinkname(t.Context(), db, "alpha")
		if err != nil {
			t.Fatal(err)
		}
		s.hide(alpha, "<p1@x>", true)
		s.hide(alpha, "<r0@x>", true)
		want := []string{"Check ci-build: fail - [2/2] Second step", "Series complete - Two steps", "New patch - [2/2] Second step", "New cover letter - [0/2] Two steps", "New series - Two steps"}
		if diff := cmp.Diff(want, s.titles("/project/alpha/events.atom?series="+series)); diff != "" {
			t.Errorf("with hidden mails (-want +got):\n%s", diff)
		}
		s.expect(s.get("/project/alpha/events.atom?patch="+first), 404)
	})
}

// What a feed of events can't follow is told in one line.
func TestEventFeedErrors(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := feedSite(t, db)
		s.project("beta")
		series, first := s.numberOfSeries("p1@x"), fmt.Sprint(s.id("patch", "p1@x"))
		for path, want := range map[string]string{
			"nosuch/events.atom":                                     "404 Not found: no project \"nosuch\"\n",
			"alpha/events.atom?series=x":                             "400 Can't do that: \"x\" is not the number of a series\n",
			"alpha/events.atom?patch=99999999999999999999":           "400 Can't do that: \"99999999999999999999\" is not the number of a patch\n",
			"alpha/events.atom?series=" + series + "&patch=" + first: "400 Can't do that: a feed is of a series or of a patch, not of both\n",
			"alpha/events.atom?series=987654":                        "404 Not found: there is no series 987654\n",
			"alpha/events.atom?patch=987654":                         "404 Not found: there is no patch 987654\n",
			"beta/events.atom?series=" + series:                      "404 Not found: there is no series " + series + " in BETA\n",
			"beta/events.atom?patch=" + first:                        "404 Not found: there is no patch " + first + " in BETA\n",
		} {
			a := s.visit("", "GET", "/project/"+path, "", "Accept: text/html")
			if got := fmt.Sprint(a.StatusCode, " ", a.body); got != want {
				t.Errorf("%s: %s", path, got)
			}
		}
		s.expect(s.get("/project/alpha/events.atom?category=x"), 400, `there are no events of the category "x"; there are check-created, `)
		s.expect(s.get("/project/beta/events.atom"), 200, "!<entry>", "<updated>1970-01-01T00:00:00.000000Z</updated>")
	})
}

// Pages of what things happen to lead to their feeds.
func TestEventFeedLinks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := feedSite(t, db)
		series, first := s.numberOfSeries("p1@x"), fmt.Sprint(s.id("patch", "p1@x"))
		const alternate, events = `<link rel="alternate" type="application/atom+xml" title="What happens `, `/project/alpha/events.atom`
		ofSeries := alternate + `to this series" href="` + events + "?series=" + series + `">`
		button := `<a class="button" href="` + events
		s.expect(s.get("/project/alpha/series/"+series+"/"), 200, ofSeries, button+"?series="+series+`"`, ">Feed</a>")
		s.expect(s.get("/project/alpha/cover/c@x/"), 200, ofSeries, button+"?series="+series+`"`)
		s.expect(s.get("/project/alpha/patch/p1@x/"), 200, alternate+`to this patch" href="`+events+"?patch="+first+`">`, button+"?patch="+first+`"`)
		s.expect(s.get("/project/alpha/"), 200, alternate+`in ALPHA" href="`+events+`">`, `<a href="`+events+`">What happens here</a>`)
	})
}
