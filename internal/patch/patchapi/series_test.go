// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"fmt"
	"strings"
	"testing"

	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/apiseed"
)

// What the objects of apiseed look like in API 1.4; older returns what is left of them in older versions.
const (
	alphaJSON = `{"id":{j.alpha},"url":"http://h/api/1.4/projects/{j.alpha}/","name":"ALPHA","link_name":"alpha","list_id":"alpha.lists.example","list_email":"alpha@lists.example","web_url":"https://alpha.example/","scm_url":"","webscm_url":"","list_archive_url":"","list_archive_url_format":"https://archive.example/alpha/{}","commit_url_format":""}`
	devJSON   = `{"id":{h.dev},"url":"http://h/api/1.4/people/{h.dev}/","name":"Dev Example","email":"dev@people.example"}`

	cover1JSON  = `{"id":{c1},"url":"http://h/api/1.4/covers/{c1}/","web_url":"http://h/project/alpha/cover/20260301-kettle-0@mail.example/","msgid":"<20260301-kettle-0@mail.example>","list_archive_url":"https://archive.example/alpha/20260301-kettle-0@mail.example","date":"2026-03-01T08:00:00","name":"[0/2] Mend the kettle","mbox":"http://h/project/alpha/cover/20260301-kettle-0@mail.example/mbox/"}`
	patch1JSON  = `{"id":{p1},"url":"http://h/api/1.4/patches/{p1}/","web_url":"http://h/project/alpha/patch/20260301-kettle-1@mail.example/","msgid":"<20260301-kettle-1@mail.example>","list_archive_url":"https://archive.example/alpha/20260301-kettle-1@mail.example","date":"2026-03-01T09:00:00","name":"[1/2] kettle: close the hole","mbox":"http://h/project/alpha/patch/20260301-kettle-1@mail.example/mbox/"}`
	patch2JSON  = `{"id":{p2},"url":"http://h/api/1.4/patches/{p2}/","web_url":"http://h/project/alpha/patch/20260301-kettle-2@mail.example/","msgid":"<20260301-kettle-2@mail.example>","list_archive_url":"https://archive.example/alpha/20260301-kettle-2@mail.example","date":"2026-03-01T10:00:00","name":"[2/2] kettle: new handle","mbox":"http://h/project/alpha/patch/20260301-kettle-2@mail.example/mbox/"}`
	patch3JSON  = `{"id":{p3},"url":"http://h/api/1.4/patches/{p3}/","web_url":"http://h/project/alpha/patch/20260301-lid@mail.example/","msgid":"<20260301-lid@mail.example>","list_archive_url":"https://archive.example/alpha/20260301-lid@mail.example","date":"2026-03-01T11:00:00","name":"lid: fit the lid","mbox":"http://h/project/alpha/patch/20260301-lid@mail.example/mbox/"}`
	series1JSON = `{"id":{s1},"url":"http://h/api/1.4/series/{s1}/","web_url":"http://h/project/alpha/list/?series={s1}","date":"2026-03-01T08:00:00","name":"Mend the kettle","version":1,"mbox":"http://h/series/{s1}/mbox/"}`

	// The last of a series: what is only in 1.4, as there is none of it.
	bareJSON = `,"dependencies":[],"dependents":[],"previous_series":null,"next_series":[],"state":"new","state_counts":{"new":1},"check":"pending","check_counts":{},"metadata":{}}`
)

func wholeSeries1(rest string) string {
	return `{"id":{s1},"url":"http://h/api/1.4/series/{s1}/","web_url":"http://h/project/alpha/list/?series={s1}","project":` + alphaJSON +
		`,"name":"Mend the kettle","date":"2026-03-01T08:00:00","submitter":` + devJSON + `,"version":1,"total":2,"received_total":2,"received_all":true,"mbox":"http://h/series/{s1}/mbox/","cover_letter":` +
		cover1JSON + `,"patches":[` + patch1JSON + `,` + patch2JSON + `]` + rest
}

func wholeSeries3() string {
	return `{"id":{s3},"url":"http://h/api/1.4/series/{s3}/","web_url":"http://h/project/alpha/list/?series={s3}","project":` + alphaJSON +
		`,"name":"lid: fit the lid","date":"2026-03-01T11:00:00","submitter":{"id":{h.ann},"url":"http://h/api/1.4/people/{h.ann}/","name":"Ann Author","email":"ann@people.example"},"version":1,"total":1,"received_total":1,"received_all":true,"mbox":"http://h/series/{s3}/mbox/","cover_letter":null,"patches":[` +
		patch3JSON + `]` + bareJSON
}

