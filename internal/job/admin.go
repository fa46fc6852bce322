// SPDX-License-Identifier: GPL-2.0-or-later

package job

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
)

// Query says which jobs are meant. What is empty does not count.
type Query struct {
	IDs    []int64
	State  string
	Kind   string
	Target string
	Before int64 // only ids below this
	Limit  int   // 0: 100
}

func (f Query) check() error {
	if f.State != "" && !slices.Contains(States, f.State) {
		return fault.New(fault.Invalid, "%q is no state of a job; want %s", f.State, strings.Join(States, ", "))
	}
	return nil
}

// where is the condition of the query and its arguments.
func (f Query) where() (string, []any) {
	var parts []string
	var args []any
	add := func(when bool, part string, arg any) {
		if when {
			parts, args = append(parts, part), append(args, arg)
		}
	}
	add(len(f.IDs) > 0, "j.id IN (?)", f.IDs)
	add(f.State != "", "j.state = ?", f.State)
	add(f.Kind != "", "j.kind = ?", f.Kind)
	add(f.Target != "", "j.target = ?", f.Target)
	add(f.Before > 0, "j.id < ?", f.Before)
	if len(parts) == 0 {
		return "1 = 1", nil
	}
	return strings.Join(parts, " AND "), args
}

// List gives jobs, the newest first. Payloads may hold addresses and links that let in: it is for administrators.
func List(ctx context.Context, q sqldb.Queryer, by event.Actor, f Query) ([]Job, error) {
	if err := by.RequireAdmin("see jobs"); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	where, args := f.where()
	var jobs []Job
	err := q.Select(ctx, &jobs, "SELECT "+columns+" FROM job j WHERE "+where+" ORDER BY j.id DESC LIMIT ?", append(args, f.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return jobs, nil
}

// Get gives one job; fault.NotFound if there is none.
func Get(ctx context.Context, q sqldb.Queryer, by event.Actor, id int64) (Job, error) {
	jobs, err := List(ctx, q, by, Query{IDs: []int64{id}})
	if err == nil && len(jobs) == 0 {
		err = fault.New(fault.NotFound, "there is no job %d", id)
	}
	if err != nil {
		return Job{}, err
	}
	return jobs[0], nil
}

// FirstOf gives the first unfinished job of a target, which the others of it wait for; fault.NotFound if there is none.
func FirstOf(ctx context.Context, q sqldb.Queryer, target string) (Job, error) {
	var jobs []Job
	err := q.Select(ctx, &jobs, "SELECT "+columns+` FROM job j WHERE j.id = (SELECT MIN(id) FROM (
		SELECT MIN(id) AS id FROM job WHERE target = ? AND state = 'running' UNION ALL SELECT MIN(id) FROM job WHERE target = ? AND state = 'queued' UNION ALL
		SELECT MIN(id) FROM job WHERE target = ? AND state = 'waiting' UNION ALL SELECT MIN(id) FROM job WHERE target = ? AND state = 'blocked') firsts)`, target, target, target, target)
	if err != nil {
		return Job{}, fmt.Errorf("find the first job of %s: %w", target, err)
	}
	if len(jobs) == 0 {
		return Job{}, fault.New(fault.NotFound, "no job of %s waits", target)
	}
	return jobs[0], nil
}

// Hurry makes a job that waits for its time run now, in the caller's transaction. To any other it does nothing.
func Hurry(ctx context.Context, tx *sqldb.Tx, now clock.Time, id int64) error {
	tx.Wake(wakeName)
	_, err := tx.Exec(ctx, "UPDATE job SET state = 'queued', run_at = ? WHERE id = ? AND state = 'waiting'", int64(now), id)
	return wrap(err, fmt.Sprintf("hurry job %d", id))
}

// Retry lets dead, cancelled and waiting jobs run now, and returns how many; those that had ended have as many attempts as at first. Of jobs named by their
// ids each must be such a one (fault.Conflict); a wider query passes over the others.
func Retry(ctx context.Context, db *sqldb.DB, by event.Actor, now clock.Time, f Query) (int64, error) {
	return change{"retry", []string{Dead, Cancelled, Waiting}, "only one that is dead, cancelled or waiting can be tried again", func(ctx context.Context, tx *sqldb.Tx, ids []int64) error {
		tx.Wake(wakeName)
		_, err := tx.Exec(ctx, `UPDATE job SET max_attempts = CASE WHEN state = 'waiting' THEN max_attempts ELSE attempts + allowed END, state = 'queued', run_at = ?, finished_at = NULL
			WHERE id IN (?)`, int64(now), ids)
		return err
	}}.do(ctx, db, by, now, f)
}

// Cancel keeps jobs that have not begun from running, and returns how many. Of jobs named by their ids each must be such a one (fault.Conflict); a
// wider query passes over the others.
func Cancel(ctx context.Context, db *sqldb.DB, by event.Actor, now clock.Time, f Query) (int64, error) {
	return change{"cancel", []string{Waiting, Blocked, Queued}, "only one that waits can be cancelled", func(ctx context.Context, tx *sqldb.Tx, ids []int64) error {
		_, err := tx.Exec(ctx, "UPDATE job SET state = 'cancelled', finished_at = ? WHERE id IN (?)", int64(now), ids)
		if err != nil {
			return err
		}
		return letAllNext(ctx, tx, ids)
	}}.do(ctx, db, by, now, f)
}

// letAllNext queues the first job that was set aside of each target of the jobs that were cancelled.
func letAllNext(ctx context.Context, tx *sqldb.Tx, ids []int64) error {
	var targets []string
	if err := tx.Select(ctx, &targets, "SELECT DISTINCT target FROM job WHERE id IN (?) AND target <> '' ORDER BY target", ids); err != nil {
		return err
	}
	for _, target := range targets {
		if err := queueFirst(ctx, tx, target, 0); err != nil {
			return err
		}
	}
	return nil
}

// change is what an administrator does to jobs.
type change struct {
	verb   string
	from   []string // the states it is possible in
	refuse string
	write  func(ctx context.Context, tx *sqldb.Tx, ids []int64) error
}

const changeBatch = 1000

func (c change) do(ctx context.Context, db *sqldb.DB, by event.Actor, now clock.Time, f Query) (total int64, err error) {
	if err := by.RequireAdmin(c.verb + " jobs"); err != nil {
		return 0, err
	}
	if err := f.check(); err != nil {
		return 0, err
	}
	if f.Kind+f.Target+f.State == "" && len(f.IDs) == 0 {
		return 0, fault.New(fault.Invalid, "say which jobs: by number, state, kind or target")
	}
	where, args := f.where()
	for {
		var n int64
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			var jobs []Job
			err := tx.Select(ctx, &jobs, "SELECT "+columns+" FROM job j WHERE "+where+" AND j.state IN (?) ORDER BY j.id LIMIT ?"+tx.LockRows(), append(slices.Clone(args), c.from, changeBatch)...)
			if err != nil {
				return err
			}
			if len(f.IDs) > 0 && total == 0 {
				if err := c.all(ctx, tx, f.IDs, jobs); err != nil {
					return err
				}
			}
			n = int64(len(jobs))
			return c.apply(ctx, tx, by, now, f, jobs)
		})
		if err != nil {
			return total, fmt.Errorf("%s jobs: %w", c.verb, err)
		}
		total += n
		if n < changeBatch {
			return total, nil
		}
	}
}

