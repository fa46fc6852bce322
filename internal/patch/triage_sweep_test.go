// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// rules changes what tags and lanes follow from.
type rules struct {
	t  *testing.T
	db *sqldb.DB
}

func (r rules) state(slug string, c patch.StateChange) {
	r.t.Helper()
	if _, err := patch.UpdateState(r.t.Context(), r.db, account.CLI, noon, slug, c); err != nil {
		r.t.Fatal(err)
	}
}

func (r rules) tag(name string, c patch.TagChange) {
	r.t.Helper()
	if _, err := patch.UpdateTag(r.t.Context(), r.db, account.CLI, noon, name, c); err != nil {
		r.t.Fatal(err)
	}
}

func (r rules) useTags(yes bool) {
	r.t.Helper()
	if _, err := project.Update(r.t.Context(), r.db, account.CLI, noon, "alpha", project.Change{UseTags: &yes, Then: patch.WhenTagsCount(noon)}); err != nil {
		r.t.Fatal(err)
	}
}

// expect compares the lanes of s1 to s9 and how many projects jobs have to look at. Everything else must be as it is found anew.
func (r rules) expect(what, lanes string, sweeping int) {
	r.t.Helper()
	if got := strings.Join(rows(r.t, r.db, "SELECT CONCAT('', lane) FROM series_triage WHERE series_id < 10 ORDER BY series_id"), " "); got != lanes {
		r.t.Errorf("%s: lanes %s, want %s", what, got, lanes)
	}
	if n, err := patch.Sweeping(r.t.Context(), r.db); err != nil || n != sweeping {
		r.t.Errorf("%s: %d projects are to be looked at, %v; want %d", what, n, err, sweeping)
	}
	if sweeping == 0 {
		expectClean(r.t, r.db)
	}
}

// TestLanesFollowRules: whoever changes a state, a tag or what a project counts leaves lanes and tags that are true.
func TestLanesFollowRules(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seedWork(t, db)
		r := rules{t, db}
		r.expect("before", "1 3 4 4 0 2 4 1 1", 0)
		r.state("accepted", patch.StateChange{ActionRequired: ptr(true)})
		r.expect("accepted patches require action", "1 3 4 4 1 2 4 1 1", 0)
		expectRows(t, db, "SELECT delegates FROM series_triage WHERE series_id = 5", fmt.Sprint(userMax))
		r.state("accepted", patch.StateChange{Slug: ptr("needs-rebase")})
		r.expect("they ask their author", "1 3 4 4 4 2 4 1 1", 0)
		r.state("needs-rebase", patch.StateChange{ActionRequired: ptr(false), Slug: ptr("accepted")})
		r.expect("as before", "1 3 4 4 0 2 4 1 1", 0)
		r.state("accepted", patch.StateChange{Name: ptr("Taken"), Ordering: ptr(40)})

		r.tag("reviewed-by", patch.TagChange{Name: ptr("Read-by")})
		r.expect("it is no review any more", "1 3 4 4 0 1 4 1 1", 0)
		r.tag("read-by", patch.TagChange{Name: ptr("Reviewed-by"), Pattern: ptr("^Text")})
		r.expect("all that has the word Text is reviewed", "2 3 4 4 0 1 4 2 2", 0)
		r.tag("reviewed-by", patch.TagChange{Pattern: ptr("^Reviewed-by:")})
		r.expect("as before", "1 3 4 4 0 2 4 1 1", 0)
		if err := patch.DeleteTag(t.Context(), db, account.CLI, noon, "reviewed-by"); err != nil {
			t.Fatal(err)
		}
		r.expect("there is no such tag", "1 3 4 4 0 1 4 1 1", 0)
		if _, err := patch.CreateTag(t.Context(), db, account.CLI, noon, patch.TagChange{Name: ptr("Reviewed-by")}); err != nil {
			t.Fatal(err)
		}
		r.expect("there is again", "1 3 4 4 0 2 4 1 1", 0)

		r.useTags(false)
		seedExec(t, db, "UPDATE message_body SET content = 'Reviewed-by: C' WHERE message_id = 1005")
		r.expect("tags are not counted", "1 3 4 4 0 2 4 1 1", 0)
		r.useTags(true)
		r.expect("they are, also of what came meanwhile", "2 3 4 4 0 2 4 1 1", 0)
	})
}

