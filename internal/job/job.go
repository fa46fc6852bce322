// SPDX-License-Identifier: GPL-2.0-or-later

package job

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// The states of a job. The first four are unfinished.
const (
	Waiting   = "waiting" // its time has not come
	Blocked   = "blocked" // another job of its target comes first
	Queued    = "queued"  // may run
	Running   = "running"
	Done      = "done"
	Dead      = "dead"      // failed for the last time; kept until somebody looks
	Cancelled = "cancelled" // somebody did not want it
)

// States are all states, in the order in which a job may go through them.
var States = []string{Waiting, Blocked, Queued, Running, Done, Dead, Cancelled}

// wakeName is what runners wait for with sqldb.DB.Wakeups.
const wakeName = "job"

// New is a job to be queued.
type New struct {
	Kind        string
	Target      string        // jobs with the same non-empty target run one after the other, in order of their ids
	Priority    int           // lower runs first
	RunAt       clock.Time    // 0: at once
	MaxAttempts int           // 0: 10, or any number with TriedFor
	TriedFor    time.Duration // how long its handler goes on trying before it gives up by itself; shown to people
	Payload     any           // becomes JSON
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
	Allowed     int        // attempts it had at first; with TriedFor any number
	TriedFor    Micros     `db:"tried_for"` // 0: the number of attempts decides
	LeaseOwner  string     `db:"lease_owner"`
	LeaseUntil  clock.Time `db:"lease_until"`
	Error       string     // of the last attempt
	CreatedAt   clock.Time `db:"created_at"`
	FinishedAt  clock.Time `db:"finished_at"` // 0: it is not finished
}

// endless is more attempts than fit into any time.
const endless = 1_000_000

// Micros is a span of time as it is stored, in microseconds.
type Micros int64

// Duration is the span as Go has it.
func (m Micros) Duration() time.Duration { return time.Duration(m) * time.Microsecond }

// String is the span in words: "3 days", "1 hour"; empty: none.
func (m Micros) String() string {
	d, unit, name := m.Duration(), time.Minute, "minute"
	switch {
	case d <= 0:
		return ""
	case d%(24*time.Hour) == 0:
		unit, name = 24*time.Hour, "day"
	case d%time.Hour == 0:
		unit, name = time.Hour, "hour"
	}
	n := (d + unit - 1) / unit
	if n != 1 {
		name += "s"
	}
	return fmt.Sprintf("%d %s", n, name)
}

// Finished tells whether the job is done, dead or cancelled.
func (j Job) Finished() bool { return j.State == Done || j.State == Dead || j.State == Cancelled }

// Decode reads the payload into dest, a pointer. A payload that does not fit is a Permanent error.
func (j Job) Decode(dest any) error {
	if err := json.Unmarshal([]byte(j.Payload), dest); err != nil {
		return Permanent(fmt.Errorf("read the payload of job %d: %w", j.ID, err))
	}
	return nil
}

const columns = `j.id, j.kind, j.target, j.priority, j.payload, j.state, j.run_at, j.attempts, j.max_attempts, j.allowed, j.tried_for, j.lease_owner, j.lease_until, j.error,
	j.created_at, COALESCE(j.finished_at, 0) AS finished_at`

// Enqueue writes a job in the caller's transaction and returns its id. Runners look as soon as it has committed.
func Enqueue(ctx context.Context, tx *sqldb.Tx, now clock.Time, n New) (int64, error) {
	ids, err := EnqueueAll(ctx, tx, now, n)
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// EnqueueAll is Enqueue for several jobs at once. Their ids are above those of all jobs that were committed before, whichever process queued them: the turns of
// a target go by them.
func EnqueueAll(ctx context.Context, tx *sqldb.Tx, now clock.Time, list ...New) (ids []int64, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	first, err := tx.FreshIDs(ctx, "job", len(list))
	if err != nil {
		return nil, err
	}
	rows := make([][]any, 0, len(list))
	for i, n := range list {
		id := first + int64(i)
		payload, err := json.Marshal(n.Payload)
		if err != nil {
			return nil, fmt.Errorf("enqueue %s: %w", n.Kind, err)
		}
		switch {
		case n.TriedFor > 0:
			n.MaxAttempts = endless
		case n.MaxAttempts == 0:
			n.MaxAttempts = 10
		}
		state := Queued
		if n.RunAt > now {
			state = Waiting
		}
		ids = append(ids, id)
		rows = append(rows, []any{id, n.Kind, fold.Cut(n.Target, 255), n.Priority, string(payload), state, int64(max(n.RunAt, now)), 0, n.MaxAttempts, n.MaxAttempts,
			n.TriedFor.Microseconds(), "", 0, "", int64(now)})
	}
	tx.Wake(wakeName)
	return ids, tx.Insert(ctx, "job", []string{"id", "kind", "target", "priority", "payload", "state", "run_at", "attempts", "max_attempts",
		"allowed", "tried_for", "lease_owner", "lease_until", "error", "created_at"}, rows)
}
