// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/apiseed"
)

func TestIndex(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		for _, version := range []string{"", "/1.0", "/1.1", "/1.2", "/1.3", "/1.4"} {
			at := "http://h/api" + version
			want := fmt.Sprintf(`{"projects":"%[1]s/projects/","users":"%[1]s/users/","people":"%[1]s/people/","patches":"%[1]s/patches/","covers":"%[1]s/covers/","series":"%[1]s/series/","events":"%[1]s/events/","bundles":"%[1]s/bundles/"}`, at)
			s.ask(t, "", "GET", version+"/", "", 200, want)
			s.ask(t, "", "GET", version, "", 200, want)
			s.ask(t, "root", "POST", version+"/", "{}", 405, `{"detail":"Method \"POST\" not allowed."}`)
		}
		for _, path := range []string{"/1.5/", "/1x1/", "/2.0/", "/1.10/", "/index/"} {
			s.ask(t, "", "GET", path, "", 404, "404 page not found\n")
		}
		if n := s.asked(t, "", "/"); n != 0 {
			t.Errorf("%d queries", n)
		}
	})
}

// relayed gives all events their positions.
func (s *served) relayed(t *testing.T) {
	t.Helper()
	for {
		n, err := event.Relay(t.Context(), s.db)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// kinds are the categories of a list of events, in order.
func kinds(a apiseed.Answer) string {
	var out []string
	for i := range max(0, a.Len()) {
		out = append(out, fmt.Sprint(a.At(fmt.Sprint(i)+".category")))
	}
	return strings.Join(out, " ")
}

// story is what the mails of the site have become, in alpha and in beta.
const (
	alphaStory = "series-created cover-created patch-created patch-completed patch-created patch-completed series-completed patch-created series-created patch-completed series-completed " +
		"series-created cover-created patch-created patch-completed series-completed"
	betaStory = "patch-created series-created patch-completed series-completed"
	replies   = " patch-comment-created patch-comment-created cover-comment-created"
)

func reversed(s string) string {
	list := strings.Fields(s)
	slices.Reverse(list)
	return strings.Join(list, " ")
}

func TestEventFilters(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		archived := true
		if _, err := patch.Update(t.Context(), s.db, account.Actor{User: s.Users["maint"], Via: "api"}, apiseed.Now+2e6, []int64{s.Patches[2]}, patch.Change{Archived: &archived}); err != nil {
			t.Fatal(err)
		}
		fill := strings.NewReplacer("{s1}", fmt.Sprint(s.Series[1]), "{s3}", fmt.Sprint(s.Series[3]), "{c1}", fmt.Sprint(s.Covers[1]), "{p1}", fmt.Sprint(s.Patches[1]), "{p2}", fmt.Sprint(s.Patches[2]),
			"{maint}", fmt.Sprint(s.Users["maint"]), "{joe}", fmt.Sprint(s.Users["joe"]), "{alpha}", fmt.Sprint(s.Projects["alpha"]))
		const old, latest = alphaStory + " " + betaStory, " patch-delegated patch-archived-changed"
		for _, test := range []struct{ address, want string }{
			{"/1.4/events/?order=date", alphaStory + replies + " " + betaStory + latest},
			{"/events/?per_page=250", reversed(alphaStory + replies + " " + betaStory + latest)},
			{"/1.3/events/?order=date", alphaStory + replies + " " + betaStory + " patch-delegated"},
			{"/1.2/events/?order=date", old + " patch-delegated"},
			{"/1.0/events/?order=date&order=-nonsense", reversed(old + " patch-delegated")},
			{"/1.0/events/?order=-date", reversed(old + " patch-delegated")},
			{"/events/?order=date&project=beta", betaStory},
			{"/1.0/events/?order=date&project=ALPHA", alphaStory + " patch-delegated"},
			{"/1.0/events/?order=date&project={alpha}&project=beta", old + " patch-delegated"},
			{"/events/?project=nosuch", ""}, {"/events/?project=alpha&project=nosuch", ""}, {"/events/?project=", ""},
			{"/events/?category=cover-created", "cover-created cover-created"},
			{"/events/?category=nosuch&category=cover-created", "cover-created cover-created"},
			{"/events/?category=cover-created&category=nosuch", ""}, {"/events/?category=", ""},
			{"/1.2/events/?category=patch-comment-created", ""}, {"/1.3/events/?category=patch-comment-created", "patch-comment-created patch-comment-created"},
			{"/1.3/events/?category=patch-archived-changed", ""}, {"/1.4/events/?category=patch-archived-changed&project=alpha", "patch-archived-changed"},
			{"/1.4/events/?patch={p1}&order=date", "patch-created patch-completed patch-comment-created patch-comment-created patch-delegated"},
			{"/1.0/events/?patch={p1}&patch={p2}&order=date", "patch-created patch-completed patch-created patch-completed patch-delegated"},
			{"/events/?patch={p1}&category=patch-created", "patch-created"}, {"/events/?patch={p1}&project=beta", ""}, {"/events/?patch=99999999", ""}, {"/events/?patch=x", ""}, {"/events/?patch={p1}&patch=x", ""},
			{"/events/?series={s1}&order=date", "series-created patch-completed patch-completed series-completed"},
			{"/events/?series={s1}&series={s3}&patch={p1}", "patch-completed"},
			{"/events/?cover={c1}&order=date", "cover-created cover-comment-created"}, {"/1.2/events/?cover={c1}", "cover-created"},
			{"/events/?actor={maint}", "patch-archived-changed"}, {"/events/?actor={joe}", ""}, {"/events/?actor=maint", ""}, {"/events/?actor={joe}&actor={maint}", "patch-archived-changed"},
			{"/1.1/events/?actor={maint}&project=beta&order=date", betaStory}, {"/1.2/events/?actor={maint}&project=beta", ""},
			{"/events/?since=2026-03-01T12:00:01", "patch-archived-changed"}, {"/events/?since=2026-03-01T12:00:02Z", "patch-archived-changed"}, {"/events/?since=2026-03-01T12:00:03", ""},
			{"/1.0/events/?before=2026-03-01T12:00:01&order=date", old + " patch-delegated"}, {"/events/?before=2026-03-01T12:00:00", ""}, {"/events/?since=2026-03-01T14:00:02%2B02:00", "patch-archived-changed"},
			{"/events/?since=garbage", ""}, {"/events/?q=nothing&unknown=1&category=cover-created", "cover-created cover-created"},
			{"/1.3/events/?after=0&category=cover-created", "cover-created cover-created"}, // not known yet
		} {
			a := s.Get("", "/api"+fill.Replace(test.address))
			if got := kinds(a); a.Status != 200 || got != test.want {
				t.Errorf("%s: %d %s\nwant %s", test.address, a.Status, got, test.want)
			}
		}
	})
}

