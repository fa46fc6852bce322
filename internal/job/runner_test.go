// SPDX-License-Identifier: GPL-2.0-or-later

package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/test/dbtest"
)

// patience bounds what these tests wait for.
const patience = 60 * time.Second

func newRunner(db *sqldb.DB, opt job.Options) *job.Runner {
	return job.NewRunner(db, clock.System{}, slog.New(slog.DiscardHandler), opt)
}

// running runs r until stop is called or the test ends.
func running(t *testing.T, r *job.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

// await waits until query gives want.
func await(t *testing.T, db *sqldb.DB, query, want string) {
	t.Helper()
	var got string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var list []string
		if err := db.Select(t.Context(), &list, query); err != nil {
			t.Fatal(err)
		}
		if got = fmt.Sprint(list); got == want {
			return
		}
	}
	t.Fatalf("%s gives %s, want %s", query, got, want)
}

const outcomes = "SELECT CONCAT_WS(' ', kind, state, attempts, error) FROM job ORDER BY id"

func TestRunnerOutcomes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRunner(db, job.Options{})
		kind := func(name string, handle job.Handler) {
			r.Handle(job.Kind{Name: name, Handle: handle, Backoff: func(int) time.Duration { return time.Millisecond }})
		}
		kind("good", func(context.Context, job.Job) error { return nil })
		kind("bad", func(context.Context, job.Job) error { return errors.New("no") })
		kind("hopeless", func(context.Context, job.Job) error { return job.Permanent(errors.New("never")) })
		kind("wild", func(context.Context, job.Job) error { panic("oh") })
		kind("late", func(context.Context, job.Job) error {
			return job.RetryAt(errors.New("not today"), 4_000_000_000_000_000)
		})
		kind("second", func(_ context.Context, j job.Job) error {
			var n int
			if err := j.Decode(&n); err != nil || n != 7 {
				t.Error(n, err)
			}
			if j.Attempts == 1 {
				return errors.New("once more")
			}
			return nil
		})
		kind("unreadable", func(_ context.Context, j job.Job) error { return j.Decode(new(int)) })
		running(t, r)
		enqueue(t, db, job.New{Kind: "good"}, job.New{Kind: "bad", MaxAttempts: 3}, job.New{Kind: "hopeless"}, job.New{Kind: "wild", MaxAttempts: 1},
			job.New{Kind: "late"}, job.New{Kind: "second", Payload: 7}, job.New{Kind: "unreadable", Payload: "x"}, job.New{Kind: "nobody's"})
		await(t, db, outcomes, "[good done 1  bad dead 3 no hopeless dead 1 never wild dead 1 panic: oh late waiting 1 not today second done 2 "+
			" unreadable dead 1 read the payload of job 7: json: cannot unmarshal string into Go value of type int nobody's queued 0 ]")
		await(t, db, "SELECT CONCAT(run_at, '') FROM job WHERE kind = 'late'", "[4000000000000000]")
	})
}

// TestRunnersShare: jobs enqueued while two runners work are done once each and at once, not when they next look.
func TestRunnersShare(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		var mu sync.Mutex
		var ran []string
		var both atomic.Int32
		for range 2 {
			r := newRunner(db, job.Options{Poll: time.Hour, Parallel: 4})
			r.Handle(job.Kind{Name: "n", Handle: func(_ context.Context, j job.Job) error {
				mu.Lock()
				defer mu.Unlock()
				ran = append(ran, j.Payload)
				return nil
			}})
			r.Loop(job.Loop{Name: "l", Run: func(context.Context) (bool, error) { both.Add(1); return false, nil }})
			running(t, r)
		}
		for both.Load() < 2 {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(100 * time.Millisecond) // both have looked and sleep
		for i := range 50 {
			enqueue(t, db, job.New{Kind: "n", Payload: 100 + i, Target: []string{"", "a", "b"}[i%3]})
		}
		await(t, db, "SELECT CONCAT_WS(' ', state, attempts, COUNT(*)) FROM job GROUP BY state, attempts", "[done 1 50]")
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(ran)
		if len(ran) != 50 || ran[0] != "100" || ran[49] != "149" || len(slices.Compact(ran)) != 50 {
			t.Errorf("%d ran: %v", len(ran), ran)
		}
		await(t, db, "SELECT target FROM job_lane", "[]")
	})
}

// TestDrain: at the end of its context a runner begins nothing, lets a job come to its end, interrupts one that does not and gives it back.
func TestDrain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRunner(db, job.Options{Grace: 1500 * time.Millisecond})
		began := make(chan string, 10)
		r.Handle(job.Kind{Name: "short", Handle: func(ctx context.Context, _ job.Job) error {
			began <- "short"
			time.Sleep(50 * time.Millisecond)
			return ctx.Err()
		}})
		r.Handle(job.Kind{Name: "long", Handle: func(ctx context.Context, _ job.Job) error {
			began <- "long"
			<-ctx.Done()
			return ctx.Err()
		}})
		stop := running(t, r)
		enqueue(t, db, job.New{Kind: "short"}, job.New{Kind: "long", MaxAttempts: 1, Target: "t"}, job.New{Kind: "long", Target: "t"})
		<-began
		<-began
		await(t, db, "SELECT kinds FROM worker", "[long short]")
		stop()
		await(t, db, "SELECT CONCAT_WS(' ', kind, state, attempts, max_attempts, lease_owner, error) FROM job ORDER BY id",
			"[short done 1 10   long queued 1 2  interrupted: its process was stopped long blocked 0 10  ]")
		await(t, db, "SELECT id FROM worker", "[]")
	})
}

