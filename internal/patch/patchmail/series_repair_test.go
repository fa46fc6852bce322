// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// seriesOf is the number of the series of a patch or cover letter, by the short id of its mail.
func (s *site) seriesOf(id string) int64 {
	s.t.Helper()
	var n int64
	s.each(scanInto(&n), `SELECT COALESCE(p.series_id, 0) FROM patch p JOIN message m ON m.id = p.message_id WHERE m.msgid = ?
		UNION ALL SELECT s.id FROM series s JOIN cover c ON c.id = s.cover_id JOIN message m ON m.id = c.message_id WHERE m.msgid = ?`, msgid(id), msgid(id))
	return n
}

func (s *site) idOf(table, id string) int64 {
	s.t.Helper()
	var n int64
	s.each(scanInto(&n), "SELECT p.id FROM "+table+" p JOIN message m ON m.id = p.message_id WHERE m.msgid = ?", msgid(id))
	return n
}

// did compares what a repair says: "1 changed, 0 new, 1 removed: events".
func (s *site) did(r patch.Repaired, err error, want string) {
	s.t.Helper()
	got := fmt.Sprintf("%d changed, %d new, %d removed: %s", len(r.Changed), len(r.Created), len(r.Removed), strings.Join(r.Events, " "))
	if err != nil {
		got = fault.UserText(err)
	}
	if got != want {
		s.t.Errorf("the repair:\ngot  %s\nwant %s", got, want)
	}
}

// halves is one series that came as two, because its sender threads each mail for itself.
func (s *site) halves() (a, b int64) {
	s.t.Helper()
	s.send("cover patch patch", letter{id: "c", subject: "[PATCH 0/3] topic", body: "Words.\n"},
		letter{id: "p1", subject: "[PATCH 1/3] one", refs: "c", body: patchText("Acked-by: Bob <bob@people.example>")},
		letter{id: "p3", subject: "[PATCH 3/3] three", refs: "x", minutes: 300, body: patchText("x")})
	return s.seriesOf("p1"), s.seriesOf("p3")
}

