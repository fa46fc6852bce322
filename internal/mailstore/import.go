// SPDX-License-Identifier: GPL-2.0-or-later

package mailstore

import (
	"context"

	"patchwork.example/pw/internal/base/sqldb"
)

// ImportedMessage is a message of another system. Content of the Message is not looked at.
type ImportedMessage struct {
	Message
	Copy int     // 0, or its number among those with the same project and MsgID: readers find the one with 0
	Text *string // nil: the other system had none
}

// Import writes messages with their text, ids given by the caller (NextID "message"). The mails they came by are not known.
func Import(ctx context.Context, tx *sqldb.Tx, messages []ImportedMessage) error {
	rows := make([][]any, 0, len(messages))
	bodies := make([][]any, 0, len(messages))
	for i := range messages {
		m := &messages[i]
		rows = append(rows, []any{m.ID, m.Project, m.MsgID, m.Copy, sqldb.NullText(m.LongID), m.Kind, m.Submitter, int64(m.Date), m.Subject, m.InReplyTo, m.Thread, nil, m.Hidden})
		var text any
		if m.Text != nil {
			text = *m.Text
		}
		bodies = append(bodies, []any{m.ID, m.Headers, text})
	}
	columns := []string{"id", "project_id", "msgid", "copy", "msgid_long", "kind", "submitter_id", "date", "subject", "in_reply_to", "thread_id", "mail_id", "hidden"}
	if err := tx.Insert(ctx, "message", columns, rows); err != nil {
		return err
	}
	return tx.Insert(ctx, "message_body", []string{"message_id", "headers", "content"}, bodies)
}
