// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestNearestAncestor: a reply belongs to the nearest of its ancestors that is here, of whatever kind. Django prefers any patch to a cover.
func TestNearestAncestor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "nearest")
		s.send("patch cover comment comment comment comment comment comment",
			letter{id: "p1", subject: "[PATCH] one", body: patchText("x")},
			letter{id: "c", subject: "[PATCH v2 0/1] top", refs: "p1", body: "Words\n"},
			letter{id: "r1", subject: "Re: top", refs: "p1 c", body: "To the cover.\n"},
			letter{id: "r2", subject: "Re: top", refs: "p1 c r1", body: "To the reply.\n"},
			letter{id: "r3", subject: "Re: top", refs: "p1 gone", body: "To a mail that is not here.\n"},
			letter{id: "r4", subject: "no reply by its subject", refs: "c p1", body: "Yet it answers.\n"},
			letter{id: "r5", subject: "Re: one", header: "In-Reply-To: " + msgid("gone") + "\nIn-Reply-To: " + msgid("p1") + "\nReferences: " + msgid("c") + "\n", body: "Two parents.\n"},
			letter{id: "r6", subject: "Re: one", header: "In-Reply-To: Your message of Friday " + msgid("p1") + "\n", body: "In prose.\n"})
		if got, want := s.comments(), "r1→c r2→c r3→p1 r4→p1 r5→p1 r6→p1"; got != want {
			t.Errorf("comments %s, want %s", got, want)
		}
		if got := s.events(); got != "PSpsSCccrrrr" {
			t.Errorf("events %s", got)
		}

		other := newSite(t, db, "elsewhere") // the same thread on another list: nothing is attached across projects
		other.send("pending", letter{id: "r1", subject: "Re: top", refs: "p1 c", body: "To the cover.\n"})
		check(t, db)
	})
}

// TestRepeatedCover: a mail with the name of the cover it answers is a comment on it.
func TestRepeatedCover(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "repeated")
		s.send("cover comment cover",
			letter{id: "c", subject: "[PATCH 0/2] top", body: "Words\n"},
			letter{id: "r1", subject: "[PATCH 0/2] top", refs: "c", body: "A word more.\n"},
			letter{id: "c2", subject: "[PATCH 0/2] top", body: "Words again\n"})
		if got := s.comments(); got != "r1→c" {
			t.Errorf("comments %s", got)
		}
	})
}

// TestLateParents delivers a chain of replies before what they answer, in every order, in one batch and over several.
func TestLateParents(t *testing.T) {
	thread := []letter{
		{id: "p1", subject: "[PATCH] one", body: patchText("x")},
		{id: "r1", subject: "Re: one", refs: "p1", body: "Acked-by: Bob <bob@people.example>\n"},
		{id: "r2", subject: "Re: one", refs: "r1", body: "Only its parent is named.\n"},
		{id: "r3", subject: "Re: one", refs: "p1 r1 r2", body: "Reviewed-by: Eve <eve@people.example>\n"},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for i, order := range permutations(len(thread)) {
			for _, size := range []int{1, 2, 4} {
				s := newSite(t, db, fmt.Sprintf("late-%d-%d", i, size))
				var raws [][]byte
				for _, k := range order {
					raws = append(raws, thread[k].raw())
				}
				for batch := range slices.Chunk(raws, size) {
					s.deliver(batch...)
				}
				got := s.comments() + " " + fmt.Sprint(s.one("p1").Tags) + " " + s.text("SELECT COUNT(DISTINCT thread_id) FROM message WHERE project_id = ?", s.project.ID) +
					" " + s.text("SELECT COUNT(*) FROM mail WHERE project_id = ? AND outcome = 'comment'", s.project.ID) + s.text("SELECT COUNT(*) FROM pending_reference WHERE project_id = ?", s.project.ID)
				if want := "r1→p1 r2→p1 r3→p1 map[Acked-by:1 Reviewed-by:1] 1 30"; got != want {
					t.Errorf("order %v in batches of %d: %s, want %s", order, size, got, want)
				}
			}
		}
		check(t, db)
	})
}

// permutations lists all orders of n things.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var out [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			out = append(out, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return out
}

// TestDuplicates: the first mail with a Message-ID stays; another one with the same is kept as it came.
func TestDuplicates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "dup")
		first := letter{id: "p1", subject: "[PATCH] one", body: patchText("x")}
		forged := letter{id: "p1", subject: "[PATCH] another", from: "Eve <eve@people.example>", body: patchText("y")}
		cover := letter{id: "c", subject: "[PATCH 0/2] top", body: "Words\n"}
		reply := letter{id: "r1", subject: "Re: one", refs: "p1", body: "Yes.\n"}
		footer := reply
		footer.body += "____\nThe list\n"
		s.send("patch known duplicate known cover duplicate comment duplicate duplicate", first, first, forged, forged, cover,
			letter{id: "c", subject: "[PATCH 0/2] top", body: "Other words\n"}, reply, footer, letter{id: "p1", subject: "Re: one", refs: "p1", body: "The id of a patch on a reply.\n"})
		if x := s.one("p1"); x.Name != "one" || x.Submitter[0] != "ann@people.example" || !strings.Contains(x.content, "x") {
			t.Errorf("the patch became %q of %s", x.Name, x.Submitter)
		}
		if got := s.text("SELECT COUNT(*) FROM mail m JOIN mail_raw r ON r.mail_id = m.id WHERE m.project_id = ? AND m.msgid = ?", s.project.ID, msgid("p1")); got != "3" {
			t.Errorf("%s deliveries of the Message-ID are kept, want 3", got)
		}
		same(t, "series", s.series(), []string{`(1,1,[1]) - "one"`, `(1,2,[]) c "top"`})
		if got := s.comments() + s.events(); got != "r1→p1PSpsSCr" {
			t.Errorf("comments and events %s", got)
		}
		two := newSite(t, db, "dup-two") // another list, another patch
		two.send("patch", first)
		check(t, db)
	})
}

