// SPDX-License-Identifier: GPL-2.0-or-later

package job

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// Want says how many jobs of a kind a runner could begin now, and for how long it leases each.
type Want struct {
	Kind  string
	Lease time.Duration
	Most  int
}

const (
	claimRounds = 20   // how often one claim passes over blocked jobs
	claimPage   = 32   // jobs looked at beyond those wanted
	tidyBatch   = 1000 // jobs whose time has come, moved at once
)

// candidate is a queued job that this transaction has locked.
type candidate struct {
	Job
	Behind int64 // an unfinished job of the same target with a lower id; 0: none
}

// behind finds one by probing an index once per state, so that it costs the same however many wait.
const behind = `CASE WHEN j.target = '' THEN 0 ELSE COALESCE(
	(SELECT MIN(o.id) FROM job o WHERE o.target = j.target AND o.state = 'running' AND o.id < j.id),
	(SELECT MIN(o.id) FROM job o WHERE o.target = j.target AND o.state = 'queued' AND o.id < j.id),
	(SELECT MIN(o.id) FROM job o WHERE o.target = j.target AND o.state = 'waiting' AND o.id < j.id),
	(SELECT MIN(o.id) FROM job o WHERE o.target = j.target AND o.state = 'blocked' AND o.id < j.id), 0) END AS behind`

// Claim leases queued jobs for owner, up to most in all: those of the lowest priority first, then the oldest. It passes over those another process is
// claiming. A job of a target must be the first of its unfinished ones, and no other may run; one that has to wait for another is set aside
// as blocked, until that one ends. more tells that it did not look at all.
func Claim(ctx context.Context, tx *sqldb.Tx, now clock.Time, owner string, most int, wants []Want) (jobs []Job, more bool, err error) {
	c := claiming{tx: tx, now: now, owner: owner, left: most, had: map[int64]bool{}, lanes: map[string]int64{}}
	more = true
	for round := 0; more && round < claimRounds; round++ {
		found, err := c.look(ctx, wants)
		if err != nil {
			return nil, false, fmt.Errorf("claim jobs: %w", err)
		}
		aside, err := c.choose(ctx, wants, found)
		if err != nil {
			return nil, false, fmt.Errorf("claim jobs: %w", err)
		}
		more = aside > 0 && c.left > 0
	}
	return c.taken, more, c.lease(ctx, wants)
}

type claiming struct {
	tx    *sqldb.Tx
	now   clock.Time
	owner string
	left  int
	taken []Job
	had   map[int64]bool
	lanes map[string]int64 // who has the turn of a target
}

// look reads the next candidates of each kind.
func (c *claiming) look(ctx context.Context, wants []Want) (found []candidate, err error) {
	for _, w := range wants {
		most := min(w.Most-c.count(w.Kind), c.left)
		if most <= 0 {
			continue
		}
		var page []candidate
		err := c.tx.Select(ctx, &page, "SELECT "+columns+", "+behind+` FROM job j WHERE j.state = 'queued' AND j.kind = ?
			ORDER BY j.priority, j.run_at, j.id LIMIT ?`+c.tx.SkipLocked(), w.Kind, len(c.taken)+most+claimPage)
		if err != nil {
			return nil, err
		}
		found = append(found, page...)
	}
	found = slices.DeleteFunc(found, func(j candidate) bool { return c.had[j.ID] })
	slices.SortStableFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.RunAt, b.RunAt), cmp.Compare(a.ID, b.ID))
	})
	return found, nil
}

func (c *claiming) count(kind string) (n int) {
	for _, j := range c.taken {
		if j.Kind == kind {
			n++
		}
	}
	return n
}

// choose takes those that may run, and sets aside those that may not; aside is how many.
func (c *claiming) choose(ctx context.Context, wants []Want, found []candidate) (aside int64, err error) {
	if err := c.takeLanes(ctx, found); err != nil {
		return 0, err
	}
	blockers := map[int64][]int64{} // the job waited for: who waits
	for _, j := range found {
		switch holder := c.lanes[j.Target]; {
		case j.Behind != 0:
			blockers[j.Behind] = append(blockers[j.Behind], j.ID)
		case j.Target != "" && holder != j.ID:
			blockers[holder] = append(blockers[holder], j.ID)
		case c.left > 0 && c.count(j.Kind) < most(wants, j.Kind):
			c.left--
			c.had[j.ID] = true
			c.taken = append(c.taken, j.Job)
		case j.Target != "":
			if err := leaveLane(ctx, c.tx, j.Job); err != nil {
				return 0, err
			}
		}
	}
	return c.setAside(ctx, blockers)
}

