// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"fmt"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestSavedQueries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		alpha, beta := newProject(t, db, "alpha"), newProject(t, db, "beta")
		mia, max := account.Actor{User: newUser(t, db, "mia").ID}, account.Actor{User: newUser(t, db, "max").ID}
		save := func(by account.Actor, s patch.SavedQuery) patch.SavedQuery {
			t.Helper()
			s, err := patch.SaveQuery(ctx, db, by, now, s)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		const all = "SELECT CONCAT_WS(' ', name, query, kind, COALESCE(project_id, 0), CASE WHEN public THEN 'public' ELSE 'own' END, CASE WHEN opens THEN 'opens' ELSE '-' END) FROM saved_query ORDER BY name"
		green := save(mia, patch.SavedQuery{Project: alpha.ID, Kind: patch.SavedPatches, Name: " green ", Query: "checks=green", Opens: true})
		red := save(mia, patch.SavedQuery{Project: alpha.ID, Kind: patch.SavedPatches, Name: "red", Query: "checks=fail", Opens: true, Public: true})
		save(mia, patch.SavedQuery{Kind: patch.SavedPatches, Name: "wide", Query: "state=*", Opens: true})
		save(mia, patch.SavedQuery{Project: alpha.ID, Kind: patch.SavedSeries, Name: "work", Query: "who=author", Opens: true})
		save(max, patch.SavedQuery{Project: alpha.ID, Kind: patch.SavedPatches, Name: "red", Query: "q=x"})
		expectRows(t, db, all, fmt.Sprint("green checks=green patch ", alpha.ID, " own -"), fmt.Sprint("red checks=fail patch ", alpha.ID, " public opens"), fmt.Sprint("red q=x patch ", alpha.ID, " own -"),
			"wide state=* patch 0 own opens", fmt.Sprint("work who=author series ", alpha.ID, " own opens"))

		for _, bad := range []struct {
			by   account.Actor
			s    patch.SavedQuery
			kind fault.Kind
		}{
			{account.Actor{}, patch.SavedQuery{Kind: patch.SavedPatches, Name: "x"}, fault.Unauthenticated},
			{mia, patch.SavedQuery{Kind: "covers", Name: "x"}, fault.Invalid},
			{mia, patch.SavedQuery{Kind: patch.SavedPatches, Name: " "}, fault.Invalid},
			{mia, patch.SavedQuery{Kind: patch.SavedPatches, Name: "a\nb"}, fault.Invalid},
			{mia, patch.SavedQuery{Kind: patch.SavedPatches, Name: strings.Repeat("ä", patch.MaxSavedName+1)}, fault.Invalid},
			{mia, patch.SavedQuery{Kind: patch.SavedPatches, Name: "x", Query: strings.Repeat("x", patch.MaxSavedQuery+1)}, fault.Invalid},
			{mia, patch.SavedQuery{Kind: patch.SavedSeries, Name: "red"}, fault.Conflict},
		} {
			if _, err := patch.SaveQuery(ctx, db, bad.by, now, bad.s); !fault.Is(err, bad.kind) {
				t.Errorf("%+v: %v", bad.s, err)
			}
		}

		// What each list offers whom, and opens with.
		desk := func(by account.Actor, project int64, kind, want string) {
			t.Helper()
			d, err := patch.ReadDesk(ctx, db, patch.DeskQuery{User: by.User, Project: project, Kind: kind})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range d.Saved {
				got = append(got, s.Name)
			}
			if s, ok := d.Opens(); ok {
				got = append(got, "opens", s.Name)
			}
			if s := strings.Join(got, " "); s != want {
				t.Errorf("%d in %d: %s, want %s", by.User, project, s, want)
			}
		}
		desk(mia, alpha.ID, patch.SavedPatches, "green red wide opens red")
		desk(mia, beta.ID, patch.SavedPatches, "wide opens wide")
		desk(mia, alpha.ID, patch.SavedSeries, "work opens work")
		desk(mia, beta.ID, patch.SavedSeries, "")
		desk(max, alpha.ID, patch.SavedPatches, "red")

		// Only the owner changes and deletes; others read what is public.
		if _, err := patch.ChangeSaved(ctx, db, max, red.ID, patch.SavedChange{Name: ptr("mine")}); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if _, err := patch.DeleteSaved(ctx, db, max, red.ID); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if s, err := patch.ReadSaved(ctx, db, account.Actor{}, red.ID); err != nil || s.Query != "checks=fail" {
			t.Errorf("%+v, %v", s, err)
		}
		for _, by := range []account.Actor{{}, max, {User: max.User, Admin: true}} {
			if _, err := patch.ReadSaved(ctx, db, by, green.ID); !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
		}
		if _, err := patch.ChangeSaved(ctx, db, mia, red.ID, patch.SavedChange{Name: ptr("green")}); !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
		if _, err := patch.ChangeSaved(ctx, db, mia, green.ID, patch.SavedChange{Name: ptr("red one"), Query: ptr("checks=pending"), Public: ptr(true), Opens: ptr(true)}); err != nil {
			t.Error(err)
		}
		desk(mia, alpha.ID, patch.SavedPatches, "red red one wide opens red one")
		if _, err := patch.DeleteSaved(ctx, db, mia, green.ID); err != nil {
			t.Error(err)
		}
		desk(mia, alpha.ID, patch.SavedPatches, "red wide opens wide")
		if own, err := patch.OwnSaved(ctx, db, mia.User); err != nil || len(own) != 3 || own[0].Name != "red" {
			t.Errorf("%+v, %v", own, err)
		}
		for i := range 97 {
			save(mia, patch.SavedQuery{Kind: patch.SavedPatches, Name: fmt.Sprint("n", i)})
		}
		if _, err := patch.SaveQuery(ctx, db, mia, now, patch.SavedQuery{Kind: patch.SavedPatches, Name: "one more"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("more than 100: %v", err)
		}
	})
}

