// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// bundled is a site on which joe has a public bundle "two steps" (p2, p1) and a private one, "mine" (alone).
type bundled struct {
	*site
	joe, ann, root string // sessions
	mine, public   patch.Bundle
}

const publicPage, privatePage = "/bundle/joe/two%20steps/", "/bundle/joe/mine/"

func serveBundles(t *testing.T, db *sqldb.DB) *bundled {
	t.Helper()
	s := &bundled{site: serve(t, db)}
	s.seriesOfTwo()
	u, joe := s.user("joe", "joe@people.example", false)
	s.joe = joe
	_, s.ann = s.user("ann", "ann@people.example", false)
	_, s.root = s.user("root", "root@people.example", true)
	s.maintainer("alpha", "ann")
	make := func(name string, public bool, msgids ...string) patch.Bundle {
		var ids []int64
		for _, m := range msgids {
			ids = append(ids, s.id("patch", m))
		}
		b, err := patch.CreateBundle(t.Context(), db, account.Actor{User: u.ID, Via: "api"}, 0, patch.BundleChange{Name: &name, Public: &public, Patches: &ids})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	s.public = make("two steps", true, "p2@x", "p1@x")
	s.mine = make("mine", false, "alone@x")
	return s
}

// TestBundlePage: conformance check 102, the page and who sees it.
func TestBundlePage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serveBundles(t, db)
		for _, who := range []string{"", s.joe, s.ann, s.root} {
			a := s.visit(who, "GET", publicPage, "")
			s.expect(a, 200, "two steps", "public bundle", "Second step", "First step", `href="mbox/"`)
			if strings.Index(a.body, "Second step") > strings.Index(a.body, "First step") {
				t.Error("not in the order of the bundle")
			}
			if forms := strings.Contains(a.body, `value="save"`); forms != (who == s.joe) {
				t.Errorf("forms: %v", forms)
			}
		}
		s.expect(s.get("/bundle/JOE/two%20steps/"), 200, "two steps")
		s.expect(s.visit(s.joe, "GET", privatePage, ""), 200, "private bundle", "Alone")
		for _, who := range []string{"", s.ann, s.root} {
			s.expect(s.visit(who, "GET", privatePage, ""), 404, "!Alone")
			s.expect(s.visit(who, "GET", privatePage+"mbox/", ""), 404, "!Alone")
		}
		for _, path := range []string{"/bundle/joe/none/", "/bundle/nobody/mine/", "/bundle/joe/Mine/", "/bundle/joe/%FF/", "/bundle/joe/none/mbox/"} {
			s.expect(s.visit(s.joe, "GET", path, ""), 404, "Not found")
		}
		s.redirects(s.get("/user/bundles/"), 302, "/user/login/?next=%2Fuser%2Fbundles%2F")
		s.expect(s.visit(s.joe, "GET", "/user/bundles/", ""), 200, publicPage, privatePage, "everybody", "ALPHA", "<td>1 patch</td>")
		s.expect(s.visit(s.joe, "GET", "/project/alpha/bundles/", ""), 200, publicPage, privatePage)
		s.expect(s.visit(s.ann, "GET", "/project/alpha/bundles/", ""), 200, "!"+publicPage, "none here")
		s.expect(s.visit(s.joe, "GET", "/project/beta/bundles/", ""), 404)

		// What the API says where it is, is there; also for names that imports bring.
		s.exec("UPDATE bundle SET name = 'a/b \"q\" (1)!' WHERE id = ?", s.public.ID)
		var page, mbox string
		a := s.get(fmt.Sprintf("/api/1.4/bundles/%d/", s.public.ID))
		for key, to := range map[string]*string{`"web_url":"`: &page, `"patches"`: nil, `"public":true,"mbox":"`: &mbox} {
			if _, rest, ok := strings.Cut(a.body, key); ok && to != nil {
				address, _, _ := strings.Cut(rest, `"`)
				u, err := url.Parse(address)
				if err != nil {
					t.Fatal(err)
				}
				*to = u.EscapedPath()
			}
		}
		if page != "/bundle/joe/a%2Fb%20%22q%22%20(1)!/" || mbox != page+"mbox/" {
			t.Errorf("%s %s: %s", page, mbox, a.body)
		}
		s.expect(s.get(page), 200, "Second step")
		s.expect(s.get(mbox), 200, "Second step")
	})
}

