// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// ordered lets pw do something, and wants it to say something.
func (in *inbox) ordered(program, want string, args ...string) {
	in.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(in.env(), "PATH="+os.Getenv("PATH"))
	said, err := cmd.CombinedOutput()
	if err != nil || string(said) != want+"\n" {
		in.t.Fatalf("pw %s: %s, %v; want %s", strings.Join(args, " "), said, err, want)
	}
}

// crowdOfSeries makes each patch of a crowd a series of its own, and every second one has a line "Reviewed-by".
func (in *inbox) crowdOfSeries(db *sqldb.DB, n int) {
	in.t.Helper()
	ids := in.crowd(db, n)
	var series [][]any
	for _, id := range ids {
		series = append(series, []any{id, 1, "crowd", "crowd", 1, 1, 1, 1, 1, 1})
	}
	ctx := in.t.Context()
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := tx.Insert(ctx, "series", strings.Fields("id project_id name name_fold date submitter_id version total received state_id"), series); err != nil {
			return err
		}
		for _, query := range []string{"UPDATE patch SET series_id = id, number = 1", "UPDATE message_body SET content = 'Reviewed-by: A' WHERE message_id % 2 = 0"} {
			if _, err := tx.Exec(ctx, query); err != nil {
				return err
			}
		}
		_, err := patch.Check(ctx, tx, true, func(string) {})
		return err
	})
	if err != nil {
		in.t.Fatal(err)
	}
}

// killSweepers kills workers with signal 9 while they look at a project again, and lets the last one end it. It gives how many kills hit the middle.
func (in *inbox) killSweepers(program string) (hit int) {
	in.t.Helper()
	const waiting, far = "SELECT COUNT(*) FROM triage_sweep", "SELECT COALESCE(MAX(step * 100000 + after_id), 900000) FROM triage_sweep"
	for range faultRounds() {
		before := in.count(far)
		p := in.worker(program)
		for end := time.Now().Add(time.Minute); in.count(far) == before && in.count(waiting) == 1 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(rand.N(40 * time.Millisecond))
		p.Process.Kill()
		p.code(in.t)
		if in.count(waiting) == 1 {
			if now := in.count(far); now <= before {
				in.t.Errorf("after a kill the work stands at %d; before it was at %d", now, before)
			}
			hit++
		}
		in.expire()
	}
	p := in.worker(program)
	in.await("jobs that are not done", 0, "SELECT COUNT(*) FROM job WHERE state <> 'done'")
	in.ends(p)
	return hit
}

// testKillInMidSweep kills the worker while it counts tags anew and finds out where 3,000 series stand: in the end all of it is as it is found by the check of the
// database.
func testKillInMidSweep(t *testing.T, program string) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			in := newInbox(t, engine)
			db := in.open()
			defer db.Close()
			in.crowdOfSeries(db, 3000)
			in.lanes(db, "1 1500, 2 1500")
			in.ordered(program, `changed tag "Reviewed-by"; a worker counts anew in 1 project`, "admin", "tag", "update", "reviewed-by", "--pattern", "^Looked-at-by:")
			in.lanes(db, "1 1500, 2 1500")
			hit := in.killSweepers(program)
			in.lanes(db, "1 3000")
			in.ordered(program, `changed state "new"; a worker counts anew in 1 project`, "admin", "state", "update", "new", "--no-action-required")
			hit += in.killSweepers(program)
			in.lanes(db, "0 3000")
			if hit == 0 {
				t.Error("no kill hit the middle")
			}
			err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
				found, err := patch.Check(context.Background(), tx, false, func(string) {})
				if len(found) > 0 {
					t.Errorf("%+v", found)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			t.Logf("%d of %d kills hit the middle", hit, 2*faultRounds())
		})
	}
}

func (in *inbox) lanes(db *sqldb.DB, want string) {
	in.t.Helper()
	for _, query := range []string{"SELECT CONCAT_WS(' ', lane, COUNT(*)) FROM series_triage GROUP BY lane ORDER BY lane", "SELECT CONCAT_WS(' ', lane, series) FROM triage_count WHERE series <> 0 ORDER BY lane"} {
		var rows []string
		if err := db.Select(in.t.Context(), &rows, query); err != nil {
			in.t.Fatal(err)
		}
		if diff := cmp.Diff(want, strings.Join(rows, ", ")); diff != "" {
			in.t.Errorf("%s: %s", query, diff)
		}
	}
}
