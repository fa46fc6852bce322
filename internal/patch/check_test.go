// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

func check(t *testing.T, db *sqldb.DB, repair bool) (found []patch.Finding) {
	t.Helper()
	inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) (err error) {
		found, err = patch.Check(ctx, tx, repair, func(string) {})
		return err
	})
	return found
}

func expectClean(t *testing.T, db *sqldb.DB) {
	t.Helper()
	if found := check(t, db, false); len(found) != 0 {
		t.Errorf("not as it must be: %+v", found)
	}
}

const (
	wrongSeries = "series whose count of patches or common state is wrong"
	wrongCount  = "counts of patches per project, state and delegate that are wrong"
	emptyCount  = "counts of patches where there are none"
	oldCheck    = "newest checks that are not the newest"
	noCheck     = "checks missing among the newest"
	wrongTags   = "tag counts that are wrong"
	wrongStand  = "series that stand elsewhere than is noted"
	wrongLanes  = "counts of series per lane that are wrong"
	emptyLanes  = "counts of series per lane where there are none"
)

// others leaves out where series stand, which follows from other things that are wrong, unless it is what is wanted.
func others(want, found []patch.Finding) []patch.Finding {
	return slices.DeleteFunc(found, func(f patch.Finding) bool {
		return (f.What == wrongStand || f.What == wrongLanes || f.What == emptyLanes) && (len(want) == 0 || want[0].What != f.What)
	})
}

// Each kind of roll-up is spoilt by hand, found, and made true again.
func TestCheckRepairs(t *testing.T) {
	type spoil struct {
		query string
		want  []patch.Finding
	}
	one := func(what string, rows int64) []patch.Finding {
		return []patch.Finding{{What: what, Rows: rows, Repairable: true, Repaired: true}}
	}
	tests := []spoil{
		{"UPDATE series SET received = 1", one(wrongSeries, 1)},
		{"UPDATE series SET state_id = NULL", one(wrongSeries, 1)},
		{"UPDATE series SET state_id = 3, received = 0", one(wrongSeries, 1)},
		{"UPDATE patch_count SET patches = 5", one(wrongCount, 1)},
		{"DELETE FROM patch_count", one(wrongCount, 1)},
		{"INSERT INTO patch_count (project_id, state_id, archived, delegate_id, patches) VALUES (1, 1, TRUE, 0, 2), (1, 3, FALSE, 0, 1)", one(emptyCount, 2)},
		{"INSERT INTO patch_count (project_id, state_id, archived, delegate_id, patches) VALUES (1, 1, TRUE, 0, 0)", nil},
		{"UPDATE patch_check_latest SET state = 3", one(oldCheck, 1)},
		{"INSERT INTO patch_check (id, patch_id, user_id, date, state, context) SELECT 2000, patch_id, user_id, date, 2, context FROM patch_check WHERE id = 1000", one(oldCheck, 1)},
		{"DELETE FROM patch_check WHERE id = 2000", one(oldCheck, 1)},
		{"UPDATE patch_check_latest SET check_id = 12345", one(oldCheck, 1)},
		{"DELETE FROM patch_check_latest", one(noCheck, 1)},
		{"UPDATE patch_tag SET hits = hits + 1 WHERE tag_id = 1", one(wrongTags, 2)},
		{"DELETE FROM patch_tag", one(wrongTags, 4)},
		{"INSERT INTO patch_tag (patch_id, tag_id, hits) SELECT patch_id, 77, 1 FROM patch_check WHERE id = 1000", one(wrongTags, 1)},
		{"UPDATE series_triage SET comments = 77", one(wrongStand, 1)},
		{"UPDATE series_triage SET states = '1:1', newer = TRUE", one(wrongStand, 1)},
		{"DELETE FROM series_triage", one(wrongStand, 1)},
		{"INSERT INTO series_triage (series_id, project_id, lane, date, active_at, newer, patches, open, reviewed, comments, unaddressed, pending, success, warning, fail, states, tags, delegates) SELECT series_id + 5000, project_id + 7, 1, date, active_at, newer, patches, open, reviewed, comments, unaddressed, pending, success, warning, fail, states, tags, delegates FROM series_triage", one(wrongStand, 1)},
		{"UPDATE triage_count SET series = series + 1 WHERE series > 0", one(wrongLanes, 1)},
		{"DELETE FROM triage_count", one(wrongLanes, 1)},
		{"INSERT INTO triage_count (project_id, lane, series) VALUES (77, 1, 3)", one(emptyLanes, 1)},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newProject(t, db, "demo")
		u := newUser(t, db, "one")
		take(t, db, "demo")
		hang(t, db, p, u.ID)
		expectClean(t, db)
		rollups := []string{seriesRows, countRows, tagRows, standRows, laneRows, "SELECT CONCAT_WS(' ', patch_id, user_id, context, check_id, state) FROM patch_check_latest"}
		var good [][]string
		for _, q := range rollups {
			good = append(good, rows(t, db, q))
		}
		for _, test := range tests {
			execute(t, db, test.query)
			found := others(test.want, check(t, db, false))
			for i := range found {
				found[i].Repaired = !found[i].Repaired
			}
			if diff := cmp.Diff(test.want, found); diff != "" {
				t.Errorf("%s: found %s", test.query, diff)
			}
			if diff := cmp.Diff(test.want, others(test.want, check(t, db, true))); diff != "" {
				t.Errorf("%s: repaired %s", test.query, diff)
			}
			expectClean(t, db)
			for i, q := range rollups {
				if diff := cmp.Diff(good[i], rows(t, db, q)); diff != "" && test.want != nil && !strings.HasPrefix(test.query, "INSERT INTO patch_check ") {
					t.Errorf("%s: %s: %s", test.query, q, diff)
				}
			}
		}
	})
}

