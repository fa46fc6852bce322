// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// number is the number of the comment that a message is.
func (s *site) number(table, msgid string) string {
	s.t.Helper()
	rows := s.rows("SELECT c.id FROM "+table+" c JOIN message m ON m.id = c.message_id WHERE m.msgid = ?", "<"+msgid+">")
	if len(rows) != 1 {
		s.t.Fatalf("%s %s: %v", table, msgid, rows)
	}
	return rows[0]
}

// TestMarkComments marks comments by the forms of pages, which do what the API does.
func TestMarkComments(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, mia := s.newCast()
		_, rita := s.user("rita", "rita@people.example", false)
		on, onCover := s.number("patch_comment", "r1@x"), s.number("cover_comment", "r0@x")
		const page, cover = "/project/alpha/patch/p1@x/", "/project/alpha/cover/c@x/"
		form := "comment=" + on + "&addressed="
		state := func(want string) {
			t.Helper()
			got := s.rows("SELECT CASE WHEN addressed IS NULL THEN 'none' WHEN addressed = TRUE THEN 'true' ELSE 'false' END FROM patch_comment WHERE id = ?", on)
			if got[0] != want {
				t.Errorf("the comment is %s, want %s", got[0], want)
			}
		}
		s.redirects(s.visit("", "POST", page, form+"false"), 302, "/user/login/?next="+url.QueryEscape(page))
		s.expect(s.visit(c.joe, "POST", page, form+"false"), 403, "Not allowed")
		s.expect(s.visit(c.joe, "GET", page, ""), 200, "!Needs action", "!Action required", `<dd><a href="#comments">`, `<dd><a href="#diff">`)
		state("none")

		for _, token := range []string{c.ann, c.mia, c.root, rita} { // its submitter, a maintainer, an administrator, its author
			s.expect(s.visit(token, "GET", page, ""), 200, "Needs action")
			s.redirects(s.visit(token, "POST", page, form+"false"), 303, page+"#"+on)
			state("false")
			s.expect(s.visit(token, "GET", page, ""), 200, "Action required: not addressed yet", "Mark addressed", "No action required", "1 not addressed", `href="#`+on+`"`)
			s.expect(s.get(page), 200, "Action required: not addressed yet", "!Mark addressed")
			s.redirects(s.visit(token, "POST", page, form+"true"), 303, page+"#"+on)
			state("true")
			s.expect(s.visit(token, "GET", page, ""), 200, ">Addressed<", "Mark unaddressed", "! not addressed")
			s.redirects(s.visit(token, "POST", page, form+"none"), 303, page+"#"+on)
			state("none")
		}

		// The same event as from the API.
		s.visit(c.mia, "PATCH", fmt.Sprintf("/api/1.4/patches/%d/comments/%s/", s.id("patch", "p1@x"), on), `{"addressed":true}`, "Content-Type: application/json")
		s.visit(c.mia, "POST", page, form+"none")
		s.visit(c.mia, "POST", page, form+"true")
		events := s.rows("SELECT kind, project_id, actor_id, payload FROM event WHERE kind LIKE '%addressed' AND actor_id = ? ORDER BY id DESC LIMIT 3", mia.ID)
		want := fmt.Sprintf(`patch-comment-addressed 1 %d {"patch":%d,"comment":%s,"current_addressed":true}`, mia.ID, s.id("patch", "p1@x"), on)
		if len(events) != 3 || events[0] != want || events[2] != want {
			t.Errorf("events %q, want the first and last to be %s", events, want)
		}

		s.redirects(s.visit(c.ann, "POST", cover, "comment="+onCover+"&addressed=false"), 303, cover+"#"+onCover)
		s.expect(s.get(cover), 200, "1 not addressed")
		series := s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", "p1@x"))[0]
		message := s.rows("SELECT id FROM message WHERE msgid = '<r0@x>'")[0]
		s.expect(s.visit(c.ann, "GET", "/project/alpha/series/"+series+"/", ""), 200, "1 not addressed", `action="`+cover+`"`, `name="series" value="`+series+`"`)
		s.redirects(s.visit(c.ann, "POST", cover, "comment="+onCover+"&addressed=true&series="+series+"&message="+message), 303, "/project/alpha/series/"+series+"/#m"+message)

		s.expect(s.visit(c.mia, "POST", "/project/alpha/patch/p2@x/", form+"false"), 404) // it is not on that patch
		s.expect(s.visit(c.mia, "POST", page, form+"maybe"), 400, "want true, false or none")
		s.expect(s.visit(c.mia, "POST", page, "comment=x&addressed=true"), 400, "is no number")
		s.expect(s.visit(c.mia, "POST", cover, ""), 400)
		s.expect(s.visit(c.mia, "POST", "/project/alpha/cover/p1@x/", form+"true"), 404)
		state("true")
		s.sound()
	})
}

