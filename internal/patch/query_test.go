// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// has tells whether a patch is in the list of a query.
func has(q patch.Query, p seedPatch) bool {
	name := strings.ToLower(p.name)
	for _, word := range strings.Fields(strings.ToLower(q.Words)) {
		if !strings.Contains(name, word) {
			return false
		}
	}
	return (q.Projects == nil || slices.Contains(q.Projects, p.project)) && (q.States == nil || p.state != 0 && slices.Contains(q.States, p.state)) &&
		(q.Archived == nil || slices.Contains(q.Archived, p.archived)) && (q.Submitters == nil || slices.Contains(q.Submitters, p.person)) &&
		(q.Delegates == nil || slices.Contains(q.Delegates, p.delegate)) && (q.Series == nil || slices.Contains(q.Series, p.series)) &&
		(q.MsgIDs == nil || slices.Contains(q.MsgIDs, p.msgid())) && (q.Since == nil || p.date() >= *q.Since) && (q.Before == nil || p.date() < *q.Before)
}

func submitterKey(p seedPatch) string {
	return map[int64]string{1: "ann author", 2: "ann author (work)", 3: "bob builder", 4: "zoe@people.example", 5: "ægir öberg"}[p.person]
}

func delegateKey(p seedPatch) string {
	return map[int64]string{0: "", userMia: "mia", userMax: "max_100%", userDel: "delia"}[p.delegate]
}

// checked are the patches whose checks say something else than pending or nothing: a warning is worse than that, success is better.
var checked = map[int64]int{2: 3}

func checkKey(p seedPatch) int {
	if n, ok := checked[p.id]; ok {
		return n
	}
	return 2
}

func archivedKey(p seedPatch) int {
	if p.archived {
		return 1
	}
	return 0
}

// before orders two patches as the list does.
func before(order string, a, b seedPatch) int {
	turned := false
	for part := range strings.SplitSeq(cmp.Or(order, "-date"), ",") {
		by, reverse := strings.CutPrefix(part, "-")
		n := map[string]int{
			"name": cmp.Compare(a.name, b.name), "id": cmp.Compare(a.id, b.id), "date": cmp.Compare(a.day, b.day), "project": cmp.Compare(a.project, b.project),
			"state": cmp.Compare(a.state, b.state), "archived": cmp.Compare(archivedKey(a), archivedKey(b)), // ids of states are in their order
			"submitter": cmp.Compare(submitterKey(a), submitterKey(b)), "person": cmp.Compare(a.person, b.person),
			"delegate": cmp.Compare(delegateKey(a), delegateKey(b)), "check": cmp.Compare(checkKey(a), checkKey(b)), "bogus": 0,
		}[by]
		if reverse {
			n = -n
		}
		if n != 0 {
			return n
		}
		turned = reverse
		if by != "date" && by != "name" && by != "bogus" {
			turned = !turned
		}
		if by == "bogus" {
			turned = true
		}
	}
	n := cmp.Compare(a.id, b.id)
	if !strings.Contains(order, "date") && !strings.Contains(order, "name") {
		n = cmp.Or(cmp.Compare(a.day, b.day), n)
	}
	if turned {
		return -n
	}
	return n
}

func expected(q patch.Query) []int64 {
	var in []seedPatch
	for _, p := range seedPatches {
		if has(q, p) {
			in = append(in, p)
		}
	}
	slices.SortFunc(in, func(a, b seedPatch) int { return before(q.Order, a, b) })
	ids := []int64{}
	for _, p := range in {
		ids = append(ids, p.id)
	}
	return ids
}

