// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"fmt"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestUndoBundleValues: a bundle is called and seen as before, unless its owner has changed its name or sight since, even back and forth.
func TestUndoBundleValues(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		joe, ctx := web(userJoe), t.Context()
		b, err := patch.CreateBundle(ctx, db, joe, noon, patch.BundleChange{Name: value("mine"), Patches: &[]int64{1, 2}})
		if err != nil {
			t.Fatal(err)
		}
		expect := func(what, want string) {
			t.Helper()
			expectState(t, what, rowsOf(t, db, "SELECT name, name_key, CASE WHEN public = TRUE THEN 'public' ELSE 'private' END FROM bundle ORDER BY id"), want)
		}
		change := func(c patch.BundleChange) int64 {
			t.Helper()
			b, err := patch.UpdateBundle(ctx, db, joe, noon, b.ID, c)
			if err != nil {
				t.Fatal(err)
			}
			return b.Set
		}
		if set := change(patch.BundleChange{Name: value("mine"), Public: value(false)}); set != 0 {
			t.Errorf("nothing changed: %d", set)
		}
		const whole = "done 1/1 changed 1 refused 0 overtaken 0 lost 0"
		named := change(patch.BundleChange{Name: value("Yours")})
		expect("named", "Yours yours private")
		back := undo(t, db, joe, named, whole)
		expect("named as before", "mine mine private")
		if e := back.Bundle(); e == nil || *e != (patch.BundleEdit{ID: b.ID, What: patch.BundleRenamed, Name: "mine", Own: true}) {
			t.Errorf("%+v", e)
		}
		undo(t, db, joe, back.ID, whole)
		expect("and that again", "Yours yours private")

		seen := change(patch.BundleChange{Public: value(true)})
		both := change(patch.BundleChange{Name: value("ours"), Public: value(false)})
		undo(t, db, joe, seen, "done 1/1 changed 0 refused 0 overtaken 1 lost 0")
		expect("it was made private since", "ours ours private")
		change(patch.BundleChange{Public: value(true)})
		undo(t, db, joe, both, "done 1/1 changed 0 refused 0 overtaken 1 lost 0")
		expect("the name neither", "ours ours public")
		there := change(patch.BundleChange{Public: value(false)})
		change(patch.BundleChange{Public: value(true)})
		change(patch.BundleChange{Public: value(false)})
		undo(t, db, joe, there, "done 1/1 changed 0 refused 0 overtaken 1 lost 0")
		expect("back and forth", "ours ours private")

		all := change(patch.BundleChange{Name: value("all"), Public: value(true), Patches: &[]int64{3, 1}})
		expectState(t, "all of it", rowsOf(t, db, inBundles), fmt.Sprintf("%d all 3", b.ID), fmt.Sprintf("%d all 1", b.ID))
		undo(t, db, joe, all, "done 4/4 changed 4 refused 0 overtaken 0 lost 0")
		expect("all of it as before", "ours ours private")
		expectState(t, "its patches too", rowsOf(t, db, inBundles), fmt.Sprintf("%d ours 1", b.ID), fmt.Sprintf("%d ours 2", b.ID))

		// The newest first, and then the one before it, though they are of the same value.
		one, two := change(patch.BundleChange{Name: value("one")}), change(patch.BundleChange{Name: value("two"), Patches: &[]int64{2}})
		undo(t, db, joe, two, "done 3/3 changed 3 refused 0 overtaken 0 lost 0")
		undo(t, db, joe, one, whole)
		expect("one after the other", "ours ours private")

		// What was renamed since keeps its name; the patches come back.
		all = change(patch.BundleChange{Name: value("all"), Patches: &[]int64{2, 1}})
		change(patch.BundleChange{Name: value("Yours")})
		undo(t, db, joe, all, "done 3/3 changed 2 refused 0 overtaken 1 lost 0")
		expect("its name was changed since", "Yours yours private")

		taken := change(patch.BundleChange{Name: value("new")})
		if _, err := patch.CreateBundle(ctx, db, joe, noon, patch.BundleChange{Name: value("Yours"), Patches: &[]int64{1}}); err != nil {
			t.Fatal(err)
		}
		_, err = patch.Undo(ctx, db, joe, noon, taken)
		expectKind(t, "its name is taken", err, fault.Conflict, "there is another bundle Yours meanwhile")
		_, err = patch.Undo(ctx, db, web(userMax), noon, taken)
		expectKind(t, "another's", err, fault.NotFound, fmt.Sprintf("there is no change %d", taken))
		_, err = patch.Undo(ctx, db, joe, noon.Add(patch.UndoWindow+1e9), taken)
		expectKind(t, "too late", err, fault.Conflict, "a change can be taken back for 10 minutes")
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}