// without takes members out of JSON that is written as above.
func without(text string, members ...string) string {
	for _, m := range members {
		for {
			i := strings.Index(text, `,"`+m+`":`)
			if i < 0 {
				break
			}
			depth, quoted, end := 0, false, i+1
			for ; end < len(text); end++ {
				switch b := text[end]; {
				case b == '"':
					quoted = !quoted
				case quoted:
				case b == '[' || b == '{':
					depth++
				case depth == 0 && (b == ',' || b == '}'):
					text, end = text[:i]+text[end:], len(text)
				case b == ']' || b == '}':
					depth--
				}
			}
		}
	}
	return text
}

// TestSeriesDetail: conformance checks 80 and 81, and what is only in 1.4.
func TestSeriesDetail(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		full := wholeSeries1(`,"dependencies":[],"dependents":["http://h/api/1.4/series/{s3}/"],"previous_series":null,"next_series":["http://h/api/1.4/series/{s5}/"],"state":null,"state_counts":{"accepted":1,"new":1},"check":"warning","check_counts":{"success":1,"warning":1},"metadata":{"bug":"7"}}`)
		tx(t, s, s.fill("INSERT INTO series_dependency (series_id, depends_on_id, position) VALUES ({s3}, {s1}, 1)"))
		s.ask(t, "maint", "PATCH", "/series/{s1}/", `{"metadata":{"bug":"7"}}`, 200, "")
		for patch, state := range map[string]string{"{p1}": "success", "{p2}": "warning"} {
			s.ask(t, "maint", "POST", "/patches/"+patch+"/checks/", `{"state":"`+state+`"}`, 201, "")
		}
		accepted := s.state(t, "accepted")
		if _, err := patch.Update(t.Context(), s.db, root, apiseed.Now, []int64{s.Patches[1]}, patch.Change{State: &accepted}); err != nil {
			t.Fatal(err)
		}
		s.ask(t, "", "GET", "/1.4/series/{s1}/", "", 200, full)
		s.ask(t, "", "GET", "/1.4/series/{s1}", "", 200, full)
		s.ask(t, "", "GET", "/series/{s1}/", "", 200, strings.ReplaceAll(full, "/api/1.4/", "/api/"))
		s.ask(t, "", "GET", "/1.4/series/{s3}/", "", 200, strings.Replace(wholeSeries3(), `"dependencies":[]`, `"dependencies":["http://h/api/1.4/series/{s1}/"]`, 1))
		v13 := without(strings.ReplaceAll(full, "/api/1.4/", "/api/1.3/"), "dependencies", "dependents", "previous_series", "next_series", "state", "state_counts", "check", "check_counts", "metadata")
		s.ask(t, "", "GET", "/1.3/series/{s1}/", "", 200, v13)
		s.ask(t, "", "GET", "/1.2/series/{s1}/", "", 200, strings.ReplaceAll(v13, "/1.3/", "/1.2/"))
		v11 := without(strings.ReplaceAll(v13, "/1.3/", "/1.1/"), "list_archive_url", "list_archive_url_format", "commit_url_format")
		s.ask(t, "", "GET", "/1.1/series/{s1}/", "", 200, v11)
		v10 := s.ask(t, "", "GET", "/1.0/series/{s1}/", "", 200, "") // 81
		for place, want := range map[string]any{"web_url": apiseed.Missing, "cover_letter.web_url": apiseed.Missing, "cover_letter.mbox": apiseed.Missing, "cover_letter.name": "[0/2] Mend the kettle",
			"patches.0.web_url": apiseed.Missing, "patches.0.mbox": "http://h/project/alpha/patch/20260301-kettle-1@mail.example/mbox/", "project.web_url": "https://alpha.example/"} {
			if got := v10.At(place); got != want {
				t.Errorf("1.0 %s: %v, want %v", place, got, want)
			}
		}
		if got := v10.Keys(); got != "id url project name date submitter version total received_total received_all mbox cover_letter patches" {
			t.Error(got)
		}

		tx(t, s, "UPDATE project SET show_dependencies = FALSE WHERE linkname = 'alpha'") // 80
		s.ask(t, "", "GET", "/1.4/series/{s1}/", "", 200, without(full, "dependencies", "dependents"))
		for _, path := range []string{"/series/999999/", "/1.0/series/999999/"} {
			s.ask(t, "", "GET", path, "", 404, notFound)
		}
	})
}

