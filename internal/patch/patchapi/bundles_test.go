// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/apiseed"
)

const bundleRows = `SELECT CONCAT_WS('|', u.username, j.linkname, b.name, CASE WHEN b.public = TRUE THEN 'public' ELSE 'private' END,
	(SELECT COUNT(*) FROM bundle_patch p WHERE p.bundle_id = b.id)) FROM bundle b JOIN user_account u ON u.id = b.owner_id JOIN project j ON j.id = b.project_id ORDER BY b.id`

// bundle makes one and gives its id.
func (s *served) bundle(t *testing.T, who, body string) string {
	t.Helper()
	return fmt.Sprint(s.ask(t, who, "POST", "/bundles/", body, 201, "").At("id"))
}

// TestCreateBundle: conformance checks 51 to 53, 58 and 59.
func TestCreateBundle(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		for _, body := range []string{"", `{"name":"x","patches":[{p1}]}`, `{bad`} { // 51
			s.ask(t, "", "POST", "/bundles/", body, 403, noLogin)
		}
		a := s.ask(t, "joe", "POST", "/1.3/bundles/", `{"name":" my ü b ","patches":[{p2},{p1},{p2},{p3}],"public":true}`, 201, "") // 52
		id := fmt.Sprint(a.At("id"))
		if got := a.Header.Get("Location"); got != "http://h/api/1.3/bundles/"+id+"/" {
			t.Error(got)
		}
		if a.Keys() != "id url web_url project name owner patches public mbox" {
			t.Error(a.Keys())
		}
		for place, want := range map[string]any{"url": "http://h/api/1.3/bundles/" + id + "/", "web_url": "http://h/bundle/joe/my%20%C3%BC%20b/", "mbox": "http://h/bundle/joe/my%20%C3%BC%20b/mbox/",
			"name": "my ü b", "public": true, "project.link_name": "alpha", "project.url": s.fill("http://h/api/1.3/projects/{j.alpha}/"), "owner.username": "joe", "owner.url": s.fill("http://h/api/1.3/users/{u.joe}/"),
			"patches.0.id": s.Patches[1], "patches.1.id": s.Patches[2], "patches.2.id": s.Patches[3], "patches.3": apiseed.Missing, // by date
			"patches.0.url": s.fill("http://h/api/1.3/patches/{p1}/"), "patches.0.web_url": "http://h/project/alpha/patch/" + apiseed.Patch1 + "/", "patches.0.msgid": "<" + apiseed.Patch1 + ">",
			"patches.0.list_archive_url": "https://archive.example/alpha/" + apiseed.Patch1, "patches.0.date": "2026-03-01T09:00:00", "patches.0.name": "[1/2] kettle: close the hole",
			"patches.0.mbox": "http://h/project/alpha/patch/" + apiseed.Patch1 + "/mbox/"} {
			if got := a.At(place); got != want {
				t.Errorf("%s: %v, want %v", place, got, want)
			}
		}
		if got := s.rows(t, "SELECT CONCAT_WS(' ', position, patch_id) FROM bundle_patch WHERE bundle_id = "+id+" ORDER BY position"); got != s.fill("1 {p2}\n2 {p1}\n3 {p3}") {
			t.Error(got)
		}
		if a := s.ask(t, "", "GET", "/1.4/bundles/"+id+"/", "", 200, ""); fmt.Sprint(a.At("patch_order.0"), a.At("patch_order.1"), a.At("patch_order.2"), a.At("patch_order.3")) != s.fill("{p2} {p1} {p3}(missing)") {
			t.Error(a.Body)
		}
		s.ask(t, "joe", "POST", "/1.2/bundles/", "name=form&patches={p4}", 201, "") // 58, of another project

		for body, want := range map[string]string{ // 53 and 59
			`{}`:                                                          `{"name":["This field is required."],"patches":["This field is required."]}`,
			`{"name":"x","patches":[]}`:                                   `{"patches":["Bundles cannot be empty"]}`,
			`name=x&patches=`:                                             `{"patches":["Bundles cannot be empty"]}`,
			`{"name":"x","patches":null}`:                                 `{"patches":["This field may not be null."]}`,
			`{"name":"x","patches":"1"}`:                                  `{"patches":["Expected a list of items but got type \"str\"."]}`,
			`{"name":"x","patches":["a"]}`:                                `{"patches":["Incorrect type. Expected pk value, received str."]}`,
			`{"name":"x","patches":[{p1},{p4}]}`:                          `{"patches":["Bundle patches must belong to the same project"]}`,
			`name=x&patches={p4}&patches={p1}`:                            `{"patches":["Bundle patches must belong to the same project"]}`,
			`{"name":"x","patches":[{p1},999999]}`:                        `{"patches":["Invalid pk \"999999\" - object does not exist."]}`,
			`{"name":"my ü b","patches":[{p1}]}`:                          `{"name":["A bundle called my ü b already exists"]}`,
			`{"name":"a/b","patches":[{p1}]}`:                             `{"name":["Bundle names can't contain slashes"]}`,
			`{"name":"..","patches":[{p1}]}`:                              `{"name":["This can't be the name of a bundle, which is part of its address"]}`,
			`{"name":"a\nb","patches":[{p1}]}`:                            `{"name":["This can't be the name of a bundle, which is part of its address"]}`,
			`{"name":"","patches":[{p1}]}`:                                `{"name":["This field may not be blank."]}`,
			`{"name":null,"patches":[{p1}]}`:                              `{"name":["This field may not be null."]}`,
			`{"name":"x","patches":[{p1}],"public":""}`:                   `{"public":["Must be a valid boolean."]}`,
			`{"name":"` + strings.Repeat("ü", 51) + `","patches":[{p1}]}`: `{"name":["Ensure this field has no more than 50 characters."]}`,
		} {
			s.ask(t, "joe", "POST", "/1.4/bundles/", body, 400, want)
		}
		s.bundle(t, "maint", `{"name":"my ü b","patches":[{p1}]}`) // another owner's
		s.bundle(t, "joe", `{"name":"MY ü b","patches":["{p1}"]}`)
		s.bundle(t, "joe", `{"name":"`+strings.Repeat("ü", 50)+`","patches":[{p5}]}`)
		if got, want := s.rows(t, bundleRows), "joe|alpha|my ü b|public|3\njoe|beta|form|private|1\nmaint|alpha|my ü b|private|1\njoe|alpha|MY ü b|private|1\njoe|alpha|"+strings.Repeat("ü", 50)+"|private|1"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// TestBundlesOfVersions: conformance checks 49 and 57. Below 1.2 the method is refused before anything else is looked at.
func TestBundlesOfVersions(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		id := s.bundle(t, "joe", `{"name":"b","patches":[{p1}],"public":true}`)
		for _, version := range []string{"1.0", "1.1"} {
			for _, who := range []string{"", "joe", "root"} {
				s.ask(t, who, "POST", "/"+version+"/bundles/", `{"name":"x","patches":[{p1}]}`, 405, `{"detail":"Method \"POST\" not allowed."}`)
				for _, method := range []string{"PATCH", "PUT", "DELETE"} {
					for _, at := range []string{id, "999999"} {
						s.ask(t, who, method, "/"+version+"/bundles/"+at+"/", `{"name":"x"}`, 405, `{"detail":"Method \"`+method+`\" not allowed."}`)
					}
				}
			}
		}
		for version, keys := range map[string]string{
			"1.0": "id url project name owner patches public mbox",
			"1.1": "id url web_url project name owner patches public mbox",
			"1.3": "id url web_url project name owner patches public mbox",
			"1.4": "id url web_url project name owner patches public mbox patch_order",
		} {
			for _, path := range []string{"/bundles/", "/bundles/" + id + "/"} {
				if a := s.ask(t, "", "GET", "/"+version+path, "", 200, ""); a.Keys() != keys {
					t.Errorf("%s%s: %s, want %s", version, path, a.Keys(), keys)
				}
			}
		}
		if a := s.ask(t, "", "GET", "/1.0/bundles/"+id+"/", "", 200, ""); a.At("patches.0.web_url") != apiseed.Missing || a.At("project.commit_url_format") != apiseed.Missing || a.At("patches.0.mbox") == apiseed.Missing {
			t.Error(a.Body)
		}
	})
}

