// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestOldAddresses: the numbered addresses of Patchwork 3.2 lead where they led there.
func TestOldAddresses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		s.patchMail("alpha", "odd/%+#?&x y@x", "[PATCH] Odd id")
		p, c, odd := s.id("patch", "p1@x"), s.id("cover", "c@x"), s.id("patch", "odd/%+#?&x y@x")
		pc, cc := s.id("patch_comment", "r1@x"), s.id("cover_comment", "r0@x")
		s.exec("UPDATE cover_comment SET id = 7777 WHERE id = ?", cc)
		series := s.rows("SELECT series_id FROM patch WHERE id = ?", p)[0]
		for path, to := range map[string]string{
			fmt.Sprintf("/patch/%d/", p):               "/project/alpha/patch/p1@x/",
			fmt.Sprintf("/patch/%d/mbox/", p):          "/project/alpha/patch/p1@x/mbox/",
			fmt.Sprintf("/patch/%d/mbox", p):           "/project/alpha/patch/p1@x/mbox/",
			fmt.Sprintf("/patch/%d/mbox/?series=*", p): "/project/alpha/patch/p1@x/mbox/?series=*",
			fmt.Sprintf("/patch/%d/raw/", p):           "/project/alpha/patch/p1@x/raw/",
			fmt.Sprintf("/cover/%d/", c):               "/project/alpha/cover/c@x/",
			fmt.Sprintf("/cover/%d/mbox/", c):          "/project/alpha/cover/c@x/mbox/",
			fmt.Sprintf("/comment/%d/", pc):            fmt.Sprintf("/project/alpha/patch/p1@x/#%d", pc),
			"/comment/7777/":                           "/project/alpha/cover/c@x/#7777",
			fmt.Sprintf("/patch/%d/", odd):             "/project/alpha/patch/odd%252F%25+%23%3F&x%20y@x/",
			"/series/" + series + "/":                  "/project/alpha/series/" + series + "/",
			"/project/alpha/cover/p1@x/":               "/project/alpha/patch/p1@x/",
			"/project/alpha/cover/p1@x/mbox/":          "/project/alpha/patch/p1@x/mbox/",
			"/project/alpha/cover/p1@x/mbox/?series=*": "/project/alpha/patch/p1@x/mbox/?series=*",
			"/project/alpha/patch/c@x/":                "/project/alpha/cover/c@x/",
			"/project/alpha/patch/c@x/mbox/":           "/project/alpha/cover/c@x/mbox/",
		} {
			s.redirects(s.get(path), 302, to)
		}
		for _, path := range []string{"/patch/99999/", "/patch/x/", "/patch/0/", "/patch/-1/", "/patch/99999999999999999999/", "/cover/99999/", "/comment/99999/", "/series/99999/", "/series/x/",
			fmt.Sprintf("/cover/%d/raw/", c), fmt.Sprintf("/comment/%d/mbox/", pc), fmt.Sprintf("/patch/%d/bogus/", p), fmt.Sprintf("/patch/%d/mbox/mbox/", p)} {
			s.expect(s.get(path), 404, "Not found")
		}
		// Of two comments with the same number that of the patch wins.
		s.exec("UPDATE cover_comment SET id = ? WHERE id = 7777", pc)
		s.redirects(s.get(fmt.Sprintf("/comment/%d/", pc)), 302, fmt.Sprintf("/project/alpha/patch/p1@x/#%d", pc))
	})
}

