// SPDX-License-Identifier: GPL-2.0-or-later

package patchnotify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/patch"
)

// fact is an event that somebody may want to be told.
type fact struct {
	patch.Payload
	kind  string // of Choice
	actor int64
	at    clock.Time
}

// told are the states whose coming is news to a submitter who asked for it.
var told = []string{"accepted", "superseded"}

// hear reads an event; ok is false for one that is nobody's business, or that another program wrote in a form that we can't read: it must not keep all
// that follow it from being told.
func hear(e event.Stored) (f fact, ok bool) {
	f = fact{actor: e.Actor, at: e.At}
	if err := json.Unmarshal([]byte(e.Payload), &f.Payload); err != nil {
		return f, false
	}
	switch {
	case e.Kind == patch.EventPatchDelegated && f.CurrentDelegate != 0:
		f.kind = KindDelegated
	case e.Kind == patch.EventCheckCreated, e.Kind == patch.EventCheckUpdated:
		f.kind = KindChecks
	case e.Kind == patch.EventPatchStateChanged && slices.Contains(told, f.CurrentState):
		f.kind = KindSeries
	}
	return f, f.kind != "" && f.Patch != 0
}

// detail is what is kept of a fact until it is told.
type detail struct {
	By    int64  `json:"by,omitempty"` // user
	Check int64  `json:"check,omitempty"`
	State string `json:"state,omitempty"` // slug
}

// subject is what must be known of a patch to find out who is to be told.
type subject struct {
	ID     int64
	Series int64 `db:"series"`
	// Project, and whether it tells submitters of all changes of state by itself.
	Project   int64 `db:"project_id"`
	Sends     bool
	Submitter int64 // user, 0: none
}

func (s subject) topic() int64 {
	if s.Series == 0 {
		return -s.ID
	}
	return s.Series
}

// listen writes what is to be told of events, for those who want to know and did not do it themselves.
func listen(ctx context.Context, tx *sqldb.Tx, events []event.Stored) error {
	var facts []fact
	var patches, checks []int64
	for _, e := range events {
		if f, ok := hear(e); ok {
			facts, patches = append(facts, f), append(patches, f.Patch)
			if f.kind == KindChecks {
				checks = append(checks, f.Check)
			}
		}
	}
	if len(facts) == 0 {
		return nil
	}
	subjects, err := loadSubjects(ctx, tx, patches)
	if err != nil {
		return err
	}
	failed, err := failedChecks(ctx, tx, checks)
	if err != nil {
		return err
	}
	return writeItems(ctx, tx, facts, subjects, failed)
}

func loadSubjects(ctx context.Context, tx *sqldb.Tx, patches []int64) (map[int64]subject, error) {
	out := map[int64]subject{}
	err := sqldb.Chunks(patches, func(ids []int64) error {
		var some []subject
		err := tx.Select(ctx, &some, `SELECT p.id, COALESCE(p.series_id, 0) AS series, p.project_id, j.send_notifications AS sends, COALESCE(e.user_id, 0) AS submitter
			FROM patch p JOIN project j ON j.id = p.project_id JOIN person e ON e.id = p.submitter_id WHERE p.id IN (?)`, ids)
		for _, s := range some {
			out[s.ID] = s
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the patches of events: %w", err)
	}
	return out, nil
}

// failedChecks maps those of the checks that failed to who reported them.
func failedChecks(ctx context.Context, tx *sqldb.Tx, checks []int64) (map[int64]int64, error) {
	out := map[int64]int64{}
	err := sqldb.Chunks(checks, func(ids []int64) error {
		var some []struct {
			ID   int64
			User int64 `db:"reporter"`
		}
		err := tx.Select(ctx, &some, "SELECT id, COALESCE(user_id, 0) AS reporter FROM patch_check WHERE id IN (?) AND state = 3", ids)
		for _, s := range some {
			out[s.ID] = s.User
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the checks of events: %w", err)
	}
	return out, nil
}

// whom gives who is to be told a fact if he wants to be; 0: nobody.
func (f fact) whom(s subject, failed map[int64]int64) int64 {
	user := s.Submitter
	switch f.kind {
	case KindDelegated:
		user = f.CurrentDelegate
	case KindChecks:
		reporter, bad := failed[f.Check]
		if !bad || reporter == user {
			return 0
		}
	case KindSeries:
		if s.Sends { // he is told already
			return 0
		}
	}
	if user == f.actor {
		return 0
	}
	return user
}

func writeItems(ctx context.Context, tx *sqldb.Tx, facts []fact, subjects map[int64]subject, failed map[int64]int64) error {
	var users []int64
	for _, f := range facts {
		if u := f.whom(subjects[f.Patch], failed); u != 0 {
			users = append(users, u)
		}
	}
	wants, err := loadWants(ctx, tx, users)
	if err != nil {
		return err
	}
	var rows [][]any
	for _, f := range facts {
		s, ok := subjects[f.Patch]
		user := f.whom(s, failed)
		if !ok || user == 0 || !wants[user].wants(f.kind) {
			continue
		}
		id, err := tx.NextID(ctx, "notify_item")
		if err != nil {
			return err
		}
		d, err := json.Marshal(detail{By: f.actor, Check: f.Check, State: f.CurrentState})
		if err != nil {
			return err
		}
		rows = append(rows, []any{id, user, s.topic(), s.Project, s.ID, f.kind, string(d), int64(f.at)})
	}
	return tx.Insert(ctx, "notify_item", []string{"id", "user_id", "topic", "project_id", "patch_id", "kind", "detail", "at"}, rows)
}

func (c Choice) wants(kind string) bool {
	return kind == KindDelegated && c.Delegated || kind == KindChecks && c.Checks || kind == KindSeries && c.Series
}

// loadWants reads the choices of the active ones among users.
func loadWants(ctx context.Context, tx *sqldb.Tx, users []int64) (map[int64]Choice, error) {
	out := map[int64]Choice{}
	slices.Sort(users)
	err := sqldb.Chunks(slices.Compact(users), func(ids []int64) error {
		var active []account.User
		if err := tx.Select(ctx, &active, "SELECT id, send_email FROM user_account WHERE id IN (?) AND is_active = TRUE", ids); err != nil {
			return err
		}
		for _, u := range active {
			out[u.ID] = Choice{Checks: u.SendEmail, Series: u.SendEmail}
		}
		var rows []struct {
			User int64 `db:"user_id"`
			choiceRow
		}
		err := tx.Select(ctx, &rows, "SELECT user_id, kind, project_id, value FROM notify_choice WHERE user_id IN (?)", ids)
		for _, r := range rows {
			if c, ok := out[r.User]; ok {
				c.set(r.choiceRow)
				out[r.User] = c
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read who wants to be told: %w", err)
	}
	return out, nil
}
