// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"fmt"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/test/apiseed"
)

var root = account.Actor{Admin: true, Via: "test"}

// state is the id of the state with a slug.
func (s *served) state(t *testing.T, slug string) (id int64) {
	t.Helper()
	if err := s.db.Get(t.Context(), &id, "SELECT id FROM state WHERE slug = ?", slug); err != nil {
		t.Fatal(err)
	}
	return id
}

func listedCover1() string {
	return strings.TrimSuffix(strings.Replace(cover1JSON, `,"mbox"`, `,"submitter":`+devJSON+`,"mbox"`, 1), "}") + `,"series":[` + series1JSON + `],"comments":"http://h/api/covers/{c1}/comments/"}`
}

// TestCoverDetail: conformance check 77.
func TestCoverDetail(t *testing.T) {
	const text = `,"headers":{"From":"Dev Example <dev@people.example>","To":"alpha@lists.example","Date":"Sun, 01 Mar 2026 08:00:00 +0000","Message-ID":"<20260301-kettle-0@mail.example>","Subject":"[PATCH 0/2] Mend the kettle","List-Id":"<alpha.lists.example>","Content-Type":"text/plain; charset=utf-8"},"content":"It leaks."}`
	eachServed(t, func(t *testing.T, s *served) {
		full := strings.TrimSuffix(strings.Replace(listedCover1(), `,"msgid"`, `,"project":`+alphaJSON+`,"msgid"`, 1), "}") + text
		s.ask(t, "", "GET", "/1.4/covers/{c1}/", "", 200, full)
		s.ask(t, "", "GET", "/covers/{c1}/", "", 200, strings.ReplaceAll(full, "/api/1.4/", "/api/"))
		s.ask(t, "", "GET", "/1.2/covers/{c1}/", "", 200, strings.ReplaceAll(full, "/1.4/", "/1.2/"))
		s.ask(t, "", "GET", "/1.1/covers/{c1}/", "", 200, without(strings.ReplaceAll(full, "/1.4/", "/1.1/"), "list_archive_url", "list_archive_url_format", "commit_url_format"))
		v10 := s.ask(t, "", "GET", "/1.0/covers/{c1}/", "", 200, "")
		if got := v10.Keys(); got != "id url project msgid date name submitter series headers content" {
			t.Error(got)
		}
		if v10.At("series.0.mbox") != s.fill("http://h/series/{s1}/mbox/") || v10.At("series.0.web_url") != apiseed.Missing {
			t.Error(v10.Body)
		}
		slashes := s.ask(t, "", "GET", "/covers/{c2}/", "", 200, "")
		if slashes.At("msgid") != "<20260301/slash/0%2F@mail.example>" || slashes.At("list_archive_url") != "https://archive.example/alpha/20260301/slash/0%2F@mail.example" {
			t.Error(slashes.Body)
		}
		s.ask(t, "", "GET", "/covers/999999/", "", 404, notFound)
		s.ask(t, "", "GET", "/covers/abc/", "", 404, "")
	})
}

// TestListCovers: conformance checks 78 and 79.
func TestListCovers(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		s.ask(t, "", "GET", "/1.4/covers/?series={s1}", "", 200, "["+strings.Replace(listedCover1(), `,"msgid"`, `,"project":`+alphaJSON+`,"msgid"`, 1)+"]")
		for query, want := range map[string]string{
			"": "[{c1} {c2}]", "?order=-id": "[{c2} {c1}]", "?order=name": "[{c1} {c2}]", "?order=-submitter,-date": "[{c2} {c1}]", "?order=-date&cursor=": "[{c2} {c1}]",
			"?project=alpha": "[{c1} {c2}]", "?project=beta": "[]", "?project=nosuch": "[]",
			"?submitter={h.dev}": "[{c1} {c2}]", "?submitter=dev@people.example": "[{c1} {c2}]", "?submitter=ann@people.example": "[]", "?submitter=nobody@people.example": "[]",
			"?series={s5}": "[{c2}]", "?series={s3}": "[]", "?series={s1}&series={s5}": "[{c1} {c2}]", "?series={s1}&series=999999": "[]", "?series=x": "[]", "?series=": "[]",
			"?msgid=" + apiseed.Cover1: "[{c1}]", "?msgid=20260301/slash/0%252F@mail.example": "[{c2}]", "?msgid=nosuch": "[]", "?msgid=%3C" + apiseed.Cover1 + "%3E": "[]",
			"?since=2026-03-01T13:00:00": "[{c2}]", "?before=2026-03-01T13:00:00": "[{c1}]", "?before=x": "[]", "?q=MEND": "[{c1}]", "?q=nosuch": "[]",
			"?per_page=1&page=2": "[{c2}]", "?per_page=1&page=last": "[{c2}]",
		} {
			for _, version := range []string{"", "/1.0"} {
				if got := s.ask(t, "", "GET", version+"/covers/"+query, "", 200, "").IDs(); got != s.fill(want) {
					t.Errorf("%s %s: %s, want %s", version, query, got, s.fill(want))
				}
			}
		}
		if got := s.Get("", "/api/1.0/covers/").Keys(); got != "id url project msgid date name submitter series" {
			t.Error(got)
		}
		for _, who := range []string{"", "maint", "root"} {
			for _, method := range []string{"POST", "PATCH", "PUT", "DELETE"} {
				for _, path := range []string{"/covers/", "/covers/{c1}/"} {
					s.ask(t, who, method, path, "", 405, fmt.Sprintf(`{"detail":"Method \"%s\" not allowed."}`, method))
				}
			}
		}
	})
}