// TestMissingSlash: without the slash at the end an address leads to the one that has it, query and all.
func TestMissingSlash(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	s.seriesOfTwo()
	for path, to := range map[string]string{
		"/project/alpha":                         "/project/alpha/",
		"/project/alpha/list":                    "/project/alpha/list/",
		"/project/alpha/list?order=name&q=a%20b": "/project/alpha/list/?order=name&q=a%20b",
		"/project/alpha/patch/p1@x?x=1&y=%2F":    "/project/alpha/patch/p1@x/?x=1&y=%2F",
		"/project/alpha/cover/c@x":               "/project/alpha/cover/c@x/",
		"/project/alpha/series/1?x":              "/project/alpha/series/1/?x",
		"/patch/1":                               "/patch/1/",
		"/series/1":                              "/series/1/",
		"/series/1/mbox":                         "/series/1/mbox/",
		"/user/login?next=%2Fproject%2Falpha%2F": "/user/login/?next=%2Fproject%2Falpha%2F",
		"/project//alpha/list/":                  "/project/alpha/list/",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			a := s.visit("", method, path, "")
			if a.StatusCode != 301 || a.location() != to {
				t.Errorf("%s %s: %d to %q, want %q", method, path, a.StatusCode, a.location(), to)
			}
		}
	}
	if a := s.visit("", "POST", "/user/login", "username=x"); a.StatusCode != 307 || a.location() != "/user/login/" { // so that what was sent arrives
		t.Errorf("%d %q", a.StatusCode, a.location())
	}
	for _, path := range []string{"//evil.example", "//evil.example/", "/%2F/evil.example", "/%5Cevil.example", "/\\evil.example/..", "///evil.example/%2e%2e"} {
		a := s.get(path)
		if strings.HasPrefix(a.location(), "//") || strings.HasPrefix(a.location(), "/\\") || strings.Contains(a.location(), "://") {
			t.Errorf("%s: leads to %s", path, a.location())
		}
	}
	// Downloads were asked for without the slash by old scripts.
	s.expect(s.get("/project/alpha/patch/p1@x/mbox"), 200, "First step")
	s.expect(s.get("/project/alpha/patch/p1@x/raw"), 200, "+two")
}

// TestMessageIDs: whatever is in a Message-ID, the list links its page, and so do the forms that people and other programs write.
func TestMessageIDs(t *testing.T) {
	long := strings.Repeat("long", 80) + "@mail.example"
	ids := map[string][]string{ // id → other spellings of the address
		"plain@x":       {"plain%40x", "%3Cplain@x%3E", "%70lain@x"},
		"a/b@x":         {"a/b@x", "a%2Fb@x", "a%252Fb@x"},
		"a/b/mbox@x":    {"a/b/mbox@x"},
		"per%cent@x":    {"per%25cent@x"},
		"twice%2F@x":    {"twice%252F@x", "twice%25252F@x"},
		"both/%2F@x":    {"both%2F%252F@x", "both%252F%25252F@x"},
		"shadow/a@x":    {"shadow%252Fa@x", "shadow%2Fa@x", "shadow/a@x"}, // and not the next one, which could be meant too
		"shadow%2Fa@x":  {"shadow%25252Fa@x"},
		"a%/b@x":        {"a%25%2Fb@x"},
		"p+q@x":         {"p+q@x", "p%2Bq@x"},
		"h#ash@x":       {"h%23ash@x"},
		"q?uery=1@x":    {"q%3Fuery=1@x"},
		"two words@x":   {"two%20words@x"},
		"semi;comma,@x": nil,
		"<&\"'@x":       nil,
		"ünïcode@x":     {"%C3%BCn%C3%AFcode@x"},
		"slash/@x/":     {"slash%252F@x%252F"},
		"x/raw":         {"x%252Fraw"},
		"no-at-sign":    nil,
		"...@x":         nil,
		"..":            nil,
		".":             nil,
		"a:b@[::1]":     nil,
		long:            nil,
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.project("patch") // as hostile as a link name can be
		n := 0
		for id := range ids {
			n++
			s.patchMail("patch", id, fmt.Sprintf("[PATCH] Number %d ends", n))
		}
		link := regexp.MustCompile(`href="(/project/patch/patch/[^"]*)"[^>]*>(?:<[^>]*>)*Number (\d+) ends<`)
		list := s.get("/project/patch/list/").body
		found := link.FindAllStringSubmatch(list, -1)
		if len(found) != len(ids) {
			t.Errorf("%d links for %d ids: %s", len(found), len(ids), list)
		}
		for _, f := range found {
			address := strings.NewReplacer("&amp;", "&", "&#39;", "'", "&#34;", `"`).Replace(f[1])
			s.expect(s.get(address), 200, "<title>Number "+f[2]+" ends - ")
			s.expect(s.get(address+"mbox/"), 200, "Number "+f[2]+" ends")
			s.expect(s.get(address+"raw/"), 200, "+two")
			a := s.get(strings.TrimSuffix(address, "/") + "?a=b")
			s.redirects(a, 301, address+"?a=b")
		}
		for id, spellings := range ids {
			s.mail("patch", "From: Ann Author <ann@people.example>\nSubject: [PATCH 0/2] Cover\nMessage-ID: <"+"cover-"+id+">", "Text of "+id+"\n")
			address := patch.PathID("<cover-" + id + ">")
			s.expect(s.get("/project/patch/cover/"+address+"/mbox/"), 200, "\nText of "+id[:min(len(id), 60)])
			s.redirects(s.get("/project/patch/"+address+"/"), 302, "/project/patch/cover/"+address+"/")
			for _, spelling := range spellings {
				if !strings.HasPrefix(spelling, "%3C") {
					s.expect(s.get("/project/patch/cover/cover-"+spelling+"/mbox/"), 200, "\nText of "+id)
				}
				s.expect(s.get("/project/patch/patch/"+spelling+"/mbox/"), 200, "Message-ID: <"+strings.SplitN(id, "ü", 2)[0])
			}
		}
		for _, path := range []string{"%00", "a%00b@x", "%FF%FE@x", "%E2%28%A1", "%25zz", "%2500", strings.Repeat("x", 5000), strings.Repeat("%2F", 2000), "%0D%0ASet-Cookie:x=y"} {
			for _, prefix := range []string{"/project/patch/patch/", "/project/patch/cover/", "/project/", "/patch/", "/series/", "/comment/"} {
				a := s.get(prefix + path + "/")
				if a.StatusCode != 404 && a.StatusCode != 400 || a.Header.Get("Set-Cookie") != "" {
					t.Errorf("%s%.40s: %d", prefix, path, a.StatusCode)
				}
			}
		}
	})
}

