// SPDX-License-Identifier: GPL-2.0-or-later

package patchnotify

import (
	"context"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
)

// Kinds of what a user can be told.
const (
	KindDelegated = "delegated"
	KindChecks    = "checks"
	KindSeries    = "series"
	KindReview    = "review"
	KindSummary   = "summary"
)

// MaxReviewDays bounds after how many days one can be reminded.
const MaxReviewDays = 365

// Choice is what a user wants to be told.
type Choice struct {
	Delegated  bool    // somebody else delegated a patch to him
	Checks     bool    // a check failed on a patch of his
	Series     bool    // a patch of his was accepted or superseded
	ReviewDays int     // patches delegated to him wait this long; 0: not
	Summaries  []int64 // projects whose week he wants summed up
}

type choiceRow struct {
	Kind    string
	Project int64 `db:"project_id"`
	Value   int
}

// ChoiceOf is what a user has chosen. Who has chosen nothing about his own patches is told of them if his account says send_email, as it did in the
// 4.0 release candidates.
func ChoiceOf(ctx context.Context, q sqldb.Queryer, u account.User) (Choice, error) {
	c := Choice{Checks: u.SendEmail, Series: u.SendEmail}
	var rows []choiceRow
	if err := q.Select(ctx, &rows, "SELECT kind, project_id, value FROM notify_choice WHERE user_id = ? ORDER BY project_id", u.ID); err != nil {
		return c, fmt.Errorf("read what user %d wants to be told: %w", u.ID, err)
	}
	for _, r := range rows {
		c.set(r)
	}
	return c, nil
}

func (c *Choice) set(r choiceRow) {
	switch r.Kind {
	case KindDelegated:
		c.Delegated = r.Value != 0
	case KindChecks:
		c.Checks = r.Value != 0
	case KindSeries:
		c.Series = r.Value != 0
	case KindReview:
		c.ReviewDays = r.Value
	case KindSummary:
		c.Summaries = append(c.Summaries, r.Project)
	}
}

func (c Choice) rows(user int64) [][]any {
	yes := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	rows := [][]any{{user, KindDelegated, 0, yes(c.Delegated)}, {user, KindChecks, 0, yes(c.Checks)}, {user, KindSeries, 0, yes(c.Series)}, {user, KindReview, 0, c.ReviewDays}}
	for _, p := range c.Summaries {
		rows = append(rows, []any{user, KindSummary, p, 1})
	}
	return rows
}

// Choose sets what a user wants to be told. He may do so himself, and administrators may. Projects that do not exist are fault.Invalid.
func Choose(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, u account.User, c Choice) error {
	if !by.Admin && by.User != u.ID {
		return fault.New(fault.Denied, "only %q himself may say what he wants to be told", u.Username)
	}
	if c.ReviewDays < 0 || c.ReviewDays > MaxReviewDays {
		return fault.New(fault.Invalid, "%d days: want 0 to %d", c.ReviewDays, MaxReviewDays)
	}
	slices.Sort(c.Summaries)
	c.Summaries = slices.Compact(c.Summaries)
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := known(ctx, tx, c.Summaries); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM notify_choice WHERE user_id = ?", u.ID); err != nil {
			return err
		}
		if err := tx.Insert(ctx, "notify_choice", []string{"user_id", "kind", "project_id", "value"}, c.rows(u.ID)); err != nil {
			return err
		}
		if err := startWeeks(ctx, tx, now, u.ID, c.Summaries); err != nil {
			return err
		}
		if by.User == u.ID {
			return nil
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "user notify", Subject: "user " + u.Username})
	})
	if err != nil {
		return fmt.Errorf("set what %q wants to be told: %w", u.Username, err)
	}
	return nil
}

func known(ctx context.Context, tx *sqldb.Tx, projects []int64) error {
	if len(projects) == 0 {
		return nil
	}
	var n int
	if len(projects) > sqldb.MaxList {
		return fault.New(fault.Invalid, "too many projects")
	}
	if err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM project WHERE id IN (?)", projects); err != nil {
		return err
	}
	if n < len(projects) {
		return fault.New(fault.Invalid, "one of the projects does not exist")
	}
	return nil
}

// startWeeks has the first summary come at the end of this week, not at once.
func startWeeks(ctx context.Context, tx *sqldb.Tx, now clock.Time, user int64, projects []int64) error {
	var rows [][]any
	for _, p := range projects {
		rows = append(rows, []any{user, KindSummary, p, int64(now)})
	}
	return tx.Upsert(ctx, sqldb.Upsert{Table: "notify_sent", Columns: []string{"user_id", "kind", "project_id", "at"}, Key: []string{"user_id", "kind", "project_id"}}, rows)
}

// PurgeProject forgets what was chosen and what is to be told about a project that is being deleted.
func PurgeProject(ctx context.Context, tx *sqldb.Tx, project int64) error {
	for _, query := range []string{"DELETE FROM notify_item WHERE project_id = ?", "DELETE FROM notify_choice WHERE kind = 'summary' AND project_id = ?", "DELETE FROM notify_sent WHERE project_id = ?"} {
		if _, err := tx.Exec(ctx, query, project); err != nil {
			return fmt.Errorf("delete the notices of project %d: %w", project, err)
		}
	}
	return nil
}
