// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/peers"
)

func atPatchesExample(c *config.Config) { c.HTTP.BaseURL = "https://patches.example" }

// feedSite has a series of two patches, of which the second is a minute younger, and a patch alone, as old as the first.
func feedSite(t *testing.T, db *sqldb.DB) *site {
	t.Helper()
	s := serve(t, db, atPatchesExample)
	s.seriesOfTwo()
	s.exec("UPDATE patch SET date = date + 60000000 WHERE id = ?", s.id("patch", "p2@x"))
	return s
}

const wantListFeed = `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
 <title>ALPHA: patches (name has “step”)</title>
 <id>https://patches.example/project/alpha/list.atom?q=step</id>
 <updated>2026-03-01T08:01:00.000000Z</updated>
 <link rel="self" type="application/atom+xml" href="https://patches.example/project/alpha/list.atom?q=step&amp;order=date&amp;page=7"></link>
 <link rel="alternate" type="text/html" href="https://patches.example/project/alpha/list/?q=step"></link>
 <author>
  <name>Patchwork</name>
 </author>
 <entry>
  <title>[2/2] Second step</title>
  <id>mid:p2@x</id>
  <published>2026-03-01T08:01:00.000000Z</published>
  <updated>2026-03-01T08:01:00.000000Z</updated>
  <author>
   <name>Ann Author</name>
  </author>
  <link rel="alternate" type="text/html" href="https://patches.example/project/alpha/patch/p2@x/"></link>
  <summary type="text">Text of [PATCH 2/2] Second step.&#xA;&#xA;Signed-off-by: Ann Author &lt;ann@people.example&gt;</summary>
 </entry>
 <entry>
  <title>[1/2] First step</title>
  <id>mid:p1@x</id>
  <published>2026-03-01T08:00:00.000000Z</published>
  <updated>2026-03-01T08:00:00.000000Z</updated>
  <author>
   <name>Ann Author</name>
  </author>
  <link rel="alternate" type="text/html" href="https://patches.example/project/alpha/patch/p1@x/"></link>
  <summary type="text">Text of [PATCH 1/2] First step.&#xA;&#xA;Signed-off-by: Ann Author &lt;ann@people.example&gt;</summary>
 </entry>
</feed>
`

const wantSeriesFeed = `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
 <title>ALPHA: series</title>
 <id>https://patches.example/project/alpha/series.atom</id>
 <updated>2026-03-01T08:00:00.000000Z</updated>
 <link rel="self" type="application/atom+xml" href="https://patches.example/project/alpha/series.atom"></link>
 <link rel="alternate" type="text/html" href="https://patches.example/project/alpha/series/"></link>
 <author>
  <name>Patchwork</name>
 </author>
 <entry>
  <title>Alone</title>
  <id>tag:patches.example,2026:series/ALONE</id>
  <published>2026-03-01T08:00:00.000000Z</published>
  <updated>2026-03-01T08:00:00.000000Z</updated>
  <author>
   <name>Ann Author</name>
  </author>
  <link rel="alternate" type="text/html" href="https://patches.example/project/alpha/series/ALONE/"></link>
  <summary type="text">Text of [PATCH] Alone.&#xA;&#xA;Signed-off-by: Ann Author &lt;ann@people.example&gt;</summary>
 </entry>
 <entry>
  <title>Two steps</title>
  <id>tag:patches.example,2026:series/TWO</id>
  <published>2026-03-01T08:00:00.000000Z</published>
  <updated>2026-03-01T08:00:00.000000Z</updated>
  <author>
   <name>Ann Author</name>
  </author>
  <link rel="alternate" type="text/html" href="https://patches.example/project/alpha/series/TWO/"></link>
  <summary type="text">What it is about.</summary>
 </entry>
</feed>
`

func (s *site) feed(path, want string) {
	s.t.Helper()
	a := s.get(path)
	s.expect(a, 200)
	if diff := cmp.Diff(want, a.body); diff != "" {
		s.t.Errorf("%s (-want +got):\n%s", path, diff)
	}
	if got := a.Header.Get("Content-Type"); got != "application/atom+xml; charset=utf-8" {
		s.t.Errorf("%s: %s", path, got)
	}
}

// numberOfSeries is the number of the series that a patch is in.
func (s *site) numberOfSeries(msgid string) string {
	s.t.Helper()
	return s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", msgid))[0]
}

func TestFeedsOfLists(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := feedSite(t, db)
		s.feed("/project/alpha/list.atom?q=step&order=date&page=7", wantListFeed)
		s.feed("/project/alpha/series.atom", strings.NewReplacer("ALONE", s.numberOfSeries("alone@x"), "TWO", s.numberOfSeries("p1@x")).Replace(wantSeriesFeed))
	})
}

// change changes a patch as an administrator does at the command line.
func (s *site) change(msgid string, c patch.Change) {
	s.t.Helper()
	if _, err := patch.Update(s.t.Context(), s.db, account.CLI, noon, []int64{s.id("patch", msgid)}, c); err != nil {
		s.t.Fatal(err)
	}
}