// TestListSeries: conformance check 84, filters and orders.
func TestListSeries(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		s.ask(t, "", "GET", "/1.4/series/?submitter=ANN@people.example", "", 200, "["+wholeSeries3()+"]")
		tx(t, s, s.fill("INSERT INTO series_metadata (series_id, name, value, value_key) VALUES ({s3}, 'bug', '7', '7'), ({s4}, 'bug', '8', '8')"))
		for query, want := range map[string]string{
			"": "[{s1} {s3} {s5} {s4}]", "?order=-id": "[{s4} {s5} {s3} {s1}]", "?order=-date": "[{s5} {s4} {s3} {s1}]", "?order=name": "[{s1} {s4} {s3} {s5}]",
			"?order=received_all,-id": "[{s4} {s5} {s3} {s1}]", "?order=submitter,-date": "[{s5} {s4} {s1} {s3}]", "?order=bogus": "[{s1} {s3} {s5} {s4}]",
			"?project=alpha": "[{s1} {s3} {s5}]", "?project=BETA": "[{s4}]", "?project={j.beta}": "[{s4}]", "?project=alpha&project=beta": "[{s1} {s3} {s5} {s4}]",
			"?project=": "[]", "?project=nosuch": "[]", "?project=alpha&project=nosuch": "[]",
			"?submitter={h.dev}": "[{s1} {s5} {s4}]", "?submitter=nobody@people.example": "[]", "?submitter=Dev": "[]", "?submitter={h.dev}&submitter=ann@people.example": "[{s1} {s3} {s5} {s4}]",
			"?since=2026-03-01T11:00:00": "[{s3} {s5} {s4}]", "?before=2026-03-01T11:00:00": "[{s1}]", "?since=2026-03-01T12:00:00%2B01:00": "[{s3} {s5} {s4}]", "?since=yesterday": "[]",
			"?q=KETTLE,mend": "[{s1}]", "?q=kettle+lid": "[]", "?q=mend&q=lid": "[{s3}]", "?q=%00": "[]", "?q=%25": "[]", "?unknown=1": "[{s1} {s3} {s5} {s4}]",
			"?metadata_key=bug": "[{s3} {s4}]", "?metadata_key=bug&metadata_value=8": "[{s4}]", "?metadata_key=nosuch": "[]", "?metadata_value=8": "[{s1} {s3} {s5} {s4}]",
			"?per_page=2&page=2&order=-id": "[{s3} {s1}]", "?order=-date&cursor=&per_page=3": "[{s5} {s4} {s3}]",
		} {
			if got := s.ask(t, "", "GET", "/1.4/series/"+query, "", 200, "").IDs(); got != s.fill(want) {
				t.Errorf("%s: %s, want %s", query, got, s.fill(want))
			}
		}
		s.ask(t, "", "GET", "/1.3/series/?metadata_key=nosuch&per_page=1&page=5", "", 404, `{"detail":"Invalid page."}`)
		if got := s.ask(t, "", "GET", "/1.3/series/?metadata_key=nosuch", "", 200, "").IDs(); got != s.fill("[{s1} {s3} {s5} {s4}]") {
			t.Error(got)
		}
		s.ask(t, "", "GET", "/series/?cursor=&order=name", "", 400, `{"detail":"a list can be walked by cursor only in the order of id or date"}`)
		s.ask(t, "", "GET", "/series/?cursor=rubbish", "", 400, `{"detail":"Invalid cursor."}`)

		mixed := s.ask(t, "", "GET", "/series/?order=-id", "", 200, "") // 84: the first is of beta
		for i, want := range []string{apiseed.Missing, "[]", "[]", "[]"} {
			if got := fmt.Sprintf("%v %v", mixed.At(fmt.Sprint(i, ".dependencies")), mixed.At(fmt.Sprint(i, ".dependents"))); got != want+" "+want {
				t.Errorf("row %d: %s, want %s", i, got, want)
			}
		}
	})
}

