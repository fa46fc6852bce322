// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// stands are the lanes of all series, as the table has them, which must be as it is found anew.
func stands(t *testing.T, db *sqldb.DB) string {
	t.Helper()
	expectClean(t, db)
	return strings.Join(rows(t, db, "SELECT CONCAT('', lane) FROM series_triage ORDER BY series_id"), " ")
}

// from lets a letter of Ann come from somebody else.
func from(mail string) string {
	return strings.Replace(mail, "Ann <ann@example.org>", "Bob <bob@example.org>", 1)
}

// A series on its way: each step is one verb, and the stand follows in its transaction.
func TestLanes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		p := newProject(t, db, "demo")
		mia := newUser(t, db, "mia")
		if err := project.AddMaintainer(ctx, db, account.CLI, now, "demo", "mia"); err != nil {
			t.Fatal(err)
		}
		by := account.Actor{User: mia.ID, Via: "test"}
		one := func(query string) int64 {
			t.Helper()
			var n int64
			if err := db.Get(ctx, &n, query); err != nil {
				t.Fatal(query, err)
			}
			return n
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		expect := func(what, lanes string) {
			t.Helper()
			if got := stands(t, db); got != lanes {
				t.Errorf("%s: lanes %s, want %s", what, got, lanes)
			}
		}
		deliver(t, db, letter("demo", "c0", "", "[PATCH 0/2] whole", "Cover\n"), letter("demo", "p1", "c0", "[PATCH 1/2] one", "Text\n"+diffText))
		expect("a patch is missing", "4")
		deliver(t, db, letter("demo", "p2", "c0", "[PATCH 2/2] two", "Text\n"+diffText))
		expect("complete", "1")
		deliver(t, db, letter("demo", "own", "p2", "Re: [PATCH 2/2] two", "I forgot something.\n"))
		expect("its sender has answered", "1")
		deliver(t, db, from(letter("demo", "r0", "c0", "Re: [PATCH 0/2] whole", "Hm.\n")))
		expect("somebody has answered", "3")
		deliver(t, db, from(letter("demo", "r1", "p1", "Re: [PATCH 1/2] one", "Reviewed-by: Bob <bob@example.org>\n")))
		expect("one patch is reviewed", "3")
		deliver(t, db, from(letter("demo", "r2", "p2", "Re: [PATCH 2/2] two", "Acked-by: Bob <bob@example.org>\n")))
		expect("both are reviewed", "2")

		first := one("SELECT MIN(id) FROM patch")
		check := func(state int) {
			t.Helper()
			_, _, err := patch.PostCheck(ctx, db, by, now, first, patch.NewCheck{State: state, Context: "ci", Replace: true})
			must(err)
		}
		check(0)
		expect("a check is pending", "5")
		check(3)
		expect("it failed", "3")
		check(1)
		expect("it succeeded", "2")

		comment := one("SELECT id FROM patch_comment WHERE patch_id = (SELECT MIN(id) FROM patch)")
		must(patch.SetAddressed(ctx, db, by, now, patch.Target{Patch: first}, comment, ptr(false), nil))
		expect("a comment asks for something", "4")
		must(patch.SetAddressed(ctx, db, by, now, patch.Target{Patch: first}, comment, ptr(true), nil))
		expect("it is addressed", "2")

		update := func(c patch.Change, ids ...int64) {
			t.Helper()
			_, err := patch.Update(ctx, db, by, now, ids, c)
			must(err)
		}
		both := []int64{first, one("SELECT MAX(id) FROM patch")}
		state := func(slug string) *int64 {
			s, err := patch.FindState(ctx, db, slug)
			must(err)
			return &s.ID
		}
		update(patch.Change{State: state("changes-requested")}, first)
		expect("changes are requested", "4")
		update(patch.Change{State: state("accepted")}, both...)
		expect("accepted", "0")
		update(patch.Change{State: state("new"), Delegate: &mia.ID}, both...)
		expect("new again", "2")
		expectRows(t, db, "SELECT CONCAT_WS(' ', states, '-', tags, '-', delegates) FROM series_triage", fmt.Sprintf("1:2 - 1:1 2:1 - %d", mia.ID))
		expectRows(t, db, "SELECT CONCAT_WS(' ', patches, open, reviewed, comments, unaddressed, pending, success, warning, fail) FROM series_triage", "2 2 2 4 0 0 1 0 0")
		update(patch.Change{Archived: ptr(true)}, both...)
		expect("archived", "0")
		update(patch.Change{Archived: ptr(false)}, both...)
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return patch.ReleaseUser(ctx, tx, mia.ID) })
		expect("back, and nobody's", "2")
		expectRows(t, db, "SELECT delegates FROM series_triage", "")

		deliver(t, db, letter("demo", "v2", "c0", "[PATCH v2] whole", "Text\n"+diffText))
		expect("a new version came", "0 1")
		expectRows(t, db, laneRows, fmt.Sprintf("%d 0 1", p.ID), fmt.Sprintf("%d 1 1", p.ID))
		must(patch.HideMessage(ctx, db, account.CLI, now, p, "<v2>", "", true))
		expect("all of it is hidden", "0 -1")
		must(patch.HideMessage(ctx, db, account.CLI, now, p, "<v2>", "", false))
		expect("shown again", "0 1")
		must(patch.DeleteMessage(ctx, db, account.CLI, now, p, "<v2>", ""))
		expect("deleted", "0 -1")
		must(patch.DeleteMessage(ctx, db, account.CLI, now, p, "<r2>", ""))
		expect("a review is deleted", "0 -1")
	})
}

