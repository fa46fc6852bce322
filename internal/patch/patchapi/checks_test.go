// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/apiseed"
)

const checkRows = `SELECT CONCAT_WS('|', u.username, c.state, c.context, COALESCE(c.target_url, 'null'), COALESCE(c.description, 'null')) FROM patch_check c
	JOIN user_account u ON u.id = c.user_id ORDER BY c.patch_id, c.id`

const (
	noLogin   = `{"detail":"Authentication credentials were not provided."}`
	notFound  = `{"detail":"Not found."}`
	forbidden = `{"detail":"You do not have permission to perform this action."}`
)

// TestPostCheck: conformance checks 63 to 65, 67 and 68.
func TestPostCheck(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		const list = "/patches/{p1}/checks/"
		for _, who := range []string{"", "joe", "rev"} { // 63: all get the same words
			s.ask(t, who, "POST", list, `{"state":"success"}`, 403, forbidden)
			s.ask(t, who, "POST", list, `{"state":"nosuch"}`, 403, forbidden)
		}
		s.ask(t, "maint", "POST", list, `{"state":"foo","context":"c"}`, 400, `{"state":["\"foo\" is not a valid choice."]}`) // 64
		s.ask(t, "maint", "POST", list, `{"context":"c"}`, 400, `{"state":["A check must have a state."]}`)
		s.ask(t, "maint", "POST", list, `{"state":null}`, 400, `{"state":["This field may not be null."]}`)
		s.ask(t, "maint", "POST", list, `{"state":true}`, 400, `{"state":["\"true\" is not a valid choice."]}`)
		s.ask(t, "maint", "POST", list, `{"state":4}`, 400, `{"state":["\"4\" is not a valid choice."]}`)
		for _, who := range []string{"", "joe", "maint", "root"} { // 65
			s.ask(t, who, "POST", "/patches/999999/checks/", `{"state":"foo"}`, 404, notFound)
		}
		s.ask(t, "maint", "POST", list, `{"state":"fail","context":"a b","target_url":"javascript:alert(1)"}`, 400, // 68
			`{"context":["Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens."],"target_url":["Enter a valid URL."]}`)
		s.ask(t, "maint", "POST", list, `{"state":"fail","context":"","description":5}`, 400, `{"context":["This field may not be blank."]}`)
		s.ask(t, "maint", "POST", list, `{"state":"fail","context":null,"target_url":"https://x/`+strings.Repeat("y", 191)+`"}`, 400,
			`{"context":["This field may not be null."],"target_url":["Ensure this field has no more than 200 characters."]}`)
		if got := s.rows(t, checkRows); got != "" {
			t.Errorf("refused checks were stored: %s", got)
		}

		a := s.ask(t, "maint", "POST", "/1.2"+list, `{"state":"success","context":"ci_1-x","target_url":"https://ci.example/1?a=b#c","description":" all \"ü\" good "}`, 201, "")
		id := fmt.Sprint(a.At("id"))
		user := `{"id":{u.maint},"url":"http://h/api/1.2/users/{u.maint}/","username":"maint","first_name":"Maint","last_name":"Example","email":"maint@people.example"}`
		want := `{"id":` + id + `,"url":"http://h/api/1.2/patches/{p1}/checks/` + id + `/","user":` + user + `,"date":"2026-03-01T12:00:00","state":"success","target_url":"https://ci.example/1?a=b#c","context":"ci_1-x","description":"all \"ü\" good"}`
		if a.Body != s.fill(want) || a.Header.Get("Location") != s.fill("http://h/api/1.2/patches/{p1}/checks/"+id+"/") {
			t.Errorf("%s %v, want %s", a.Body, a.Header, s.fill(want))
		}
		for _, version := range []string{"1.0", "1.2", "1.4"} {
			s.ask(t, "", "GET", "/"+version+list+id+"/", "", 200, strings.ReplaceAll(want, "/1.2/", "/"+version+"/"))
		}
		s.ask(t, "", "GET", list+id, "", 200, strings.ReplaceAll(want, "/1.2/", "/"))

		// 63: submitter, delegate, maintainer, administrator. A context that is not there, and what pwclient and forms send.
		s.ask(t, "dev", "POST", list, `{"state":"pending","context":"c","target_url":"","description":""}`, 201, "")
		s.ask(t, "deleg", "POST", list, "state=warning&context=&target_url=&description=x", 201, "")
		s.ask(t, "root", "POST", list, `{"state":3,"target_url":null}`, 201, "")
		var b bytes.Buffer // 67
		w := multipart.NewWriter(&b)
		for _, f := range [][2]string{{"state", "pending"}, {"context", "form"}, {"description", "ü"}} {
			w.WriteField(f[0], f[1])
		}
		w.Close()
		s.ask(t, "both", "POST", list, b.String(), 201, "", "Content-Type: "+w.FormDataContentType())
		if got, want := s.rows(t, checkRows), "maint|1|ci_1-x|https://ci.example/1?a=b#c|all \"ü\" good\ndev|0|c||\ndeleg|2|default||x\nroot|3|default|null|null\nboth|0|form|null|ü"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got, want := s.rows(t, "SELECT CONCAT_WS(' ', e.kind, j.linkname, u.username, CASE WHEN e.payload LIKE '%\"check\":%' THEN 'check' END, x.kind, x.subject_id) FROM event e JOIN project j ON j.id = e.project_id JOIN user_account u ON u.id = e.actor_id JOIN event_subject x ON x.event_id = e.id WHERE e.kind LIKE 'check%' ORDER BY e.id"),
			s.fill("check-created alpha maint check patch {p1}\ncheck-created alpha dev check patch {p1}\ncheck-created alpha deleg check patch {p1}\ncheck-created alpha root check patch {p1}\ncheck-created alpha both check patch {p1}"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// TestCheckMethods: conformance check 66. PATCH is there from 1.4 on only, see docs/deviations.md.
func TestCheckMethods(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		id := fmt.Sprint(s.ask(t, "maint", "POST", "/patches/{p1}/checks/", `{"state":"pending"}`, 201, "").At("id"))
		for _, version := range []string{"1.0", "1.1", "1.2", "1.3"} {
			for _, who := range []string{"", "maint", "root"} {
				s.ask(t, who, "PATCH", "/"+version+"/patches/{p1}/checks/"+id+"/", `{"state":"success"}`, 405, `{"detail":"Method \"PATCH\" not allowed."}`)
			}
		}
		for _, method := range []string{"DELETE", "PUT", "POST"} {
			for _, who := range []string{"", "maint", "root"} {
				s.ask(t, who, method, "/1.4/patches/{p1}/checks/"+id+"/", "", 405, `{"detail":"Method \"`+method+`\" not allowed."}`)
			}
		}
		for _, path := range []string{"/patches/{p1}/checks/999999/", "/patches/{p2}/checks/" + id + "/", "/patches/999999/checks/" + id + "/"} {
			s.ask(t, "maint", "GET", path, "", 404, notFound)
			s.ask(t, "", "PATCH", path, `{"state":"success"}`, 404, notFound)
		}
		if got := s.rows(t, checkRows); got != "maint|0|default|null|null" {
			t.Error(got)
		}
	})
}