// filters are made on alpha.
var filters = map[string]patch.Query{
	"all":                    {},
	"action required":        {States: []int64{1, 2}, Archived: []bool{false}},
	"archived":               {Archived: []bool{true}},
	"not archived":           {Archived: []bool{false}},
	"both":                   {Archived: []bool{false, true}},
	"one state":              {States: []int64{7}},
	"no state":               {States: []int64{0}},
	"unknown state":          {States: []int64{77}},
	"none of the states":     {States: []int64{}},
	"the same state twice":   {States: []int64{1, 1, 2}, Archived: []bool{false, false}},
	"neither archived state": {Archived: []bool{}},
	"one person":             {Submitters: []int64{3}},
	"all of a user's":        {Submitters: []int64{1, 2}},
	"nobody's mail":          {Submitters: []int64{}},
	"delegate":               {Delegates: []int64{userMia}},
	"two delegates":          {Delegates: []int64{userMia, userMax}, Archived: []bool{false}},
	"nobody":                 {Delegates: []int64{0}, States: []int64{1}},
	"no such delegate":       {Delegates: []int64{}},
	"series":                 {Series: []int64{1}},
	"series and more":        {Series: []int64{2}, Archived: []bool{true}, States: []int64{7}},
	"unknown series":         {Series: []int64{99}},
	"word":                   {Words: "leak"},
	"words":                  {Words: " LEAK  fix "},
	"word and state":         {Words: "leak", States: []int64{1, 2}, Archived: []bool{false}},
	"everything":             {Words: "leak", States: []int64{1}, Archived: []bool{false}, Submitters: []int64{1, 3}, Delegates: []int64{0}},
	"no such word":           {Words: "nowhere"},
	"all projects":           {Projects: anyProject},
	"both projects":          {Projects: []int64{projectBeta, projectAlpha, projectBeta}, States: []int64{1, 3}},
	"no projects":            {Projects: []int64{}},
	"everywhere":             {Projects: anyProject, Archived: []bool{false}, States: []int64{1, 2, 4}},
	"two series":             {Series: []int64{2, 1, 1}},
	"no series":              {Series: []int64{}},
	"by Message-ID":          {Projects: anyProject, MsgIDs: []string{"<p39@mail.example>", "<p7@mail.example>", "<p7@mail.example>", "<x@y>"}},
	"no Message-ID":          {MsgIDs: []string{}},
	"since":                  {Since: march(14)},
	"before":                 {Projects: anyProject, Before: march(3), Archived: []bool{false}},
	"since and before":       {Since: march(9), Before: march(15), States: []int64{2, 3}},
	"hers, of a time":        {Projects: anyProject, Submitters: []int64{1}, Since: march(5)},
}

// anyProject stands for no filter in the table.
var anyProject = []int64{-1}

func march(day int) *clock.Time {
	at := seedPatch{day: day}.date()
	return &at
}

// queryOf is a filter of the table as a query.
func queryOf(q patch.Query) patch.Query {
	switch {
	case q.Projects == nil:
		q.Projects = []int64{projectAlpha}
	case slices.Equal(q.Projects, anyProject):
		q.Projects = nil
	}
	q.PerPage = 10
	return q
}

// TestList compares every page of every filter in every order with a plain loop over the seed.
func TestList(t *testing.T) {
	all := []string{"", "date", "-date", "name", "-name", "state", "-state", "submitter", "-submitter", "delegate", "-delegate", "bogus", "id", "-id", "project,id", "-project",
		"archived", "-archived,id", "state,-id", "-state,project,date", "person", "-person", "check", "-check,id", "name,-date", "date,-id", "bogus,-id,date"}
	thorough := []string{"all", "all projects", "everywhere", "two delegates", "words", "everything", "since and before"}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		for name, q := range filters {
			q = queryOf(q)
			orders := all
			if db.Engine() != sqldb.SQLite && !slices.Contains(thorough, name) {
				orders = []string{"", "name", "id"} // these have plans of their own
			}
			for _, q.Order = range orders {
				want := expected(q)
				if name == "neither archived state" {
					want = []int64{}
				}
				if got := allPages(t, db, q, len(want)); gocmp.Diff(want, got) != "" {
					t.Errorf("%s, order %q:\ngot  %v\nwant %v", name, q.Order, got, want)
				}
			}
		}
	})
}

