// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// mainMail is by what tests call a series: its cover letter, else its first mail.
const mainMail = "COALESCE((SELECT m.msgid FROM cover c JOIN message m ON m.id = c.message_id WHERE c.id = %[1]s.cover_id), (SELECT MIN(m.msgid) FROM patch p JOIN message m ON m.id = p.message_id WHERE p.series_id = %[1]s.id))"

// versions lists "newer→older sign", sorted.
func (s *site) versions() string {
	s.t.Helper()
	var out []string
	s.each(func(r *sqlx.Rows) error {
		var n, o string
		var sign int
		err := r.Scan(&n, &o, &sign)
		out = append(out, fmt.Sprintf("%s→%s %d", short(n), short(o), sign))
		return err
	}, "SELECT "+fmt.Sprintf(mainMail, "n")+", "+fmt.Sprintf(mainMail, "o")+", n.previous_by FROM series n JOIN series o ON o.id = n.previous_id WHERE n.project_id = ?", s.project.ID)
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// someDiff is a patch whose content depends on a word only.
func someDiff(word string) string {
	return "Why " + word + ".\n---\n" + strings.ReplaceAll(diffOf("lib/"+word+".c"), "+two", "+"+word) + signature
}

// Each archive is delivered in all orders; the versions must be the same. Signs: 1 content, 2 name, 3 reply, 4 resend, 5 Supersedes, 6 change-id.
var versionCases = []struct {
	name  string
	mails []letter
	want  string
}{
	{"by name", []letter{
		{id: "a1", subject: "[PATCH] lib: one", body: someDiff("a")},
		{id: "a3", subject: "[PATCH v3] lib: One", minutes: 120, body: someDiff("c")},
		{id: "a2", subject: "[PATCH v2] lib:  one", minutes: 60, body: someDiff("b")},
		{id: "x2", subject: "[PATCH v2] lib: one", minutes: 70, from: "Eve <eve@people.example>", body: someDiff("d")}},
		"a2→a1 2, a3→a2 2"},
	{"a year later", []letter{
		{id: "a1", subject: "[PATCH] lib: one", minutes: -400 * 24 * 60, body: someDiff("a")},
		{id: "a2", subject: "[PATCH v2] lib: one", body: someDiff("b")}},
		""},
	{"by content", []letter{
		{id: "a1", subject: "[PATCH 1/2] lib: one", body: someDiff("a")},
		{id: "a2", subject: "[PATCH 2/2] lib: two", minutes: 1, body: someDiff("b")},
		{id: "b1", subject: "[PATCH v2 1/2] lib: zero", minutes: 60, body: someDiff("z")},
		{id: "b2", subject: "[PATCH v2 2/2] lib: all", minutes: 61, body: someDiff("b")}},
		"b1→a1 1"},
	{"by thread", []letter{
		{id: "c1", subject: "[PATCH 0/1] lib", body: "Words.\n"},
		{id: "a1", subject: "[PATCH 1/1] lib: one", refs: "c1", minutes: 1, body: someDiff("a")},
		{id: "c2", subject: "[PATCH v2 0/1] something else", refs: "c1", minutes: 60, body: "Words.\n"},
		{id: "a2", subject: "[PATCH v2 1/1] lib: uno", refs: "c1 c2", minutes: 61, body: someDiff("b")}},
		"c2→c1 3"},
	{"another one's thread", []letter{
		{id: "a1", subject: "[PATCH] lib: one", body: someDiff("a")},
		{id: "b2", subject: "[PATCH v2] lib: two", refs: "a1", minutes: 60, from: "Eve <eve@people.example>", body: someDiff("b")},
		{id: "d2", subject: "[PATCH v2] lib: one", refs: "a1", minutes: 70, from: "Bob <bob@people.example>", body: someDiff("d")}},
		"d2→a1 3"},
	{"by change-id", []letter{
		{id: "c1", subject: "[PATCH 0/1] lib", body: "Words.\n\n---\nbase-commit: 0123456789abcdef0123456789abcdef01234567\nchange-id: 20240101-lib-abc\n"},
		{id: "a1", subject: "[PATCH 1/1] lib: one", refs: "c1", minutes: 1, body: someDiff("a")},
		{id: "c2", subject: "[PATCH v2 0/1] another name", minutes: 60, body: "Words.\n\n---\nchange-id: 20240101-lib-abc\n"},
		{id: "c3", subject: "[PATCH v3 0/1] lib", refs: "c1", minutes: 120, from: "Eve <eve@people.example>", body: "Words.\n\n---\nchange-id: 20240101-lib-abc\n"}},
		"c2→c1 6, c3→c2 6"},
	{"by Supersedes", []letter{
		{id: "a1", subject: "[PATCH v3] lib: one", body: someDiff("a")},
		{id: "a2", subject: "[PATCH] lib: quite another approach", minutes: 60, body: "Words.\n\nSupersedes: " + msgid("a1") + "\n---\n" + diffOf("lib/z.c")},
		{id: "a4", subject: "[PATCH] lib: third approach", minutes: 90, body: "Words.\n\nSupersedes: <https://lists.example/x/>\nSupersedes: https://lists.example/x/a2@mail.example/\n---\n" + diffOf("lib/y.c")}},
		"a2→a1 5, a4→a2 5"},
	{"Supersedes in a circle", []letter{
		{id: "a1", subject: "[PATCH] lib: one", body: "Supersedes: " + msgid("a2") + "\n---\n" + diffOf("lib/z.c")},
		{id: "a2", subject: "[PATCH] lib: two", minutes: 60, body: "Supersedes: " + msgid("a1") + "\n---\n" + diffOf("lib/y.c")}},
		"a2→a1 5"},
	// One patch sent again is a series of its own; the next version follows the whole one.
	{"v5.1 10/12", []letter{
		{id: "a1", subject: "[PATCH v5 1/2] lib: one", body: someDiff("a")},
		{id: "a2", subject: "[PATCH v5 2/2] lib: two", refs: "a1", minutes: 1, body: someDiff("b")},
		{id: "b2", subject: "[PATCH v5.1 2/2] lib: two", refs: "a1 a2", minutes: 60, body: someDiff("c")},
		{id: "d1", subject: "[PATCH v6 1/2] lib: one", minutes: 120, body: someDiff("d")}},
		"b2→a1 4, d1→a1 2"},
}

func TestVersions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for i, c := range versionCases {
			orders := permutations(len(c.mails))
			if db.Engine() != sqldb.SQLite && !soak() {
				orders = orders[len(orders)-2:]
			}
			for n, order := range orders {
				s := newSite(t, db, fmt.Sprintf("versions-%d-%d", i, n))
				for _, k := range order {
					s.deliver(c.mails[k].raw())
				}
				if got := s.versions(); got != c.want {
					t.Errorf("%s, order %v: %s, want %s", c.name, order, got, c.want)
				}
			}
			s := newSite(t, db, fmt.Sprintf("versions-%d-batch", i))
			var raws [][]byte
			for _, l := range c.mails {
				raws = append(raws, l.raw())
			}
			s.deliver(raws...)
			if got := s.versions(); got != c.want {
				t.Errorf("%s, as a batch: %s, want %s", c.name, got, c.want)
			}
		}
		if got := newSite(t, db, "empty").text("SELECT COUNT(DISTINCT base_commit) FROM series WHERE base_commit = '0123456789abcdef0123456789abcdef01234567'"); got != "1" {
			t.Errorf("%s base commits are kept", got)
		}
		check(t, db)
	})
}

