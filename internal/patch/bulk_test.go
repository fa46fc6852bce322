// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

func many(t *testing.T, db *sqldb.DB, by account.Actor, r patch.Request) (patch.ChangeSet, patch.Changed) {
	t.Helper()
	r.Project = projectAlpha
	s, done, err := patch.ChangeMany(t.Context(), db, by, noon, r)
	if err != nil {
		t.Fatal(err)
	}
	return s, done
}

// runJobs runs jobs of changes until none is left.
func runJobs(t *testing.T, db *sqldb.DB) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	r := job.NewRunner(db, clock.NewFake(noon), slog.New(slog.DiscardHandler), job.Options{Poll: 10 * time.Millisecond})
	r.Handle(patch.NewChanger(db, clock.NewFake(noon)).Kind())
	r.Handle(patch.NewSweeper(db).Kind())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	for left := 1; left > 0 && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		if err := db.Get(t.Context(), &left, "SELECT COUNT(*) FROM job WHERE state IN ('queued', 'running', 'blocked')"); err != nil {
			t.Error(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func leaks(words string) patch.Selection {
	return patch.Selection{Found: &patch.Query{Projects: []int64{projectAlpha}, Archived: []bool{false}, States: []int64{1, 2}, Words: words}}
}

// TestChangeMany: patches, series, and all that match, each in one request.
func TestChangeMany(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		accept := patch.Change{State: value(int64(3))}
		s, done := many(t, db, web(userMia), patch.Request{Selection: patch.Selection{Series: []int64{1, 2}}, Change: patch.Change{Archived: value(true)}})
		if s.State != patch.SetDone || done.Patches != 4 { // 20 was archived
			t.Errorf("series: %+v, %+v", s, done)
		}
		expectState(t, "series", rowsOf(t, db, "SELECT id FROM patch WHERE series_id IS NOT NULL AND archived = TRUE ORDER BY id"), "2", "3", "4", "19", "20")

		s, done = many(t, db, web(userMia), patch.Request{Selection: leaks("leak"), Seen: 5, Change: accept})
		if done.Patches != 5 || s.ID == 0 {
			t.Errorf("all that match: %+v, %+v", s, done)
		}
		expectState(t, "all that match", rowsOf(t, db, "SELECT subject_id FROM event_subject s JOIN event e ON e.id = s.event_id WHERE e.kind = 'patch-state-changed' ORDER BY subject_id"), "1", "8", "23", "24", "33")
		undo(t, db, web(userMia), s.ID, "done 5/5 changed 5 refused 0 overtaken 0 lost 0")

		// There are more than he was told of: he is asked, and meanwhile changes nothing.
		s, _ = many(t, db, web(userMia), patch.Request{Selection: leaks("leak"), Seen: 4, Change: accept})
		if s.State != patch.SetDraft || s.Total != 5 {
			t.Errorf("more than seen: %+v", s)
		}
		update(t, db, admin, patch.Change{State: value(int64(5))}, 1) // one leaves the filter, another comes into it; both do not matter
		update(t, db, admin, patch.Change{State: value(int64(1))}, 26)
		begun, err := patch.Start(t.Context(), db, web(userMia), noon, s.ID)
		if err != nil || counts(begun) != "done 5/5 changed 5 refused 0 overtaken 0 lost 0" {
			t.Errorf("%s, %v", counts(begun), err)
		}
		expectState(t, "frozen", rowsOf(t, db, "SELECT id, state_id FROM patch WHERE id IN (1, 8, 23, 24, 26, 33) ORDER BY id"), "1 3", "8 3", "23 3", "24 3", "26 1", "33 3")
		_, err = patch.Start(t.Context(), db, web(userMia), noon, s.ID)
		expectKind(t, "twice", err, fault.Conflict, "this change was begun already")
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}

// TestChangeManyWork: of all series that match, all patches; those of a series that came since are asked about or left alone.
func TestChangeManyWork(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seedWork(t, db)
		work := func(f patch.WorkQuery) patch.Selection {
			f.Projects = []int64{projectAlpha}
			return patch.Selection{Work: &f}
		}
		open, accept := patch.WorkQuery{Lanes: patch.OpenLanes()}, patch.Change{State: value(int64(3))}
		for _, test := range []struct {
			f    patch.WorkQuery
			want string
		}{
			{open, "[1 2 3 4 6 7]"},
			{patch.WorkQuery{Words: "s"}, "[1 2 3 4 5 6 7]"},
			{patch.WorkQuery{Order: "version", Page: 9, PerPage: 1, Sender: userAnn}, "[1 2 3]"},
			{patch.WorkQuery{Words: "nothing"}, "[]"},
		} {
			got, err := patch.WorkIDs(t.Context(), db, *work(test.f).Work, 100)
			if err != nil || fmt.Sprint(got) != test.want {
				t.Errorf("%+v: %v, %v, want %s", test.f, got, err, test.want)
			}
		}
		if got, err := patch.WorkIDs(t.Context(), db, patch.WorkQuery{}, 2); err != nil || len(got) != 2 {
			t.Errorf("limit: %v, %v", got, err)
		}
		// He was told of five series, but six match, of eight patches.
		s, _ := many(t, db, web(userMia), patch.Request{Selection: work(open), Seen: 5, Change: accept})
		if s.State != patch.SetDraft || s.Total != 8 {
			t.Errorf("more than seen: %+v", s)
		}
		if n, err := patch.DraftSeries(t.Context(), db, s.ID); err != nil || n != 6 {
			t.Errorf("%d series, %v", n, err)
		}
		// One patch of s2 and the one of s6 came later; of s2 the others are changed.
		seedExec(t, db, "INSERT INTO mail (id, received_at, sha256, size, via, list_id, msgid, outcome, reason) VALUES (1, ?, ?, 1, 'test', '', '', 'patch', '')", int64(noon)+1, []byte("a"))
		seedExec(t, db, "UPDATE message SET mail_id = 1 WHERE id IN (1003, 1009)")
		sel := work(open)
		sel.Arrived = noon
		s, done := many(t, db, web(userMia), patch.Request{Selection: sel, Seen: 5, Change: accept})
		if s.State != patch.SetDone || fmt.Sprint(done.IDs) != "[2 4 5 6 7 10]" {
			t.Errorf("%+v, %v", s, done.IDs)
		}
		undo(t, db, web(userMia), s.ID, "done 6/6 changed 6 refused 0 overtaken 0 lost 0")
		_, _, err := patch.ChangeMany(t.Context(), db, web(userMia), noon, patch.Request{Selection: work(patch.WorkQuery{Words: "nothing"}), Change: accept})
		expectKind(t, "nothing", err, fault.Invalid, "No patches selected; nothing updated")

		// More than a thousand are changed by a job.
		ids := manyPatches(t, db, 1200)
		seedExec(t, db, "UPDATE patch SET series_id = 1 WHERE id IN (?)", ids)
		settleAll(t, db)
		s, _ = many(t, db, web(userMia), patch.Request{Selection: work(open), Seen: 6, Change: patch.Change{Archived: value(true)}})
		if counts(s) != "waiting 0/1208 changed 0 refused 0 overtaken 0 lost 0" {
			t.Error(counts(s))
		}
		runJobs(t, db)
		expectState(t, "archived", rowsOf(t, db, "SELECT COUNT(*) FROM patch WHERE archived = TRUE"), "1208")
		expectState(t, "lanes", rowsOf(t, db, "SELECT lane, series FROM triage_count WHERE project_id = 1 AND series <> 0"), "0 7")
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}

// TestChangeManyArrived: of all that match, those that came after the page was made are left alone.
func TestChangeManyArrived(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seedExec(t, db, `INSERT INTO mail (id, received_at, sha256, size, via, list_id, msgid, outcome, reason) VALUES (1, ?, ?, 1, 'test', '', '', 'patch', ''), (2, ?, ?, 1, 'test', '', '', 'patch', '')`, int64(noon), []byte("a"), int64(noon)+1, []byte("b"))
		seedExec(t, db, "UPDATE message SET mail_id = 1 WHERE id = 1001")
		seedExec(t, db, "UPDATE message SET mail_id = 2 WHERE id = 1008")
		sel := leaks("leak")
		sel.Arrived = noon
		_, done := many(t, db, web(userMia), patch.Request{Selection: sel, Seen: 5, Change: patch.Change{State: value(int64(3))}})
		if diff := fmt.Sprint(done.IDs); diff != "[1 23 24 33]" {
			t.Error(diff)
		}
	})
}

