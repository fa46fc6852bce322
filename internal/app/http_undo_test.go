// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// undoSite knows ways to take a change back, and changes that can be.
type undoSite struct {
	*site
	cast
	one, two int64 // patches
	beta     int64 // one of another project
}

func (s *undoSite) json(method, path, body string, status int, want ...string) string {
	s.t.Helper()
	a := s.visit(s.mia, method, "/api/1.4/"+path, body, "Content-Type: application/json")
	s.expect(a, status, want...)
	return a.body
}

// ways take the change with a number back.
func (s *undoSite) ways() map[string]func(set string) {
	return map[string]func(set string){
		"page": func(set string) {
			s.redirects(s.visit(s.mia, "POST", "/user/changes/"+set+"/undo/", "next=/user/changes/"), 303, "/user/changes/")
		},
		"API": func(set string) {
			s.json("POST", "changes/"+set+"/undo/", "", 201, `"what":"undo"`, `"undoes":`+set, `"state":"done"`, `"refused":0,"overtaken":0,"lost":0`)
		},
		"command line": func(set string) {
			var id int64
			fmt.Sscan(set, &id)
			if _, err := patch.Undo(s.t.Context(), s.db, account.CLI, noon, id); err != nil {
				s.t.Error(err)
			}
		},
	}
}

// deeds are changes, by page and by the API, with what they are called there.
func (s *undoSite) deeds() map[string]func() (what string) {
	series := s.rows("SELECT series_id FROM patch WHERE id = ?", s.one)[0]
	openBundle := s.rows("SELECT id FROM bundle WHERE name = 'open'")[0]
	bundle := func() string { return s.rows("SELECT id FROM bundle WHERE name = 'kept'")[0] }
	list := func(form string) {
		s.redirects(s.visit(s.mia, "POST", "/project/alpha/list/", form), 303, "/project/alpha/list/")
	}
	return map[string]func() string{
		"state, bulk form": func() string {
			list(fmt.Sprintf("patch_id:%d=on&patch_id:%d=on&state=3&delegate=*&archived=*", s.one, s.two))
			return "patches"
		},
		"relation, form": func() string {
			s.redirects(s.visit(s.mia, "POST", "/project/alpha/patch/p1@x/", fmt.Sprintf("relate=%d", s.two)), 303, "/project/alpha/patch/p1@x/#related")
			return "relation"
		},
		"relation, API": func() string {
			s.json("PATCH", fmt.Sprintf("patches/%d/", s.one), fmt.Sprintf(`{"related":[%d]}`, s.two), 200)
			return "relation"
		},
		"new bundle, bulk form": func() string {
			list(fmt.Sprintf("action=create&name=new&patch_id:%d=on", s.one))
			return "bundle-create"
		},
		"new bundle, API": func() string {
			s.json("POST", "bundles/", fmt.Sprintf(`{"name":"new","patches":[%d]}`, s.one), 201)
			return "bundle-create"
		},
		"add to bundle, bulk form": func() string {
			list(fmt.Sprintf("action=add&bundle_id=%s&patch_id:%d=on", bundle(), s.two))
			return "bundle-add"
		},
		"remove from bundle, its page": func() string {
			s.redirects(s.visit(s.mia, "POST", "/bundle/mia/kept/", fmt.Sprintf("action=remove&patch_id:%d=on", s.one)), 303, "/bundle/mia/kept/")
			return "bundle-remove"
		},
		"order of bundle, its page": func() string {
			s.redirects(s.visit(s.mia, "POST", "/bundle/mia/kept/", fmt.Sprintf("action=order&place:%d=2&place:%d=1", s.one, s.id("patch", "alone@x"))), 303, "/bundle/mia/kept/")
			return "bundle-set"
		},
		"patches of bundle, API": func() string {
			s.json("PATCH", "bundles/"+bundle()+"/", fmt.Sprintf(`{"patches":[%d]}`, s.two), 200)
			return "bundle-set"
		},
		"name of bundle, its page": func() string {
			s.redirects(s.visit(s.mia, "POST", "/bundle/mia/kept/", "action=save&name=called+otherwise&public=true"), 303, "/bundle/mia/called%20otherwise/")
			return "bundle-rename"
		},
		"name of bundle, API": func() string {
			s.json("PATCH", "bundles/"+bundle()+"/", `{"name":"other"}`, 200)
			return "bundle-rename"
		},
		"publish bundle, its page": func() string {
			s.redirects(s.visit(s.mia, "POST", "/bundle/mia/kept/", "action=save&name=kept&public=true"), 303, "/bundle/mia/kept/")
			return "bundle-publish"
		},
		"publish bundle, API": func() string {
			s.json("PATCH", "bundles/"+bundle()+"/", `{"public":true}`, 200)
			return "bundle-publish"
		},
		"hide bundle, API": func() string {
			s.json("PATCH", "bundles/"+openBundle+"/", `{"public":false}`, 200)
			return "bundle-unpublish"
		},
		"name and patches of bundle, API": func() string {
			s.json("PATCH", "bundles/"+bundle()+"/", fmt.Sprintf(`{"name":"other","public":true,"patches":[%d]}`, s.two), 200)
			return "bundle-set"
		},
		"version and metadata of series, API": func() string {
			s.json("PATCH", "series/"+series+"/", `{"version":7,"metadata":{"ci":null,"bug":"42"}}`, 200)
			return "series"
		},
		"series and its patches, API": func() string {
			s.json("PATCH", "series/"+series+"/", `{"metadata":{"ci":"bad"},"state":"rejected"}`, 200)
			return "series"
		},
		"move bundle to another project, API": func() string {
			s.json("PATCH", "bundles/"+bundle()+"/", fmt.Sprintf(`{"name":"moved","patches":[%d]}`, s.beta), 200)
			return "bundle-move"
		},
		"delete bundle, its page": func() string {
			s.redirects(s.visit(s.mia, "POST", "/bundle/mia/kept/", "action=delete"), 303, "/user/bundles/")
			return "bundle-delete"
		},
		"delete bundle, API": func() string {
			s.json("DELETE", "bundles/"+bundle()+"/", "", 204)
			return "bundle-delete"
		},
	}
}

