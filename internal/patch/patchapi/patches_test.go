// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"patchwork.example/pw/internal/test/apiseed"
)

// patch3 is what API 1.4 says of patch 3 in a list; the others are told apart by their ids.
const patch3 = `{"id":{p3},"url":"http://h/api/1.4/patches/{p3}/","web_url":"http://h/project/alpha/patch/20260301-lid@mail.example/","project":{"id":{j.alpha},"url":"http://h/api/1.4/projects/{j.alpha}/","name":"ALPHA","link_name":"alpha","list_id":"alpha.lists.example","list_email":"alpha@lists.example","web_url":"https://alpha.example/","scm_url":"","webscm_url":"","list_archive_url":"","list_archive_url_format":"https://archive.example/alpha/{}","commit_url_format":""},"msgid":"<20260301-lid@mail.example>","list_archive_url":"https://archive.example/alpha/20260301-lid@mail.example","date":"2026-03-01T11:00:00","name":"lid: fit the lid","commit_ref":null,"pull_url":null,"state":"new","archived":false,"hash":"c757850c6d587074c4448472a235af2f35777979","submitter":{"id":{h.ann},"url":"http://h/api/1.4/people/{h.ann}/","name":"Ann Author","email":"ann@people.example"},"delegate":null,"mbox":"http://h/project/alpha/patch/20260301-lid@mail.example/mbox/","series":[{"id":{s3},"url":"http://h/api/1.4/series/{s3}/","web_url":"http://h/project/alpha/list/?series={s3}","date":"2026-03-01T11:00:00","name":"lid: fit the lid","version":1,"mbox":"http://h/series/{s3}/mbox/"}],"comments":"http://h/api/patches/{p3}/comments/","check":"pending","checks":"http://h/api/patches/{p3}/checks/","tags":{},"related":[]`

// patch3At10 is the same in API 1.0, with what a detail has.
const patch3At10 = `{"id":{p3},"url":"http://h/api/1.0/patches/{p3}/","project":{"id":{j.alpha},"url":"http://h/api/1.0/projects/{j.alpha}/","name":"ALPHA","link_name":"alpha","list_id":"alpha.lists.example","list_email":"alpha@lists.example","web_url":"https://alpha.example/","scm_url":"","webscm_url":""},"msgid":"<20260301-lid@mail.example>","date":"2026-03-01T11:00:00","name":"lid: fit the lid","commit_ref":null,"pull_url":null,"state":"new","archived":false,"hash":"c757850c6d587074c4448472a235af2f35777979","submitter":{"id":{h.ann},"url":"http://h/api/1.0/people/{h.ann}/","name":"Ann Author","email":"ann@people.example"},"delegate":null,"mbox":"http://h/project/alpha/patch/20260301-lid@mail.example/mbox/","series":[{"id":{s3},"url":"http://h/api/1.0/series/{s3}/","date":"2026-03-01T11:00:00","name":"lid: fit the lid","version":1,"mbox":"http://h/series/{s3}/mbox/"}],"check":"pending","checks":"http://h/api/patches/{p3}/checks/","tags":{}`

const patch3Texts = `,"headers":{"From":"Ann Author <ann@people.example>","To":"alpha@lists.example","Date":"Sun, 01 Mar 2026 11:00:00 +0000","Message-ID":"<20260301-lid@mail.example>","Subject":"[PATCH] lid: fit the lid","List-Id":"<alpha.lists.example>","Content-Type":"text/plain; charset=utf-8"},"content":"Same change.\n\nSigned-off-by: Dev Example <dev@people.example>\n---","diff":"diff --git a/lib/kettle.c b/lib/kettle.c\nindex 1d2c3b4..5a69788 100644\n--- a/lib/kettle.c\n+++ b/lib/kettle.c\n@@ -7,2 +7,3 @@ int boil(void)\n one\n+two\n three\n","prefixes":[]}`