// TestListChecks: conformance checks 60 to 62.
func TestListChecks(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		ids := map[string]string{}
		for i, c := range []struct{ who, patch, body string }{
			{"maint", "{p1}", `{"state":"success","context":"build","description":"b","target_url":"https://b"}`},
			{"both", "{p1}", `{"state":"fail","context":"build","description":"a"}`},
			{"maint", "{p1}", `{"state":"pending","context":"Lint"}`},
			{"maint", "{p1}", `{"state":"warning","context":"build","target_url":"https://a"}`},
			{"maint", "{p2}", `{"state":"fail","context":"build"}`},
		} {
			ids[fmt.Sprint("{", i+1, "}")] = fmt.Sprint(s.ask(t, c.who, "POST", "/patches/"+c.patch+"/checks/", c.body, 201, "").At("id"))
			s.clock.Advance(time.Hour)
		}
		for query, want := range map[string]string{
			"":                                    "1 2 3 4",
			"?user=maint":                         "1 3 4",
			"?user=MAINT&user={u.both}":           "1 2 3 4",
			"?user={u.both}":                      "2",
			"?user=nobody":                        "",
			"?user=maint&user=nobody":             "",
			"?user=":                              "",
			"?user=%00":                           "",
			"?user=%FF":                           "",
			"?state=fail":                         "2",
			"?state=3":                            "2",
			"?state=0&state=warning":              "3 4",
			"?state=nosuch":                       "",
			"?state=fail&state=4":                 "",
			"?context=build":                      "1 2 4",
			"?context=lint":                       "",
			"?context=Lint&context=build":         "1 2 3 4",
			"?since=2026-03-01T13:00:00":          "2 3 4",
			"?before=2026-03-01T13:00:00":         "1",
			"?since=2026-03-01T14:00:00%2B01:00":  "2 3 4",
			"?since=garbage":                      "",
			"?nosuch=x&project=y&q=z":             "1 2 3 4",
			"?order=-id":                          "4 3 2 1",
			"?order=-date":                        "4 3 2 1",
			"?order=state":                        "3 1 4 2",
			"?order=context,-id":                  "3 4 2 1",
			"?order=user,-date":                   "4 3 1 2",
			"?order=target_url":                   "2 3 4 1",
			"?order=-description":                 "1 2 4 3",
			"?order=nosuch":                       "1 2 3 4",
			"?order=-state&per_page=2&page=2":     "1 3",
			"?order=-state&per_page=2&page=last":  "1 3",
			"?context=build&user=maint&state=1&x": "1",
		} {
			a := s.ask(t, "", "GET", "/1.3/patches/{p1}/checks/"+query, "", 200, "")
			var wanted []string
			for _, n := range strings.Fields(want) {
				wanted = append(wanted, ids["{"+n+"}"])
			}
			if got := a.IDs(); got != "["+strings.Join(wanted, " ")+"]" {
				t.Errorf("%s: %s, want %v", query, got, wanted)
			}
		}
		a := s.ask(t, "", "GET", "/1.1/patches/{p1}/checks/?per_page=3&user=maint&user=both", "", 200, "")
		if got, want := a.Header.Get("Link"), s.fill(`<http://h/api/1.1/patches/{p1}/checks/?page=2&per_page=3&user=maint&user=both>; rel="next", `+
			`<http://h/api/1.1/patches/{p1}/checks/?page=1&per_page=3&user=maint&user=both>; rel="first", <http://h/api/1.1/patches/{p1}/checks/?page=2&per_page=3&user=maint&user=both>; rel="last"`); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		s.ask(t, "", "GET", "/patches/{p1}/checks/?page=2", "", 404, `{"detail":"Invalid page."}`)
		for order, want := range map[string]string{"id": "1 2 3 4", "-date": "4 3 2 1"} {
			var got []string
			next := "/api/patches/{p1}/checks/?per_page=3&cursor=&order=" + order
			for next != "" {
				a := s.Get("", s.fill(next))
				for i := range a.Len() {
					got = append(got, fmt.Sprint(a.At(fmt.Sprint(i, ".id"))))
				}
				next, _, _ = strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<http://h"), `>; rel="next"`)
				if !strings.Contains(a.Header.Get("Link"), `rel="next"`) {
					next = ""
				}
			}
			var wanted []string
			for _, n := range strings.Fields(want) {
				wanted = append(wanted, ids["{"+n+"}"])
			}
			if !slices.Equal(got, wanted) {
				t.Errorf("by cursor in order of %s: %v, want %v", order, got, wanted)
			}
		}
		s.ask(t, "", "GET", "/patches/{p1}/checks/?cursor=&order=state", "", 400, `{"detail":"a list can be walked by cursor only in the order of id or date"}`)
		s.ask(t, "", "GET", "/patches/999999/checks/", "", 404, notFound) // 62
		s.ask(t, "", "GET", "/patches/999999/checks/?state=nosuch", "", 404, notFound)
		s.ask(t, "", "GET", "/patches/{p3}/checks/", "", 200, "[]")
		s.ask(t, "", "GET", "/patches/{p1}/checks/?"+strings.Repeat("user=x&", 1001), "", 400, `{"detail":"user is given 1001 times; at most 1000 are looked at"}`)
		for path, want := range map[string]int64{"/patches/{p1}/checks/": 4, "/patches/{p1}/checks/?per_page=1": 4, "/patches/{p1}/checks/?cursor=": 3, "/patches/{p1}/checks/?user=maint": 5, "/patches/{p1}/checks/" + ids["{1}"] + "/": 2} {
			if got := s.asked(t, "", path); got != want {
				t.Errorf("%s: %d queries, want %d", path, got, want)
			}
		}
	})
}