// TestHeartbeat: the lease of a job is renewed while it runs; one whose lease is taken away is interrupted.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		var lost atomic.Bool
		began := make(chan bool, 10)
		var release atomic.Bool
		for range 2 {
			r := newRunner(db, job.Options{Poll: 50 * time.Millisecond})
			r.Handle(job.Kind{Name: "short", Lease: 3 * time.Second, Handle: func(context.Context, job.Job) error { return nil }}) // the shortest lease sets the beat
			r.Handle(job.Kind{Name: "slow", Lease: time.Minute, Handle: func(ctx context.Context, _ job.Job) error {
				began <- true
				for !release.Load() {
					time.Sleep(10 * time.Millisecond)
				}
				return ctx.Err()
			}})
			r.Handle(job.Kind{Name: "robbed", Lease: time.Minute, Handle: func(ctx context.Context, j job.Job) error {
				if j.Attempts == 1 {
					began <- true
					<-ctx.Done()
					lost.Store(true)
				}
				return ctx.Err()
			}})
			running(t, r)
		}
		enqueue(t, db, job.New{Kind: "slow"}, job.New{Kind: "robbed"})
		<-began
		<-began
		var first int64
		if err := db.Get(t.Context(), &first, "SELECT lease_until FROM job WHERE kind = 'slow'"); err != nil {
			t.Fatal(err)
		}
		await(t, db, fmt.Sprintf("SELECT kind FROM job WHERE state = 'running' AND lease_until > %d ORDER BY kind", first+int64(2*time.Second/time.Microsecond)), "[robbed slow]")
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE job SET lease_until = 0, lease_owner = 'thief' WHERE kind = 'robbed'")
			return err
		})
		for end := time.Now().Add(patience); !lost.Load(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the job that lost its lease goes on")
			}
		}
		release.Store(true)
		await(t, db, outcomes, "[slow done 1  robbed done 2 ]")
	})
}

// TestPeriodic: of three runners one does the work, no more often than it should.
func TestPeriodic(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		var mu sync.Mutex
		var times int
		var failed atomic.Int32
		start := time.Now()
		for range 3 {
			r := newRunner(db, job.Options{Poll: 20 * time.Millisecond})
			r.Every(job.Periodic{Name: "sweep", Every: time.Second, Run: func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				times++
				return nil
			}})
			r.Every(job.Periodic{Name: "yearly", Every: 365 * 24 * time.Hour, Run: func(context.Context) error {
				failed.Add(1)
				return errors.New("no luck")
			}})
			running(t, r)
		}
		for n := 0; n < 3; time.Sleep(10 * time.Millisecond) {
			mu.Lock()
			n = times
			mu.Unlock()
			if most := 1 + int(time.Since(start)/(900*time.Millisecond)); n > most {
				t.Fatalf("done %d times within %v", n, time.Since(start))
			}
		}
		await(t, db, "SELECT CONCAT_WS(' ', name, lease_until, error) FROM job_periodic WHERE name = 'yearly'", "[yearly 0 no luck]")
		if n := failed.Load(); n != 1 {
			t.Errorf("the work that fails was done %d times", n)
		}
	})
}

// TestErrorWithZero: PostgreSQL takes no text with a zero byte; a job that failed with one must not stay running for ever.
func TestErrorWithZero(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRunner(db, job.Options{Poll: 20 * time.Millisecond})
		r.Handle(job.Kind{Name: "zero", Handle: func(context.Context, job.Job) error { return job.Permanent(errors.New("a\x00b")) }})
		running(t, r)
		enqueue(t, db, job.New{Kind: "zero"})
		await(t, db, "SELECT CONCAT(state, ' ', error) FROM job WHERE state <> 'queued' AND state <> 'running'", "[dead a\uFFFDb]")
	})
}

// TestPeriodicLeaseRunsOut: when the beginning or the end of periodic work could not be written down, the heartbeat of its process does not keep it from
// everybody for ever.
func TestPeriodicLeaseRunsOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRunner(db, job.Options{Poll: 50 * time.Millisecond})
		r.Handle(job.Kind{Name: "beats", Lease: 300 * time.Millisecond, Handle: func(context.Context, job.Job) error { return nil }})
		var done atomic.Int32
		r.Every(job.Periodic{Name: "sweep", Every: time.Hour, Run: func(context.Context) error { done.Add(1); return nil }})
		until := int64(clock.System{}.Now().Add(3 * time.Second))
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			return tx.Insert(ctx, "job_periodic", []string{"name", "due_at", "started_at", "finished_at", "lease_owner", "lease_until", "error"},
				[][]any{{"sweep", 0, 0, 0, r.ID(), until, ""}})
		})
		running(t, r)
		await(t, db, "SELECT CONCAT(name, ' ', lease_until) FROM job_periodic WHERE finished_at > 0", "[sweep 0]")
		if n := done.Load(); n != 1 {
			t.Errorf("done %d times", n)
		}
	})
}

func TestExponential(t *testing.T) {
	backoff := job.Exponential(10*time.Second, time.Minute)
	var got []time.Duration
	for attempt := range 6 {
		got = append(got, backoff(attempt))
	}
	want := []time.Duration{10 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
