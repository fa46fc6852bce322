// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// counts are the numbers of a set that a test compares.
func counts(s patch.ChangeSet) string {
	return fmt.Sprintf("%s %d/%d changed %d refused %d overtaken %d lost %d", s.State, s.Done, s.Total, s.Changed, s.Refused, s.Overtaken, s.Lost)
}

func undo(t *testing.T, db *sqldb.DB, by account.Actor, set int64, want string) patch.ChangeSet {
	t.Helper()
	s, err := patch.Undo(t.Context(), db, by, noon, set)
	if err != nil {
		t.Fatal(err)
	}
	if got := counts(s); got != want {
		t.Errorf("undo: %s, want %s", got, want)
	}
	return s
}

const stateOf = "SELECT id, COALESCE(state_id, 0), COALESCE(delegate_id, 0), CASE WHEN archived = TRUE THEN 'archived' ELSE 'open' END, COALESCE(commit_ref, '') FROM patch WHERE id IN (?) ORDER BY id"

// TestUndo takes a change of several fields of several patches back, by its own events, and that again.
func TestUndo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		ids := []int64{2, 4, 21}
		before := []string{"2 2 12 open ", "4 3 0 open ", "21 0 0 open "}
		changed := []string{"2 3 13 archived abc", "4 3 13 archived abc", "21 3 13 archived abc"}
		expectState(t, "before", rowsOf(t, db, stateOf, ids), before...)
		done := update(t, db, web(userMia), patch.Change{State: value(int64(3)), Delegate: value(int64(userMax)), Archived: value(true), CommitRef: value("abc")}, ids...)
		expectState(t, "changed", rowsOf(t, db, stateOf, ids), changed...)

		// Patch 21 was in no state, which is none to give back, so it stays as it is, whole.
		back := undo(t, db, web(userMia), done.Set, "done 3/3 changed 2 refused 0 overtaken 0 lost 1")
		expectState(t, "taken back", rowsOf(t, db, stateOf, ids), before[0], before[1], changed[2])
		events := rowsOf(t, db, "SELECT e.kind, e.actor_id, e.payload FROM event e JOIN event_subject s ON s.event_id = e.id WHERE s.subject_id = 2 AND s.kind = 'patch' ORDER BY e.id")
		expectState(t, "events", events,
			`patch-state-changed 12 {"patch":2,"previous_state":"under-review","current_state":"accepted"}`,
			`patch-delegated 12 {"patch":2,"previous_delegate":12,"current_delegate":13}`,
			`patch-archived-changed 12 {"patch":2,"archived":true}`,
			`patch-commit-ref-changed 12 {"patch":2,"current_commit_ref":"abc"}`,
			`patch-state-changed 12 {"patch":2,"previous_state":"accepted","current_state":"under-review"}`,
			`patch-delegated 12 {"patch":2,"previous_delegate":13,"current_delegate":12}`,
			`patch-archived-changed 12 {"patch":2,"archived":false}`,
			`patch-commit-ref-changed 12 {"patch":2,"previous_commit_ref":"abc"}`)

		again := undo(t, db, web(userMia), back.ID, "done 2/2 changed 2 refused 0 overtaken 0 lost 0")
		expectState(t, "done again", rowsOf(t, db, stateOf, ids), changed...)
		for _, set := range []int64{done.Set, back.ID} {
			_, err := patch.Undo(t.Context(), db, web(userMia), noon, set)
			expectKind(t, "twice", err, fault.Conflict, "this change was taken back already")
		}
		sets, err := patch.RecentSets(t.Context(), db, userMia, 10)
		if err != nil || len(sets) != 3 || sets[0].ID != again.ID || sets[0].Undoes != back.ID || sets[2].UndoneBy != back.ID {
			t.Errorf("%+v, %v", sets, err)
		}
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}

