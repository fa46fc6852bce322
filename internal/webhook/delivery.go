// SPDX-License-Identifier: GPL-2.0-or-later

package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/job"
)

// The states of a delivery.
const (
	Pending   = "pending"
	Delivered = "delivered"
	Failed    = "failed"    // given up
	Cancelled = "cancelled" // its hook was switched off before, or somebody skipped it
)

// KindPing is the kind of the delivery that tells of nothing but the hook itself.
const KindPing = "ping"

// Delivery is one message to one hook.
type Delivery struct {
	ID         int64
	Hook       int64  `db:"webhook_id"`
	Event      int64  // 0: a ping
	Kind       string // of the event
	Body       []byte // as it is sent, each time the same; listings leave it empty
	State      string
	Attempts   int
	CreatedAt  clock.Time  `db:"created_at"`
	FinishedAt *clock.Time `db:"finished_at"`
	Error      string      // of the last attempt
}

var deliveryRow = []string{"id", "webhook_id", "event_id", "kind", "body", "state", "attempts", "created_at", "finished_at", "error"}

const deliveryColumns = "id, webhook_id, COALESCE(event_id, 0) AS event, kind, state, attempts, created_at, finished_at, error"

// CountDeliveries counts what is kept of a hook's deliveries.
func CountDeliveries(ctx context.Context, q sqldb.Queryer, by account.Actor, hook int64) (int, error) {
	if _, err := Get(ctx, q, by, hook); err != nil {
		return 0, err
	}
	var n int
	if err := q.Get(ctx, &n, "SELECT COUNT(*) FROM webhook_delivery WHERE webhook_id = ?", hook); err != nil {
		return 0, fmt.Errorf("count the deliveries of webhook %d: %w", hook, err)
	}
	return n, nil
}

// Deliveries lists the deliveries of a hook, the newest first, without bodies.
func Deliveries(ctx context.Context, q sqldb.Queryer, by account.Actor, hook int64, offset, limit int) ([]Delivery, error) {
	if _, err := Get(ctx, q, by, hook); err != nil {
		return nil, err
	}
	var out []Delivery
	err := q.Select(ctx, &out, "SELECT "+deliveryColumns+" FROM webhook_delivery WHERE webhook_id = ? ORDER BY id DESC LIMIT ? OFFSET ?", hook, limit, offset)
	if err != nil {
		return nil, fmt.Errorf("list the deliveries of webhook %d: %w", hook, err)
	}
	return out, nil
}

// GetDelivery reads a delivery of a hook with its attempts, the latest first.
func GetDelivery(ctx context.Context, q sqldb.Queryer, by account.Actor, hook, id int64) (d Delivery, attempts []Attempt, err error) {
	if _, err := Get(ctx, q, by, hook); err != nil {
		return d, nil, err
	}
	if d, err = readDelivery(ctx, q, id); err != nil {
		return d, nil, err
	}
	if d.Hook != hook {
		return d, nil, noDelivery(id)
	}
	var rows []struct {
		Attempt
		Micros int64
	}
	err = q.Select(ctx, &rows, "SELECT number, at, took AS micros, request, status, response, body, cut, error FROM webhook_attempt WHERE delivery_id = ? ORDER BY number DESC", id)
	if err != nil {
		return d, nil, fmt.Errorf("list the attempts of delivery %d: %w", id, err)
	}
	for _, r := range rows {
		r.Attempt.Took = time.Duration(r.Micros) * time.Microsecond
		attempts = append(attempts, r.Attempt)
	}
	return d, attempts, nil
}

func noDelivery(id int64) error {
	return fault.New(fault.NotFound, "there is no delivery %d, or it was removed since", id)
}

func readDelivery(ctx context.Context, q sqldb.Queryer, id int64) (Delivery, error) {
	var d Delivery
	err := q.Get(ctx, &d, "SELECT "+deliveryColumns+", body FROM webhook_delivery WHERE id = ?", id)
	if fault.Is(err, fault.NotFound) {
		return d, noDelivery(id)
	}
	if err != nil {
		return d, fmt.Errorf("read delivery %d: %w", id, err)
	}
	return d, nil
}

// Ping sends a hook a message that tells of nothing, to see whether it arrives, active or not, beside what waits for it. The delivery shows how it
// went.
func Ping(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, hook int64) (d Delivery, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		h, err := Get(ctx, tx, by, hook)
		if err != nil {
			return err
		}
		d = Delivery{Hook: h.ID, Kind: KindPing, State: Pending, CreatedAt: now}
		if d.Body, err = pingBody(h, now); err != nil {
			return err
		}
		if d.ID, err = tx.NextID(ctx, "webhook_delivery"); err != nil {
			return err
		}
		err = tx.Insert(ctx, "webhook_delivery", deliveryRow, [][]any{{d.ID, h.ID, nil, d.Kind, d.Body, d.State, 0, int64(now), nil, ""}})
		if err != nil {
			return err
		}
		if _, err := job.Enqueue(ctx, tx, now, onceJob(h.ID, d.ID)); err != nil {
			return err
		}
		return h.audit(ctx, tx, by, now, "webhook ping", "")
	})
	if err != nil {
		return d, fmt.Errorf("ping webhook %d: %w", hook, err)
	}
	return d, nil
}

