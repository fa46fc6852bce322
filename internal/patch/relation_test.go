// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// relationRows are the patches that are in relations, which are told apart by their first patch.
const relationRows = `SELECT p.id, (SELECT MIN(o.id) FROM patch o WHERE o.related_id = p.related_id) FROM patch p WHERE p.related_id IS NOT NULL ORDER BY p.id`

func relate(t *testing.T, db *sqldb.DB, by account.Actor, id int64, with ...int64) error {
	t.Helper()
	if with == nil {
		with = []int64{}
	}
	_, err := patch.Update(t.Context(), db, by, noon, []int64{id}, patch.Change{Related: &with, AllOrNone: true})
	return err
}

// TestRelations follows relations through their life: rows, and the patches that each step has an event for.
func TestRelations(t *testing.T) {
	steps := []struct {
		what   string
		id     int64
		with   []int64
		rows   []string
		events []string
	}{
		{"nothing to leave", 1, nil, []string{}, []string{}},
		{"with itself", 1, []int64{1}, []string{}, []string{}},
		{"two", 1, []int64{2}, []string{"1 1", "2 1"}, []string{"1", "2"}},
		{"the same again", 1, []int64{2}, []string{"1 1", "2 1"}, []string{}},
		{"from the other side", 2, []int64{1}, []string{"1 1", "2 1"}, []string{}},
		{"a new one by an old one", 1, []int64{3}, []string{"1 1", "2 1", "3 1"}, []string{"3"}},
		{"old ones by a new one", 4, []int64{3, 1}, []string{"1 1", "2 1", "3 1", "4 1"}, []string{"4"}},
		{"two more", 2, []int64{5, 6, 5}, []string{"1 1", "2 1", "3 1", "4 1", "5 1", "6 1"}, []string{"5", "6"}},
		{"one of them takes nobody out", 2, []int64{5}, []string{"1 1", "2 1", "3 1", "4 1", "5 1", "6 1"}, []string{}},
		{"another relation", 10, []int64{11, 12}, []string{"1 1", "10 10", "11 10", "12 10", "2 1", "3 1", "4 1", "5 1", "6 1"}, []string{"10", "11", "12"}},
		{"one leaves", 10, nil, []string{"1 1", "11 11", "12 11", "2 1", "3 1", "4 1", "5 1", "6 1"}, []string{"10"}},
		{"the last but one leaves", 12, nil, []string{"1 1", "2 1", "3 1", "4 1", "5 1", "6 1"}, []string{"11", "12"}},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seen := 0
		for _, s := range steps {
			if err := relate(t, db, web(userMia), s.id, s.with...); err != nil {
				t.Fatalf("%s: %v", s.what, err)
			}
			got := rowsOf(t, db, relationRows)
			expectState(t, s.what, sorted(got), s.rows...)
			subjects := rowsOf(t, db, "SELECT s.subject_id FROM event e JOIN event_subject s ON s.event_id = e.id WHERE e.kind = 'patch-relation-changed' ORDER BY e.id")
			expectState(t, s.what+": events", subjects[seen:], s.events...)
			seen = len(subjects)
		}
		if n := rowsOf(t, db, "SELECT COUNT(*) FROM patch_relation"); n[0] != "1" {
			t.Errorf("%s relations", n[0])
		}
		last := rowsOf(t, db, "SELECT e.project_id, e.actor_id, e.payload FROM event e WHERE e.kind = 'patch-relation-changed' ORDER BY e.id DESC LIMIT 1")
		group := rowsOf(t, db, "SELECT MAX(COALESCE(related_id, 0)) + 1 FROM patch")[0]
		expectState(t, "an event", last, `1 12 {"patch":12,"previous_relation":`+group+`}`)
		related, err := patch.RelatedTo(t.Context(), db, []int64{1, 2, 3, 4, 5})
		if err != nil || len(related) != 1 {
			t.Errorf("%v, %v", related, err)
		}
	})
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// TestRelationRefused: what may not be, and changes nothing.
func TestRelationRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		for _, pair := range [][2]int64{{1, 2}, {10, 11}, {20, 40}} { // the last one is of two projects
			if err := relate(t, db, web(userMia), pair[0], pair[1]); err != nil {
				t.Fatal(err)
			}
		}
		before, events := rowsOf(t, db, relationRows), len(eventsOf(t, db))
		for _, c := range []struct {
			what string
			by   account.Actor
			id   int64
			with []int64
			kind fault.Kind
		}{
			{"two relations", web(userMia), 1, []int64{10}, fault.Conflict},
			{"the other way round", web(userMia), 10, []int64{1}, fault.Conflict},
			{"of two relations, by a third", web(userMia), 5, []int64{1, 10}, fault.Conflict},
			{"another project", web(userMax), 5, []int64{39}, fault.Denied},
			{"the other way round", web(userMax), 39, []int64{5}, fault.Denied},
			{"a relation with another project in it", web(userMax), 5, []int64{20}, fault.Denied},
			{"leaving a patch of another project alone", web(userMax), 20, nil, fault.Denied},
			{"submitter", web(userAnn), 1, []int64{3}, fault.Denied},
			{"submitter leaves", web(userAnn), 1, nil, fault.Denied},
			{"delegate", web(userDel), 8, []int64{3}, fault.Denied},
			{"no such patch", web(userMia), 5, []int64{4711}, fault.Invalid},
		} {
			if err := relate(t, db, c.by, c.id, c.with...); !fault.Is(err, c.kind) {
				t.Errorf("%s: %v", c.what, err)
			}
		}
		// Who may not edit a patch at all is refused as with any change.
		done, err := patch.Update(t.Context(), db, web(userJoe), noon, []int64{1}, patch.Change{Related: &[]int64{3}})
		if err != nil || len(done.Refused) != 1 {
			t.Errorf("%+v, %v", done, err)
		}
		if _, err := patch.Update(t.Context(), db, admin, noon, []int64{1, 2}, patch.Change{Related: &[]int64{3}}); !fault.Is(err, fault.Invalid) {
			t.Errorf("two at a time: %v", err)
		}
		if err := relate(t, db, admin, 5, manyPatches(t, db, 100)...); !fault.Is(err, fault.Invalid) {
			t.Errorf("101 patches: %v", err)
		}
		expectState(t, "relations", rowsOf(t, db, relationRows), before...)
		if n := len(eventsOf(t, db)); n != events {
			t.Errorf("%d events, not %d", n, events)
		}
		if err := relate(t, db, admin, 39, 5); err != nil {
			t.Errorf("administrator: %v", err)
		}
	})
}