// TestRelateOnPage relates patches by the form on a page, named in all ways, and takes them out again.
func TestRelateOnPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		s.project("beta")
		s.patchMail("beta", "b1@x", "[PATCH] Of beta")
		s.patchMail("beta", "b/2@x", "[PATCH] Another of beta")
		const page = "/project/alpha/patch/p1@x/"
		ids := map[string]int64{}
		for _, m := range []string{"p1@x", "p2@x", "alone@x", "b1@x", "b/2@x"} {
			ids[m] = s.id("patch", m)
		}
		related := func(want ...string) {
			t.Helper()
			got := s.rows("SELECT m.msgid FROM patch p JOIN message m ON m.id = p.message_id WHERE p.related_id IS NOT NULL ORDER BY m.msgid")
			if diff := cmp.Diff(strings.Join(want, " "), strings.Join(got, " ")); diff != "" {
				t.Error("related:", diff)
			}
		}
		post := func(token, form, flash string) {
			t.Helper()
			a := s.visit(token, "POST", page, form)
			s.redirects(a, 303, page+"#related")
			if a.flash() != flash {
				t.Errorf("%s: %q, want %q", form, a.flash(), flash)
			}
		}
		s.expect(s.get(page), 200, "!Related", "!Relate patches")
		s.expect(s.visit(c.mia, "GET", page, ""), 200, "Relate patches", "!Take this patch out")
		s.expect(s.visit(c.ann, "GET", page, ""), 200, "!Relate patches")
		s.expect(s.visit(c.ann, "POST", page, fmt.Sprintf("relate=%d", ids["p2@x"])), 403)

		post(c.mia, fmt.Sprintf("relate=%d,+alone@x", ids["p2@x"]), "+Patches related")
		related("<alone@x>", "<p1@x>", "<p2@x>")
		s.expect(s.get(page), 200, "Related", ">Alone<", "Second step", "!Remove")
		s.expect(s.visit(c.mia, "POST", page, "relate="+url.QueryEscape("http://anything.example/project/beta/patch/b1@x/")), 403, "not maintaining")
		s.maintainer("beta", "mia")
		post(c.mia, "relate="+url.QueryEscape("http://anything.example/project/beta/patch/b1@x/ /project/beta/patch/b%252F2@x/"), "+Patches related")
		related("<alone@x>", "<b/2@x>", "<b1@x>", "<p1@x>", "<p2@x>")
		s.expect(s.get(page), 200, "Of beta", "Another of beta", ">BETA<", `href="/project/beta/patch/b%252F2@x/"`)
		for form, flash := range map[string]string{
			"relate=nosuch@x": "-there is no patch nosuch@x in ALPHA", "relate=c@x": "-there is no patch c@x in ALPHA", "relate=+": "-no patch is named", "relate=99999": "-there is no patch 99999",
			"unrelate=x": `-patch "x" is no number`, "relate=" + strings.Repeat("1+", 21): "-at most 20 patches can be named at once",
		} {
			post(c.mia, form, flash)
		}
		post(c.mia, fmt.Sprintf("unrelate=%d", ids["b/2@x"]), "+Patch taken out of the relation")
		related("<alone@x>", "<b1@x>", "<p1@x>", "<p2@x>")
		s.expect(s.visit(c.mia, "GET", page, ""), 200, "Take this patch out", fmt.Sprintf(`name="unrelate" value="%d"`, ids["b1@x"]))
		post(c.mia, fmt.Sprintf("unrelate=%d", ids["p1@x"]), "+Patch taken out of the relation")
		related("<alone@x>", "<b1@x>", "<p2@x>")
		if n := s.rows("SELECT COUNT(*) FROM event WHERE kind = 'patch-relation-changed'")[0]; n != "7" {
			t.Errorf("%s events of relations, want 7", n)
		}
		s.sound()
	})
}

