// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

func value[T any](v T) *T { return &v }

func web(user int64) account.Actor { return account.Actor{User: user, Via: "web"} }

var admin = account.Actor{User: userRoot, Admin: true, Via: "web"}

// rowsOf gives what a query finds, columns joined by a blank.
func rowsOf(t testing.TB, db *sqldb.DB, query string, args ...any) []string {
	t.Helper()
	out := []string{}
	err := db.Each(context.Background(), func(rows *sqlx.Rows) error {
		row, err := rows.SliceScan()
		var s []string
		for _, v := range row {
			switch v := v.(type) {
			case []byte:
				s = append(s, string(v))
			case nil:
				s = append(s, "-")
			default:
				s = append(s, fmt.Sprint(v))
			}
		}
		out = append(out, strings.Join(s, " "))
		return err
	}, query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func expectState(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := gocmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

func eventsOf(t *testing.T, db *sqldb.DB) []string {
	t.Helper()
	return rowsOf(t, db, "SELECT e.kind, e.project_id, e.actor_id, e.at, s.kind, s.subject_id, e.payload FROM event e JOIN event_subject s ON s.event_id = e.id ORDER BY e.id")
}

func update(t *testing.T, db *sqldb.DB, by account.Actor, c patch.Change, ids ...int64) patch.Changed {
	t.Helper()
	done, err := patch.Update(t.Context(), db, by, noon, ids, c)
	if err != nil {
		t.Fatalf("%v by %+v: %v", ids, by, err)
	}
	return done
}

// TestUpdatePermissions: who may edit a patch, each asked of Update for one, of Update for several, and of MayEdit.
func TestUpdatePermissions(t *testing.T) {
	const anns, delias, betas = 1, 36, 39 // Ann's in alpha; Bob's, delegated to Delia; Ann's in beta
	tests := []struct {
		name string
		by   account.Actor
		may  []int64
	}{
		{"anonymous", account.Actor{Via: "web"}, nil},
		{"any user", web(userJoe), nil},
		{"submitter", web(userAnn), []int64{anns, betas}},
		{"delegate", web(userDel), []int64{delias}},
		{"maintainer of one project", web(userMax), []int64{anns, delias}},
		{"maintainer of both", web(userMia), []int64{anns, delias, betas}},
		{"administrator", admin, []int64{anns, delias, betas}},
		{"user without being admin", web(userRoot), nil},
		{"command line", account.CLI, []int64{anns, delias, betas}},
	}
	all := []int64{anns, delias, betas}
	names := map[int64]string{anns: "net: fix a leak", delias: "x14", betas: "beta one"}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		back := func() {
			seedExec(t, db, "UPDATE patch SET archived = FALSE WHERE id IN (?)", all)
			seedExec(t, db, "UPDATE patch_count SET patches = (SELECT COUNT(*) FROM patch p WHERE p.project_id = patch_count.project_id AND COALESCE(p.state_id, 0) = patch_count.state_id AND p.archived = patch_count.archived AND COALESCE(p.delegate_id, 0) = patch_count.delegate_id)")
		}
		for _, test := range tests {
			may := map[int64]bool{}
			for _, id := range test.may {
				may[id] = true
			}
			var refused []string
			var denied []int64
			for _, id := range all {
				ok, err := patch.MayEdit(t.Context(), db, test.by, id)
				if err != nil || ok != may[id] {
					t.Errorf("%s: MayEdit(%d): %v, %v", test.name, id, ok, err)
				}
				want := patch.Changed{Found: []int64{id}, Patches: 1, IDs: []int64{id}}
				if !may[id] {
					want = patch.Changed{Found: []int64{id}, Refused: []string{names[id]}, Denied: []int64{id}}
					refused, denied = append(refused, names[id]), append(denied, id)
				}
				if diff := gocmp.Diff(want, update(t, db, test.by, patch.Change{Archived: value(true)}, id), cmpopts.IgnoreFields(patch.Changed{}, "Set")); diff != "" {
					t.Errorf("%s: patch %d: %s", test.name, id, diff)
				}
			}
			back()
			want := patch.Changed{Found: all, Patches: len(may), IDs: test.may, Refused: refused, Denied: denied}
			if diff := gocmp.Diff(want, update(t, db, test.by, patch.Change{Archived: value(true)}, all...), cmpopts.IgnoreFields(patch.Changed{}, "Set")); diff != "" {
				t.Errorf("%s, in bulk: %s", test.name, diff)
			}
			archived := rowsOf(t, db, "SELECT id FROM patch WHERE archived = TRUE AND id IN (?) ORDER BY id", all)
			if len(archived) != len(may) {
				t.Errorf("%s, in bulk: changed %v", test.name, archived)
			}
			if found := findings(t, db); len(found) > 0 {
				t.Errorf("%s: %v", test.name, found)
			}
			back()
		}
	})
}

// TestUpdateWrites follows one series through its changes: rows, events, counters, roll-up.
func TestUpdateWrites(t *testing.T) {
	const at = "1772366400000000" // noon
	const patches = "SELECT id, state_id, delegate_id, CASE WHEN archived = TRUE THEN 'archived' ELSE 'open' END FROM patch WHERE series_id = 1 ORDER BY id"
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		if done := update(t, db, web(userMia), patch.Change{State: value(int64(3)), Delegate: value(int64(userMax)), Archived: value(true)}, 4, 2, 3, 2); done.Patches != 3 {
			t.Errorf("changed %+v", done)
		}
		expectState(t, "patches", rowsOf(t, db, patches), "2 3 13 archived", "3 3 13 archived", "4 3 13 archived")
		expectState(t, "series", rowsOf(t, db, "SELECT received, state_id FROM series WHERE id = 1"), "3 3")
		expectState(t, "events", eventsOf(t, db),
			"patch-state-changed 1 12 "+at+` patch 2 {"patch":2,"previous_state":"under-review","current_state":"accepted"}`,
			"patch-delegated 1 12 "+at+` patch 2 {"patch":2,"previous_delegate":12,"current_delegate":13}`,
			"patch-archived-changed 1 12 "+at+` patch 2 {"patch":2,"archived":true}`,
			"patch-state-changed 1 12 "+at+` patch 3 {"patch":3,"previous_state":"under-review","current_state":"accepted"}`,
			"patch-delegated 1 12 "+at+` patch 3 {"patch":3,"previous_delegate":12,"current_delegate":13}`,
			"patch-archived-changed 1 12 "+at+` patch 3 {"patch":3,"archived":true}`,
			"patch-delegated 1 12 "+at+` patch 4 {"patch":4,"current_delegate":13}`,
			"patch-archived-changed 1 12 "+at+` patch 4 {"patch":4,"archived":true}`)
		expectState(t, "counters", rowsOf(t, db, "SELECT state_id, delegate_id, CASE WHEN archived = TRUE THEN 'archived' ELSE 'open' END, patches FROM patch_count WHERE project_id = 1 AND (state_id = 3 OR state_id = 2 AND delegate_id = 12) ORDER BY 1, 2, 3"),
			"2 12 open 0", "3 0 open 1", "3 13 archived 3")
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
		expectState(t, "notices of a project that sends none", rowsOf(t, db, "SELECT patch_id FROM state_notice"))

		// The same again is no change and no event.
		if done := update(t, db, web(userMia), patch.Change{State: value(int64(3)), Delegate: value(int64(userMax)), Archived: value(true)}, 2, 3, 4); done.Patches != 0 || done.Refused != nil {
			t.Errorf("changed again: %+v", done)
		}
		if done := update(t, db, web(userMia), patch.Change{}, 2, 3, 4); done.Patches != 0 {
			t.Errorf("nothing to change, but: %+v", done)
		}
		if n := len(eventsOf(t, db)); n != 8 {
			t.Errorf("%d events after changes of nothing", n)
		}

		// Clearing the delegate; a delegate may, and can't any more afterwards.
		update(t, db, web(userMax), patch.Change{Delegate: value(int64(0)), State: value(int64(1))}, 2)
		expectState(t, "patches", rowsOf(t, db, patches), "2 1 - archived", "3 3 13 archived", "4 3 13 archived")
		expectState(t, "series of two states", rowsOf(t, db, "SELECT COALESCE(state_id, 0) FROM series WHERE id = 1"), "0")
		expectState(t, "more events", eventsOf(t, db)[8:],
			"patch-state-changed 1 13 "+at+` patch 2 {"patch":2,"previous_state":"accepted","current_state":"new"}`,
			"patch-delegated 1 13 "+at+` patch 2 {"patch":2,"previous_delegate":13}`)
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}

// TestUpdateRefuses: what is wrong changes nothing of the whole request.
func TestUpdateRefuses(t *testing.T) {
	tests := []struct {
		name string
		c    patch.Change
		ids  []int64
		kind fault.Kind
	}{
		{"delegate who maintains nothing", patch.Change{Archived: value(true), Delegate: value(int64(userJoe))}, []int64{1}, fault.Invalid},
		{"delegate of another project", patch.Change{State: value(int64(3)), Delegate: value(int64(userMax))}, []int64{1, 39}, fault.Invalid},
		{"delegate who does not exist", patch.Change{Delegate: value(int64(999))}, []int64{1}, fault.Invalid},
		{"negative delegate", patch.Change{Delegate: value(int64(-1))}, []int64{1}, fault.Invalid},
		{"unknown state", patch.Change{State: value(int64(99)), Archived: value(true)}, []int64{1, 2}, fault.Invalid},
		{"no state", patch.Change{State: value(int64(0))}, []int64{1}, fault.Invalid},
		{"no patches", patch.Change{State: value(int64(3))}, nil, fault.Invalid},
		{"unknown patch", patch.Change{State: value(int64(3))}, []int64{1, 4711}, fault.NotFound},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		const all = "SELECT id, state_id, delegate_id, CASE WHEN archived = TRUE THEN 'archived' ELSE 'open' END FROM patch ORDER BY id"
		before := rowsOf(t, db, all)
		for _, test := range tests {
			_, err := patch.Update(t.Context(), db, admin, noon, test.ids, test.c)
			if !fault.Is(err, test.kind) || fault.UserText(err) == "" {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		expectState(t, "patches", rowsOf(t, db, all), before...)
		expectState(t, "events", eventsOf(t, db))
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}

// TestUpdateNotices: a notice keeps the first state since the submitter was told; a patch that is back in it is not news.
func TestUpdateNotices(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		step := func(at clock.Time, c patch.Change, want ...string) {
			t.Helper()
			if _, err := patch.Update(t.Context(), db, web(userMia), at, []int64{1, 39, 40}, c); err != nil {
				t.Fatal(err)
			}
			expectState(t, fmt.Sprintf("%+v", c), rowsOf(t, db, "SELECT patch_id, original_state_id, modified_at FROM state_notice ORDER BY patch_id"), want...)
		}
		step(100, patch.Change{State: value(int64(2))}, "39 1 100", "40 1 100")
		step(200, patch.Change{State: value(int64(3))}, "39 1 200", "40 1 200")
		step(300, patch.Change{Archived: value(true)}, "39 1 200", "40 1 200")
		step(400, patch.Change{State: value(int64(3))}, "39 1 200", "40 1 200")
		step(500, patch.Change{State: value(int64(1))})
		step(600, patch.Change{State: value(int64(4))}, "39 1 600", "40 1 600")
	})
}

// TestUpdateHundred: 100 patches take few statements and, as the log shows, little time.
func TestUpdateHundred(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		ids := manyPatches(t, db, 100)
		fastest := time.Hour
		for state := int64(2); state <= 7; state++ {
			start := time.Now()
			if done := update(t, db, web(userMia), patch.Change{State: &state}, ids...); done.Patches != 100 {
				t.Fatalf("%+v", done)
			}
			fastest = min(fastest, time.Since(start))
		}
		t.Logf("100 patches: %s", fastest)
		if n := len(eventsOf(t, db)); n != 600 {
			t.Errorf("%d events", n)
		}
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}

// manyPatches adds n new patches to alpha, from id 2000.
func manyPatches(t testing.TB, db *sqldb.DB, n int) (ids []int64) {
	t.Helper()
	var messages, bodies, patches [][]any
	for i := range n {
		id := int64(2000 + i)
		ids = append(ids, id)
		messages = append(messages, []any{id, projectAlpha, fmt.Sprintf("<many%d@mail.example>", id), 0, "patch", 3, int64(noon), "x", "", id, false})
		bodies = append(bodies, []any{id, "", ""})
		patches = append(patches, []any{id, id, projectAlpha, 3, int64(noon), "many", "many", 1, false})
	}
	err := db.Tx(context.Background(), func(tx *sqldb.Tx) error {
		ctx := context.Background()
		if err := tx.Insert(ctx, "message", strings.Fields("id project_id msgid copy kind submitter_id date subject in_reply_to thread_id hidden"), messages); err != nil {
			return err
		}
		if err := tx.Insert(ctx, "message_body", strings.Fields("message_id headers content"), bodies); err != nil {
			return err
		}
		if err := tx.Insert(ctx, "patch", strings.Fields("id message_id project_id submitter_id date name name_key state_id archived"), patches); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE patch_count SET patches = patches + ? WHERE project_id = 1 AND state_id = 1 AND archived = FALSE AND delegate_id = 0", n)
		if err == nil {
			err = tx.Insert(ctx, "patch_words_fill", []string{"id", "done", "last"}, [][]any{{1, 1999, 2000 + n}})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	fillWords(t, db)
	return ids
}

// TestUpdateAtOnce: four processes change overlapping patches at the same time; nothing deadlocks and the roll-ups stay true.
func TestUpdateAtOnce(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			url := dbtest.MigratedURL(t, engine)
			handles := make([]*sqldb.DB, 4)
			for i := range handles {
				db, err := sqldb.Open(t.Context(), url, sqldb.Options{MaxConnections: 3})
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				handles[i] = db
			}
			seed(t, handles[0])
			var all sync.WaitGroup
			for i, db := range handles {
				all.Go(func() {
					for n := range 8 {
						state, delegate := int64(1+(i+n)%10), []int64{0, userMia}[(i+n)%2]
						ids := []int64{39, 2, 3, 4, 20, 19, 40}
						if i%2 == 1 {
							ids = []int64{4, 3, 40, 19, 1}
						}
						if _, err := patch.Update(t.Context(), db, admin, noon, ids, patch.Change{State: &state, Delegate: &delegate}); err != nil {
							t.Errorf("process %d: %v", i, err)
						}
					}
				})
			}
			all.Wait()
			if found := findings(t, handles[0]); len(found) > 0 {
				t.Error(found)
			}
			balanced(t, handles[0], 3, "under-review")
		})
	}
}

// balanced wants the events of a patch to lead from its first state to the one it has: whatever else it entered, it left.
func balanced(t *testing.T, db *sqldb.DB, id int64, first string) {
	t.Helper()
	net := map[string]int{first: 1}
	events := rowsOf(t, db, "SELECT e.payload FROM event e JOIN event_subject s ON s.event_id = e.id WHERE s.kind = 'patch' AND s.subject_id = ? AND e.kind = 'patch-state-changed'", id)
	for _, payload := range events {
		var p patch.Payload
		if err := json.Unmarshal([]byte(payload), &p); err != nil {
			t.Fatal(err)
		}
		net[p.PreviousState]--
		net[p.CurrentState]++
	}
	now := rowsOf(t, db, "SELECT s.slug FROM patch p JOIN state s ON s.id = p.state_id WHERE p.id = ?", id)[0]
	net[now]--
	for state, n := range net {
		if n != 0 {
			t.Errorf("patch %d is %s, but its %d events leave %d for %s", id, now, len(events), n, state)
		}
	}
	if len(events) < 2 {
		t.Errorf("%d events", len(events))
	}
}