// TestForeignIDs: an id that stands in the database without its brackets, as an import may bring it, is found too.
func TestForeignIDs(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	s.seriesOfTwo()
	s.exec("UPDATE message SET msgid = 'bare@x' WHERE msgid = '<p1@x>'")
	s.expect(s.get("/project/alpha/patch/bare@x/"), 200, "First step")
	s.expect(s.get("/project/alpha/list/"), 200, `href="/project/alpha/patch/bare@x/"`)
}

// TestListFilters asks for the list as its own form and links do.
func TestListFilters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		u, _ := s.user("mia", "mia@people.example", false)
		s.maintainer("alpha", "mia")
		s.exec("UPDATE patch SET delegate_id = ? WHERE id = ?", u.ID, s.id("patch", "p2@x"))
		s.exec("UPDATE patch SET state_id = 3, archived = TRUE WHERE id = ?", s.id("patch", "alone@x"))
		if _, err := s.app.Check(t.Context(), true, func(string) {}); err != nil {
			t.Fatal(err)
		}
		series := s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", "p1@x"))[0]
		ann := s.rows("SELECT id FROM person WHERE email = 'ann@people.example'")[0]
		const one, two, alone = "First step", "Second step", ">Alone<"
		for query, want := range map[string][]string{
			"":                                    {one, two, "!" + alone},
			"?state=*":                            {one, two, "!" + alone},
			"?state=*&archive=both":               {one, two, alone},
			"?state=*&archive=true":               {"!" + one, "!" + two, alone, "1 patch"},
			"?state=3&archive=both":               {"!" + one, "!" + two, alone},
			"?state=3":                            {"0 patches", "No patch matches"},
			"?state=99":                           {one, two, "!" + alone},
			"?state=x&archive=x&order=x&page=x":   {one, two, "!" + alone},
			"?page=99":                            {one, two},
			"?page=-1":                            {one, two},
			"?series=" + series:                   {one, two, "!" + alone},
			"?series=x":                           {one, two},
			"?q=step+SECOND":                      {"!" + one, two},
			"?q=%25":                              {"0 patches"},
			"?submitter=" + ann + "&archive=both": {one, two, "!" + alone},
			"?submitter=author":                   {one, two},
			"?submitter=nobody+like+him":          {one, two},
			"?delegate=mia":                       {"!" + one, two},
			"?delegate=MI":                        {"!" + one, two},
			"?delegate=Nobody":                    {one, "!" + two},
			"?delegate=unknown":                   {"0 patches"},
			fmt.Sprintf("?delegate=%d", u.ID):     {"!" + one, two},
			"?q=" + strings.Repeat("x%20", 1000):  {"0 patches"},
			"?q=%3Cscript%3E%22'":                 {"0 patches", "!<script>", `value="&lt;script&gt;&#34;&#39;"`},
		} {
			s.expect(s.get("/project/alpha/list/"+query), 200, want...)
		}
		for _, bad := range []string{"?q=%00", "?q=%FF", "?submitter=%00", "?submitter=a%FF", "?delegate=%00", "?delegate=%FF"} {
			s.expect(s.get("/project/alpha/list/"+bad), 400)
		}
		s.expect(s.get("/project/alpha/list/?order=name"), 200, `aria-sort="ascending"`, `href="/project/alpha/list/?order=-name"`)
		// The links of the pager keep the order and the filter.
		_, joe := s.user("joe", "joe@people.example", false)
		s.exec("UPDATE user_account SET items_per_page = 1 WHERE username = 'joe'")
		s.expect(s.visit(joe, "GET", "/project/alpha/list/?order=name&q=step", ""), 200, one, "!"+two, `rel="next" href="/project/alpha/list/?order=name&amp;page=2&amp;q=step"`, `action="/project/alpha/list/?order=name&amp;q=step"`)
		s.expect(s.visit(joe, "GET", "/project/alpha/list/?order=name&q=step&page=2", ""), 200, two, "!"+one, `rel="prev" href="/project/alpha/list/?order=name&amp;q=step"`)
		for _, odd := range []int{0, -1} { // Patchwork 3.2 stored those
			s.exec("UPDATE user_account SET items_per_page = ? WHERE username = 'joe'", odd)
			s.expect(s.visit(joe, "GET", "/project/alpha/list/", ""), 200, one, two)
		}
	})
}

