// SPDX-License-Identifier: GPL-2.0-or-later

package event_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/test/dbtest"
)

// day is an instant of 2026.
func day(n int) clock.Time {
	return clock.FromTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n))
}

func at(n int) *clock.Time { t := day(n); return &t }

// listed writes 200 events in the 200 days before and after new year; the last 20 have no position on servers.
func listed(t *testing.T, db *sqldb.DB) []event.Event {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var all []event.Event
	for range 200 {
		patch := int64(random.IntN(5) + 1)
		all = append(all, event.Event{Kind: []string{"a", "b", "c"}[random.IntN(3)], Project: int64(random.IntN(3) + 1), Actor: int64(random.IntN(3)), At: day(random.IntN(400) - 200),
			Subjects: []event.Subject{{Kind: "patch", ID: patch}, {Kind: "series", ID: patch%2 + 1}}})
	}
	for i := 0; i < len(all); i += 20 {
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return event.Append(ctx, tx, all[i:i+20]...) })
		if i < 160 {
			relay(t, db)
		}
	}
	return all
}

// passes says in other words than the query what it lets pass.
func passes(q event.Query, e event.Event) bool {
	in := func(list []int64, id int64) bool { return len(list) == 0 || slices.Contains(list, id) }
	about := true
	for kind, ids := range q.About {
		about = about && slices.ContainsFunc(e.Subjects, func(s event.Subject) bool { return s.Kind == kind && slices.Contains(ids, s.ID) })
	}
	return about && (q.Kind == "" || q.Kind == e.Kind) && !slices.Contains(q.Except, e.Kind) && in(q.Projects, e.Project) && in(q.Actors, e.Actor) &&
		(q.Since == nil || e.At >= *q.Since) && (q.Before == nil || e.At < *q.Before)
}

// TestList: however a list is narrowed, counted and cut into pages, it has the events it should have, each once, in order.
func TestList(t *testing.T) {
	period := clock.Time(2592000000000)
	boundary := day(0) - day(0)%period
	queries := map[string]event.Query{
		"all": {}, "oldest": {Oldest: true}, "kind": {Kind: "b"}, "except": {Except: []string{"a", "c"}}, "project": {Projects: []int64{2}}, "projects": {Projects: []int64{1, 3}},
		"no such project": {Projects: []int64{9}}, "actor": {Actors: []int64{1}}, "actors of projects": {Actors: []int64{1, 2}, Projects: []int64{2, 3}, Oldest: true},
		"kind of project": {Kind: "c", Projects: []int64{1}}, "since": {Since: at(3)}, "before": {Before: at(3), Oldest: true}, "week": {Since: at(3), Before: at(10)},
		"months": {Since: at(-100), Before: at(77), Kind: "a"}, "backwards": {Since: at(10), Before: at(3)}, "boundary": {Since: &boundary}, "to boundary": {Before: &boundary, Projects: []int64{1}},
		"patch": {About: map[string][]int64{"patch": {2}}}, "patches of a series": {About: map[string][]int64{"patch": {2, 3}, "series": {1}}, Oldest: true},
		"patch of project": {About: map[string][]int64{"patch": {2, 3}}, Projects: []int64{1}, Except: []string{"a"}, Since: at(-50), Actors: []int64{1, 2}},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		all := listed(t, db)
		for name, q := range queries {
			var want []string
			for id, e := range all {
				if passes(q, e) {
					want = append(want, fmt.Sprintf("%016d %03d", e.At, id+1))
				}
			}
			slices.Sort(want)
			if !q.Oldest {
				slices.Reverse(want)
			}
			for _, per := range []int{7, 1000} {
				if got := pages(t, db, q, per); !cmp.Equal(want, got) {
					t.Errorf("%s, %d on a page: %s", name, per, cmp.Diff(want, got))
				}
			}
		}
		if _, err := event.List(t.Context(), db, event.Query{Projects: make([]int64, 30), Actors: make([]int64, 30)}); !fault.Is(err, fault.Invalid) {
			t.Errorf("900 combinations: %v", err)
		}
	})
}

