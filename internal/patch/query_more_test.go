// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"fmt"
	"slices"
	"testing"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

func rowIDs(p patch.Page) (ids []int64) {
	for _, r := range p.Rows {
		ids = append(ids, r.ID)
	}
	return ids
}

// TestMoreThanLookedAt: a word that many patches have is not counted on pages; the list is gone through to its end all the same, each patch once.
func TestMoreThanLookedAt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		many := manyPatches(t, db, 40)
		slices.Reverse(many) // of one date, the highest id first
		q := patch.LookAt(patch.Query{Projects: []int64{1}, Words: "many", PerPage: 6, Totals: patch.NewRoughTotals(clock.NewFake(noon), db.Stamp)}, 10)
		var all []int64
		read := func(p patch.Page, err error, number int) patch.Page {
			t.Helper()
			if err != nil || !p.More || p.Page != number || p.Total < len(all)%40+len(p.Rows) && number == 1 || p.Total > 40 {
				t.Fatalf("page %d: %d of %d, more %v, last %v, %v", p.Page, len(p.Rows), p.Total, p.More, p.Last, err)
			}
			all = append(all, rowIDs(p)...)
			return p
		}
		p, err := patch.List(t.Context(), db, q)
		p = read(p, err, 1)
		for number := 2; !p.Last; number++ {
			at := p.Rows[len(p.Rows)-1]
			q.Page = number
			p, err = patch.At(t.Context(), db, q, patch.Cursor{ID: at.ID, Date: at.Date}, false)
			p = read(p, err, number)
		}
		if !slices.Equal(all, many) {
			t.Errorf("all pages: %v", all)
		}
		p, err = patch.At(t.Context(), db, q, patch.Cursor{ID: p.Rows[0].ID, Date: p.Rows[0].Date}, true)
		if err != nil || p.Last || !slices.Equal(rowIDs(p), many[30:36]) {
			t.Errorf("back: %v, last %v, %v", rowIDs(p), p.Last, err)
		}
		q.Page, q.PerPage = 3, 50 // all of it is on the first page
		if p, err = patch.List(t.Context(), db, q); err != nil || p.More || p.Total != 40 || p.Page != 1 || !slices.Equal(rowIDs(p), many) {
			t.Errorf("one page: %d of %d, more %v, page %d, %v", len(p.Rows), p.Total, p.More, p.Page, err)
		}
		n, err := patch.Count(t.Context(), db, patch.LookAt(patch.Query{Projects: []int64{1}, Words: "many", Totals: patch.NewTotals(clock.NewFake(noon), db.Stamp)}, 10))
		if err != nil || n != 40 {
			t.Errorf("counted by the API: %d, %v", n, err)
		}
	})
}

// TestBesideWhatWasFound: a search that was found whole is gone through from patch to patch, in both directions and orders.
func TestBesideWhatWasFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		many := manyPatches(t, db, 12)
		for _, order := range []string{"date", "-date"} {
			q := patch.Query{Projects: []int64{1}, Words: "many", PerPage: 5, Page: 2, Order: order, Totals: patch.NewRoughTotals(clock.NewFake(noon), db.Stamp)}
			list := slices.Clone(many)
			if order == "-date" {
				slices.Reverse(list)
			}
			beside := func(i int, back bool, want []int64) {
				t.Helper()
				p, err := patch.At(t.Context(), db, q, patch.Cursor{ID: list[i], Date: noon}, back)
				if err != nil || !slices.Equal(rowIDs(p), want) || p.Total != 12 {
					t.Errorf("%s, beside %d, back %v: %v of %d, want %v, %v", order, i, back, rowIDs(p), p.Total, want, err)
				}
			}
			beside(4, false, list[5:10])
			beside(9, false, list[10:])
			beside(10, true, list[5:10])
			beside(2, true, list[:2])
		}
	})
}

// TestMoreSorted: where no cursor leads through the list, what has a word that many have is looked for among the newest patches, and that is what a change of all that match is for.
func TestMoreSorted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		ids := manyPatches(t, db, patch.MaxMarked+30)
		newest := ids[30:]
		forget(t, db, 2031, "few")
		totals := patch.NewRoughTotals(clock.NewFake(noon), db.Stamp)
		for _, q := range []patch.Query{{Order: "name"}, {Order: "submitter"}, {Order: "-comments", Newest: true}, {Marks: patch.Marks{Comments: patch.CommentsNone}}} {
			q.Projects, q.States, q.Words, q.PerPage, q.Totals = []int64{1}, []int64{1}, "many", 3, totals
			q.Before = ptr(noon + 1) // else what the seed has are the newest
			q.Since = ptr(noon)
			p, err := patch.List(t.Context(), db, q)
			if err != nil || !p.Beyond || p.More || p.Total != len(newest)-1 {
				t.Errorf("%s: %d patches, beyond %v, more %v, %v", q.Order, p.Total, p.Beyond, p.More, err)
			}
			found, err := patch.IDs(t.Context(), db, q, 50000)
			if err != nil || len(found) != len(newest)-1 || found[0] != newest[0] {
				t.Errorf("%s: a change is for %d patches from %v on, %v", q.Order, len(found), fmt.Sprint(found[:min(1, len(found))]), err)
			}
		}
	})
}

// forget gives a patch a name with other words, without telling the index.
func forget(t *testing.T, db *sqldb.DB, id int64, name string) {
	t.Helper()
	seedExec(t, db, "UPDATE patch SET name_key = ? WHERE id = ?", name, id)
}