// TestPatchAnswers: whole answers, in the newest version and the oldest.
func TestPatchAnswers(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		s.ask(t, "", "GET", "/1.4/patches/?submitter=ann@people.example", "", 200, "["+patch3+"}]")
		s.ask(t, "", "GET", "/1.4/patches/{p3}/", "", 200, patch3+patch3Texts)
		s.ask(t, "", "GET", "/1.0/patches/{p3}/", "", 200, patch3At10+patch3Texts)
		s.ask(t, "", "GET", "/1.0/patches/?submitter=ann@people.example", "", 200, "["+patch3At10+"}]")
		a := s.ask(t, "", "GET", "/patches/{p1}", "", 200, "")
		for place, want := range map[string]any{
			"url": "http://h/api/patches/{p1}/", "delegate.url": "http://h/api/users/{u.deleg}/", "delegate.username": "deleg", "delegate.first_name": "Deleg", "tags.A": int64(1),
			"headers.Received.0": "from a.example by b.example; Sun, 1 Mar 2026 09:00:00 +0000", "headers.Received.1": "from c.example by a.example;\n\tSun, 1 Mar 2026 08:59:00 +0000",
			"prefixes.0": "1/2", "prefixes.1": apiseed.Missing, "series.0.name": "Mend the kettle",
		} {
			if text, ok := want.(string); ok {
				want = s.fill(text)
			}
			if got := a.At(place); got != want {
				t.Errorf("%s is %v, want %v", place, got, want)
			}
		}
		// A Message-ID of slashes and percent signs.
		a = s.ask(t, "", "GET", "/patches/?msgid="+url.QueryEscape(apiseed.Patch5), "", 200, "")
		if got := a.At("0.mbox"); got != "http://h/project/alpha/patch/20260301%252Fslash%252F1%2541+x@mail.example/mbox/" || a.At("0.msgid") != "<"+apiseed.Patch5+">" {
			t.Error(got)
		}
		// A pull request: no diff.
		apiseed.Deliver(t, s.db, apiseed.Mail{Project: "alpha", From: "Ann Author <ann@people.example>", ID: "pull@mail.example", Subject: "[GIT PULL, v2] take it",
			Body: "The following changes since commit 0123456789012345678901234567890123456789:\n\n  x\n\nare available in the git repository at:\n\n  git://git.example/x.git for-linus\n\nfor you to fetch\n"})
		a = s.ask(t, "", "GET", "/patches/?msgid=pull@mail.example", "", 200, "")
		if a.At("0.pull_url") != "git://git.example/x.git for-linus" || a.At("0.hash") != nil {
			t.Error(a.Body)
		}
		a = s.ask(t, "", "GET", fmt.Sprintf("/patches/%d/", a.At("0.id")), "", 200, "")
		if a.At("diff") != nil || a.At("prefixes.0") != "GIT" || a.At("prefixes.2") != "v2" {
			t.Error(a.At("diff"), a.Body)
		}
		for path, status := range map[string]int{"/patches/999999/": 404, "/patches/foo/": 404, "/patches/-1/": 404, "/patches/99999999999999999999/": 404} {
			s.ask(t, "", "GET", path, "", status, "")
		}
		s.ask(t, "", "GET", "/patches/999999/", "", 404, `{"detail":"Not found."}`)
		tx(t, s, s.fill("UPDATE message SET hidden = TRUE WHERE id = (SELECT message_id FROM patch WHERE id = {p3})"))
		s.ask(t, "root", "GET", "/patches/{p3}/", "", 404, `{"detail":"Not found."}`)
		s.ask(t, "root", "PATCH", "/patches/{p3}/", `{"state":"new"}`, 404, `{"detail":"Not found."}`)
		s.ask(t, "", "GET", "/patches/?submitter=ann@people.example&hash="+apiseed.Hash, "", 200, "[]")
	})
}

