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
	out := map[string]int{}
	var parts []string
	var args []any
	for _, queue := range Queues() {
		if queue.Personal && user == 0 {
			continue
		}
		f := WorkQuery{Projects: projects, PerPage: 1}
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