func (c change) apply(ctx context.Context, tx *sqldb.Tx, by event.Actor, now clock.Time, f Query, jobs []Job) error {
	if len(jobs) == 0 {
		return nil
	}
	ids := make([]int64, 0, len(jobs))
	for _, j := range jobs {
		ids = append(ids, j.ID)
	}
	if err := c.write(ctx, tx, ids); err != nil {
		return err
	}
	subject := fmt.Sprintf("job %d", ids[0])
	if len(ids) > 1 {
		subject = fmt.Sprintf("%d jobs", len(ids))
	}
	return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "job " + c.verb, Subject: subject,
		Detail: strings.TrimSpace(fmt.Sprintf("%s %s %s", jobs[0].Kind, jobs[0].Target, f.State))})
}

// all is an error unless every id was found in a state in which the change is possible.
func (c change) all(ctx context.Context, tx *sqldb.Tx, ids []int64, found []Job) error {
	for _, id := range ids {
		if slices.ContainsFunc(found, func(j Job) bool { return j.ID == id }) {
			continue
		}
		var state string
		if err := tx.Get(ctx, &state, "SELECT state FROM job WHERE id = ?", id); fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "there is no job %d", id)
		} else if err != nil {
			return err
		}
		return fault.New(fault.Conflict, "job %d is %s: %s", id, state, c.refuse)
	}
	return nil
}
