// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"context"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// twoProcesses opens the database of each engine twice, as two processes do.
func twoProcesses(t *testing.T, f func(t *testing.T, db, other *sqldb.DB)) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			url := dbtest.MigratedURL(t, engine)
			var both [2]*sqldb.DB
			for i := range both {
				var err error
				if both[i], err = sqldb.Open(context.Background(), url, sqldb.Options{}); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { both[i].Close() })
			}
			f(t, both[0], both[1])
		})
	}
}

// TestSessionsEndedBetweenBatches: PostgreSQL ended all sessions after the last batch. The next one is taken in, and its sender is told of nothing.
func TestSessionsEndedBetweenBatches(t *testing.T) {
	twoProcesses(t, func(t *testing.T, db, other *sqldb.DB) {
		if db.Engine() != sqldb.Postgres {
			return
		}
		s := newSite(t, db, "dev")
		s.send("cover", letter{id: "c", subject: "[PATCH 0/2] topic", body: "Words.\n"})
		for i, want := range []string{"patch", "patch", "comment"} {
			dbtest.EndSessions(t, other)
			s.send(want, []letter{
				{id: "p1", subject: "[PATCH 1/2] one", refs: "c", body: patchText("One.")},
				{id: "p2", subject: "[PATCH 2/2] two", refs: "c", body: patchText("Two.")},
				{id: "r", subject: "Re: [PATCH 1/2] one", refs: "c p1", body: "Hm.\n"},
			}[i])
		}
		same(t, "the series", s.series(), []string{`(1,2,[1 2]) c "topic"`})
		if got := s.text("SELECT COUNT(*) FROM mail"); got != "4" {
			t.Errorf("%s mails are kept, want 4", got)
		}
		check(t, db)
	})
}

// TestProjectsChangeBetweenBatches: a batch goes by the projects as they are, not as they were when the one before it came.
func TestProjectsChangeBetweenBatches(t *testing.T) {
	twoProcesses(t, func(t *testing.T, db, other *sqldb.DB) {
		ctx := context.Background()
		s := newSite(t, db, "dev")
		sends := func(id, list, want string) {
			t.Helper()
			l := letter{id: id, subject: "[PATCH] " + id, header: "List-Id: <" + list + ">\n", body: patchText("Why.")}
			out, err := s.in.Deliver(ctx, []ingress.Delivery{{Raw: l.raw(), Via: "test"}})
			if err != nil {
				t.Fatal(err)
			}
			got := kind(out[0])
			if out[0].Project != 0 {
				got += " of " + s.text("SELECT linkname FROM project WHERE id = ?", out[0].Project)
			}
			if got != want {
				t.Errorf("%s by %s became %s, want %s", id, list, got, want)
			}
		}
		sends("a", "dev.lists.example", "patch of dev")
		sends("b", "new.lists.example", "unrouted")

		name, list, email := "new", "new.lists.example", "new@lists.example"
		_, err := project.Create(ctx, other, account.CLI, now, project.Change{Linkname: &name, Name: &name, ListID: &list, ListEmail: &email})
		if err != nil {
			t.Fatal(err)
		}
		sends("c", "new.lists.example", "patch of new")
		sends("d", "dev.lists.example", "patch of dev")

		list = "moved.lists.example"
		if _, err := project.Update(ctx, other, account.CLI, now, name, project.Change{ListID: &list}); err != nil {
			t.Fatal(err)
		}
		sends("e", "new.lists.example", "unrouted")
		sends("f", "moved.lists.example", "patch of new")
		check(t, s.db)
	})
}
