// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// What no index finds is found among the newest patches: tags, checks, comments, version, alone and with each other, and with what indexes find.
func TestListMarks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		p := newProject(t, db, "demo")
		mia := newUser(t, db, "mia")
		if err := project.AddMaintainer(ctx, db, account.CLI, now, "demo", "mia"); err != nil {
			t.Fatal(err)
		}
		by := account.Actor{User: mia.ID, Via: "test"}
		deliver(t, db, letter("demo", "acked", "", "[PATCH] acked", "Text\n\nAcked-by: A\n"+diffText), letter("demo", "both", "", "[PATCH] both", "Text\n\nAcked-by: A\nTested-by: B\n"+diffText),
			letter("demo", "plain", "", "[PATCH v2] plain", "Text\n"+diffText), letter("demo", "third", "", "[PATCH v3] third", "Text\n\nReviewed-by: C\n"+diffText),
			letter("demo", "said", "plain", "Re: [PATCH v2] plain", "Hm.\n"), letter("demo", "open", "third", "Re: [PATCH v3] third", "Why?\n"), letter("demo", "more", "third", "Re: [PATCH v3] third", "How?\n"))
		id := func(name string) (n int64) {
			t.Helper()
			if err := db.Get(ctx, &n, "SELECT id FROM patch WHERE name LIKE ?", "%"+name); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for _, c := range []struct {
			patch, context string
			state          int
		}{{"acked", "a", 1}, {"acked", "b", 1}, {"both", "a", 1}, {"both", "b", 2}, {"plain", "a", 3}, {"plain", "b", 0}} {
			if _, _, err := patch.PostCheck(ctx, db, by, now, id(c.patch), patch.NewCheck{State: c.state, Context: c.context}); err != nil {
				t.Fatal(err)
			}
		}
		execute(t, db, "UPDATE patch_comment SET addressed = FALSE WHERE message_id = (SELECT id FROM message WHERE msgid = '<open>')",
			"UPDATE patch_comment SET addressed = TRUE WHERE message_id = (SELECT id FROM message WHERE msgid = '<said>')")
		const acked, reviewed, tested = 1, 2, 3
		list := func(q patch.Query) (string, patch.Page) {
			t.Helper()
			q.Projects, q.PerPage = []int64{p.ID}, 100
			if q.Order == "" {
				q.Order = "name"
			}
			page, err := patch.List(ctx, db, q)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, r := range page.Rows {
				names = append(names, r.Name[strings.LastIndex(r.Name, " ")+1:])
			}
			return strings.Join(names, " "), page
		}
		for _, test := range []struct {
			q    patch.Query
			want string
		}{
			{patch.Query{Marks: patch.Marks{Tags: []int64{acked}}}, "acked both"},
			{patch.Query{Marks: patch.Marks{Tags: []int64{acked, tested}}}, "both"},
			{patch.Query{Marks: patch.Marks{NoTags: []int64{acked}}}, "plain third"},
			{patch.Query{Marks: patch.Marks{Tags: []int64{acked}, NoTags: []int64{tested, reviewed}}}, "acked"},
			{patch.Query{Marks: patch.Marks{Checks: patch.ChecksGreen}}, "acked"},
			{patch.Query{Marks: patch.Marks{Checks: patch.ChecksWarn}}, "plain both"},
			{patch.Query{Marks: patch.Marks{Checks: patch.ChecksFail}}, "plain"},
			{patch.Query{Marks: patch.Marks{Checks: patch.ChecksPending}}, "plain"},
			{patch.Query{Marks: patch.Marks{Checks: patch.ChecksNone}}, "third"},
			{patch.Query{Marks: patch.Marks{Comments: patch.CommentsSome}}, "plain third"},
			{patch.Query{Marks: patch.Marks{Comments: patch.CommentsOpen}}, "third"},
			{patch.Query{Marks: patch.Marks{Comments: patch.CommentsNone}}, "acked both"},
			{patch.Query{Marks: patch.Marks{Version: ptr(2)}}, "plain"},
			{patch.Query{Words: "third", Marks: patch.Marks{Comments: patch.CommentsSome}}, "third"},
			{patch.Query{Words: "nothing", Marks: patch.Marks{Comments: patch.CommentsSome}}, ""},
			{patch.Query{Submitters: []int64{1}, Marks: patch.Marks{Version: ptr(1), Checks: patch.ChecksGreen}}, "acked"},
			{patch.Query{States: []int64{1, 2}, Archived: []bool{false}, Order: "-name", Marks: patch.Marks{Comments: patch.CommentsSome}}, "third plain"},
			{patch.Query{Newest: true, Order: "-comments"}, "third plain acked both"},
			{patch.Query{Newest: true, Order: "-tags"}, "both acked third plain"},
			{patch.Query{Newest: true, Order: "-version"}, "third plain acked both"},
			{patch.Query{Newest: true, Order: "-check"}, "plain both third acked"},
		} {
			got, page := list(test.q)
			if got != test.want || page.Total != len(strings.Fields(test.want)) || page.Beyond {
				t.Errorf("%+v: %d, %s; want %s", test.q, page.Total, got, test.want)
			}
		}

		// What a change is for is what the list shows, and not what came later.
		sel := patch.Selection{Found: &patch.Query{Projects: []int64{p.ID}, Marks: patch.Marks{Tags: []int64{acked}}}}
		ids, err := sel.IDs(ctx, db, 10)
		if err != nil || len(ids) != 2 || ids[0] != min(id("acked"), id("both")) {
			t.Errorf("%v, %v", ids, err)
		}
		sel.Arrived = now - 1
		if ids, err = sel.IDs(ctx, db, 10); err != nil || len(ids) != 0 {
			t.Errorf("before they came: %v, %v", ids, err)
		}
		if sel.Found.Keyset() != "" || !sel.Found.Selects() {
			t.Error("it has no cursors, and asks for something")
		}

		// Hidden comments count for nothing.
		execute(t, db, "UPDATE message SET hidden = TRUE WHERE msgid IN ('<open>', '<said>')")
		if got, _ := list(patch.Query{Marks: patch.Marks{Comments: patch.CommentsOpen}}); got != "" {
			t.Errorf("hidden: %s", got)
		}
		if got, page := list(patch.Query{Marks: patch.Marks{Comments: patch.CommentsSome}}); got != "third" {
			t.Errorf("hidden: %s", got)
		} else if n, err := patch.CountComments(ctx, db, page.Rows); err != nil || n[id("third")] != (patch.Said{Patch: id("third"), Comments: 1}) {
			t.Errorf("%v, %v", n, err)
		}
	})
}

