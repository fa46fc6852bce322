// SPDX-License-Identifier: GPL-2.0-or-later

package mailstore

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// Most of a thread that is read at once.
const (
	MaxThread      = 10_000    // messages
	MaxThreadBytes = 256 << 20 // of their mails
)

// Post is a message of a thread, and the delivery it was made of.
type Post struct {
	Message int64
	MsgID   string // key form
	Date    clock.Time
	Mail    Mail // ID, Size and SHA256 only; ID 0: there is none
}

// Thread lists the messages of a project that are in one thread, by date, without hidden ones. One of more than MaxThread messages or MaxThreadBytes is
// fault.TooLarge.
func Thread(ctx context.Context, q sqldb.Queryer, project, thread int64) ([]Post, error) {
	out, err := posts(ctx, q, fmt.Sprintf("m.thread_id = ? AND m.project_id = ? AND m.copy = 0 AND m.hidden = FALSE ORDER BY m.date, m.id LIMIT %d", MaxThread+1), thread, project)
	if err != nil {
		return nil, fmt.Errorf("list thread %d: %w", thread, err)
	}
	return out, Bounded(out)
}

// Bounded is fault.TooLarge if these are more than MaxThread messages or MaxThreadBytes.
func Bounded(posts []Post) error {
	var size int64
	for i := range posts {
		size += posts[i].Mail.Size
	}
	if len(posts) > MaxThread || size > MaxThreadBytes {
		return fault.New(fault.TooLarge, "these are more than %d mails or %d MiB", MaxThread, MaxThreadBytes>>20)
	}
	return nil
}

// First finds the message with the first of these Message-IDs (key form) that a project has and that fits; none is fault.NotFound.
func First(ctx context.Context, q sqldb.Queryer, project int64, fits func(*Message) bool, msgids ...string) (*Message, error) {
	found, err := Lookup(ctx, q, project, msgids)
	if err != nil {
		return nil, err
	}
	for _, id := range msgids {
		if m := found[id]; m != nil && fits(m) {
			return m, nil
		}
	}
	return nil, fault.New(fault.NotFound, "there is no message %s here", msgids[0])
}

// PostOf is one message as Thread has it.
func PostOf(ctx context.Context, q sqldb.Queryer, message int64) (Post, error) {
	out, err := posts(ctx, q, "m.id = ? AND m.hidden = FALSE", message)
	if err != nil {
		return Post{}, fmt.Errorf("read message %d: %w", message, err)
	}
	if len(out) == 0 {
		return Post{}, fault.New(fault.NotFound, "there is no message %d", message)
	}
	return out[0], nil
}

func posts(ctx context.Context, q sqldb.Queryer, where string, args ...any) ([]Post, error) {
	var out []Post
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var p Post
		var sum []byte
		if err := rows.Scan(&p.Message, &p.MsgID, &p.Date, &p.Mail.ID, &p.Mail.Size, &sum); err != nil {
			return err
		}
		copy(p.Mail.SHA256[:], sum)
		out = append(out, p)
		return nil
	}, `SELECT m.id, m.msgid, m.date, COALESCE(r.id, 0), COALESCE(r.size, 0), r.sha256 FROM message m LEFT JOIN mail r ON r.id = m.mail_id WHERE `+where, args...)
	return out, err
}