// TestPatchFilters: filters, orders and pages; the expected sides are our numbers of the patches.
func TestPatchFilters(t *testing.T) {
	tests := []struct{ query, want string }{
		{"", "1 2 3 5 4"}, // by id: patch 5 was stored before patch 4, with the other mails of its project
		{"project=alpha", "1 2 3 5"}, {"project=ALPHA", "1 2 3 5"}, {"project={j.beta}", "4"}, {"project=alpha&project=beta", "1 2 3 5 4"},
		{"project=invalidproject", ""}, {"project=alpha&project=invalid", ""}, {"project=", ""}, {"project=*", ""},
		{"series={s1}", "1 2"}, {"series={s1}&series={s4}", "1 2 4"}, {"series=99999", ""}, {"series={s1}&series=99999", ""}, {"series=x", ""}, {"series=", ""},
		{"submitter={h.ann}", "3"}, {"submitter=ANN@people.example", "3"}, {"submitter=ann", ""}, {"submitter=nobody@people.example", ""}, {"submitter={h.ann}&submitter={h.dev}", "1 2 3 5 4"},
		{"delegate=deleg", "1"}, {"delegate=DELEG", "1"}, {"delegate={u.deleg}", "1"}, {"delegate=maint", ""}, {"delegate=deleg@people.example", ""}, {"delegate=nobody", ""}, {"delegate=", ""},
		{"state=new", "1 3 5"}, {"state=under-review", "2"}, {"state=Under%20Review", "2"}, {"state=UNDER-REVIEW&state=accepted", "2 4"}, {"state=1", "1 3 5"}, {"state=nosuch", ""}, {"state=new&state=nosuch", ""}, {"state=", ""},
		{"archived=true", "5"}, {"archived=True", "5"}, {"archived=1", "5"}, {"archived=false", "1 2 3 4"}, {"archived=0", "1 2 3 4"}, {"archived=yes", "1 2 3 5 4"}, {"archived=", "1 2 3 5 4"},
		{"hash=" + apiseed.Hash, "1 3"}, {"hash=" + strings.ToUpper(apiseed.Hash), "1 3"}, {"hash=0000", ""}, {"hash=", ""},
		{"msgid=" + apiseed.Patch1, "1"}, {"msgid=%3C" + apiseed.Patch1 + "%3E", ""}, {"msgid=x@y", ""}, {"msgid=%00", ""}, {"project=beta&msgid=" + apiseed.Patch1, ""},
		{"since=2026-03-01T11:00:00", "3 5 4"}, {"before=2026-03-01T11:00:00", "1 2"}, {"since=2026-03-01T10:00:00&before=2026-03-01T12:00:00", "2 3"}, {"since=2026-03-01", "1 2 3 5 4"},
		{"since=2026-03-01T12:00:00%2B01:00", "3 5 4"}, {"since=2026-03-01T12:00:00Z", "5 4"}, {"since=yesterday", ""}, {"project=alpha&since=2026-03-01T10:00:00&order=-date", "5 3 2"},
		{"q=kettle", "1 2"}, {"q=KETTLE%20new", "2"}, {"q=kettle,new", "2"}, {"q=lid&q=kettle", "1 2"}, {"q=100%25", "5"}, {"q=_", ""}, {"q=nothing", ""},
		{"unknown=1&page=1", "1 2 3 5 4"},
		{"order=-id", "4 5 3 2 1"}, {"order=date", "1 2 3 4 5"}, {"order=-date", "5 4 3 2 1"}, {"order=name", "1 2 5 4 3"}, {"order=-name", "3 4 5 2 1"}, {"order=project,id", "1 2 3 5 4"}, {"order=-project,-id", "4 5 3 2 1"},
		{"order=state,id", "1 3 5 2 4"}, {"order=-state,id", "4 2 1 3 5"}, {"order=archived,-id", "4 3 2 1 5"}, {"order=-archived,id", "5 1 2 3 4"}, {"order=submitter,id", "1 2 5 4 3"}, {"order=-submitter,id", "3 1 2 5 4"},
		{"order=-check,id", "2 1 5 4 3"}, {"order=check,-id", "3 4 5 1 2"}, {"order=nosuch", "1 2 3 5 4"}, {"order=", "1 2 3 5 4"}, {"order=nosuch,-id", "4 5 3 2 1"}, {"project=alpha&state=new&order=-date", "5 3 1"},
	}
	eachServed(t, func(t *testing.T, s *served) {
		s.ask(t, "maint", "PATCH", "/patches/{p2}/", "state=under-review", 200, "")
		s.ask(t, "both", "PATCH", "/patches/{p4}/", "state=accepted", 200, "")
		s.ask(t, "maint", "PATCH", "/patches/{p5}/", "archived=true", 200, "")
		for _, check := range []string{"2 fail", "3 success", "5 pending"} {
			n, state, _ := strings.Cut(check, " ")
			s.ask(t, "maint", "POST", "/patches/{p"+n+"}/checks/", "state="+state+"&context=a", 201, "")
		}
		for _, context := range []string{"a", "b", "c"} { // several checks, one row
			s.ask(t, "maint", "POST", "/patches/{p2}/checks/", "state=success&context="+context+context, 201, "")
		}
		ours := map[string]string{}
		for n, id := range s.Patches {
			ours[fmt.Sprint(id)] = fmt.Sprint(n)
		}
		for _, test := range tests {
			for _, more := range []string{"", "&cursor="} {
				if more != "" && strings.Contains(test.query, "order=") && !strings.Contains(test.query, "date") {
					continue // not all orders have cursors
				}
				a := s.Get("", s.fill("/api/1.4/patches/?"+test.query+more))
				var got []string
				for _, id := range strings.Fields(strings.Trim(a.IDs(), "[]")) {
					got = append(got, ours[id])
				}
				if strings.Join(got, " ") != test.want || a.Status != 200 {
					t.Errorf("?%s: %d %v, want %s", test.query+more, a.Status, got, test.want)
				}
			}
		}
		// Before 1.2 there are no filters by hash and Message-ID.
		for _, query := range []string{"hash=garbage", "msgid=x"} {
			if got := s.Get("", "/api/1.1/patches/?"+query).Len(); got != 5 {
				t.Errorf("1.1 %s: %d", query, got)
			}
		}
		for query, want := range map[string]string{"order=state&cursor=": `{"detail":"a list can be walked by cursor only in the order of id, date or name"}`, "order=check&cursor=": `{"detail":"a list can be walked by cursor only in the order of id, date or name"}`} {
			s.ask(t, "", "GET", "/1.4/patches/?"+query, "", 400, want)
		}
		s.ask(t, "", "GET", "/1.4/patches/?q=a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t+u+v+w+x+y+z+1+2+3+4+5+6+7+8+9", "", 400, `{"detail":"too many words: at most 32 can be searched at once"}`)
	})
}