// Only the newest are looked through, and the list says so.
func TestListMarksBeyond(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		newProject(t, db, "demo")
		deliver(t, db, letter("demo", "a", "", "[PATCH] old", "Text\n\nAcked-by: A\n"+diffText))
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			var messages, patches [][]any
			for i := range patch.MaxMarked {
				id := int64(1000 + i)
				messages = append(messages, []any{id, 1, fmt.Sprintf("<m%d>", i), 0, "patch", 1, int64(now) + id, "", "", id, false})
				patches = append(patches, []any{id, id, 1, 1, int64(now) + id, "young", "young", 1, false})
			}
			if err := tx.Insert(ctx, "message", strings.Fields("id project_id msgid copy kind submitter_id date subject in_reply_to thread_id hidden"), messages); err != nil {
				return err
			}
			if err := tx.Insert(ctx, "patch", strings.Fields("id message_id project_id submitter_id date name name_key state_id archived"), patches); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "UPDATE patch_count SET patches = patches + ?", patch.MaxMarked)
			return err
		})
		page, err := patch.List(ctx, db, patch.Query{Archived: []bool{false}, Order: "name", PerPage: 10, Marks: patch.Marks{Version: ptr(0)}})
		if err != nil || !page.Beyond || page.Total != patch.MaxMarked {
			t.Errorf("%d, beyond %v, %v", page.Total, page.Beyond, err)
		}
		page, err = patch.List(ctx, db, patch.Query{Archived: []bool{false}, PerPage: 10, Marks: patch.Marks{Tags: []int64{1}}})
		if err != nil || !page.Beyond || page.Total != 0 {
			t.Errorf("the old one: %d, beyond %v, %v", page.Total, page.Beyond, err)
		}
	})
}

// Places lead through a whole list, forth and back, as numbers of pages do.
func TestListingBeside(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		ids := func(rows []*patch.Row) (out []int64) {
			for _, r := range rows {
				out = append(out, r.ID)
			}
			return out
		}
		for _, q := range []patch.Query{{Projects: []int64{projectAlpha}}, {Projects: []int64{projectAlpha}, Order: "date", States: []int64{1, 2}, Archived: []bool{false}},
			{Projects: []int64{projectAlpha}, Words: "leak"}, {Projects: []int64{projectAlpha}, Submitters: []int64{1, 2}}, {}} {
			q.PerPage = 1000
			all, err := patch.List(t.Context(), db, q)
			if err != nil {
				t.Fatal(err)
			}
			l, err := patch.Find(t.Context(), db, q)
			if err != nil {
				t.Fatal(err)
			}
			want := ids(all.Rows)
			for i, r := range all.Rows {
				at := patch.Cursor{ID: r.ID, Date: r.Date}
				after, err := l.Beside(t.Context(), db, at, false, 5)
				if end := min(i+6, len(want)); err != nil || !slices.Equal(ids(after), want[i+1:end]) {
					t.Errorf("%+v after %d: %v, %v; want %v", q, r.ID, ids(after), err, want[i+1:end])
				}
				before, err := l.Beside(t.Context(), db, at, true, 5)
				if begin := max(0, i-5); err != nil || !slices.Equal(ids(before), want[begin:i]) {
					t.Errorf("%+v before %d: %v, %v; want %v", q, r.ID, ids(before), err, want[begin:i])
				}
			}
		}
		l, err := patch.Find(t.Context(), db, patch.Query{Order: "submitter"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Beside(t.Context(), db, patch.Cursor{}, false, 5); !fault.Is(err, fault.Invalid) {
			t.Errorf("in an order without places: %v", err)
		}
	})
}
