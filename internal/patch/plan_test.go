// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestPlans: what an intake and the notifier ask again and again does not read whole tables.
func TestPlans(t *testing.T) {
	many := make([]int64, 200)
	for _, c := range []struct {
		query string
		args  []any
		want  string
	}{
		{"SELECT " + seriesColumns + " FROM series s WHERE " + byID, []any{many}, "[SEARCH s USING INTEGER PRIMARY KEY (rowid=?) LIST SUBQUERY 1 SEARCH w USING PRIMARY KEY (kind=?)"},
		{dueNotices, []any{1, 1, 1}, "[SCAN n SEARCH p USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN"},
		{sentPatches, []any{"x", 1, 2, 3, 4}, "[SEARCH e USING COVERING INDEX sqlite_autoindex_person_1 (email_key=?) SEARCH x USING INDEX patch_submitter (submitter_id=? AND date>? AND date<?) SEARCH m USING INTEGER PRIMARY KEY"},
		{sentCovers, []any{"x", 1, 2, 3, 4}, "[SEARCH e USING COVERING INDEX sqlite_autoindex_person_1 (email_key=?) SEARCH x USING INDEX cover_submitter (submitter_id=? AND date>? AND date<?) SEARCH m USING INTEGER PRIMARY KEY"},
		{"SELECT id FROM patch WHERE related_id IN (?)", []any{many}, "[SEARCH patch USING COVERING INDEX patch_related (related_id=?)"}, // those of partial indexes
		{"SELECT id FROM series WHERE previous_id IN (?)", []any{many}, "[SEARCH series USING COVERING INDEX series_previous (previous_id=?)"},
		{"SELECT id FROM series s WHERE s.project_id = ? AND s.change_id IN (?)", []any{1, []string{"a", "b"}}, "[SEARCH s USING COVERING INDEX series_change (project_id=? AND change_id=?)"},
	} {
		if got := fmt.Sprint(dbtest.Plan(t, c.query, c.args...)); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s\nis run as %s\nwant %s", c.query, got, c.want)
		}
	}
}

