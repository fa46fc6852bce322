// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"fmt"
	"strings"
	"testing"
)

const (
	comment1JSON = `{"id":{m1},"url":"http://h/api/1.4/patches/{p1}/comments/{m1}/","web_url":"http://h/comment/{m1}/","msgid":"<re-1@mail.example>","list_archive_url":"https://archive.example/alpha/re-1@mail.example","date":"2026-03-01T15:00:00","subject":"Re: [PATCH 1/2] kettle: close the hole","submitter":{"id":{h.rev},"url":"http://h/api/1.4/people/{h.rev}/","name":"Rev Example","email":"rev@people.example"},"content":"Good.\n\nAcked-by: Rev Example <rev@people.example>","headers":{"From":"Rev Example <rev@people.example>","To":"alpha@lists.example","Date":"Sun, 01 Mar 2026 15:00:00 +0000","Message-ID":"<re-1@mail.example>","In-Reply-To":"<20260301-kettle-1@mail.example>","Subject":"Re: [PATCH 1/2] kettle: close the hole","List-Id":"<alpha.lists.example>","Content-Type":"text/plain; charset=utf-8"},"addressed":null,"attachments":[]}`
	reply1JSON   = `{"id":{r1},"url":"http://h/api/1.4/covers/{c1}/comments/{r1}/","web_url":"http://h/comment/{r1}/","msgid":"<re-cover@mail.example>","list_archive_url":"https://archive.example/alpha/re-cover@mail.example","date":"2026-03-01T17:00:00","subject":"Re: [PATCH 0/2] Mend the kettle","submitter":{"id":{h.rev},"url":"http://h/api/1.4/people/{h.rev}/","name":"Rev Example","email":"rev@people.example"},"content":"At last.","headers":{"From":"Rev Example <rev@people.example>","To":"alpha@lists.example","Date":"Sun, 01 Mar 2026 17:00:00 +0000","Message-ID":"<re-cover@mail.example>","In-Reply-To":"<20260301-kettle-0@mail.example>","Subject":"Re: [PATCH 0/2] Mend the kettle","List-Id":"<alpha.lists.example>","Content-Type":"text/plain; charset=utf-8"},"addressed":null,"attachments":[]}`
)

// in is an object of 1.4 in an older version.
func in(json, version string) string {
	return strings.NewReplacer("/1.4/", "/"+version+"/", `,"attachments":[]`, "").Replace(json)
}

// TestComments: conformance checks 70 to 72.
func TestComments(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		s.ask(t, "", "GET", "/1.4/covers/{c1}/comments/", "", 200, "["+reply1JSON+"]") // 70
		s.ask(t, "", "GET", "/1.4/patches/{p1}/comments/{m1}/", "", 200, comment1JSON) // 72
		s.ask(t, "", "GET", "/1.3/covers/{c1}/comments/{r1}", "", 200, in(reply1JSON, "1.3"))
		s.ask(t, "", "GET", "/covers/{c1}/comments/{r1}/", "", 200, strings.ReplaceAll(reply1JSON, "/api/1.4/", "/api/"))
		v12 := strings.Replace(without(in(reply1JSON, "1.2"), "addressed"), `"url":"http://h/api/1.2/covers/{c1}/comments/{r1}/",`, "", 1)
		s.ask(t, "", "GET", "/1.2/covers/{c1}/comments/", "", 200, "["+v12+"]")
		s.ask(t, "", "GET", "/1.1/covers/{c1}/comments/", "", 200, "["+without(strings.ReplaceAll(v12, "/1.2/", "/1.1/"), "list_archive_url")+"]")
		for _, path := range []string{"/1.0/patches/{p1}/comments/", "/1.0/covers/{c1}/comments/", "/1.2/patches/{p1}/comments/{m1}/", "/1.1/covers/{c1}/comments/{r1}/", "/1.0/covers/{c1}/comments/{r1}/"} {
			if a := s.ask(t, "", "GET", path, "", 404, ""); strings.HasPrefix(a.Body, "{") {
				t.Errorf("%s: %s: want what the site says of all it does not know", path, a.Body)
			}
		}
		for _, path := range []string{"/patches/999999/comments/", "/covers/999999/comments/", "/patches/{p2}/comments/{m1}/", "/patches/{p1}/comments/999999/", "/covers/{c2}/comments/{r1}/", "/patches/999999/comments/{m1}/"} {
			s.ask(t, "", "GET", path, "", 404, notFound) // 71
		}
		for query, want := range map[string]string{
			"": "[{m1} {m2}]", "?order=-id": "[{m2} {m1}]", "?order=subject": "[{m1} {m2}]", "?order=-subject": "[{m2} {m1}]", "?order=-date": "[{m2} {m1}]", "?order=submitter": "[{m1} {m2}]",
			"?q=tin": "[{m2}]", "?q=GOOD,acked": "[{m1}]", "?q=nosuch": "[]", "?q=%00": "[]", "?q=": "[{m1} {m2}]", "?per_page=1&page=2": "[{m2}]", "?cursor=&per_page=1": "[{m1}]",
		} {
			if got := s.ask(t, "", "GET", "/patches/{p1}/comments/"+query, "", 200, "").IDs(); got != s.fill(want) {
				t.Errorf("%s: %s, want %s", query, got, s.fill(want))
			}
		}
		first := s.Get("", s.fill("/api/patches/{p1}/comments/?cursor=&per_page=1&order=-date"))
		second := s.Get("", rel(first, "next"))
		if got := fmt.Sprintf("%s %s %s", second.IDs(), s.Get("", rel(second, "prev")).IDs(), rel(second, "next")); got != s.fill("[{m1}] [{m2}] ") {
			t.Error(got)
		}
		s.ask(t, "", "GET", "/patches/{p2}/comments/", "", 200, "[]")
	})
}