// TestCursors goes through every filter by cursors.
func TestCursors(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		for name, q := range filters {
			q = queryOf(q)
			for _, q.Order = range []string{"id", "-id", "date", "-date", "name", "-name"} {
				want := expected(q)
				if name == "neither archived state" {
					want = []int64{}
				}
				if got := byCursors(t, db, q, 7); gocmp.Diff(want, got) != "" {
					t.Errorf("%s, order %q:\ngot  %v\nwant %v", name, q.Order, got, want)
				}
			}
		}
		for _, order := range []string{"state", "project,id", "check", "name,date"} {
			if _, err := patch.Beside(t.Context(), db, patch.Query{Order: order}, nil, false, 10); !fault.Is(err, fault.Invalid) {
				t.Errorf("a cursor in the order of %s: %v", order, err)
			}
		}
		// What is hidden takes up no place, so a list does not end where there is more.
		hide(t, db, 1, 2, 3, 4, 5, 6, 7, 8, 10)
		if got := byCursors(t, db, patch.Query{Projects: []int64{projectAlpha}, Order: "id", Series: nil}, 2); len(got) != 29 || got[0] != 9 || got[1] != 11 {
			t.Errorf("with hidden ones: %v", got)
		}
	})
}

// byCursors goes through a list and back again, and gives its ids.
func byCursors(t *testing.T, db *sqldb.DB, q patch.Query, limit int) []int64 {
	t.Helper()
	there := stepByCursors(t, db, q, nil, false, limit)
	if len(there) == 0 {
		return []int64{}
	}
	last := there[len(there)-1]
	back := stepByCursors(t, db, q, &patch.Cursor{ID: last.ID, Date: last.Date, Name: last.Name}, true, limit)
	ids, mirror := []int64{}, []int64{last.ID}
	for _, r := range there {
		ids = append(ids, r.ID)
	}
	for _, r := range back {
		mirror = append(mirror, r.ID)
	}
	slices.Reverse(mirror)
	if !slices.Equal(ids, mirror) {
		t.Errorf("%+v: there %v, back %v", q, ids, mirror)
	}
	return ids
}

func stepByCursors(t *testing.T, db *sqldb.DB, q patch.Query, at *patch.Cursor, back bool, limit int) (all []*patch.Row) {
	t.Helper()
	for range 50 {
		rows, err := patch.Beside(t.Context(), db, q, at, back, limit)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rows...)
		if len(rows) < limit {
			return all
		}
		last := rows[limit-1]
		at = &patch.Cursor{ID: last.ID, Date: last.Date, Name: last.Name}
	}
	t.Fatal("it does not end")
	return nil
}

// TestTotals: what no counter covers is counted exactly, and a large number is remembered for a minute.
func TestTotals(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		manyPatches(t, db, 50010)
		c := clock.NewFake(noon)
		q := patch.Query{Words: "many"}
		count := func(want int) {
			t.Helper()
			if n, err := patch.Count(t.Context(), db, q); err != nil || n != want {
				t.Errorf("%d, %v; want %d", n, err, want)
			}
		}
		count(50000)
		q.Totals = patch.NewTotals(c, nil)
		count(50010)
		seedExec(t, db, "UPDATE patch SET name_key = 'few' WHERE id = 2001")
		count(50010)
		c.Advance(61 * time.Second)
		count(50009)
		q.Words, q.MaxSort = "", 50000
		if _, err := patch.List(t.Context(), db, patch.Query{Order: "check", MaxSort: 50000, PerPage: 10}); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.UserText(err), "50050 patches") {
			t.Errorf("sorting too many: %v", err)
		}
		// Far back: the page is found from the other end.
		p, err := patch.List(t.Context(), db, patch.Query{Order: "state,id", PerPage: 100, Page: 500})
		if err != nil || len(p.Rows) != 100 || p.Rows[0].ID != 51885 || p.Rows[99].ID != 51984 {
			t.Errorf("page 500: %v", err)
		}
	})
}

