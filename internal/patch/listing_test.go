// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

func day(n int) clock.Time { return clock.FromTime(time.Date(2026, 3, n, 8, 0, 0, 0, time.UTC)) }

// seedSeries adds to the seed four cover letters (one is hidden), two series, dependencies, metadata and comments.
func seedSeries(t *testing.T, db *sqldb.DB) {
	t.Helper()
	message := func(id, project int64, msgid, kind string, person int64, at clock.Time, hidden bool) []any {
		return []any{id, project, msgid, 0, kind, person, int64(at), "Re: " + msgid, "", id, hidden}
	}
	comment := func(id int64, msgid string, person int64, at clock.Time, hidden bool) []any {
		return message(id, projectAlpha, msgid, "comment", person, at, hidden)
	}
	long := "<" + strings.Repeat("long", 80) + "@mail.example>"
	tables := []seedTable{
		{"message", "id project_id msgid copy kind submitter_id date subject in_reply_to thread_id hidden", [][]any{
			message(2020, projectAlpha, "<c/20@mail.example>", "cover", 1, day(9), false), message(2021, projectAlpha, "<c21@mail.example>", "cover", 3, day(5), false),
			message(2022, projectBeta, "<c22@mail.example>", "cover", 1, day(5), false), message(2023, projectAlpha, "<c23@mail.example>", "cover", 3, day(6), true),
			message(2090, projectAlpha, "<p90@mail.example>", "patch", 2, day(12), false),
			comment(2105, "<r5@mail.example>", 3, day(12), false), comment(2106, "<r6@mail.example>", 1, day(11), false), comment(2107, "<r7@mail.example>", 3, day(10), true),
			comment(2205, "<s5@mail.example>", 3, day(12), false)}},
		{"message_body", "message_id headers content", [][]any{{2020, "From: a\nTo: b", "What it is about."}, {2021, "", nil}, {2022, "", ""}, {2023, "", ""}, {2090, "", ""},
			{2105, "From: bob", "Looks GOOD,\nbut größer."}, {2106, "From: ann", "Done."}, {2107, "", "good"}, {2205, "", "cover comment"}}},
		{"cover", "id message_id project_id submitter_id date name name_fold", [][]any{
			{20, 2020, projectAlpha, 1, int64(day(9)), "[0/3] Split PAGES", "[0/3] split pages"}, {21, 2021, projectAlpha, 3, int64(day(5)), "Another cover", "another cover"},
			{22, 2022, projectBeta, 1, int64(day(5)), "[0/2] Größe", "[0/2] grösse"}, {23, 2023, projectAlpha, 3, int64(day(6)), "hidden cover", "hidden cover"}}},
		{"series", "id project_id cover_id name name_fold date submitter_id version total received state_id previous_id", [][]any{
			{3, projectBeta, 22, "Größe 100%", "grösse 100%", int64(day(5)), 1, 2, 2, 1, 1, nil}, {4, projectAlpha, 23, "split pages", "split pages", int64(day(12)), 2, 2, 2, 1, nil, 1}}},
		{"patch", "id message_id project_id submitter_id date name name_key archived series_id number", [][]any{{90, 2090, projectAlpha, 2, int64(day(12)), "again", "again", false, 4, 1}}},
		{"withheld", "kind id", [][]any{{"cover", 23}}},
		{"list_count", "project_id kind objects", [][]any{{projectAlpha, "cover", 2}, {projectBeta, "cover", 1}, {projectBeta, "series", 1}}},
		{"series_dependency", "series_id depends_on_id position", [][]any{{4, 2, 1}, {4, 1, 2}}},
		{"series_metadata", "series_id name value value_key", [][]any{{4, "bug", "12", "12"}, {4, "ci", "ok", "ok"}, {2, "bug", "13", "13"}, {2, "log", strings.Repeat("x", 200), strings.Repeat("x", 100)}}},
		{"patch_comment", "id message_id patch_id submitter_id date addressed", [][]any{
			{5, 2105, 2, 3, int64(day(12)), false}, {6, 2106, 2, 1, int64(day(11)), nil}, {7, 2107, 2, 3, int64(day(10)), nil}}},
		{"cover_comment", "id message_id cover_id submitter_id date addressed", [][]any{{5, 2205, 20, 3, int64(day(12)), nil}}},
	}
	err := db.Tx(context.Background(), func(tx *sqldb.Tx) error {
		for _, s := range tables {
			if err := tx.Insert(context.Background(), s.table, strings.Fields(s.columns), s.rows); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(context.Background(), "DELETE FROM patch_words_fill"); err != nil {
			return err
		}
		return tx.Insert(context.Background(), "patch_words_fill", []string{"id", "done", "last"}, [][]any{{1, 89, 1000}})
	})
	if err != nil {
		t.Fatal(err)
	}
	fillWords(t, db)
	seedExec(t, db, "UPDATE series SET cover_id = 20 WHERE id = 1")
	seedExec(t, db, "UPDATE patch_count SET patches = patches + 1 WHERE project_id = 1 AND state_id = 0 AND archived = FALSE AND delegate_id = 0")
	seedExec(t, db, "UPDATE patch SET series_id = 3, number = 1 WHERE id = 39")
	seedExec(t, db, "UPDATE list_count SET objects = 3 WHERE project_id = 1 AND kind = 'series'")
	seedExec(t, db, "UPDATE message SET msgid_long = '"+long+"' WHERE id = 2021")
	settle(t, db)
}

// manyAnd are more projects than are looked through one by one.
func manyAnd(project int64) []int64 {
	ids := []int64{project}
	for i := range 150 {
		ids = append(ids, int64(100+i))
	}
	return ids
}

func at(n int) *clock.Time {
	t := day(n)
	return &t
}

func TestListCovers(t *testing.T) {
	tests := []struct {
		q     patch.CoverQuery
		total int
		want  string // number 23 is hidden
	}{
		{patch.CoverQuery{}, 3, "[20 21 22]"},
		{patch.CoverQuery{Slice: patch.Slice{Order: []string{"-id"}}}, 3, "[22 21 20]"},
		{patch.CoverQuery{Slice: patch.Slice{Order: []string{"-id"}, Offset: 1, Limit: 2}}, 3, "[21 20]"},
		{patch.CoverQuery{Slice: patch.Slice{Order: []string{"date"}}}, 3, "[21 22 20]"},
		{patch.CoverQuery{Slice: patch.Slice{Order: []string{"-date"}}}, 3, "[20 22 21]"},
		{patch.CoverQuery{Slice: patch.Slice{Order: []string{"name"}}}, 3, "[21 22 20]"},
		{patch.CoverQuery{Slice: patch.Slice{Order: []string{"bogus", "submitter", "-date"}}}, 3, "[20 22 21]"},
		{patch.CoverQuery{Projects: []int64{projectAlpha}}, 2, "[20 21]"},
		{patch.CoverQuery{Projects: []int64{projectBeta, projectAlpha, projectBeta}, Slice: patch.Slice{Order: []string{"-date"}}}, 3, "[20 22 21]"},
		{patch.CoverQuery{Projects: []int64{projectBeta, projectAlpha}, Slice: patch.Slice{Order: []string{"-date"}, Offset: 1, Limit: 2}}, 3, "[22 21]"},
		{patch.CoverQuery{Projects: manyAnd(projectAlpha)}, 2, "[20 21]"},
		{patch.CoverQuery{Projects: []int64{}}, 0, "[]"},
		{patch.CoverQuery{Projects: []int64{77}}, 0, "[]"},
		{patch.CoverQuery{Series: []int64{1, 3}}, 2, "[20 22]"},
		{patch.CoverQuery{Series: []int64{2}}, 0, "[]"},
		{patch.CoverQuery{Series: []int64{}}, 0, "[]"},
		{patch.CoverQuery{Submitters: []int64{1}}, 2, "[20 22]"},
		{patch.CoverQuery{Submitters: []int64{1}, Projects: []int64{projectBeta}}, 1, "[22]"},
		{patch.CoverQuery{Submitters: []int64{}}, 0, "[]"},
		{patch.CoverQuery{MsgIDs: []string{"<c/20@mail.example>", "<c22@mail.example>"}}, 2, "[20 22]"},
		{patch.CoverQuery{MsgIDs: []string{"<c23@mail.example>"}}, 0, "[]"},
		{patch.CoverQuery{MsgIDs: []string{}}, 0, "[]"},
		{patch.CoverQuery{Since: at(6)}, 1, "[20]"},
		{patch.CoverQuery{Before: at(6)}, 2, "[21 22]"},
		{patch.CoverQuery{Since: at(5), Before: at(9), Projects: []int64{projectAlpha}}, 1, "[21]"},
		{patch.CoverQuery{Words: "pages SPLIT,split"}, 1, "[20]"},
		{patch.CoverQuery{Words: "GRÖSSE"}, 1, "[22]"},
		{patch.CoverQuery{Words: "%"}, 0, "[]"},
		{patch.CoverQuery{Words: "cover", Projects: []int64{projectAlpha}}, 1, "[21]"},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seedSeries(t, db)
		for _, test := range tests {
			test.q.Limit = max(test.q.Limit, 10*(1-min(test.q.Limit, 1)))
			total, err := patch.CountCovers(t.Context(), db, test.q)
			if err != nil || total != test.total {
				t.Errorf("%+v: %d, want %d, %v", test.q, total, test.total, err)
			}
			found, err := patch.ListCovers(t.Context(), db, test.q)
			ids := []int64{}
			for _, c := range found {
				ids = append(ids, c.ID)
			}
			if err != nil || fmt.Sprint(ids) != test.want {
				t.Errorf("%+v: %v, want %s, %v", test.q, ids, test.want, err)
			}
		}
		for _, bad := range []patch.CoverQuery{{}, {Slice: patch.Slice{Limit: 1, Offset: -1}}, {Slice: patch.Slice{Limit: 1, Order: []string{"name"}, After: &patch.Mark{}}},
			{Slice: patch.Slice{Limit: 1, Order: []string{"date", "-id"}, After: &patch.Mark{}}}, {Slice: patch.Slice{Limit: 1}, Words: strings.Join(strings.Split("abcdefghijklmnopqrstuvwxyz0123456789", ""), " ")}} {
			if _, err := patch.ListCovers(t.Context(), db, bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}

func TestCoverByID(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seedSeries(t, db)
		c, text, err := patch.CoverByID(t.Context(), db, 20)
		want := &patch.ListedCover{MailRef: patch.MailRef{ID: 20, Project: projectAlpha, MsgID: "<c/20@mail.example>", Date: day(9), Name: "[0/3] Split PAGES"},
			Sender: patch.Sender{Submitter: 1, SubmitterName: "Ann Author", SubmitterMail: "ann@home.example"},
			Series: &patch.SeriesRef{ID: 1, Project: projectAlpha, Date: noon, Name: "split pages", Version: 1}}
		if diff := gocmp.Diff(want, c); err != nil || diff != "" || text != (patch.Text{Headers: "From: a\nTo: b", Content: "What it is about."}) {
			t.Error(err, diff, text)
		}
		c, text, err = patch.CoverByID(t.Context(), db, 21)
		if err != nil || c.Series != nil || c.MsgID != "<"+strings.Repeat("long", 80)+"@mail.example>" || text != (patch.Text{}) {
			t.Error(err, c, text)
		}
		for _, id := range []int64{23, 1, 99} {
			if _, _, err := patch.CoverByID(t.Context(), db, id); !fault.Is(err, fault.NotFound) {
				t.Errorf("cover %d: %v", id, err)
			}
		}
	})
}

func TestListSeries(t *testing.T) {
	tests := []struct {
		q     patch.SeriesQuery
		total int
		want  string
	}{
		{patch.SeriesQuery{}, 4, "[1 2 3 4]"},
		{patch.SeriesQuery{Slice: patch.Slice{Order: []string{"-date"}}}, 4, "[4 3 2 1]"},
		{patch.SeriesQuery{Slice: patch.Slice{Order: []string{"-date", "id"}}}, 4, "[4 3 1 2]"},
		{patch.SeriesQuery{Slice: patch.Slice{Order: []string{"received_all"}}}, 4, "[3 4 1 2]"},
		{patch.SeriesQuery{Slice: patch.Slice{Order: []string{"-received_all", "-id"}}}, 4, "[2 1 4 3]"},
		{patch.SeriesQuery{Slice: patch.Slice{Order: []string{"submitter"}}}, 4, "[1 3 2 4]"},
		{patch.SeriesQuery{Projects: []int64{projectAlpha}}, 3, "[1 2 4]"},
		{patch.SeriesQuery{Projects: []int64{projectBeta}}, 1, "[3]"},
		{patch.SeriesQuery{Submitters: []int64{2, 3}}, 2, "[2 4]"},
		{patch.SeriesQuery{Since: at(1), Before: at(12)}, 3, "[1 2 3]"},
		{patch.SeriesQuery{Words: "split"}, 2, "[1 4]"},
		{patch.SeriesQuery{Words: "größe 100%"}, 1, "[3]"},
		{patch.SeriesQuery{Keys: []string{"bug"}}, 2, "[2 4]"},
		{patch.SeriesQuery{Keys: []string{"bug"}, Values: []string{"12"}}, 1, "[4]"},
		{patch.SeriesQuery{Keys: []string{"bug", "ci"}, Values: []string{"ok", "13"}}, 2, "[2 4]"},
		{patch.SeriesQuery{Keys: []string{"log"}, Values: []string{strings.Repeat("x", 200)}}, 1, "[2]"},
		{patch.SeriesQuery{Keys: []string{"log"}, Values: []string{strings.Repeat("x", 199)}}, 0, "[]"},
		{patch.SeriesQuery{Keys: []string{"Bug"}}, 0, "[]"},
		{patch.SeriesQuery{Keys: []string{}}, 0, "[]"},
		{patch.SeriesQuery{Values: []string{"12"}}, 4, "[1 2 3 4]"},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seedSeries(t, db)
		for _, test := range tests {
			test.q.Limit = 10
			total, err := patch.CountSeries(t.Context(), db, test.q)
			if err != nil || total != test.total {
				t.Errorf("%+v: %d, want %d, %v", test.q, total, test.total, err)
			}
			found, err := patch.ListSeries(t.Context(), db, test.q, patch.SeriesParts{})
			ids := []int64{}
			for _, s := range found {
				ids = append(ids, s.ID)
			}
			if err != nil || fmt.Sprint(ids) != test.want {
				t.Errorf("%+v: %v, want %s, %v", test.q, ids, test.want, err)
			}
		}
	})
}

// TestMarks: going through a list by marks, forth and back, finds the same as all at once.
func TestMarks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seedSeries(t, db)
		for order, want := range map[string]string{"id": "[1 2 3 4]", "-id": "[4 3 2 1]", "date": "[1 2 3 4]", "-date": "[4 3 2 1]"} {
			for _, projects := range [][]int64{nil, {projectAlpha, projectBeta}} {
				forth := walk(t, db, patch.SeriesQuery{Projects: projects, Slice: patch.Slice{Order: []string{order}, Limit: 1}})
				if got := fmt.Sprint(forth); got != want {
					t.Errorf("%s of %v: %v, want %s", order, projects, got, want)
				}
				back := walk(t, db, patch.SeriesQuery{Projects: projects, Slice: patch.Slice{Order: []string{order}, Limit: 2, Back: true}})
				slices.Reverse(back)
				if got := fmt.Sprint(back); got != want {
					t.Errorf("%s of %v: back %v, want %s", order, projects, got, want)
				}
			}
		}
	})
}

