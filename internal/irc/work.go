// SPDX-License-Identifier: GPL-2.0-or-later

package irc

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/job"
)

// ConsumerName is the name under which the position in the stream of events is kept.
const ConsumerName = "irc"

// JobKind is the kind of the jobs that say a line.
const JobKind = "irc"

const (
	news       = time.Hour // what is older is no news
	mostAtOnce = 20        // lines a target is told of one batch of events; of more, only how many
	firstWait  = 10 * time.Second
	longWait   = 5 * time.Minute
)

// Described is what is known of an event.
type Described struct {
	Event int64
	Facts
}

// Describer tells of events what templates may say, in a fixed number of queries; one whose objects are gone it leaves out.
type Describer func(ctx context.Context, q sqldb.Queryer, events []event.Stored) ([]Described, error)

// Consumer makes a job of each line.
func Consumer(c clock.Clock, log *slog.Logger, describe Describer) event.Consumer {
	return event.Consumer{Name: ConsumerName, Handle: func(ctx context.Context, tx *sqldb.Tx, events []event.Stored) error {
		return consume(ctx, tx, c.Now(), log, describe, events)
	}}
}

func consume(ctx context.Context, tx *sqldb.Tx, now clock.Time, log *slog.Logger, describe Describer, events []event.Stored) error {
	var targets []Target
	if err := tx.Select(ctx, &targets, selectTargets+" WHERE t.active = TRUE ORDER BY t.id"); err != nil {
		return fmt.Errorf("find irc targets: %w", err)
	}
	wanted := slices.DeleteFunc(slices.Clone(events), func(e event.Stored) bool {
		return now.Sub(e.At) > news || !slices.ContainsFunc(targets, func(t Target) bool { return t.hears(e) })
	})
	if len(wanted) == 0 {
		return nil
	}
	described, err := describe(ctx, tx, wanted)
	if err != nil {
		return fmt.Errorf("describe %d events: %w", len(wanted), err)
	}
	facts := map[int64]Facts{}
	for _, d := range described {
		facts[d.Event] = d.Facts
	}
	var jobs []job.New
	for _, t := range targets {
		more, err := t.lines(wanted, facts)
		if err != nil { // it was checked when it was set; a name in it may be gone since an update of the program
			log.Warn("template of an irc target does not work", "target", t.ID, "err", err)
			continue
		}
		jobs = append(jobs, more...)
	}
	if len(jobs) == 0 {
		return nil
	}
	_, err = job.EnqueueAll(ctx, tx, now, jobs...)
	return err
}

func (t Target) hears(e event.Stored) bool {
	kinds := t.Kinds()
	return e.Project == t.Project && (len(kinds) == 0 || slices.Contains(kinds, e.Kind))
}

func (t Target) lines(events []event.Stored, facts map[int64]Facts) ([]job.New, error) {
	tmpl, err := parseTemplate(t.Template)
	if err != nil {
		return nil, err
	}
	var out []job.New
	left := 0
	for _, e := range events {
		f, ok := facts[e.ID]
		if !ok || !t.hears(e) {
			continue
		}
		if len(out) >= mostAtOnce {
			left++
			continue
		}
		text, err := line(tmpl, f)
		if err != nil {
			return nil, err
		}
		if text != "" {
			out = append(out, t.job(text))
		}
	}
	if left > 0 {
		out = append(out, t.job(fmt.Sprintf("[%s] and %d more", t.Linkname, left)))
	}
	return out, nil
}

// payload is what a job is told.
type payload struct {
	Target int64  `json:"target"`
	Text   string `json:"text"`
}

// job says a line. Those of a target keep their order; a channel that can't be entered keeps no other one waiting.
func (t Target) job(text string) job.New {
	return job.New{Kind: JobKind, Target: "irc:" + strconv.FormatInt(t.ID, 10), TriedFor: news, Payload: payload{t.ID, clean(text)}}
}

// Test says a line in a target's channel, whatever it wants to hear; whether it arrived is seen there and in the target's error.
func Test(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, id int64) error {
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		t, err := Get(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if !t.Active {
			return fault.New(fault.Conflict, "irc target %d is switched off", id)
		}
		_, err = job.Enqueue(ctx, tx, now, t.job(fmt.Sprintf("[%s] This is a test: notices of this project come here.", t.Linkname)))
		return err
	})
	return wrap(err, fmt.Sprintf("test irc target %d", id))
}

// Worker says lines.
type Worker struct {
	db    *sqldb.DB
	clock clock.Clock
	log   *slog.Logger
	pool  *Pool
}

// NewWorker makes one.
func NewWorker(db *sqldb.DB, c clock.Clock, log *slog.Logger, p *Pool) *Worker {
	return &Worker{db: db, clock: c, log: log, pool: p}
}

// Kind is how the jobs are run.
func (w *Worker) Kind() job.Kind {
	return job.Kind{Name: JobKind, Handle: w.handle, Lease: 2 * time.Minute, Parallel: 4}
}

// handle says one line. A target that is gone or off needs none, and after an hour it is no news.
func (w *Worker) handle(ctx context.Context, j job.Job) error {
	var p payload
	if err := j.Decode(&p); err != nil {
		return err
	}
	t, err := read(ctx, w.db, p.Target)
	if fault.Is(err, fault.NotFound) || err == nil && !t.Active {
		return nil
	}
	if err != nil {
		return err
	}
	at, err := t.place()
	if err != nil {
		return job.Permanent(err)
	}
	said := w.pool.say(ctx, at, t.Password, p.Text)
	if ctx.Err() != nil && said != nil {
		return ctx.Err()
	}
	now := w.clock.Now()
	if err := w.record(context.WithoutCancel(ctx), t, now, said); err != nil || said == nil {
		return err
	}
	if now.Sub(j.CreatedAt) >= news {
		w.log.Warn("a notice by irc did not arrive and is no news any more", "target", t.ID, "url", t.URL, "err", said)
		return nil
	}
	return job.RetryAt(said, now.Add(job.Exponential(firstWait, longWait)(j.Attempts)))
}

func (w *Worker) record(ctx context.Context, t Target, now clock.Time, said error) error {
	return w.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if said == nil {
			_, err := tx.Exec(ctx, "UPDATE irc_target SET sent_at = ?, failed_at = NULL, error = '' WHERE id = ?", int64(now), t.ID)
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE irc_target SET failed_at = ?, error = ? WHERE id = ?", int64(now), fold.Cut(said.Error(), 1000), t.ID)
		return err
	})
}
