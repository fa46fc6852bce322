// SPDX-License-Identifier: GPL-2.0-or-later

package job

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

const (
	beatEvery  = 10 * time.Second // or a third of the shortest lease
	aliveFor   = 35 * time.Second // a worker that has not been seen for so long is dead
	forgetGone = time.Hour        // and forgotten after this
)

// Worker is a process that runs jobs.
type Worker struct {
	ID      string
	Host    string
	PID     int64
	Kinds   string     // separated by spaces
	Started clock.Time `db:"started_at"`
	Seen    clock.Time `db:"seen_at"`
}

// Alive tells whether the worker has been seen lately.
func (w Worker) Alive(now clock.Time) bool { return now.Sub(w.Seen) < aliveFor }

// Workers are the processes that run jobs or did so until lately, in order of their start.
func Workers(ctx context.Context, q sqldb.Queryer) ([]Worker, error) {
	var out []Worker
	err := q.Select(ctx, &out, "SELECT id, host, pid, kinds, started_at, seen_at FROM worker ORDER BY started_at, id")
	if err != nil {
		return nil, fmt.Errorf("list workers: %w", err)
	}
	return out, nil
}

// register makes the runner known. It is no reason to stop if it fails: the heartbeat does it again.
func (r *Runner) register(ctx context.Context) {
	if err := r.seen(ctx, r.clock.Now()); err != nil {
		r.log.Warn("can't register this worker, trying again", "err", err)
	}
}

func (r *Runner) seen(ctx context.Context, now clock.Time) error {
	host, _ := os.Hostname()
	return r.db.Tx(ctx, func(tx *sqldb.Tx) error {
		u := sqldb.Upsert{Table: "worker", Columns: []string{"id", "host", "pid", "kinds", "started_at", "seen_at"}, Key: []string{"id"}, Replace: []string{"seen_at"}}
		return tx.Upsert(ctx, u, [][]any{{r.id, fmt.Sprintf("%.255s", host), os.Getpid(), strings.Join(r.kindNames(), " "), int64(now), int64(now)}})
	})
}

// unregister is the end of a runner that was not killed.
func (r *Runner) unregister(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := r.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM worker WHERE id = ?", r.id)
		return err
	})
	if err != nil {
		r.log.Warn("can't take this worker off the list of workers", "err", err)
	}
}

// beat renews the leases of what runs here and shows that this process lives, until ctx ends.
func (r *Runner) beat(ctx context.Context) {
	every := beatEvery
	for _, k := range r.kinds {
		every = min(every, k.Lease/3)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		once, cancel := context.WithTimeout(ctx, max(every, time.Second))
		err := r.renew(once)
		cancel()
		if err != nil && ctx.Err() == nil {
			r.log.Warn("can't renew leases, trying again", "err", err)
		}
		r.stopLapsed(every)
	}
}

// renew prolongs all leases. A job whose lease is another's meanwhile is interrupted.
func (r *Runner) renew(ctx context.Context) error {
	now := r.clock.Now()
	if err := r.seen(ctx, now); err != nil {
		return err
	}
	byKind := map[string][]int64{}
	r.mu.Lock()
	for id, a := range r.running {
		byKind[a.job.Kind] = append(byKind[a.job.Kind], id)
	}
	r.mu.Unlock()
	for kind, ids := range byKind {
		if err := r.renewKind(ctx, now, r.kinds[kind], ids); err != nil {
			return err
		}
	}
	return r.renewPeriodic(ctx, now)
}

func (r *Runner) renewKind(ctx context.Context, now clock.Time, k Kind, ids []int64) error {
	until := now.Add(k.Lease)
	var mine []int64
	err := r.db.Tx(ctx, func(tx *sqldb.Tx) error {
		mine = nil
		n, err := tx.Exec(ctx, "UPDATE job SET lease_until = ? WHERE id IN (?) AND state = 'running' AND lease_owner = ?", int64(until), ids, r.id)
		if err != nil || n == int64(len(ids)) {
			mine = ids
			return err
		}
		return tx.Select(ctx, &mine, "SELECT id FROM job WHERE id IN (?) AND state = 'running' AND lease_owner = ?", ids, r.id)
	})
	if err != nil {
		return fmt.Errorf("renew leases of %s: %w", k.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	lost := map[int64]bool{}
	for _, id := range ids {
		lost[id] = true
	}
	for _, id := range mine {
		delete(lost, id)
	}
	for _, id := range ids {
		a := r.running[id]
		switch {
		case a == nil: // it has ended meanwhile
		case lost[id]:
			a.cancel(errLeaseLost)
		default:
			a.until = until
		}
	}
	return nil
}

// stopLapsed interrupts jobs whose lease could not be renewed and runs out before the next heartbeat.
func (r *Runner) stopLapsed(every time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.running {
		if r.clock.Now().Add(every) >= a.until {
			a.cancel(errLeaseLost)
		}
	}
}