func walk(t *testing.T, db *sqldb.DB, q patch.SeriesQuery) (ids []int64) {
	for range 10 {
		found, err := patch.ListSeries(t.Context(), db, q, patch.SeriesParts{})
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			return ids
		}
		for _, s := range found {
			ids = append(ids, s.ID)
			q.After = &patch.Mark{ID: s.ID, Date: s.Date}
		}
	}
	t.Fatal("it has no end")
	return nil
}

func TestSeriesByID(t *testing.T) {
	all := patch.SeriesParts{Dependencies: true, Rest: true}
	ref := func(id int64, msgid string, at clock.Time, name, state string) *patch.MailRef {
		return &patch.MailRef{ID: id, Project: projectAlpha, MsgID: msgid, Date: at, Name: name, State: state}
	}
	ann := patch.Sender{Submitter: 1, SubmitterName: "Ann Author", SubmitterMail: "ann@home.example"}
	work := patch.Sender{Submitter: 2, SubmitterName: "Ann Author (work)", SubmitterMail: "ann@work.example"}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seedSeries(t, db)
		for id, want := range map[int64]*patch.ListedSeries{
			1: {SeriesRef: patch.SeriesRef{ID: 1, Project: projectAlpha, Date: noon, Name: "split pages", Version: 1}, Sender: ann, Total: 3, Received: 3,
				Cover: ref(20, "<c/20@mail.example>", day(9), "[0/3] Split PAGES", ""),
				Patches: []*patch.MailRef{ref(2, "<p2@mail.example>", day(9), "[1/3] mm: split pages", "under-review"),
					ref(3, "<p3@mail.example>", day(9), "[2/3] mm: split 100% of the pages", "under-review"), ref(4, "<p4@mail.example>", day(9), "[3/3] mm: test_split", "accepted")},
				Dependents: []int64{4}, Next: []int64{4}, States: map[string]int{"under-review": 2, "accepted": 1}, Checks: [4]int{0, 2, 1, 0}},
			4: {SeriesRef: patch.SeriesRef{ID: 4, Project: projectAlpha, Date: day(12), Name: "split pages", Version: 2}, Sender: work, Total: 2, Received: 1,
				Patches: []*patch.MailRef{ref(90, "<p90@mail.example>", day(12), "again", "")}, States: map[string]int{}, DependsOn: []int64{2, 1}, Previous: 1, Metadata: map[string]string{"bug": "12", "ci": "ok"}},
		} {
			got, err := patch.SeriesByID(t.Context(), db, id, all)
			if diff := gocmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("series %d: %v %s", id, err, diff)
			}
		}
		if _, err := patch.SeriesByID(t.Context(), db, 99, all); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	})
}

