// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"slices"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestTotalsStamp: until something is committed a search is not made again, and a total that is older says so.
func TestTotalsStamp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		manyPatches(t, db, 1200)
		c := clock.NewFake(noon)
		q := patch.Query{Words: "many", PerPage: 10, Totals: patch.NewTotals(c, db.Stamp)}
		list := func(words string, want int, aged bool) {
			t.Helper()
			q.Words = words
			p, err := patch.List(t.Context(), db, q)
			if err != nil || p.Total != want || p.Aged != aged || len(p.Rows) != min(want, 10) {
				t.Errorf("%q: %d patches, %d rows, aged %v, %v; want %d, %v", words, p.Total, len(p.Rows), p.Aged, err, want, aged)
			}
		}
		list("many", 1200, false)
		list("many", 1200, db.Engine() == sqldb.MariaDB) // which has no stamp
		list("nothingness", 0, false)
		c.Advance(time.Hour)
		list("many", 1200, false)
		seedExec(t, db, "UPDATE patch SET name_key = 'few' WHERE id = 2001")
		list("many", 1200, true)
		list("nothingness", 0, false)
		c.Advance(61 * time.Second)
		list("many", 1199, false)
	})
}

// TestPlacesStamp: pages that are dear to find are remembered, and no longer than until something is committed.
func TestPlacesStamp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		manyPatches(t, db, 30)
		for _, q := range []patch.Query{{Words: "many", Order: "name"}, {Words: "many m"}, {Words: "m"}, {Order: "submitter", States: []int64{1}}} {
			q.PerPage, q.Totals = 200, patch.NewTotals(clock.NewFake(noon), db.Stamp)
			for _, name := range []string{"many", "many", "xs", "xs", "many"} {
				seedExec(t, db, "UPDATE patch SET name_key = ?, state_id = ? WHERE id = 2001", name, map[string]int{"many": 1, "xs": 2}[name])
				p, err := patch.List(t.Context(), db, q)
				if err != nil {
					t.Fatal(err)
				}
				has := slices.ContainsFunc(p.Rows, func(r *patch.Row) bool { return r.ID == 2001 })
				again, err := patch.List(t.Context(), db, q)
				if err != nil || has != (name == "many") || !slices.EqualFunc(p.Rows, again.Rows, func(a, b *patch.Row) bool { return a.ID == b.ID }) {
					t.Errorf("%+v, %s: the patch is listed: %v; %d rows, then %d, %v", q, name, has, len(p.Rows), len(again.Rows), err)
				}
			}
		}
	})
}
