// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestUndoInTurn: what was changed since and taken back does not count: the newest change is taken back, and then the one before it; but not if the newer one was done again.
func TestUndoInTurn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		mia, max := web(userMia), web(userMax)
		ids := []int64{1, 2, 3}
		state := func(what string, want ...string) {
			t.Helper()
			expectState(t, what, rowsOf(t, db, stateOf, ids), want...)
		}
		before := []string{"1 1 0 open ", "2 2 12 open ", "3 2 12 open "}
		one := update(t, db, mia, patch.Change{State: value(int64(7))}, ids...).Set
		two := update(t, db, max, patch.Change{Archived: value(true)}, 1, 2).Set
		three := update(t, db, mia, patch.Change{State: value(int64(5)), CommitRef: value("abc")}, 1).Set
		undo(t, db, mia, three, "done 1/1 changed 1 refused 0 overtaken 0 lost 0")
		undo(t, db, max, two, "done 2/2 changed 2 refused 0 overtaken 0 lost 0")
		again := undo(t, db, mia, one, "done 3/3 changed 3 refused 0 overtaken 0 lost 0")
		state("all three, the newest first", before...)
		undo(t, db, mia, again.ID, "done 3/3 changed 3 refused 0 overtaken 0 lost 0")

		// The change in the middle is done again: the first one has to wait for it.
		one = update(t, db, mia, patch.Change{Delegate: value(int64(13))}, ids...).Set
		two = update(t, db, max, patch.Change{Archived: value(true)}, 1, 2).Set
		back := undo(t, db, max, two, "done 2/2 changed 2 refused 0 overtaken 0 lost 0")
		redone := undo(t, db, max, back.ID, "done 2/2 changed 2 refused 0 overtaken 0 lost 0")
		undone := undo(t, db, mia, one, "done 3/3 changed 1 refused 0 overtaken 2 lost 0")
		state("the newer one was done again", "1 7 13 archived ", "2 7 13 archived ", "3 7 12 open ")
		expectLeft(t, db, undone.ID, "1 <p1@mail.example> 13 web", "2 <p2@mail.example> 13 web")
		undo(t, db, max, redone.ID, "done 2/2 changed 2 refused 0 overtaken 0 lost 0")
		undo(t, db, mia, undone.ID, "done 1/1 changed 1 refused 0 overtaken 0 lost 0")
		state("taken back and back", "1 7 13 open ", "2 7 13 open ", "3 7 13 open ")

		// What nobody can take back counts for good, whatever is taken back later: the delegate of 8 is deleted.
		one = update(t, db, mia, patch.Change{State: value(int64(3))}, 8, 9).Set
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return patch.ReleaseUser(ctx, tx, userDel) })
		two = update(t, db, max, patch.Change{Archived: value(true)}, 8, 9).Set
		undo(t, db, max, two, "done 2/2 changed 2 refused 0 overtaken 0 lost 0")
		undone = undo(t, db, mia, one, "done 2/2 changed 1 refused 0 overtaken 1 lost 0")
		expectLeft(t, db, undone.ID, "8 <p8@mail.example> 0 ")
		expectState(t, "his patch stays", rowsOf(t, db, stateOf, []int64{8, 9}), "8 3 0 open ", "9 5 0 open ")
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}

// undoModel says of each patch what it is and which sets have led there: an undo leads back to where its set began.
type undoModel struct {
	at     map[int64]int            // patch → its point
	values map[int]string           // point → values of the patch
	moves  map[int64]map[int64]move // set → patch → from where to where
	owner  map[int64]account.Actor
	undone map[int64]bool
	last   int
}

type move struct{ from, to int }

// TestUndoModel: whatever is changed and taken back in whatever order, a patch comes back if nothing was changed since that still stands, and else stays.
func TestUndoModel(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		steps := 150
		if os.Getenv("PW_SOAK") == "1" {
			steps = 3000
		}
		const seed = 17
		rnd := rand.New(rand.NewPCG(seed, seed))
		ids := []int64{1, 5, 13, 14}
		m := undoModel{at: map[int64]int{}, values: map[int]string{}, moves: map[int64]map[int64]move{}, owner: map[int64]account.Actor{}, undone: map[int64]bool{}}
		is := func() map[int64]string {
			out := map[int64]string{}
			for i, row := range rowsOf(t, db, stateOf, ids) {
				out[ids[i]] = row
			}
			return out
		}
		for id, row := range is() {
			m.last++
			m.at[id], m.values[m.last] = m.last, row
		}
		back, left := 0, 0
		for step := range steps {
			if sets := slices.Sorted(maps.Keys(m.moves)); rnd.IntN(2) == 0 && len(sets) > 0 {
				set := sets[len(sets)-1-rnd.IntN(min(len(sets), 6))]
				n, k := m.undo(t, db, set)
				back, left = back+n, left+k
			} else {
				m.change(t, db, rnd, ids, is)
			}
			for id, row := range is() {
				if row != m.values[m.at[id]] {
					t.Fatalf("step %d: %s, want %s", step, row, m.values[m.at[id]])
				}
			}
		}
		if back < steps/10 || left < steps/10 {
			t.Errorf("%d patches came back, %d stayed", back, left)
		}
		if found := findings(t, db); len(found) > 0 {
			t.Error(found)
		}
	})
}