func pages(t *testing.T, db *sqldb.DB, q event.Query, per int) (got []string) {
	t.Helper()
	l, err := event.List(t.Context(), db, q)
	if err != nil {
		t.Fatal(err)
	}
	for offset := 0; offset == 0 || offset < l.Total; offset += per {
		page, err := l.Page(t.Context(), db, offset, per)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			got = append(got, fmt.Sprintf("%016d %03d", e.At, e.ID))
		}
	}
	if len(got) != l.Total {
		t.Errorf("%+v: %d events of %d", q, len(got), l.Total)
	}
	return got
}

// counted expects that the roll-up is that of the events there are.
func counted(t *testing.T, db *sqldb.DB, wrong int64) {
	t.Helper()
	inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		n, err := event.Miscounted(ctx, tx, false)
		if n != wrong {
			t.Errorf("%d counts are wrong, want %d", n, wrong)
		}
		return err
	})
}

// TestCounts: the roll-up stays true whatever is done to events, is seen to be wrong, and repaired.
func TestCounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		listed(t, db)
		counted(t, db, 0)
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			return event.Forget(ctx, tx, event.Subject{Kind: "patch", ID: 2}, nil) // with and without positions
		})
		counted(t, db, 0)
		relay(t, db)
		counted(t, db, 0)
		if _, err := event.Prune(t.Context(), db, day(-150)); err != nil {
			t.Fatal(err)
		}
		counted(t, db, 0)
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return event.PurgeProject(ctx, tx, 2) })
		counted(t, db, 0)
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return event.ReleaseUser(ctx, tx, 1) })
		counted(t, db, 0)
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			return event.Import(ctx, tx, []event.Imported{{ID: 900, Event: event.Event{Kind: "a", Project: 1, Actor: 2, At: -1}}, {ID: 901, Event: event.Event{Kind: "a", At: 5}}})
		})
		counted(t, db, 0)
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE event_count SET events = events + 1 WHERE project_id = 1 AND actor_id = 0 AND kind = 'a'")
			return err
		})
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			n, err := event.Miscounted(ctx, tx, true)
			if n == 0 {
				t.Error("nobody sees that counts are wrong")
			}
			return err
		})
		counted(t, db, 0)
	})
}

// TestNext: a reader goes on from where he was told, past what his filter leaves out.
func TestNext(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			return event.Append(ctx, tx, event.Event{Kind: "a", Project: 1}, event.Event{Kind: "b", Project: 2}, event.Event{Kind: "a", Project: 2}, event.Event{Kind: "c", Project: 1})
		})
		relay(t, db)
		tests := []struct {
			after int64
			limit int
			q     event.Query
			want  string
			next  int64
		}{
			{0, 9, event.Query{}, "[1a 2b 3a 4c]", 4}, {1, 2, event.Query{}, "[2b 3a]", 3}, {0, 9, event.Query{Projects: []int64{2}}, "[2b 3a]", 4}, {0, 1, event.Query{Projects: []int64{2, 3}}, "[2b]", 2},
			{0, 9, event.Query{Kind: "a"}, "[1a 3a]", 4}, {3, 9, event.Query{Kind: "a"}, "[]", 4}, {0, 9, event.Query{Except: []string{"a"}}, "[2b 4c]", 4}, {4, 9, event.Query{}, "[]", 4}, {77, 9, event.Query{}, "[]", 77},
		}
		for _, test := range tests {
			events, next, err := event.Next(t.Context(), db, test.after, test.limit, test.q)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range events {
				got = append(got, fmt.Sprint(e.Pos, e.Kind))
			}
			if fmt.Sprint(got) != test.want || next != test.next {
				t.Errorf("%+v: %s, %d", test, got, next)
			}
		}
		if _, err := event.Prune(t.Context(), db, 1); err != nil {
			t.Fatal(err)
		}
		if events, next, err := event.Next(t.Context(), db, 2, 9, event.Query{}); err != nil || len(events) != 0 || next != 4 {
			t.Errorf("all were deleted: %v, %d, %v", events, next, err)
		}
	})
}
