// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// stands lists "v5 3/3 lane 0 newer", by version and number.
func (s *site) stands() string {
	s.t.Helper()
	var out []string
	s.each(func(r *sqlx.Rows) error {
		var version, received, total, lane int
		var newer bool
		err := r.Scan(&version, &received, &total, &lane, &newer)
		out = append(out, strings.TrimSuffix(fmt.Sprintf("v%d %d/%d lane %d %v", version, received, total, lane, newer), " false"))
		return err
	}, "SELECT s.version, s.received, s.total, t.lane, t.newer FROM series s JOIN series_triage t ON t.series_id = s.id WHERE s.project_id = ? ORDER BY s.version, s.received", s.project.ID)
	return strings.Join(out, ", ")
}

// One patch of a series that is sent again replaces that patch only: the series stays open with the others. A later version replaces both, whatever comes first.
func TestPartSentAgain(t *testing.T) {
	v5 := []letter{
		{id: "a1", subject: "[PATCH v5 1/2] lib: one", body: someDiff("a")},
		{id: "a2", subject: "[PATCH v5 2/2] lib: two", refs: "a1", minutes: 1, body: someDiff("b")}}
	again := []letter{{id: "b2", subject: "[PATCH v5.1 2/2] lib: two", refs: "a1 a2", minutes: 60, body: someDiff("c")}}
	v6 := []letter{
		{id: "d1", subject: "[PATCH v6 1/2] lib: one", minutes: 120, body: someDiff("d")},
		{id: "d2", subject: "[PATCH v6 2/2] lib: two", refs: "d1", minutes: 121, body: someDiff("e")}}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for _, auto := range []bool{true, false} {
			change := func(c *project.Change) { c.AutoSupersede = &auto }
			for n, order := range permutations(3) {
				if db.Engine() != sqldb.SQLite && n%4 != 0 && !soak() {
					continue
				}
				s := newSite(t, db, fmt.Sprintf("again-%d-%v", n, auto), change)
				for i, k := range order {
					for _, l := range [][]letter{v5, again, v6}[k] {
						s.deliver(l.raw())
					}
					if i == 1 && k+order[0] == 1 {
						if got, want := s.stands(), "v1 1/2 lane 1, v5 2/2 lane 1"; got != want {
							t.Errorf("order %v, sent again: %s, want %s", order, got, want)
						}
					}
				}
				if got, want := s.stands(), "v1 1/2 lane 0 true, v5 2/2 lane 0 true, v6 2/2 lane 1"; got != want {
					t.Errorf("order %v: %s, want %s", order, got, want)
				}
				want := "a1 superseded, a2 superseded, b2 superseded, d1 new, d2 new"
				if !auto {
					want = "a1 new, a2 new, b2 new, d1 new, d2 new"
				}
				if got := s.states(); got != want {
					t.Errorf("order %v: %s, want %s", order, got, want)
				}
			}
			// The other patch follows: now all of it was sent again.
			s := newSite(t, db, fmt.Sprintf("whole-%v", auto), change)
			for _, l := range append(append(v5, again...), letter{id: "b1", subject: "[PATCH v5.1 1/2] lib: one", refs: "a1 b2", minutes: 61, body: someDiff("f")}) {
				s.deliver(l.raw())
			}
			if got, want := s.stands(), "v1 2/2 lane 1, v5 2/2 lane 0 true"; got != want {
				t.Errorf("all of it: %s, want %s", got, want)
			}
		}
		check(t, db)
	})
}