// change lets somebody change some patches.
func (m *undoModel) change(t *testing.T, db *sqldb.DB, rnd *rand.Rand, ids []int64, is func() map[int64]string) {
	by := []account.Actor{web(userMia), web(userMax), admin}[rnd.IntN(3)]
	var c patch.Change
	switch rnd.IntN(4) {
	case 0:
		c.State = value(int64(1 + rnd.IntN(3)))
	case 1:
		c.Archived = value(rnd.IntN(2) == 0)
	case 2:
		c.Delegate, c.CommitRef = value([]int64{0, userMia, userMax}[rnd.IntN(3)]), value([]string{"", "abc"}[rnd.IntN(2)])
	default:
		c.State, c.Archived = value(int64(1+rnd.IntN(3))), value(rnd.IntN(2) == 0)
	}
	some := slices.Clone(ids)
	rnd.Shuffle(len(some), func(i, k int) { some[i], some[k] = some[k], some[i] })
	was := is()
	set := update(t, db, by, c, some[:1+rnd.IntN(len(some))]...).Set
	if set == 0 {
		return
	}
	m.owner[set], m.moves[set] = by, map[int64]move{}
	for id, row := range is() {
		if row != was[id] {
			m.last++
			m.moves[set][id] = move{m.at[id], m.last}
			m.at[id], m.values[m.last] = m.last, row
		}
	}
}

// undo takes a set back, and compares what is said of it.
func (m *undoModel) undo(t *testing.T, db *sqldb.DB, set int64) (back, left int) {
	t.Helper()
	s, err := patch.Undo(t.Context(), db, m.owner[set], noon, set)
	if m.undone[set] {
		expectKind(t, "twice", err, fault.Conflict, "this change was taken back already")
		return 0, 0
	}
	if err != nil {
		t.Fatal(err)
	}
	m.undone[set] = true
	moves := map[int64]move{}
	for id, mv := range m.moves[set] {
		if m.at[id] == mv.to {
			moves[id] = move{mv.to, mv.from}
			m.at[id] = mv.from
		} else {
			left++
		}
	}
	if back = len(moves); back > 0 {
		m.moves[s.ID], m.owner[s.ID] = moves, m.owner[set]
	}
	if want := fmt.Sprintf("done %d/%[1]d changed %d refused 0 overtaken %d lost 0", back+left, back, left); counts(s) != want {
		t.Fatalf("undo: %s, want %s", counts(s), want)
	}
	return back, left
}

