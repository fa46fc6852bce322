// SPDX-License-Identifier: GPL-2.0-or-later

package apiseed_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/apiseed"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestFill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := apiseed.Fill(t, db)
		rows := func(query string, want ...string) {
			t.Helper()
			var got []string
			if err := db.Select(t.Context(), &got, query); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", query, diff)
			}
		}
		rows("SELECT CONCAT_WS(' ', j.linkname, p.name, COALESCE(u.username, '-'), COALESCE(p.number, 0), CASE WHEN p.hash IS NULL THEN '-' ELSE 'hash' END) FROM patch p JOIN project j ON j.id = p.project_id LEFT JOIN user_account u ON u.id = p.delegate_id ORDER BY p.date",
			"alpha [1/2] kettle: close the hole deleg 1 hash", "alpha [2/2] kettle: new handle - 2 hash", "alpha lid: fit the lid - 1 hash", "beta beta: a patch of the other project - 1 hash", "alpha [v2,1/1] names: 100% odd - 1 hash")
		rows("SELECT CONCAT_WS(' ', s.name, s.version, s.total, s.received, CASE WHEN s.cover_id IS NULL THEN 'bare' ELSE 'cover' END) FROM series s ORDER BY s.date",
			"Mend the kettle 1 2 2 cover", "lid: fit the lid 1 1 1 bare", "beta: a patch of the other project 1 1 1 bare", "names with slashes 2 1 1 cover")
		rows("SELECT CONCAT_WS(' ', p.email, COALESCE(u.username, '-')) FROM person p LEFT JOIN user_account u ON u.id = p.user_id ORDER BY p.email",
			"ann@people.example -", "dev@people.example dev", "rev@people.example rev", "sue@people.example -")
		rows("SELECT CONCAT_WS(' ', j.linkname, u.username) FROM project_maintainer k JOIN project j ON j.id = k.project_id JOIN user_account u ON u.id = k.user_id ORDER BY 1",
			"alpha both", "alpha maint", "beta both")
		rows("SELECT hash FROM patch WHERE hash = '"+apiseed.Hash+"'", apiseed.Hash, apiseed.Hash) // of patches 1 and 3
		if len(s.Users) != 7 || len(s.Tokens) != 7 || len(s.Patches) != 5 || len(s.Series) != 4 || s.Persons["dev"] == 0 {
			t.Errorf("%+v", s)
		}
		err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			found, err := patch.Check(t.Context(), tx, false, func(string) {})
			if len(found) > 0 {
				t.Errorf("%+v", found)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestAnswer reads places of a body.
func TestAnswer(t *testing.T) {
	a := apiseed.Answer{Body: `[{"id":3,"b":null,"a":{"x":["y",1.5]}},{"id":1}]`}
	for place, want := range map[string]any{"0.id": int64(3), "0.b": nil, "0.a.x.0": "y", "2.id": apiseed.Missing, "0.c": apiseed.Missing} {
		if got := a.At(place); got != want {
			t.Errorf("%s: %v, want %v", place, got, want)
		}
	}
	if a.IDs() != "[3 1]" || a.Len() != 2 || a.Keys() != "id b a" || a.At("0.a.x.1") == apiseed.Missing {
		t.Error(a.IDs(), a.Len(), a.Keys())
	}
	if no := (apiseed.Answer{Body: "<html>"}); no.At("id") != apiseed.Missing || no.Len() != -1 || no.Keys() != apiseed.Missing {
		t.Error(no.Keys())
	}
}