// allPages are the ids of all pages of a list, whose number and total must be right.
func allPages(t *testing.T, db *sqldb.DB, q patch.Query, total int) []int64 {
	t.Helper()
	ids := []int64{}
	pages := max(1, (total+9)/10)
	for q.Page = 1; q.Page <= pages; q.Page++ {
		p, err := patch.List(t.Context(), db, q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		if p.Total != total || p.Pages != pages || p.Page != q.Page {
			t.Errorf("%+v: page %d of %d, %d in all; want %d in all", q, p.Page, p.Pages, p.Total, total)
		}
		for _, r := range p.Rows {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// TestKnownFailureE5 searches for what a database might take for something else: wildcards are letters, and letter case does not count in
// any script.
func TestKnownFailureE5(t *testing.T) {
	tests := []struct {
		words string
		want  []int64 // by id
	}{
		{"100%", []int64{3}},
		{"%", []int64{3, 12}},
		{"100 %", []int64{3, 12}},
		{"t_s", []int64{4}},
		{"_", []int64{4}},
		{"leak!", []int64{7}},
		{"!", []int64{7}},
		{"!%", []int64{}},
		{"a\\b", []int64{13}},
		{"\\", []int64{13}},
		{"a'b", []int64{14}},
		{"\"c", []int64{14}},
		{"FIX A LEAK", []int64{1, 7, 8, 9}},
		{"ПРИВЕТ", []int64{10, 11}},
		{"привет", []int64{10, 11}},
		{"größe", []int64{5, 6}},
		{"GRÖSSE", []int64{5, 6}},
		{"gro\u0308ße", []int64{5, 6}}, // the same letter in two code points
		{"grosse", []int64{}},
		{"ÄNDERN", []int64{5}},
		{"?", []int64{}},
		{"' OR 1=1 --", []int64{}},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		for _, test := range tests {
			p, err := patch.List(t.Context(), db, patch.Query{Projects: []int64{projectAlpha}, Words: test.words, PerPage: 100})
			if err != nil {
				t.Fatalf("%q: %v", test.words, err)
			}
			ids := []int64{}
			for _, r := range p.Rows {
				ids = append(ids, r.ID)
			}
			slices.Sort(ids)
			if diff := gocmp.Diff(test.want, ids); diff != "" || p.Total != len(test.want) {
				t.Errorf("%q: %d in all, %s", test.words, p.Total, diff)
			}
		}
	})
}

func TestListManyWords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		q := patch.Query{Projects: []int64{projectAlpha}, PerPage: 100, Words: strings.Repeat("leak LEAK net: ", 2000)}
		if p, err := patch.List(t.Context(), db, q); err != nil || p.Total != 4 {
			t.Errorf("the same two words: %d, %v", p.Total, err)
		}
		q.Words = ""
		for i := range 2000 {
			q.Words += fmt.Sprint(" w", i)
		}
		if _, err := patch.List(t.Context(), db, q); !fault.Is(err, fault.Invalid) {
			t.Errorf("2,000 words: %v", err)
		}
	})
}

func TestListPaging(t *testing.T) {
	tests := []struct {
		page, perPage int
		rows, at, of  int
	}{
		{1, 10, 10, 1, 4}, {4, 10, 8, 4, 4}, {5, 10, 8, 4, 4}, {1 << 62, 10, 8, 4, 4}, {0, 10, 10, 1, 4}, {-3, 10, 10, 1, 4},
		{1, 38, 38, 1, 1}, {2, 38, 38, 1, 1}, {2, 37, 1, 2, 2}, {38, 1, 1, 38, 38},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		for _, test := range tests {
			p, err := patch.List(t.Context(), db, patch.Query{Projects: []int64{projectAlpha}, Page: test.page, PerPage: test.perPage})
			if err != nil || len(p.Rows) != test.rows || p.Page != test.at || p.Pages != test.of || p.Total != 38 {
				t.Errorf("page %d of %d rows each: %d rows, page %d of %d, %v; want %+v", test.page, test.perPage, len(p.Rows), p.Page, p.Pages, err, test)
			}
		}
		// A user who was imported with 0 rows a page must not break his lists.
		if _, err := patch.List(t.Context(), db, patch.Query{Projects: []int64{projectAlpha}}); !fault.Is(err, fault.Invalid) {
			t.Errorf("no rows a page: %v", err)
		}
	})
}