// listWork lists series by what a query finds, with the names of those found.
func listWork(t *testing.T, db *sqldb.DB, f patch.WorkQuery) (string, patch.WorkPage) {
	t.Helper()
	f.PerPage = max(f.PerPage, 1)
	lanes, err := patch.Lanes(t.Context(), db, f.Projects)
	if err != nil {
		t.Fatal(err)
	}
	p, err := patch.ListWork(t.Context(), db, f, lanes)
	if err != nil {
		t.Fatalf("%+v: %v", f, err)
	}
	var names []string
	for _, r := range p.Rows {
		names = append(names, r.Name)
	}
	return strings.Join(names, " "), p
}

// seedWork has series s1 to s9, one a day from the 1st of March 2026 on, of two projects.
func seedWork(t *testing.T, db *sqldb.DB) {
	seed(t, db)
	seedExec(t, db, "DELETE FROM series")
	seedExec(t, db, "UPDATE patch SET series_id = NULL, number = NULL, delegate_id = NULL, state_id = 1, archived = FALSE")
	for _, s := range []struct {
		id, project, person, version, total int64
		patches                             string
	}{{1, projectAlpha, 1, 1, 1, "5"}, {2, projectAlpha, 1, 1, 3, "2, 3, 4"}, {3, projectAlpha, 2, 2, 1, "6"}, {4, projectAlpha, 3, 1, 2, "7"}, {5, projectAlpha, 3, 1, 1, "8"}, {6, projectAlpha, 4, 1, 1, "9"},
		{7, projectAlpha, 5, 3, 1, "10"}, {8, projectBeta, 1, 1, 1, "39"}, {9, projectBeta, 3, 1, 1, "40"}} {
		seedExec(t, db, fmt.Sprintf("INSERT INTO series (id, project_id, name, name_fold, date, submitter_id, version, total, received) VALUES (%d, %d, 's%d', 's%d', %d, %d, %d, %d, 0)",
			s.id, s.project, s.id, s.id, int64(clock.FromTime(time.Date(2026, 3, int(s.id), 0, 0, 0, 0, time.UTC))), s.person, s.version, s.total))
		seedExec(t, db, fmt.Sprintf("UPDATE patch SET series_id = %d, number = id, state_id = 1, date = %d WHERE id IN (%s)", s.id, int64(clock.FromTime(time.Date(2026, 3, int(s.id), 1, 0, 0, 0, time.UTC))), s.patches))
	}
	for _, q := range []string{
		"UPDATE patch SET state_id = 7 WHERE id = 6",                                     // s3 waits for its author, and so does s4, which lacks a patch
		"UPDATE patch SET state_id = 3 WHERE id = 8",                                     // s5 is done
		fmt.Sprintf("UPDATE patch SET delegate_id = %d WHERE id IN (3, 9, 40)", userMia), // s2, s6, s9
		fmt.Sprintf("UPDATE patch SET delegate_id = %d WHERE id IN (8, 10)", userMax),    // s5, s7
		"DELETE FROM patch_tag", "INSERT INTO patch_tag (patch_id, tag_id, hits) VALUES (2, 1, 1), (3, 1, 1), (4, 1, 1), (2, 2, 1), (9, 2, 1)",
		"UPDATE message_body SET content = 'Acked-by: A' WHERE message_id IN (1003, 1004)", "UPDATE message_body SET content = CONCAT('Acked-by: A', CHR(10), 'Reviewed-by: B') WHERE message_id = 1002",
		"UPDATE message_body SET content = 'Reviewed-by: B' WHERE message_id = 1009",
		fmt.Sprintf("INSERT INTO patch_comment (id, message_id, patch_id, submitter_id, date, addressed) VALUES (1, 1011, 10, 3, %d, FALSE)", int64(noon)+9*86400*1_000_000),
		"UPDATE message SET kind = 'comment' WHERE id = 1011", "DELETE FROM patch WHERE id = 11",
	} {
		if db.Engine() == sqldb.SQLite {
			q = strings.ReplaceAll(q, "CHR(10)", "char(10)")
		}
		seedExec(t, db, q)
	}
	settleAll(t, db)
}

