// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"encoding/json"
	"fmt"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestHiddenSeries: a series tells nothing of its hidden mails, in the API, on pages, in events and names of files; lists and their totals have what is shown.
func TestHiddenSeries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.project("alpha")
		s.mail("alpha", "From: Rude <rude@people.example>\nSubject: [PATCH 0/2] Bad words\nMessage-ID: <c@x>\nDate: Sat, 28 Feb 2026 06:00:00 +0000", "Worse words.\n")
		s.patchMail("alpha", "p1@x", "[PATCH 1/2] First step", "In-Reply-To: <c@x>", "Date: Sun, 1 Mar 2026 09:00:00 +0000")
		s.patchMail("alpha", "p2@x", "[PATCH 2/2] Second step", "In-Reply-To: <c@x>", "Date: Sun, 1 Mar 2026 09:01:00 +0000")
		s.patchMail("alpha", "alone@x", "[PATCH] Alone")
		alpha, err := project.ByLinkname(t.Context(), db, "alpha")
		if err != nil {
			t.Fatal(err)
		}
		p1 := s.id("patch", "p1@x")
		id := s.rows("SELECT series_id FROM patch WHERE id = ?", p1)[0]
		one, page, mbox := "/api/1.4/series/"+id+"/", "/project/alpha/series/"+id+"/", "/series/"+id+"/mbox/"
		events := "/api/1.4/events/?category=series-created&series=" + id
		whole := hiddenFacts{name: "Bad words", date: "2026-02-28T06:00:00", who: "Rude", received: 2, patches: 3, covers: 1, series: 2}
		s.expectHidden(one, whole)
		s.expect(s.get(events), 200, "Bad words")

		s.hide(alpha, "<c@x>", true) // the first patch leads
		s.expectHidden(one, hiddenFacts{name: "[1/2] First step", date: "2026-03-01T09:00:00", who: "Ann Author", received: 2, patches: 3, series: 2})
		s.hide(alpha, "<p1@x>", true)
		second := hiddenFacts{date: "2026-03-01T09:01:00", who: "Ann Author", received: 1, patches: 2, series: 2}
		s.expectHidden(one, second)
		for _, path := range []string{one, page, events, "/api/1.4/series/", "/api/1.4/patches/", "/api/1.4/events/", "/project/alpha/list/?state=*&archive=both", fmt.Sprintf("/project/alpha/list/?series=%s&state=*", id)} {
			s.expect(s.get(path), 200, "!Bad words", "!Rude", "!rude@", "!First step", "!c@x", "!p1@x")
		}
		a := s.get(mbox)
		s.expect(a, 200, "Second step", "!Bad words", "!First step")
		if got := a.Header.Get("Content-Disposition"); got != "attachment; filename=patchwork-"+id+".patch" {
			t.Errorf("file: %s", got)
		}
		s.sound()

		s.hide(alpha, "<p2@x>", true)
		for _, path := range []string{one, page, mbox, "/series/" + id + "/"} {
			s.expect(s.get(path), 404, "!Bad words", "!step")
		}
		s.expect(s.get(events), 200, "!Bad words", "!step")
		s.expectTotals(hiddenFacts{patches: 1, series: 1})
		s.sound()

		for _, msgid := range []string{"<p2@x>", "<c@x>", "<p1@x>"} { // in another order
			s.hide(alpha, msgid, false)
		}
		s.expectHidden(one, whole)
		s.expect(s.get(events), 200, "Bad words")
		s.sound()

		// What nobody kept true is found and mended.
		s.exec("UPDATE message SET hidden = TRUE WHERE msgid = '<c@x>'")
		for range 2 { // the second looks at what the first made of it
			if _, err := s.app.Check(t.Context(), true, func(string) {}); err != nil {
				t.Fatal(err)
			}
		}
		s.expectHidden(one, hiddenFacts{name: "[1/2] First step", date: "2026-03-01T09:00:00", who: "Ann Author", received: 2, patches: 3, series: 2})
		s.sound()

		// A series that shows nothing does so when a mail comes for it.
		s.mail("alpha", "From: Rude <rude@people.example>\nSubject: [PATCH 0/2] Bad again\nMessage-ID: <c2@x>", "Words.\n")
		s.hide(alpha, "<c2@x>", true)
		s.expectTotals(hiddenFacts{patches: 3, series: 2})
		s.patchMail("alpha", "q1@x", "[PATCH 1/2] Third step", "In-Reply-To: <c2@x>", "Date: Sun, 1 Mar 2026 10:00:00 +0000")
		other := "/api/1.4/series/" + s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", "q1@x"))[0] + "/"
		s.expectHidden(other, hiddenFacts{name: "[1/2] Third step", date: "2026-03-01T10:00:00", who: "Ann Author", received: 1, patches: 4, series: 3})
		s.sound()
	})
}

// hiddenFacts is what the API tells of a series, and how many objects its lists have.
type hiddenFacts struct {
	name, date, who         string
	received                int
	patches, covers, series int
}

func (s *site) expectHidden(path string, want hiddenFacts) {
	s.t.Helper()
	a := s.get(path)
	var got struct {
		Name, Date    string
		Submitter     struct{ Name string }
		ReceivedTotal int `json:"received_total"`
		Patches       []any
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.StatusCode != 200 {
		s.t.Fatal(err, a.StatusCode, a.body)
	}
	if got.Name != want.name || got.Date != want.date || got.Submitter.Name != want.who || got.ReceivedTotal != want.received || len(got.Patches) != want.received {
		s.t.Errorf("%+v, want %+v", got, want)
	}
	s.expectTotals(want)
}

// expectTotals goes through lists page by page: each has one object, and there are as many pages as objects.
func (s *site) expectTotals(want hiddenFacts) {
	s.t.Helper()
	for list, n := range map[string]int{"patches": want.patches, "covers": want.covers, "series": want.series} {
		for page := 1; page <= max(n, 1); page++ {
			var got []struct{ ID int64 }
			a := s.get(fmt.Sprintf("/api/1.4/%s/?project=alpha&per_page=1&page=%d", list, page))
			if err := json.Unmarshal([]byte(a.body), &got); err != nil || len(got) != min(n, 1) {
				s.t.Errorf("%s, page %d of %d: %s, %v", list, page, n, a.body, err)
			}
		}
		if n > 0 {
			s.expect(s.get(fmt.Sprintf("/api/1.4/%s/?project=alpha&per_page=1&page=%d", list, n+1)), 404)
		}
	}
}