// TestUndoBundleMove: a bundle that was moved to another project goes back with the patches it had, as a whole or not at all.
func TestUndoBundleMove(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		mia, ctx := web(userMia), t.Context()
		b, err := patch.CreateBundle(ctx, db, mia, noon, patch.BundleChange{Name: value("mine"), Patches: &[]int64{1, 2, 3}})
		if err != nil {
			t.Fatal(err)
		}
		const state = "SELECT b.name, b.project_id, x.patch_id FROM bundle b LEFT JOIN bundle_patch x ON x.bundle_id = b.id ORDER BY x.position"
		expect := func(what string, want ...string) {
			t.Helper()
			expectState(t, what, rowsOf(t, db, state), want...)
		}
		change := func(c patch.BundleChange) int64 {
			t.Helper()
			b, err := patch.UpdateBundle(ctx, db, mia, noon, b.ID, c)
			if err != nil || b.Set == 0 {
				t.Fatal(b, err)
			}
			return b.Set
		}
		move := func() int64 { return change(patch.BundleChange{Patches: &[]int64{39}}) }
		added, moved := change(patch.BundleChange{Patches: &[]int64{3, 2, 1, 4}}), move()
		expect("moved", "mine 2 39")
		if s, err := patch.ReadSet(ctx, db, mia, moved); err != nil || s.What() != "bundle-move" || counts(s) != "done 6/6 changed 6 refused 0 overtaken 0 lost 0" || s.Patches() != 5 {
			t.Error(s, err)
		}
		undo(t, db, mia, added, "done 3/3 changed 0 refused 0 overtaken 3 lost 0") // 2 stayed in its place
		expect("its patches are of another project", "mine 2 39")
		back := undo(t, db, mia, moved, "done 6/6 changed 6 refused 0 overtaken 0 lost 0")
		expect("moved back", "mine 1 3", "mine 1 2", "mine 1 1", "mine 1 4")
		undo(t, db, mia, back.ID, "done 6/6 changed 6 refused 0 overtaken 0 lost 0")
		expect("and that again", "mine 2 39")

		moved = change(patch.BundleChange{Name: value("yours"), Patches: &[]int64{1, 4}})
		change(patch.BundleChange{Patches: &[]int64{1, 4, 5}})
		undo(t, db, mia, moved, "done 4/4 changed 0 refused 0 overtaken 4 lost 0") // there is one more, which can't go with it
		expect("there is one more", "yours 1 1", "yours 1 4", "yours 1 5")

		moved = move()
		change(patch.BundleChange{Name: value("renamed")})
		undo(t, db, mia, moved, "done 5/5 changed 0 refused 0 overtaken 5 lost 0")
		expect("it was renamed since", "renamed 2 39")
		moved = change(patch.BundleChange{Patches: &[]int64{1, 4}})
		moved2 := move()
		if err := patch.DeleteMessage(ctx, db, account.CLI, noon, project.Project{ID: projectAlpha, Linkname: "alpha"}, "<p4@mail.example>", "spam"); err != nil {
			t.Fatal(err)
		}
		undo(t, db, mia, moved2, "done 4/4 changed 3 refused 0 overtaken 0 lost 1")
		expect("one is gone", "renamed 1 1")
		undo(t, db, mia, moved, "done 4/4 changed 3 refused 0 overtaken 0 lost 1")
		expect("one after the other", "renamed 2 39")
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}

