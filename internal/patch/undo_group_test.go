// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"fmt"
	"slices"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// related does what relate does, and gives the change set.
func related(t *testing.T, db *sqldb.DB, by account.Actor, id int64, with ...int64) int64 {
	t.Helper()
	if with == nil {
		with = []int64{}
	}
	done, err := patch.Update(t.Context(), db, by, noon, []int64{id}, patch.Change{Related: &with, AllOrNone: true})
	if err != nil || done.Set == 0 {
		t.Fatal(done, err)
	}
	return done.Set
}

// TestUndoRelations: relations are as they were, but for what others have changed since, and none is left with a single patch.
func TestUndoRelations(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		mia, max := web(userMia), web(userMax)
		expect := func(what string, rows ...string) {
			t.Helper()
			expectState(t, what, sorted(rowsOf(t, db, relationRows)), rows...)
			count := map[bool]string{true: "0", false: "1"}[len(rows) == 0]
			expectState(t, what+": relations", rowsOf(t, db, "SELECT COUNT(*) FROM patch_relation"), count)
			if found := findings(t, db); len(found) > 0 {
				t.Error(what, found)
			}
		}
		one := related(t, db, mia, 1, 2)
		back := undo(t, db, mia, one, "done 2/2 changed 2 refused 0 overtaken 0 lost 0")
		expect("two were related")
		events := rowsOf(t, db, "SELECT s.subject_id, e.actor_id FROM event e JOIN event_subject s ON s.event_id = e.id WHERE e.kind = 'patch-relation-changed' ORDER BY e.id")
		expectState(t, "events", events, "1 12", "2 12", "1 12", "2 12")
		undo(t, db, mia, back.ID, "done 2/2 changed 2 refused 0 overtaken 0 lost 0")
		expect("that is taken back", "1 1", "2 1")

		two := related(t, db, mia, 3, 1)
		three := related(t, db, max, 4, 1)
		undo(t, db, mia, two, "done 1/1 changed 1 refused 0 overtaken 0 lost 0")
		expect("one of many leaves", "1 1", "2 1", "4 1")
		undo(t, db, max, three, "done 1/1 changed 1 refused 0 overtaken 0 lost 0")
		four := related(t, db, mia, 1)
		expect("the last but one left")
		undo(t, db, mia, four, "done 2/2 changed 2 refused 0 overtaken 0 lost 0")
		expect("and is there again", "1 1", "2 1")

		// Somebody has added a third: who leaves would leave him alone.
		five := related(t, db, mia, 2)
		six := related(t, db, mia, 1, 2)
		related(t, db, max, 3, 1)
		undo(t, db, mia, six, "done 2/2 changed 0 refused 0 overtaken 2 lost 0")
		expect("nobody is left alone", "1 1", "2 1", "3 1")
		undo(t, db, mia, five, "done 2/2 changed 0 refused 0 overtaken 2 lost 0")
		expect("they are related anew", "1 1", "2 1", "3 1")

		// Somebody has related with others since what left: it stays with them.
		leaves := related(t, db, mia, 3)
		related(t, db, max, 4, 3)
		elsewhere := related(t, db, max, 6, 4)
		undo(t, db, mia, leaves, "done 1/1 changed 0 refused 0 overtaken 1 lost 0")
		expectState(t, "with others now", sorted(rowsOf(t, db, relationRows)), "1 1", "2 1", "3 3", "4 3", "6 3")
		undo(t, db, max, elsewhere, "done 1/1 changed 1 refused 0 overtaken 0 lost 0")
		related(t, db, max, 4)
		related(t, db, mia, 3, 1)
		expect("together again", "1 1", "2 1", "3 1")

		// A state and a relation in one change; of a project that she maintains no more the relation stays, as the patch does.
		done, err := patch.Update(t.Context(), db, mia, noon, []int64{5}, patch.Change{Related: &[]int64{1}, State: value(int64(3)), AllOrNone: true})
		if err != nil {
			t.Fatal(err)
		}
		seedExec(t, db, "DELETE FROM project_maintainer WHERE user_id = ? AND project_id = ?", userMia, projectAlpha)
		undo(t, db, mia, done.Set, "done 1/1 changed 0 refused 1 overtaken 0 lost 0")
		expect("not hers", "1 1", "2 1", "3 1", "5 1")
		seven := related(t, db, max, 5)
		if err := patch.DeleteMessage(t.Context(), db, account.CLI, noon, project.Project{ID: projectAlpha, Linkname: "alpha"}, "<p5@mail.example>", "spam"); err != nil {
			t.Fatal(err)
		}
		_, err = patch.Undo(t.Context(), db, max, noon, seven)
		if err != nil {
			t.Error(err)
		}
		expect("it is gone", "1 1", "2 1", "3 1")
	})
}

