// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// crowd puts n new patches into the project, from id 5000, and returns their ids.
func (in *inbox) crowd(db *sqldb.DB, n int) (ids []int64) {
	in.t.Helper()
	var messages, bodies, patches [][]any
	for i := range n {
		id := int64(5000 + i)
		ids = append(ids, id)
		messages = append(messages, []any{id, 1, fmt.Sprintf("<crowd%d@x>", id), 0, "patch", 1, 1, "x", "", id, false})
		bodies = append(bodies, []any{id, "", ""})
		patches = append(patches, []any{id, id, 1, 1, 1, "crowd", "crowd", 1, false})
	}
	ctx := in.t.Context()
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := tx.Insert(ctx, "person", strings.Fields("id email email_key name_key name_votes"), [][]any{{1, "ann@people.example", "ann@people.example", "", 1}}); err != nil {
			return err
		}
		if err := tx.Insert(ctx, "message", strings.Fields("id project_id msgid copy kind submitter_id date subject in_reply_to thread_id hidden"), messages); err != nil {
			return err
		}
		if err := tx.Insert(ctx, "message_body", strings.Fields("message_id headers content"), bodies); err != nil {
			return err
		}
		if err := tx.Insert(ctx, "patch", strings.Fields("id message_id project_id submitter_id date name name_key state_id archived"), patches); err != nil {
			return err
		}
		_, err := patch.Check(ctx, tx, true, func(string) {})
		return err
	})
	if err != nil {
		in.t.Fatal(err)
	}
	return ids
}

// killWorkers kills workers with signal 9 while they do a change, and lets the last one end it. It gives how many kills hit the middle.
func (in *inbox) killWorkers(program string, set int64) (hit int) {
	in.t.Helper()
	done := fmt.Sprintf("SELECT done FROM change_set WHERE id = %d", set)
	waiting := fmt.Sprintf("SELECT COUNT(*) FROM change_set WHERE id = %d AND state = 'waiting'", set)
	for range faultRounds() {
		before := in.count(done)
		p := in.worker(program)
		for end := time.Now().Add(time.Minute); in.count(done) == before && in.count(waiting) == 1 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(rand.N(40 * time.Millisecond))
		p.Process.Kill()
		p.code(in.t)
		if in.count(waiting) == 1 && in.count(done) > before {
			hit++
		}
		in.expire()
	}
	if in.count(waiting) == 0 {
		return hit
	}
	p := in.worker(program)
	in.await("changes that wait", 0, waiting)
	in.ends(p)
	return hit
}

// testKillInMidChange kills the worker in the middle of a change of 3,000 patches, and of taking that back: each patch is changed once, by one event.
func testKillInMidChange(t *testing.T, program string) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			in := newInbox(t, engine)
			db := in.open()
			defer db.Close()
			ids := in.crowd(db, 3000)
			accepted, now := int64(3), clock.System{}.Now()
			s, _, err := patch.ChangeMany(t.Context(), db, account.CLI, now, patch.Request{Project: 1, Selection: patch.Selection{Patches: ids}, Change: patch.Change{State: &accepted}})
			if err != nil {
				t.Fatal(err)
			}
			hit := in.killWorkers(program, s.ID)
			in.changedOnce(db, s.ID, "3 3000 3000 accepted")
			back, err := patch.Undo(t.Context(), db, account.CLI, clock.System{}.Now(), s.ID)
			if err != nil {
				t.Fatal(err)
			}
			hit += in.killWorkers(program, back.ID)
			in.changedOnce(db, back.ID, "1 3000 3000 new")
			if hit == 0 {
				t.Error("no kill hit the middle")
			}
			t.Logf("%d of %d kills hit the middle", hit, 2*faultRounds())
		})
	}
}

// changedOnce wants all 3,000 patches in the state that want begins with, each brought there by one event, and the set and the roll-ups to say so.
func (in *inbox) changedOnce(db *sqldb.DB, set int64, want string) {
	in.t.Helper()
	var got []string
	for _, query := range []string{
		"SELECT CONCAT_WS(' ', MIN(state_id), COUNT(*)) FROM patch WHERE id >= 5000 GROUP BY state_id",
		"SELECT CONCAT_WS(' ', COUNT(*), COUNT(DISTINCT s.subject_id)) FROM event e JOIN event_subject s ON s.event_id = e.id WHERE e.kind = 'patch-state-changed' AND e.payload LIKE '%\"current_state\":\"" + strings.Fields(want)[3] + "\"%'",
		fmt.Sprintf("SELECT CONCAT_WS(' ', state, total, done, changed, refused + overtaken + lost) FROM change_set WHERE id = %d", set),
		fmt.Sprintf("SELECT CONCAT('', COUNT(*)) FROM change_row WHERE set_id = %d", set),
		"SELECT CONCAT('', COUNT(*)) FROM change_todo",
	} {
		var rows []string
		if err := db.Select(in.t.Context(), &rows, query); err != nil {
			in.t.Fatal(err)
		}
		got = append(got, strings.Join(rows, ", "))
	}
	f := strings.Fields(want)
	if diff := cmp.Diff([]string{f[0] + " 3000", f[1] + " " + f[2], "done 3000 3000 3000 0", "3000", "0"}, got); diff != "" {
		in.t.Error(diff)
	}
	err := db.Tx(in.t.Context(), func(tx *sqldb.Tx) error {
		found, err := patch.Check(in.t.Context(), tx, false, func(string) {})
		if len(found) > 0 {
			in.t.Errorf("%+v", found)
		}
		return err
	})
	if err != nil {
		in.t.Error(err)
	}
}
