// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// Queue is a list of series that somebody works through.
type Queue struct {
	Slug, Name, About string
	Lanes             []Lane
	Personal          bool // of who is logged in
	idle              bool // only what has been silent for some days
	of                func(q *WorkQuery, user int64)
}

// StaleDays is after how many days without a mail a series is stale, unless the visitor says otherwise.
const StaleDays = 30

// Queues are all queues, in the order of the work.
func Queues() []Queue {
	return []Queue{
		{Slug: "review", Name: "Needs first review", Lanes: []Lane{LaneNew}, About: "Nobody but its sender has answered, and no patch is reviewed."},
		{Slug: "discussed", Name: "In review", Lanes: []Lane{LaneReview}, About: "Somebody has answered, but not each open patch is reviewed, or a check says no."},
		{Slug: "ready", Name: "Reviewed and green", Lanes: []Lane{LaneReady}, About: "Each open patch has an Acked-by or a Reviewed-by, and no check warns, fails or is pending."},
		{Slug: "author", Name: "Waiting for author", Lanes: []Lane{LaneAuthor}, About: "A patch is in a state that asks its author, a patch is missing, or a comment is not addressed."},
		{Slug: "checks", Name: "Waiting for checks", Lanes: []Lane{LaneChecks}, About: "A check is pending."},
		{Slug: "stale", Name: "Stale", Lanes: OpenLanes(), idle: true, About: "Open, and no mail has come for some days."},
		{Slug: "delegated", Name: "Delegated to me", Lanes: OpenLanes(), Personal: true, of: func(q *WorkQuery, user int64) { q.Delegates = []int64{user} },
			About: "A patch that requires action, or waits for its author, is delegated to you."},
		{Slug: "mine", Name: "Mine", Lanes: OpenLanes(), Personal: true, of: func(q *WorkQuery, user int64) { q.Sender = user }, About: "You sent it, under one of your addresses."},
	}
}

// FindQueue finds a queue by its slug.
func FindQueue(slug string) (Queue, bool) {
	for _, q := range Queues() {
		if q.Slug == slug {
			return q, true
		}
	}
	return Queue{}, false
}

// Idle tells whether the queue is of what has been silent for some days.
func (u Queue) Idle() bool { return u.idle }

// Restrict lets a query find only what is in the queue; a stale one, unless it says since when, what had no mail for StaleDays.
func (u Queue) Restrict(q *WorkQuery, user int64, now clock.Time) {
	q.Lanes = u.Lanes
	if u.of != nil {
		u.of(q, user)
	}
	if u.idle && q.IdleSince == nil {
		q.IdleSince = DaysBefore(now, StaleDays)
	}
}

// DaysBefore is the time some days before another one.
func DaysBefore(now clock.Time, days int) *clock.Time {
	t := clock.FromTime(now.Time().Add(-time.Duration(days) * 24 * time.Hour))
	return &t
}

// QueueLimit is up to where queues are counted that no counter covers.
const QueueLimit = 999

// CountQueues counts what is in each queue, by slug, in one query beside the counters of Lanes, which are given. QueueLimit+1 is more than QueueLimit. Without a
// user there are no personal queues.
func CountQueues(ctx context.Context, q sqldb.Queryer, projects []int64, user int64, now clock.Time, lanes map[Lane]int) (map[string]int, error) {
	return countQueues(ctx, q, func(Queue) []int64 { return projects }, user, now, lanes)
}

// CountOwnQueues is CountQueues over the projects of a user, see OwnProjects; his personal queues are those of all projects.
func CountOwnQueues(ctx context.Context, q sqldb.Queryer, own []int64, user int64, now clock.Time, lanes map[Lane]int) (map[string]int, error) {
	return countQueues(ctx, q, func(u Queue) []int64 { return u.Across(own) }, user, now, lanes)
}

// Across are the projects that a queue over all projects of a user is about; nil: all of the site. What is his by itself is found wherever it is.
func (u Queue) Across(own []int64) []int64 {
	if u.Personal {
		return nil
	}
	return own
}

// MaxOwnProjects bounds over how many projects a queue goes: each is some walks of an index.
const MaxOwnProjects = 50

// OwnProjects are those that a user maintains, or where a patch that wants something is delegated to him; at most MaxOwnProjects, the oldest first.
func OwnProjects(ctx context.Context, q sqldb.Queryer, user int64) ([]int64, error) {
	ids := []int64{}
	err := q.Select(ctx, &ids, `SELECT m.project_id FROM project_maintainer m WHERE m.user_id = ?
		UNION SELECT c.project_id FROM patch_count c JOIN state t ON t.id = c.state_id AND (t.action_required = TRUE OR t.slug IN (?)) WHERE c.delegate_id = ? AND c.archived = FALSE AND c.patches > 0
		ORDER BY 1 LIMIT ?`, user, authorStates, user, MaxOwnProjects)
	if err != nil {
		return nil, fmt.Errorf("find the projects of user %d: %w", user, err)
	}
	return ids, nil
}

func countQueues(ctx context.Context, q sqldb.Queryer, projects func(Queue) []int64, user int64, now clock.Time, lanes map[Lane]int) (map[string]int, error) {
	out := map[string]int{}
	var parts []string
	var args []any
	for _, queue := range Queues() {
		if queue.Personal && user == 0 {
			continue
		}
		f := WorkQuery{Projects: projects(queue), PerPage: 1}
		queue.Restrict(&f, user, now)
		if f.counted() {
			for _, l := range f.Lanes {
				out[queue.Slug] += lanes[l]
			}
			continue
		}
		query, more := f.counting(lanes, QueueLimit+1)
		parts = append(parts, "SELECT '"+queue.Slug+"' AS slug, c.n FROM ("+query+") c")
		args = append(args, more...)
	}
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var slug string
		var n int
		err := rows.Scan(&slug, &n)
		out[slug] = n
		return err
	}, strings.Join(parts, " UNION ALL "), args...)
	if err != nil {
		return nil, fmt.Errorf("count what is in queues: %w", err)
	}
	return out, nil
}
