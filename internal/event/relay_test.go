// SPDX-License-Identifier: GPL-2.0-or-later

package event_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/test/dbtest"
)

// relay gives all positions.
func relay(t *testing.T, db *sqldb.DB) {
	t.Helper()
	for {
		n, err := event.Relay(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func TestAfter(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			patch7, series3 := event.Subject{Kind: "patch", ID: 7}, event.Subject{Kind: "series", ID: 3}
			return event.Append(ctx, tx, event.Event{Kind: "site-opened", At: 50}, event.Event{Kind: "patch-completed", Project: 1, At: 100, Subjects: []event.Subject{patch7, series3}, Payload: 7},
				event.Event{Kind: "x", Project: 1, Actor: 4, At: 100}, event.Event{Kind: "patch-created", Project: 2, At: 200})
		})
		relay(t, db)
		read := func(pos int64, limit int, f event.Filter) (string, int64) {
			events, next, err := event.After(t.Context(), db, pos, limit, f)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, e := range events {
				out = append(out, fmt.Sprintf("%d %s", e.Pos, e.Kind))
			}
			return fmt.Sprint(out), next
		}
		tests := []struct {
			pos   int64
			limit int
			f     event.Filter
			want  string
			next  int64
		}{
			{0, 10, event.Filter{}, "[1 site-opened 2 patch-completed 3 x 4 patch-created]", 4},
			{1, 2, event.Filter{}, "[2 patch-completed 3 x]", 3},
			{1, 10, event.Filter{Kinds: []string{"patch-created"}}, "[4 patch-created]", 4},
			{0, 10, event.Filter{Project: 2}, "[4 patch-created]", 4},
			{0, 2, event.Filter{Project: 2}, "[]", 2},
			{4, 10, event.Filter{}, "[]", 4},
		}
		for _, test := range tests {
			got, next := read(test.pos, test.limit, test.f)
			if got != test.want || next != test.next {
				t.Errorf("%+v: %s, %d", test, got, next)
			}
		}
		events, next, err := event.After(t.Context(), db, 0, 10, event.Filter{Project: 1})
		if err != nil || next != 4 || len(events) != 2 || events[1].Actor != 4 {
			t.Fatal(events, next, err)
		}
		want := event.Stored{ID: 2, Pos: 2, Project: 1, Kind: "patch-completed", At: 100, Payload: "7",
			Subjects: []event.Subject{{Kind: "patch", ID: 7}, {Kind: "series", ID: 3}}}
		if diff := cmp.Diff(want, events[0]); diff != "" {
			t.Error(diff)
		}
		if events[0].Subject("series") != 3 || events[0].Subject("cover") != 0 {
			t.Error("subjects are not found by kind")
		}
		if last, err := event.Last(t.Context(), db); err != nil || last != 4 {
			t.Error(last, err)
		}
	})
}

// TestReaderMissesNothing: eight writers commit after random delays while three relays compete; readers who go on from the position of the
// last event see every event once, in rising order.
func TestReaderMissesNothing(t *testing.T) {
	const writers, each = 8, 15
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var wg, writing, reading sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for i := range each {
					err := db.Tx(ctx, func(tx *sqldb.Tx) error {
						err := event.Append(ctx, tx, event.Event{Kind: "a", At: 1, Payload: w*each + i}, event.Event{Kind: "b", At: 1, Payload: w*each + i})
						time.Sleep(time.Duration(rand.Int64N(int64(5 * time.Millisecond))))
						if err == nil && i%5 == 4 && rand.IntN(2) == 0 {
							err = errRolledBack
						}
						return err
					})
					for errors.Is(err, errRolledBack) {
						err = db.Tx(ctx, func(tx *sqldb.Tx) error {
							return event.Append(ctx, tx, event.Event{Kind: "a", At: 1, Payload: w*each + i}, event.Event{Kind: "b", At: 1, Payload: w*each + i})
						})
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 3 {
			wg.Go(func() {
				for ; ctx.Err() == nil; time.Sleep(time.Millisecond) {
					if _, err := event.Relay(ctx, db); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
				}
			})
		}
		var seen [2][]string
		for reader := range seen {
			reading.Go(func() {
				pos := int64(0)
				for len(seen[reader]) < 2*writers*each && ctx.Err() == nil {
					events, next, err := event.After(ctx, db, pos, 1+rand.IntN(20), event.Filter{})
					if err != nil && ctx.Err() == nil {
						t.Error(err)
						return
					}
					if len(events) == 0 {
						time.Sleep(time.Millisecond)
					}
					for _, e := range events {
						if e.Pos <= pos {
							t.Errorf("position %d after %d", e.Pos, pos)
						}
						pos = e.Pos
						seen[reader] = append(seen[reader], e.Kind+" "+e.Payload)
					}
					pos = next
				}
			})
		}
		writing.Wait()
		time.AfterFunc(3*time.Minute, cancel) // for readers that miss something
		reading.Wait()
		cancel()
		wg.Wait()
		for reader, got := range seen {
			slices.Sort(got)
			if n := len(slices.Compact(slices.Clone(got))); n != len(got) || n != 2*writers*each {
				t.Errorf("reader %d saw %d events, %d different ones, want %d", reader, len(got), n, 2*writers*each)
			}
		}
	})
}

var errRolledBack = errors.New("rolled back")