// TestPatchPages: Link, and what is no page.
func TestPatchPages(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		for query, want := range map[string]string{
			"project=alpha&per_page=1&page=2&order=-date": `<http://h/api/1.2/patches/?order=-date&page=3&per_page=1&project=alpha>; rel="next", <http://h/api/1.2/patches/?order=-date&per_page=1&project=alpha>; rel="prev", <http://h/api/1.2/patches/?order=-date&page=1&per_page=1&project=alpha>; rel="first", <http://h/api/1.2/patches/?order=-date&page=4&per_page=1&project=alpha>; rel="last"`,
			"q=kettle":             `<http://h/api/1.2/patches/?page=1&q=kettle>; rel="first", <http://h/api/1.2/patches/?page=1&q=kettle>; rel="last"`,
			"project=nosuch":       `<http://h/api/1.2/patches/?page=1&project=nosuch>; rel="first", <http://h/api/1.2/patches/?page=1&project=nosuch>; rel="last"`,
			"per_page=2&page=last": `<http://h/api/1.2/patches/?page=2&per_page=2>; rel="prev", <http://h/api/1.2/patches/?page=1&per_page=2>; rel="first", <http://h/api/1.2/patches/?page=3&per_page=2>; rel="last"`,
		} {
			if got := s.ask(t, "", "GET", "/1.2/patches/?"+query, "", 200, "").Header.Get("Link"); got != want {
				t.Errorf("%s:\n%s\nwant\n%s", query, got, want)
			}
		}
		for _, query := range []string{"page=2", "page=0", "page=x", "project=nosuch&page=2"} {
			s.ask(t, "", "GET", "/patches/?"+query, "", 404, `{"detail":"Invalid page."}`)
		}
		// By cursor, there and back.
		a := s.ask(t, "", "GET", "/patches/?cursor=&per_page=2&order=-date", "", 200, "")
		var there []string
		for range 3 {
			there = append(there, a.IDs())
			next := linkOf(a, "next")
			if next == "" {
				break
			}
			a = s.Get("", strings.TrimPrefix(next, "http://h"))
		}
		if got, want := strings.Join(there, " "), s.fill("[{p5} {p4}] [{p3} {p2}] [{p1}]"); got != want {
			t.Errorf("there %s, want %s", got, want)
		}
		a = s.Get("", strings.TrimPrefix(linkOf(a, "prev"), "http://h"))
		if got := a.IDs(); got != s.fill("[{p3} {p2}]") {
			t.Errorf("back %s", got)
		}
	})
}

func linkOf(a apiseed.Answer, rel string) string {
	for link := range strings.SplitSeq(a.Header.Get("Link"), ", ") {
		if address, ok := strings.CutSuffix(link, `>; rel="`+rel+`"`); ok {
			return strings.TrimPrefix(address, "<")
		}
	}
	return ""
}

// TestPatchQueries: the number of queries is fixed, with one more if patches are related.
func TestPatchQueries(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		s.ask(t, "both", "PATCH", "/patches/{p1}/", `{"related":[{p2},{p4}]}`, 200, "")
		for path, want := range map[string]int64{
			"/patches/?per_page=1": 7, "/patches/": 7, "/patches/?order=-date&per_page=100": 7, "/patches/?project=alpha&state=new&archived=false&order=-date": 8,
			"/patches/?q=kettle": 7, "/patches/?order=check": 7, "/patches/?project=alpha&msgid=" + apiseed.Patch1: 8, "/patches/?project=nosuch": 1, "/patches/?cursor=": 6,
			"/patches/?q=kettle&cursor=": 7, "/patches/{p1}/": 5, "/patches/{p3}/": 4, "/1.0/patches/{p3}/": 4,
		} {
			if got := s.asked(t, "", path); got != want {
				t.Errorf("%s: %d queries, want %d", path, got, want)
			}
		}
	})
}