// TestRelateAtOnce: processes that relate and part patches of two projects at the same time leave no relation of one and no two of a patch.
func TestRelateAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		var all sync.WaitGroup
		for i := range int64(4) {
			all.Go(func() {
				for n := range int64(12) {
					id, with := 1+(i+n)%4, []int64{39, 1 + (i+2*n)%4}
					switch {
					case n%3 == 2:
						with = []int64{}
					case i%2 == 1: // begun in the other project
						id, with[0] = with[0], id
					}
					_, err := patch.Update(context.Background(), db, admin, noon, []int64{id}, patch.Change{Related: &with, AllOrNone: true})
					if err != nil && !fault.Is(err, fault.Conflict) {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if lone := rowsOf(t, db, "SELECT related_id FROM patch WHERE related_id IS NOT NULL GROUP BY related_id HAVING COUNT(*) < 2"); len(lone) > 0 {
			t.Errorf("relations of one patch: %v", lone)
		}
		if gone := rowsOf(t, db, "SELECT p.id FROM patch p WHERE p.related_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patch_relation r WHERE r.id = p.related_id)"); len(gone) > 0 {
			t.Errorf("in no relation: %v", gone)
		}
		if empty := rowsOf(t, db, "SELECT r.id FROM patch_relation r WHERE NOT EXISTS (SELECT 1 FROM patch p WHERE r.id = p.related_id)"); len(empty) > 0 {
			t.Errorf("relations of nobody: %v", empty)
		}
	})
}

// TestRelateLocks: while a patch is related to one of another project, nobody changes that one.
func TestRelateLocks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		other := make(chan error, 1)
		waits := func(context.Context, *sqldb.Tx) error {
			go func() {
				_, err := patch.Update(context.Background(), db, admin, noon, []int64{39}, patch.Change{Archived: value(true)})
				other <- err
			}()
			select {
			case err := <-other:
				t.Errorf("it did not wait: %v", err)
				other <- err
			case <-time.After(300 * time.Millisecond):
			}
			return nil
		}
		if _, err := patch.Update(t.Context(), db, admin, noon, []int64{1}, patch.Change{Related: &[]int64{39}, If: waits}); err != nil {
			t.Error(err)
		}
		if err := <-other; err != nil {
			t.Error(err)
		}
		expectState(t, "both", rowsOf(t, db, "SELECT id, CASE WHEN archived = TRUE THEN 'archived' ELSE 'open' END FROM patch WHERE related_id IS NOT NULL ORDER BY id"), "1 open", "39 archived")
	})
}