// TestChangeManyJob: more than a request changes is done by a job with the rights that the user has then.
func TestChangeManyJob(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		ids := append(manyPatches(t, db, 1200), 39) // which is of another project
		many2 := patch.Request{Selection: patch.Selection{Patches: ids}, Change: patch.Change{State: value(int64(7))}}
		s, _ := many(t, db, web(userMia), many2)
		if counts(s) != "waiting 0/1201 changed 0 refused 0 overtaken 0 lost 0" {
			t.Error(counts(s))
		}
		seedExec(t, db, "DELETE FROM project_maintainer WHERE user_id = ? AND project_id = ?", userMia, projectBeta)
		seedExec(t, db, "UPDATE patch SET state_id = 7 WHERE id = 2000") // nothing to change
		seedExec(t, db, "UPDATE patch_count SET patches = patches - 1 WHERE project_id = 1 AND state_id = 1 AND archived = FALSE AND delegate_id = 0")
		seedExec(t, db, "UPDATE patch_count SET patches = patches + 1 WHERE project_id = 1 AND state_id = 7 AND archived = FALSE AND delegate_id = 14")
		seedExec(t, db, "UPDATE patch SET delegate_id = 14 WHERE id = 2000")
		runJobs(t, db)
		s, err := patch.ReadSet(t.Context(), db, web(userMia), s.ID)
		if err != nil || counts(s) != "done 1201/1201 changed 1199 refused 1 overtaken 0 lost 0" {
			t.Errorf("%s, %v", counts(s), err)
		}
		expectState(t, "events", rowsOf(t, db, "SELECT COUNT(*), COUNT(DISTINCT s.subject_id), MIN(e.actor_id), MAX(e.actor_id) FROM event e JOIN event_subject s ON s.event_id = e.id WHERE e.kind = 'patch-state-changed'"), "1199 1199 12 12")
		expectState(t, "left to do", rowsOf(t, db, "SELECT COUNT(*) FROM change_todo"), "0")

		// So is taking it back, after which one was changed by somebody.
		update(t, db, web(userMax), patch.Change{State: value(int64(4))}, 2001)
		back := undo(t, db, web(userMia), s.ID, "waiting 0/1199 changed 0 refused 0 overtaken 0 lost 0")
		runJobs(t, db)
		back, err = patch.ReadSet(t.Context(), db, web(userMia), back.ID)
		if err != nil || counts(back) != "done 1199/1199 changed 1198 refused 0 overtaken 1 lost 0" {
			t.Errorf("%s, %v", counts(back), err)
		}
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}