// TestPatchPermissions: who may write, by every way.
func TestPatchPermissions(t *testing.T) {
	const credentials, permission = `{"detail":"Authentication credentials were not provided."}`, `{"detail":"You do not have permission to perform this action."}`
	eachServed(t, func(t *testing.T, s *served) {
		for _, method := range []string{"PATCH", "PUT"} {
			for who, want := range map[string]string{"": credentials, "joe": permission, "rev": permission} {
				s.ask(t, who, method, "/patches/{p1}/", `{"state":"nosuch"}`, 403, want) // before the body is looked at
			}
		}
		for who, may := range map[string]string{"dev": "{p1} {p2} {p4} {p5}", "deleg": "{p1}", "maint": "{p1} {p2} {p3} {p5}", "both": "{p1} {p2} {p3} {p4} {p5}", "root": "{p1} {p2} {p3} {p4} {p5}", "joe": "", "rev": ""} {
			for _, p := range strings.Fields("{p1} {p2} {p3} {p4} {p5}") {
				status := 403
				if strings.Contains(may, p) {
					status = 200
				}
				s.ask(t, who, "PATCH", "/patches/"+p+"/", "", status, "")
				s.ask(t, who, "PATCH", "/patches/"+p+"/", `{"state":"rfc"}`, status, "")
			}
		}
		for _, who := range []string{"", "joe", "maint", "root"} {
			s.ask(t, who, "POST", "/patches/", `{"name":"x"}`, 405, `{"detail":"Method \"POST\" not allowed."}`)
			s.ask(t, who, "DELETE", "/patches/{p1}/", "", 405, `{"detail":"Method \"DELETE\" not allowed."}`)
			s.ask(t, who, "PATCH", "/1.3/patches/", `{"state":"new"}`, 405, `{"detail":"Method \"PATCH\" not allowed."}`)
			s.ask(t, who, "PATCH", "/patches/999999/", `{"state":"new"}`, 404, `{"detail":"Not found."}`)
		}
	})
}

