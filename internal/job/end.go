// SPDX-License-Identifier: GPL-2.0-or-later

package job

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// maxError is how many characters are kept of why an attempt failed.
const maxError = 10000

// Permanent makes a job that fails with err dead at once: trying again would not help.
func Permanent(err error) error { return &verdict{cause: err, permanent: true} }

// RetryAt makes the next attempt of a job that fails with err come at that time, if it has any left, and not after the back-off of its kind.
func RetryAt(err error, at clock.Time) error { return &verdict{cause: err, at: at} }

// verdict is an error of a handler that says what to do next.
type verdict struct {
	cause     error
	permanent bool
	at        clock.Time
}

func (v *verdict) Error() string { return v.cause.Error() }
func (v *verdict) Unwrap() error { return v.cause }

// IsPermanent tells whether err makes a job dead at once.
func IsPermanent(err error) bool {
	var v *verdict
	return errors.As(err, &v) && v.permanent
}

// ending is what becomes of a job at the end of an attempt.
type ending struct {
	state    string
	runAt    clock.Time
	finished clock.Time // 0: not finished
	why      string
	again    int // attempts more than were allowed before
}

// Finish ends a job that its owner has done. fault.Conflict: the lease was lost to another process meanwhile.
func Finish(ctx context.Context, tx *sqldb.Tx, now clock.Time, j Job) error {
	return end(ctx, tx, j, ending{state: Done, runAt: j.RunAt, finished: now})
}

// Fail records a failed attempt: the job is due again at next, or dead when it had its last attempt or the error is Permanent. It returns the state that
// the job is in then.
func Fail(ctx context.Context, tx *sqldb.Tx, now, next clock.Time, j Job, why error) (state string, err error) {
	e := ending{state: Waiting, runAt: next, why: why.Error()}
	var v *verdict
	if errors.As(why, &v) && v.at != 0 {
		e.runAt = v.at
	}
	if j.Attempts >= j.MaxAttempts || IsPermanent(why) {
		e.state, e.runAt, e.finished = Dead, j.RunAt, now
	}
	return e.state, end(ctx, tx, j, e)
}

// giveBack queues a job whose runner stops before it is done. The attempt it had begun does not count against it.
func giveBack(ctx context.Context, tx *sqldb.Tx, now clock.Time, j Job) error {
	return end(ctx, tx, j, ending{state: Queued, runAt: now, why: "interrupted: its process was stopped", again: 1})
}

// end writes down the end of an attempt, unless the lease was lost; the target's turn is free then.
func end(ctx context.Context, tx *sqldb.Tx, j Job, e ending) error {
	n, err := tx.Exec(ctx, `UPDATE job SET state = ?, run_at = ?, lease_owner = '', lease_until = 0, error = ?, finished_at = ?, max_attempts = max_attempts + ?
		WHERE id = ? AND state = 'running' AND lease_owner = ? AND attempts = ?`,
		e.state, int64(e.runAt), errorText(e.why), sqldb.NullID(int64(e.finished)), e.again, j.ID, j.LeaseOwner, j.Attempts)
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "job %d is no longer leased to %s", j.ID, j.LeaseOwner)
	}
	if err == nil && j.Target != "" {
		err = letNext(ctx, tx, j, e.finished != 0)
	}
	if err != nil {
		return fmt.Errorf("end job %d: %w", j.ID, err)
	}
	return nil
}

// errorText is why an attempt failed, as all databases take it: PostgreSQL has no text with a zero byte.
func errorText(why string) string {
	return fold.Cut(strings.ReplaceAll(why, "\x00", "\uFFFD"), maxError)
}

// letNext frees the turn of a target and queues the first job that was set aside for it: a finished one lets any go, another one only those before it.
func letNext(ctx context.Context, tx *sqldb.Tx, j Job, finished bool) error {
	if err := leaveLane(ctx, tx, j); err != nil {
		return err
	}
	if finished {
		return queueFirst(ctx, tx, j.Target, 0)
	}
	return queueFirst(ctx, tx, j.Target, j.ID)
}

// queueFirst queues the first job of a target that was set aside, if its id is below the limit; 0: whatever it is.
func queueFirst(ctx context.Context, tx *sqldb.Tx, target string, below int64) error {
	var next int64
	err := tx.Get(ctx, &next, "SELECT COALESCE(MIN(id), 0) FROM job WHERE target = ? AND state = 'blocked'", target)
	if err != nil || next == 0 || below != 0 && next > below {
		return err
	}
	tx.Wake(wakeName)
	_, err = tx.Exec(ctx, "UPDATE job SET state = 'queued' WHERE id = ? AND state = 'blocked'", next)
	return err
}

func leaveLane(ctx context.Context, tx *sqldb.Tx, j Job) error {
	_, err := tx.Exec(ctx, "DELETE FROM job_lane WHERE target = ? AND job_id = ?", j.Target, j.ID)
	return err
}