// TestUndoSeriesValues: version and metadata of a series become what they were, with its patches, unless somebody changed either since.
func TestUndoSeriesValues(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seedSeries(t, db)
		mia, max, ctx := web(userMia), web(userMax), t.Context()
		state := func() []string {
			return append(append(rowsOf(t, db, "SELECT version FROM series WHERE id = 1"), rowsOf(t, db, "SELECT name, value FROM series_metadata WHERE series_id = 1 ORDER BY name")...),
				rowsOf(t, db, "SELECT id, state_id FROM patch WHERE series_id = 1 AND state_id = 3 ORDER BY id")...)
		}
		change := func(by account.Actor, c patch.SeriesChange) int64 {
			t.Helper()
			if err := patch.UpdateSeries(ctx, db, by, noon, 1, c); err != nil {
				t.Fatal(err)
			}
			sets, err := patch.RecentSets(ctx, db, by.User, 1)
			if err != nil || len(sets) != 1 || sets[0].What() != "series" {
				t.Fatalf("%+v %v", sets, err)
			}
			return sets[0].ID
		}
		set := change(mia, patch.SeriesChange{Version: value(5), Metadata: map[string]*string{"ci": value("ok"), "bug": value("")}, Patches: patch.Change{State: value(int64(3))}})
		expectState(t, "changed", state(), "5", "bug ", "ci ok", "2 3", "3 3", "4 3")
		back := undo(t, db, mia, set, "done 3/3 changed 3 refused 0 overtaken 0 lost 0")
		expectState(t, "as before", state(), "1", "4 3")
		undo(t, db, mia, back.ID, "done 3/3 changed 3 refused 0 overtaken 0 lost 0")
		expectState(t, "and that again", state(), "5", "bug ", "ci ok", "2 3", "3 3", "4 3")
		expectState(t, "is written down", rowsOf(t, db, "SELECT verb, subject, detail FROM audit ORDER BY id"), "series update series 1 version 5; metadata bug, ci",
			"series update series 1 version 1; metadata bug, ci", "series update series 1 version 5; metadata bug, ci")

		set = change(mia, patch.SeriesChange{Version: value(6), Metadata: map[string]*string{"ci": value("bad"), "bug": nil, "more": value("x")}})
		change(max, patch.SeriesChange{Metadata: map[string]*string{"ci": value("so so")}})
		change(max, patch.SeriesChange{Metadata: map[string]*string{"ci": value("bad")}})
		undo(t, db, mia, set, "done 1/1 changed 0 refused 0 overtaken 1 lost 0")
		expectState(t, "ci was changed back and forth", state(), "6", "ci bad", "more x", "2 3", "3 3", "4 3")

		one, two := change(mia, patch.SeriesChange{Version: value(11)}), change(mia, patch.SeriesChange{Metadata: map[string]*string{"more": nil}})
		undo(t, db, mia, two, "done 1/1 changed 1 refused 0 overtaken 0 lost 0")
		undo(t, db, mia, one, "done 1/1 changed 1 refused 0 overtaken 0 lost 0")
		expectState(t, "one after the other", state(), "6", "ci bad", "more x", "2 3", "3 3", "4 3")

		set = change(mia, patch.SeriesChange{Version: value(8)})
		change(max, patch.SeriesChange{Version: value(9)})
		undo(t, db, mia, set, "done 1/1 changed 0 refused 0 overtaken 1 lost 0")
		set = change(max, patch.SeriesChange{Version: value(2)})
		_, err := patch.Undo(ctx, db, mia, noon, set)
		expectKind(t, "another's", err, fault.NotFound, fmt.Sprintf("there is no change %d", set))
		seedExec(t, db, "DELETE FROM project_maintainer WHERE user_id = ? AND project_id = ?", userMax, projectAlpha)
		undo(t, db, max, set, "done 1/1 changed 0 refused 1 overtaken 0 lost 0")
		expectState(t, "he maintains it no more", state()[:1], "2")
		set = change(mia, patch.SeriesChange{Version: value(3)})
		undo(t, db, account.CLI, set, "done 1/1 changed 1 refused 0 overtaken 0 lost 0")
		expectState(t, "on the command line", state()[:1], "2")
		if n, err := patch.SweepSets(ctx, db, noon.Add(25*60*60*1e9)); err != nil || n == 0 {
			t.Error(n, err)
		}
		expectState(t, "swept", rowsOf(t, db, "SELECT COUNT(*) FROM change_value"), "0")
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}