// TestSeriesStatements: the number of statements does not depend on what is found.
func TestSeriesStatements(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			var n atomic.Int32
			db, err := sqldb.Open(t.Context(), dbtest.MigratedURL(t, engine), sqldb.Options{Statement: func(string) { n.Add(1) }})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			seed(t, db)
			seedSeries(t, db)
			ctx := t.Context()
			takes := func(what string, want int32, f func() error) {
				t.Helper()
				n.Store(0)
				if err := f(); err != nil || n.Load() != want {
					t.Errorf("%s: %d statements, want %d, %v", what, n.Load(), want, err)
				}
			}
			for _, limit := range []int{1, 10} {
				slice := patch.Slice{Limit: limit}
				takes("covers", 3, func() error { _, err := patch.ListCovers(ctx, db, patch.CoverQuery{Slice: slice}); return err })
				takes("series", 4, func() error {
					_, err := patch.ListSeries(ctx, db, patch.SeriesQuery{Slice: slice}, patch.SeriesParts{})
					return err
				})
				takes("series with all", 6, func() error {
					_, err := patch.ListSeries(ctx, db, patch.SeriesQuery{Slice: slice}, patch.SeriesParts{Dependencies: true, Rest: true})
					return err
				})
			}
			takes("count", 1, func() error { _, err := patch.CountSeries(ctx, db, patch.SeriesQuery{}); return err })
			takes("comments", 2, func() error {
				ids, err := patch.FindComments(ctx, db, patch.CommentQuery{On: patch.Target{Patch: 2}, Words: "good"})
				if err != nil {
					return err
				}
				_, err = patch.ReadComments(ctx, db, patch.Target{Patch: 2}, ids)
				return err
			})
		})
	}
}
