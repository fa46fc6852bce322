// SPDX-License-Identifier: GPL-2.0-or-later

package job

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// attempt is a job under way in this process.
type attempt struct {
	job    Job
	kind   Kind
	ctx    context.Context
	cancel context.CancelCauseFunc
	began  time.Time
	until  clock.Time // of the lease; guarded by Runner.mu
	ended  chan struct{}
	before *attempt // one of the same job that has lost its lease and has not ended
}

var errLeaseLost = fault.New(fault.Unavailable, "the lease was lost")

func (r *Runner) begin(working context.Context, j Job) *attempt {
	a := &attempt{job: j, kind: r.kinds[j.Kind], began: time.Now(), until: j.LeaseUntil, ended: make(chan struct{})}
	a.ctx, a.cancel = context.WithCancelCause(working)
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.before = r.running[j.ID]; a.before != nil {
		a.before.cancel(errLeaseLost)
	}
	r.running[j.ID] = a
	return a
}

// run does a job and writes down how it ended.
func (r *Runner) run(a *attempt) {
	defer close(a.ended)
	defer a.cancel(nil)
	if a.before != nil {
		<-a.before.ended
	}
	_, err := r.guarded(a.ctx, func(ctx context.Context) (bool, error) { return false, a.kind.Handle(ctx, a.job) })
	outcome := r.conclude(a, err)
	r.mu.Lock()
	if r.running[a.job.ID] == a {
		delete(r.running, a.job.ID)
	}
	r.mu.Unlock()
	select {
	case r.freed <- struct{}{}:
	default:
	}
	if r.opt.Observe != nil {
		r.opt.Observe(a.job.Kind, outcome, time.Since(a.began))
	}
}

// conclude writes the end of an attempt until the database takes it or the lease has run out, and returns the state of the job then. The heartbeat goes
// on meanwhile, so nobody else begins.
func (r *Runner) conclude(a *attempt, result error) (outcome string) {
	log := r.log.With("job", a.job.ID, "kind", a.job.Kind, "attempt", a.job.Attempts)
	ctx := context.WithoutCancel(a.ctx)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := r.db.Tx(ctx, func(tx *sqldb.Tx) (err error) {
			outcome, err = r.write(ctx, tx, a, result)
			return err
		})
		switch {
		case err == nil:
			report(log, outcome, a.job, result)
			return outcome
		case fault.Is(err, fault.Conflict) || r.lapsed(a):
			log.Warn("the lease was lost before the job ended: it runs again", "err", err)
			return "lost"
		}
		log.Warn("can't write down the end of a job, trying again", "err", err)
		time.Sleep(wait)
	}
}

func (r *Runner) write(ctx context.Context, tx *sqldb.Tx, a *attempt, result error) (string, error) {
	now := r.clock.Now()
	switch {
	case result == nil:
		return Done, Finish(ctx, tx, now, a.job)
	case a.ctx.Err() != nil && !IsPermanent(result):
		return "interrupted", giveBack(ctx, tx, now, a.job)
	}
	return Fail(ctx, tx, now, now.Add(vary(a.kind.Backoff(a.job.Attempts))), a.job, result)
}

func report(log interface{ Warn(string, ...any) }, outcome string, j Job, result error) {
	switch outcome {
	case Dead:
		log.Warn("job failed for the last time", "target", j.Target, "err", result)
	case Waiting:
		log.Warn("job failed, trying again later", "target", j.Target, "err", result)
	}
}

// vary changes d by up to a quarter, so that what failed together is not tried again together.
func vary(d time.Duration) time.Duration {
	return d*3/4 + time.Duration(rand.Int64N(int64(d/2)+1))
}

// lapsed tells whether the lease has run out by this machine's clock.
func (r *Runner) lapsed(a *attempt) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.clock.Now() >= a.until
}

// count is how many jobs of a kind run in this process; "": of all kinds.
func (r *Runner) count(kind string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.running {
		if kind == "" || a.job.Kind == kind {
			n++
		}
	}
	return n
}

func (r *Runner) panicked(p any) error {
	r.log.Error("panic", "err", p, "stack", string(debug.Stack()))
	return fmt.Errorf("panic: %v", p)
}
