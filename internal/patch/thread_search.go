// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// ThreadSearch says which threads are wanted: those with a patch or cover letter whose subject holds some words and which one person has sent, or of a series with a
// change-id.
type ThreadSearch struct {
	Subject  string // without regard to letter case and the number of blanks
	From     string // address
	ChangeID string
	Since    clock.Time // sent at it or later; 0: at any time
	Before   clock.Time // sent earlier; 0: at any time
}

// Most that a search looks at and finds.
const (
	searchedMails = 2000 // of one sender, newest first
	foundThreads  = 20
)

// sentPatches and sentCovers find the newest patches and cover letters of a sender; sentMails both.
const (
	sentPatches = "SELECT m.thread_id AS thread, m.subject, x.date, m.id FROM patch x" + sentBy
	sentCovers  = "SELECT m.thread_id AS thread, m.subject, x.date, m.id FROM cover x" + sentBy
	sentBy      = ` JOIN person e ON e.id = x.submitter_id JOIN message m ON m.id = x.message_id
		WHERE e.email_key = ? AND x.date >= ? AND x.date < ? AND x.project_id + 0 = ? AND m.hidden = FALSE ORDER BY x.date DESC, x.id DESC LIMIT ?`
	sentMails = "SELECT thread, subject FROM (SELECT * FROM (" + sentPatches + ") p UNION ALL SELECT * FROM (" + sentCovers + ") c) m ORDER BY date DESC, id DESC LIMIT ?"
)

// Threads finds the threads of a project in which something fits, the newest first, 20 at most. It looks at the newest 2,000 mails of the sender.
func Threads(ctx context.Context, q sqldb.Queryer, project int64, s ThreadSearch) ([]int64, error) {
	var found []struct {
		Thread  int64
		Subject string
	}
	if s.Before == 0 {
		s.Before = 1<<63 - 1
	}
	if s.Subject != "" && s.From != "" {
		from := []any{fold.Cut(fold.Key(s.From), 255), int64(s.Since), int64(s.Before), project, searchedMails}
		err := q.Select(ctx, &found, sentMails, append(append(from, from...), searchedMails)...)
		if err != nil {
			return nil, fmt.Errorf("look for threads of %s: %w", s.From, err)
		}
	}
	var out []int64
	seen := map[int64]bool{}
	add := func(thread int64) {
		if !seen[thread] && len(out) < foundThreads {
			seen[thread] = true
			out = append(out, thread)
		}
	}
	words := fold.Key(fold.Collapse(s.Subject))
	for _, f := range found {
		if strings.Contains(fold.Key(fold.Collapse(f.Subject)), words) {
			add(f.Thread)
		}
	}
	if s.ChangeID == "" {
		return out, nil
	}
	var same []int64
	err := q.Select(ctx, &same, fmt.Sprintf(`SELECT m.thread_id FROM series s JOIN patch p ON p.series_id = s.id JOIN message m ON m.id = p.message_id
		WHERE s.project_id = ? AND s.change_id = ? AND s.date >= ? AND s.date < ? AND m.hidden = FALSE ORDER BY s.date DESC, m.id LIMIT %d`, searchedMails),
		project, s.ChangeID, int64(s.Since), int64(s.Before))
	if err != nil {
		return nil, fmt.Errorf("look for threads of change %s: %w", s.ChangeID, err)
	}
	for _, thread := range same {
		add(thread)
	}
	return out, nil
}
