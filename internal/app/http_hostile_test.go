// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// hrefs are the addresses a page links to.
var hrefs = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)

// TestKnownFailureC2: an address that came by mail, from a bot or from an old configuration becomes a link only if it leads to the web.
func TestKnownFailureC2(t *testing.T) {
	hostile := []string{"javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "//evil.example/x",
		"javascript://example.org/%0aalert(1)", "https:javascript:alert(1)", "file:///etc/passwd", "\"><script>alert(1)</script>", "http://"}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		id := s.id("patch", "p1@x")
		s.mail("alpha", "From: Eve <eve@people.example>\nSubject: Re: [PATCH] Alone\nMessage-ID: <links@x>\nIn-Reply-To: <alone@x>", strings.Join(hostile, "\n")+"\nhttps://ok.example/\"onclick=x\n[x](javascript:alert(1)) http://<script>\n")
		s.exec("INSERT INTO patch_check (id, patch_id, user_id, date, state, target_url, description, context) VALUES (1, ?, NULL, 1, 3, 'x', '<b>desc', 'ci')", id)
		s.exec("INSERT INTO patch_check_latest (patch_id, user_id, context, check_id, state) VALUES (?, 0, 'ci', 1, 3)", id)
		for _, u := range hostile {
			s.exec("UPDATE patch SET pull_url = ?, commit_ref = ? WHERE id = ?", u, u, id)
			s.exec("UPDATE patch_check SET target_url = ?", u)
			s.exec("UPDATE project SET list_archive_url_format = ?, commit_url_format = ?, web_url = ?, scm_url = ?, webscm_url = ?, list_archive_url = ?", u, u, u, u, u, u)
			for _, path := range []string{"/project/alpha/patch/p1@x/", "/project/alpha/patch/alone@x/", "/project/alpha/", "/project/alpha/list/", "/project/alpha/cover/c@x/"} {
				a := s.get(path)
				s.expect(a, 200, "!<script>alert", "!onclick=x\"", "!<b>desc")
				for _, found := range hrefs.FindAllStringSubmatch(a.body, -1) {
					to := found[1]
					scheme, _, has := strings.Cut(to, ":")
					ours := strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") || strings.HasPrefix(to, "#") || strings.HasPrefix(to, "?") || regexp.MustCompile(`^(mbox|raw)/$`).MatchString(to)
					if !ours && !(has && (scheme == "http" || scheme == "https") && strings.HasPrefix(to, scheme+"://")) && scheme != "mailto" {
						t.Errorf("%q: %s links to %q", u, path, to)
					}
				}
			}
		}
		s.exec("UPDATE project SET list_archive_url_format = 'https://lore.example/{}', commit_url_format = ?, web_url = 'https://alpha.example/'", "https://git.example/?id={}")
		s.exec("UPDATE patch SET commit_ref = ? WHERE id = ?", "a/b?c#d", id)
		s.exec("UPDATE patch_check SET target_url = ?", "https://ci.example/1?a=b&c")
		s.expect(s.get("/project/alpha/patch/p1@x/"), 200, `href="https://lore.example/p1@x"`, `href="https://git.example/?id=a%2Fb%3Fc%23d"`, `href="https://ci.example/1?a=b&amp;c"`)
		s.expect(s.get("/project/alpha/"), 200, `href="https://alpha.example/"`)
	})
}