func autoSupersede(c *project.Change) { on := true; c.AutoSupersede = &on }

// states lists "p1 new", by Message-ID.
func (s *site) states() string {
	s.t.Helper()
	var out []string
	s.each(func(r *sqlx.Rows) error {
		var id, state string
		err := r.Scan(&id, &state)
		out = append(out, short(id)+" "+state)
		return err
	}, "SELECT m.msgid, t.slug FROM patch p JOIN message m ON m.id = p.message_id JOIN state t ON t.id = p.state_id WHERE p.project_id = ? ORDER BY m.msgid", s.project.ID)
	return strings.Join(out, ", ")
}

func (s *site) patchID(id string) int64 {
	s.t.Helper()
	var n int64
	fmt.Sscan(s.patchColumn("id", id), &n)
	return n
}

func (s *site) seriesID(id string) int64 {
	s.t.Helper()
	var n int64
	fmt.Sscan(s.patchColumn("series_id", id), &n)
	return n
}

func (s *site) set(id string, state int64) {
	s.t.Helper()
	if _, err := patch.Update(context.Background(), s.db, account.CLI, now, []int64{s.patchID(id)}, patch.Change{State: &state}); err != nil {
		s.t.Fatal(err)
	}
}

func reroll(version string, minutes int) []letter {
	mark, id := "", "a"
	if version != "" {
		mark, id = " "+version, version
	}
	return []letter{
		{id: id + "1", subject: "[PATCH" + mark + " 1/2] lib: one", minutes: minutes, body: someDiff(id + "x")},
		{id: id + "2", subject: "[PATCH" + mark + " 2/2] lib: two", refs: id + "1", minutes: minutes + 1, body: someDiff(id + "y")}}
}