// TestNewestCheck: conformance check 69, and the check of a user who was deleted.
func TestNewestCheck(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		const latest = "SELECT CONCAT_WS(' ', COALESCE(u.username, '-'), l.context, l.state) FROM patch_check_latest l LEFT JOIN user_account u ON u.id = l.user_id WHERE l.patch_id = {p1} ORDER BY 1"
		s.ask(t, "maint", "POST", "/patches/{p1}/checks/", `{"state":"fail","context":"ci"}`, 201, "")
		s.ask(t, "both", "POST", "/patches/{p1}/checks/", `{"state":"warning","context":"ci"}`, 201, "")
		s.ask(t, "maint", "POST", "/patches/{p1}/checks/", `{"state":"success","context":"ci"}`, 201, "") // at the same time: the later row counts
		if got := s.rows(t, latest); got != "both ci 2\nmaint ci 1" {
			t.Error(got)
		}
		if got := s.ask(t, "", "GET", "/patches/{p1}/checks/", "", 200, "").Len(); got != 3 {
			t.Errorf("%d checks", got)
		}
		s.ask(t, "maint", "POST", "/patches/{p1}/checks/", `{"state":"pending","context":"ci","upsert":true}`, 200, "")
		if got := s.rows(t, latest); got != "both ci 2\nmaint ci 0" {
			t.Error(got)
		}
	})
}