// TestUpdateTexts: the commit and the address of a pull request, with their events.
func TestUpdateTexts(t *testing.T) {
	const rows = "SELECT id, commit_ref, pull_url FROM patch WHERE id IN (2, 3) ORDER BY id"
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		update(t, db, web(userMia), patch.Change{CommitRef: value("abc123"), PullURL: value("git://x/y z")}, 2, 3)
		expectState(t, "set", rowsOf(t, db, rows), "2 abc123 git://x/y z", "3 abc123 git://x/y z")
		update(t, db, web(userMia), patch.Change{CommitRef: value("abc123"), PullURL: value("")}, 2)
		expectState(t, "cleared", rowsOf(t, db, rows), "2 abc123 -", "3 abc123 git://x/y z")
		kinds := eventsOf(t, db)
		const at = " 1 12 1772366400000000 patch "
		expectState(t, "events", kinds,
			"patch-commit-ref-changed"+at+`2 {"patch":2,"current_commit_ref":"abc123"}`, "patch-pull-url-changed"+at+`2 {"patch":2,"current_pull_url":"git://x/y z"}`,
			"patch-commit-ref-changed"+at+`3 {"patch":3,"current_commit_ref":"abc123"}`, "patch-pull-url-changed"+at+`3 {"patch":3,"current_pull_url":"git://x/y z"}`,
			"patch-pull-url-changed"+at+`2 {"patch":2,"previous_pull_url":"git://x/y z"}`)
		long := fmt.Sprintf("%0256d", 0)
		for _, c := range []patch.Change{{CommitRef: &long}, {PullURL: &long}, {CommitRef: value("\xff")}, {PullURL: value("a\x00")}} {
			if _, err := patch.Update(t.Context(), db, admin, noon, []int64{2}, c); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", c, err)
			}
		}
	})
}

// TestUpdateFound: all that a filter finds, in one transaction; dry runs; all or none.
func TestUpdateFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		news := patch.Query{Projects: []int64{projectAlpha}, States: []int64{1}, Archived: []bool{false}}
		accept := patch.Change{State: value(int64(3))}
		count := func(what string, events int) {
			t.Helper()
			if n := len(eventsOf(t, db)); n != events {
				t.Errorf("%s: %d events, want %d", what, n, events)
			}
			if found := findings(t, db); len(found) > 0 {
				t.Errorf("%s: %v", what, found)
			}
		}
		dry := accept
		dry.DryRun = true
		done, err := patch.UpdateFound(t.Context(), db, web(userMia), noon, news, dry)
		expectState(t, "dry run", []string{fmt.Sprint(done.IDs, done.Denied, err)}, "[1 5 6 8 10 13 23 33 34 37] [] <nil>")
		count("dry run", 0)
		done, err = patch.UpdateFound(t.Context(), db, web(userMia), noon, news, accept)
		expectState(t, "done", []string{fmt.Sprint(done.IDs, done.Denied, err)}, "[1 5 6 8 10 13 23 33 34 37] [] <nil>")
		count("done", 10)
		done, err = patch.UpdateFound(t.Context(), db, web(userMia), noon, news, accept)
		expectState(t, "none are left", []string{fmt.Sprint(done.Found, done.IDs, done.Denied, err)}, "[] [] [] <nil>")
		hers := patch.Query{Submitters: []int64{1, 3}, States: []int64{3}} // one of which is Ann
		some := patch.Change{State: value(int64(4)), AllOrNone: true}
		if _, err := patch.UpdateFound(t.Context(), db, web(userAnn), noon, hers, some); !fault.Is(err, fault.Denied) || fault.UserText(err) != "you may not change 1 of these 6 patches" {
			t.Errorf("not all are hers: %v", err)
		}
		some.DryRun = true
		done, err = patch.UpdateFound(t.Context(), db, web(userAnn), noon, hers, some)
		expectState(t, "dry run of what is refused", []string{fmt.Sprint(done.IDs, done.Denied, err)}, "[1 4 23 25 34] [8] <nil>")
		count("refused", 10)
		manyPatches(t, db, 1001)
		if _, err := patch.UpdateFound(t.Context(), db, admin, noon, news, accept); !fault.Is(err, fault.Invalid) {
			t.Errorf("too many: %v", err)
		}
		count("too many", 10)
	})
}

// TestUpdateIf: the condition is asked after the locks, sees what is stored, and its error changes nothing.
func TestUpdateIf(t *testing.T) {
	changed := errors.New("somebody was faster")
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		only := func(state string) func(context.Context, *sqldb.Tx) error {
			return func(ctx context.Context, q *sqldb.Tx) error {
				var is string
				err := q.Get(ctx, &is, "SELECT s.slug FROM patch p JOIN state s ON s.id = p.state_id WHERE p.id = 1")
				if err == nil && is != state {
					err = changed
				}
				return err
			}
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 8 {
			all.Go(func() {
				_, err := patch.Update(context.Background(), db, web(userMia), noon, []int64{1}, patch.Change{State: value(int64(3)), If: only("new")})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, changed) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won != 1 || len(eventsOf(t, db)) != 1 {
			t.Errorf("%d of 8 changed it, %d events", won, len(eventsOf(t, db)))
		}
	})
}