// settleAll repairs all roll-ups after rows were written by hand.
func settleAll(t *testing.T, db *sqldb.DB) {
	t.Helper()
	check(t, db, true)
	expectClean(t, db)
}

func TestListWork(t *testing.T) {
	day := func(n int) *clock.Time {
		at := clock.FromTime(time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC))
		return &at
	}
	alpha := []int64{projectAlpha}
	tests := []struct {
		f    patch.WorkQuery
		want string
	}{
		{patch.WorkQuery{Projects: alpha}, "s7 s6 s5 s4 s3 s2 s1"},
		{patch.WorkQuery{}, "s9 s8 s7 s6 s5 s4 s3 s2 s1"},
		{patch.WorkQuery{Projects: []int64{projectAlpha, projectBeta}, Lanes: patch.OpenLanes()}, "s9 s8 s7 s6 s4 s3 s2 s1"},
		{patch.WorkQuery{Projects: alpha, Order: "date"}, "s1 s2 s3 s4 s5 s6 s7"},
		{patch.WorkQuery{Projects: alpha, Order: "-active"}, "s7 s6 s5 s4 s3 s2 s1"},
		{patch.WorkQuery{Projects: alpha, Order: "active", Lanes: []patch.Lane{patch.LaneDone}}, "s5"},
		{patch.WorkQuery{Projects: alpha, Lanes: []patch.Lane{patch.LaneAuthor}}, "s7 s4 s3"},
		{patch.WorkQuery{Projects: alpha, Lanes: []patch.Lane{patch.LaneReady}}, "s6"},
		{patch.WorkQuery{Projects: alpha, Lanes: []patch.Lane{patch.LaneReview}}, "s2"}, // it is reviewed, but a check warns
		{patch.WorkQuery{Projects: alpha, Lanes: []patch.Lane{patch.LaneNew}}, "s1"},
		{patch.WorkQuery{Projects: alpha, Order: "version"}, "s6 s5 s4 s2 s1 s3 s7"},
		{patch.WorkQuery{Projects: alpha, Order: "-size"}, "s2 s4 s1 s3 s5 s6 s7"},
		{patch.WorkQuery{Projects: alpha, Order: "-check"}, "s2 s1 s3 s4 s5 s6 s7"},
		{patch.WorkQuery{Projects: alpha, Order: "-tags"}, "s2 s6 s1 s3 s4 s5 s7"},
		{patch.WorkQuery{Projects: alpha, Order: "comments"}, "s6 s5 s4 s3 s2 s1 s7"},
		{patch.WorkQuery{Projects: alpha, Order: "name"}, "s1 s2 s3 s4 s5 s6 s7"},
		{patch.WorkQuery{Projects: alpha, Order: "submitter"}, "s2 s1 s3 s5 s4 s6 s7"},
		{patch.WorkQuery{Projects: alpha, Order: "nonsense"}, "s7 s6 s5 s4 s3 s2 s1"},
		{patch.WorkQuery{Projects: alpha, Submitters: []int64{1, 2}}, "s3 s2 s1"},
		{patch.WorkQuery{Projects: alpha, Submitters: []int64{}}, ""},
		{patch.WorkQuery{Projects: alpha, Sender: userAnn}, "s3 s2 s1"},
		{patch.WorkQuery{Sender: userAnn, Order: "date"}, "s1 s2 s3 s8"},
		{patch.WorkQuery{Projects: alpha, Delegates: []int64{userMia}}, "s6 s2"},
		{patch.WorkQuery{Delegates: []int64{userMia, userMax}}, "s9 s7 s6 s2"}, // what s5 has is accepted
		{patch.WorkQuery{Projects: alpha, Delegates: []int64{0}}, "s5 s4 s3 s1"},
		{patch.WorkQuery{Projects: alpha, Delegates: []int64{0, userMax}}, "s7 s5 s4 s3 s1"},
		{patch.WorkQuery{Projects: alpha, Delegates: []int64{}}, ""},
		{patch.WorkQuery{Projects: alpha, States: []int64{7, 3}}, "s5 s3"},
		{patch.WorkQuery{Projects: alpha, States: []int64{}}, ""},
		{patch.WorkQuery{Projects: alpha, Tags: []int64{1}}, "s2"},
		{patch.WorkQuery{Projects: alpha, Tags: []int64{2}}, "s6"},
		{patch.WorkQuery{Projects: alpha, Tags: []int64{1, 2}}, ""},
		{patch.WorkQuery{Projects: alpha, Checks: patch.ChecksWarn}, "s2"},
		{patch.WorkQuery{Projects: alpha, Checks: patch.ChecksFail}, ""},
		{patch.WorkQuery{Projects: alpha, Checks: patch.ChecksNone, Order: "date"}, "s1 s3 s4 s5 s6 s7"},
		{patch.WorkQuery{Projects: alpha, Checks: patch.ChecksGreen}, ""},
		{patch.WorkQuery{Projects: alpha, Comments: patch.CommentsOpen}, "s7"},
		{patch.WorkQuery{Projects: alpha, Comments: patch.CommentsSome}, "s7"},
		{patch.WorkQuery{Projects: alpha, Comments: patch.CommentsNone, Since: day(5)}, "s6 s5"},
		{patch.WorkQuery{Projects: alpha, Since: day(2), Before: day(4)}, "s3 s2"},
		{patch.WorkQuery{Projects: alpha, IdleSince: day(3)}, "s2 s1"},
		{patch.WorkQuery{Projects: alpha, Version: ptr(2)}, "s3"},
		{patch.WorkQuery{Projects: alpha, Words: "S3"}, "s3"},
		{patch.WorkQuery{Projects: alpha, Words: "%"}, ""},
		{patch.WorkQuery{Projects: alpha, Words: "3"}, ""}, // one or two letters stand where a word begins
		{patch.WorkQuery{Projects: alpha, Words: "s,S7", Order: "name"}, "s7"},
		{patch.WorkQuery{Projects: alpha, Words: "S", Sender: userAnn, Order: "date"}, "s1 s2 s3"},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seedWork(t, db)
		for _, test := range tests {
			f := test.f
			f.PerPage = 100
			got, p := listWork(t, db, f)
			if got != test.want || p.Total != len(strings.Fields(test.want)) {
				t.Errorf("%+v: %q, total %d; want %q", test.f, got, p.Total, test.want)
			}
		}
		_, p := listWork(t, db, patch.WorkQuery{Projects: alpha, Words: "s2"})
		r := p.Rows[0]
		got := fmt.Sprintln(r.ID, r.Name, r.Version, r.Total, r.Cover, r.SubmitterName, r.Lane, r.Patches, r.Open, r.Reviewed, r.StateCounts(), r.TagCounts(), r.Checks(), r.Linkname, r.DelegateNames)
		if want := "2 s2 1 3 false Ann Author 3 3 3 3 [{1 3}] [{1 3} {2 1}] [0 2 1 0] alpha [mia]\n"; got != want {
			t.Errorf("row %s, want %s", got, want)
		}
	})
}