// TestAutoSupersede: a new version supersedes what still requires action, number by number until it is complete; nothing that was decided about.
func TestAutoSupersede(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "auto", autoSupersede)
		v1 := append(reroll("", 0), letter{id: "a3", subject: "[PATCH 3/2] lib: three", refs: "a1", minutes: 2, body: someDiff("three")})
		s.send("patch patch patch", v1...)
		s.set("a2", 3) // accepted
		s.send("patch", reroll("v2", 60)[0])
		if got, want := s.states(), "a1 superseded, a2 accepted, a3 new, v21 new"; got != want {
			t.Errorf("after the first patch of v2: %s, want %s", got, want)
		}
		s.send("patch", reroll("v2", 60)[1])
		if got, want := s.states(), "a1 superseded, a2 accepted, a3 superseded, v21 new, v22 new"; got != want {
			t.Errorf("after v2: %s, want %s", got, want)
		}
		if got := s.text("SELECT COUNT(*) FROM event WHERE project_id = ? AND kind = 'patch-state-changed' AND actor_id IS NULL AND payload LIKE '%\"previous_state\":\"new\",\"current_state\":\"superseded\"%'", s.project.ID); got != "2" {
			t.Errorf("%s events", got)
		}
		check(t, db)

		// What nobody touched since goes back; it is not superseded again, not even by v3.
		s.set("a3", 2)
		done, err := patch.Unsupersede(context.Background(), db, account.CLI, now, s.seriesID("a1"))
		if err != nil || done.Patches != 1 {
			t.Errorf("%+v, %v", done, err)
		}
		if got, want := s.states(), "a1 new, a2 accepted, a3 under-review, v21 new, v22 new"; got != want {
			t.Errorf("after undoing: %s, want %s", got, want)
		}
		if _, err := patch.Unsupersede(context.Background(), db, account.CLI, now, s.seriesID("a1")); !fault.Is(err, fault.Conflict) {
			t.Errorf("undoing again: %v", err)
		}
		if _, err := patch.Unsupersede(context.Background(), db, account.CLI, now, 999999); !fault.Is(err, fault.NotFound) {
			t.Errorf("of no series: %v", err)
		}
		s.send("patch patch", reroll("v3", 120)...)
		if got, want := s.states(), "a1 new, a2 accepted, a3 under-review, v21 superseded, v22 superseded, v31 new, v32 new"; got != want {
			t.Errorf("after v3: %s, want %s", got, want)
		}
		if done, err := patch.Unsupersede(context.Background(), db, account.Actor{User: 4711, Via: "web"}, now, s.seriesID("v21")); err != nil || done.Patches != 0 || len(done.Refused) != 2 {
			t.Errorf("by a stranger: %+v, %v", done, err)
		}
		check(t, db)

		stranger := newSite(t, db, "stranger", autoSupersede) // links by change-id, but does not replace what another one sent
		stranger.send("patch", letter{id: "a", subject: "[PATCH] one", body: "Words.\n\nchange-id: x\n---\n" + diffOf("lib/z.c")})
		stranger.send("patch", letter{id: "b", subject: "[PATCH v2] one", minutes: 9, from: "Eve <eve@people.example>", body: "Words.\n\nchange-id: x\n---\n" + diffOf("lib/y.c")})
		if got := stranger.versions() + ": " + stranger.states(); got != "b→a 6: a new, b new" {
			t.Errorf("a stranger: %s", got)
		}
		off := newSite(t, db, "off")
		off.send("patch patch patch patch", append(reroll("", 0), reroll("v2", 60)...)...)
		if got, want := off.states(), "a1 new, a2 new, v21 new, v22 new"; got != want {
			t.Errorf("switched off: %s", got)
		}
	})
}