// TestCountPaths counts what counters cover by rows too.
func TestCountPaths(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		for name, q := range filters {
			if q.Words != "" || q.Series != nil || q.Submitters != nil || q.Projects != nil || q.MsgIDs != nil || q.Since != nil || q.Before != nil {
				continue
			}
			q.Projects, q.PerPage = []int64{projectAlpha}, 10
			counters, err := patch.Count(t.Context(), db, q)
			q.Submitters = []int64{1, 2, 3, 4, 5}
			rows, err2 := patch.Count(t.Context(), db, q)
			if err != nil || err2 != nil || counters != rows {
				t.Errorf("%s: %d by the counters, %v; %d by rows, %v", name, counters, err, rows, err2)
			}
		}
		counts, err := patch.CountByState(t.Context(), db, projectAlpha)
		want := map[int64]int{0: 2, 1: 11, 2: 10, 3: 2, 4: 2, 5: 2, 6: 1, 7: 3, 8: 1, 9: 2, 10: 2}
		if diff := gocmp.Diff(want, counts); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}

func TestListRow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		p, err := patch.List(t.Context(), db, patch.Query{Projects: []int64{projectAlpha}, Series: []int64{1}, Order: "name", PerPage: 5})
		if err != nil {
			t.Fatal(err)
		}
		date := seedPatches[1].date()
		want := []*patch.Row{
			{ID: 2, Message: 1002, MsgID: "<p2@mail.example>", Name: "[1/3] mm: split pages", Date: date, State: 2, StateSlug: "under-review", Project: projectAlpha, SeriesDate: noon, SeriesVersion: 1, Series: 1, SeriesName: "split pages", Number: 1, Total: 3, Submitter: 1,
				SubmitterName: "Ann Author", SubmitterMail: "ann@home.example", Delegate: userMia, DelegateName: "mia", DelegateMail: "mia@users.example", Hits: patch.Hits{{Tag: 1, Times: 1}, {Tag: 3, Times: 12}}, Checks: [4]int{0, 2, 1, 0}},
			{ID: 3, Message: 1003, MsgID: "<p3@mail.example>", Name: "[2/3] mm: split 100% of the pages", Date: date, State: 2, StateSlug: "under-review", Project: projectAlpha, SeriesDate: noon, SeriesVersion: 1, Series: 1, SeriesName: "split pages", Number: 2, Total: 3, Submitter: 1,
				SubmitterName: "Ann Author", SubmitterMail: "ann@home.example", Delegate: userMia, DelegateName: "mia", DelegateMail: "mia@users.example"},
			{ID: 4, Message: 1004, MsgID: "<p4@mail.example>", Name: "[3/3] mm: test_split", Date: date, State: 3, StateSlug: "accepted", Project: projectAlpha, SeriesDate: noon, SeriesVersion: 1, Series: 1, SeriesName: "split pages", Number: 3, Total: 3, Submitter: 1,
				SubmitterName: "Ann Author", SubmitterMail: "ann@home.example"},
		}
		inOrder := gocmp.Transformer("sorted", func(h patch.Hits) []patch.Hit {
			return slices.SortedFunc(slices.Values(h), func(a, b patch.Hit) int { return cmp.Compare(a.Tag, b.Tag) })
		})
		if diff := gocmp.Diff(want, p.Rows, inOrder); diff != "" {
			t.Error(diff)
		}
		if r := p.Rows[0]; r.Hits.Of(3) != 12 || r.Hits.Of(2) != 0 {
			t.Errorf("tag 3 was given %d times, tag 2 %d times; want 12 and 0", r.Hits.Of(3), r.Hits.Of(2))
		}
		in, err := patch.InSeries(t.Context(), db, 1)
		if diff := gocmp.Diff(want, in, inOrder); err != nil || diff != "" {
			t.Error("InSeries:", err, diff)
		}
		p, err = patch.List(t.Context(), db, patch.Query{Projects: []int64{projectAlpha}, Series: []int64{1}, Order: "name", PerPage: 5, Brief: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range want {
			r.Message, r.Project, r.StateSlug, r.SeriesDate, r.DelegateMail = 0, 0, "", 0, ""
		}
		if diff := gocmp.Diff(want, p.Rows, inOrder); diff != "" {
			t.Errorf("brief: %s", diff)
		}
	})
}

