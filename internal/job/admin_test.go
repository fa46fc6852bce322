// SPDX-License-Identifier: GPL-2.0-or-later

package job_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/test/dbtest"
)

var admin = event.Actor{User: 3, Admin: true, Via: "web"}

func expect(t *testing.T, db *sqldb.DB, query string, want ...string) {
	t.Helper()
	got := []string{}
	if err := db.Select(t.Context(), &got, query); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Errorf("%s: %s", query, diff)
	}
}

const states = "SELECT CONCAT_WS(' ', id, state, attempts, max_attempts, COALESCE(finished_at, 0)) FROM job ORDER BY id"

func TestRetryAndCancel(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		enqueue(t, db, job.New{Kind: "mail", MaxAttempts: 1}, job.New{Kind: "mail", MaxAttempts: 2}, job.New{Kind: "hook", Target: "t"}, job.New{Kind: "hook", Target: "t"},
			job.New{Kind: "hook", Target: "t"}, job.New{Kind: "late", RunAt: now + 1000})
		for _, j := range claim(t, db, now, "me", 10) {
			if j.Kind == "mail" {
				if err := fail(db, now+500, j, "no"); err != nil {
					t.Fatal(err)
				}
			}
		}
		expect(t, db, states, "1 dead 1 1 1000000000000", "2 waiting 1 2 0", "3 running 1 10 0", "4 blocked 0 10 0", "5 blocked 0 10 0", "6 waiting 0 10 0")

		tests := []struct {
			what string
			verb func() (int64, error)
			kind fault.Kind
			text string
		}{
			{"a user", func() (int64, error) {
				return job.Retry(ctx, db, event.Actor{User: 4, Via: "web"}, now, job.Query{State: "dead"})
			}, fault.Denied, "only an administrator may retry jobs"},
			{"all of them", func() (int64, error) { return job.Cancel(ctx, db, admin, now, job.Query{}) }, fault.Invalid, "say which jobs: by number, state, kind or target"},
			{"a strange state", func() (int64, error) { return job.Cancel(ctx, db, admin, now, job.Query{State: "gone"}) }, fault.Invalid,
				`"gone" is no state of a job; want waiting, blocked, queued, running, done, dead, cancelled`},
			{"one that runs", func() (int64, error) { return job.Cancel(ctx, db, admin, now, job.Query{IDs: []int64{4, 3}}) }, fault.Conflict,
				"cancel jobs: job 3 is running: only one that waits can be cancelled"},
			{"none", func() (int64, error) { return job.Retry(ctx, db, admin, now, job.Query{IDs: []int64{1, 99}}) }, fault.NotFound, "retry jobs: there is no job 99"},
		}
		for _, test := range tests {
			if n, err := test.verb(); n != 0 || !fault.Is(err, test.kind) || err.Error() != test.text {
				t.Errorf("%s: %d, %v", test.what, n, err)
			}
		}
		expect(t, db, "SELECT verb FROM audit")

		if n, err := job.Retry(ctx, db, admin, now+7, job.Query{Kind: "mail"}); n != 2 || err != nil {
			t.Errorf("retry: %d, %v", n, err)
		}
		if n, err := job.Cancel(ctx, db, admin, now+8, job.Query{IDs: []int64{4}}); n != 1 || err != nil {
			t.Errorf("cancel: %d, %v", n, err)
		}
		if n, err := job.Cancel(ctx, db, admin, now+8, job.Query{Kind: "late"}); n != 1 || err != nil {
			t.Errorf("cancel: %d, %v", n, err)
		}
		// 5 is queued because it may be the first now; the next claim sets it aside again.
		expect(t, db, states, "1 queued 1 2 0", "2 queued 1 2 0", "3 running 1 10 0", "4 cancelled 0 10 1000000000008", "5 queued 0 10 0", "6 cancelled 0 10 1000000000008")
		if got := claim(t, db, now+8, "you", 10); kinds(got) != "mail mail" {
			t.Errorf("claimed %s", kinds(got))
		}
		expect(t, db, "SELECT CONCAT_WS(' ', at, actor_id, via, verb, subject, detail) FROM audit ORDER BY id",
			"1000000000007 3 web job retry 2 jobs mail", "1000000000008 3 web job cancel job 4 hook t", "1000000000008 3 web job cancel job 6 late")

		jobs, err := job.List(ctx, db, admin, job.Query{Kind: "hook", Limit: 2, Before: 5})
		if err != nil || len(jobs) != 2 || jobs[0].ID != 4 || jobs[0].FinishedAt != now+8 || jobs[1].ID != 3 {
			t.Errorf("list: %+v, %v", jobs, err)
		}
		if _, err := job.Get(ctx, db, event.Actor{User: 4}, 3); !fault.Is(err, fault.Denied) {
			t.Errorf("a user sees a job: %v", err)
		}
		if _, err := job.Get(ctx, db, admin, 99); !fault.Is(err, fault.NotFound) {
			t.Errorf("no job: %v", err)
		}
	})
}

