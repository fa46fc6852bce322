// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"context"
	"encoding/json"
	"fmt"

	"patchwork.example/pw/internal/base/sqldb"
)

// Imported is an event of another system, with its id there.
type Imported struct {
	ID int64
	Event
}

// Import writes events with their ids, and gives them positions in the order in which they come; until the transaction commits no others get any.
// Whoever calls it reserves the ids (sqldb.Tx.ReserveIDs: event), and calls PassOver at the end.
func Import(ctx context.Context, tx *sqldb.Tx, events []Imported) error {
	last, err := takePositions(ctx, tx, len(events))
	if err != nil {
		return err
	}
	rows := make([][]any, 0, len(events))
	t := tally{}
	var subjects [][]any
	for i, e := range events {
		payload, err := json.Marshal(e.Payload)
		if err != nil {
			return fmt.Errorf("import event %d: %w", e.ID, err)
		}
		rows = append(rows, []any{e.ID, last + 1 + int64(i), sqldb.NullID(e.Project), e.Kind, sqldb.NullID(e.Actor), int64(e.At), string(payload)})
		t.add(e.Project, e.Actor, e.Kind, e.At)
		for _, s := range e.Subjects {
			subjects = append(subjects, []any{s.Kind, s.ID, e.ID})
		}
	}
	if err := t.save(ctx, tx); err != nil {
		return err
	}
	if err := tx.Insert(ctx, "event", []string{"id", "pos", "project_id", "kind", "actor_id", "at", "payload"}, rows); err != nil {
		return err
	}
	return tx.Insert(ctx, "event_subject", []string{"kind", "subject_id", "event_id"}, subjects)
}

// PassOver lets all consumers that are there stand behind all events that have positions: what was imported is no news to anybody.
func PassOver(ctx context.Context, tx *sqldb.Tx) error {
	last, err := Last(ctx, tx)
	if err != nil {
		return err
	}
	tx.Wake(WakeReaders)
	_, err = tx.Exec(ctx, "UPDATE event_consumer SET pos = ? WHERE pos < ?", last, last)
	return wrap(err, "let consumers pass over imported events")
}