func TestEventObjects(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		s.relayed(t)
		a := s.Get("", "/api/1.0/events/?category=patch-delegated")
		id := a.At("0.id")
		project := func(version, more string) string {
			return `{"id":{j.alpha},"url":"http://h/api` + version + `/projects/{j.alpha}/","name":"ALPHA","link_name":"alpha","list_id":"alpha.lists.example","list_email":"alpha@lists.example","web_url":"https://alpha.example/","scm_url":"","webscm_url":""` + more + `}`
		}
		event := func(version, more, patch, end string) string {
			page := `http://h/project/alpha/patch/20260301-kettle-1@mail.example/`
			return fmt.Sprintf(`[{"id":%v,"category":"patch-delegated","project":%s,"date":"2026-03-01T12:00:00","actor":null,"payload":{"patch":{"id":{p1},"url":"http://h/api%s/patches/{p1}/",`, id, project(version, more), version) +
				strings.ReplaceAll(patch, "PAGE", page) + `"date":"2026-03-01T09:00:00","name":"[1/2] kettle: close the hole","mbox":"` + page + `mbox/"},"previous_delegate":null,"current_delegate":{"id":{u.deleg},"url":"http://h/api` +
				version + `/users/{u.deleg}/","username":"deleg","first_name":"Deleg","last_name":"Example","email":"deleg@people.example"}}` + end + `}]`
		}
		const msgid, archive = `"msgid":"<20260301-kettle-1@mail.example>",`, `"list_archive_url":"https://archive.example/alpha/20260301-kettle-1@mail.example",`
		const later = `,"list_archive_url":"","list_archive_url_format":"https://archive.example/alpha/{}","commit_url_format":""`
		pos := s.Get("", "/api/events/?category=patch-delegated").At("0.pos")
		s.ask(t, "", "GET", "/1.0/events/?category=patch-delegated", "", 200, event("/1.0", "", msgid, ""))
		s.ask(t, "", "GET", "/1.1/events/?category=patch-delegated", "", 200, event("/1.1", "", `"web_url":"PAGE",`+msgid, ""))
		s.ask(t, "", "GET", "/1.3/events?category=patch-delegated", "", 200, event("/1.3", later, `"web_url":"PAGE",`+msgid+archive, ""))
		s.ask(t, "", "GET", "/events/?category=patch-delegated", "", 200, event("", later, `"web_url":"PAGE",`+msgid+archive, fmt.Sprintf(`,"pos":%v`, pos)))
		if _, isNumber := pos.(int64); !isNumber {
			t.Errorf("position %v", pos)
		}
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			s.ask(t, "root", method, "/events/", "{}", 405, `{"detail":"Method \"`+method+`\" not allowed."}`)
		}
	})
}