// TestErrorsInProject: the page of an error keeps the navigation of the project that its address is in.
func TestErrorsInProject(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		const nav = `href="/project/alpha/list/"`
		s.expect(s.get("/project/alpha/patch/none@x/"), 404, nav, "ALPHA")
		s.expect(s.get("/project/alpha/nowhere/"), 404, nav)
		s.expect(s.visit("", "DELETE", "/project/alpha/list/", ""), 405, nav)
		s.expect(s.visit(c.ann, "GET", "/project/alpha/webhooks/", ""), 403, nav, "ALPHA")
		s.expect(s.visit(c.mia, "POST", "/project/alpha/list/", "state=3", "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"), 403, nav, "ALPHA")
		s.expect(s.get("/project/omega/list/"), 404, "!/project/")
		s.expect(s.get("/project/%ff/list/"), 404, "!/project/")
		if a := s.get("/project/alpha/patch/none@x/mbox/"); a.StatusCode != 404 || strings.Contains(a.body, "<html") {
			t.Errorf("a program is told %q", a.body)
		}
	})
}

// TestEmptyParameters: the address that a form makes with empty fields is answered by the one without them, which means the same; a list that opens with a saved query is not opened with that.
func TestEmptyParameters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		for from, to := range map[string]string{
			"/project/alpha/list/?q=&state=&submitter=&archive=":  "/project/alpha/list/",
			"/project/alpha/list/?q=step&state=&order=&page=":     "/project/alpha/list/?q=step",
			"/project/alpha/list/?state=&state=3&tag=&tag=":       "/project/alpha/list/?state=&state=3",
			"/project/alpha/list/?series=1&delegate=":             "/project/alpha/list/?series=1",
			"/project/alpha/series/?who=&q=two&since=":            "/project/alpha/series/?q=two",
			"/project/alpha/queue/review/?q=&submitter=&delegate": "/project/alpha/queue/review/",
		} {
			s.redirects(s.get(from), 302, to)
			s.expect(s.get(to), 200)
		}
		s.expect(s.get("/project/alpha/list/?state=*"), 200)
		s.exec("INSERT INTO saved_query (id, user_id, project_id, kind, name, query, public, opens, created_at) SELECT 1, id, 1, 'patch', 'done', 'state=3', FALSE, TRUE, 1 FROM user_account WHERE username = 'mia'")
		s.redirects(s.visit(c.mia, "GET", "/project/alpha/list/", ""), 302, "/project/alpha/list/?state=3")
		s.redirects(s.visit(c.mia, "GET", "/project/alpha/list/?q=&state=", ""), 302, "/project/alpha/list/?view=plain")
		s.redirects(s.visit(c.mia, "GET", "/project/alpha/list/?q=step&state=", ""), 302, "/project/alpha/list/?q=step")
	})
}