// TestChangeCheck: what is beyond Patchwork 3.2, from 1.4 on.
func TestChangeCheck(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		events := func() string {
			return s.rows(t, "SELECT CONCAT_WS(' ', e.kind, u.username) FROM event e JOIN user_account u ON u.id = e.actor_id WHERE e.kind LIKE 'check%' ORDER BY e.id")
		}
		const list = "/1.4/patches/{p1}/checks/"
		id := fmt.Sprint(s.ask(t, "dev", "POST", list, `{"state":"pending","context":"ci","upsert":true,"description":"begun"}`, 201, "").At("id"))
		s.clock.Advance(time.Hour)
		a := s.ask(t, "dev", "POST", list, `{"state":"success","context":"ci","upsert":"yes","target_url":"https://ci.example/"}`, 200, "")
		if fmt.Sprint(a.At("id")) != id || a.At("state") != "success" || a.At("description") != nil || a.At("date") != "2026-03-01T13:00:00" || a.Header.Get("Location") != "" {
			t.Errorf("%s %v", a.Body, a.Header)
		}
		s.ask(t, "maint", "POST", list, `{"state":"fail","context":"ci","upsert":true}`, 201, "")          // another user's is another
		s.ask(t, "dev", "POST", list, `{"state":"fail","context":"other","upsert":true}`, 201, "")         // and so is another context
		s.ask(t, "dev", "POST", "/1.3/patches/{p1}/checks/", "state=fail&context=ci&upsert=true", 201, "") // older versions do not know it
		s.ask(t, "dev", "POST", list, `{"state":"fail","upsert":"x"}`, 400, `{"upsert":["Must be a valid boolean."]}`)
		if got, want := events(), "check-created dev\ncheck-updated dev\ncheck-created maint\ncheck-created dev\ncheck-created dev"; got != want {
			t.Errorf("%s, want %s", got, want)
		}

		one := list + id + "/"
		s.ask(t, "", "PATCH", one, `{"state":"nosuch"}`, 403, forbidden)
		for _, who := range []string{"joe", "deleg"} {
			s.ask(t, who, "PATCH", one, `{"state":"fail"}`, 403, forbidden)
		}
		s.ask(t, "dev", "PATCH", one, `{"state":"nosuch","target_url":"x"}`, 400, `{"state":["\"nosuch\" is not a valid choice."],"target_url":["Enter a valid URL."]}`)
		before := events()
		for _, same := range []string{`{}`, `{"state":"success","target_url":"https://ci.example/","description":null,"context":"other","user":1,"upsert":true}`} {
			s.ask(t, "dev", "PATCH", one, same, 200, "")
		}
		if events() != before {
			t.Error("what is as it was is an event")
		}
		s.clock.Advance(time.Hour)
		for i, c := range []struct{ who, body, want string }{
			{"dev", `{"description":"late"}`, "success https://ci.example/ late"}, {"maint", "state=fail", "fail https://ci.example/ late"},
			{"both", `{"target_url":""}`, "fail  late"}, {"root", `{"state":0,"target_url":null}`, "pending <nil> late"},
		} {
			a := s.ask(t, c.who, "PATCH", one, c.body, 200, "")
			if got := fmt.Sprint(a.At("state"), " ", a.At("target_url"), " ", a.At("description")); got != c.want || a.At("date") != "2026-03-01T13:00:00" || a.At("user.username") != "dev" {
				t.Errorf("%d: %s", i, a.Body)
			}
		}
		if got, want := strings.TrimPrefix(events(), before), "\ncheck-updated dev\ncheck-updated maint\ncheck-updated both\ncheck-updated root"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		// It is not the newest of its context any more: the roll-up keeps the later one.
		if got := s.rows(t, "SELECT CONCAT_WS(' ', context, state) FROM patch_check_latest WHERE patch_id = {p1} AND user_id = {u.dev} ORDER BY 1"); got != "ci 3\nother 3" {
			t.Error(got)
		}
	})
}

