// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestRenumber: when somebody corrects the version of a series, versions are linked as if the mail had named it. Names and states stay.
func TestRenumber(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "dev")
		s.send("patch patch patch",
			letter{id: "a1", subject: "[PATCH] lib: one", body: someDiff("a")},
			letter{id: "a3", subject: "[PATCH v3] lib: one", minutes: 120, body: someDiff("c")},
			letter{id: "a2", subject: "[PATCH] lib: one", minutes: 60, body: someDiff("b")}) // forgot to say v2
		states := func() string {
			return s.text("SELECT COUNT(*) FROM patch p JOIN state t ON t.id = p.state_id WHERE p.project_id = ? AND t.slug = 'new'", s.project.ID)
		}
		series := s.series()
		for _, test := range []struct {
			version int
			want    string
		}{{1, "a3→a2 2"}, {2, "a2→a1 2, a3→a2 2"}, {4, "a2→a1 2, a3→a1 2"}, {1, "a3→a2 2"}} {
			if err := patch.UpdateSeries(t.Context(), db, account.CLI, now, s.seriesOf("a2"), patch.SeriesChange{Version: &test.version}); err != nil {
				t.Fatal(err)
			}
			if got := s.versions(); got != test.want {
				t.Errorf("a2 is version %d: %s, want %s", test.version, got, test.want)
			}
			if got := states(); got != "3" {
				t.Errorf("%s patches are new", got)
			}
			check(t, db)
		}
		same(t, "in the end", s.series(), series)
	})
}
