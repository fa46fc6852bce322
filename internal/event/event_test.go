// SPDX-License-Identifier: GPL-2.0-or-later

package event_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/test/dbtest"
)

func inTx(t *testing.T, db *sqldb.DB, f func(ctx context.Context, tx *sqldb.Tx) error) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *sqldb.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// expectRows compares the first column of a query with lines.
func expectRows(t *testing.T, db *sqldb.DB, query string, want ...string) {
	t.Helper()
	got := []string{}
	if err := db.Select(t.Context(), &got, query); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Errorf("%s: %s", query, diff)
	}
}

const (
	events = `SELECT CONCAT_WS(' ', e.id, COALESCE(e.project_id, 0), e.kind, COALESCE(e.actor_id, 0), e.at, e.payload,
		(SELECT COUNT(*) FROM event_subject s WHERE s.event_id = e.id)) FROM event e ORDER BY e.id`
	subjects = "SELECT CONCAT_WS(' ', kind, subject_id, event_id) FROM event_subject ORDER BY kind, subject_id, event_id"
)

// some writes four events of two projects.
func some(ctx context.Context, tx *sqldb.Tx) error {
	patch7, series3 := event.Subject{Kind: "patch", ID: 7}, event.Subject{Kind: "series", ID: 3}
	return event.Append(ctx, tx,
		event.Event{Kind: "patch-created", Project: 1, At: 100, Subjects: []event.Subject{patch7}, Payload: map[string]int{"patch": 7}},
		event.Event{Kind: "patch-completed", Project: 1, At: 100, Subjects: []event.Subject{patch7, series3}, Payload: map[string]any{"patch": 7, "was": `"<é>`}},
		event.Event{Kind: "patch-created", Project: 2, Actor: 5, At: 200, Subjects: []event.Subject{{Kind: "patch", ID: 8}}, Payload: []int{}},
		event.Event{Kind: "site-opened", At: -1})
}

func TestAppend(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		inTx(t, db, some)
		expectRows(t, db, events, `1 1 patch-created 0 100 {"patch":7} 1`, `2 1 patch-completed 0 100 {"patch":7,"was":"\"\u003cé\u003e"} 2`,
			"3 2 patch-created 5 200 [] 1", "4 0 site-opened 0 -1 null 0")
		expectRows(t, db, subjects, "patch 7 1", "patch 7 2", "patch 8 3", "series 3 2")
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return event.Append(ctx, tx) })
		err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			return event.Append(t.Context(), tx, event.Event{Kind: "odd", Payload: func() {}})
		})
		if err == nil || !strings.HasPrefix(err.Error(), "append event odd: ") {
			t.Errorf("a payload that is no JSON: %v", err)
		}
		expectRows(t, db, "SELECT CONCAT(COUNT(*), '') FROM event", "4")
	})
}

func TestForget(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		inTx(t, db, some)
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			return event.Forget(ctx, tx, event.Subject{Kind: "patch", ID: 7}, func(kind, payload string) bool {
				return kind == "patch-created" && payload == `{"patch":7}`
			})
		})
		expectRows(t, db, subjects, "patch 7 2", "patch 8 3", "series 3 2")
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			if err := event.Forget(ctx, tx, event.Subject{Kind: "series", ID: 7}, nil); err != nil {
				return err
			}
			return event.Forget(ctx, tx, event.Subject{Kind: "patch", ID: 7}, nil)
		})
		expectRows(t, db, subjects, "patch 8 3")
		expectRows(t, db, events, "3 2 patch-created 5 200 [] 1", "4 0 site-opened 0 -1 null 0")
	})
}

func TestPurgeProject(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		inTx(t, db, some)
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return event.PurgeProject(ctx, tx, 1) })
		expectRows(t, db, subjects, "patch 8 3")
		expectRows(t, db, events, "3 2 patch-created 5 200 [] 1", "4 0 site-opened 0 -1 null 0")
	})
}

func TestAuditAndRelease(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		inTx(t, db, some)
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			for _, a := range []event.Audited{
				{At: 1, Actor: 5, Via: "web", Verb: "user delete", Subject: "user ann", Detail: "d"},
				{At: 2, Actor: 6, Via: "api", Verb: "v", Subject: "project " + strings.Repeat("ä", 255)},
				{At: 3, Via: "cli", Verb: "w", Subject: "s"},
			} {
				if err := event.Audit(ctx, tx, a); err != nil {
					return err
				}
			}
			return event.ReleaseUser(ctx, tx, 5)
		})
		expectRows(t, db, "SELECT CONCAT_WS(' ', id, at, COALESCE(actor_id, 0), via, verb, subject, detail) FROM audit ORDER BY id",
			"1 1 0 web user delete user ann d", "2 2 6 api v project "+strings.Repeat("ä", 247)+" ", "3 3 0 cli w s ")
		expectRows(t, db, "SELECT CONCAT_WS(' ', id, COALESCE(actor_id, 0)) FROM event WHERE id = 3", "3 0")
	})
}