// The desk has the user's bundles of the project and how much he has to do.
func TestDesk(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		ctx, mia := t.Context(), account.Actor{User: userMia}
		for _, b := range []struct {
			name  string
			patch int64
		}{{"two", 1}, {"one", 2}, {"other project", 39}} {
			if _, err := patch.CreateBundle(ctx, db, mia, 0, patch.BundleChange{Name: &b.name, Patches: &[]int64{b.patch}}); err != nil {
				t.Fatal(err)
			}
		}
		d, err := patch.ReadDesk(ctx, db, patch.DeskQuery{User: userMia, Project: projectAlpha, Kind: patch.SavedPatches, Submitter: "ann", Delegate: "mia"})
		if len(d.Words.States) != 10 || len(d.Words.Tags) != 3 || len(d.People.Submitters) != 2 || len(d.People.Delegates) != 1 || d.People.Delegates[0] != userMia {
			t.Errorf("%+v", d)
		}
		if len(d.Members) != 2 || d.Members[0].Username != "max_100%" || d.Members[1] != (project.Member{ID: userMia, Username: "mia"}) {
			t.Errorf("%+v", d.Members)
		}
		if err != nil || len(d.Bundles) != 2 || d.Bundles[0].Name != "one" || d.Bundles[1].Name != "two" || d.Bundles[1].Project != projectAlpha {
			t.Errorf("%+v, %v", d, err)
		}
		n, err := patch.TodoCount(ctx, db, userMia)
		if err != nil || n != d.Todo || n != 5 { // 2, 3, 33, 34 and 40 of the seed
			t.Errorf("%d and %d to do, want 5: %v", d.Todo, n, err)
		}
		if n, err = patch.TodoCount(ctx, db, userJoe); err != nil || n != 0 {
			t.Errorf("%d to do, %v", n, err)
		}
	})
}