// TestCheckTokens: a token for checks posts them and does nothing else.
func TestCheckTokens(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		token := func(name, scope string) {
			secret, _, err := account.CreateToken(t.Context(), s.db, account.CLI, s.clock.Now(), account.NewToken{Username: "maint", Name: name, Scope: scope})
			if err != nil {
				t.Fatal(err)
			}
			s.Client.Tokens[name] = secret
		}
		token("bot", account.ScopeChecks)
		token("reader", account.ScopeRead)
		id := fmt.Sprint(s.ask(t, "bot", "POST", "/patches/{p1}/checks/", `{"state":"success"}`, 201, "").At("id"))
		s.ask(t, "bot", "GET", "/patches/{p1}/checks/", "", 200, "")
		const only = `{"detail":"This token is only for reading and for posting checks."}`
		s.ask(t, "bot", "PATCH", "/patches/{p1}/checks/"+id+"/", `{"state":"fail"}`, 403, only)
		s.ask(t, "bot", "POST", "/bundles/", `{"name":"b","patches":[{p1}]}`, 403, only)
		s.ask(t, "bot", "DELETE", "/bundles/1/", "", 403, only)
		s.ask(t, "reader", "POST", "/patches/{p1}/checks/", `{"state":"success"}`, 403, `{"detail":"This token is only for reading."}`)
	})
}

// TestCheckOfNobody: the checks of a user who was deleted stay, and have a user that clients can read.
func TestCheckOfNobody(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		id := fmt.Sprint(s.ask(t, "maint", "POST", "/patches/{p1}/checks/", `{"state":"success"}`, 201, "").At("id"))
		tx(t, s, "UPDATE patch_check SET user_id = NULL")
		a := s.ask(t, "", "GET", "/1.0/patches/{p1}/checks/"+id+"/", "", 200, "")
		if a.At("user.id") != int64(0) || a.At("user.username") != "deleted" {
			t.Error(a.Body)
		}
		if a := s.ask(t, "", "GET", "/patches/{p1}/checks/", "", 200, ""); a.At("0.user.email") != "" {
			t.Error(a.Body)
		}
		_, err := patch.UpdateCheck(t.Context(), s.db, account.Actor{Via: "api"}, s.clock.Now(), s.Patches[1], a.At("id").(int64), patch.CheckChange{})
		if err == nil {
			t.Error("nobody may change the check of nobody")
		}
	})
}

// TestChecksOfHiddenPatch: nothing of it is there.
func TestChecksOfHiddenPatch(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		id := fmt.Sprint(s.ask(t, "maint", "POST", "/patches/{p1}/checks/", `{"state":"success"}`, 201, "").At("id"))
		tx(t, s, "UPDATE message SET hidden = TRUE WHERE msgid = '<"+apiseed.Patch1+">'")
		for _, path := range []string{"/patches/{p1}/checks/", "/patches/{p1}/checks/" + id + "/"} {
			s.ask(t, "maint", "GET", path, "", 404, notFound)
		}
		s.ask(t, "maint", "POST", "/patches/{p1}/checks/", `{"state":"success"}`, 404, notFound)
		s.ask(t, "maint", "PATCH", "/patches/{p1}/checks/"+id+"/", `{"state":"fail"}`, 404, notFound)
	})
}

// TestCheckRace: the roll-up of the newest checks is right however many come at once, and whatever dates are there.
func TestCheckRace(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		s.ask(t, "maint", "POST", "/patches/{p1}/checks/", `{"state":"fail","context":"future"}`, 201, "")
		tx(t, s, "UPDATE patch_check SET date = date + 3600000000") // as an import may bring
		s.ask(t, "maint", "POST", "/patches/{p1}/checks/", `{"state":"success","context":"future"}`, 201, "")
		if a := s.ask(t, "maint", "POST", "/patches/{p1}/checks/", `{"state":"warning","context":"future","upsert":true}`, 200, ""); a.At("date") != "2026-03-01T13:00:00" {
			t.Error(a.Body)
		}
		var wait sync.WaitGroup
		for i := range 16 {
			wait.Go(func() {
				body := fmt.Sprintf(`{"state":%d,"context":"ci","upsert":%v}`, i%4, i%2 == 0)
				if a := s.Do([]string{"maint", "both"}[i/8], "POST", s.fill("/api/patches/{p1}/checks/"), body); a.Status != 201 && a.Status != 200 {
					t.Errorf("%d %s", a.Status, a.Body)
				}
			})
		}
		wait.Wait()
		err := s.db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			found, err := patch.Check(t.Context(), tx, false, func(string) {})
			if len(found) > 0 {
				t.Errorf("%+v", found)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if got := s.rows(t, "SELECT COUNT(*) FROM patch_check_latest"); got != "3" {
			t.Error(got)
		}
	})
}

