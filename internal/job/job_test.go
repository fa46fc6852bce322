// SPDX-License-Identifier: GPL-2.0-or-later

package job_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/test/dbtest"
)

const now = clock.Time(1_000_000_000_000)

func enqueue(t *testing.T, db *sqldb.DB, list ...job.New) {
	t.Helper()
	inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		for _, n := range list {
			if _, err := job.Enqueue(ctx, tx, now, n); err != nil {
				return err
			}
		}
		return nil
	})
}

func inTx(t *testing.T, db *sqldb.DB, f func(ctx context.Context, tx *sqldb.Tx) error) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *sqldb.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func claim(t *testing.T, db *sqldb.DB, at clock.Time, owner string, most int) (jobs []job.Job) {
	t.Helper()
	inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) (err error) {
		jobs, err = claimAll(ctx, tx, at, owner, most)
		return err
	})
	return jobs
}

// claimAll claims of all kinds.
func claimAll(ctx context.Context, tx *sqldb.Tx, at clock.Time, owner string, most int) ([]job.Job, error) {
	if _, err := job.Tidy(ctx, tx, at); err != nil {
		return nil, err
	}
	var kinds []string
	if err := tx.Select(ctx, &kinds, "SELECT DISTINCT kind FROM job ORDER BY kind"); err != nil {
		return nil, err
	}
	var wants []job.Want
	for _, k := range kinds {
		wants = append(wants, job.Want{Kind: k, Lease: time.Minute, Most: most})
	}
	jobs, _, err := job.Claim(ctx, tx, at, owner, most, wants)
	return jobs, err
}

func kinds(jobs []job.Job) string {
	var out []string
	for _, j := range jobs {
		out = append(out, j.Kind)
	}
	return strings.Join(out, " ")
}

func finish(db *sqldb.DB, j job.Job) error {
	return db.Tx(context.Background(), func(tx *sqldb.Tx) error { return job.Finish(context.Background(), tx, now, j) })
}

func fail(db *sqldb.DB, next clock.Time, j job.Job, why string) error {
	return db.Tx(context.Background(), func(tx *sqldb.Tx) error {
		_, err := job.Fail(context.Background(), tx, now, next, j, errors.New(why))
		return err
	})
}

func TestEnqueueAndClaim(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		enqueue(t, db, job.New{Kind: "a", Target: strings.Repeat("ä", 300), Priority: 3, MaxAttempts: 2, Payload: map[string]int{"n": 1}})
		got := claim(t, db, now, "me", 10)
		want := []job.Job{{ID: 1, Kind: "a", Target: strings.Repeat("ä", 255), Priority: 3, Payload: `{"n":1}`, State: "running", RunAt: now, Attempts: 1,
			MaxAttempts: 2, Allowed: 2, LeaseOwner: "me", LeaseUntil: now + 60_000_000, CreatedAt: now}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		var stored job.Job
		err := db.Get(t.Context(), &stored, "SELECT id, kind, target, priority, payload, state, run_at, attempts, max_attempts, allowed, tried_for, lease_owner, lease_until, error, created_at FROM job")
		if diff := cmp.Diff(want[0], stored); err != nil || diff != "" {
			t.Error(err, diff)
		}
		if again := claim(t, db, now, "you", 10); len(again) != 0 {
			t.Errorf("claimed twice: %+v", again)
		}
		err = db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			_, err := job.Enqueue(t.Context(), tx, now, job.New{Kind: "odd", Payload: func() {}})
			return err
		})
		if err == nil || !strings.HasPrefix(err.Error(), "enqueue odd: ") {
			t.Errorf("a payload that is no JSON: %v", err)
		}
	})
}

func TestClaimOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		enqueue(t, db, job.New{Kind: "late", RunAt: now + 10}, job.New{Kind: "b"}, job.New{Kind: "past", RunAt: now - 10}, job.New{Kind: "urgent", Priority: -1}, job.New{Kind: "idle", Priority: 9})
		if got := kinds(claim(t, db, now, "me", 3)); got != "urgent b past" {
			t.Errorf("first three: %s", got)
		}
		if got := kinds(claim(t, db, now, "me", 3)); got != "idle" {
			t.Errorf("then: %s", got)
		}
		if got := kinds(claim(t, db, now+10, "me", 3)); got != "late" {
			t.Errorf("later: %s", got)
		}
	})
}

// Jobs of one target run one after the other in order of their ids, whatever their priority, and one that waits for its next attempt holds up the rest.
func TestTargets(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		enqueue(t, db, job.New{Kind: "x1", Target: "x", Priority: 5}, job.New{Kind: "x2", Target: "x"}, job.New{Kind: "x3", Target: "x", MaxAttempts: 1}, job.New{Kind: "y1", Target: "y"},
			job.New{Kind: "x4", Target: "x"}, job.New{Kind: "free"}, job.New{Kind: "free"})
		first := claim(t, db, now, "me", 10)
		if kinds(first) != "y1 free free x1" {
			t.Fatalf("first: %s", kinds(first))
		}
		if err := fail(db, now+100, first[3], "not yet"); err != nil {
			t.Fatal(err)
		}
		if got := claim(t, db, now, "me", 10); len(got) != 0 {
			t.Errorf("while x1 waits: %s", kinds(got))
		}
		for i, want := range []string{"x1", "x2", "x3", "x4"} {
			got := claim(t, db, now+100, "me", 10)
			if kinds(got) != want {
				t.Fatalf("claim %d: %s, want %s", i, kinds(got), want)
			}
			end := finish(db, got[0])
			if want == "x3" { // dead after its only attempt: no longer in the way
				end = nil
				if err := fail(db, now, got[0], "broken"); err == nil {
					t.Error("a finished job failed")
				}
			}
			if end != nil {
				t.Fatal(end)
			}
		}
	})
}

func TestLeaseExpires(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		enqueue(t, db, job.New{Kind: "a"})
		first := claim(t, db, now, "one", 1)[0]
		if got := claim(t, db, first.LeaseUntil-1, "two", 1); len(got) != 0 {
			t.Fatal("claimed under a lease")
		}
		second := claim(t, db, first.LeaseUntil, "one", 1)[0] // by the same owner's name: a process that was restarted
		if second.Attempts != 2 || second.LeaseUntil != now+120_000_000 {
			t.Errorf("%+v", second)
		}
		for what, err := range map[string]error{"finish": finish(db, first), "fail": fail(db, now, first, "x")} {
			if !fault.Is(err, fault.Conflict) || err.Error() != "job 1 is no longer leased to one" {
				t.Errorf("%s after the lease was lost: %v", what, err)
			}
		}
		if err := finish(db, second); err != nil {
			t.Error(err)
		}
		for what, err := range map[string]error{"finish": finish(db, second), "fail": fail(db, now, second, "x")} {
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("%s after it was finished: %v", what, err)
			}
		}
		var state string
		if err := db.Get(t.Context(), &state, "SELECT CONCAT_WS(' ', state, finished_at, error) FROM job"); err != nil || state != "done 1000000000000 " {
			t.Errorf("%s, %v", state, err)
		}
	})
}

// TestJobThatKillsItsProcess: a job that ends its process each time is dead after its last attempt, and the next of its target can run.
func TestJobThatKillsItsProcess(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		enqueue(t, db, job.New{Kind: "a", Target: "t", MaxAttempts: 2})
		enqueue(t, db, job.New{Kind: "b", Target: "t"})
		at := now
		for attempt := 1; attempt <= 2; attempt++ {
			got := claim(t, db, at, "me", 10)
			if len(got) != 1 || got[0].Kind != "a" || got[0].Attempts != attempt {
				t.Fatalf("attempt %d: %+v", attempt, got)
			}
			at = got[0].LeaseUntil
		}
		if got := claim(t, db, at, "me", 10); len(got) != 1 || got[0].Kind != "b" {
			t.Errorf("after its last attempt: %+v", got)
		}
		var state string
		if err := db.Get(t.Context(), &state, "SELECT CONCAT_WS(' ', state, attempts, error) FROM job WHERE kind = 'a'"); err != nil || state != "dead 2 its process ended before it did" {
			t.Errorf("%s, %v", state, err)
		}
	})
}

