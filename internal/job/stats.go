// SPDX-License-Identifier: GPL-2.0-or-later

package job

import (
	"context"
	"fmt"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// Count is how many jobs of a kind are in a state.
type Count struct {
	Kind  string
	State string
	Jobs  int64
}

// Counts are the jobs that are not finished and those that are dead, by kind and state.
func Counts(ctx context.Context, q sqldb.Queryer) ([]Count, error) {
	var out []Count
	err := q.Select(ctx, &out, `SELECT kind, state, COUNT(*) AS jobs FROM job WHERE state IN ('waiting', 'blocked', 'queued', 'running', 'dead')
		GROUP BY kind, state ORDER BY kind, state`)
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	return out, nil
}

// Pulse says whether the queue moves. It costs the same however long the queue is.
type Pulse struct {
	Oldest time.Duration // how long the oldest job that could run has been due
	Idle   time.Duration // how long ago any worker began periodic work, which some is due every minute of; 0: none ever did
	Alive  int           // workers seen lately
}

// stuckAfter is how old the oldest job may be without a worker.
const stuckAfter = 10 * time.Minute

// Stuck tells whether work has been due for ten minutes and nobody is there to do it. Without a worker nothing makes jobs of events either, so the
// queue may be empty.
func (p Pulse) Stuck() bool { return p.Alive == 0 && max(p.Oldest, p.Idle) > stuckAfter }

// Trouble says in a few words what is stuck.
func (p Pulse) Trouble() string {
	if p.Oldest > stuckAfter {
		return "jobs have been due for " + Micros(p.Oldest.Microseconds()).about()
	}
	return "nothing has been done in the background for " + Micros(p.Idle.Microseconds()).about()
}

// about is the span in its largest whole unit.
func (m Micros) about() string {
	unit := time.Minute
	switch d := m.Duration(); {
	case d >= 48*time.Hour:
		unit = 24 * time.Hour
	case d >= 2*time.Hour:
		unit = time.Hour
	}
	return Micros(m.Duration().Truncate(unit).Microseconds()).String()
}

// TakePulse reads the pulse of the queue.
func TakePulse(ctx context.Context, q sqldb.Queryer, now clock.Time) (Pulse, error) {
	var n struct {
		Queued, Waiting, Lost, Begun clock.Time
		Alive                        int
	}
	err := q.Get(ctx, &n, `SELECT COALESCE((SELECT MIN(run_at) FROM job WHERE state = 'queued'), ?) AS queued,
		COALESCE((SELECT MIN(run_at) FROM job WHERE state = 'waiting'), ?) AS waiting,
		COALESCE((SELECT MIN(lease_until) FROM job WHERE state = 'running'), ?) AS lost,
		COALESCE((SELECT MAX(started_at) FROM job_periodic), 0) AS begun,
		(SELECT COUNT(*) FROM worker WHERE seen_at > ?) AS alive`, int64(now), int64(now), int64(now), int64(now.Add(-aliveFor)))
	if err != nil {
		return Pulse{}, fmt.Errorf("look at the queue: %w", err)
	}
	p := Pulse{Oldest: max(0, now.Sub(min(n.Queued, n.Waiting, n.Lost))), Alive: n.Alive}
	if n.Begun > 0 {
		p.Idle = max(0, now.Sub(n.Begun))
	}
	return p, nil
}

// Work is a line of the list of periodic work.
type Work struct {
	Name     string
	Due      clock.Time `db:"due_at"`
	Started  clock.Time `db:"started_at"`  // 0: never
	Finished clock.Time `db:"finished_at"` // of the time before, while it runs; 0: never
	Owner    string     `db:"lease_owner"` // who does it now; empty: nobody
	Error    string     // of the last time
}

// Works lists all periodic work that was ever begun.
func Works(ctx context.Context, q sqldb.Queryer) ([]Work, error) {
	var out []Work
	err := q.Select(ctx, &out, "SELECT name, due_at, started_at, finished_at, lease_owner, error FROM job_periodic ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("list periodic work: %w", err)
	}
	return out, nil
}

// sweepBatch is how many rows one transaction of Sweep deletes.
const sweepBatch = 1000

// Sweep deletes jobs that were done or cancelled before a time, a thousand per transaction, and forgets workers that are long dead. Dead jobs stay. It
// returns how many jobs it deleted.
func Sweep(ctx context.Context, db *sqldb.DB, now, before clock.Time) (total int64, err error) {
	for {
		var n int64
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			var ids []int64
			err := tx.Select(ctx, &ids, `SELECT id FROM job WHERE state = 'done' AND finished_at < ? UNION ALL SELECT id FROM job WHERE state = 'cancelled' AND finished_at < ?
				LIMIT ?`, int64(before), int64(before), sweepBatch)
			if n = int64(len(ids)); err != nil || n == 0 {
				return err
			}
			_, err = tx.Exec(ctx, "DELETE FROM job WHERE id IN (?) AND state IN ('done', 'cancelled')", ids)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("delete old jobs: %w", err)
		}
		total += n
		if n < sweepBatch {
			break
		}
	}
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM worker WHERE seen_at < ?", int64(now.Add(-forgetGone))); err != nil {
			return err
		}
		_, err := Orphans(ctx, tx, true)
		return err
	})
	if err != nil {
		return total, fmt.Errorf("forget dead workers: %w", err)
	}
	return total, nil
}

// Orphans counts targets whose turn is held by no running job and those of which jobs wait for none, which a restored backup or a hand in the database may
// leave; with repair they are mended.
func Orphans(ctx context.Context, tx *sqldb.Tx, repair bool) (int64, error) {
	var held, waiting []string
	err := tx.Select(ctx, &held, "SELECT target FROM job_lane WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.id = job_lane.job_id AND job.state = 'running')")
	if err == nil {
		err = tx.Select(ctx, &waiting, `SELECT DISTINCT b.target FROM job b WHERE b.state = 'blocked' AND NOT EXISTS (SELECT 1 FROM job o WHERE o.target = b.target AND
			o.state IN ('waiting', 'queued', 'running'))`)
	}
	n := int64(len(held) + len(waiting))
	if err != nil || n == 0 || !repair {
		return n, wrap(err, "look for targets nobody works on")
	}
	for _, target := range held {
		// Once more with the lock: a job may have begun meanwhile.
		if _, err := tx.Exec(ctx, "DELETE FROM job_lane WHERE target = ? AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = job_lane.job_id AND job.state = 'running')", target); err != nil {
			return n, wrap(err, "free the turn of "+target)
		}
	}
	for _, target := range waiting {
		if err := queueFirst(ctx, tx, target, 0); err != nil {
			return n, wrap(err, "queue the first job of "+target)
		}
	}
	return n, nil
}

func wrap(err error, doing string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