// TestPatchWrites: bodies of all sorts, what they change, and what is wrong with them.
func TestPatchWrites(t *testing.T) {
	const states = "Expected one of: new, under-review, accepted, rejected, rfc, not-applicable, changes-requested, awaiting-upstream, superseded, deferred."
	long := strings.Repeat("é", 256)
	tests := []struct {
		method, body string
		status       int
		want         string // of a 200: places and values; else the body
	}{
		{"PATCH", `{"state":"under-review"}`, 200, "state=under-review"},
		{"PATCH", `{"state":"Not Applicable"}`, 200, "state=not-applicable"},
		{"PATCH", `{"state":"UNDER REVIEW"}`, 200, "state=under-review"},
		{"PATCH", `state=accepted&archived=True`, 200, "state=accepted archived=true"},
		{"PATCH", `archived=`, 200, "state=accepted archived=true"},
		{"PATCH", `{"archived":"no","delegate":{u.both}}`, 200, "archived=false delegate.username=both"},
		{"PATCH", `{"archived":"yes","delegate":"{u.maint}"}`, 200, "archived=true delegate.username=maint"},
		{"PATCH", `{"delegate":null}`, 200, "delegate=<nil>"},
		{"PATCH", `delegate={u.both}`, 200, "delegate.username=both"},
		{"PATCH", `delegate=`, 200, "delegate=<nil>"},
		{"PATCH", `{"commit_ref":" abc ","pull_url":"git://x/y for-z"}`, 200, "commit_ref=abc pull_url=git://x/y for-z"},
		{"PATCH", `commit_ref=def`, 200, "commit_ref=def pull_url=git://x/y for-z"},
		{"PATCH", `{"commit_ref":null,"pull_url":null}`, 200, "commit_ref=<nil> pull_url=<nil>"},
		{"PATCH", `{"commit_ref":"` + long[2:] + `"}`, 200, "commit_ref=" + long[2:]},
		{"PATCH", `{"commit_ref":""}`, 200, "commit_ref=<nil>"},
		{"PATCH", `{"teapot":1,"name":"other","id":7,"hash":"x","submitter":1,"msgid":"x"}`, 200, "name=[1/2] kettle: close the hole hash=" + apiseed.Hash},
		{"PATCH", `{}`, 200, "state=accepted archived=true"},
		{"PATCH", ``, 200, "state=accepted archived=true"},
		{"PUT", `{"state":"new","delegate":{u.maint}}`, 200, "state=new delegate.username=maint archived=true"},
		{"PUT", `state=rfc&delegate=`, 200, "state=rfc delegate=<nil>"},
		{"PUT", `{}`, 400, `{"delegate":["This field is required."],"state":["This field is required."]}`},
		{"PUT", `{"state":"new"}`, 400, `{"delegate":["This field is required."]}`},
		{"PATCH", `{"state":"foobar"}`, 400, `{"state":["Invalid state foobar. ` + states + `"]}`},
		{"PATCH", `{"state":7}`, 400, `{"state":["Invalid state 7. ` + states + `"]}`},
		{"PATCH", `{"state":["new"]}`, 400, `{"state":["Invalid state [new]. ` + states + `"]}`},
		{"PATCH", `{"state":null}`, 400, `{"state":["This field may not be null."]}`},
		{"PATCH", `{"state":""}`, 400, `{"state":["This field may not be null."]}`},
		{"PATCH", `state=`, 400, `{"state":["This field may not be null."]}`},
		{"PATCH", `{"delegate":{u.dev}}`, 400, `{"delegate":["User 'dev' is not a maintainer for project 'ALPHA'"]}`},
		{"PATCH", `delegate={u.dev}`, 400, `{"delegate":["User 'dev' is not a maintainer for project 'ALPHA'"]}`},
		{"PATCH", `{"delegate":99999}`, 400, `{"delegate":["Invalid pk \"99999\" - object does not exist."]}`},
		{"PATCH", `{"delegate":"maint"}`, 400, `{"delegate":["Incorrect type. Expected pk value, received str."]}`},
		{"PATCH", `{"delegate":[1]}`, 400, `{"delegate":["Incorrect type. Expected pk value, received list."]}`},
		{"PATCH", `{"archived":null}`, 400, `{"archived":["This field may not be null."]}`},
		{"PATCH", `{"archived":" true "}`, 400, `{"archived":["Must be a valid boolean."]}`},
		{"PATCH", `archived=perhaps`, 400, `{"archived":["Must be a valid boolean."]}`},
		{"PATCH", `{"commit_ref":"` + long + `"}`, 400, `{"commit_ref":["Ensure this field has no more than 255 characters."]}`},
		{"PATCH", `{"state":"nosuch","archived":"x","related":"x"}`, 400, `{"archived":["Must be a valid boolean."],"related":["Expected a list of items but got type \"str\"."],"state":["Invalid state nosuch. ` + states + `"]}`},
		{"PATCH", `{"related":[99999]}`, 400, `{"related":["Invalid pk \"99999\" - object does not exist."]}`},
		{"PATCH", `{"related":["x"]}`, 400, `{"related":["Incorrect type. Expected pk value, received str."]}`},
		{"PATCH", `{"related":null}`, 400, `{"related":["This field may not be null."]}`},
		{"PATCH", `related=`, 400, `{"related":["This field may not be null."]}`},
		{"PATCH", `related={p2}&related={p3}`, 200, "related.1.id={p3} related.0.id={p2} related.0.name=[2/2] kettle: new handle"},
		{"PATCH", `{"related":[]}`, 200, "related.0=(missing)"},
		{"PATCH", `[1]`, 400, `{"detail":["Invalid data. Expected a dictionary, but got list."]}`},
	}
	eachServed(t, func(t *testing.T, s *served) {
		for _, version := range []string{"", "/1.0", "/1.4"} {
			for _, test := range tests {
				want := ""
				if test.status != 200 {
					want = test.want
				}
				a := s.ask(t, "maint", test.method, version+"/patches/{p1}/", test.body, test.status, want)
				if test.status != 200 || version == "/1.0" && strings.Contains(test.want, "related") {
					continue
				}
				for place := range strings.SplitSeq(strings.NewReplacer(" state=", "\x00state=", " archived=", "\x00archived=", " delegate", "\x00delegate", " pull_url=", "\x00pull_url=",
					" hash=", "\x00hash=", " related.", "\x00related.").Replace(s.fill(test.want)), "\x00") {
					at, value, _ := strings.Cut(place, "=")
					if got := fmt.Sprint(a.At(at)); got != value {
						t.Errorf("%s %s: %s is %s, want %s", version, test.body, at, got, value)
					}
				}
				if detail := s.Get("", s.fill("/api"+version+"/patches/{p1}/")); detail.Body != a.Body {
					t.Errorf("%s: answered %s, stored %s", test.body, a.Body, detail.Body)
				}
			}
		}
		s.ask(t, "maint", "PATCH", "/patches/{p1}/", "x", 415, `{"detail":"Unsupported media type \"text/plain\" in request."}`, "Content-Type: text/plain")
		body := "--b\r\nContent-Disposition: form-data; name=\"state\"\r\n\r\nDeferred\r\n--b\r\nContent-Disposition: form-data; name=\"archived\"\r\n\r\noff\r\n--b--\r\n"
		if a := s.ask(t, "maint", "PATCH", "/patches/{p1}/", body, 200, "", "Content-Type: multipart/form-data; boundary=b"); a.At("state") != "deferred" || a.At("archived") != false {
			t.Error(a.Body)
		}
	})
}