// TestUndoLeavesAlone: a patch of which others changed anything since stays as it is, whole, even if it looks as if nobody had, and is named with who did.
func TestUndoLeavesAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		ids := []int64{1, 2, 3, 4, 5, 8, 13}
		done := update(t, db, web(userMia), patch.Change{State: value(int64(7)), Archived: value(true)}, ids...)
		update(t, db, web(userMax), patch.Change{State: value(int64(5))}, 1)     // another state
		update(t, db, web(userMax), patch.Change{Delegate: value(int64(13))}, 2) // there and back
		update(t, db, web(userMax), patch.Change{Delegate: value(int64(12))}, 2)
		update(t, db, account.CLI, patch.Change{CommitRef: value("abc")}, 3) // what the change was not about
		related(t, db, web(userMia), 8, 9)                                   // by herself
		if err := patch.DeleteMessage(t.Context(), db, account.CLI, noon, project.Project{ID: projectAlpha, Linkname: "alpha"}, "<p4@mail.example>", "spam"); err != nil {
			t.Fatal(err)
		}
		back := undo(t, db, web(userMia), done.Set, "done 6/6 changed 2 refused 0 overtaken 4 lost 0")
		expectState(t, "taken back", rowsOf(t, db, stateOf, ids), "1 5 0 archived ", "2 7 12 archived ", "3 7 12 archived abc", "5 1 0 open ", "8 7 14 archived ", "13 1 0 open ")
		expectLeft(t, db, back.ID, "1 <p1@mail.example> 13 web", "2 <p2@mail.example> 13 web", "3 <p3@mail.example> 0 cli", "8 <p8@mail.example> 12 web")
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}

// expectLeft compares the patches that an undo left alone, and who had changed them.
func expectLeft(t *testing.T, db *sqldb.DB, set int64, want ...string) {
	t.Helper()
	left, err := patch.LeftBy(t.Context(), db, set)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range left {
		got = append(got, fmt.Sprintf("%d %s %d %s", l.ID, l.MsgID, l.By, l.Via))
	}
	expectState(t, "left alone", got, want...)
}

// TestUndoRights: who may take back what, how long, and with which rights.
func TestUndoRights(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		done := update(t, db, web(userMia), patch.Change{State: value(int64(7))}, 1, 36, 39)
		for _, by := range []account.Actor{web(userMax), web(userJoe), {Via: "web"}} {
			_, err := patch.Undo(t.Context(), db, by, noon, done.Set)
			expectKind(t, "another's", err, fault.NotFound, fmt.Sprintf("there is no change %d", done.Set))
		}
		_, err := patch.Undo(t.Context(), db, web(userMia), noon.Add(10*time.Minute+time.Microsecond), done.Set)
		expectKind(t, "too late", err, fault.Conflict, "a change can be taken back for 10 minutes")

		// Of a project that she does not maintain any more the patches stay.
		seedExec(t, db, "DELETE FROM project_maintainer WHERE user_id = ? AND project_id = ?", userMia, projectAlpha)
		back, err := patch.Undo(t.Context(), db, web(userMia), noon.Add(10*time.Minute), done.Set)
		if err != nil || counts(back) != "done 3/3 changed 1 refused 2 overtaken 0 lost 0" {
			t.Errorf("%s, %v", counts(back), err)
		}
		refused, err := patch.RefusedOf(t.Context(), db, back.ID)
		if err != nil || len(refused) != 2 || refused[0].ID != 1 || refused[1].MsgID != "<p36@mail.example>" {
			t.Errorf("%+v, %v", refused, err)
		}
		expectState(t, "rights lost", rowsOf(t, db, stateOf, []int64{1, 36, 39}), "1 7 0 open ", "36 7 14 open ", "39 1 0 open ")

		// A delegate who gave a patch away may take it back, an administrator may of others; a delegate who may be none any more is not made one again.
		away := update(t, db, web(userDel), patch.Change{Delegate: value(int64(userMax))}, 8)
		undo(t, db, web(userDel), away.Set, "done 1/1 changed 0 refused 0 overtaken 0 lost 1")
		given := update(t, db, web(userMax), patch.Change{Delegate: value(int64(0))}, 6)
		undo(t, db, admin, given.Set, "done 1/1 changed 1 refused 0 overtaken 0 lost 0")
		seedExec(t, db, "INSERT INTO project_maintainer (project_id, user_id) VALUES (?, ?)", projectAlpha, userDel)
		seedExec(t, db, "UPDATE patch SET delegate_id = ? WHERE id = 8", userDel)
		away = update(t, db, web(userDel), patch.Change{Delegate: value(int64(userMax))}, 8)
		undo(t, db, web(userDel), away.Set, "done 1/1 changed 1 refused 0 overtaken 0 lost 0")

		none := update(t, db, web(userMia), patch.Change{State: value(int64(1))}, 39)
		if none.Set != 0 {
			t.Errorf("a change of nothing is written down: %+v", none)
		}
	})
}