// TestSeeBundles: conformance checks 47, 48 and 50.
func TestSeeBundles(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		ids := map[string]string{}
		for i, b := range []struct{ who, body string }{
			{"joe", `{"name":"zeta Öl","patches":[{p1},{p2}],"public":true}`},
			{"joe", `{"name":"alpha 100%","patches":[{p3}]}`},
			{"maint", `{"name":"Mid_dle","patches":[{p4}],"public":true}`},
			{"maint", `{"name":"alpha zeta","patches":[{p1}]}`},
		} {
			ids[fmt.Sprint(i+1)] = s.bundle(t, b.who, b.body)
		}
		for _, test := range []struct{ who, query, want string }{
			{"", "", "1 3"}, {"dev", "", "1 3"}, {"joe", "", "1 2 3"}, {"maint", "", "1 3 4"}, {"root", "", "1 3"}, // 47
			{"joe", "?project=alpha", "1 2"}, {"joe", "?project={j.beta}", "3"}, {"joe", "?project=ALPHA&project=beta", "1 2 3"}, // 48
			{"joe", "?project=nosuch", ""}, {"joe", "?project=alpha&project=nosuch", ""}, {"joe", "?project=", ""},
			{"joe", "?owner=joe", "1 2"}, {"", "?owner={u.joe}", "1"}, {"joe", "?owner=MAINT", "3"}, {"joe", "?owner=nosuch", ""}, {"joe", "?owner=999999", ""},
			{"joe", "?public=true", "1 3"}, {"joe", "?public=False", "2"}, {"joe", "?public=0", "2"}, {"joe", "?public=maybe", "1 2 3"}, {"", "?public=false", ""},
			{"joe", "?q=ZETA", "1"}, {"joe", "?q=öL,zeta", "1"}, {"joe", "?q=%25", "2"}, {"joe", "?q=_", "3"}, {"joe", "?q=nosuch", ""}, {"joe", "?q=nosuch&q=mid", "3"},
			{"joe", "?order=name", "3 2 1"}, {"joe", "?order=-name", "1 2 3"}, {"joe", "?order=-id", "3 2 1"}, {"joe", "?order=-owner,-id", "2 1 3"}, {"joe", "?order=nosuch", "1 2 3"},
			{"joe", "?per_page=2&page=2", "3"}, {"joe", "?per_page=1&page=last&order=name", "1"},
		} {
			a := s.ask(t, test.who, "GET", "/1.2/bundles/"+test.query, "", 200, "")
			var wanted []string
			for _, n := range strings.Fields(test.want) {
				wanted = append(wanted, ids[n])
			}
			if got := a.IDs(); got != "["+strings.Join(wanted, " ")+"]" {
				t.Errorf("%q %s: %s, want %v", test.who, test.query, got, wanted)
			}
		}
		s.ask(t, "", "GET", "/bundles/?page=2", "", 404, `{"detail":"Invalid page."}`)
		a := s.ask(t, "joe", "GET", "/bundles/?cursor=&per_page=2&order=-id", "", 200, "")
		if got := a.IDs(); got != "["+ids["3"]+" "+ids["2"]+"]" {
			t.Error(got)
		}
		next, _, _ := strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<http://h/api"), `>; rel="next"`)
		if a := s.ask(t, "joe", "GET", next, "", 200, ""); a.IDs() != "["+ids["1"]+"]" || strings.Contains(a.Header.Get("Link"), "next") {
			t.Errorf("%s %s", a.IDs(), a.Header.Get("Link"))
		}
		for id, who := range map[string]map[int]string{ids["1"]: {200: " joe maint root"}, ids["2"]: {200: "joe", 404: " maint root"}} { // 50
			for status, names := range who {
				for _, name := range strings.Split(names, " ") {
					a := s.ask(t, name, "GET", "/1.4/bundles/"+id+"/", "", status, "")
					if status == 404 && a.Body != notFound {
						t.Error(a.Body)
					}
				}
			}
		}
		s.ask(t, "", "GET", "/bundles/999999/", "", 404, notFound)
		for _, query := range []string{"?per_page=1", ""} {
			if got := s.asked(t, "", "/bundles/"+query); got != 7 {
				t.Errorf("list%s: %d queries", query, got)
			}
		}
		if got := s.asked(t, "", "/bundles/"+ids["1"]+"/"); got != 6 {
			t.Errorf("one: %d queries", got)
		}
	})
}