// TestPatchRelations are the rules of relations over HTTP; those of the core have tests of their own.
func TestPatchRelations(t *testing.T) {
	const notMaintained = `{"detail":"At least one patch is part of a project you are not maintaining."}`
	eachServed(t, func(t *testing.T, s *served) {
		relate := func(who, p, with string, status int, want string) {
			t.Helper()
			s.ask(t, who, "PATCH", "/1.4/patches/"+p+"/", `{"related":[`+with+`]}`, status, want)
		}
		groups := func(want string) {
			t.Helper()
			got := s.rows(t, "SELECT CONCAT(p.id, ' with ', (SELECT MIN(o.id) FROM patch o WHERE o.related_id = p.related_id)) FROM patch p WHERE p.related_id IS NOT NULL ORDER BY p.id")
			if want = s.fill(want); got != want {
				t.Errorf("groups %q, want %q", got, want)
			}
		}
		relate("", "{p1}", "{p2}", 403, `{"detail":"Authentication credentials were not provided."}`)
		relate("joe", "{p1}", "{p2}", 403, `{"detail":"You do not have permission to perform this action."}`)
		relate("dev", "{p1}", "{p2}", 403, notMaintained)
		relate("deleg", "{p1}", "{p2}", 403, notMaintained)
		relate("maint", "{p1}", "{p4}", 403, notMaintained)
		relate("maint", "{p4}", "{p1}", 403, `{"detail":"You do not have permission to perform this action."}`)
		groups("")
		relate("maint", "{p1}", "{p2}", 200, "")
		groups("{p1} with {p1}\n{p2} with {p1}")
		relate("maint", "{p3}", "{p5}", 200, "")
		relate("maint", "{p1}", "{p3}", 409, `{"detail":"Two of the patches are in different relations already. Take them out of one first, by an empty list of related patches."}`)
		relate("maint", "{p3}", "{p1}", 409, "")
		relate("maint", "{p5}", "", 200, "")
		groups("{p1} with {p1}\n{p2} with {p1}")
		relate("both", "{p4}", "{p2},{p1}", 200, "")
		relate("maint", "{p3}", "{p1}", 403, notMaintained) // it is in a relation with a patch of beta
		relate("root", "{p3}", "{p1}", 200, "")
		a := s.ask(t, "", "GET", "/1.4/patches/{p3}/", "", 200, "")
		if got := fmt.Sprintf("%v %v %v %v", a.At("related.0.id"), a.At("related.1.id"), a.At("related.2.id"), a.At("related.3")); got != s.fill("{p1} {p2} {p4} (missing)") {
			t.Error(got)
		}
		if a.At("related.2.web_url") != "http://h/project/beta/patch/"+apiseed.Patch4+"/" {
			t.Error(a.Body)
		}
		if keys := s.ask(t, "", "GET", "/1.1/patches/{p3}/", "", 200, "").At("related"); keys != apiseed.Missing {
			t.Error(keys)
		}
	})
}

