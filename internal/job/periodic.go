// SPDX-License-Identifier: GPL-2.0-or-later

package job

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// periodicLease is how long a process that was killed in the middle of periodic work keeps others from it.
const periodicLease = 2 * time.Minute

// Periodic is work that is done from time to time by one of all processes. When it was last begun is a row, so neither a restart nor another process
// does it sooner; it is done at once when the name is new.
type Periodic struct {
	Name  string // at most 60 characters
	Every time.Duration
	Run   func(ctx context.Context) error // what fails is tried again after Every, or ten minutes if that is less
}

// Every makes the runner take part in periodic work.
func (r *Runner) Every(p Periodic) { r.periodic = append(r.periodic, p) }

// repeat does p whenever it is due until ctx ends; work under way goes on until working ends.
func (r *Runner) repeat(ctx, working context.Context, p Periodic) {
	for ctx.Err() == nil {
		wait, mine, err := r.take(ctx, p)
		if err != nil && ctx.Err() == nil {
			r.log.Warn("can't look whether work is due, trying again", "work", p.Name, "err", err)
			wait = 10 * r.opt.Poll
		}
		if !mine {
			pause(ctx, max(r.opt.Poll, min(wait, time.Minute)))
			continue
		}
		r.doing(p.Name, true)
		began := time.Now()
		_, err = r.guarded(working, func(ctx context.Context) (bool, error) { return false, p.Run(ctx) })
		if err != nil {
			r.log.Warn("periodic work failed, trying again later", "work", p.Name, "err", err)
		}
		r.doing(p.Name, false)
		r.endPeriodic(context.WithoutCancel(ctx), p, err, working.Err() != nil)
		if r.opt.Observe != nil {
			r.opt.Observe("periodic "+p.Name, outcomeOf(err), time.Since(began))
		}
	}
}

func outcomeOf(err error) string {
	if err != nil {
		return "failed"
	}
	return Done
}

// retryPeriodic is how soon periodic work that failed is tried again, if Every is longer.
const retryPeriodic = 10 * time.Minute

// take begins p if it is due and nobody is at it; else wait is how long it is till then. It stays due until its end is written down, so that after a
// kill another process does it as soon as the lease has run out.
func (r *Runner) take(ctx context.Context, p Periodic) (wait time.Duration, mine bool, err error) {
	var rows []struct {
		Due     clock.Time `db:"due_at"`
		Started clock.Time `db:"started_at"`
		Until   clock.Time `db:"lease_until"`
	}
	err = r.db.Select(ctx, &rows, "SELECT due_at, started_at, lease_until FROM job_periodic WHERE name = ?", p.Name)
	if err != nil {
		return 0, false, fmt.Errorf("read periodic work: %w", err)
	}
	now := r.clock.Now()
	for _, row := range rows {
		due := max(min(row.Due, row.Started.Add(p.Every)), row.Until) // Every may have become shorter
		if due > now {
			return due.Sub(now), false, nil
		}
	}
	err = r.db.Tx(ctx, func(tx *sqldb.Tx) error {
		u := sqldb.Upsert{Table: "job_periodic", Columns: []string{"name", "due_at", "started_at", "finished_at", "lease_owner", "lease_until", "error"}, Key: []string{"name"}}
		if err := tx.Upsert(ctx, u, [][]any{{p.Name, 0, 0, 0, "", 0, ""}}); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "UPDATE job_periodic SET started_at = ?, lease_owner = ?, lease_until = ? WHERE name = ? AND (due_at <= ? OR started_at <= ?) AND lease_until <= ?",
			int64(now), r.id, int64(now.Add(periodicLease)), p.Name, int64(now), int64(now.Add(-p.Every)), int64(now))
		mine = err == nil && n == 1
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("begin periodic work: %w", err)
	}
	return r.opt.Poll, mine, nil
}

// endPeriodic writes down when p is due again: after Every, sooner if it failed, at once if it was interrupted.
func (r *Runner) endPeriodic(ctx context.Context, p Periodic, result error, interrupted bool) {
	now := r.clock.Now()
	why, pause := "", p.Every
	if result != nil {
		why, pause = errorText(result.Error()), min(p.Every, retryPeriodic)
	}
	if result != nil && interrupted {
		pause = 0
	}
	err := r.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE job_periodic SET due_at = ?, finished_at = ?, lease_owner = '', lease_until = 0, error = ?
			WHERE name = ? AND lease_owner = ?`, int64(now.Add(pause)), int64(now), why, p.Name, r.id)
		return err
	})
	if err != nil {
		r.log.Warn("can't write down the end of periodic work", "work", p.Name, "err", err)
	}
}

// doing notes that periodic work is under way here, or no more.
func (r *Runner) doing(name string, yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if yes {
		r.at[name] = true
	} else {
		delete(r.at, name)
	}
}

// renewPeriodic prolongs the leases of periodic work that is under way here. One whose beginning or end could not be written down is left to run out.
func (r *Runner) renewPeriodic(ctx context.Context, now clock.Time) error {
	r.mu.Lock()
	names := slices.Sorted(maps.Keys(r.at))
	r.mu.Unlock()
	if len(names) == 0 {
		return nil
	}
	return r.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE job_periodic SET lease_until = ? WHERE name IN (?) AND lease_owner = ? AND lease_until > 0", int64(now.Add(periodicLease)), names, r.id)
		return err
	})
}