func TestMergeAndSplitSeries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := context.Background()
		s := newSite(t, db, "dev", useTags(true))
		a, b := s.halves()
		same(t, "at first", s.series(), []string{`(1,3,[1]) c "topic"`, `(1,3,[3]) - ""`})
		s.exec("INSERT INTO series_metadata (series_id, name, value) VALUES (?, 'ci', 'b')", b)
		other := newSite(t, db, "other")
		other.send("patch", letter{id: "o", subject: "[PATCH] o", body: patchText("x")})
		o := other.seriesOf("o")
		s.exec("INSERT INTO series_metadata (series_id, name, value) VALUES (?, 'both', 'a')", a)
		s.exec("INSERT INTO series_metadata (series_id, name, value) VALUES (?, 'both', 'b')", b)
		s.exec("DELETE FROM series_kin") // that they have patches with the same content
		for _, d := range [][2]int64{{a, o}, {b, o}, {a, b}, {o, a}, {o, b}} {
			s.exec("INSERT INTO series_dependency (series_id, depends_on_id, position) VALUES (?, ?, 1)", d[0], d[1])
			s.exec("INSERT INTO series_kin (series_id, other_id, sign) VALUES (?, ?, 1)", d[0], d[1])
		}
		r, err := patch.MergeSeries(ctx, db, account.CLI, now, a, b, true)
		s.did(r, err, "1 changed, 0 new, 1 removed: ")
		same(t, "after a dry run", s.series(), []string{`(1,3,[1]) c "topic"`, `(1,3,[3]) - ""`})
		r, err = patch.MergeSeries(ctx, db, account.CLI, now, a, b, false)
		s.did(r, err, "1 changed, 0 new, 1 removed: ")
		same(t, "merged", s.series(), []string{`(1,3,[1 3]) c "topic"`})
		bequeathed := map[string]string{
			"SELECT CONCAT_WS(' ', series_id, name, value) FROM series_metadata ORDER BY name":              fmt.Sprintf("%d both a, %d ci b", a, a),
			"SELECT CONCAT_WS(' ', series_id, depends_on_id) FROM series_dependency ORDER BY depends_on_id": fmt.Sprintf("%d %d, %d %d", o, a, a, o),
			"SELECT CONCAT_WS(' ', series_id, other_id) FROM series_kin ORDER BY other_id":                  fmt.Sprintf("%d %d, %d %d", o, a, a, o),
		}
		for query, want := range bequeathed {
			var got []string
			s.each(func(r *sqlx.Rows) error {
				var line string
				err := r.Scan(&line)
				got = append(got, line)
				return err
			}, query)
			if g := strings.Join(got, ", "); g != want {
				t.Errorf("%s: %s, want %s", query, g, want)
			}
		}
		if got := s.text("SELECT CONCAT_WS(': ', verb, subject, detail) FROM audit WHERE verb LIKE 'series%'"); got != fmt.Sprintf("series merge: series %d: series %d into it", a, b) {
			t.Errorf("audit: %s", got)
		}
		check(t, db)

		// What comes later follows: it answers the mail that the other half had answered.
		s.send("patch", letter{id: "p2", subject: "[PATCH 2/3] two", refs: "x", minutes: 301, body: patchText("x")})
		same(t, "completed", s.series(), []string{`(1,3,[1 2 3]) c "topic"`})
		if got, want := s.events(), "SCPpPPpps"; got != want {
			t.Errorf("events %s, want %s", got, want)
		}

		// And it is undone.
		r, err = patch.SplitSeries(ctx, db, account.CLI, now, a, patch.Split{Numbers: []int{3}, Patches: []int64{s.idOf("patch", "p2")}}, false)
		s.did(r, err, "1 changed, 1 new, 0 removed: series-created")
		same(t, "split", s.series(), []string{`(1,3,[1]) c "topic"`, `(1,3,[2 3]) - ""`})
		r, err = patch.MergeSeries(ctx, db, account.CLI, now, a, s.seriesOf("p2"), false)
		s.did(r, err, "1 changed, 0 new, 1 removed: ")
		same(t, "merged again", s.series(), []string{`(1,3,[1 2 3]) c "topic"`})
		if got, want := s.events(), "SCPpPPpps"; got != want {
			t.Errorf("events %s, want %s: nothing is raised twice", got, want)
		}
		check(t, db)
	})
}

// TestMergeCompletes: a merge that brings the last missing number raises what follows, once.
func TestMergeCompletes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := context.Background()
		s := newSite(t, db, "dev")
		s.send("patch patch", letter{id: "p1", subject: "[PATCH 1/2] one", body: patchText("x")}, letter{id: "p2", subject: "[PATCH 2/2] two", refs: "x", minutes: 300, body: patchText("x")})
		r, err := patch.MergeSeries(ctx, db, account.CLI, now, s.seriesOf("p1"), s.seriesOf("p2"), false)
		s.did(r, err, "1 changed, 0 new, 1 removed: patch-completed series-completed")
		r, err = patch.SplitSeries(ctx, db, account.CLI, now, s.seriesOf("p1"), patch.Split{Numbers: []int{2}, Version: 2, Name: "mine"}, false)
		s.did(r, err, "1 changed, 1 new, 0 removed: series-created")
		same(t, "split", s.series(), []string{`(1,2,[1]) - "[1/2] one"`, `(2,2,[2]) - "mine"`})
		r, err = patch.MovePatch(ctx, db, account.CLI, now, s.idOf("patch", "p2"), s.seriesOf("p1"), 0, false)
		s.did(r, err, "1 changed, 0 new, 1 removed: ")
		same(t, "moved back", s.series(), []string{`(1,2,[1 2]) - "[1/2] one"`})
		check(t, db)
	})
}