// TestKnownFailureC2Links: no address that comes from outside becomes a link that runs a script.
func TestKnownFailureC2Links(t *testing.T) {
	for _, evil := range []string{"javascript:alert(document.cookie)", " javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "//evil.example/x"} {
		s := serve(t, dbtest.Open(t, sqldb.SQLite))
		s.newCast()
		id := s.id("patch", "p1@x")
		s.exec("UPDATE patch SET pull_url = ?, commit_ref = ? WHERE id = ?", evil, evil, id)
		s.exec("UPDATE project SET commit_url_format = 'javascript:alert({})', list_archive_url_format = 'javascript:{}'")
		s.exec("INSERT INTO patch_check (id, patch_id, user_id, date, state, target_url, context) VALUES (1, ?, 1, 5, 1, ?, 'new'), (2, ?, 1, 4, 1, ?, 'new')", id, evil, id, evil)
		s.exec("INSERT INTO patch_check_latest (patch_id, user_id, context, check_id, state) VALUES (?, 1, 'new', 1, 1)", id)
		s.exec("INSERT INTO series_metadata (series_id, name, value, value_key) SELECT series_id, 'link', ?, 'x' FROM patch WHERE id = ?", evil, id)
		s.exec("UPDATE message_body SET content = ? WHERE message_id = (SELECT message_id FROM patch WHERE id = ?)", evil+" <"+evil+">\n", id)
		series := s.rows("SELECT series_id FROM patch WHERE id = ?", id)[0]
		for _, path := range []string{"/project/alpha/patch/p1@x/", "/project/alpha/series/" + series + "/", "/project/alpha/p1@x/T/"} {
			a := s.get(path)
			s.expect(a, 200)
			for _, part := range strings.Split(a.body, ` href="`)[1:] {
				address, _, _ := strings.Cut(part, `"`)
				if u, err := url.Parse(strings.ReplaceAll(address, "&amp;", "&")); err != nil || u.Scheme != "" && u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "mailto" || u.Scheme == "" && u.Host != "" {
					t.Errorf("%s: %q became the link %s", path, evil, address)
				}
			}
		}
	}
}

// TestSafeLinksOnPages: addresses of the web are links.
func TestSafeLinksOnPages(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	c, _ := s.newCast()
	id := s.id("patch", "p1@x")
	s.exec("UPDATE patch SET pull_url = 'https://git.example/x', commit_ref = 'abc123' WHERE id = ?", id)
	s.exec("UPDATE project SET commit_url_format = 'https://git.example/c/{}', list_archive_url_format = 'https://lore.example/{}/'")
	s.exec("INSERT INTO series_metadata (series_id, name, value, value_key) SELECT series_id, 'report', 'https://ci.example/7', 'x' FROM patch WHERE id = ?", id)
	for i, state := range []int{3, 1} {
		s.expect(s.visit(c.mia, "POST", fmt.Sprintf("/api/1.4/patches/%d/checks/", id), fmt.Sprintf(`{"state":"%s","context":"build","target_url":"https://ci.example/%d","description":"run %d"}`, []string{"", "success", "", "fail"}[state], i, i), "Content-Type: application/json"), 201)
	}
	s.expect(s.get("/project/alpha/patch/p1@x/"), 200, `href="https://git.example/x"`, `href="https://git.example/c/abc123"`, `href="https://lore.example/p1@x/"`, `href="https://ci.example/7"`,
		`href="https://ci.example/1"`, "run 1", "Earlier results (1)", `href="https://ci.example/0"`, "run 0", "1 success",
		"b4 am p1@x", fmt.Sprintf("git-pw patch apply %d", id), "/project/alpha/patch/p1@x/mbox/ | git am", `data-copy="p1@x"`)
}