// TestHostileNames: names and subjects are text on every page, whatever is in them.
func TestHostileNames(t *testing.T) {
	const subject = "[PATCH 1/2] =?utf-8?q?=3Cscript=3Ealert=281=29=3C/script=3E_=22=27=26lt=3B_=E2=80=AEevil_=00nul_=07bell?="
	const from = "=?utf-8?q?=3Cimg_src=3Dx_onerror=3Dy=3E=E2=80=AE?= <eve@people.example>"
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.project("alpha", func(c *project.Change) { name := `<i>"Alpha"</i>`; c.Name = &name })
		body := "Text <script>alert(2)</script> \u202e \x00\x01\n---\n\n" + strings.ReplaceAll(diff, "lib/a.c", "lib/<script>alert(3)</script>\u202e.c")
		s.mail("alpha", "From: "+from+"\nSubject: "+strings.Replace(subject, "1/2", "0/2", 1)+"\nMessage-ID: <c@x>", "Cover <script>alert(4)</script>\n")
		s.mail("alpha", "From: "+from+"\nSubject: "+subject+"\nX-Header: <script>alert(5)</script>\nMessage-ID: <evil@x>\nIn-Reply-To: <c@x>\nContent-Type: text/plain; charset=utf-8", body)
		s.mail("alpha", "From: "+from+"\nSubject: Re: "+subject+"\nMessage-ID: <r@x>\nIn-Reply-To: <evil@x>", "Reviewed-by: <script>alert(6)</script>\n> <script>alert(7)</script> \u202e\n")
		mia, token := s.user("mia", "mia@people.example", false)
		s.maintainer("alpha", "mia")
		id := s.id("patch", "evil@x")
		s.exec("INSERT INTO patch_check (id, patch_id, user_id, date, state, target_url, description, context) VALUES (1, ?, ?, 1, 3, NULL, '<script>alert(8)</script>', 'ci<script>')", id, mia.ID)
		s.exec("INSERT INTO patch_check_latest (patch_id, user_id, context, check_id, state) VALUES (?, ?, 'ci<script>', 1, 3)", id, mia.ID)
		series := s.rows("SELECT series_id FROM patch WHERE id = ?", id)[0]
		for _, path := range []string{"/project/alpha/list/", "/project/alpha/patch/evil@x/", "/project/alpha/series/" + series + "/", "/project/alpha/", "/project/alpha/cover/c@x/"} {
			for _, who := range []string{"", token} {
				a := s.visit(who, "GET", path, "")
				s.expect(a, 200, "&lt;i&gt;", "!<i>", "!<img", "!<script>", "!\x00", "!\x07")
				if head, _, _ := strings.Cut(a.body, "<pre"); strings.ContainsRune(head, '\u202e') && path != "/project/alpha/patch/evil@x/" {
					t.Errorf("%s: a name may turn the text around it", path)
				}
			}
		}
		_, joe := s.user("joe", "joe@people.example", false)
		a := s.visit(joe, "POST", "/project/alpha/list/", fmt.Sprintf("patch_id:%d=on&state=3", id))
		next := s.visit(joe, "GET", "/project/alpha/list/", "", "Cookie: "+strings.Split(a.Header.Get("Set-Cookie"), ";")[0])
		s.expect(next, 200, "permissions to edit", "!<script>", "!\u202e", "!\x07")
		for _, forged := range []string{"pw_flash=!!!", "pw_flash=", "pw_flash=Kw", "pw_flash=KzxzY3JpcHQ-", "pw_flash=" + strings.Repeat("A", 3000)} {
			s.expect(s.visit("", "GET", "/project/alpha/list/", "", "Cookie: "+forged), 200, "!<script>")
		}
		for _, file := range []string{"/project/alpha/patch/evil@x/mbox/", "/project/alpha/patch/evil@x/raw/", "/series/" + series + "/mbox/"} {
			a := s.get(file)
			if d := a.Header.Get("Content-Disposition"); !regexp.MustCompile(`^attachment; filename=[-A-Za-z0-9_.]+\.(patch|diff)$`).MatchString(d) || strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
				t.Errorf("%s: %v", file, a.Header)
			}
		}
	})
}

// TestHidden: what a maintainer hid is nowhere, for anybody, until he shows it again.
func TestHidden(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		alpha, err := project.ByLinkname(t.Context(), db, "alpha")
		if err != nil {
			t.Fatal(err)
		}
		p1, cover := s.id("patch", "p1@x"), s.id("cover", "c@x")
		r1, r0 := s.id("patch_comment", "r1@x"), s.id("cover_comment", "r0@x")
		s.exec("UPDATE cover_comment SET id = 7777 WHERE id = ?", r0)
		series := s.rows("SELECT series_id FROM patch WHERE id = ?", p1)[0]
		for _, id := range []string{"<p1@x>", "<c@x>", "<r1@x>", "<r0@x>"} {
			s.hide(alpha, id, true)
		}
		gone := []string{"/project/alpha/patch/p1@x/", "/project/alpha/patch/p1@x/mbox/", "/project/alpha/patch/p1@x/raw/", "/project/alpha/patch/p1@x/mbox/?series=*", fmt.Sprintf("/patch/%d/", p1), fmt.Sprintf("/patch/%d/mbox/", p1),
			"/project/alpha/cover/c@x/", "/project/alpha/cover/c@x/mbox/", "/project/alpha/cover/p1@x/", fmt.Sprintf("/cover/%d/", cover), fmt.Sprintf("/comment/%d/", r1), "/comment/7777/"}
		shown := []string{"/project/alpha/list/?state=*", "/project/alpha/patch/p2@x/", "/project/alpha/series/" + series + "/", "/series/" + series + "/mbox/", "/project/alpha/patch/p2@x/mbox/?series=*"}
		for _, token := range []string{"", c.joe, c.mia, c.root} {
			for _, path := range gone {
				s.expect(s.visit(token, "GET", path, ""), 404, "!First step", "!What it is about")
			}
			for _, path := range shown {
				s.expect(s.visit(token, "GET", path, ""), 200, "Second step", "!First step", "!What it is about", "!Nice cover", "!Good.")
			}
		}
		s.expect(s.visit(c.mia, "POST", "/project/alpha/patch/p1@x/", "state=3"), 404)
		s.hide(alpha, "<p1@x>", false)
		s.hide(alpha, "<c@x>", false)
		s.expect(s.get("/project/alpha/patch/p1@x/"), 200, "First step", "!Good.")
		s.expect(s.get("/project/alpha/cover/c@x/"), 200, "What it is about", "!Nice cover")
		for _, path := range []string{fmt.Sprintf("/comment/%d/", r1), "/comment/7777/"} { // they are hidden themselves
			s.expect(s.get(path), 404)
		}
		s.hide(alpha, "<r1@x>", false)
		s.hide(alpha, "<r0@x>", false)
		for _, path := range append(gone, shown...) {
			if a := s.get(path); a.StatusCode != 200 && a.StatusCode != 302 {
				t.Errorf("%s: %d after it was shown again", path, a.StatusCode)
			}
		}
	})
}