// TestMarkComment: conformance checks 73 to 76 and 94.
func TestMarkComment(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		const on, onCover = "/patches/{p1}/comments/{m1}/", "/covers/{c1}/comments/{r1}/"
		before := s.rows(t, "SELECT kind FROM event WHERE kind LIKE '%comment%' ORDER BY id")
		for _, path := range []string{on, onCover} { // 74, before anything else that is wrong
			s.ask(t, "", "PATCH", path, `{"addressed":"not-valid"}`, 403, noLogin)
			s.ask(t, "joe", "PATCH", path, `{"addressed":"not-valid"}`, 403, forbidden)
			s.ask(t, "maint", "PATCH", path, `{"addressed":"not-valid"}`, 400, `{"addressed":["Must be a valid boolean."]}`) // 75
			s.ask(t, "maint", "PUT", path, `{"addressed":5}`, 400, `{"addressed":["Must be a valid boolean."]}`)
			for _, who := range []string{"", "maint", "root"} { // 76
				for _, method := range []string{"POST", "DELETE"} {
					s.ask(t, who, method, path, "", 405, fmt.Sprintf(`{"detail":"Method \"%s\" not allowed."}`, method))
				}
			}
		}
		s.ask(t, "deleg", "PATCH", onCover, `{"addressed":true}`, 403, forbidden)
		s.ask(t, "", "PATCH", "/patches/{p2}/comments/{m1}/", `{"addressed":true}`, 404, notFound)
		s.ask(t, "", "PATCH", "/1.2"+on, `{"addressed":true}`, 404, "")

		tag := s.ask(t, "", "GET", on, "", 200, "").Header.Get("ETag")
		s.ask(t, "maint", "PATCH", on, `{"addressed":true}`, 412, "", `If-Match: "other"`)
		s.ask(t, "maint", "PATCH", on, `{"addressed":null}`, 200, "", "If-Match: "+tag)
		marked := strings.Replace(comment1JSON, `"addressed":null`, `"addressed":true`, 1)
		for _, who := range []string{"maint", "dev", "deleg", "rev", "root", "both"} { // 73
			s.ask(t, who, "PATCH", "/1.4"+on, `{"addressed":true,"content":"ignored"}`, 200, marked)
			s.ask(t, who, "PATCH", on, "addressed=False", 200, "")
			s.ask(t, who, "PUT", on, `{"addressed":null}`, 200, strings.ReplaceAll(comment1JSON, "/api/1.4/", "/api/"))
		}
		for _, who := range []string{"maint", "dev", "rev", "root"} {
			s.ask(t, who, "PATCH", "/1.3"+onCover, `{"addressed":true}`, 200, in(strings.Replace(reply1JSON, `"addressed":null`, `"addressed":true`, 1), "1.3"))
			s.ask(t, who, "PATCH", onCover, `{"addressed":true}`, 200, "") // changes nothing
			s.ask(t, who, "PATCH", onCover, ``, 200, "")
			s.ask(t, who, "PATCH", onCover, `addressed=`, 200, "")
			s.ask(t, who, "PUT", onCover, `{}`, 200, "")
			s.ask(t, who, "PATCH", onCover, `{"addressed":"no"}`, 200, "")
		}
		if after := s.rows(t, "SELECT kind FROM event WHERE kind LIKE '%comment-created' ORDER BY id"); after != before { // 94
			t.Errorf("%s, before %s", after, before)
		}
		if got := s.rows(t, "SELECT CONCAT(kind, ' ', COUNT(*)) FROM event WHERE kind LIKE '%addressed' GROUP BY kind ORDER BY kind"); got != "cover-comment-addressed 8\npatch-comment-addressed 18" {
			t.Error(got)
		}
	})
}