// TestUndoRaces: two who take the same change back at once do it once; of two changes that are taken back at once, and of one that is taken back while a job changes its
// patches, each patch is as one after the other would have left it, and each is counted once.
func TestUndoRaces(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			dbs := handles(t, engine, 2)
			db := dbs[0]
			seed(t, db)
			ids := manyPatches(t, db, 1200)
			few := ids[:200]
			before := rowsOf(t, db, "SELECT state_id, archived, COUNT(*) FROM patch WHERE id >= 2000 GROUP BY state_id, archived")
			for round := range 4 {
				one := update(t, db, web(userMia), patch.Change{State: value(int64(3))}, few...).Set
				two := update(t, db, web(userMax), patch.Change{Archived: value(true)}, few[100:]...).Set
				expectOnce(t, dbs, two)
				expectOnce(t, dbs, one)
				if diff := fmt.Sprint(rowsOf(t, db, "SELECT state_id, archived, COUNT(*) FROM patch WHERE id >= 2000 GROUP BY state_id, archived")); diff != fmt.Sprint(before) {
					t.Fatalf("round %d: %s", round, diff)
				}
			}

			// Two changes of the same patches at once: whoever comes second may find his overtaken, or the other one's taken back before.
			for range 4 {
				one := update(t, db, web(userMia), patch.Change{State: value(int64(3))}, few...).Set
				two := update(t, db, web(userMax), patch.Change{Archived: value(true)}, few...).Set
				var back [2]patch.ChangeSet
				together(func(i int) (err error) {
					back[i], err = patch.Undo(t.Context(), dbs[i], []account.Actor{web(userMia), web(userMax)}[i], noon, []int64{one, two}[i])
					if err != nil {
						t.Error(err)
					}
					return err
				})
				first, second := back[0], back[1]
				if counts(second) != "done 200/200 changed 200 refused 0 overtaken 0 lost 0" || first.Changed+first.Overtaken != 200 || first.Changed != 0 && first.Overtaken != 0 {
					t.Errorf("%s, %s", counts(first), counts(second))
				}
				update(t, db, admin, patch.Change{State: value(int64(1))}, few...)
			}

			// A job changes 1,200 patches while what 200 of them were given is taken back.
			one := update(t, db, web(userMia), patch.Change{State: value(int64(3))}, few...).Set
			job, _ := many(t, db, web(userMax), patch.Request{Selection: patch.Selection{Patches: ids}, Change: patch.Change{Archived: value(true)}})
			var back patch.ChangeSet
			together(func(i int) (err error) {
				if i == 0 {
					runJobs(t, dbs[0])
				} else if back, err = patch.Undo(t.Context(), dbs[1], web(userMia), noon, one); err != nil {
					t.Error(err)
				}
				return err
			})
			if back.Changed+back.Overtaken != 200 || back.Refused+back.Lost != 0 {
				t.Error(counts(back))
			}
			states := rowsOf(t, db, "SELECT state_id, COUNT(*) FROM patch WHERE id >= 2000 AND archived = TRUE GROUP BY state_id ORDER BY state_id")
			want := []string{"1 1200"}
			if back.Overtaken > 0 {
				want = []string{fmt.Sprintf("1 %d", 1000+back.Changed), fmt.Sprintf("3 %d", back.Overtaken)}
			}
			expectState(t, "after the job", states, want...)
			undo(t, db, web(userMax), job.ID, "waiting 0/1200 changed 0 refused 0 overtaken 0 lost 0")
			runJobs(t, db)
			expectState(t, "the job is taken back", rowsOf(t, db, "SELECT COUNT(*) FROM patch WHERE id >= 2000 AND archived = TRUE"), "0")
			if found := findings(t, db); len(found) > 0 {
				t.Error(found)
			}
		})
	}
}

// TestUndoWaits: who has to wait for somebody who changes another field of the patch sees that he did.
func TestUndoWaits(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			dbs := handles(t, engine, 2)
			seed(t, dbs[0])
			set := update(t, dbs[0], web(userMia), patch.Change{State: value(int64(7))}, 1, 5).Set
			var back patch.ChangeSet
			holds, asked := make(chan bool), make(chan bool)
			together(func(i int) error {
				if i == 1 {
					<-holds
					close(asked)
					var err error
					if back, err = patch.Undo(t.Context(), dbs[1], web(userMia), noon, set); err != nil {
						t.Error(err)
					}
					return err
				}
				inTx(t, dbs[0], func(ctx context.Context, tx *sqldb.Tx) error {
					if err := project.Lock(ctx, tx, []int64{projectAlpha}); err != nil {
						return err
					}
					close(holds)
					<-asked
					time.Sleep(300 * time.Millisecond) // he has read what he reads before he waits
					if _, err := tx.Exec(ctx, "UPDATE change_row SET later = TRUE WHERE patch_id = 1"); err != nil {
						return err
					}
					_, err := tx.Exec(ctx, "UPDATE patch SET commit_ref = 'abc' WHERE id = 1")
					return err
				})
				return nil
			})
			if counts(back) != "done 2/2 changed 1 refused 0 overtaken 1 lost 0" {
				t.Error(counts(back))
			}
		})
	}
}

// together runs two things at once.
func together(do func(i int) error) (errs [2]error) {
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	return errs
}

// expectOnce lets an administrator take a set back twice at once: one of them does it whole, the other is told so.
func expectOnce(t *testing.T, dbs []*sqldb.DB, set int64) {
	t.Helper()
	var back [2]patch.ChangeSet
	errs := together(func(i int) (err error) {
		back[i], err = patch.Undo(t.Context(), dbs[i], admin, noon, set)
		return err
	})
	i := slices.Index(errs[:], nil)
	if i < 0 || back[i].Changed != back[i].Total || back[i].Total == 0 {
		t.Fatal(errs, counts(back[0]), counts(back[1]))
	}
	expectKind(t, "the other", errs[1-i], fault.Conflict, "this change was taken back already")
}