// TestJoined: spans that touch are one, those that are years apart stay so.
func TestJoined(t *testing.T) {
	got := joined([]Span{{500, 540}, {0, 40}, {520, 560}, {560, 600}, {510, 520}, {601, 640}})
	if want := []Span{{0, 40}, {500, 600}, {601, 640}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestOwnQueuePlans: a page of a queue over as many projects as there may be, and its number, are of walks of indexes, one for each project and lane.
func TestOwnQueuePlans(t *testing.T) {
	var own []int64
	for i := range MaxOwnProjects {
		own = append(own, int64(i+1))
	}
	day := clock.Time(1)
	f := WorkQuery{Projects: own, Lanes: OpenLanes(), Order: "-date", PerPage: 100, IdleSince: &day}
	counting, args := f.counting(nil, QueueLimit+1)
	byDate := f
	byDate.IdleSince = nil
	walking, more := byDate.walking(nil)
	for _, c := range []struct {
		query string
		args  []any
		want  string
	}{
		{counting, args, "SEARCH x USING COVERING INDEX series_triage_active (project_id=? AND lane=? AND active_at<?)"},
		{walking, more, "SEARCH x USING COVERING INDEX series_triage_date (project_id=? AND lane=?)"},
	} {
		n := 0
		for _, line := range dbtest.Plan(t, c.query, c.args...) {
			if strings.Contains(line, " x") && !strings.Contains(line, "arm") {
				if n++; line != c.want {
					t.Fatalf("%s, want %s", line, c.want)
				}
			}
		}
		if n != 250 {
			t.Errorf("%d walks, want 250: %.500v", n, dbtest.Plan(t, c.query, c.args...))
		}
	}
}

// TestListPlans: a page of a list is found by walking an index in its order, or by what few patches have.
func TestListPlans(t *testing.T) {
	project, open := []int64{1}, []bool{false}
	day := clock.Time(1)
	bunches := []bunch{{Project: 1, State: 1, Patches: 1e5}, {Project: 1, State: 3, Patches: 1e5}, {Project: 1, Archived: true, State: 3, Patches: 1e6}}
	for _, c := range []struct {
		f    Query
		page int
		want string // how patches are found, of each arm alike
	}{
		{Query{Order: "id"}, 0, "SCAN p"},
		{Query{Order: "-id"}, 0, "SCAN p"},
		{Query{Order: "-date"}, 0, "SCAN p USING COVERING INDEX patch_date"},
		{Query{Projects: project, Order: "id"}, 0, "SEARCH p USING COVERING INDEX patch_list_id (project_id=? AND archived=?)"},
		{Query{Projects: project, Order: "-date"}, 0, "SEARCH p USING COVERING INDEX patch_list_date (project_id=? AND archived=?)"},
		{Query{Projects: project, Order: "-date"}, 4000, "SEARCH p USING COVERING INDEX patch_list_date (project_id=? AND archived=?)"},
		{Query{Projects: project, Order: "name"}, 0, "SEARCH p USING COVERING INDEX patch_list_name (project_id=? AND archived=?)"},
		{Query{Projects: project, States: []int64{1, 3}, Archived: open, Order: "-date"}, 0, "SEARCH p USING COVERING INDEX patch_list (project_id=? AND archived=? AND state_id=?)"},
		{Query{Projects: project, States: []int64{1, 3}, Order: "id"}, 0, "SEARCH p USING COVERING INDEX patch_list_state_id (project_id=? AND archived=? AND state_id=?)"},
		{Query{States: []int64{1}, Order: "id"}, 0, "SEARCH p USING COVERING INDEX patch_list_state_id (project_id=? AND archived=? AND state_id=?)"},
		{Query{Order: "state"}, 0, "SEARCH p USING COVERING INDEX patch_list (project_id=? AND archived=? AND state_id=?)"},
		{Query{Projects: project, Since: &day, Order: "-date"}, 0, "SEARCH p USING COVERING INDEX patch_list_date (project_id=? AND archived=? AND date>?)"},
		{Query{Projects: project, Series: []int64{7}, Order: "id"}, 0, "SEARCH p USING INDEX sqlite_autoindex_patch_2 (series_id=?)"},
		{Query{Projects: project, Submitters: []int64{7}, Order: "-date"}, 0, "SEARCH p USING COVERING INDEX patch_submitter (submitter_id=?)"},
		{Query{Projects: project, Hashes: []string{"x"}, Order: "id"}, 0, "SEARCH p USING INDEX patch_hash (hash=?)"},
		{Query{Projects: project, States: []int64{1, 3}, Archived: open, Delegates: []int64{7}, Order: "-date"}, 0, "SEARCH p USING COVERING INDEX patch_delegate (delegate_id=? AND archived=? AND state_id=?)"},
		{Query{Projects: project, Archived: open, Order: "submitter"}, 0, "SEARCH p USING COVERING INDEX patch_submitter (submitter_id=?)"},
		{Query{Projects: project, Delegates: []int64{7}, Order: "date"}, 4000, "SEARCH p USING COVERING INDEX patch_delegate (delegate_id=? AND archived=? AND state_id=?)"},
		{Query{Projects: project, Delegates: []int64{7, 8}, Words: "xyz", few: true, Order: "state"}, 0, "SEARCH p USING INDEX patch_delegate (delegate_id=?)"},
		{Query{Projects: project, MsgIDs: []string{"<x>"}, Archived: open, Order: "id"}, 0, "SEARCH p USING INDEX sqlite_autoindex_patch_1 (message_id=?)"},
	} {
		l := &Listing{f: c.f, Total: 1.2e6, exact: true}
		if c.f.counted() {
			l.bunches = bunches
		}
		query, args, err := l.ids(c.page*100, 100)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, step := range dbtest.Plan(t, query, args...) {
			switch {
			case step == c.want:
				found++
			case strings.Contains(step, " p ") || step == "SCAN p":
				t.Errorf("%+v: %s", c.f, step)
			}
		}
		if found == 0 {
			t.Errorf("%+v is run as\n%s\nwant %s", c.f, strings.Join(dbtest.Plan(t, query, args...), "\n"), c.want)
		}
	}
}