// bundles is what is in all bundles, in their order.
const inBundles = "SELECT b.id, b.name, x.patch_id FROM bundle b LEFT JOIN bundle_patch x ON x.bundle_id = b.id ORDER BY b.id, x.position, x.patch_id"

// TestUndoBundles: what was made of a bundle is taken back, that again, and what was changed since is left alone.
func TestUndoBundles(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		joe, ctx := web(userJoe), t.Context()
		var id int64
		expect := func(what string, patches ...int64) {
			t.Helper()
			var want []string
			for _, p := range patches {
				want = append(want, fmt.Sprintf("%d mine %d", id, p))
			}
			expectState(t, what, rowsOf(t, db, inBundles), want...)
		}
		b, err := patch.CreateBundle(ctx, db, joe, noon, patch.BundleChange{Name: value("mine"), Public: value(true), Patches: &[]int64{1, 2}})
		if err != nil {
			t.Fatal(err)
		}
		id = b.ID
		added := func(patches ...int64) int64 {
			t.Helper()
			a, err := patch.AddToBundle(ctx, db, joe, noon, id, patches)
			if err != nil || a.Set == 0 {
				t.Fatal(a, err)
			}
			return a.Set
		}
		removed := func(patches ...int64) int64 {
			t.Helper()
			a, err := patch.RemoveFromBundle(ctx, db, joe, noon, id, patches)
			if err != nil || a.Set == 0 {
				t.Fatal(a, err)
			}
			return a.Set
		}
		back := undo(t, db, joe, b.Set, "done 2/2 changed 2 refused 0 overtaken 0 lost 0")
		expectState(t, "made", rowsOf(t, db, inBundles))
		again := undo(t, db, joe, back.ID, "done 2/2 changed 2 refused 0 overtaken 0 lost 0")
		expect("made again", 1, 2)
		expectState(t, "and seen as before", rowsOf(t, db, "SELECT name, CASE WHEN public = TRUE THEN 'public' ELSE 'private' END, owner_id FROM bundle"), "mine public 15")

		set := added(4, 3, 1)
		expect("added", 1, 2, 4, 3)
		back = undo(t, db, joe, set, "done 2/2 changed 2 refused 0 overtaken 0 lost 0")
		expect("added no more", 1, 2)
		undo(t, db, joe, back.ID, "done 2/2 changed 2 refused 0 overtaken 0 lost 0")
		expect("added again", 1, 2, 4, 3)
		set = removed(2, 3)
		expect("removed", 1, 4)
		undo(t, db, joe, set, "done 2/2 changed 2 refused 0 overtaken 0 lost 0")
		expect("at their old places", 1, 2, 4, 3)
		set, err = patch.OrderBundle(ctx, db, joe, noon, id, func(in []int64) ([]int64, error) { slices.Reverse(in); return in, nil })
		if err != nil {
			t.Fatal(err)
		}
		expect("turned round", 3, 4, 2, 1)
		undo(t, db, joe, set, "done 4/4 changed 4 refused 0 overtaken 0 lost 0")
		expect("turned back", 1, 2, 4, 3)

		// What was changed since stays: 5 was removed and added again, 6 was removed; 7 is gone.
		set = added(5, 6, 7, 8)
		removed(5, 6)
		added(5)
		if err := patch.DeleteMessage(ctx, db, account.CLI, noon, project.Project{ID: projectAlpha, Linkname: "alpha"}, "<p7@mail.example>", "spam"); err != nil {
			t.Fatal(err)
		}
		undo(t, db, joe, set, "done 4/4 changed 1 refused 0 overtaken 2 lost 1")
		expect("some were changed since", 1, 2, 4, 3, 5)

		// A bundle is not left empty by what did not make it, and what made it takes only its own patches.
		set = added(9)
		removed(1, 2, 3, 4, 5)
		undo(t, db, joe, set, "done 1/1 changed 0 refused 0 overtaken 1 lost 0")
		expect("not empty", 9)
		undo(t, db, joe, again.ID, "done 2/2 changed 0 refused 0 overtaken 2 lost 0")
		expect("not its own", 9)

		for _, by := range []account.Actor{web(userMax), {Via: "web"}} {
			set := added(10)
			_, err := patch.Undo(ctx, db, by, noon, set)
			expectKind(t, "another's", err, fault.NotFound, fmt.Sprintf("there is no change %d", set))
			removed(10)
		}
		_, err = patch.Undo(ctx, db, account.Actor{User: userRoot, Admin: true, Via: "web"}, noon, added(10))
		expectKind(t, "an administrator", err, fault.Denied, "a bundle is changed by its owner only")
		undo(t, db, account.CLI, added(11), "done 1/1 changed 1 refused 0 overtaken 0 lost 0")
		expect("on the command line", 9, 10)

		set = added(12)
		deleted, err := patch.DeleteBundle(ctx, db, joe, noon, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = patch.Undo(ctx, db, joe, noon, set)
		expectKind(t, "of a bundle that is gone", err, fault.Conflict, "the bundle mine was deleted since")
		undo(t, db, joe, deleted, "done 3/3 changed 3 refused 0 overtaken 0 lost 0")
		expect("it is not gone", 9, 10, 12)
		deleted, err = patch.DeleteBundle(ctx, db, joe, noon, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := patch.CreateBundle(ctx, db, joe, noon, patch.BundleChange{Name: value("mine"), Patches: &[]int64{1}}); err != nil {
			t.Fatal(err)
		}
		_, err = patch.Undo(ctx, db, joe, noon, deleted)
		expectKind(t, "its name is taken", err, fault.Conflict, "there is another bundle mine meanwhile")
		if n, err := patch.SweepSets(ctx, db, noon.Add(25*60*60*1e9)); err != nil || n == 0 {
			t.Error(n, err)
		}
		expectState(t, "swept", rowsOf(t, db, "SELECT COUNT(*) FROM change_place"), "0")
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}

// TestChangeManyOfProjects: more than a thousand patches of several projects are changed by one job, taken back by another, and only where the actor may.
func TestChangeManyOfProjects(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seedWork(t, db)
		manySeries(t, db)
		all := patch.Selection{Work: &patch.WorkQuery{Projects: []int64{projectAlpha, projectBeta}}}
		const states = "SELECT project_id, COUNT(*) FROM patch WHERE state_id = 7 GROUP BY project_id ORDER BY project_id"
		read := func(by account.Actor, id int64, want string) patch.ChangeSet {
			t.Helper()
			s, err := patch.ReadSet(t.Context(), db, by, id)
			if err != nil || counts(s) != want || s.Project != 0 {
				t.Errorf("%s of project %d, %v; want %s", counts(s), s.Project, err, want)
			}
			return s
		}
		before := rowsOf(t, db, states)
		many := func(by account.Actor, c patch.Change) patch.ChangeSet {
			t.Helper()
			s, _, err := patch.ChangeMany(t.Context(), db, by, noon, patch.Request{Selection: all, Seen: 1109, Change: c})
			if err != nil || s.State != patch.SetWaiting {
				t.Fatal(s, err)
			}
			return s
		}
		s := many(web(userMax), patch.Change{State: value(int64(7))})
		n := s.Total
		runJobs(t, db)
		read(web(userMax), s.ID, fmt.Sprintf("done %d/%[1]d changed %d refused 2 overtaken 0 lost 0", n, n-3)) // he does not maintain beta, and one patch was in that state
		after := rowsOf(t, db, states)
		if n != 1111 || len(after) != 1 || after[0] != fmt.Sprintf("1 %d", n-2) {
			t.Errorf("%d patches: %v", n, after)
		}
		s = many(web(userMia), patch.Change{State: value(int64(7)), Archived: value(true)})
		runJobs(t, db)
		read(web(userMia), s.ID, fmt.Sprintf("done %d/%[1]d changed %[1]d refused 0 overtaken 0 lost 0", n))
		expectState(t, "of both", rowsOf(t, db, states), fmt.Sprintf("1 %d", n-2), "2 2")
		back, err := patch.Undo(t.Context(), db, web(userMia), noon, s.ID)
		if err != nil || back.State != patch.SetWaiting {
			t.Fatal(back, err)
		}
		runJobs(t, db)
		read(web(userMia), back.ID, fmt.Sprintf("done %d/%[1]d changed %[1]d refused 0 overtaken 0 lost 0", n))
		expectState(t, "hers is taken back", rowsOf(t, db, states), after...)
		if len(before) != 0 && before[0] == after[0] {
			t.Error("nothing was changed")
		}
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}