// TestChangeManyEnds: jobs that are cancelled, that can't succeed, and whose user is gone.
func TestChangeManyEnds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		ids := manyPatches(t, db, 1100)
		ask := func(by account.Actor, c patch.Change) int64 {
			s, _ := many(t, db, by, patch.Request{Selection: patch.Selection{Patches: ids}, Change: c})
			return s.ID
		}
		cancelled := ask(web(userMia), patch.Change{State: value(int64(3))})
		_, err := patch.Cancel(t.Context(), db, web(userMax), noon, cancelled)
		expectKind(t, "another's", err, fault.NotFound, "")
		if _, err := patch.Cancel(t.Context(), db, web(userMia), noon, cancelled); err != nil {
			t.Fatal(err)
		}
		_, err = patch.Cancel(t.Context(), db, web(userMia), noon, cancelled)
		expectKind(t, "twice", err, fault.Conflict, "this change has ended already")
		impossible := ask(web(userMia), patch.Change{Delegate: value(int64(userMax))})
		seedExec(t, db, "DELETE FROM project_maintainer WHERE user_id = ?", userMax)
		gone := ask(web(userAnn), patch.Change{State: value(int64(3))})
		seedExec(t, db, "UPDATE user_account SET is_active = FALSE WHERE id = ?", userAnn)
		runJobs(t, db)
		for id, want := range map[int64]string{cancelled: "cancelled ", impossible: "failed the delegate must be a maintainer of the project",
			gone: "failed the account of who wanted this is gone, or not active any more"} {
			s, err := patch.ReadSet(t.Context(), db, admin, id)
			if got := s.State + " " + s.Reason; err != nil || got != want || s.Changed != 0 || !s.Ended() {
				t.Errorf("%s (%+v), %v; want %s", got, s, err, want)
			}
			_, err = patch.Undo(t.Context(), db, admin, noon, id)
			expectKind(t, "undo", err, fault.Conflict, "this change has changed nothing")
		}
		expectState(t, "left", rowsOf(t, db, "SELECT (SELECT COUNT(*) FROM change_todo), (SELECT COUNT(*) FROM event), (SELECT COUNT(*) FROM job WHERE state = 'dead')"), "0 0 2")
	})
}