// TestListPeople turns what the filter form takes into people.
func TestListPeople(t *testing.T) {
	persons := map[string][]int64{"1": {1, 2}, "2": {1, 2}, "3": {3}, "99": {}, "author": {1, 2}, "WORK": {2}, "ÖBERG": {5}, "b%b": {}, "_": {}, "builder": {3}, "zoe": {}, "x'": {}}
	users := map[string][]int64{"12": {userMia}, "99": {}, "MIA": {userMia}, "%": {userMax}, "_": {userMax}, "e": {userDel, userJoe}, "nobody else": {}}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		for filter, want := range persons {
			got, err := account.PersonsOf(t.Context(), db, filter)
			if diff := gocmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("person %q: %v %s", filter, err, diff)
			}
		}
		for filter, want := range users {
			got, err := account.UsersLike(t.Context(), db, filter)
			if diff := gocmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("user %q: %v %s", filter, err, diff)
			}
		}
	})
}

// TestListHidden: a hidden patch is in no list.
func TestListHidden(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		hide(t, db, 1, 3)
		if found := findings(t, db); len(found) > 0 {
			t.Errorf("after hiding: %v", found)
		}
		for _, q := range []patch.Query{{}, {Order: "name"}, {Order: "state"}, {Series: []int64{1}}, {Words: "leak"}} {
			q.Projects, q.PerPage = []int64{projectAlpha}, 100
			p, err := patch.List(t.Context(), db, q)
			if err != nil || len(p.Rows) == 0 || len(p.Rows) != p.Total {
				t.Errorf("%+v: %d rows of %d, %v", q, len(p.Rows), p.Total, err)
			}
			for _, r := range p.Rows {
				if r.ID == 1 || r.ID == 3 {
					t.Errorf("%+v: shows patch %d", q, r.ID)
				}
			}
		}
	})
}

// hide withholds patches of alpha.
func hide(t *testing.T, db *sqldb.DB, ids ...int64) {
	t.Helper()
	for _, id := range ids {
		if err := patch.HideMessage(t.Context(), db, account.CLI, noon, project.Project{ID: projectAlpha, Linkname: "alpha"}, fmt.Sprintf("<p%d@mail.example>", id), "", true); err != nil {
			t.Fatal(err)
		}
	}
}

// seedExec runs a statement that must match a row.
func seedExec(t *testing.T, db *sqldb.DB, query string, args ...any) {
	t.Helper()
	err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
		n, err := tx.Exec(t.Context(), query, args...)
		if err == nil && n == 0 {
			return fault.New(fault.NotFound, "it matches no row")
		}
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// TestListStatements: the number of statements does not depend on what is found.
func TestListStatements(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			var n atomic.Int32
			db, err := sqldb.Open(t.Context(), dbtest.MigratedURL(t, engine), sqldb.Options{Statement: func(string) { n.Add(1) }})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			seed(t, db)
			for _, test := range []struct {
				q    patch.Query
				want int32
			}{{patch.Query{PerPage: 100}, 4}, {patch.Query{PerPage: 1, Page: 30, Order: "submitter"}, 4}, {patch.Query{PerPage: 10, Words: "leak", Order: "name"}, 4}, {patch.Query{PerPage: 10, Words: "nowhere"}, 1},
				{patch.Query{PerPage: 10, Words: "x"}, 4}, {patch.Query{PerPage: 10, Words: "leak", Submitters: []int64{1}}, 4}} {
				test.q.Projects = []int64{projectAlpha}
				n.Store(0)
				if _, err := patch.List(t.Context(), db, test.q); err != nil || n.Load() != test.want {
					t.Errorf("%+v: %d statements, want %d, %v", test.q, n.Load(), test.want, err)
				}
			}
		})
	}
}
