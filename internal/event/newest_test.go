// SPDX-License-Identifier: GPL-2.0-or-later

package event_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestNewest: the last events come by their positions, not by their times; what is behind one that waits for its position waits with it.
func TestNewest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		write := func(kind string, project int64, when int, patch, series int64) {
			e := event.Event{Kind: kind, Project: project, At: day(when), Payload: map[string]string{"name": kind}}
			for subject, id := range map[string]int64{"patch": patch, "series": series} {
				if id != 0 {
					e.Subjects = append(e.Subjects, event.Subject{Kind: subject, ID: id})
				}
			}
			inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return event.Append(ctx, tx, e) })
		}
		committed := func(kind string, project int64, when int, patch, series int64) {
			write(kind, project, when, patch, series)
			relay(t, db)
		}
		committed("a", 1, 1, 10, 0)
		committed("b", 2, 2, 20, 0)
		committed("c", 1, 5, 11, 7)
		committed("d", 1, 3, 10, 0) // began before c, and ended behind it
		committed("e", 1, 6, 0, 7)
		committed("a", 1, 7, 12, 0)
		expect := func(want []string, project int64, kind string, about map[string][]int64, limit int) {
			t.Helper()
			events, err := event.Newest(t.Context(), db, project, kind, nil, about, limit)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, e := range events {
				got = append(got, e.Kind+e.At.Time().Format("2"))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%d %q %v %d (-want +got):\n%s", project, kind, about, limit, diff)
			}
		}
		expect([]string{"a8", "e7", "d4", "c6", "a2"}, 1, "", nil, 10)
		expect([]string{"a8", "e7"}, 1, "", nil, 2)
		expect([]string{"a8", "a2"}, 1, "a", nil, 10)
		expect([]string{"b3"}, 2, "", nil, 10)
		expect([]string{}, 3, "", nil, 10)
		expect([]string{"d4", "a2"}, 1, "", map[string][]int64{"patch": {10}}, 10)
		expect([]string{"d4"}, 1, "", map[string][]int64{"patch": {10}}, 1)
		expect([]string{"e7", "d4", "c6", "a2"}, 1, "", map[string][]int64{"patch": {10, 11}, "series": {7}}, 10) // c is about both, once
		expect([]string{"c6"}, 1, "c", map[string][]int64{"series": {7}}, 10)
		expect([]string{}, 1, "", map[string][]int64{"patch": {20}}, 10)
		events, err := event.Newest(t.Context(), db, 1, "", []string{"a", "d"}, nil, 10)
		if err != nil || len(events) != 2 || events[0].Kind != "e" || events[1].Kind != "c" {
			t.Error(events, err)
		}
		if db.Engine() == sqldb.SQLite {
			return // there nothing waits
		}
		write("w", 1, 4, 10, 0)
		expect([]string{"d4", "a2"}, 1, "", nil, 10)
		expect([]string{"d4", "a2"}, 1, "", map[string][]int64{"patch": {10}}, 10)
		relay(t, db)
		expect([]string{"w5", "a8", "e7", "d4", "c6", "a2"}, 1, "", nil, 10)
	})
}