func TestEventPages(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		all := s.Get("", "/api/1.2/events/?per_page=250")
		if all.Len() != 21 {
			t.Fatalf("%d events", all.Len())
		}
		var got []string
		for page := 1; page <= 5; page++ {
			a := s.Get("", fmt.Sprintf("/api/1.2/events/?per_page=5&page=%d", page))
			for i := range a.Len() {
				got = append(got, fmt.Sprint(a.At(fmt.Sprint(i)+".id")))
			}
		}
		if want := all.IDs(); "["+strings.Join(got, " ")+"]" != want {
			t.Errorf("%v, want %s", got, want)
		}
		a := s.Get("", "/api/1.2/events/?project=alpha&per_page=5&page=2&category=patch-completed")
		s.ask(t, "", "GET", "/1.2/events/?project=alpha&per_page=5&page=2&category=patch-completed", "", 404, `{"detail":"Invalid page."}`)
		a = s.Get("", "/api/1.2/events/?project=alpha&per_page=2&page=2&category=patch-completed")
		const at = `<http://h/api/1.2/events/?category=patch-completed&`
		if got, want := a.Header.Get("Link"), at+`per_page=2&project=alpha>; rel="prev", `+at+`page=1&per_page=2&project=alpha>; rel="first", `+at+`page=2&per_page=2&project=alpha>; rel="last"`; got != want {
			t.Error(got)
		}
		if a := s.Get("", "/api/events/?project=nosuch"); a.Header.Get("Link") != `<http://h/api/events/?page=1&project=nosuch>; rel="first", <http://h/api/events/?page=1&project=nosuch>; rel="last"` {
			t.Error(a.Header.Get("Link"))
		}
		for query, want := range map[string]int64{"": 9, "?project=alpha": 10, "?per_page=1": 7, "?category=nosuch": 0} {
			if n := s.asked(t, "", "/1.2/events/"+query); n != want {
				t.Errorf("%s: %d queries, want %d", query, n, want)
			}
		}
	})
}

func TestEventsAfter(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		s.relayed(t)
		var got []string
		after, last := int64(0), int64(0)
		for range 20 {
			a := s.Get("", fmt.Sprintf("/api/1.4/events/?project=alpha&per_page=3&after=%d", after))
			for i := range a.Len() {
				pos, _ := a.At(fmt.Sprint(i) + ".pos").(int64)
				if pos <= last {
					t.Errorf("position %d after %d", pos, last)
				}
				last = pos
			}
			got = append(got, strings.Fields(kinds(a))...)
			var next int64
			if _, err := fmt.Sscanf(a.Header.Get("Link"), `<http://h/api/1.4/events/?after=%d&per_page=3&project=alpha>; rel="next"`, &next); err != nil || next < after {
				t.Fatalf("%s: %v", a.Header.Get("Link"), err)
			}
			after = next
		}
		if got, want := strings.Join(got, " "), alphaStory+replies+" patch-delegated"; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		a := s.Get("", "/api/events/?after=last&category=patch-created")
		if link := a.Header.Get("Link"); a.Body != "[]" || link != fmt.Sprintf(`<http://h/api/events/?after=%d&category=patch-created>; rel="next"`, last) {
			t.Error(a.Body, link)
		}
		for query, want := range map[string]string{
			"after=x": `{"after":["A valid integer is required."]}`, "after=-1": `{"after":["A valid integer is required."]}`, "after=": `{"after":["A valid integer is required."]}`,
			"after=0&patch=1":                   `{"after":["Only project and category can be asked for behind a position."]}`,
			"after=0&actor=1":                   `{"after":["Only project and category can be asked for behind a position."]}`,
			"after=0&since=2026-03-01T12:00:00": `{"after":["Only project and category can be asked for behind a position."]}`,
		} {
			s.ask(t, "", "GET", "/1.4/events/?"+query, "", 400, want)
		}
		s.ask(t, "", "GET", "/events/?after=0&project=nosuch", "", 200, "[]")
		if n := s.asked(t, "", "/events/?after=0"); n != 10 {
			t.Errorf("%d queries", n)
		}
	})
}