// TestPatchesBulk: many patches by their ids or by a filter, all or none.
func TestPatchesBulk(t *testing.T) {
	tests := []struct {
		who, query, body string
		status           int
		want             string
	}{
		{"", "", `{"ids":[{p1}],"state":"new"}`, 403, `{"detail":"Authentication credentials were not provided."}`},
		{"maint", "", `{"state":"accepted"}`, 400, `{"ids":["Give the ids of patches, or a filter in the address."]}`},
		{"maint", "?order=id&page=2", `{"state":"accepted"}`, 400, `{"ids":["Give the ids of patches, or a filter in the address."]}`},
		{"maint", "?archived=maybe", `{"state":"accepted"}`, 400, `{"ids":["Give the ids of patches, or a filter in the address."]}`},
		{"maint", "?q=,+&archived=", `{"state":"accepted"}`, 400, `{"ids":["Give the ids of patches, or a filter in the address."]}`},
		{"maint", "", `{"ids":[],"state":"accepted"}`, 400, `{"ids":["Give the ids of patches, or a filter in the address."]}`},
		{"maint", "?project=alpha", `{"ids":[{p1}],"state":"accepted"}`, 400, `{"ids":["Give either ids or a filter in the address."]}`},
		{"maint", "", `{"ids":[{p1},99999],"state":"accepted"}`, 400, `{"ids":["Invalid pk \"99999\" - object does not exist."]}`},
		{"maint", "", `{"ids":[{p1}],"related":[{p2}]}`, 400, `{"related":["Patches are related one at a time."]}`},
		{"maint", "?state=new", `{"state":"nosuch"}`, 400, ""},
		{"maint", "?project=alpha", `{"delegate":{u.dev}}`, 400, `{"delegate":["the delegate must be a maintainer of the project"]}`},
		{"dev", "", `{"ids":[{p1},{p3}],"state":"rfc"}`, 403, `{"detail":"You may not change patch {p3}; nothing was changed."}`},
		{"joe", "?project=alpha", `{"state":"rfc"}`, 403, `{"detail":"You may not change patches {p1}, {p2}, {p3}, {p5}; nothing was changed."}`},
		{"maint", "?state=nosuch", `{"state":"rfc"}`, 200, `{"dry_run":false,"changed":[],"unchanged":[],"refused":[]}`},
		{"maint", "?q=nothing", `{"state":"rfc"}`, 200, `{"dry_run":false,"changed":[],"unchanged":[],"refused":[]}`},
		{"dev", "?project=alpha", `{"state":"rfc","dry_run":true}`, 200, `{"dry_run":true,"changed":[{p1},{p2},{p5}],"unchanged":[],"refused":[{p3}]}`},
		{"maint", "", `{"ids":[{p2},{p1},{p2}],"state":"rfc","dry_run":"true"}`, 200, `{"dry_run":true,"changed":[{p1},{p2}],"unchanged":[],"refused":[]}`},
	}
	eachServed(t, func(t *testing.T, s *served) {
		for _, test := range tests {
			s.ask(t, test.who, "PATCH", "/1.4/patches/"+test.query, test.body, test.status, test.want)
		}
		if got := s.rows(t, "SELECT COUNT(*) FROM event WHERE actor_id IS NOT NULL"); got != "0" {
			t.Errorf("%s events of what was refused or only tried", got)
		}
		s.ask(t, "maint", "PATCH", "/patches/", `ids={p1}&ids={p2}&state=rfc&archived=true`, 200, `{"dry_run":false,"changed":[{p1},{p2}],"unchanged":[],"refused":[]}`)
		s.ask(t, "maint", "PATCH", "/patches/?project=alpha&q=kettle", `{"state":"rfc","commit_ref":"abc"}`, 200, `{"dry_run":false,"changed":[{p1},{p2}],"unchanged":[],"refused":[]}`)
		s.ask(t, "maint", "PATCH", "/patches?project=alpha&state=rfc&state=new", `{"state":"rfc"}`, 200, `{"dry_run":false,"changed":[{p3},{p5}],"unchanged":[{p1},{p2}],"refused":[]}`)
		want := s.fill("patch-state-changed {p1}\npatch-archived-changed {p1}\npatch-state-changed {p2}\npatch-archived-changed {p2}\npatch-commit-ref-changed {p1}\npatch-commit-ref-changed {p2}\npatch-state-changed {p3}\npatch-state-changed {p5}")
		if got := s.rows(t, "SELECT CONCAT(e.kind, ' ', s.subject_id) FROM event e JOIN event_subject s ON s.event_id = e.id WHERE e.actor_id = {u.maint} ORDER BY e.id"); got != want {
			t.Errorf("events\n%s\nwant\n%s", got, want)
		}
		tx(t, s, "UPDATE patch SET state_id = 5 WHERE id = "+s.fill("{p4}"))
		many := make([]string, 1001)
		for i := range many {
			many[i] = fmt.Sprint(100000 + i)
		}
		s.ask(t, "maint", "PATCH", "/patches/", `{"ids":[`+strings.Join(many, ",")+`]}`, 400, `{"ids":["Ensure this field has no more than 1000 elements."]}`)
	})
}

// TestPatchIfMatch: of eight clients who have all seen the same, one changes it.
func TestPatchIfMatch(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		tag := s.ask(t, "", "GET", "/1.4/patches/{p1}/", "", 200, "").Header.Get("ETag")
		if tag == "" {
			t.Fatal("no ETag")
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		answers := map[int]int{}
		for i := range 8 {
			all.Go(func() {
				a := s.Do("maint", "PATCH", s.fill("/api/1.4/patches/{p1}/"), fmt.Sprintf(`{"commit_ref":"c%d"}`, i), "If-Match: "+tag)
				mu.Lock()
				defer mu.Unlock()
				answers[a.Status]++
			})
		}
		all.Wait()
		if answers[200] != 1 || answers[412] != 7 {
			t.Errorf("answers %v", answers)
		}
		if n := s.rows(t, "SELECT COUNT(*) FROM event WHERE kind = 'patch-commit-ref-changed'"); n != "1" {
			t.Errorf("%s events", n)
		}
		s.clock.Advance(time.Hour)
		s.ask(t, "maint", "PATCH", "/1.4/patches/{p1}/", `{"commit_ref":"again"}`, 412, "", "If-Match: "+tag)
		tag = s.ask(t, "", "GET", "/1.4/patches/{p1}/", "", 200, "").Header.Get("ETag")
		s.ask(t, "maint", "PATCH", "/1.4/patches/{p1}/", `{"commit_ref":"again"}`, 200, "", "If-Match: "+tag)
	})
}