// TestUndoAtOnce: while a change of 200 patches is taken back, two others change some of them. Theirs stands in the end, whoever came first.
func TestUndoAtOnce(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			url := dbtest.MigratedURL(t, engine)
			handles := make([]*sqldb.DB, 3)
			for i := range handles {
				db, err := sqldb.Open(t.Context(), url, sqldb.Options{MaxConnections: 3})
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				handles[i] = db
			}
			db := handles[0]
			seed(t, db)
			ids := manyPatches(t, db, 200)
			for round := range 5 {
				done := update(t, db, web(userMia), patch.Change{State: value(int64(3))}, ids...)
				var all sync.WaitGroup
				all.Go(func() {
					if _, err := patch.Undo(t.Context(), db, web(userMia), noon, done.Set); err != nil {
						t.Errorf("undo: %v", err)
					}
				})
				for i, by := range []account.Actor{admin, web(userMax)} {
					all.Go(func() {
						for k := range 5 {
							state := int64(5 + 2*i)
							part := ids[100*i+20*k : 100*i+20*k+10]
							if _, err := patch.Update(t.Context(), handles[1+i], by, noon, part, patch.Change{State: &state}); err != nil {
								t.Errorf("others: %v", err)
							}
						}
					})
				}
				all.Wait()
				got := rowsOf(t, db, "SELECT state_id, COUNT(*) FROM patch WHERE id >= 2000 GROUP BY state_id ORDER BY state_id")
				if diff := gocmp.Diff([]string{"1 100", "5 50", "7 50"}, got); diff != "" {
					t.Fatalf("round %d: %s", round, diff)
				}
				balanced(t, db, 2000, "new")
				balanced(t, db, 2015, "new")
				update(t, db, admin, patch.Change{State: value(int64(1))}, ids...)
			}
			if found := findings(t, db); len(found) > 0 {
				t.Error(found)
			}
		})
	}
}

// TestSweepSets: what is too old is forgotten with its rows, and nothing else.
func TestSweepSets(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		ids := manyPatches(t, db, 2500)
		draft, _, err := patch.ChangeMany(t.Context(), db, web(userMia), noon, patch.Request{Selection: patch.Selection{Patches: ids}, Project: projectAlpha, Change: patch.Change{State: value(int64(3))}, Ask: true})
		if err != nil {
			t.Fatal(err)
		}
		update(t, db, web(userMia), patch.Change{State: value(int64(7))}, 1)
		kept := func() []string {
			return rowsOf(t, db, "SELECT (SELECT COUNT(*) FROM change_set), (SELECT COUNT(*) FROM change_row), (SELECT COUNT(*) FROM change_todo)")
		}
		sweep := func(now clock.Time, want int, left string) {
			t.Helper()
			if n, err := patch.SweepSets(t.Context(), db, now); n != want || err != nil {
				t.Errorf("%d, %v; want %d", n, err, want)
			}
			expectState(t, "left", kept(), left)
		}
		sweep(noon.Add(time.Hour), 0, "2 1 2500")
		sweep(noon.Add(time.Hour+time.Microsecond), 1, "1 1 0")
		sweep(noon.Add(24*time.Hour), 0, "1 1 0")
		sweep(noon.Add(24*time.Hour+time.Microsecond), 1, "0 0 0")
		_, err = patch.Start(t.Context(), db, web(userMia), noon, draft.ID)
		expectKind(t, "forgotten", err, fault.NotFound, "")
	})
}