// manySeries gives alpha 1,100 series of one patch, from id 2000, in the state Accepted, and those with even numbers a line "Reviewed-by".
func manySeries(t *testing.T, db *sqldb.DB) {
	t.Helper()
	ids := manyPatches(t, db, 1100)
	var series [][]any
	for _, id := range ids {
		series = append(series, []any{id, projectAlpha, "many", "many", int64(noon), 3, 1, 1, 1, 3})
	}
	inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		return tx.Insert(ctx, "series", strings.Fields("id project_id name name_fold date submitter_id version total received state_id"), series)
	})
	seedExec(t, db, "UPDATE patch SET series_id = id, number = 1, state_id = 3 WHERE id >= 2000")
	seedExec(t, db, "UPDATE message_body SET content = 'Reviewed-by: A' WHERE message_id >= 2000 AND message_id % 2 = 0")
	settleAll(t, db)
}

const manyLanes = "SELECT CONCAT_WS(' ', lane, COUNT(*)) FROM series_triage WHERE series_id >= 2000 GROUP BY lane ORDER BY lane"

// TestSweep: more than 1,000 series are looked at by a job, which a second change lets begin anew.
func TestSweep(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seedWork(t, db)
		manySeries(t, db)
		r := rules{t, db}
		r.expect("before", "1 3 4 4 0 2 4 1 1", 0)
		expectRows(t, db, manyLanes, "0 1100")
		r.state("accepted", patch.StateChange{ActionRequired: ptr(true)})
		r.expect("a job will", "1 3 4 4 0 2 4 1 1", 1)
		expectRows(t, db, manyLanes, "0 1100")
		runJobs(t, db)
		r.expect("it has", "1 3 4 4 1 2 4 1 1", 0)
		expectRows(t, db, manyLanes, "1 550", "2 550")
		expectRows(t, db, "SELECT CONCAT('', series) FROM triage_count WHERE project_id = 1 AND lane = 2", "551")

		// A tag has another pattern, which a job counts; before it has, a state is changed, which lets it not forget the tags.
		r.tag("reviewed-by", patch.TagChange{Pattern: ptr("^Nothing")})
		r.state("accepted", patch.StateChange{Slug: ptr("needs-changes")})
		r.expect("a job will", "1 3 4 4 1 2 4 1 1", 1)
		expectRows(t, db, "SELECT CONCAT_WS(' ', project_id, step, after_id) FROM triage_sweep", "1 1 0")
		seedExec(t, db, "UPDATE triage_sweep SET step = 3, after_id = 3000") // another job was almost done with what was before
		r.state("needs-changes", patch.StateChange{Slug: ptr("accepted")})
		expectRows(t, db, "SELECT CONCAT_WS(' ', project_id, step, after_id) FROM triage_sweep", "1 3 0")
		r.tag("reviewed-by", patch.TagChange{Pattern: ptr("^Text")})
		expectRows(t, db, "SELECT CONCAT_WS(' ', project_id, step, after_id) FROM triage_sweep", "1 1 0")
		runJobs(t, db)
		r.expect("all is done", "2 3 4 4 2 1 4 2 2", 0)
		expectRows(t, db, manyLanes, "1 1100")
		expectRows(t, db, "SELECT CONCAT_WS(' ', kind, state, COUNT(*)) FROM job GROUP BY kind, state", "triage done 5")
	})
}

// TestSweepOfGoneProject: a job whose project was deleted has nothing to do.
func TestSweepOfGoneProject(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seedWork(t, db)
		manySeries(t, db)
		rules{t, db}.state("accepted", patch.StateChange{ActionRequired: ptr(true)})
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return patch.PurgeProject(ctx, tx, projectAlpha) })
		runJobs(t, db)
		expectRows(t, db, "SELECT CONCAT_WS(' ', kind, state) FROM job", "triage done")
		expectRows(t, db, "SELECT CONCAT('', COUNT(*)) FROM triage_sweep", "0")
	})
}
