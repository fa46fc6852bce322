// SPDX-License-Identifier: GPL-2.0-or-later

package mailstore

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
)

// Waiting is a message and one of the mails it refers to that is not here yet; distance 0 is the nearest. A message of kind Pending waits for all of its
// references, any other for those that are nearer than the mail it is known to answer. Of a comment whose nearest reference is missing the one it was
// attached by is listed too, last.
type Waiting struct {
	Message  *Message
	MsgID    string // key form of the reference
	Distance int
}

// Wait records which references messages wait for.
func Wait(ctx context.Context, tx *sqldb.Tx, waiting []Waiting) error {
	return tx.Insert(ctx, "pending_reference", waitingColumns, waitingRows(waiting))
}

var waitingColumns = []string{"project_id", "msgid", "message_id", "distance"}

func waitingRows(waiting []Waiting) [][]any {
	rows := make([][]any, 0, len(waiting))
	for _, w := range waiting {
		rows = append(rows, []any{w.Message.Project, w.MsgID, w.Message.ID, w.Distance})
	}
	return rows
}

const textColumns = `m.id, m.project_id, m.msgid, COALESCE(m.msgid_long, '') AS msgid_long, m.kind, m.submitter_id, m.date, m.subject, m.in_reply_to,
	m.thread_id, COALESCE(m.mail_id, 0) AS mail_id, m.hidden, b.headers, COALESCE(b.content, '') AS content`

// texted is a row with textColumns.
type texted struct {
	Message
	Ref      string
	Distance int
	Headers  string
	Content  string
}

func (t *texted) message() *Message {
	m := t.Message
	m.Headers, m.Content = t.Headers, t.Content
	return &m
}

// WaitingFor finds the messages that wait for one of msgids (key form), with their text.
func WaitingFor(ctx context.Context, tx *sqldb.Tx, project int64, msgids []string) ([]Waiting, error) {
	var out []Waiting
	err := sqldb.Chunks(msgids, func(msgids []string) error {
		return tx.Each(ctx, func(rows *sqlx.Rows) error {
			var t texted
			if err := rows.StructScan(&t); err != nil {
				return err
			}
			out = append(out, Waiting{Message: t.message(), MsgID: t.Ref, Distance: t.Distance})
			return nil
		}, "SELECT "+textColumns+`, r.msgid AS ref, r.distance
			FROM pending_reference r JOIN message m ON m.id = r.message_id JOIN message_body b ON b.message_id = m.id
			WHERE r.project_id = ? AND r.msgid IN (?) ORDER BY m.id, r.distance`, project, msgids)
	})
	if err != nil {
		return nil, fmt.Errorf("look for waiting messages: %w", err)
	}
	return out, nil
}

// InThreads lists the messages of a kind in threads, with their text.
func InThreads(ctx context.Context, tx *sqldb.Tx, threads []int64, kind string) ([]*Message, error) {
	var out []*Message
	err := sqldb.Chunks(threads, func(threads []int64) error {
		return tx.Each(ctx, func(rows *sqlx.Rows) error {
			var t texted
			if err := rows.StructScan(&t); err != nil {
				return err
			}
			out = append(out, t.message())
			return nil
		}, "SELECT "+textColumns+" FROM message m JOIN message_body b ON b.message_id = m.id WHERE m.thread_id IN (?) AND m.kind = ? ORDER BY m.id", threads, kind)
	})
	if err != nil {
		return nil, fmt.Errorf("read threads: %w", err)
	}
	return out, nil
}

// Attached turns pending messages into messages of kind: their parent has come. Their deliveries get the outcome.
func Attached(ctx context.Context, tx *sqldb.Tx, messages []*Message, kind, reason string) error {
	var ids, mails []int64
	for _, m := range messages {
		ids = append(ids, m.ID)
		if m.Mail != 0 {
			mails = append(mails, m.Mail)
		}
	}
	err := sqldb.Chunks(ids, func(ids []int64) error {
		_, err := tx.Exec(ctx, "UPDATE message SET kind = ? WHERE id IN (?)", kind, ids)
		return err
	})
	if err == nil {
		err = sqldb.Chunks(mails, func(mails []int64) error {
			_, err := tx.Exec(ctx, "UPDATE mail SET outcome = ?, reason = ? WHERE id IN (?)", kind, reason, mails)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("attach %d messages: %w", len(ids), err)
	}
	return nil
}

// StopWaiting takes back what messages wait for, from a distance on.
func StopWaiting(ctx context.Context, tx *sqldb.Tx, messages []int64, from int) error {
	return sqldb.Chunks(messages, func(ids []int64) error {
		if _, err := tx.Exec(ctx, "DELETE FROM pending_reference WHERE message_id IN (?) AND distance >= ?", ids, from); err != nil {
			return fmt.Errorf("take back what %d messages wait for: %w", len(ids), err)
		}
		return nil
	})
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
	u := sqldb.Upsert{Table: "pending_reference", Columns: waitingColumns, Key: []string{"project_id", "msgid", "message_id"}}
	return tx.Upsert(ctx, u, waitingRows(waiting)) // one that was attached by a farther reference is listed already
}

// JoinThreads moves all messages of some threads into another.
func JoinThreads(ctx context.Context, tx *sqldb.Tx, from []int64, to int64) error {
	return sqldb.Chunks(from, func(from []int64) error {
		if _, err := tx.Exec(ctx, "UPDATE message SET thread_id = ? WHERE thread_id IN (?)", to, from); err != nil {
			return fmt.Errorf("join %d threads to %d: %w", len(from), to, err)
		}
		return nil
	})
}

// WaitsFor lists the references that a pending message waits for, nearest first.
func WaitsFor(ctx context.Context, tx *sqldb.Tx, message int64) ([]string, error) {
	var out []string
	if err := tx.Select(ctx, &out, "SELECT msgid FROM pending_reference WHERE message_id = ? ORDER BY distance", message); err != nil {
		return nil, fmt.Errorf("read what message %d waits for: %w", message, err)
	}
	return out, nil
}

// CountWaiting is how many messages wait for one of their references.
func CountWaiting(ctx context.Context, q sqldb.Queryer) (n int64, err error) {
	if err := q.Get(ctx, &n, "SELECT COUNT(DISTINCT message_id) FROM pending_reference"); err != nil {
		return 0, fmt.Errorf("count waiting messages: %w", err)
	}
	return n, nil
}