// The tags of a cover letter are counted anew before those of its patches, which have them too.
func TestCheckCoverTags(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		newProject(t, db, "demo")
		take(t, db, "demo")
		good := rows(t, db, tagRows)
		for _, query := range []string{"DELETE FROM cover_tag", "UPDATE cover_tag SET hits = hits + 1", "UPDATE cover_tag SET cover_id = cover_id + 7"} {
			execute(t, db, query)
			if found := check(t, db, false); len(found) == 0 {
				t.Errorf("%s is not found", query)
			}
			check(t, db, true)
			expectClean(t, db)
			expectRows(t, db, tagRows, good...)
			expectRows(t, db, "SELECT CONCAT_WS(' ', m.msgid, t.abbrev, g.hits) FROM cover_tag g JOIN cover c ON c.id = g.cover_id JOIN message m ON m.id = c.message_id JOIN tag t ON t.id = g.tag_id", "<c0@demo> A 1")
		}
	})
}

// Rows that lost their counterpart are told, and repair leaves them alone.
func TestCheckFinds(t *testing.T) {
	tests := []struct{ query, undo, want string }{
		{"UPDATE message SET kind = 'cover' WHERE msgid = '<p2@demo>'", "UPDATE message SET kind = 'patch' WHERE msgid = '<p2@demo>'", "patches without their message"},
		{"UPDATE message SET kind = 'x' WHERE msgid = '<c0@demo>'", "UPDATE message SET kind = 'cover' WHERE msgid = '<c0@demo>'", "covers without their message"},
		{"UPDATE message SET kind = 'x' WHERE msgid = '<r1@demo>'", "UPDATE message SET kind = 'comment' WHERE msgid = '<r1@demo>'", "patch comments without their message or patch"},
		{"UPDATE message SET kind = 'x' WHERE msgid = '<rc@demo>'", "UPDATE message SET kind = 'comment' WHERE msgid = '<rc@demo>'", "cover comments without their message or cover"},
		{"UPDATE message SET kind = 'comment' WHERE msgid = '<lost@demo>'", "UPDATE message SET kind = 'pending' WHERE msgid = '<lost@demo>'", "messages that are patches, covers or comments but have no row as such"},
		{"UPDATE patch SET submitter_id = submitter_id + 100", "UPDATE patch SET submitter_id = submitter_id - 100", "patches of a submitter that does not exist"},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		newProject(t, db, "demo")
		take(t, db, "demo")
		for _, test := range tests {
			execute(t, db, test.query)
			found := map[string]bool{}
			for _, f := range check(t, db, true) {
				found[f.What] = !f.Repairable && !f.Repaired && f.Rows > 0
			}
			if !found[test.want] {
				t.Errorf("%s: found %v", test.query, found)
			}
			execute(t, db, test.undo)
			check(t, db, true) // whose comment it is has changed back
			expectClean(t, db)
		}
		execute(t, db, "UPDATE patch SET state_id = 77, series_id = 77 WHERE number = 2")
		found := others(nil, check(t, db, true))
		want := []patch.Finding{{What: wrongSeries, Rows: 1, Repairable: true, Repaired: true}, {What: wrongCount, Rows: 1, Repairable: true, Repaired: true},
			{What: "patches in a series that does not exist", Rows: 1}, {What: "patches in a state that does not exist", Rows: 1},
			{What: wrongTags, Rows: 1, Repairable: true, Repaired: true}} // that of the cover letter of the old series
		for i := range found {
			if found[i].What == wrongCount {
				found[i].Rows = 1 // the old state and the new one
			}
		}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Error(diff)
		}
	})
}