// TestUndoSuperseded: a patch that a new version superseded since stays as it is, whole, though the change was about something else; replies do not count.
func TestUndoSuperseded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "undo", autoSupersede)
		s.send("patch patch", reroll("", 0)...)
		archived := true
		done, err := patch.Update(t.Context(), db, account.CLI, now, []int64{s.id("patch", "a1"), s.id("patch", "a2")}, patch.Change{Archived: &archived})
		if err != nil {
			t.Fatal(err)
		}
		s.send("patch", reroll("v2", 60)[0])
		s.send("comment", letter{id: "r2", subject: "Re: [PATCH 2/2] lib: two", refs: "a2", minutes: 70, from: "Bob <bob@people.example>", body: "Fine.\n"})
		back, err := patch.Undo(t.Context(), db, account.CLI, now, done.Set)
		if err != nil || back.Total != 2 || back.Changed != 1 || back.Overtaken != 1 {
			t.Errorf("%+v %v", back, err)
		}
		if got := s.states(); got != "a1 superseded, a2 new, v21 new" {
			t.Error(got)
		}
		if got := s.text("SELECT COUNT(*) FROM patch WHERE archived = TRUE AND project_id = ?", s.project.ID); got != "1" {
			t.Errorf("%s archived", got)
		}
		left, err := patch.LeftBy(t.Context(), db, back.ID)
		if err != nil || len(left) != 1 || left[0].ID != s.id("patch", "a1") || left[0].Via != patch.ViaVersion {
			t.Errorf("%+v %v", left, err)
		}
		check(t, db)
	})
}

// TestAutoSupersedeAnyOrder: late patches of older versions are superseded too.
func TestAutoSupersedeAnyOrder(t *testing.T) {
	mails := append(append(reroll("", 0), reroll("v2", 60)...), reroll("v3", 120)...)
	inOrders(t, len(mails), 97, 331, func(t *testing.T, db *sqldb.DB, n int, order []int) {
		s := newSite(t, db, fmt.Sprintf("any-%d", n), autoSupersede)
		var raws [][]byte
		for _, k := range order {
			raws = append(raws, mails[k].raw())
		}
		for batch := range slices.Chunk(raws, []int{1, 2, 6}[n%3]) {
			s.deliver(batch...)
		}
		if got, want := s.versions()+": "+s.states(), "v21→a1 2, v31→v21 2: a1 superseded, a2 superseded, v21 superseded, v22 superseded, v31 new, v32 new"; got != want {
			t.Errorf("order %v: %s, want %s", order, got, want)
		}
	})
}