// TestWorkMarks: pages between marks neither repeat a series nor miss one, also when one comes meanwhile.
func TestWorkMarks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seedWork(t, db)
		f := patch.WorkQuery{Projects: []int64{projectAlpha}, PerPage: 3}
		var pages []string
		var last patch.WorkPage
		for {
			got, p := listWork(t, db, f)
			pages, last = append(pages, got), p
			if p.Older == nil {
				break
			}
			f.At = p.Older
		}
		if diff := cmp.Diff([]string{"s7 s6 s5", "s4 s3 s2", "s1"}, pages); diff != "" {
			t.Error(diff)
		}
		f.At, f.Back = last.Newer, true
		got, p := listWork(t, db, f)
		if got != "s4 s3 s2" || p.Newer == nil || p.Older == nil {
			t.Errorf("back: %s, %+v", got, p)
		}
		f.At = p.Newer
		if got, p := listWork(t, db, f); got != "s7 s6 s5" || p.Newer != nil || p.Older == nil {
			t.Errorf("back again: %s, %+v", got, p)
		}
		f = patch.WorkQuery{Projects: []int64{projectAlpha}, PerPage: 3, Order: "-version", Page: 9}
		if got, p := listWork(t, db, f); got != "s6" || p.Page != 3 || p.Pages != 3 {
			t.Errorf("sorted: %s, %+v", got, p)
		}
	})
}