func TestMoveInSeries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := context.Background()
		s := newSite(t, db, "dev", useTags(true))
		s.send("cover patch patch patch",
			letter{id: "c", subject: "[PATCH v2 0/2] topic", body: "Words.\n"}, letter{id: "p1", subject: "[PATCH v2 1/2] one", refs: "c", body: patchText("x")},
			letter{id: "single", subject: "[PATCH] two", minutes: 60, body: patchText("x")}, letter{id: "other", subject: "[PATCH] other", minutes: 120, body: patchText("x")})
		series, single := s.seriesOf("p1"), s.seriesOf("single")
		id := s.idOf("patch", "single")
		move := func(patchID, to int64, number int, want string) {
			t.Helper()
			r, err := patch.MovePatch(ctx, db, account.CLI, now, patchID, to, number, false)
			s.did(r, err, want)
		}
		move(id, series, 0, fmt.Sprintf("series %d has a patch 1 already, <p1@mail.example>: choose another number, or move that one first", series))
		move(id, series, 2, "1 changed, 0 new, 1 removed: series-completed")
		move(id, series, 3, "1 changed, 0 new, 0 removed: ")
		same(t, "after a move to 3", s.series(), []string{`(2,3,[1 3]) c "topic"`, `(1,1,[1]) - "other"`})
		move(id, series, 2, "1 changed, 0 new, 0 removed: ")
		move(id, single, 1, fmt.Sprintf("there is no series %d", single))
		move(4711, series, 1, "there is no patch 4711")
		r, err := patch.MoveCover(ctx, db, account.CLI, now, s.idOf("cover", "c"), s.seriesOf("other"), false)
		s.did(r, err, "2 changed, 0 new, 0 removed: ")
		same(t, "after the cover moved", s.series(), []string{`(2,3,[1 2]) - "[v2,1/2] one"`, `(1,1,[1]) c "topic"`})
		r, err = patch.MoveCover(ctx, db, account.CLI, now, s.idOf("cover", "c"), s.seriesOf("other"), false)
		s.did(r, err, fmt.Sprintf("cover letter %d is in series %d: name another series", s.idOf("cover", "c"), s.seriesOf("other")))
		r, err = patch.MoveCover(ctx, db, account.CLI, now, s.idOf("cover", "c"), series, false)
		s.did(r, err, "2 changed, 0 new, 0 removed: ")
		check(t, db)
	})
}

func TestSeriesRepairRefusals(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := context.Background()
		s := newSite(t, db, "dev")
		newUser(t, db, "ann", "ann@people.example")
		s.send("cover patch cover patch", letter{id: "c", subject: "[PATCH 0/1] x", body: "Words.\n"}, letter{id: "p", subject: "[PATCH 1/1] x", refs: "c", body: patchText("x")},
			letter{id: "d", subject: "[PATCH 0/1] y", minutes: 90, body: "Words.\n"}, letter{id: "q", subject: "[PATCH 1/1] y", refs: "d", minutes: 90, body: patchText("x")})
		a, b := s.seriesOf("p"), s.seriesOf("q")
		other := newSite(t, db, "other")
		other.send("patch", letter{id: "o", subject: "[PATCH] o", body: patchText("x")})
		o := other.seriesOf("o")
		merge := func(by account.Actor, into, from int64, want string) {
			t.Helper()
			r, err := patch.MergeSeries(ctx, db, by, now, into, from, false)
			s.did(r, err, want)
		}
		merge(account.CLI, a, a, fmt.Sprintf("series %d can't be merged into itself", a))
		merge(account.CLI, a, 4711, "there is no series 4711")
		merge(account.CLI, a, o, fmt.Sprintf("series %d and %d are of different projects", min(a, o), max(a, o)))
		merge(account.CLI, a, b, "both series have a cover letter, <c@mail.example> and <d@mail.example>: move one away first")
		merge(account.Actor{User: 1, Via: "web"}, a, b, `only a maintainer of "dev" may do this: series merge`)
		split := func(what patch.Split, want string) {
			t.Helper()
			r, err := patch.SplitSeries(ctx, db, account.CLI, now, a, what, false)
			s.did(r, err, want)
		}
		split(patch.Split{}, "say which patches are to be split off")
		split(patch.Split{Numbers: []int{2}}, fmt.Sprintf("series %d has no patch 2; it has 1", a))
		split(patch.Split{Patches: []int64{4711}}, fmt.Sprintf("patch 4711 is not in series %d", a))
		split(patch.Split{Numbers: []int{1}, Cover: true}, fmt.Sprintf("nothing would stay in series %d", a))
		split(patch.Split{Cover: true, Total: 7}, "1 changed, 1 new, 0 removed: series-created")
		merge(account.CLI, b, a, "both series have patches with these numbers: 1; give them others, or move them away, first")
		if err := project.AddMaintainer(ctx, db, account.CLI, now, "dev", "ann"); err != nil {
			t.Fatal(err)
		}
		merge(account.Actor{User: 1, Via: "web"}, a, s.seriesOf("c"), "1 changed, 0 new, 1 removed: ")
		same(t, "in the end", s.series(), []string{`(1,7,[1]) c "x"`, `(1,1,[1]) d "y"`})
		check(t, db)
	})
}

