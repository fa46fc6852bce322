// SPDX-License-Identifier: GPL-2.0-or-later

package mailstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"unicode/utf8"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// KeyLimit is how long the key form of a Message-ID may be, in bytes.
const KeyLimit = 255

// Key is the form of a Message-ID that is stored and compared: itself up to 255 bytes; a longer one is cut to 190 bytes, followed by
// "#" and the SHA-256 of the whole in hex.
func Key(msgid string) string {
	if len(msgid) <= KeyLimit {
		return msgid
	}
	cut := 190
	for cut > 0 && !utf8.RuneStart(msgid[cut]) {
		cut--
	}
	sum := sha256.Sum256([]byte(msgid))
	return msgid[:cut] + "#" + hex.EncodeToString(sum[:])
}

// Ref names a message: project and key form of the Message-ID.
type Ref struct {
	Project int64
	MsgID   string
}

// Message is one mail of a project.
type Message struct {
	ID        int64
	Project   int64 `db:"project_id"`
	MsgID     string
	LongID    string `db:"msgid_long"` // the whole Message-ID when MsgID is a cut one, else empty
	Kind      string
	Submitter int64 `db:"submitter_id"` // person
	Date      clock.Time
	Subject   string
	InReplyTo string `db:"in_reply_to"` // key form of the nearest reference, or empty
	Thread    int64  `db:"thread_id"`   // id of the first known message of the thread
	Mail      int64  `db:"mail_id"`     // 0: not from a mail we have
	Hidden    bool
	Headers   string       `db:"-"`
	Content   string       `db:"-"`
	Attached  []Attachment `db:"-"`
}

const messageColumns = "id, project_id, msgid, COALESCE(msgid_long, '') AS msgid_long, kind, submitter_id, date, subject, in_reply_to, thread_id, COALESCE(mail_id, 0) AS mail_id, hidden"

// Insert writes new messages with their text, ids given by the caller (NextID "message").
func Insert(ctx context.Context, tx *sqldb.Tx, messages []*Message) error {
	rows := make([][]any, 0, len(messages))
	bodies := make([][]any, 0, len(messages))
	for _, m := range messages {
		var long any
		if m.LongID != "" {
			long = m.LongID
		}
		rows = append(rows, []any{m.ID, m.Project, m.MsgID, 0, long, m.Kind, m.Submitter, int64(m.Date), m.Subject, m.InReplyTo, m.Thread, sqldb.NullID(m.Mail), m.Hidden})
		bodies = append(bodies, []any{m.ID, m.Headers, m.Content, PackAttachments(m.Attached)})
	}
	columns := []string{"id", "project_id", "msgid", "copy", "msgid_long", "kind", "submitter_id", "date", "subject", "in_reply_to", "thread_id", "mail_id", "hidden"}
	if err := tx.Insert(ctx, "message", columns, rows); err != nil {
		return err
	}
	return tx.Insert(ctx, "message_body", []string{"message_id", "headers", "content", "attached"}, bodies)
}