// beside are some projects and n others, which have nothing.
func beside(n int, projects ...int64) []int64 {
	for i := range n {
		projects = append(projects, 700000+int64(i))
	}
	return projects
}

func TestQueues(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seedWork(t, db)
		at := clock.FromTime(time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC)) // 30 days before: the 3rd of March
		for _, of := range []struct {
			projects []int64
			user     int64
			want     map[string]int
			lists    map[string]string
		}{
			{[]int64{projectAlpha}, userMia, map[string]int{"review": 1, "discussed": 1, "ready": 1, "author": 3, "checks": 0, "stale": 3, "delegated": 2, "mine": 0},
				map[string]string{"review": "s1", "ready": "s6", "discussed": "s2", "author": "s7 s4 s3", "stale": "s3 s2 s1", "delegated": "s6 s2"}},
			{nil, userAnn, map[string]int{"review": 3, "discussed": 1, "ready": 1, "author": 3, "checks": 0, "stale": 3, "delegated": 0, "mine": 4}, map[string]string{"mine": "s8 s3 s2 s1"}},
			{beside(48, projectAlpha, projectBeta), userAnn, map[string]int{"review": 3, "discussed": 1, "ready": 1, "author": 3, "checks": 0, "stale": 3, "delegated": 0, "mine": 4},
				map[string]string{"review": "s9 s8 s1", "stale": "s3 s2 s1", "mine": "s8 s3 s2 s1"}},
			{[]int64{projectBeta}, 0, map[string]int{"review": 2, "discussed": 0, "ready": 0, "author": 0, "checks": 0, "stale": 0}, map[string]string{"review": "s9 s8"}},
		} {
			lanes, err := patch.Lanes(t.Context(), db, of.projects)
			if err != nil {
				t.Fatal(err)
			}
			got, err := patch.CountQueues(t.Context(), db, of.projects, of.user, at, lanes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(of.want, got); diff != "" {
				t.Errorf("user %d: %s", of.user, diff)
			}
			for slug, want := range of.lists {
				q, ok := patch.FindQueue(slug)
				f := patch.WorkQuery{Projects: of.projects, PerPage: 100}
				q.Restrict(&f, of.user, at)
				if list, _ := listWork(t, db, f); !ok || list != want {
					t.Errorf("%s: %s, want %s", slug, list, want)
				}
			}
		}
	})
}
