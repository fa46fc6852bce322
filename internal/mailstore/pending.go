// SPDX-License-Identifier: GPL-2.0-or-later

package mailstore

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
)

// Waiting is a message of kind Pending and one of the references it waits for; distance 0 is the nearest.
type Waiting struct {
	Message  *Message
	MsgID    string // key form of the reference
	Distance int
}

// Wait records which references pending messages wait for.
func Wait(ctx context.Context, tx *sqldb.Tx, waiting []Waiting) error {
	rows := make([][]any, 0, len(waiting))
	for _, w := range waiting {
		rows = append(rows, []any{w.Message.Project, w.MsgID, w.Message.ID, w.Distance})
	}
	return tx.Insert(ctx, "pending_reference", []string{"project_id", "msgid", "message_id", "distance"}, rows)
}

// WaitingFor finds the pending messages that wait for one of msgids (key form), with their text.
func WaitingFor(ctx context.Context, tx *sqldb.Tx, project int64, msgids []string) ([]Waiting, error) {
	var out []Waiting
	err := sqldb.Chunks(msgids, func(msgids []string) error {
		return tx.Each(ctx, func(rows *sqlx.Rows) error {
			var w struct {
				Message
				Ref      string
				Distance int
				Headers  string
				Content  string
			}
			if err := rows.StructScan(&w); err != nil {
				return err
			}
			m := w.Message
			m.Headers, m.Content = w.Headers, w.Content
			out = append(out, Waiting{Message: &m, MsgID: w.Ref, Distance: w.Distance})
			return nil
		}, `SELECT m.id, m.project_id, m.msgid, COALESCE(m.msgid_long, '') AS msgid_long, m.kind, m.submitter_id, m.date, m.subject, m.in_reply_to,
				m.thread_id, COALESCE(m.mail_id, 0) AS mail_id, m.hidden, r.msgid AS ref, r.distance, b.headers, COALESCE(b.content, '') AS content
			FROM pending_reference r JOIN message m ON m.id = r.message_id JOIN message_body b ON b.message_id = m.id
			WHERE r.project_id = ? AND r.msgid IN (?) ORDER BY m.id, r.distance`, project, msgids)
	})
	if err != nil {
		return nil, fmt.Errorf("look for waiting messages: %w", err)
	}
	return out, nil
}

// Attached turns pending messages into messages of kind in thread: their parent has come. Their deliveries get the outcome.
func Attached(ctx context.Context, tx *sqldb.Tx, m *Message, outcome, reason string) error {
	if _, err := tx.Exec(ctx, "UPDATE message SET kind = ?, thread_id = ? WHERE id = ?", m.Kind, m.Thread, m.ID); err != nil {
		return fmt.Errorf("attach message %d: %w", m.ID, err)
	}
	if _, err := tx.Exec(ctx, "DELETE FROM pending_reference WHERE message_id = ?", m.ID); err != nil {
		return fmt.Errorf("attach message %d: %w", m.ID, err)
	}
	if m.Mail == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, "UPDATE mail SET outcome = ?, reason = ? WHERE id = ?", outcome, reason, m.Mail)
	return err
}

// Orphan turns messages back into pending ones that wait for parent, which is about to be removed.
func Orphan(ctx context.Context, tx *sqldb.Tx, parent *Message, ids []int64) error {
	err := sqldb.Chunks(ids, func(ids []int64) error {
		if _, err := tx.Exec(ctx, "UPDATE message SET kind = ? WHERE id IN (?)", Pending, ids); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE mail SET outcome = ?, reason = ? WHERE id IN (SELECT mail_id FROM message WHERE id IN (?))",
			Pending, "the mail it answers was deleted", ids)
		return err
	})
	if err != nil {
		return fmt.Errorf("detach replies to %s: %w", parent.MsgID, err)
	}
	waiting := make([]Waiting, 0, len(ids))
	for _, id := range ids {
		waiting = append(waiting, Waiting{Message: &Message{ID: id, Project: parent.Project}, MsgID: parent.MsgID})
	}
	return Wait(ctx, tx, waiting)
}

// JoinThreads moves all messages of one thread into another.
func JoinThreads(ctx context.Context, tx *sqldb.Tx, from, to int64) error {
	if _, err := tx.Exec(ctx, "UPDATE message SET thread_id = ? WHERE thread_id = ?", to, from); err != nil {
		return fmt.Errorf("join thread %d to %d: %w", from, to, err)
	}
	return nil
}
