// SPDX-License-Identifier: GPL-2.0-or-later

package patchnotify

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/patch"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
	// mostReminded bounds the patches a reminder lists.
	mostReminded = 50
	mostOldest   = 5
)

// waitingPatch is one that somebody should look at.
type waitingPatch struct {
	Name, MsgID, Linkname, State string
	Date                         clock.Time
}

// Since is the day it came.
func (p waitingPatch) Since() string { return p.Date.Time().Format(time.DateOnly) }

type reminded struct {
	User int64 `db:"user_id"`
	Days int   `db:"value"`
}

// sendReminders tells delegates once a week of patches that have waited for them longer than they said.
func (n *Notifier) sendReminders(ctx context.Context, now clock.Time) (int, error) {
	var list []reminded
	err := n.db.Select(ctx, &list, `SELECT c.user_id, c.value FROM notify_choice c JOIN user_account u ON u.id = c.user_id AND u.is_active = TRUE
		LEFT JOIN notify_sent s ON s.user_id = c.user_id AND s.kind = c.kind AND s.project_id = 0
		WHERE c.kind = 'review' AND c.project_id = 0 AND c.value > 0 AND (s.at IS NULL OR s.at <= ?) ORDER BY c.user_id LIMIT ?`, int64(now.Add(-week)), mailsPerRun)
	if err != nil {
		return 0, fmt.Errorf("find whom to remind: %w", err)
	}
	return each(ctx, n, "patches to review", list, func(tx *sqldb.Tx, r reminded) (*outmail.Mail, error) {
		patches, total, err := waitingFor(ctx, tx, r.User, now.Add(-time.Duration(r.Days)*day))
		if err != nil || total == 0 {
			return nil, err
		}
		u, ok, err := recipient(ctx, tx, r.User)
		if err != nil || !ok {
			return nil, err
		}
		if fresh, err := noteSent(ctx, tx, now, r.User, KindReview, 0, now.Add(-week)); err != nil || !fresh {
			return nil, err
		}
		text, err := fill(reviewText, map[string]any{"Name": cmp.Or(u.FirstName, u.Username), "Days": r.Days, "Total": total, "Patches": patches, "More": total - len(patches)})
		noun := "patches wait"
		if total == 1 {
			noun = "patch waits"
		}
		return &outmail.Mail{Kind: "review-reminder", To: addressOf(u), Subject: fmt.Sprintf("%d %s for your review", total, noun), Text: text, Notice: true}, err
	})
}

// noteSent notes when somebody was sent something; fresh is false if another process did so since before.
func noteSent(ctx context.Context, tx *sqldb.Tx, now clock.Time, user int64, kind string, project int64, before clock.Time) (fresh bool, err error) {
	err = tx.Upsert(ctx, sqldb.Upsert{Table: "notify_sent", Columns: []string{"user_id", "kind", "project_id", "at"}, Key: []string{"user_id", "kind", "project_id"}},
		[][]any{{user, kind, project, 0}})
	if err != nil {
		return false, err
	}
	changed, err := tx.Exec(ctx, "UPDATE notify_sent SET at = ? WHERE user_id = ? AND kind = ? AND project_id = ? AND at <= ?", int64(now), user, kind, project, int64(before))
	return changed > 0, err
}

func waitingFor(ctx context.Context, q sqldb.Queryer, user int64, before clock.Time) (patches []waitingPatch, total int, err error) {
	const from = ` FROM patch p JOIN state s ON s.id = p.state_id AND s.action_required = TRUE JOIN message m ON m.id = p.message_id AND m.hidden = FALSE
		JOIN project j ON j.id = p.project_id WHERE p.delegate_id = ? AND p.archived = FALSE AND p.date <= ?`
	if err := q.Get(ctx, &total, "SELECT COUNT(*)"+from, user, int64(before)); err != nil || total == 0 {
		return nil, total, err
	}
	err = q.Select(ctx, &patches, "SELECT p.name, COALESCE(m.msgid_long, m.msgid) AS msgid, j.linkname, s.name AS state, p.date"+from+" ORDER BY p.date, p.id LIMIT ?", user, int64(before), mostReminded)
	return patches, total, err
}

type summed struct {
	User        int64 `db:"user_id"`
	Project     int64 `db:"project_id"`
	Linkname    string
	ProjectName string `db:"project_name"`
}

// weekEnd is the last Monday, 06:00 UTC, that has passed: when summaries are due.
func weekEnd(now clock.Time) clock.Time {
	t := now.Time().Add(-6 * time.Hour)
	back := (int(t.Weekday()) + 6) % 7
	return clock.FromTime(time.Date(t.Year(), t.Month(), t.Day()-back, 6, 0, 0, 0, time.UTC))
}