// TestSeriesRepairWhileMailComes: repairs and mail of one project wait for each other.
func TestSeriesRepairWhileMailComes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "dev")
		a, b := s.halves()
		done := make(chan error)
		go func() {
			var err error
			for range 10 {
				if err == nil {
					_, err = patch.MergeSeries(context.Background(), db, account.CLI, now, a, b, false)
				}
				if err == nil {
					var r patch.Repaired
					if r, err = patch.SplitSeries(context.Background(), db, account.CLI, now, a, patch.Split{Numbers: []int{3}}, false); err == nil {
						b = r.Created[0]
					}
				}
			}
			done <- err
		}()
		for i := range 10 {
			s.send("patch comment", letter{id: fmt.Sprint("q", i), subject: fmt.Sprintf("[PATCH %d/40] more", i+1), refs: "y", minutes: 900, body: patchText("x")},
				letter{id: fmt.Sprint("r", i), subject: "Re: one", refs: "c p1", body: "Hm.\n"})
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		numbers := 0
		s.each(func(r *sqlx.Rows) error { numbers++; return nil }, "SELECT series_id, number FROM patch GROUP BY series_id, number")
		if numbers != 12 || len(s.series()) != 3 {
			t.Errorf("%d places, series %q", numbers, s.series())
		}
		check(t, db)
	})
}

