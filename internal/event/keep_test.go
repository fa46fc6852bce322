// SPDX-License-Identifier: GPL-2.0-or-later

package event_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/test/dbtest"
)

func appendKinds(t *testing.T, db *sqldb.DB, kinds ...string) {
	t.Helper()
	inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		for i, k := range kinds {
			if err := event.Append(ctx, tx, event.Event{Kind: k, At: 100, Subjects: []event.Subject{{Kind: "n", ID: int64(i)}}}); err != nil {
				return err
			}
		}
		return nil
	})
	relay(t, db)
}

// TestConsume: a consumer is given each event once, moves on only when its writes commit, and begins where it was told to.
func TestConsume(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		appendKinds(t, db, "a", "b")
		var got []string
		var refuse error
		c := event.Consumer{Name: "c", Filter: event.Filter{Kinds: []string{"a", "c"}}, Handle: func(_ context.Context, _ *sqldb.Tx, events []event.Stored) error {
			for _, e := range events {
				got = append(got, fmt.Sprint(e.Pos, e.Kind))
			}
			return refuse
		}}
		all := c
		all.Name, all.FromStart, all.Filter = "all", true, event.Filter{}
		step := func(c event.Consumer, moved int64, want ...string) {
			t.Helper()
			got = nil
			n, err := event.Consume(t.Context(), db, 7, c)
			if diff := cmp.Diff(want, got); n != moved || diff != "" || err != refuse && !errors.Is(err, refuse) {
				t.Errorf("%s moved %d, %v %s", c.Name, n, err, diff)
			}
		}
		step(c, 0)
		step(all, 2, "1a", "2b")
		step(all, 0)
		appendKinds(t, db, "b", "c", "d")
		refuse = errors.New("not now")
		step(c, 0, "4c")
		refuse = nil
		step(c, 3, "4c")
		step(c, 0)
		appendKinds(t, db, "x")
		if n, err := event.Prune(t.Context(), db, 101); n != 6 || err != nil {
			t.Errorf("%d deleted, %v", n, err)
		}
		step(all, 4)
		step(all, 0)
		appendKinds(t, db, "y")
		step(all, 1, "7y")
		lags, err := event.Lags(t.Context(), db)
		if diff := cmp.Diff([]event.Lag{{Name: "all"}, {Name: "c", Behind: 2}}, lags); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}

func TestPrune(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		inTx(t, db, some)
		relay(t, db)
		if n, err := event.Prune(t.Context(), db, 200); n != 3 || err != nil {
			t.Errorf("%d deleted, %v", n, err)
		}
		expectRows(t, db, events, "3 2 patch-created 5 200 [] 1")
		expectRows(t, db, subjects, "patch 8 3")
	})
}

func TestPositionsAreChecked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		inTx(t, db, some)
		if db.Engine() != sqldb.SQLite {
			if n, err := event.Late(t.Context(), db, 200); n != 3 || err != nil {
				t.Errorf("%d late, %v", n, err)
			}
		}
		relay(t, db)
		if n, err := event.Late(t.Context(), db, 1000); n != 0 || err != nil {
			t.Errorf("%d late, %v", n, err)
		}
		ahead := func(want int64, repair bool) {
			t.Helper()
			inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
				n, err := event.Ahead(ctx, tx, repair)
				if n != want {
					t.Errorf("%d ahead, want %d", n, want)
				}
				return err
			})
		}
		ahead(0, false)
		if _, err := db.SQL().Exec("UPDATE event_last SET pos = 1"); err != nil {
			t.Fatal(err)
		}
		ahead(3, true)
		ahead(0, false)
		appendKinds(t, db, "next")
		expectRows(t, db, "SELECT CONCAT(pos, '') FROM event WHERE kind = 'next'", "5")
	})
}
