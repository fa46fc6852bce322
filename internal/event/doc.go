// SPDX-License-Identifier: GPL-2.0-or-later

// Package event keeps append-only facts: what happened, to which subjects, by whom, and how far each reader has read. Events are
// written in the transaction that caused them; their position is given after commit by one relay, so that a reader who stands at
// a position has missed nothing. It also keeps the audit trail of administrators' actions.
//
// It owns the tables event, event_last, event_count, event_subject, event_consumer and audit. It knows no domain: kinds, subjects and payloads are the caller's.
//
//	err := event.Append(ctx, tx, event.Event{Kind: "patch-created", Project: p.ID, At: now,
//		Subjects: []event.Subject{{Kind: "patch", ID: id}}, Payload: payload})
//
// Who must react to each event is a Consumer, which app gives to the job runner:
//
//	event.Consumer{Name: "webhooks", Handle: func(ctx context.Context, tx *sqldb.Tx, events []event.Stored) error {
//		_, err := job.EnqueueAll(ctx, tx, now, jobsFor(events)...)
//		return err
//	}}
package event
