// SPDX-License-Identifier: GPL-2.0-or-later

package job

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// The states of a job.
const (
	Queued  = "queued"
	Running = "running"
	Done    = "done"
	Dead    = "dead" // failed for the last time; kept until somebody looks
)

// New is a job to be queued.
type New struct {
	Kind        string
	Target      string     // jobs with the same non-empty target run one after the other, in order of their ids
	Priority    int        // lower runs first
	RunAt       clock.Time // 0: at once
	MaxAttempts int        // 0: 10
	Payload     any        // becomes JSON
}

// Job is a queued piece of work.
type Job struct {
	ID          int64
	Kind        string
	Target      string
	Priority    int
	Payload     string // JSON
	State       string
	RunAt       clock.Time `db:"run_at"`
	Attempts    int        // begun so far
	MaxAttempts int        `db:"max_attempts"`
	LeaseOwner  string     `db:"lease_owner"`
	LeaseUntil  clock.Time `db:"lease_until"`
	Error       string     // of the last attempt
	CreatedAt   clock.Time `db:"created_at"`
}

const columns = "id, kind, target, priority, payload, state, run_at, attempts, max_attempts, lease_owner, lease_until, error, created_at"

// Enqueue writes a job in the caller's transaction and returns its id.
func Enqueue(ctx context.Context, tx *sqldb.Tx, now clock.Time, n New) (int64, error) {
	id, err := tx.NextID(ctx, "job")
	if err != nil {
		return 0, err
	}
	payload, err := json.Marshal(n.Payload)
	if err != nil {
		return 0, fmt.Errorf("enqueue %s: %w", n.Kind, err)
	}
	if n.MaxAttempts == 0 {
		n.MaxAttempts = 10
	}
	row := []any{id, n.Kind, fold.Cut(n.Target, 255), n.Priority, string(payload), Queued, int64(max(n.RunAt, now)), 0, n.MaxAttempts, "", 0, "", int64(now)}
	return id, tx.Insert(ctx, "job", []string{"id", "kind", "target", "priority", "payload", "state", "run_at", "attempts", "max_attempts", "lease_owner", "lease_until", "error", "created_at"}, [][]any{row})
}

// Claim leases up to most jobs that are due, for owner until now+lease, passing over those another process is claiming and those behind
// an unfinished job of the same target. Jobs whose lease has run out are due again; after their last attempt they are dead: they took their process with
// them each time.
func Claim(ctx context.Context, tx *sqldb.Tx, now clock.Time, owner string, lease time.Duration, most int) ([]Job, error) {
	_, err := tx.Exec(ctx, "UPDATE job SET state = ?, lease_owner = '', error = ?, finished_at = ? WHERE state = ? AND lease_until <= ? AND attempts >= max_attempts",
		Dead, "its process ended before it did", int64(now), Running, int64(now))
	if err != nil {
		return nil, fmt.Errorf("bury jobs: %w", err)
	}
	var jobs []Job
	err = tx.Select(ctx, &jobs, "SELECT "+columns+` FROM job j WHERE (state = 'queued' AND run_at <= ? OR state = 'running' AND lease_until <= ?)
		AND (target = '' OR NOT EXISTS (SELECT 1 FROM job o WHERE o.target = j.target AND o.id < j.id AND o.state IN ('queued', 'running')))
		ORDER BY priority, run_at, id LIMIT ?`+tx.SkipLocked(), int64(now), int64(now), most)
	if err != nil {
		return nil, fmt.Errorf("claim jobs: %w", err)
	}
	for i := range jobs {
		j := &jobs[i]
		j.State, j.LeaseOwner, j.LeaseUntil, j.Attempts = Running, owner, now.Add(lease), j.Attempts+1
		_, err := tx.Exec(ctx, "UPDATE job SET state = ?, lease_owner = ?, lease_until = ?, attempts = ? WHERE id = ?", j.State, j.LeaseOwner, int64(j.LeaseUntil), j.Attempts, j.ID)
		if err != nil {
			return nil, fmt.Errorf("claim job %d: %w", j.ID, err)
		}
	}
	return jobs, nil
}

// Finish ends a job that its owner has done. fault.Conflict: the lease was lost to another process meanwhile.
func Finish(ctx context.Context, tx *sqldb.Tx, now clock.Time, j Job) error {
	n, err := tx.Exec(ctx, "UPDATE job SET state = ?, finished_at = ?, error = '' WHERE id = ? AND state = 'running' AND lease_owner = ? AND attempts = ?", Done, int64(now), j.ID, j.LeaseOwner, j.Attempts)
	return j.leased(n, err)
}

// Fail records a failed attempt: the job is due again at next, or dead when it had its last attempt.
func Fail(ctx context.Context, tx *sqldb.Tx, now, next clock.Time, j Job, why string) error {
	state, finished := Queued, any(nil)
	if j.Attempts >= j.MaxAttempts {
		state, finished = Dead, int64(now)
	}
	n, err := tx.Exec(ctx, "UPDATE job SET state = ?, run_at = ?, lease_owner = '', lease_until = 0, error = ?, finished_at = ? WHERE id = ? AND state = 'running' AND lease_owner = ? AND attempts = ?",
		state, int64(next), fold.Cut(why, 10000), finished, j.ID, j.LeaseOwner, j.Attempts)
	return j.leased(n, err)
}

func (j Job) leased(n int64, err error) error {
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "job %d is no longer leased to %s", j.ID, j.LeaseOwner)
	}
	if err != nil {
		return fmt.Errorf("end job %d: %w", j.ID, err)
	}
	return nil
}