// Lookup finds the messages that are there among refs; all refs must be in project.
func Lookup(ctx context.Context, q sqldb.Queryer, project int64, msgids []string) (map[string]*Message, error) {
	out := map[string]*Message{}
	err := sqldb.Chunks(msgids, func(msgids []string) error {
		var found []*Message
		err := q.Select(ctx, &found, "SELECT "+messageColumns+" FROM message WHERE project_id = ? AND msgid IN (?) AND copy = 0", project, msgids)
		for _, m := range found {
			out[m.MsgID] = m
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up messages: %w", err)
	}
	return out, nil
}

// ByMsgID lists the messages with a Message-ID (key form) in all projects.
func ByMsgID(ctx context.Context, q sqldb.Queryer, msgid string) ([]*Message, error) {
	var out []*Message
	if err := q.Select(ctx, &out, "SELECT "+messageColumns+" FROM message WHERE msgid = ? ORDER BY project_id, copy", msgid); err != nil {
		return nil, fmt.Errorf("look up %s: %w", msgid, err)
	}
	return out, nil
}

// Body reads the headers and the text of a message.
func Body(ctx context.Context, q sqldb.Queryer, id int64) (headers, content string, err error) {
	var b struct{ Headers, Content string }
	err = q.Get(ctx, &b, "SELECT headers, COALESCE(content, '') AS content FROM message_body WHERE message_id = ?", id)
	if err != nil {
		return "", "", fmt.Errorf("read the text of message %d: %w", id, err)
	}
	return b.Headers, b.Content, nil
}

// Remove deletes a message and its text; the domain removes its satellites before.
func Remove(ctx context.Context, tx *sqldb.Tx, id int64) error {
	for _, query := range []string{
		"DELETE FROM message_body WHERE message_id = ?",
		"DELETE FROM pending_reference WHERE message_id = ?",
		"DELETE FROM message WHERE id = ?",
	} {
		if _, err := tx.Exec(ctx, query, id); err != nil {
			return fmt.Errorf("remove message %d: %w", id, err)
		}
	}
	return nil
}

// SetHidden withholds a message from every reader, or shows it again.
func SetHidden(ctx context.Context, tx *sqldb.Tx, id int64, hidden bool) error {
	n, err := tx.Exec(ctx, "UPDATE message SET hidden = ? WHERE id = ?", hidden, id)
	if err == nil && n == 0 {
		err = fault.New(fault.NotFound, "no message %d", id)
	}
	return err
}

// Tombstone remembers that a message was deleted ("deleted") or hidden ("hidden") on purpose.
type Tombstone struct {
	Project int64 `db:"project_id"`
	MsgID   string
	Kind    string
	At      clock.Time
	Actor   int64 `db:"actor_id"`
	Reason  string
}

// Bury writes a tombstone, replacing an older one of the same message.
func Bury(ctx context.Context, tx *sqldb.Tx, t Tombstone) error {
	u := sqldb.Upsert{Table: "tombstone", Columns: []string{"project_id", "msgid", "kind", "at", "actor_id", "reason"},
		Key: []string{"project_id", "msgid"}, Replace: []string{"kind", "at", "actor_id", "reason"}}
	return tx.Upsert(ctx, u, [][]any{{t.Project, t.MsgID, t.Kind, int64(t.At), sqldb.NullID(t.Actor), fold.Cut(t.Reason, 1000)}})
}

// Unbury removes the tombstone of a message, if there is one.
func Unbury(ctx context.Context, tx *sqldb.Tx, r Ref) error {
	_, err := tx.Exec(ctx, "DELETE FROM tombstone WHERE project_id = ? AND msgid = ?", r.Project, r.MsgID)
	return err
}

// Tombstones finds those of msgids (key form) that were deleted or hidden on purpose, with the kind of tombstone.
func Tombstones(ctx context.Context, q sqldb.Queryer, project int64, msgids []string) (map[string]string, error) {
	out := map[string]string{}
	err := sqldb.Chunks(msgids, func(msgids []string) error {
		return q.Each(ctx, func(rows *sqlx.Rows) error {
			var id, kind string
			err := rows.Scan(&id, &kind)
			out[id] = kind
			return err
		}, "SELECT msgid, kind FROM tombstone WHERE project_id = ? AND msgid IN (?)", project, msgids)
	})
	if err != nil {
		return nil, fmt.Errorf("look for tombstones: %w", err)
	}
	return out, nil
}

// TombstonesOf lists the tombstones of a Message-ID (key form) in projects.
func TombstonesOf(ctx context.Context, q sqldb.Queryer, projects []int64, msgid string) ([]Tombstone, error) {
	var out []Tombstone
	err := sqldb.Chunks(projects, func(projects []int64) error {
		var some []Tombstone
		err := q.Select(ctx, &some, `SELECT project_id, msgid, kind, at, COALESCE(actor_id, 0) AS actor_id, reason
			FROM tombstone WHERE project_id IN (?) AND msgid = ? ORDER BY project_id`, projects, msgid)
		out = append(out, some...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for tombstones of %s: %w", msgid, err)
	}
	return out, nil
}

// CountMessages is how many messages a project has.
func CountMessages(ctx context.Context, q sqldb.Queryer, project int64) (int64, error) {
	var n int64
	if err := q.Get(ctx, &n, "SELECT COUNT(*) FROM message WHERE project_id = ?", project); err != nil {
		return 0, fmt.Errorf("count messages: %w", err)
	}
	return n, nil
}

// PurgeProject deletes all mails and messages of a project.
func PurgeProject(ctx context.Context, tx *sqldb.Tx, project int64) error {
	for _, query := range []string{
		"DELETE FROM message_body WHERE message_id IN (SELECT id FROM message WHERE project_id = ?)",
		"DELETE FROM pending_reference WHERE project_id = ?",
		"DELETE FROM message WHERE project_id = ?",
		"DELETE FROM tombstone WHERE project_id = ?",
		"DELETE FROM mail_raw WHERE mail_id IN (SELECT id FROM mail WHERE project_id = ?)",
		"DELETE FROM mail WHERE project_id = ?",
	} {
		if _, err := tx.Exec(ctx, query, project); err != nil {
			return fmt.Errorf("delete the mails of project %d: %w", project, err)
		}
	}
	return nil
}

// ReleaseUser lets go of a user who is about to be deleted: the tombstones he set stay, set by nobody.
func ReleaseUser(ctx context.Context, tx *sqldb.Tx, user int64) error {
	if _, err := tx.Exec(ctx, "UPDATE tombstone SET actor_id = NULL WHERE actor_id = ?", user); err != nil {
		return fmt.Errorf("release user %d: %w", user, err)
	}
	return nil
}

// Amend gives a message another submitter, date, subject, parent, text and files.
func Amend(ctx context.Context, tx *sqldb.Tx, m *Message) error {
	_, err := tx.Exec(ctx, "UPDATE message SET submitter_id = ?, date = ?, subject = ?, in_reply_to = ? WHERE id = ?", m.Submitter, int64(m.Date), m.Subject, m.InReplyTo, m.ID)
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE message_body SET headers = ?, content = ?, attached = ? WHERE message_id = ?", m.Headers, m.Content, PackAttachments(m.Attached), m.ID)
	}
	if err != nil {
		return fmt.Errorf("amend message %d: %w", m.ID, err)
	}
	return nil
}