// TestTombstones: what was deleted on purpose does not come back by mail, and its replies wait.
func TestTombstones(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "graves")
		p := letter{id: "p1", subject: "[PATCH] one", body: patchText("x")}
		r := letter{id: "r1", subject: "Re: one", refs: "p1", body: "Acked-by: Bob <bob@people.example>\n"}
		s.send("patch comment", p, r)
		if err := patch.DeleteMessage(context.Background(), db, account.CLI, now, s.project, msgid("p1"), "asked for"); err != nil {
			t.Fatal(err)
		}
		changed := p
		changed.subject = "[PATCH] one, resent"
		s.send("known deleted known pending", p, changed, r, letter{id: "r2", subject: "Re: one", refs: "p1", body: "Too late.\n"})
		if got := s.text("SELECT COUNT(*) FROM patch WHERE project_id = ?", s.project.ID); got != "0" {
			t.Errorf("%s patches", got)
		}
		if got := s.text("SELECT COUNT(*) FROM message WHERE project_id = ? AND kind = 'pending'", s.project.ID); got != "2" {
			t.Errorf("%s messages wait, want 2", got)
		}
		check(t, db)
	})
}

// TestInterleaving delivers a threaded series of four with cover and two replies in many orders: the end is the same. A reply to a patch that is not here yet
// belongs to the cover letter if that is here, and moves when the patch comes.
func TestInterleaving(t *testing.T) {
	archive := []letter{
		{id: "c", subject: "[PATCH v2 0/4] top", body: "Words\n"},
		{id: "p1", subject: "[PATCH v2 1/4] one", refs: "c", minutes: 1, body: patchText("x")},
		{id: "p2", subject: "[PATCH v2 2/4] two", refs: "c", minutes: 2, body: patchText("x")},
		{id: "p3", subject: "[PATCH v2 3/4] three", refs: "c", minutes: 3, body: patchText("x")},
		{id: "p4", subject: "[PATCH v2 4/4] four", refs: "c", minutes: 4, body: patchText("x")},
		{id: "r1", subject: "Re: [PATCH v2 3/4] three", refs: "c p3", minutes: 60, body: "Acked-by: Bob <bob@people.example>\n"},
		{id: "r2", subject: "Re: [PATCH v2 0/4] top", refs: "c", minutes: 61, from: "Bob <bob@people.example>", body: "All good.\n"},
	}
	inOrders(t, len(archive), 37, 101, func(t *testing.T, db *sqldb.DB, n int, order []int) {
		s := newSite(t, db, fmt.Sprintf("order-%d", n))
		var raws [][]byte
		for _, k := range order {
			raws = append(raws, archive[k].raw())
		}
		for batch := range slices.Chunk(raws, []int{1, 3, 7}[n%3]) {
			s.deliver(batch...)
		}
		e := []byte(s.events())
		slices.Sort(e)
		got := fmt.Sprint(s.series(), s.comments(), " ", string(e))
		want := `[(2,4,[1 2 3 4]) c "top"]r1→p3 r2→c CPPPPScpppprs`
		if got != want {
			t.Errorf("order %v: %s\nwant %s", order, got, want)
		}
	})
}

// inOrders runs f for orders of so many mails: on SQLite for each step-th, on servers for each serverStep-th, in long tests for all. The steps are primes, to walk
// through all kinds of orders. Each hundred orders have a database of their own, since each order makes a project.
func inOrders(t *testing.T, mails, step, serverStep int, f func(t *testing.T, db *sqldb.DB, n int, order []int)) {
	t.Helper()
	all := permutations(mails)
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			step := step
			if engine != sqldb.SQLite {
				step = serverStep
			}
			if soak() {
				step = 1
			}
			var chosen []int
			for n := 0; n < len(all); n += step {
				chosen = append(chosen, n)
			}
			for part := range slices.Chunk(chosen, 100) {
				t.Run(fmt.Sprint("from ", part[0]), func(t *testing.T) {
					t.Parallel()
					db := dbtest.Open(t, engine)
					for _, n := range part {
						f(t, db, n, all[n])
					}
					check(t, db)
				})
			}
			t.Logf("every %dth of %d orders", step, len(all))
		})
	}
}