// all is what changes can be seen by.
func (s *undoSite) all() []string {
	return slices.Concat(s.rows("SELECT id, state_id, COALESCE(related_id, 0) FROM patch ORDER BY id"), s.rows("SELECT id FROM patch_relation"),
		s.rows("SELECT id, version FROM series ORDER BY id"), s.rows("SELECT series_id, name, value FROM series_metadata ORDER BY 1, 2"),
		s.rows("SELECT b.id, b.name, b.public, b.project_id, x.patch_id, x.position FROM bundle b JOIN bundle_patch x ON x.bundle_id = b.id ORDER BY 1, 6"))
}

// TestUndoVerb: whatever way a change was made, whatever way it is taken back, all is as before; the page names it, and offers it.
func TestUndoVerb(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := &undoSite{site: serve(t, db)}
		s.cast, _ = s.newCast()
		s.one, s.two = s.id("patch", "p1@x"), s.id("patch", "p2@x")
		s.project("beta")
		s.patchMail("beta", "beta@x", "[PATCH] Of beta")
		s.beta = s.id("patch", "beta@x")
		s.json("POST", "bundles/", fmt.Sprintf(`{"name":"kept","patches":[%d,%d,%d]}`, s.one, s.id("patch", "alone@x"), s.two), 201)
		s.json("PATCH", "bundles/"+s.rows("SELECT id FROM bundle WHERE name = 'kept'")[0]+"/", fmt.Sprintf(`{"patches":[%d,%d]}`, s.one, s.id("patch", "alone@x")), 200)
		s.json("POST", "bundles/", fmt.Sprintf(`{"name":"open","public":true,"patches":[%d]}`, s.two), 201)
		s.json("PATCH", "series/"+s.rows("SELECT series_id FROM patch WHERE id = ?", s.one)[0]+"/", `{"metadata":{"ci":"ok"}}`, 200)
		before := s.all()
		last := regexp.MustCompile(`^\[\{"id":(\d+),`)
		for name, deed := range s.deeds() {
			for way, undo := range s.ways() {
				what := deed()
				if cmp.Equal(before, s.all()) {
					t.Fatalf("%s: nothing was changed", name)
				}
				list := s.json("GET", "changes/", "", 200)
				set := last.FindStringSubmatch(list)
				if set == nil || !strings.Contains(list[:min(400, len(list))], `"what":"`+what+`"`) {
					t.Fatalf("%s: %.400s", name, list)
				}
				s.expect(s.visit(s.mia, "GET", "/user/changes/", ""), 200, `action="/user/changes/`+set[1]+`/undo/"`)
				s.json("GET", "changes/"+set[1]+"/", "", 200, `"undo_until":"2026-03-01T12:10:00"`)
				undo(set[1])
				if diff := cmp.Diff(before, s.all()); diff != "" {
					t.Errorf("%s, taken back by %s: %s", name, way, diff)
				}
				s.json("POST", "changes/"+set[1]+"/undo/", "", 409, "this change was taken back already")
				s.json("GET", "changes/"+set[1]+"/", "", 200, `"undo_until":null`)
			}
		}
		s.expect(s.visit(s.joe, "POST", "/api/1.4/changes/1/undo/", ""), 404)
		s.expect(s.visit("", "GET", "/api/1.4/changes/", ""), 403)
		s.expect(s.visit(s.mia, "GET", "/api/1.3/changes/", ""), 404)
		s.sound()
	})
}