// TestSeriesWalk: a walk by cursor shows everything once, forth and back.
func TestSeriesWalk(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		for _, order := range []string{"id", "-date"} {
			var seen []string
			next, last := "/api/series/?cursor=&per_page=1&order="+order, ""
			for range 10 {
				a := s.Get("", next)
				seen = append(seen, a.IDs())
				if next = rel(a, "next"); next == "" {
					last = rel(a, "prev")
					break
				}
			}
			for last != "" {
				a := s.Get("", last)
				seen = append(seen, a.IDs())
				last = rel(a, "prev")
			}
			want := "[[{s1}] [{s3}] [{s5}] [{s4}] [{s5}] [{s3}] [{s1}]]"
			if order == "-date" {
				want = "[[{s5}] [{s4}] [{s3}] [{s1}] [{s3}] [{s4}] [{s5}]]"
			}
			if got := fmt.Sprint(seen); got != s.fill(want) {
				t.Errorf("%s: %s, want %s", order, got, s.fill(want))
			}
		}
	})
}

// rel is where a link of an answer leads.
func rel(a apiseed.Answer, name string) string {
	for link := range strings.SplitSeq(a.Header.Get("Link"), ", ") {
		if address, is := strings.CutSuffix(link, `>; rel="`+name+`"`); is {
			return strings.TrimPrefix(address, "<http://h")
		}
	}
	return ""
}

// TestSeriesQueries: conformance check 82.
func TestSeriesQueries(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		for path, want := range map[string]int64{"/series/": 8, "/series/?per_page=1": 8, "/1.3/series/": 6, "/1.3/series/?per_page=1": 6, "/covers/": 5, "/covers/?per_page=1": 5,
			"/series/{s1}/": 6, "/covers/{c1}/": 4, "/patches/{p1}/comments/": 4, "/covers/{c1}/comments/": 4} {
			if got := s.asked(t, "", path); got != want {
				t.Errorf("%s takes %d queries, want %d", path, got, want)
			}
		}
	})
}

