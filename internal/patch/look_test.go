// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestEditions reads versions from each of them: 1 ← 2 ← 4 and 1 ← 3, and series 5 for itself.
func TestEditions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		for id, previous := range map[int64]any{101: nil, 102: 101, 103: 101, 104: 102, 105: nil} {
			seedExec(t, db, `INSERT INTO series (id, project_id, submitter_id, name, date, version, total, received, completed, previous_id) VALUES (?, 1, 1, ?, ?, ?, 2, 1, FALSE, ?)`,
				id, "s", noon.Add(time.Duration(id)*time.Hour), map[int64]int{101: 1, 102: 2, 103: 2, 104: 3, 105: 1}[id], previous)
		}
		later := noon.Add(time.Hour)
		for _, look := range []struct {
			user, series int64
			at           clock.Time
		}{{userMia, 101, noon}, {userMia, 102, noon}, {userMia, 102, later}, {userMax, 104, noon}} {
			if err := patch.Look(t.Context(), db, look.user, look.series, look.at); err != nil {
				t.Fatal(err)
			}
		}
		edition := func(id int64, version int, looked clock.Time) patch.Edition {
			return patch.Edition{Version: patch.Version{ID: id, Version: version, Name: "s"}, Date: noon.Add(time.Duration(id) * time.Hour), Patches: 1, Looked: looked}
		}
		want := []patch.Edition{edition(101, 1, noon), edition(102, 2, later), edition(103, 2, 0), edition(104, 3, 0)}
		for _, id := range []int64{101, 102, 103, 104} {
			got, err := patch.Editions(t.Context(), db, id, userMia)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("from %d: %v %s", id, err, diff)
			}
		}
		if last, ok := patch.LastLook(want, 104); !ok || last.ID != 102 {
			t.Errorf("last look before 104: %+v, %v", last, ok)
		}
		if last, ok := patch.LastLook(want, 101); ok {
			t.Errorf("nothing comes before 101, but %+v", last)
		}
		got, err := patch.Editions(t.Context(), db, 105, 0)
		if diff := cmp.Diff([]patch.Edition{edition(105, 1, 0)}, got); err != nil || diff != "" {
			t.Errorf("for itself: %v %s", err, diff)
		}
		seedExec(t, db, "UPDATE series SET previous_id = 104 WHERE id = 101") // a ring, which nothing makes
		if _, err := patch.Editions(t.Context(), db, 102, 0); err != nil {
			t.Errorf("a ring: %v", err)
		}
	})
}