// TestRegroup: what was grouped otherwise than today's rules would is put right; ids, states and comments stay.
func TestRegroup(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := context.Background()
		s := newSite(t, db, "dev", useTags(true))
		s.send("cover patch patch comment patch patch",
			letter{id: "c", subject: "[PATCH 0/2] topic", body: "Words.\n"}, letter{id: "p1", subject: "[PATCH 1/2] one", refs: "c", body: patchText("x")},
			letter{id: "p2", subject: "[PATCH 2/2] two", refs: "c", body: patchText("x")}, letter{id: "r", subject: "Re: two", refs: "c p2", body: "Acked-by: Bob <bob@people.example>\n"},
			letter{id: "q1", subject: "[PATCH v2 1/2] one", refs: "c", minutes: 60, body: patchText("y")}, letter{id: "q2", subject: "[PATCH v2 2/2] two", refs: "c", minutes: 61, body: patchText("y")})
		good := []string{`(1,2,[1 2]) c "topic"`, `(2,2,[1 2]) - "[v2,1/2] one"`}
		same(t, "at first", s.series(), good)
		ids := func() string {
			return fmt.Sprint(s.idOf("patch", "p1"), s.idOf("patch", "p2"), s.idOf("patch", "q1"), s.idOf("patch", "q2"), s.idOf("cover", "c"), s.comments())
		}
		before, events := ids(), s.events()
		claimer := patchmail.New(clock.NewFake(now))
		regroup := func(dry bool, want string, series ...int64) {
			t.Helper()
			r, err := claimer.Regroup(ctx, db, account.CLI, series, dry)
			s.did(r, err, want)
		}
		regroup(false, "0 changed, 0 new, 0 removed: ", s.seriesOf("p1"))

		// Everything in one series, as a rule without versions would have it.
		a, b := s.seriesOf("p1"), s.seriesOf("q1")
		s.exec("UPDATE patch SET series_id = ?, number = number + 2 WHERE series_id = ?", a, b)
		s.exec("UPDATE series_reference SET series_id = ? WHERE series_id = ?", a, b)
		s.exec("DELETE FROM series WHERE id = ?", b)
		s.exec("UPDATE list_count SET objects = objects - 1 WHERE kind = 'series'")
		s.exec("UPDATE series SET received = 4, total = 4 WHERE id = ?", a)
		s.exec("UPDATE patch SET state_id = (SELECT id FROM state WHERE slug = 'accepted') WHERE series_id = ? AND number = 4", a)
		s.exec("UPDATE series SET state_id = NULL WHERE id = ?", a)
		s.exec("DELETE FROM patch_count")
		s.exec("INSERT INTO patch_count (project_id, state_id, archived, delegate_id, patches) SELECT project_id, state_id, archived, 0, COUNT(*) FROM patch GROUP BY project_id, state_id, archived")
		settle(t, db)
		regroup(true, "1 changed, 1 new, 0 removed: series-created series-completed", a)
		same(t, "after a dry run", s.series(), []string{`(1,4,[1 2 3 4]) c "topic"`})
		regroup(false, "1 changed, 1 new, 0 removed: series-created series-completed", a)
		same(t, "in the end", s.series(), good)
		if after := ids(); after != before {
			t.Errorf("ids and comments %s, before %s", after, before)
		}
		if got := s.events(); got != events+"Ss" {
			t.Errorf("events %s, before %s", got, events)
		}
		if s.one("q2").State != "accepted" {
			t.Error("the state is lost")
		}
		regroup(false, "0 changed, 0 new, 0 removed: ", a)
		check(t, db)

		// A series that came in two is one again, if both halves are named.
		r, err := patch.SplitSeries(ctx, db, account.CLI, now, a, patch.Split{Numbers: []int{2}}, false)
		s.did(r, err, "1 changed, 1 new, 0 removed: series-created")
		regroup(false, "1 changed, 0 new, 1 removed: ", r.Created[0])
		same(t, "joined", s.series(), good)
		check(t, db)

		s.exec("DELETE FROM mail_raw WHERE mail_id = ?", s.numbers("p2")[0])
		regroup(false, "the bytes of <p2@mail.example> are no longer kept: repair the series by merge, split and move", a)
		r, err = claimer.Regroup(ctx, db, account.Actor{User: 7, Via: "web"}, []int64{a}, false)
		s.did(r, err, `only a maintainer of "dev" may do this: series reparse`)
		regroup(false, "there is no series 4711", 4711)
	})
}

// TestRegroupAgrees: today's rules find nothing to be changed in what they have just grouped, whatever the order the mails came in.
func TestRegroupAgrees(t *testing.T) {
	for _, seed := range []uint64{11, 12} { // both hold mails that by their markers could be of a series of another thread
		ctx := context.Background()
		db := dbtest.Open(t, sqldb.SQLite)
		s := newSite(t, db, "dev")
		s.deliver(generate(seed, 300)...)
		var ids []int64
		if err := db.Select(ctx, &ids, "SELECT id FROM series ORDER BY id"); err != nil || len(ids) < 20 {
			t.Fatal(len(ids), err)
		}
		claimer := patchmail.New(clock.NewFake(now))
		for _, id := range ids {
			r, err := claimer.Regroup(ctx, db, account.CLI, []int64{id}, true)
			if err != nil || len(r.Changed)+len(r.Created)+len(r.Removed)+len(r.Events) > 0 {
				t.Errorf("seed %d, series %d: %+v, %v", seed, id, r, err)
			}
		}
	}
}