// TestCheckVerbs: the same by the core as over REST: rows, newest checks and events are equal but for the patch.
func TestCheckVerbs(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		maint, url := account.Actor{User: s.Users["maint"], Via: "web"}, "https://ci.example/"
		core := func(n patch.NewCheck) int64 {
			t.Helper()
			c, _, err := patch.PostCheck(t.Context(), s.db, maint, s.clock.Now(), s.Patches[2], n)
			if err != nil {
				t.Fatal(err)
			}
			return c.ID
		}
		equal := func() {
			t.Helper()
			for _, query := range []string{
				"SELECT CONCAT_WS('|', user_id, date, state, context, COALESCE(target_url, 'null'), COALESCE(description, 'null')) FROM patch_check WHERE patch_id = {p} ORDER BY id",
				"SELECT CONCAT_WS('|', user_id, context, state) FROM patch_check_latest WHERE patch_id = {p} ORDER BY context",
				"SELECT CONCAT_WS('|', e.kind, e.project_id, e.actor_id, e.at) FROM event e JOIN event_subject x ON x.event_id = e.id WHERE x.kind = 'patch' AND x.subject_id = {p} AND e.kind LIKE 'check%' ORDER BY e.id",
			} {
				one, two := s.rows(t, strings.ReplaceAll(query, "{p}", "{p1}")), s.rows(t, strings.ReplaceAll(query, "{p}", "{p2}"))
				if one != two || one == "" {
					t.Errorf("%s: over REST %s, by the core %s", query, one, two)
				}
			}
		}
		api := s.ask(t, "maint", "POST", "/patches/{p1}/checks/", `{"state":"pending","context":"ci","target_url":"https://ci.example/"}`, 201, "").At("id")
		id := core(patch.NewCheck{State: 0, Context: "ci", TargetURL: &url})
		equal()
		s.clock.Advance(time.Minute)
		s.ask(t, "maint", "POST", "/patches/{p1}/checks/", "state=success&context=ci&upsert=1", 200, "")
		core(patch.NewCheck{State: 1, Context: "ci", Replace: true})
		equal()
		s.clock.Advance(time.Minute)
		s.ask(t, "maint", "PATCH", fmt.Sprintf("/patches/{p1}/checks/%v/", api), `{"state":"fail","target_url":"https://ci.example/"}`, 200, "")
		state, to := 3, &url
		if _, err := patch.UpdateCheck(t.Context(), s.db, maint, s.clock.Now(), s.Patches[2], id, patch.CheckChange{State: &state, TargetURL: &to}); err != nil {
			t.Fatal(err)
		}
		equal()
	})
}

// TestCheckIfMatch: of many who change what they have seen at the same time, one does; and what changes behind the first look is found.
func TestCheckIfMatch(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		path := "/1.4/patches/{p1}/checks/" + fmt.Sprint(s.ask(t, "maint", "POST", "/patches/{p1}/checks/", `{"state":"pending"}`, 201, "").At("id")) + "/"
		tag := "If-Match: " + s.ask(t, "maint", "GET", path, "", 200, "").Header.Get("ETag")
		var wg sync.WaitGroup
		var changed, refused atomic.Int64
		for i := range 8 {
			wg.Go(func() {
				switch a := s.Do("maint", "PATCH", s.fill("/api"+path), fmt.Sprintf(`{"description":"by %d"}`, i), tag); a.Status {
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
		if changed.Load() != 1 || refused.Load() != 7 {
			t.Errorf("%d changed it, %d were refused", changed.Load(), refused.Load())
		}
		s.ask(t, "maint", "PATCH", path, `{"state":"fail"}`, 412, "", tag)
		s.ask(t, "maint", "PATCH", path, `{"state":"fail"}`, 200, "", "If-Match: "+s.ask(t, "maint", "GET", path, "", 200, "").Header.Get("ETag"))
	})
}