// TestChangeSeries: conformance check 83, but for PATCH from 1.4 on, see docs/deviations.md.
func TestChangeSeries(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		for _, who := range []string{"", "maint", "root"} {
			for _, version := range []string{"/1.0", "/1.1", "/1.2", "/1.3"} {
				s.ask(t, who, "PATCH", version+"/series/{s1}/", `{"version":2}`, 405, `{"detail":"Method \"PATCH\" not allowed."}`)
			}
			for _, method := range []string{"POST", "PUT", "DELETE"} {
				s.ask(t, who, method, "/series/{s1}/", "", 405, `{"detail":"Method \"`+method+`\" not allowed."}`)
				s.ask(t, who, method, "/series/", "", 405, `{"detail":"Method \"`+method+`\" not allowed."}`)
			}
		}
		s.ask(t, "", "PATCH", "/series/{s1}/", `{"version":"x"}`, 403, noLogin) // before what is wrong with the body
		s.ask(t, "joe", "PATCH", "/series/{s1}/", `{bad`, 403, forbidden)
		s.ask(t, "deleg", "PATCH", "/series/{s1}/", `{"archived":true}`, 403, forbidden) // only one of them is his
		s.ask(t, "", "PATCH", "/series/999999/", `{}`, 404, notFound)
		s.ask(t, "dev", "PATCH", "/series/{s1}/", `{"version":2}`, 403, forbidden)
		s.ask(t, "dev", "PATCH", "/series/{s1}/", `{"metadata":{"a":"b"},"archived":true}`, 403, forbidden)
		s.ask(t, "maint", "PATCH", "/series/{s1}/", `{"version":"x","metadata":["a"],"archived":"perhaps","delegate":"joe","state":"nosuch"}`, 400,
			`{"archived":["Must be a valid boolean."],"delegate":["Incorrect type. Expected pk value, received str."],"metadata":["Expected a dictionary of items but got type \"list\"."],`+
				`"state":["Invalid state nosuch. Expected one of: new, under-review, accepted, rejected, rfc, not-applicable, changes-requested, awaiting-upstream, superseded, deferred."],"version":["A valid integer is required."]}`)
		s.ask(t, "maint", "PATCH", "/series/{s1}/", `{"version":null,"metadata":null,"archived":null,"state":null}`, 400,
			`{"archived":["This field may not be null."],"metadata":["This field may not be null."],"state":["This field may not be null."],"version":["This field may not be null."]}`)
		s.ask(t, "maint", "PATCH", "/series/{s1}/", `{"version":32768}`, 400, `{"version":["version 32768: want 0 to 32767"]}`)
		s.ask(t, "maint", "PATCH", "/series/{s1}/", `{"metadata":{"a":7}}`, 400, `{"metadata":["Not a valid string."]}`)
		s.ask(t, "maint", "PATCH", "/series/{s1}/", `{"metadata":{"":"x"}}`, 400, `{"metadata":["the name \"\": want 1 to 100 printable characters"]}`)
		if got := s.rows(t, "SELECT CONCAT(version, archived) FROM series s JOIN patch p ON p.series_id = s.id WHERE s.id = {s1}"); got != "10\n10" && got != "1f\n1f" && got != "1false\n1false" {
			t.Errorf("%q: something was changed", got)
		}

		// As version 3 it is no older version of series 5, version 2.
		a := s.ask(t, "maint", "PATCH", "/1.4/series/{s1}/", `{"version":3,"metadata":{"bug":"7","ci":"größer"},"state":"Under Review","delegate":{u.both},"archived":"yes","name":"ignored"}`, 200,
			strings.Replace(wholeSeries1(`,"dependencies":[],"dependents":[],"previous_series":null,"next_series":[],"state":"under-review","state_counts":{"under-review":2},"check":"pending","check_counts":{},"metadata":{"bug":"7","ci":"größer"}}`), `"version":1,"total"`, `"version":3,"total"`, 1))
		if got := s.rows(t, "SELECT CONCAT_WS(' ', e.kind, e.actor_id, x.subject_id) FROM event e JOIN event_subject x ON x.event_id = e.id WHERE e.actor_id IS NOT NULL AND x.kind = 'patch' AND e.actor_id = {u.maint} ORDER BY x.subject_id, e.kind"); got != s.fill(
			"patch-archived-changed {u.maint} {p1}\npatch-delegated {u.maint} {p1}\npatch-state-changed {u.maint} {p1}\npatch-archived-changed {u.maint} {p2}\npatch-delegated {u.maint} {p2}\npatch-state-changed {u.maint} {p2}") {
			t.Errorf("%s after %s", got, a.Body)
		}
		// A form, an empty body, and what the submitter may.
		a = s.ask(t, "root", "PATCH", "/series/{s1}/", "metadata.ci=ok&version=2&state=&delegate=", 200, "")
		if got := fmt.Sprintf("%v %v %v", a.At("version"), a.At("metadata"), a.At("state")); got != "2 map[bug:7 ci:ok] under-review" {
			t.Error(got)
		}
		a = s.ask(t, "both", "PATCH", "/series/{s1}/", `{"metadata":{"ci":null}}`, 200, "")
		if got := fmt.Sprint(a.At("metadata")); got != "map[bug:7]" {
			t.Error(got)
		}
		s.ask(t, "dev", "PATCH", "/series/{s1}/", ``, 200, "")
		tag := s.ask(t, "", "GET", "/series/{s1}/", "", 200, "").Header.Get("ETag")
		s.ask(t, "maint", "PATCH", "/series/{s1}/", `{"version":4}`, 412, "", `If-Match: "other"`)
		s.ask(t, "maint", "PATCH", "/series/{s1}/", `{"version":4}`, 200, "", "If-Match: "+tag)
		s.ask(t, "maint", "PATCH", "/series/{s1}/", `{"version":5}`, 412, "", "If-Match: "+tag)
		if a = s.ask(t, "dev", "PATCH", "/series/{s1}/", `{"state":"rejected"}`, 200, ""); a.At("state") != "rejected" {
			t.Error(a.Body)
		}
		s.ask(t, "maint", "PATCH", "/series/{s1}/", `{"delegate":{u.joe}}`, 400, `{"delegate":["User 'joe' is not a maintainer for project 'ALPHA'"]}`)
		s.ask(t, "maint", "PATCH", "/series/{s1}/", `{"delegate":999999,"version":9}`, 400, `{"delegate":["Invalid pk \"999999\" - object does not exist."]}`)
	})
}