func TestFail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		enqueue(t, db, job.New{Kind: "a", MaxAttempts: 3})
		for attempt, want := range []string{"waiting 1 0", "waiting 2 0", "dead 3 1000000000000"} {
			at := now + clock.Time(attempt)*1000
			got := claim(t, db, at, "me", 1)
			if len(got) != 1 {
				t.Fatalf("attempt %d: %d jobs", attempt, len(got))
			}
			if err := fail(db, at+1000, got[0], strings.Repeat("é", 11000)); err != nil {
				t.Fatal(err)
			}
			var row string
			if err := db.Get(t.Context(), &row, "SELECT CONCAT_WS(' ', state, attempts, COALESCE(finished_at, 0)) FROM job"); err != nil {
				t.Fatal(err)
			}
			if row != want {
				t.Errorf("attempt %d: %s, want %s", attempt, row, want)
			}
			if got := claim(t, db, at+999, "me", 1); len(got) != 0 {
				t.Error("claimed before its time")
			}
		}
		if got := claim(t, db, now+1e12, "me", 1); len(got) != 0 {
			t.Error("a dead job was claimed")
		}
		var why string
		if err := db.Get(t.Context(), &why, "SELECT error FROM job"); err != nil || why != strings.Repeat("é", 10000) {
			t.Errorf("error of %d bytes, %v", len(why), err)
		}
	})
}

// Four workers claim three hundred jobs: each job goes to one of them, and those of a target never overlap or change order.
func TestClaimConcurrently(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		var list []job.New
		for i := range 300 {
			n := job.New{Kind: []string{"a", "b"}[i%2], MaxAttempts: 1}
			if i%3 == 0 {
				n.Target = fmt.Sprintf("target %d", i%10)
			}
			list = append(list, n)
		}
		enqueue(t, db, list...)
		var mu sync.Mutex
		ran := map[int64]int{}
		last, busy := map[string]int64{}, map[string]bool{}
		begin := func(j job.Job) {
			mu.Lock()
			defer mu.Unlock()
			ran[j.ID]++
			if j.Target != "" && (busy[j.Target] || last[j.Target] > j.ID) {
				t.Errorf("job %d of %s: another one runs (%v) or came later (%d)", j.ID, j.Target, busy[j.Target], last[j.Target])
			}
			last[j.Target], busy[j.Target] = j.ID, true
		}
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
					var jobs []job.Job
					err := db.Tx(t.Context(), func(tx *sqldb.Tx) (err error) {
						jobs, err = claimAll(t.Context(), tx, now, fmt.Sprint("worker ", worker), 7)
						return err
					})
					if err != nil {
						t.Error(err)
						return
					}
					for _, j := range jobs {
						begin(j)
						mu.Lock()
						busy[j.Target] = false
						mu.Unlock()
						if err := finish(db, j); err != nil {
							t.Error(err)
						}
					}
					mu.Lock()
					done := len(ran) == 300
					mu.Unlock()
					if done {
						return
					}
				}
			})
		}
		wg.Wait()
		if len(ran) != 300 {
			var left []string
			if err := db.Select(t.Context(), &left, "SELECT CONCAT_WS(' ', id, target, state, attempts, max_attempts) FROM job WHERE state <> 'done' UNION ALL SELECT CONCAT_WS(' ', 'lane', target, job_id) FROM job_lane"); err != nil {
				t.Error(err)
			}
			t.Errorf("%d jobs ran; left are %v", len(ran), left)
		}
		for id, n := range ran {
			if n != 1 {
				t.Errorf("job %d ran %d times", id, n)
			}
		}
	})
}