// TestUndoSays: what was left alone because somebody changed it since is counted, named and linked, with who did, on the page, by the API and on the page of the change; and so is what
// was gone when it was ticked.
func TestUndoSays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := &undoSite{site: serve(t, db)}
		s.cast, _ = s.newCast()
		s.one, s.two = s.id("patch", "p1@x"), s.id("patch", "p2@x")
		alone := s.id("patch", "alone@x")
		change := func() string {
			a := s.visit(s.mia, "POST", "/project/alpha/list/", fmt.Sprintf("patch_id:%d=on&patch_id:%d=on&patch_id:%d=on&patch_id:99999=on&state=3", s.one, s.two, alone))
			s.says(a, "/project/alpha/list/", "-3 patches updated (state: Accepted). Patch 99999 is gone")
			return a.undo()
		}
		undo := change()
		first := "/project/alpha/change/" + regexp.MustCompile(`\d+`).FindString(undo) + "/"
		s.expect(s.visit(s.mia, "GET", first, ""), 200, "<h1>3 patches updated (state: Accepted)</h1>", "1 patch (99999) is gone", "that any more <span class=\"dim\">1</span>", "Patch 99999")
		s.json("GET", "changes/"+regexp.MustCompile(`\d+`).FindString(undo)+"/", "", 200, `"gone":[99999]`)
		s.exec("UPDATE user_account SET is_admin = TRUE WHERE username = 'joe'")
		if a := s.visit(s.joe, "PATCH", fmt.Sprintf("/api/1.4/patches/%d/", s.two), `{"archived":true}`, "Content-Type: application/json"); a.StatusCode != 200 {
			t.Fatal(a.StatusCode, a.body)
		}
		s.json("PATCH", fmt.Sprintf("patches/%d/", alone), `{"commit_ref":"abc"}`, 200)
		a := s.visit(s.mia, "POST", undo, "next=/project/alpha/list/")
		s.says(a, "/project/alpha/list/", "-1 patch is as it was before (undo of “state: Accepted”). 2 patches were left alone, because somebody changed them since")
		cookie := "Cookie: " + strings.Split(a.Header.Get("Set-Cookie"), ";")[0]
		s.expect(s.visit(s.mia, "GET", "/project/alpha/list/", "", cookie), 200,
			fmt.Sprintf(`changed them since: <a href="/patch/%d/"><bdi>[2/2] Second step</bdi></a> (<bdi>joe</bdi>), <a href="/patch/%d/"><bdi>Alone</bdi></a> (<bdi>you</bdi>)`, s.two, alone))
		set := regexp.MustCompile(`\d+`).FindString(a.undo())
		s.expect(s.visit(s.mia, "GET", "/project/alpha/change/"+set+"/", ""), 200, "Changed since, and left as they are", `href="/project/alpha/patch/p2@x/"`, "changed by <bdi>joe</bdi>", "changed by <bdi>you</bdi>")
		s.json("GET", "changes/"+set+"/", "", 200, `"changed":1,"refused":0,"overtaken":2,"lost":0`, fmt.Sprintf(`/api/1.4/patches/%d/","name":"[2/2] Second step","changed_by":"joe"}`, s.two), `"changed_by":"mia"}]`)

		s.expect(s.visit(s.mia, "GET", "/user/changes/", ""), 200, ">undo of “state: Accepted”</a>", "<td>done, 2 left alone</td>")

		// What was only ticked, and is gone, changes nothing; so with bundles.
		s.says(s.visit(s.mia, "POST", "/project/alpha/list/", "patch_id:99999=on&patch_id:99998=on&state=3"), "/project/alpha/list/", "-No patches updated. Patches 99998 and 99999 are gone")
		s.says(s.visit(s.mia, "POST", "/project/alpha/list/", fmt.Sprintf("action=create&name=new&patch_id:%d=on&patch_id:99999=on", s.one)), "/project/alpha/list/", "-Bundle new created with 1 patch. Patch 99999 is gone")
		s.says(s.visit(s.mia, "POST", "/project/alpha/list/", "action=create&name=none&patch_id:99999=on"), "/project/alpha/list/", "-Nothing updated. Patch 99999 is gone")
		id := s.rows("SELECT id FROM bundle")[0]
		s.says(s.visit(s.mia, "POST", "/project/alpha/list/", fmt.Sprintf("action=add&bundle_id=%s&patch_id:%d=on&patch_id:99999=on", id, s.two)), "/project/alpha/list/", "-1 patch added to bundle new. Patch 99999 is gone")
		s.sound()
	})
}