// TestBundleFile: what TestBundleMbox leaves out.
func TestBundleFile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serveBundles(t, db)
		s.download(publicPage+"mbox/", "text/plain", fmt.Sprintf("bundle-%d-two-steps.mbox", s.public.ID), "Subject: [PATCH 2/2] Second step", "Subject: [PATCH 1/2] First step", "Reviewed-by: Rita")
		token := s.apiToken("joe")
		s.expect(s.visit("", "HEAD", privatePage+"mbox/", "", token), 200)
		s.expect(s.visit("", "GET", privatePage, "", token), 404) // pages know sessions only, as in 3.2
		part := s.visit("", "GET", privatePage+"mbox/", "", token, "Range: bytes=0-13")
		s.expect(part, 206)
		if part.body != "From patchwork" || part.Header.Get("Vary") != "Cookie, Authorization" || part.Header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%q %v", part.body, part.Header)
		}
		ann := s.apiToken("ann")
		for _, who := range []string{"X-None: x", ann} {
			a := s.visit("", "GET", privatePage+"mbox/", "", who, "Accept: text/html")
			if a.StatusCode != 404 || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" || a.body != "Not found: there is no bundle \"mine\" of \"joe\"\n" {
				t.Errorf("%d %v %q", a.StatusCode, a.Header, a.body)
			}
		}
		for _, path := range []string{publicPage, privatePage} {
			s.expect(s.visit("", "GET", path+"mbox/", "", "Authorization: Token wrong"), 403, "!Subject:")
		}
		s.expect(s.visit("", "GET", publicPage+"mbox/", "", "Authorization: Negotiate x"), 200)

		id := fmt.Sprint(s.mine.ID)
		s.redirects(s.get("/user/bundle/"+id+"/"), 302, "/user/login/?next=%2Fuser%2Fbundle%2F"+id+"%2F")
		s.redirects(s.visit(s.ann, "GET", fmt.Sprintf("/user/bundle/%d/mbox/", s.public.ID), ""), 302, publicPage+"mbox/")
		s.expect(s.visit(s.ann, "GET", "/user/bundle/"+id+"/", ""), 404)
		for _, path := range []string{"/user/bundle/x/", "/user/bundle/999999/", "/user/bundle/" + id + "/raw/"} {
			s.expect(s.visit(s.joe, "GET", path, ""), 404)
		}
		s.exec("DELETE FROM bundle_patch WHERE bundle_id = ?", s.public.ID)
		s.is(s.get(publicPage+"mbox/"), 200, "")
		s.expect(s.get(publicPage), 200, "no patch in it")
	})
}

// TestBundleMboxWithoutAPI: without the API only sessions count.
func TestBundleMboxWithoutAPI(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	s := serveBundles(t, db)
	header := s.apiToken("joe")
	off := serve(t, db, func(c *config.Config) { c.HTTP.API = false })
	off.expect(off.visit("", "GET", privatePage+"mbox/", "", header), 404)
	off.expect(off.visit(s.joe, "GET", privatePage+"mbox/", ""), 200, "Alone")
}