// TestChangeManyRefuses: what can't be asked.
func TestChangeManyRefuses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		state := patch.Change{State: value(int64(3))}
		for what, test := range map[string]struct {
			r    patch.Request
			kind fault.Kind
			text string
		}{
			"nothing selected": {patch.Request{Change: state}, fault.Invalid, "No patches selected; nothing updated"},
			"nothing matches":  {patch.Request{Selection: leaks("nowhere"), Change: state}, fault.Invalid, "No patches selected; nothing updated"},
			"no such series":   {patch.Request{Selection: patch.Selection{Series: []int64{99}}, Change: state}, fault.Invalid, "the series that were selected are gone, or have no patches"},
			"no such state":    {patch.Request{Selection: leaks("leak"), Ask: true, Change: patch.Change{State: value(int64(99))}}, fault.Invalid, "there is no state 99"},
			"no maintainer":    {patch.Request{Selection: leaks("leak"), Ask: true, Change: patch.Change{Delegate: value(int64(userJoe))}}, fault.Invalid, "the delegate must be a maintainer of the project"},
			"no change":        {patch.Request{Selection: leaks("leak"), Ask: true}, fault.Invalid, "No change was chosen; nothing updated"},
		} {
			test.r.Project = projectAlpha
			_, _, err := patch.ChangeMany(t.Context(), db, web(userMia), noon, test.r)
			expectKind(t, what, err, test.kind, test.text)
		}
		ids := manyPatches(t, db, 1001)
		r := patch.Request{Selection: patch.Selection{Patches: ids}, Project: projectAlpha, Change: state}
		for range 5 {
			many(t, db, web(userMia), r)
		}
		_, _, err := patch.ChangeMany(t.Context(), db, web(userMia), noon, r)
		expectKind(t, "too many at once", err, fault.Conflict, "5 changes of yours are still under way; wait for one to end, or cancel it")

		// What is asked anew makes the older question void.
		r.Ask = true
		old, _ := many(t, db, web(userMax), r)
		many(t, db, web(userMax), r)
		_, err = patch.Start(t.Context(), db, web(userMax), noon, old.ID)
		expectKind(t, "an old question", err, fault.Conflict, "this was asked too long ago, or something else was asked since; select the patches again")
		expectState(t, "events", rowsOf(t, db, "SELECT COUNT(*) FROM event"), "0")
	})
}

// TestChangeManyGone: of what was selected and is gone, or hidden, nothing is changed; the rest is, and it is said which are gone. Patches that are named without a page are all there or none is changed.
func TestChangeManyGone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		if err := patch.DeleteMessage(t.Context(), db, account.CLI, noon, project.Project{ID: projectAlpha, Linkname: "alpha"}, "<p5@mail.example>", "spam"); err != nil {
			t.Fatal(err)
		}
		hide(t, db, 13)
		state := patch.Change{State: value(int64(3))}
		s, done := many(t, db, web(userMia), patch.Request{Selection: patch.Selection{Patches: []int64{1, 5, 8, 13, 99}}, Change: state})
		if got := fmt.Sprint(done.IDs, done.Gone, done.Patches); got != "[1 8] [5 13 99] 2" {
			t.Error(got)
		}
		expectState(t, "states", rowsOf(t, db, "SELECT id, state_id FROM patch WHERE id IN (1, 8, 13) ORDER BY id"), "1 3", "8 3", "13 1")
		if set, err := patch.ReadSet(t.Context(), db, web(userMia), s.ID); err != nil || counts(set) != "done 5/5 changed 2 refused 0 overtaken 0 lost 3" {
			t.Error(counts(set), err)
		}
		if s, done = many(t, db, web(userMia), patch.Request{Selection: patch.Selection{Patches: []int64{5}}, Change: state}); s.ID != 0 || fmt.Sprint(done.IDs, done.Gone) != "[] [5]" {
			t.Error(s, done)
		}
		if _, done = many(t, db, web(userMia), patch.Request{Selection: patch.Selection{Series: []int64{1, 77}}, Change: state}); fmt.Sprint(done.Patches, done.GoneSeries) != "2 [77]" {
			t.Error(done)
		}
		_, err := patch.Update(t.Context(), db, web(userMia), noon, []int64{24, 5}, state)
		expectKind(t, "named", err, fault.NotFound, "1 of the patches do not exist")
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}