var feedTitles = regexp.MustCompile(` {2}<title>(.*)</title>`)

// titles are those of the entries of a feed, in their order.
func (s *site) titles(path string) []string {
	s.t.Helper()
	a := s.get(path)
	s.expect(a, 200)
	out := []string{}
	for _, m := range feedTitles.FindAllStringSubmatch(a.body, -1) {
		out = append(out, m[1])
	}
	return out
}

// A feed has what the list of the same filter has, the newest first, whatever is asked of its order and place.
func TestFeedFilters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := feedSite(t, db)
		joe, _ := s.user("joe", "joe@people.example", false)
		s.maintainer("alpha", "joe")
		s.change("p1@x", patch.Change{State: new(int64(3))})
		s.change("p2@x", patch.Change{Delegate: &joe.ID})
		const one, two, alone = "[1/2] First step", "[2/2] Second step", "Alone"
		for query, want := range map[string][]string{
			"":                                    {two, alone},
			"?order=name":                         {two, alone},
			"?order=date&page=2":                  {two, alone},
			"?upto=1.1":                           {two, alone},
			"?per_page=1":                         {two},
			"?per_page=x":                         {two, alone},
			"?state=*":                            {two, alone, one},
			"?state=3":                            {one},
			"?state=1&state=3":                    {two, alone, one},
			"?delegate=joe":                       {two},
			"?delegate=nosuch":                    {},
			"?submitter=ann&q=ALONE":              {alone},
			"?before=2026-03-01":                  {},
			"?tag=2&state=*":                      {one},
			"?series=x&version=x&checks=x":        {two, alone},
			"?series=" + s.numberOfSeries("p1@x"): {two, one},
		} {
			if diff := cmp.Diff(want, s.titles("/project/alpha/list.atom"+query)); diff != "" {
				t.Errorf("list.atom%s (-want +got):\n%s", query, diff)
			}
		}
		for query, want := range map[string][]string{
			"?order=name":           {"Alone", "Two steps"},
			"?q=two":                {"Two steps"},
			"?who=nobody":           {},
			"?who=*&delegate=joe":   {"Two steps"},
			"?comments=none":        {"Alone"},
			"?per_page=1&after=1.1": {"Alone"},
		} {
			if diff := cmp.Diff(want, s.titles("/project/alpha/series.atom"+query)); diff != "" {
				t.Errorf("series.atom%s (-want +got):\n%s", query, diff)
			}
		}
		alpha, err := project.ByLinkname(t.Context(), db, "alpha")
		if err != nil {
			t.Fatal(err)
		}
		s.hide(alpha, "<alone@x>", true)
		if got := s.titles("/project/alpha/list.atom"); !slices.Equal(got, []string{two}) {
			t.Errorf("with a hidden patch: %q", got)
		}
	})
}

// Feeds that can't be are told in one line.
func TestFeedErrors(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := feedSite(t, db)
		words := ""
		for i := range 33 {
			words += fmt.Sprint("w", i, "+")
		}
		for path, want := range map[string]string{
			"/project/nosuch/list.atom":           "404 Not found: no project \"nosuch\"\n",
			"/project/nosuch/series.atom":         "404 Not found: no project \"nosuch\"\n",
			"/project/alpha/list.atom/":           "404 Not found: there is no such page\n",
			"/project/alpha/list.atom?q=%FF":      "400 Can't do that: the address is no readable text after the question mark\n",
			"/project/alpha/list.atom?q=" + words: "400 Can't do that: too many words: at most 32 can be searched at once\n",
		} {
			a := s.visit("", "GET", path, "", "Accept: text/html")
			if got := fmt.Sprint(a.StatusCode, " ", a.body); path != "/project/alpha/list.atom/" && got != want || a.StatusCode == 200 {
				t.Errorf("%s: %s", path, got)
			}
		}
		s.expect(s.visit("", "POST", "/project/alpha/list.atom", ""), 405)
	})
}

// Whoever has a feed is not sent it again; a new patch changes it. Feeds are compressed.
func TestFeedUnchanged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := feedSite(t, db)
		for i, path := range []string{"/project/alpha/list.atom?state=*", "/project/alpha/series.atom", "/project/alpha/events.atom"} {
			s.relay()
			first := s.ask("GET", path, "Accept-Encoding: gzip")
			tag := first.Header.Get("ETag")
			if !strings.HasPrefix(tag, `W/"`) || first.Header.Get("Content-Encoding") != "gzip" || first.Header.Get("Cache-Control") != "private, no-cache" {
				t.Fatalf("%s: %d %v", path, first.StatusCode, first.Header)
			}
			for range 2 {
				if again := s.ask("GET", path, "If-None-Match: "+tag); again.StatusCode != 304 || again.Header.Get("ETag") != tag {
					t.Errorf("%s again: %d %v", path, again.StatusCode, again.Header)
				}
			}
			if other := s.ask("GET", path+"?per_page=1", "If-None-Match: "+tag); other.StatusCode != 200 {
				t.Errorf("%s, another feed: %d", path, other.StatusCode)
			}
			s.patchMail("alpha", fmt.Sprint("new", i, "@x"), "[PATCH] New")
			s.relay()
			if now := s.ask("GET", path, "If-None-Match: "+tag); now.StatusCode != 200 {
				t.Errorf("%s with a new patch: %d", path, now.StatusCode)
			}
			if head := s.ask("HEAD", path); head.StatusCode != 200 || head.Header.Get("Content-Type") != "application/atom+xml; charset=utf-8" {
				t.Errorf("HEAD %s: %d %v", path, head.StatusCode, head.Header)
			}
		}
	})
}