// TestChangeBundle: conformance checks 54 to 56.
func TestChangeBundle(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		private := s.bundle(t, "joe", `{"name":"private","patches":[{p1},{p2}]}`)
		public := s.bundle(t, "joe", `{"name":"public","patches":[{p1}],"public":true}`)
		for _, method := range []string{"PATCH", "PUT", "DELETE"} { // 54 and 56
			s.ask(t, "", method, "/bundles/"+private+"/", `{"name":""}`, 404, notFound)
			s.ask(t, "", method, "/bundles/"+public+"/", `{"name":""}`, 403, noLogin)
			for _, who := range []string{"dev", "maint", "root"} { // the matrix: maintainers have no right to the bundles of others, and so nor have administrators
				s.ask(t, who, method, "/bundles/"+private+"/", `{"name":""}`, 404, notFound)
				s.ask(t, who, method, "/bundles/"+public+"/", `{"name":""}`, 403, forbidden)
			}
			s.ask(t, "joe", method, "/bundles/999999/", `{"name":""}`, 404, notFound)
		}
		at := "/1.3/bundles/" + private + "/"
		expect := func(body, want string) {
			t.Helper()
			a := s.ask(t, "joe", "PATCH", at, body, 200, "")
			if got := strings.Split(s.rows(t, bundleRows), "\n")[0]; got != want || fmt.Sprint(a.At("id")) != private {
				t.Errorf("%s: %s, want %s", body, got, want)
			}
		}
		expect(`{"name":"new","patches":[{p3},{p1},{p3}]}`, "joe|alpha|new|private|2") // 55
		expect(`{"name":"newer"}`, "joe|alpha|newer|private|2")
		expect("public=on", "joe|alpha|newer|public|2")
		expect(`{"public":false,"id":7,"owner":1,"project":{"id":2},"nosuch":1}`, "joe|alpha|newer|private|2")
		expect(``, "joe|alpha|newer|private|2")
		expect(`{"name":"newer"}`, "joe|alpha|newer|private|2") // its own name is not taken
		if got := s.rows(t, "SELECT patch_id FROM bundle_patch WHERE bundle_id = "+private+" ORDER BY position"); got != s.fill("{p3}\n{p1}") {
			t.Error(got)
		}
		for body, want := range map[string]string{
			`{"name":"public"}`:          `{"name":["A bundle called public already exists"]}`,
			`{"name":"x/y"}`:             `{"name":["Bundle names can't contain slashes"]}`,
			`{"patches":[]}`:             `{"patches":["Bundles cannot be empty"]}`,
			`{"patches":[{p1},{p4}]}`:    `{"patches":["Bundle patches must belong to the same project"]}`,
			`{"name":"","public":"nay"}`: `{"name":["This field may not be blank."],"public":["Must be a valid boolean."]}`,
		} {
			s.ask(t, "joe", "PATCH", at, body, 400, want)
		}
		s.ask(t, "joe", "PUT", at, `{"public":true}`, 400, `{"name":["This field is required."],"patches":["This field is required."]}`)
		expect("patches={p4}", "joe|beta|newer|private|1") // moves
		s.ask(t, "joe", "PUT", at, `{"name":"put","patches":[{p2},{p1}]}`, 200, "")
		if got := s.rows(t, bundleRows); got != "joe|alpha|put|private|2\njoe|alpha|public|public|1" {
			t.Error(got)
		}
		s.ask(t, "joe", "DELETE", at, "", 204, "")
		s.ask(t, "joe", "DELETE", at, "", 404, notFound)
		if got := s.rows(t, "SELECT COUNT(*) FROM bundle_patch"); got != "1" {
			t.Errorf("%s places are left", got)
		}
		if got := s.rows(t, "SELECT COUNT(*) FROM event WHERE kind LIKE '%bundle%'"); got != "0" { // as in Patchwork 3.2
			t.Error(got)
		}
	})
}

