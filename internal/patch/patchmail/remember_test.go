// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"fmt"
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

// TestChangesBetweenBatches: a project, and the state that new patches get, count from the next mail on, whoever commits them: this process, which intake remembers them in, or another.
func TestChangesBetweenBatches(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			url := dbtest.MigratedURL(t, engine)
			var dbs [2]*sqldb.DB
			for i := range dbs {
				db, err := sqldb.Open(t.Context(), url, sqldb.Options{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { db.Close() })
				dbs[i] = db
			}
			in := ingress.New(dbs[0], clock.System{}, ingress.DefaultLimits, patchmail.New(clock.System{}))
			n := 0
			deliver := func(list string) (outcome, state string) {
				t.Helper()
				n++
				raw := letter{id: fmt.Sprintf("p%d", n), subject: fmt.Sprintf("[PATCH] spout %d: mend", n), minutes: 60 * n, body: "Mend it.\n---\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n"}.raw()
				got, err := in.Deliver(t.Context(), []ingress.Delivery{{Raw: raw, Via: "smtp", ListID: list}})
				if err != nil {
					t.Fatal(err)
				}
				if got[0].Kind == patch.KindPatch {
					err = dbs[1].Get(t.Context(), &state, "SELECT s.name FROM patch p JOIN state s ON s.id = p.state_id ORDER BY p.id DESC LIMIT 1")
				}
				if err != nil {
					t.Fatal(err)
				}
				return got[0].Kind, state
			}
			expect := func(when, list, outcome, state string) {
				t.Helper()
				if kind, in := deliver(list); kind != outcome || in != state {
					t.Errorf("%s, for %s: %q in %q; want %q in %q", when, list, kind, in, outcome, state)
				}
			}
			for i, step := range []struct {
				by            *sqldb.DB
				before, after string // the first state
				ordering      int    // of the state New that makes it so
			}{{dbs[1], "New", "Under Review", 90}, {dbs[0], "Under Review", "New", 0}} {
				name := fmt.Sprintf("late%d", i)
				list, email := name+".lists.example", name+"@lists.example"
				expect("before the project", list, "unrouted", "")
				if _, err := project.Create(t.Context(), step.by, account.CLI, clock.System{}.Now(), project.Change{Linkname: &name, Name: &name, ListID: &list, ListEmail: &email}); err != nil {
					t.Fatal(err)
				}
				expect("after the project", list, patch.KindPatch, step.before)
				if _, err := patch.UpdateState(t.Context(), step.by, account.CLI, clock.System{}.Now(), "New", patch.StateChange{Ordering: &step.ordering}); err != nil {
					t.Fatal(err)
				}
				expect("after the state", list, patch.KindPatch, step.after)
				expect("once more", list, patch.KindPatch, step.after)
			}
		})
	}
}