func most(wants []Want, kind string) int {
	for _, w := range wants {
		if w.Kind == kind {
			return w.Most
		}
	}
	return 0
}

// takeLanes takes the turns of the targets of found, in order, for their first jobs; lanes tells who has them.
func (c *claiming) takeLanes(ctx context.Context, found []candidate) error {
	var rows [][]any
	var targets []string
	for _, j := range found {
		if j.Target != "" {
			targets = append(targets, j.Target)
			if j.Behind == 0 {
				rows = append(rows, []any{j.Target, j.ID})
			}
		}
	}
	if len(targets) == 0 {
		return nil
	}
	slices.SortFunc(rows, func(a, b []any) int { return cmp.Compare(a[0].(string), b[0].(string)) })
	err := c.tx.Upsert(ctx, sqldb.Upsert{Table: "job_lane", Columns: []string{"target", "job_id"}, Key: []string{"target"}}, rows)
	if err != nil {
		return err
	}
	var lanes []struct {
		Target string
		Job    int64 `db:"job_id"`
	}
	err = c.tx.Select(ctx, &lanes, "SELECT target, job_id FROM job_lane WHERE target IN (?)", targets)
	for _, l := range lanes {
		c.lanes[l.Target] = l.Job
	}
	return err
}

// setAside blocks jobs behind others that are unfinished and stay so until this transaction commits: whoever ends one of those then finds
// the blocked ones. One that is just being ended or claimed blocks nothing.
func (c *claiming) setAside(ctx context.Context, blockers map[int64][]int64) (int64, error) {
	if len(blockers) == 0 {
		return 0, nil
	}
	ids := make([]int64, 0, len(blockers))
	for id := range blockers {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var sure, aside []int64
	err := c.tx.Select(ctx, &sure, "SELECT id FROM job WHERE id IN (?) AND state IN ('waiting', 'blocked', 'queued', 'running') ORDER BY id"+c.tx.SkipLocked(), ids)
	for _, id := range sure {
		aside = append(aside, blockers[id]...)
	}
	if err != nil || len(aside) == 0 {
		return 0, err
	}
	slices.Sort(aside)
	return c.tx.Exec(ctx, "UPDATE job SET state = 'blocked' WHERE id IN (?)", aside)
}

// lease writes down what was taken.
func (c *claiming) lease(ctx context.Context, wants []Want) error {
	for _, w := range wants {
		var ids []int64
		for i := range c.taken {
			j := &c.taken[i]
			if j.Kind == w.Kind {
				j.State, j.LeaseOwner, j.LeaseUntil, j.Attempts = Running, c.owner, c.now.Add(w.Lease), j.Attempts+1
				ids = append(ids, j.ID)
			}
		}
		if len(ids) == 0 {
			continue
		}
		_, err := c.tx.Exec(ctx, "UPDATE job SET state = 'running', lease_owner = ?, lease_until = ?, attempts = attempts + 1 WHERE id IN (?)",
			c.owner, int64(c.now.Add(w.Lease)), ids)
		if err != nil {
			return fmt.Errorf("lease jobs: %w", err)
		}
	}
	return nil
}

// Tidy queues jobs whose time has come and those whose lease has run out; the latter are dead after their last attempt: they took their process with
// them each time. It returns how many it changed.
func Tidy(ctx context.Context, tx *sqldb.Tx, now clock.Time) (int64, error) {
	var due []int64
	err := tx.Select(ctx, &due, "SELECT id FROM job WHERE state = 'waiting' AND run_at <= ? ORDER BY run_at, id LIMIT ?"+tx.SkipLocked(), int64(now), tidyBatch)
	if err != nil {
		return 0, fmt.Errorf("look for jobs that are due: %w", err)
	}
	if len(due) > 0 {
		if _, err := tx.Exec(ctx, "UPDATE job SET state = 'queued' WHERE id IN (?)", due); err != nil {
			return 0, fmt.Errorf("queue jobs that are due: %w", err)
		}
	}
	var lost []Job
	err = tx.Select(ctx, &lost, "SELECT "+columns+" FROM job j WHERE j.state = 'running' AND j.lease_until <= ? ORDER BY j.lease_until LIMIT ?"+tx.SkipLocked(), int64(now), tidyBatch)
	if err != nil {
		return 0, fmt.Errorf("look for leases that have run out: %w", err)
	}
	const why = "its process ended before it did"
	for _, j := range lost {
		e := ending{state: Queued, runAt: now, why: why}
		if j.Attempts >= j.MaxAttempts {
			e = ending{state: Dead, runAt: j.RunAt, finished: now, why: why}
		}
		if err := end(ctx, tx, j, e); err != nil {
			return 0, err
		}
	}
	return int64(len(due) + len(lost)), nil
}