// sendSummaries sums up, each Monday, what happened in a project.
func (n *Notifier) sendSummaries(ctx context.Context, now clock.Time) (int, error) {
	end := weekEnd(now)
	var list []summed
	err := n.db.Select(ctx, &list, `SELECT c.user_id, c.project_id, j.linkname, j.name AS project_name FROM notify_choice c JOIN project j ON j.id = c.project_id
		JOIN user_account u ON u.id = c.user_id AND u.is_active = TRUE LEFT JOIN notify_sent s ON s.user_id = c.user_id AND s.kind = c.kind AND s.project_id = c.project_id
		WHERE c.kind = 'summary' AND (s.at IS NULL OR s.at < ?) ORDER BY c.project_id, c.user_id LIMIT ?`, int64(end), mailsPerRun)
	if err != nil {
		return 0, fmt.Errorf("find who wants a summary: %w", err)
	}
	var last *summary // of the project before: they come by project
	return each(ctx, n, "the week", list, func(tx *sqldb.Tx, x summed) (*outmail.Mail, error) {
		if fresh, err := noteSent(ctx, tx, now, x.User, KindSummary, x.Project, end-1); err != nil || !fresh {
			return nil, err
		}
		u, ok, err := recipient(ctx, tx, x.User)
		if err != nil || !ok {
			return nil, err
		}
		if last == nil || last.project != x.Project {
			if last, err = sumUp(ctx, tx, x, end); err != nil {
				return nil, err
			}
		}
		s := *last
		s.Name = cmp.Or(u.FirstName, u.Username)
		text, err := fill(summaryText, s)
		return &outmail.Mail{Kind: "summary", To: addressOf(u), Subject: fmt.Sprintf("[%s] The week to %s", x.Linkname, s.To), Text: text, Notice: true}, err
	})
}

type numbered struct {
	Name string
	N    int
}

// summary is the week of a project.
type summary struct {
	project               int64
	Name                  string // of the recipient
	Linkname, ProjectName string
	From, To              string
	Week, Open            []numbered
	Oldest                []waitingPatch
}

func sumUp(ctx context.Context, q sqldb.Queryer, x summed, end clock.Time) (*summary, error) {
	s := &summary{project: x.Project, Linkname: x.Linkname, ProjectName: x.ProjectName, From: end.Add(-week).Time().Format(time.DateOnly), To: end.Time().Format(time.DateOnly)}
	states, err := patch.States(ctx, q)
	if err != nil {
		return nil, err
	}
	if s.Week, err = weekOf(ctx, q, x.Project, end, states); err != nil {
		return nil, err
	}
	counts, err := patch.CountByState(ctx, q, x.Project)
	if err != nil {
		return nil, err
	}
	for _, st := range states {
		if st.ActionRequired && counts[st.ID] > 0 {
			s.Open = append(s.Open, numbered{st.Name, counts[st.ID]})
		}
	}
	for _, st := range states {
		if !st.ActionRequired {
			continue
		}
		some, err := oldestIn(ctx, q, x.Project, st)
		if err != nil {
			return nil, err
		}
		s.Oldest = append(s.Oldest, some...)
	}
	slices.SortStableFunc(s.Oldest, func(a, b waitingPatch) int { return cmp.Compare(a.Date, b.Date) })
	s.Oldest = s.Oldest[:min(len(s.Oldest), mostOldest)]
	return s, nil
}

// oldestIn reads the oldest patches in one state, of which an index has them in order.
func oldestIn(ctx context.Context, q sqldb.Queryer, project int64, st patch.State) ([]waitingPatch, error) {
	var out []waitingPatch
	err := q.Select(ctx, &out, `SELECT p.name, COALESCE(m.msgid_long, m.msgid) AS msgid, p.date FROM patch p JOIN message m ON m.id = p.message_id AND m.hidden = FALSE
		WHERE p.project_id = ? AND p.archived = FALSE AND p.state_id = ? ORDER BY p.date, p.id LIMIT ?`, project, st.ID, mostOldest)
	if err != nil {
		return nil, fmt.Errorf("find what waits longest: %w", err)
	}
	for i := range out {
		out[i].State = st.Name
	}
	return out, nil
}

// weekOf counts the events of a week. It reads those of the project and week only.
func weekOf(ctx context.Context, q sqldb.Queryer, project int64, end clock.Time, states []patch.State) ([]numbered, error) {
	kinds, slugs := map[string]int{}, map[string]int{}
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var kind, payload string
		if err := rows.Scan(&kind, &payload); err != nil {
			return err
		}
		kinds[kind]++
		if kind != patch.EventPatchStateChanged {
			return nil
		}
		var p patch.Payload
		err := json.Unmarshal([]byte(payload), &p)
		slugs[p.CurrentState]++
		return err
	}, "SELECT kind, payload FROM event WHERE project_id = ? AND at >= ? AND at < ?", project, int64(end.Add(-week)), int64(end))
	if err != nil {
		return nil, fmt.Errorf("count the week of project %d: %w", project, err)
	}
	var out []numbered
	add := func(name string, n int) {
		if n > 0 {
			out = append(out, numbered{name, n})
		}
	}
	add("New patches", kinds[patch.EventPatchCreated])
	add("New series", kinds[patch.EventSeriesCreated])
	add("Comments", kinds[patch.EventPatchCommentCreated]+kinds[patch.EventCoverCommentCreated])
	for _, st := range states {
		add("Became "+st.Name, slugs[st.Slug])
	}
	return out, nil
}
