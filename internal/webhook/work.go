// SPDX-License-Identifier: GPL-2.0-or-later

package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/job"
)

const (
	// GiveUp is how long a hook may fail before it is switched off.
	GiveUp = 72 * time.Hour
	// firstPause and longestPause bound the time between two attempts, which doubles.
	firstPause   = 10 * time.Second
	longestPause = time.Hour
	// keptAttempts is how many attempts of a delivery are kept.
	keptAttempts = 50
	// parallel is how many hooks a process tells at the same time.
	parallel = 16
)

// Worker delivers.
type Worker struct {
	db     *sqldb.DB
	clock  clock.Clock
	log    *slog.Logger
	sender *Sender
	// Disabled, if set, hears in the same transaction that a hook was switched off because of its failures, to tell its maintainers.
	Disabled func(ctx context.Context, tx *sqldb.Tx, h Hook) error
}

// NewWorker makes one.
func NewWorker(db *sqldb.DB, c clock.Clock, log *slog.Logger, s *Sender) *Worker {
	return &Worker{db: db, clock: c, log: log, sender: s}
}

// Kind is how the jobs are run.
func (w *Worker) Kind() job.Kind {
	return job.Kind{Name: JobKind, Handle: w.deliver, Lease: time.Minute, Parallel: parallel}
}

// deliver makes one attempt. A hook or delivery that is there no more needs none.
func (w *Worker) deliver(ctx context.Context, j job.Job) error {
	var p payload
	if err := j.Decode(&p); err != nil {
		return err
	}
	d, err := readDelivery(ctx, w.db, p.Delivery)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	h, err := read(ctx, w.db, d.Hook)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		return err
	case !p.Once && d.State != Pending:
		return nil
	case !p.Once && !h.Active:
		return w.end(ctx, d, Cancelled, "the webhook was switched off")
	}
	a := w.sender.send(ctx, w.clock.Now(), message{url: h.URL, secret: h.Secret, delivery: d.ID, kind: d.Kind, body: d.Body})
	if ctx.Err() != nil && !a.Delivered() { // interrupted: it says nothing of the receiver
		return ctx.Err()
	}
	return w.record(context.WithoutCancel(ctx), h.ID, d.ID, p.Once, a)
}

// end finishes a delivery without an attempt.
func (w *Worker) end(ctx context.Context, d Delivery, state, why string) error {
	return w.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := lock(ctx, tx, d.Hook); err != nil {
			return gone(err)
		}
		return settle(ctx, tx, w.clock.Now(), d, state, d.Attempts, why)
	})
}

// gone is nil for what was deleted meanwhile.
func gone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// settle writes the state of a delivery, and counts it no longer as waiting if it does not.
func settle(ctx context.Context, tx *sqldb.Tx, now clock.Time, d Delivery, state string, attempts int, why string) error {
	var finished any
	if state != Pending {
		finished = int64(now)
	}
	_, err := tx.Exec(ctx, "UPDATE webhook_delivery SET state = ?, attempts = ?, finished_at = ?, error = ? WHERE id = ?", state, attempts, finished, why, d.ID)
	if err == nil && d.Event != 0 && d.State == Pending && state != Pending {
		_, err = tx.Exec(ctx, "UPDATE webhook SET pending = pending - 1 WHERE id = ? AND pending > 0", d.Hook)
	}
	return wrap(err, fmt.Sprintf("end delivery %d", d.ID))
}

// record writes down an attempt, and says when to try again.
func (w *Worker) record(ctx context.Context, hook, delivery int64, once bool, a Attempt) error {
	again := false
	var h Hook
	err := w.db.Tx(ctx, func(tx *sqldb.Tx) (err error) {
		again = false
		if h, err = lock(ctx, tx, hook); err != nil {
			return gone(err)
		}
		d, err := readDelivery(ctx, tx, delivery)
		if err != nil {
			return gone(err)
		}
		a.Number = d.Attempts + 1
		if err := insertAttempt(ctx, tx, d.ID, a); err != nil {
			return err
		}
		if once {
			return w.recordOnce(ctx, tx, d, a)
		}
		again, err = w.recordInOrder(ctx, tx, h, d, a)
		return err
	})
	if err != nil {
		return fmt.Errorf("record an attempt at delivery %d: %w", delivery, err)
	}
	if !again {
		return nil
	}
	return job.RetryAt(errors.New(a.Error), w.clock.Now().Add(pause(a)))
}