func TestPulse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		pulse := func(oldest time.Duration, alive int, stuck string) {
			t.Helper()
			p, err := job.TakePulse(t.Context(), db, now)
			idle := p.Idle
			p.Idle = 0
			if err != nil || p != (job.Pulse{Oldest: oldest, Alive: alive}) {
				t.Errorf("%+v, %v", p, err)
			}
			if p.Idle = idle; p.Stuck() != (stuck != "") || p.Stuck() && p.Trouble() != stuck {
				t.Errorf("stuck %v: %s, want %q", p.Stuck(), p.Trouble(), stuck)
			}
		}
		pulse(0, 0, "")
		enqueue(t, db, job.New{Kind: "a"}, job.New{Kind: "b", RunAt: now + 5_000_000})
		pulse(0, 0, "")
		dbExec(t, db, "UPDATE job SET run_at = run_at - 600000000")
		pulse(10*time.Minute, 0, "")
		dbExec(t, db, "UPDATE job SET run_at = run_at - 1 WHERE kind = 'a'")
		pulse(10*time.Minute+time.Microsecond, 0, "jobs have been due for 10 minutes")
		// The only job there is ran in a process that was killed.
		dbExec(t, db, "UPDATE job SET run_at = 1000001000000")
		dbExec(t, db, "UPDATE job SET state = 'running', lease_until = 1000000000000 - 7300000000 WHERE kind = 'a'")
		pulse(2*time.Hour+100*time.Second, 0, "jobs have been due for 2 hours")
		dbExec(t, db, "UPDATE job SET lease_until = 1000000000001")
		pulse(0, 0, "")
		// Nothing is queued, because nobody makes jobs of events.
		dbExec(t, db, "INSERT INTO job_periodic (name, due_at, started_at, finished_at, lease_owner, lease_until, error) VALUES ('x', 0, 1000000000000 - 600000000, 0, '', 0, ''), ('y', 0, 1, 0, '', 0, '')")
		pulse(0, 0, "")
		dbExec(t, db, "UPDATE job_periodic SET started_at = 1000000000000 - 432000000000")
		pulse(0, 0, "nothing has been done in the background for 5 days")
		dbExec(t, db, "UPDATE job SET run_at = run_at - 600000001 - 1000000, state = 'queued', lease_until = 0 WHERE kind = 'a'")
		dbExec(t, db, "INSERT INTO worker (id, host, pid, kinds, started_at, seen_at) VALUES ('w', 'h', 7, 'a b', 5, 999970000000), ('dead', 'h', 8, 'a', 4, 999960000000)")
		pulse(10*time.Minute+time.Microsecond, 1, "")
		workers, err := job.Workers(t.Context(), db)
		if err != nil || len(workers) != 2 || workers[0].Alive(now) || !workers[1].Alive(now) || workers[1].PID != 7 || workers[1].Kinds != "a b" {
			t.Errorf("%+v, %v", workers, err)
		}
		counts, err := job.Counts(t.Context(), db)
		if diff := cmp.Diff([]job.Count{{Kind: "a", State: "queued", Jobs: 1}, {Kind: "b", State: "waiting", Jobs: 1}}, counts); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}

func dbExec(t *testing.T, db *sqldb.DB, query string) {
	t.Helper()
	if _, err := db.SQL().Exec(query); err != nil {
		t.Fatal(err)
	}
}

func TestSweep(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		enqueue(t, db, job.New{Kind: "old"}, job.New{Kind: "young"}, job.New{Kind: "dead"}, job.New{Kind: "cancelled"}, job.New{Kind: "b", Target: "t"}, job.New{Kind: "c", Target: "t"})
		dbExec(t, db, "UPDATE job SET state = 'done', finished_at = 100 WHERE kind = 'old'")
		dbExec(t, db, "UPDATE job SET state = 'done', finished_at = 200 WHERE kind = 'young'")
		dbExec(t, db, "UPDATE job SET state = 'dead', finished_at = 100 WHERE kind = 'dead'")
		dbExec(t, db, "UPDATE job SET state = 'cancelled', finished_at = 100 WHERE kind = 'cancelled'")
		dbExec(t, db, "UPDATE job SET state = 'blocked' WHERE target = 't'")
		dbExec(t, db, "INSERT INTO job_lane (target, job_id) VALUES ('t', 77)")
		dbExec(t, db, "INSERT INTO worker (id, host, pid, kinds, started_at, seen_at) VALUES ('gone', 'h', 7, '', 5, 996399999999), ('w', 'h', 7, '', 5, 996400000001)")
		n, err := job.Sweep(t.Context(), db, now, 200)
		if n != 2 || err != nil {
			t.Errorf("%d swept, %v", n, err)
		}
		expect(t, db, "SELECT CONCAT_WS(' ', kind, state) FROM job ORDER BY id", "young done", "dead dead", "b queued", "c blocked")
		expect(t, db, "SELECT id FROM worker", "w")
		expect(t, db, "SELECT target FROM job_lane")
	})
}

// TestRetryAgain: however often a job is retried, it has as many attempts as at first each time.
func TestRetryAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		enqueue(t, db, job.New{Kind: "a", MaxAttempts: 3}, job.New{Kind: "b", TriedFor: 72 * time.Hour})
		for round := 1; round <= 3; round++ {
			n := 0
			for ; n < 10; n++ {
				jobs := claim(t, db, now, "me", 10)
				if len(jobs) == 0 {
					break
				}
				for _, j := range jobs {
					next := now
					if j.Kind == "b" {
						next = now.Add(time.Hour)
					}
					if err := fail(db, next, j, "no"); err != nil {
						t.Fatal(err)
					}
				}
			}
			if n != 3 {
				t.Errorf("round %d: %d attempts", round, n)
			}
			if n, err := job.Retry(t.Context(), db, admin, now, job.Query{State: "dead"}); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
		expect(t, db, "SELECT CONCAT_WS(' ', kind, state, attempts, max_attempts, allowed, tried_for) FROM job ORDER BY id", "a queued 9 12 3 0", "b waiting 1 1000000 1000000 259200000000")
	})
}

func TestMicros(t *testing.T) {
	for want, d := range map[string]time.Duration{"": 0, "1 minute": time.Second, "2 minutes": 61 * time.Second, "1 hour": time.Hour, "36 hours": 36 * time.Hour, "3 days": 72 * time.Hour} {
		if got := job.Micros(d.Microseconds()).String(); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