// TestBundleForms: the owner's forms, which need no script, do what the core's verbs do; nobody else's do anything.
func TestBundleForms(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serveBundles(t, db)
		ids := map[string]int64{}
		for _, m := range []string{"p1", "p2", "alone"} {
			ids[m] = s.id("patch", m+"@x")
		}
		is := func(want string) {
			t.Helper()
			got := s.rows("SELECT b.name, CASE WHEN b.public = TRUE THEN 'public' ELSE 'private' END, p.patch_id FROM bundle b LEFT JOIN bundle_patch p ON p.bundle_id = b.id WHERE b.id = ? ORDER BY p.position", s.public.ID)
			for m, id := range ids {
				want = strings.ReplaceAll(want, "{"+m+"}", fmt.Sprint(id))
			}
			if text := strings.Join(got, ", "); text != want {
				t.Errorf("%s, want %s", text, want)
			}
		}
		const before = "two steps public {p2}, two steps public {p1}"
		for _, form := range []string{"action=save&name=x&public=false", "action=delete", fmt.Sprintf("action=remove&patch_id:%d=on", ids["p1"]), fmt.Sprintf("action=order&place:%d=1", ids["p1"])} {
			s.redirects(s.visit("", "POST", publicPage, form), 302, "/user/login/?next=%2Fbundle%2Fjoe%2Ftwo%2520steps%2F")
			for _, who := range []string{s.ann, s.root} {
				s.expect(s.visit(who, "POST", publicPage, form), 403, "Not allowed")
				s.expect(s.visit(who, "POST", privatePage, form), 404)
			}
			s.expect(s.visit(s.joe, "POST", publicPage, form, "Sec-Fetch-Site: cross-site"), 403)
			is(before)
		}
		post := func(path, form, to, flash string) {
			t.Helper()
			a := s.visit(s.joe, "POST", path, form)
			s.redirects(a, 303, to)
			if a.flash() != flash {
				t.Errorf("%s: %q, want %q", form, a.flash(), flash)
			}
		}
		post(publicPage, "action=save&name=mine&public=true", publicPage, "-A bundle called mine already exists")
		post(publicPage, "action=save&name=a/b&public=true", publicPage, "-Bundle names can't contain slashes")
		post(publicPage, "action=save&name=&public=true", publicPage, "-This field may not be blank.")
		post(publicPage, "action=nosuch", publicPage, "-there is no such thing to do with a bundle")
		post(publicPage, "action=remove", publicPage, "-No patches selected; nothing removed")
		post(publicPage, fmt.Sprintf("action=remove&patch_id:%d=on&patch_id:%d=on", ids["p1"], ids["p2"]), publicPage, "-A bundle can't be empty; delete it instead")
		is(before)
		post(publicPage, "action=save&name=renamed&public=false", "/bundle/joe/renamed/", "+Bundle saved")
		is("renamed private {p2}, renamed private {p1}")
		const page = "/bundle/joe/renamed/"
		post(page, fmt.Sprintf("action=order&place:%d=1&place:%d=1", ids["p1"], ids["p2"]), page, "+Order changed")
		is("renamed private {p1}, renamed private {p2}")
		for form, flash := range map[string]string{
			"place:{p1}=1":                              "the form has no place for patch {p2}, which is in the bundle; it may have been added meanwhile",
			"place:{p1}=2&place:{p2}=1&place:{p1}=1":    "the form has 2 places for patch {p1}",
			"place:{p1}=2&place:{p2}=1&place:{alone}=3": "patch {alone} is not in the bundle; it may have been removed meanwhile",
			"place:{p1}=2&place:{p2}=x":                 "“x” is no place of patch {p2}; the places are 1 to 2",
			"place:{p1}=2&place:{p2}=1&place:one=1":     "“one” is no number of a patch",
			"":                                          "the form has no place for patch {p1}, which is in the bundle; it may have been added meanwhile",
		} {
			for m, id := range ids {
				form, flash = strings.ReplaceAll(form, "{"+m+"}", fmt.Sprint(id)), strings.ReplaceAll(flash, "{"+m+"}", fmt.Sprint(id))
			}
			post(page, "action=order&"+form, page, "-Order not changed: "+flash)
			is("renamed private {p1}, renamed private {p2}")
		}
		post(page, fmt.Sprintf("action=order&place:%d=1&place:%d=2", ids["p1"], ids["p2"]), page, "+The order is as it was")
		post(page, fmt.Sprintf("action=order&place:%d=2&place:%d=2", ids["p1"], ids["p2"]), page, "+Order changed")
		is("renamed private {p2}, renamed private {p1}")
		post(page, fmt.Sprintf("action=remove&patch_id:%d=on", ids["p2"]), page, "+1 patch removed from the bundle")
		is("renamed private {p1}")
		post(page, "action=delete", "/user/bundles/", "+Bundle renamed deleted")
		s.expect(s.visit(s.joe, "GET", page, ""), 404)
		if got := s.rows("SELECT name FROM bundle"); len(got) != 1 || got[0] != "mine" {
			t.Error(got)
		}
	})
}