// TestUndoSaysOfBundles: of a bundle and a series it is said what came back of them, and what did not.
func TestUndoSaysOfBundles(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := &undoSite{site: serve(t, db)}
		s.cast, _ = s.newCast()
		s.one, s.two = s.id("patch", "p1@x"), s.id("patch", "p2@x")
		s.project("beta")
		s.patchMail("beta", "beta@x", "[PATCH] Of beta")
		s.json("POST", "bundles/", fmt.Sprintf(`{"name":"kept","patches":[%d,%d]}`, s.one, s.two), 201)
		bundle := "bundles/" + s.rows("SELECT id FROM bundle")[0] + "/"
		series := "series/" + s.rows("SELECT series_id FROM patch WHERE id = ?", s.one)[0] + "/"
		last := regexp.MustCompile(`^\[\{"id":(\d+),`)
		change := func(path, body string) string {
			s.json("PATCH", path, body, 200)
			return last.FindStringSubmatch(s.json("GET", "changes/", "", 200))[1]
		}
		says := func(set, want string) {
			t.Helper()
			s.says(s.visit(s.mia, "POST", "/user/changes/"+set+"/undo/", ""), "/user/changes/", want)
		}
		one, two := change(bundle, `{"name":"a"}`), change(bundle, fmt.Sprintf(`{"name":"b","patches":[%d]}`, s.two))
		says(one, "-Nothing was taken back. The bundle itself was left alone, because somebody changed it since")
		says(two, "+The bundle and 2 patches are as before")
		newest := func() string {
			return "/project/alpha/change/" + last.FindStringSubmatch(s.json("GET", "changes/", "", 200))[1] + "/"
		}
		s.expect(s.visit(s.mia, "GET", newest(), ""), 200, "The bundle became what it was before", "!Each patch")
		one, two = change(bundle, fmt.Sprintf(`{"name":"c","patches":[%d]}`, s.two)), change(bundle, `{"public":true}`)
		says(one, "-2 patches are as they were before (undo of “bundle c: settings, order or patches changed”). The bundle itself was left alone, because somebody changed it since")
		says(two, "+The bundle is private again")
		one = change(bundle, fmt.Sprintf(`{"patches":[%d]}`, s.id("patch", "beta@x")))
		s.expect(s.visit(s.mia, "GET", "/user/changes/", ""), 200, "bundle c: moved to another project")
		says(one, "+The bundle is in its project again")
		one = change(bundle, fmt.Sprintf(`{"patches":[%d]}`, s.id("patch", "beta@x")))
		change(bundle, `{"name":"d"}`)
		says(one, "-Nothing was taken back. The bundle itself was left alone, because somebody changed it since. 3 patches were left alone, because somebody changed them since")

		one = change(series, `{"metadata":{"ci":"bad"},"state":"rejected"}`)
		change(series, `{"version":9}`)
		says(one, "-2 patches are as they were before (undo of “series: metadata ci, state: Rejected”). The series itself was left alone, because somebody changed it since")
		says(change(series, `{"version":10}`), "+The series is as before")
		says(change(series, `{"version":10,"state":"accepted"}`), "+The series and 2 patches are as before")
		s.expect(s.visit(s.mia, "GET", newest(), ""), 200, "The series, and each patch that was changed with it, became what it was before", "!Each patch")

		// Each of these is an event from API 1.4 on, and so is taking it back.
		for version, want := range map[string]int{"1.0": 0, "1.3": 0, "1.4": 5} {
			a := s.get("/api/" + version + "/events/?category=series-version-changed")
			if s.expect(a, 200); strings.Count(a.body, `"category":"series-version-changed"`) != want {
				t.Errorf("%s: %s", version, a.body)
			}
			if all := s.get("/api/" + version + "/events/?per_page=250"); strings.Contains(all.body, "series-metadata-changed") != (want > 0) {
				t.Errorf("%s: %s", version, all.body)
			}
		}
		s.expect(s.get("/api/1.4/events/?category=series-version-changed&per_page=1"), 200, `"username":"mia"`, `"previous_version":10,"current_version":9}`)
		s.sound()
	})
}