// TestOddBundles: what imports bring, and a hidden patch.
func TestOddBundles(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		tx(t, s, s.fill("INSERT INTO bundle (id, owner_id, project_id, name, name_key, public) VALUES (7001, {u.joe}, {j.alpha}, 'a/b \"q\" (1)!', 'x', TRUE), (7002, {u.joe}, {j.alpha}, 'empty one', 'x', TRUE)"))
		tx(t, s, s.fill("INSERT INTO bundle_patch (bundle_id, patch_id, position) VALUES (7001, {p1}, 5), (7001, {p2}, 5), (7001, {p3}, 1)"))
		tx(t, s, "UPDATE message SET hidden = TRUE WHERE msgid = '<"+apiseed.Patch2+">'")
		a := s.ask(t, "", "GET", "/1.4/bundles/?order=id", "", 200, "")
		if a.At("0.web_url") != "http://h/bundle/joe/a%2Fb%20%22q%22%20(1)!/" || fmt.Sprint(a.At("0.patches.0.id"), a.At("0.patches.1.id"), a.At("0.patches.2")) != s.fill("{p1} {p3}(missing)") ||
			fmt.Sprint(a.At("0.patch_order.0"), a.At("0.patch_order.1"), a.At("0.patch_order.2")) != s.fill("{p3} {p1}(missing)") {
			t.Error(a.Body)
		}
		if !strings.Contains(a.Body, `"name":"empty one"`) || !strings.Contains(a.Body, `"patches":[]`) || !strings.Contains(a.Body, `"patch_order":[]`) {
			t.Error(a.Body)
		}
		s.ask(t, "joe", "PATCH", "/bundles/7001/", `{"patches":[{p2}]}`, 400, `{"patches":["Invalid pk \"{p2}\" - object does not exist."]}`)
		s.ask(t, "joe", "PATCH", "/bundles/7001/", `{"public":true}`, 200, "") // its name stays as it is
		s.ask(t, "joe", "DELETE", "/bundles/7001/", "", 204, "")
	})
}