// TestThreadPage shows a thread as a tree, with each mail's text, and leaves out what is hidden.
func TestThreadPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		alpha, err := project.ByLinkname(t.Context(), db, "alpha")
		if err != nil {
			t.Fatal(err)
		}
		s.mail("alpha", "From: Ann Author <ann@people.example>\nSubject: Re: [PATCH 1/2] First step\nMessage-ID: <r2@x>\nIn-Reply-To: <r1@x>", "Thanks a lot.\n")
		m := func(msgid string) string {
			return s.rows("SELECT id FROM message WHERE msgid = ?", "<"+msgid+">")[0]
		}
		a := s.get("/project/alpha/r1@x/T/")
		s.expect(a, 200, "What it is about.", "Good.", "Nice cover.", "Thanks a lot.", "6 mails", `href="/project/alpha/r1@x/t.mbox.gz"`, "!Alone")
		var order []string
		for _, part := range strings.Split(a.body, `<li class="d`)[1:] {
			depth, rest, _ := strings.Cut(part, `"`)
			_, rest, _ = strings.Cut(rest, `href="#m`)
			id, _, _ := strings.Cut(rest, `"`)
			order = append(order, depth+" "+id)
		}
		want := []string{"0 " + m("c@x"), "1 " + m("p1@x"), "2 " + m("r1@x"), "3 " + m("r2@x"), "1 " + m("p2@x"), "1 " + m("r0@x")}
		if diff := cmp.Diff(want, order); diff != "" {
			t.Error(diff)
		}
		s.redirects(s.get("/project/alpha/r1@x/T"), 301, "/project/alpha/r1@x/T/")
		s.expect(s.get("/project/alpha/nosuch@x/T/"), 404)
		s.hide(alpha, "<r1@x>", true)
		s.expect(s.get("/project/alpha/c@x/T/"), 200, "!Good.", "Thanks a lot.", "5 mails")
		s.expect(s.get("/project/alpha/r1@x/T/"), 404)
	})
}

// TestLongThread: a long thread is listed whole on each of its pages; the links lead to the page that has the text.
func TestLongThread(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	s.project("alpha")
	s.patchMail("alpha", "p@x", "[PATCH] Long talk")
	for i := range 203 {
		s.mail("alpha", fmt.Sprintf("From: Rita <rita@people.example>\nSubject: Re: [PATCH] Long talk\nMessage-ID: <r%d@x>\nIn-Reply-To: <p@x>", i), fmt.Sprintf("answer %d.\n", i))
	}
	first, second := s.get("/project/alpha/p@x/T/"), s.get("/project/alpha/p@x/T/?page=2")
	s.expect(first, 200, "204 mails", "answer 0.", "answer 198.", "!answer 199.", `href="/project/alpha/p@x/T/?page=2#m`)
	s.expect(second, 200, "204 mails", "!answer 198.", "answer 199.", "answer 202.")
}

// TestBundleFromPage puts a patch, and a whole series, into bundles by the forms on their pages, and changes the series.
func TestBundleFromPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		const page = "/project/alpha/patch/p1@x/"
		p1, p2 := s.id("patch", "p1@x"), s.id("patch", "p2@x")
		series := "/project/alpha/series/" + s.rows("SELECT series_id FROM patch WHERE id = ?", p1)[0] + "/"
		s.expect(s.get(page), 200, "!Create bundle")
		s.expect(s.visit(c.joe, "GET", page, ""), 200, "Create bundle", "!Add to bundle", fmt.Sprintf(`name="patch_id:%d"`, p1), `name="next" value="`+page+`"`)
		bundle := func(want ...string) {
			t.Helper()
			got := s.rows("SELECT m.msgid FROM bundle_patch b JOIN patch p ON p.id = b.patch_id JOIN message m ON m.id = p.message_id ORDER BY b.position")
			if diff := cmp.Diff(strings.Join(want, " "), strings.Join(got, " ")); diff != "" {
				t.Error("in the bundle:", diff)
			}
		}
		s.redirects(s.visit(c.joe, "POST", "/project/alpha/list/", fmt.Sprintf("patch_id:%d=on&name=tea&action=create&next=%s", p1, page)), 303, page)
		bundle("<p1@x>")
		id := s.rows("SELECT id FROM bundle")[0]
		s.expect(s.visit(c.joe, "GET", series, ""), 200, "Add to bundle", ">tea</option>", "!Update all")
		s.redirects(s.visit(c.joe, "POST", "/project/alpha/list/", fmt.Sprintf("patch_id:%d=on&patch_id:%d=on&bundle_id=%s&action=add&next=%s", p1, p2, id, series)), 303, series)
		bundle("<p1@x>", "<p2@x>")
		s.expect(s.visit(c.ann, "GET", series, ""), 200, "Update all", fmt.Sprintf(`name="patch_id:%d"`, p2))
		s.redirects(s.visit(c.ann, "POST", "/project/alpha/list/", fmt.Sprintf("patch_id:%d=on&patch_id:%d=on&state=3&delegate=*&archived=*&action=update&next=%s", p1, p2, series)), 303, series)
		s.isPatch("p1@x", "3 0 open")
		s.isPatch("p2@x", "3 0 open")
		s.sound()
	})
}
