// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestBriefRows: a page with brief rows has the same ones in the same order as one with whole rows, which are read by another query, and they say the same.
func TestBriefRows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		hidden := int64(0)
		for _, order := range []string{"-date", "date", "name", "-name", "id", "-id", "state", "-state,name", "archived,-date", "delegate", "-delegate", "submitter"} {
			for _, f := range []patch.Query{{}, {States: []int64{1, 2}}, {Archived: []bool{true}}, {Delegates: []int64{userMia}}, {Delegates: []int64{0}}, {Submitters: []int64{1}}, {Words: "mm"}} {
				for _, per := range []int{2, 100} {
					f.Projects, f.Order, f.PerPage = []int64{projectAlpha}, order, per
					comparePages(t, db, f)
				}
			}
		}
		execute(t, db, "INSERT INTO patch_tag (patch_id, tag_id, hits) VALUES (3, 1, 1)", "UPDATE message SET hidden = TRUE WHERE id = 1003")
		for _, brief := range []bool{false, true} {
			p, err := patch.List(t.Context(), db, patch.Query{Projects: []int64{projectAlpha}, PerPage: 100, Brief: brief})
			if err != nil || slices.ContainsFunc(p.Rows, func(r *patch.Row) bool { return r.ID == 3 }) {
				t.Errorf("brief %t: hidden patch listed, or %v", brief, err)
			}
			hidden += int64(p.Total - len(p.Rows))
		}
		if hidden != 2 {
			t.Errorf("%d rows are hidden in two lists", hidden)
		}
	})
}

// comparePages reads the first pages of a list, and what stands beside their last rows.
func comparePages(t *testing.T, db *sqldb.DB, f patch.Query) {
	t.Helper()
	for page := 1; page <= 2; page++ {
		f.Page = page
		name := fmt.Sprintf("%+v", f)
		rows := [2][]*patch.Row{}
		for i := range rows {
			f.Brief = i == 1
			p, err := patch.List(t.Context(), db, f)
			if err != nil {
				t.Fatal(name, err)
			}
			if rows[i] = p.Rows; len(p.Rows) == 0 || f.Keyset() == "" {
				continue
			}
			last := p.Rows[len(p.Rows)-1]
			for _, back := range []bool{false, true} {
				beside, err := patch.At(t.Context(), db, f, patch.Cursor{ID: last.ID, Date: last.Date, Name: last.Name}, back)
				if err != nil {
					t.Fatal(name, err)
				}
				rows[i] = append(rows[i], beside.Rows...)
			}
		}
		if diff := gocmp.Diff(briefly(rows[0]), briefly(rows[1])); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// briefly are rows with what brief ones have.
func briefly(rows []*patch.Row) (out []patch.Row) {
	for _, r := range rows {
		b := patch.Row{ID: r.ID, MsgID: r.MsgID, Name: r.Name, Date: r.Date, Archived: r.Archived, State: r.State, Series: r.Series, SeriesName: r.SeriesName, SeriesVersion: r.SeriesVersion,
			Number: r.Number, Total: r.Total, Submitter: r.Submitter, SubmitterName: r.SubmitterName, SubmitterMail: r.SubmitterMail, Delegate: r.Delegate, DelegateName: r.DelegateName, Checks: r.Checks}
		b.Hits = slices.SortedFunc(slices.Values(r.Hits), func(a, b patch.Hit) int { return int(a.Tag - b.Tag) })
		out = append(out, b)
	}
	return out
}