// TestBundleRace: of several that take one name at the same time one has it, and the others are told so.
func TestBundleRace(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		var wait sync.WaitGroup
		answers := make([]apiseed.Answer, 8)
		for i := range answers {
			wait.Go(func() { answers[i] = s.Do("joe", "POST", "/api/bundles/", s.fill(`{"name":"same","patches":[{p1}]}`)) })
		}
		wait.Wait()
		made := 0
		for _, a := range answers {
			if a.Status == http.StatusCreated {
				made++
			} else if a.Status != 400 || a.Body != `{"name":["A bundle called same already exists"]}` {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}
		if made != 1 || s.rows(t, bundleRows) != "joe|alpha|same|private|1" {
			t.Errorf("%d were made: %s", made, s.rows(t, bundleRows))
		}
	})
}

// TestBundleVerbs: the same by the core as over REST, whoever acts: rows are equal.
func TestBundleVerbs(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		joe := account.Actor{User: s.Users["joe"], Via: "web"}
		name, other, public := "by core", "renamed", true
		patches := []int64{s.Patches[2], s.Patches[1], s.Patches[2]}
		b, err := patch.CreateBundle(t.Context(), s.db, joe, 0, patch.BundleChange{Name: &name, Patches: &patches})
		if err != nil {
			t.Fatal(err)
		}
		api := s.bundle(t, "joe", `{"name":"by api","patches":[{p2},{p1},{p2}]}`)
		rows := func() string {
			return s.rows(t, "SELECT CONCAT_WS(' ', b.owner_id, b.project_id, CASE WHEN b.public = TRUE THEN 'public' END, p.position, p.patch_id) FROM bundle b JOIN bundle_patch p ON p.bundle_id = b.id ORDER BY b.id, p.position")
		}
		twice := func(want string) {
			t.Helper()
			if got := rows(); got != s.fill(want+"\n"+want) {
				t.Errorf("%s, want twice %s", got, s.fill(want))
			}
		}
		twice("{u.joe} {j.alpha} 1 {p2}\n{u.joe} {j.alpha} 2 {p1}")
		patches = []int64{s.Patches[4]}
		if _, err := patch.UpdateBundle(t.Context(), s.db, joe, 0, b.ID, patch.BundleChange{Name: &other, Public: &public, Patches: &patches}); err != nil {
			t.Fatal(err)
		}
		s.ask(t, "joe", "PATCH", "/bundles/"+api+"/", `{"name":"x","public":true,"patches":[{p4}]}`, 200, "")
		twice("{u.joe} {j.beta} public 1 {p4}")
		if _, err := patch.DeleteBundle(t.Context(), s.db, joe, 0, b.ID, nil); err != nil {
			t.Fatal(err)
		}
		s.ask(t, "joe", "DELETE", "/bundles/"+api+"/", "", 204, "")
		if got := rows(); got != "" {
			t.Error(got)
		}
		for _, by := range []account.Actor{{Via: "api"}, account.CLI} { // who is no user has no bundle
			if _, err := patch.CreateBundle(t.Context(), s.db, by, 0, patch.BundleChange{Name: &name, Patches: &patches}); err == nil {
				t.Errorf("%+v has made a bundle", by)
			}
		}
	})
}

