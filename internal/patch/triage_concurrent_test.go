// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// duel does two things at once, by two processes, and wants the series to stand as both of them leave it.
type duel struct {
	t        *testing.T
	dbs      []*sqldb.DB
	by       account.Actor
	one, two int64 // the patches
}

func newDuel(t *testing.T, engine string) *duel {
	t.Helper()
	d := &duel{t: t, dbs: handles(t, engine, 2)}
	db := d.dbs[0]
	newProject(t, db, "demo")
	d.by = account.Actor{User: newUser(t, db, "mia").ID, Via: "test"}
	if err := project.AddMaintainer(t.Context(), db, account.CLI, now, "demo", "mia"); err != nil {
		t.Fatal(err)
	}
	deliver(t, db, letter("demo", "p1", "", "[PATCH 1/2] one", "Text\n"+diffText), letter("demo", "p2", "p1", "[PATCH 2/2] two", "Text\n"+diffText))
	var ids []int64
	if err := db.Select(t.Context(), &ids, "SELECT id FROM patch ORDER BY number"); err != nil || len(ids) != 2 {
		t.Fatal(ids, err)
	}
	d.one, d.two = ids[0], ids[1]
	return d
}

func (d *duel) fight(what, want string, things ...func(context.Context, *sqldb.DB) error) {
	d.t.Helper()
	var wg sync.WaitGroup
	for i, do := range things {
		wg.Go(func() {
			if err := do(d.t.Context(), d.dbs[i%len(d.dbs)]); err != nil {
				d.t.Errorf("%s: %v", what, err)
			}
		})
	}
	wg.Wait()
	expectRows(d.t, d.dbs[0], "SELECT CONCAT_WS(' ', lane, open, comments, unaddressed, pending, success, fail) FROM series_triage", want)
	expectRows(d.t, d.dbs[0], "SELECT CONCAT_WS(' ', lane, series) FROM triage_count WHERE series <> 0", want[:1]+" 1")
}

func (d *duel) check(patchID int64, name string, state int) func(context.Context, *sqldb.DB) error {
	return func(ctx context.Context, db *sqldb.DB) error {
		_, _, err := patch.PostCheck(ctx, db, d.by, now, patchID, patch.NewCheck{State: state, Context: name, Replace: true})
		return err
	}
}

func (d *duel) comment(to string, n int) func(context.Context, *sqldb.DB) error {
	return func(ctx context.Context, db *sqldb.DB) error {
		c := clock.NewFake(now)
		_, err := ingress.New(db, c, ingress.DefaultLimits, patchmail.New(c)).Deliver(ctx, []ingress.Delivery{{Via: "smtp",
			Raw: []byte(from(letter("demo", fmt.Sprintf("r%d-%s", n, to), to, "Re: [PATCH]", "Hm.\n")))}})
		return err
	}
}

func (d *duel) state(patchID, state int64) func(context.Context, *sqldb.DB) error {
	return func(ctx context.Context, db *sqldb.DB) error {
		_, err := patch.Update(ctx, db, d.by, now, []int64{patchID}, patch.Change{State: &state})
		return err
	}
}

// TestTwoChangeASeries: whoever changes what the stand of a series follows from waits for who does so already, and then sees what that one has done: with two at once, on
// two patches of a series, both count.
func TestTwoChangeASeries(t *testing.T) {
	const pending, success, fail = 0, 1, 3
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			d := newDuel(t, engine)
			comments := 0
			for round := range 12 {
				d.fight("two checks begin", fmt.Sprintf("5 2 %d 0 2 0 0", comments), d.check(d.one, "ci", pending), d.check(d.two, "ci", pending))
				d.fight("one succeeds, one fails", fmt.Sprintf("%d 2 %d 0 0 1 1", laneOf(comments), comments), d.check(d.one, "ci", success), d.check(d.two, "ci", fail))
				comments += 2
				d.fight("a check and two comments", fmt.Sprintf("3 2 %d 0 0 2 0", comments), d.check(d.two, "ci", success), d.comment("p1", 2*round), d.comment("p2", 2*round+1))
				d.fight("a check and a state", fmt.Sprintf("5 1 %d 0 1 1 0", comments), d.check(d.one, "ci", pending), d.state(d.two, 3))
				d.fight("a check and a state, back", fmt.Sprintf("3 2 %d 0 0 2 0", comments), d.check(d.one, "ci", success), d.state(d.two, 1))
				if t.Failed() {
					t.Fatalf("in round %d", round)
				}
			}
			expectClean(t, d.dbs[0])
		})
	}
}

// laneOf is the lane of a series whose checks fail: it needs a first review until somebody has said something.
func laneOf(comments int) int {
	if comments == 0 {
		return 1
	}
	return 3
}