// parsedFeed is what Python's parser makes of a feed: title, id, author, link and summary of each entry.
func parsedFeed(t *testing.T, text string) [][]string {
	t.Helper()
	peers.Need(t, "python3")
	cmd := exec.Command("python3", "-c", `
import json, sys, xml.etree.ElementTree as e
a = '{http://www.w3.org/2005/Atom}'
root = e.fromstring(sys.stdin.buffer.read())
assert root.tag == a + 'feed', root.tag
print(json.dumps([[x.findtext(a + 'title'), x.findtext(a + 'id'), x.findtext(a + 'author/' + a + 'name'), x.find(a + 'link').get('href'), x.findtext(a + 'summary')] for x in root.findall(a + 'entry')]))`)
	cmd.Stdin = strings.NewReader(text)
	var problem bytes.Buffer
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &problem)
	}
	var entries [][]string
	if err := json.Unmarshal(out, &entries); err != nil {
		t.Fatal(err)
	}
	return entries
}

// What no XML can hold is not in a feed, and what it could mistake for itself is escaped.
func TestHostileFeed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db, atPatchesExample)
		s.project("alpha")
		s.mail("alpha", "From: =?utf-8?q?=1B=5BEve_=3C/name=3E=E2=80=AE?= <eve@people.example>\nMessage-ID: <a\"<b>&/c@x>\n"+
			"Subject: [PATCH] =?utf-8?q?=00=01=0B=1F]]>_</title><script>_=EF=BF=BE_=ED=A0=80_=C2=85_=F0=9F=8D=B5_&amp;?=", "A\x01B \x1b[31m]]> <b> \u202e \ufffe \ufffd\n\n\tindented\n---\nbelow\n\n"+diff)
		a := s.get("/project/alpha/list.atom")
		s.expect(a, 200, "!below")
		want := [][]string{{"\ufffd ]]> </title><script> \ufffd \u00ed \u20ac \U0001F375 &amp;", "mid:a%22%3Cb", "\ufffd[Eve </name>\ufffd", "https://patches.example/project/alpha/patch/a%22%3Cb/",
			"A\ufffdB \ufffd[31m]]> <b> \ufffd \ufffd \ufffd\n\n indented"}}
		if d := cmp.Diff(want, parsedFeed(t, a.body)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		s.relay()
		events := s.get("/project/alpha/events.atom?category=patch-created")
		want[0][0] = "New patch - " + want[0][0]
		want[0][1] = "tag:patches.example,2026:event/" + s.rows("SELECT id FROM event WHERE kind = 'patch-created'")[0]
		if d := cmp.Diff(want, parsedFeed(t, events.body)); d != "" {
			t.Errorf("events (-want +got):\n%s", d)
		}
		for _, r := range a.body + events.body {
			if r < ' ' && r != '\n' || r == 0xFFFE || r == 0xFFFF {
				t.Errorf("there is %U", r)
			}
		}
	})
}

// Pages of lists lead to their feeds, with their filter, for programs and for people.
func TestFeedLinks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := feedSite(t, db)
		const alternate = `<link rel="alternate" type="application/atom+xml" title="`
		s.expect(s.get("/project/alpha/list/"), 200, alternate+`Patches of ALPHA" href="/project/alpha/list.atom">`, `<a class="feed" href="/project/alpha/list.atom"`)
		s.expect(s.get("/project/alpha/list/?state=1&state=3&q=a%26b&page=1&order=name&columns=name&per_page=7&dates=relative&view=plain"), 200,
			alternate+`Patches of ALPHA" href="/project/alpha/list.atom?q=a%26b&amp;state=1&amp;state=3">`, `<a class="feed" href="/project/alpha/list.atom?q=a%26b&amp;state=1&amp;state=3"`)
		s.expect(s.get("/project/alpha/series/?who=*"), 200, alternate+`Series of ALPHA" href="/project/alpha/series.atom?who=%2A">`, `<a class="feed" href="/project/alpha/series.atom?who=%2A"`)
		s.expect(s.get("/project/alpha/queue/review/"), 200, "!application/atom+xml", `!class="feed"`)
	})
}
