// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// seedTalk adds a cover letter to series 1 and replies to it and to patch 2; a patch comment and a cover comment have the number 5.
func seedTalk(t *testing.T, db *sqldb.DB) {
	t.Helper()
	message := func(id int64, msgid, kind string) []any {
		return []any{id, projectAlpha, msgid, 0, kind, 3, int64(noon), "subject of " + msgid, "", id, false}
	}
	tables := []seedTable{
		{"message", "id project_id msgid copy kind submitter_id date subject in_reply_to thread_id hidden", [][]any{
			message(1, "<c@x>", "cover"), message(2, "<r1@x>", "comment"), message(3, "<r2@x>", "comment"), message(4, "<r3@x>", "comment"), message(5, "<wait@x>", "pending")}},
		{"message_body", "message_id headers content", [][]any{{1, "A: b", "cover"}, {2, "", "one"}, {3, "", "two"}, {4, "", nil}}},
		{"cover", "id message_id project_id submitter_id date name name_fold", [][]any{{9, 1, projectAlpha, 3, int64(noon), "the cover", "the cover"}}},
		{"list_count", "project_id kind objects", [][]any{{projectAlpha, "cover", 1}}},
		{"patch_comment", "id message_id patch_id submitter_id date addressed", [][]any{{5, 2, 2, 3, 200, nil}, {6, 3, 2, 3, 100, true}}},
		{"cover_comment", "id message_id cover_id submitter_id date addressed", [][]any{{5, 4, 9, 3, 100, false}}},
		{"patch_diff", "patch_id charset diff", [][]any{{2, "iso-8859-1", []byte("+\xe4\n")}}},
	}
	err := db.Tx(context.Background(), func(tx *sqldb.Tx) error {
		for _, s := range tables {
			if err := tx.Insert(context.Background(), s.table, strings.Fields(s.columns), s.rows); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seedExec(t, db, "UPDATE series SET cover_id = 9 WHERE id = 1")
}

func TestDetail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		seed(t, db)
		seedTalk(t, db)
		d, err := patch.ReadPatch(ctx, db, 1002)
		want := &patch.Detail{
			Mail: patch.Mail{Message: 1002, MsgID: "<p2@mail.example>", Date: seedPatches[1].date(), Subject: "[PATCH] [1/3] mm: split pages", Submitter: 1, SubmitterName: "Ann Author",
				SubmitterMail: "ann@home.example", User: 11, Headers: "Subject: x", Content: "Text.\n\nAcked-by: A\n" + strings.Repeat("Tested-by: B\n", 12)},
			ID: 2, Name: "[1/3] mm: split pages", State: 2, Series: 1, Number: 1, Delegate: userMia, DelegateName: "mia", Charset: "iso-8859-1", Diff: []byte("+\xe4\n"),
		}
		if diff := gocmp.Diff(want, d); err != nil || diff != "" {
			t.Error(err, diff)
		}
		if d, err := patch.ReadPatch(ctx, db, 1021); err != nil || d.Diff != nil || d.State != 0 || d.Series != 0 {
			t.Errorf("a patch without diff, state and series: %+v, %v", d, err)
		}
		cover, err := patch.ReadCover(ctx, db, 1)
		if err != nil || cover.ID != 9 || cover.Name != "the cover" || cover.Series != 1 || cover.Content != "cover" || cover.Headers != "A: b" {
			t.Errorf("%+v, %v", cover, err)
		}
		s, err := patch.ReadSeries(ctx, db, 1)
		if err != nil || s.Name != "split pages" || s.CoverMsgID != "<c@x>" || s.CoverName != "the cover" || s.CoverMessage != 1 || s.SubmitterName != "Ann Author" || s.Total != 3 || s.Received != 3 || s.State != 0 {
			t.Errorf("%+v, %v", s, err)
		}
		checks, older, err := patch.Checks(ctx, db, 2)
		wantChecks := []patch.CheckRow{
			{ID: 2, User: "Delia", Date: 2, State: 1, TargetURL: "https://ci.example/2", Description: "ok", Context: "build"},
			{ID: 4, Date: 4, State: 1, Context: "build"},
			{ID: 3, User: "Delia", Date: 3, State: 2, Description: "warned", Context: "lint"},
		}
		if diff := gocmp.Diff(wantChecks, checks); err != nil || diff != "" {
			t.Error(err, diff)
		}
		wantOlder := []patch.CheckRow{{ID: 1, User: "Delia", Date: 1, State: 3, Context: "build"}}
		if diff := gocmp.Diff(wantOlder, older); diff != "" {
			t.Error(diff)
		}
		for what, err := range map[string]error{"patch": second(patch.ReadPatch(ctx, db, 1)), "cover": second(patch.ReadCover(ctx, db, 1002)), "series": second(patch.ReadSeries(ctx, db, 99))} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("no such %s: %v", what, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestComments(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seedTalk(t, db)
		list := func(target patch.Target) string {
			t.Helper()
			all, err := patch.Comments(t.Context(), db, target)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, c := range all {
				state := map[bool]string{true: "addressed", false: "open"}
				text := c.MsgID + " " + c.Content
				if c.Addressed != nil {
					text += " " + state[*c.Addressed]
				}
				out = append(out, text)
			}
			return strings.Join(out, ", ")
		}
		if got := list(patch.Target{Patch: 2}); got != "<r2@x> two addressed, <r1@x> one" {
			t.Error(got)
		}
		if got := list(patch.Target{Cover: 9}); got != "<r3@x>  open" {
			t.Error(got)
		}
		seedExec(t, db, "UPDATE message SET hidden = TRUE WHERE id IN (2, 4)")
		if got := list(patch.Target{Patch: 2}) + "|" + list(patch.Target{Cover: 9}); got != "<r2@x> two addressed|" {
			t.Error(got)
		}
	})
}

func TestPlaceOf(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seedTalk(t, db)
		expect := func(kind string, id int64, want patch.Place) {
			t.Helper()
			got, err := patch.PlaceOf(t.Context(), db, kind, id)
			if want == (patch.Place{}) != fault.Is(err, fault.NotFound) || got != want {
				t.Errorf("%s %d: %+v, %v; want %+v", kind, id, got, err, want)
			}
		}
		expect("patch", 2, patch.Place{Project: "alpha", Kind: "patch", MsgID: "<p2@mail.example>"})
		expect("patch", 39, patch.Place{Project: "beta", Kind: "patch", MsgID: "<p39@mail.example>"})
		expect("cover", 9, patch.Place{Project: "alpha", Kind: "cover", MsgID: "<c@x>"})
		expect("comment", 5, patch.Place{Project: "alpha", Kind: "patch", MsgID: "<p2@mail.example>", Comment: 5})
		expect("patch", 99, patch.Place{})
		expect("cover", 2, patch.Place{})
		expect("comment", 99, patch.Place{})
		expect("event", 1, patch.Place{})
		seedExec(t, db, "UPDATE message SET hidden = TRUE WHERE id = 2") // of two comments 5 the other is left
		expect("comment", 5, patch.Place{Project: "alpha", Kind: "cover", MsgID: "<c@x>", Comment: 5})
		expect("comment", 6, patch.Place{Project: "alpha", Kind: "patch", MsgID: "<p2@mail.example>", Comment: 6})
		hide(t, db, 2)
		for kind, id := range map[string]int64{"patch": 2, "comment": 6} {
			expect(kind, id, patch.Place{})
		}
	})
}

func TestLocate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seedTalk(t, db)
		hide(t, db, 3)
		for _, test := range []struct {
			project int64
			ids     []string
			want    int64 // message; 0: none
		}{
			{projectAlpha, []string{"<p2@mail.example>"}, 1002}, {projectBeta, []string{"<p2@mail.example>"}, 0}, {projectAlpha, []string{"p2@mail.example"}, 0}, {projectAlpha, []string{"<P2@mail.example>"}, 0},
			{projectAlpha, []string{"nothing", "<r1@x>", "<c@x>"}, 2}, {projectAlpha, []string{"<c@x>", "<r1@x>"}, 1},
			{projectAlpha, []string{"<p3@mail.example>"}, 0}, {projectAlpha, []string{"<p3@mail.example>", "<p4@mail.example>"}, 1004}, {projectAlpha, []string{"<wait@x>"}, 0}, {projectAlpha, []string{""}, 0},
		} {
			m, err := patch.Locate(t.Context(), db, test.project, test.ids...)
			if test.want == 0 && !fault.Is(err, fault.NotFound) || test.want != 0 && (err != nil || m.ID != test.want) {
				t.Errorf("%d %q: %+v, %v; want %d", test.project, test.ids, m, err, test.want)
			}
		}
	})
}