// pingBody has the outer form of an event.
func pingBody(h Hook, now clock.Time) ([]byte, error) {
	type hook struct {
		ID      int64    `json:"id"`
		Project *string  `json:"project"` // link name
		URL     string   `json:"url"`
		Events  []string `json:"events"`
	}
	about := hook{ID: h.ID, URL: h.URL, Events: append([]string{}, h.Categories...)}
	if h.Linkname != "" {
		about.Project = &h.Linkname
	}
	return json.Marshal(struct {
		Category string          `json:"category"`
		Date     string          `json:"date"`
		Payload  map[string]hook `json:"payload"`
	}{KindPing, now.Time().Format("2006-01-02T15:04:05"), map[string]hook{"webhook": about}})
}

// Redeliver sends a delivery once more, the same bytes, beside what waits for the hook. If that fails the delivery stays what it was.
func Redeliver(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, hook, id int64) error {
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		h, err := Get(ctx, tx, by, hook)
		if err != nil {
			return err
		}
		d, err := readDelivery(ctx, tx, id)
		if err != nil {
			return err
		}
		if d.Hook != hook {
			return noDelivery(id)
		}
		if len(d.Body) == 0 {
			return fault.New(fault.Conflict, "delivery %d has no body to send", id)
		}
		if _, err := job.Enqueue(ctx, tx, now, onceJob(h.ID, id)); err != nil {
			return err
		}
		return h.audit(ctx, tx, by, now, "webhook redeliver", fmt.Sprintf("delivery %d", id))
	})
	if err != nil {
		return fmt.Errorf("deliver %d again: %w", id, err)
	}
	return nil
}

// FirstPending gives the delivery that all others of a hook wait for; fault.NotFound if none waits.
func FirstPending(ctx context.Context, q sqldb.Queryer, by account.Actor, hook int64) (Delivery, error) {
	if _, err := Get(ctx, q, by, hook); err != nil {
		return Delivery{}, err
	}
	_, id, err := first(ctx, q, hook)
	if err != nil {
		return Delivery{}, err
	}
	return readDelivery(ctx, q, id)
}

// first finds the job whose turn it is among those of a hook, and its delivery.
func first(ctx context.Context, q sqldb.Queryer, hook int64) (jobID, delivery int64, err error) {
	j, err := job.FirstOf(ctx, q, lane(hook))
	if err != nil {
		return 0, 0, err
	}
	var p payload
	err = j.Decode(&p)
	return j.ID, p.Delivery, err
}

// Skip gives up a delivery that waits, so that what comes after it is sent. One that is under way at this moment may still arrive.
func Skip(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, hook, id int64) error {
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		h, err := lock(ctx, tx, hook)
		if err != nil {
			return err
		}
		if err := mayManage(ctx, tx, by, h.Project); err != nil {
			return err
		}
		d, err := readDelivery(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case d.Hook != hook:
			return noDelivery(id)
		case d.State != Pending:
			return fault.New(fault.Conflict, "delivery %d is %s: only one that is pending can be skipped", id, d.State)
		}
		why := "skipped"
		if d.Error != "" {
			why += "; the last attempt: " + d.Error
		}
		if err := settle(ctx, tx, now, d, Cancelled, d.Attempts, fold.Cut(why, maxReason)); err != nil {
			return err
		}
		if err := letNext(ctx, tx, now, d); err != nil {
			return err
		}
		return h.audit(ctx, tx, by, now, "webhook skip", fmt.Sprintf("delivery %d", id))
	})
	if err != nil {
		return fmt.Errorf("skip delivery %d: %w", id, err)
	}
	return nil
}

// letNext runs the job of a delivery that was given up now, if it is the first of its hook: it does nothing, and lets the next one go.
func letNext(ctx context.Context, tx *sqldb.Tx, now clock.Time, d Delivery) error {
	jobID, delivery, err := first(ctx, tx, d.Hook)
	if fault.Is(err, fault.NotFound) || err == nil && delivery != d.ID {
		return nil
	}
	if err != nil {
		return err
	}
	return job.Hurry(ctx, tx, now, jobID)
}

// sweepChunk is how many old deliveries one transaction removes.
const sweepChunk = 500

// Sweep removes the deliveries that ended and were made before a time, and returns how many.
func Sweep(ctx context.Context, db *sqldb.DB, before clock.Time) (removed int64, err error) {
	for {
		var ids []int64
		err := db.Select(ctx, &ids, "SELECT id FROM webhook_delivery WHERE created_at < ? AND state <> 'pending' ORDER BY created_at, id LIMIT ?", int64(before), sweepChunk)
		if err != nil || len(ids) == 0 {
			return removed, wrap(err, "find old deliveries")
		}
		err = db.Tx(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, "DELETE FROM webhook_delivery WHERE id IN (?)", ids)
			return err
		})
		if err != nil {
			return removed, wrap(err, "remove old deliveries")
		}
		removed += int64(len(ids))
	}
}

func wrap(err error, doing string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
