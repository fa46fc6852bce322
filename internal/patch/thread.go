// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// SeriesComment is a reply to a patch or the cover letter of a series.
type SeriesComment struct {
	Comment
	Patch int64 // 0: it is on the cover letter
	Cover int64 // 0: it is on a patch
}

// On is what the comment is on.
func (c *SeriesComment) On() Target { return Target{Patch: c.Patch, Cover: c.Cover} }

// MaxSeriesComments is how many comments of a series are read at once.
const MaxSeriesComments = 500

// SeriesComments lists the first replies to the patches of a series and its cover letter by date, without hidden ones and those on hidden mails, in one query. One more than
// MaxSeriesComments tells that there are more.
func SeriesComments(ctx context.Context, q sqldb.Queryer, series int64) ([]*SeriesComment, error) {
	const joins = " JOIN message m ON m.id = c.message_id AND m.hidden = FALSE" + mailJoins
	var out []*SeriesComment
	err := q.Select(ctx, &out, "SELECT "+mailColumns+", c.id, c.addressed, c.patch_id AS patch, 0 AS cover FROM patch p JOIN message o ON o.id = p.message_id AND o.hidden = FALSE JOIN patch_comment c ON c.patch_id = p.id"+joins+
		" WHERE p.series_id = ? UNION ALL SELECT "+mailColumns+", c.id, c.addressed, 0, c.cover_id FROM series s JOIN cover v ON v.id = s.cover_id JOIN message o ON o.id = v.message_id AND o.hidden = FALSE JOIN cover_comment c ON c.cover_id = v.id"+joins+
		" WHERE s.id = ? ORDER BY 3, 1 LIMIT ?", series, series, MaxSeriesComments+1)
	if err != nil {
		return nil, fmt.Errorf("read the comments of series %d: %w", series, err)
	}
	return out, nil
}

// ThreadMail is a mail of a thread without its text.
type ThreadMail struct {
	Message   int64
	MsgID     string
	Kind      string
	Date      clock.Time
	Subject   string
	InReplyTo string `db:"in_reply_to"` // key form; empty: none
	Sender
}

// MaxThreadMails is how many mails of a thread are listed at once.
const MaxThreadMails = 1000

// Thread lists the first mails of a project that are in one thread, by date, without hidden ones. One more than MaxThreadMails tells that there are more.
func Thread(ctx context.Context, q sqldb.Queryer, project, thread int64) ([]*ThreadMail, error) {
	var out []*ThreadMail
	err := q.Select(ctx, &out, `SELECT m.id AS message, COALESCE(m.msgid_long, m.msgid) AS msgid, m.kind, m.date, m.subject, m.in_reply_to, m.submitter_id AS submitter,
			COALESCE(e.name, '') AS submitter_name, e.email AS submitter_mail FROM message m JOIN person e ON e.id = m.submitter_id
		WHERE m.thread_id = ? AND m.project_id = ? AND m.copy = 0 AND m.hidden = FALSE ORDER BY m.date, m.id LIMIT ?`, thread, project, MaxThreadMails+1)
	if err != nil {
		return nil, fmt.Errorf("list thread %d: %w", thread, err)
	}
	return out, nil
}

// Mails reads mails with their texts by their messages, in one query. What does not exist, or is hidden, is left out.
func Mails(ctx context.Context, q sqldb.Queryer, messages []int64) (map[int64]*Mail, error) {
	out := map[int64]*Mail{}
	err := sqldb.Chunks(messages, func(ids []int64) error {
		var some []*Mail
		err := q.Select(ctx, &some, "SELECT "+mailColumns+" FROM message m"+mailJoins+" WHERE m.hidden = FALSE AND m.id IN (?)", ids)
		for _, m := range some {
			out[m.Message] = m
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %d mails: %w", len(messages), err)
	}
	return out, nil
}
