// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
)

// Original is what is stored of a message of any kind, from which its mail can be written when the mail itself is not kept.
type Original struct {
	Headers string
	Content string
	Charset string // of Diff; empty: UTF-8
	Diff    []byte // nil: none
}

// Originals reads messages by their ids. The caller bounds how many.
func Originals(ctx context.Context, q sqldb.Queryer, messages []int64) (map[int64]Original, error) {
	out := map[int64]Original{}
	err := sqldb.Chunks(messages, func(messages []int64) error {
		return q.Each(ctx, func(rows *sqlx.Rows) error {
			var id int64
			var o Original
			err := rows.Scan(&id, &o.Headers, &o.Content, &o.Charset, &o.Diff)
			out[id] = o
			return err
		}, `SELECT b.message_id, b.headers, COALESCE(b.content, ''), COALESCE(d.charset, ''), d.diff FROM message_body b LEFT JOIN patch p ON p.message_id = b.message_id
			LEFT JOIN patch_diff d ON d.patch_id = p.id WHERE b.message_id IN (?)`, messages)
	})
	if err != nil {
		return nil, fmt.Errorf("read %d messages: %w", len(messages), err)
	}
	return out, nil
}