// pause is how long to wait after an attempt.
func pause(a Attempt) time.Duration {
	d := firstPause
	for n := 1; n < a.Number && d < longestPause; n++ {
		d *= 2
	}
	d = min(d, longestPause)
	d = d*3/4 + time.Duration(rand.Int64N(int64(d/2)+1))
	return max(d, a.retry)
}

func insertAttempt(ctx context.Context, tx *sqldb.Tx, delivery int64, a Attempt) error {
	body := a.Body
	if body == nil {
		body = []byte{}
	}
	err := tx.Insert(ctx, "webhook_attempt", []string{"delivery_id", "number", "at", "took", "request", "status", "response", "body", "cut", "error"},
		[][]any{{delivery, a.Number, int64(a.At), a.Took.Microseconds(), a.Request, a.Status, a.Response, body, a.Cut, a.Error}})
	if err == nil && a.Number > keptAttempts {
		_, err = tx.Exec(ctx, "DELETE FROM webhook_attempt WHERE delivery_id = ? AND number <= ?", delivery, a.Number-keptAttempts)
	}
	return err
}

// recordOnce ends an attempt that somebody asked for: it says nothing of the hook as a whole, and one that failed leaves the delivery as it was.
func (w *Worker) recordOnce(ctx context.Context, tx *sqldb.Tx, d Delivery, a Attempt) error {
	switch {
	case a.Delivered():
		return settle(ctx, tx, w.clock.Now(), d, Delivered, a.Number, "")
	case d.Kind == KindPing:
		return settle(ctx, tx, w.clock.Now(), d, Failed, a.Number, a.Error)
	}
	_, err := tx.Exec(ctx, "UPDATE webhook_delivery SET attempts = ?, error = ? WHERE id = ?", a.Number, a.Error, d.ID)
	return err
}

func (w *Worker) recordInOrder(ctx context.Context, tx *sqldb.Tx, h Hook, d Delivery, a Attempt) (again bool, err error) {
	now := w.clock.Now()
	if a.Delivered() {
		_, err := tx.Exec(ctx, "UPDATE webhook SET failures = 0, failing_since = NULL, delivered_at = ? WHERE id = ?", int64(now), h.ID)
		if err != nil {
			return false, err
		}
		return false, settle(ctx, tx, now, d, Delivered, a.Number, "")
	}
	h.Failures++
	if h.FailingSince == nil {
		h.FailingSince = &a.At
	}
	if _, err := tx.Exec(ctx, "UPDATE webhook SET failures = ?, failing_since = ? WHERE id = ?", h.Failures, int64(*h.FailingSince), h.ID); err != nil {
		return false, err
	}
	why := ""
	switch {
	case a.Status == http.StatusGone:
		why = "it answered 410 Gone"
	case now.Sub(*h.FailingSince) >= GiveUp:
		why = fmt.Sprintf("it failed for three days, %d times in a row; the last time: %s", h.Failures, a.Error)
	default:
		return d.State == Pending, settle(ctx, tx, now, d, d.State, a.Number, a.Error)
	}
	if err := settle(ctx, tx, now, d, Failed, a.Number, a.Error); err != nil {
		return false, err
	}
	return false, w.disable(ctx, tx, now, h, why)
}

// disable switches a hook off. What waits for it is cancelled when its turn comes.
func (w *Worker) disable(ctx context.Context, tx *sqldb.Tx, now clock.Time, h Hook, why string) error {
	if !h.Active {
		return nil
	}
	h.Active, h.DisabledAt, h.DisabledReason = false, &now, why
	_, err := tx.Exec(ctx, "UPDATE webhook SET active = FALSE, disabled_at = ?, disabled_reason = ? WHERE id = ?", int64(now), h.cutReason(), h.ID)
	if err != nil {
		return err
	}
	w.log.Warn("webhook switched off", "webhook", h.ID, "project", h.Linkname, "url", h.URL, "why", why)
	if err := h.audit(ctx, tx, account.Actor{Via: "job"}, now, "webhook disable", h.DisabledReason); err != nil {
		return err
	}
	if w.Disabled == nil {
		return nil
	}
	return w.Disabled(ctx, tx, h)
}

func (h Hook) cutReason() string {
	r := []rune(h.DisabledReason)
	return string(r[:min(len(r), maxReason)])
}
