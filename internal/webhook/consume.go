// SPDX-License-Identifier: GPL-2.0-or-later

package webhook

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/fnmatch"
	"patchwork.example/pw/internal/job"
)

// ConsumerName is the name under which the position in the stream of events is kept.
const ConsumerName = "webhook"

// Rendered is an event as it is told.
type Rendered struct {
	Event int64
	Body  []byte
	Facts
}

// Facts are what a Filter asks; what does not apply to an event is empty.
type Facts struct {
	OfPatch      bool // it is about a patch or a comment on one
	State        string
	CheckState   string
	CheckContext string
	Tags         []string
}

// Renderer makes the bodies of events, in a fixed number of queries for all of them; one whose objects are gone it leaves out.
type Renderer func(ctx context.Context, q sqldb.Queryer, events []event.Stored) ([]Rendered, error)

// Consumer makes deliveries of events, in their order.
func Consumer(c clock.Clock, render Renderer) event.Consumer {
	return event.Consumer{Name: ConsumerName, Handle: func(ctx context.Context, tx *sqldb.Tx, events []event.Stored) error {
		return consume(ctx, tx, c.Now(), render, events)
	}}
}

func consume(ctx context.Context, tx *sqldb.Tx, now clock.Time, render Renderer, events []event.Stored) error {
	listening, err := listeners(ctx, tx, events)
	if err != nil || len(listening) == 0 {
		return err
	}
	wanted := slices.DeleteFunc(slices.Clone(events), func(e event.Stored) bool {
		return !slices.ContainsFunc(listening, func(h Hook) bool { return h.hears(e) })
	})
	if len(wanted) == 0 {
		return nil
	}
	rendered, err := render(ctx, tx, wanted)
	if err != nil {
		return fmt.Errorf("tell of %d events: %w", len(wanted), err)
	}
	byID := map[int64]Rendered{}
	for _, r := range rendered {
		byID[r.Event] = r
	}
	out := outbox{now: now, pending: map[int64]int{}}
	for _, e := range wanted {
		r, ok := byID[e.ID]
		for _, h := range listening {
			if ok && h.hears(e) && h.Filter.passes(e.Kind, r.Facts) {
				out.add(h, e, r.Body)
			}
		}
	}
	return out.write(ctx, tx)
}

// listeners are the active hooks of the projects of the events, and of the site.
func listeners(ctx context.Context, tx *sqldb.Tx, events []event.Stored) ([]Hook, error) {
	var projects []int64
	for _, e := range events {
		if !slices.Contains(projects, e.Project) {
			projects = append(projects, e.Project)
		}
	}
	var rows []hookRow
	err := tx.Select(ctx, &rows, selectHooks+" WHERE w.active = TRUE AND (w.project_id IS NULL OR w.project_id IN (?)) ORDER BY w.id", projects)
	if err != nil {
		return nil, fmt.Errorf("find webhooks: %w", err)
	}
	return hooks(rows)
}

func (h Hook) hears(e event.Stored) bool {
	return (h.Project == 0 || h.Project == e.Project) && (len(h.Categories) == 0 || slices.Contains(h.Categories, e.Kind))
}

// passes tells whether an event is not filtered out.
func (f Filter) passes(kind string, facts Facts) bool {
	in := func(list []string, s string) bool { return len(list) == 0 || s == "" || slices.Contains(list, s) }
	if !in(f.States, facts.State) || !in(f.CheckStates, facts.CheckState) {
		return false
	}
	if facts.CheckContext != "" && len(f.CheckContexts) > 0 &&
		!slices.ContainsFunc(f.CheckContexts, func(p string) bool { return fnmatch.Match(p, facts.CheckContext) }) {
		return false
	}
	return len(f.Tags) == 0 || !facts.OfPatch || slices.ContainsFunc(facts.Tags, func(t string) bool { return slices.Contains(f.Tags, t) })
}

// outbox collects deliveries and their jobs.
type outbox struct {
	now     clock.Time
	rows    [][]any
	jobs    []queued
	pending map[int64]int // hook → deliveries that wait more
}

type queued struct {
	row  int // of rows
	hook int64
}

// add notes a delivery. One of a hook that has too many waiting, or whose body is too large, is kept as failed and not sent.
func (o *outbox) add(h Hook, e event.Stored, body []byte) {
	state, why, finished := Pending, "", any(nil)
	switch {
	case len(body) > maxBody:
		state, why, body = Failed, fmt.Sprintf("the body of %d bytes is too large", len(body)), nil
	case h.Pending+o.pending[h.ID] >= maxPending:
		state, why = Failed, fmt.Sprintf("%d deliveries wait already", int(maxPending))
	}
	if state == Pending {
		o.pending[h.ID]++
		o.jobs = append(o.jobs, queued{len(o.rows), h.ID})
	} else {
		finished = int64(o.now)
	}
	o.rows = append(o.rows, []any{int64(0), h.ID, e.ID, e.Kind, body, state, 0, int64(o.now), finished, why})
}

func (o *outbox) write(ctx context.Context, tx *sqldb.Tx) error {
	if len(o.rows) == 0 {
		return nil
	}
	first, err := tx.FreshIDs(ctx, "webhook_delivery", len(o.rows)) // of several workers one makes deliveries at a time: their ids tell the order
	if err != nil {
		return err
	}
	for i, row := range o.rows {
		row[0] = first + int64(i)
	}
	if err := tx.Insert(ctx, "webhook_delivery", deliveryRow, o.rows); err != nil {
		return err
	}
	var jobs []job.New
	for _, q := range o.jobs {
		jobs = append(jobs, newJob(q.hook, o.rows[q.row][0].(int64)))
	}
	if len(jobs) > 0 {
		if _, err := job.EnqueueAll(ctx, tx, o.now, jobs...); err != nil {
			return err
		}
	}
	for _, id := range sortedKeys(o.pending) {
		if _, err := tx.Exec(ctx, "UPDATE webhook SET pending = pending + ? WHERE id = ?", o.pending[id], id); err != nil {
			return fmt.Errorf("count what waits for webhook %d: %w", id, err)
		}
	}
	return nil
}

func sortedKeys(m map[int64]int) []int64 {
	var out []int64
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// JobKind is the kind of the jobs that deliver.
const JobKind = "webhook"

// payload is what a job is told.
type payload struct {
	Delivery int64 `json:"delivery"`
	Once     bool  `json:"once,omitempty"` // somebody asked for it: one attempt, beside the order
}

// lane is the target of the jobs of a hook.
func lane(hook int64) string { return "webhook:" + strconv.FormatInt(hook, 10) }

// newJob delivers in the order of a hook, until it is given up.
func newJob(hook, delivery int64) job.New {
	return job.New{Kind: JobKind, Target: lane(hook), TriedFor: GiveUp, Payload: payload{Delivery: delivery}}
}

// onceJob delivers at once. It has more than one attempt only for the case that its process is killed.
func onceJob(hook, delivery int64) job.New {
	return job.New{Kind: JobKind, Target: "webhook-once:" + strconv.FormatInt(hook, 10), Priority: -1, MaxAttempts: 3, Payload: payload{Delivery: delivery, Once: true}}
}
