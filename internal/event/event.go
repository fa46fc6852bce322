// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"context"
	"encoding/json"
	"fmt"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// Event is one fact. Payload becomes JSON: ids and the values of that moment, never whole objects.
type Event struct {
	Kind     string
	Project  int64 // 0: none
	Actor    int64 // user; 0: nobody, as for mail
	At       clock.Time
	Subjects []Subject
	Payload  any
}

// Subject is something an event is about: ("patch", 7).
type Subject struct {
	Kind string
	ID   int64
}

// Append writes events in the caller's transaction, in order.
func Append(ctx context.Context, tx *sqldb.Tx, events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	position, err := positions(ctx, tx, events)
	if err != nil {
		return err
	}
	rows := make([][]any, 0, len(events))
	var subjects [][]any
	for i, e := range events {
		id, err := tx.NextID(ctx, "event")
		if err != nil {
			return err
		}
		payload, err := json.Marshal(e.Payload)
		if err != nil {
			return fmt.Errorf("append event %s: %w", e.Kind, err)
		}
		rows = append(rows, []any{id, position(i), sqldb.NullID(e.Project), e.Kind, sqldb.NullID(e.Actor), int64(e.At), string(payload)})
		for _, s := range e.Subjects {
			subjects = append(subjects, []any{s.Kind, s.ID, id})
		}
	}
	if err := tx.Insert(ctx, "event", []string{"id", "pos", "project_id", "kind", "actor_id", "at", "payload"}, rows); err != nil {
		return err
	}
	return tx.Insert(ctx, "event_subject", []string{"kind", "subject_id", "event_id"}, subjects)
}

// positions gives the position of each event that is being written. On SQLite writers are alone until they commit, so that what they count goes up in
// the order of commits, and counted; elsewhere it is null, and given by Relay.
func positions(ctx context.Context, tx *sqldb.Tx, events []Event) (func(i int) any, error) {
	n := len(events)
	if tx.Engine() != sqldb.SQLite {
		tx.Wake(WakeRelay)
		return func(int) any { return nil }, nil
	}
	last, err := takePositions(ctx, tx, n)
	if err == nil {
		err = tallyOf(events).save(ctx, tx)
	}
	tx.Wake(WakeReaders)
	return func(i int) any { return last + 1 + int64(i) }, err
}

// Forget removes the events about one subject that match says yes to (nil: all): for a message that is deleted on purpose.
func Forget(ctx context.Context, tx *sqldb.Tx, s Subject, match func(kind, payload string) bool) error {
	return ForgetAll(ctx, tx, s.Kind, []int64{s.ID}, match)
}

// ForgetAll does what Forget does, for several subjects of one kind.
func ForgetAll(ctx context.Context, tx *sqldb.Tx, subject string, of []int64, match func(kind, payload string) bool) error {
	var found []struct {
		ID            int64
		Kind, Payload string
	}
	err := sqldb.Chunks(of, func(of []int64) error {
		return tx.Select(ctx, &found, `SELECT e.id, e.kind, e.payload FROM event_subject s JOIN event e ON e.id = s.event_id
			WHERE s.kind = ? AND s.subject_id IN (?)`, subject, of)
	})
	if err != nil {
		return fmt.Errorf("find events of %s %d: %w", subject, of, err)
	}
	var ids []int64
	for _, e := range found {
		if match == nil || match(e.Kind, e.Payload) {
			ids = append(ids, e.ID)
		}
	}
	return sqldb.Chunks(ids, func(ids []int64) error {
		return wrap(remove(ctx, tx, ids), fmt.Sprintf("forget events of %s %d", subject, of))
	})
}

// Has tells whether there is an event of a kind about a subject.
func Has(ctx context.Context, q sqldb.Queryer, kind string, s Subject) (bool, error) {
	var n int
	err := q.Get(ctx, &n, `SELECT COUNT(*) FROM event_subject s JOIN event e ON e.id = s.event_id WHERE s.kind = ? AND s.subject_id = ? AND e.kind = ?`, s.Kind, s.ID, kind)
	if err != nil {
		return false, fmt.Errorf("look for events %s of %s %d: %w", kind, s.Kind, s.ID, err)
	}
	return n > 0, nil
}

// Audited is one action of an administrator, for the record.
type Audited struct {
	At      clock.Time
	Actor   int64  // user; 0: somebody at the command line
	Via     string // "cli", "web", "api"
	Verb    string // "message delete"
	Subject string // "project linux-erofs", "<msgid>"
	Detail  string
}

// Audit writes one line of the audit trail in the caller's transaction.
func Audit(ctx context.Context, tx *sqldb.Tx, a Audited) error {
	id, err := tx.NextID(ctx, "audit")
	if err != nil {
		return err
	}
	return tx.Insert(ctx, "audit", []string{"id", "at", "actor_id", "via", "verb", "subject", "detail"},
		[][]any{{id, int64(a.At), sqldb.NullID(a.Actor), a.Via, a.Verb, fold.Cut(a.Subject, 255), a.Detail}})
}