// TestBundleIfMatch: of many who change what they have seen at the same time, one does.
func TestBundleIfMatch(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		path := "/1.4/bundles/" + s.bundle(t, "joe", `{"name":"raced","patches":[{p1}]}`) + "/"
		tag := "If-Match: " + s.ask(t, "joe", "GET", path, "", 200, "").Header.Get("ETag")
		var wg sync.WaitGroup
		var changed, refused atomic.Int64
		for i := range 6 {
			wg.Go(func() {
				switch a := s.Do("joe", "PATCH", "/api"+path, fmt.Sprintf(`{"name":"raced by %d"}`, i), tag); a.Status {
				case 200:
					changed.Add(1)
				case 412:
					refused.Add(1)
				default:
					t.Errorf("%d %s", a.Status, a.Body)
				}
			})
		}
		wg.Wait()
		if changed.Load() != 1 || refused.Load() != 5 {
			t.Errorf("%d changed it, %d were refused", changed.Load(), refused.Load())
		}
		s.ask(t, "joe", "DELETE", path, "", 412, "", tag)
		s.ask(t, "joe", "DELETE", path, "", 204, "", "If-Match: "+s.ask(t, "joe", "GET", path, "", 200, "").Header.Get("ETag"))
	})
}

// TestOrderBundle: what comes into a bundle while it is put in order is in it afterwards, and so is what nobody sees.
func TestOrderBundle(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		id, err := strconv.ParseInt(s.bundle(t, "joe", `{"name":"ordered","patches":[{p1},{p2}]}`), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		joe := account.Actor{User: s.Users["joe"], Via: "web"}
		added := make(chan error, 1)
		var once sync.Once
		_, err = patch.OrderBundle(t.Context(), s.db, joe, 0, id, func(in []int64) ([]int64, error) {
			once.Do(func() {
				go func() {
					_, err := patch.AddToBundle(context.WithoutCancel(t.Context()), s.db, joe, 0, id, []int64{s.Patches[3]})
					added <- err
				}()
				time.Sleep(200 * time.Millisecond) // enough for it to be done, if nothing holds it
			})
			return []int64{in[1], in[0], s.Patches[4]}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-added; err != nil {
			t.Fatal(err)
		}
		is := func(want string) {
			t.Helper()
			if got := s.rows(t, fmt.Sprintf("SELECT CONCAT_WS(' ', position, patch_id) FROM bundle_patch WHERE bundle_id = %d ORDER BY position", id)); got != s.fill(want) {
				t.Errorf("%s, want %s", got, s.fill(want))
			}
		}
		is("1 {p2}\n2 {p1}\n3 {p3}")
		tx(t, s, "UPDATE message SET hidden = TRUE WHERE msgid = '<"+apiseed.Patch1+">'")
		backwards := func(in []int64) ([]int64, error) { slices.Reverse(in); return in, nil }
		if _, err := patch.OrderBundle(t.Context(), s.db, joe, 0, id, backwards); err != nil {
			t.Fatal(err)
		}
		is("1 {p3}\n2 {p2}\n3 {p1}")
		for name, by := range map[string]account.Actor{"nobody": {}, "maint": {User: s.Users["maint"]}, "root": {User: s.Users["root"], Admin: true}} {
			if _, err := patch.OrderBundle(t.Context(), s.db, by, 0, id, backwards); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		is("1 {p3}\n2 {p2}\n3 {p1}")
	})
}
