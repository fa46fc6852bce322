// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestUpdateSeries: who may change what, all or nothing, and what is written down.
func TestUpdateSeries(t *testing.T) {
	user := func(id int64) account.Actor { return account.Actor{User: id, Via: "api"} }
	root := account.Actor{User: userRoot, Admin: true, Via: "api"}
	set := func(pairs ...string) map[string]*string {
		m := map[string]*string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = &pairs[i+1]
		}
		return m
	}
	accepted := patch.Change{State: ptr(int64(3))}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		seed(t, db)
		seedSeries(t, db)
		state := func() string {
			t.Helper()
			var series []struct {
				ID, Version int64
				State       int64
			}
			var meta []struct {
				ID          int64
				Name, Value string
			}
			var patches []struct {
				ID, State, Delegate int64
				Archived            bool
			}
			if err := db.Select(ctx, &series, "SELECT id, version, COALESCE(state_id, 0) AS state FROM series WHERE id IN (1, 2) ORDER BY id"); err != nil {
				t.Fatal(err)
			}
			if err := db.Select(ctx, &meta, "SELECT series_id AS id, name, value FROM series_metadata WHERE series_id = 1 ORDER BY name"); err != nil {
				t.Fatal(err)
			}
			if err := db.Select(ctx, &patches, "SELECT id, COALESCE(state_id, 0) AS state, COALESCE(delegate_id, 0) AS delegate, archived FROM patch WHERE series_id IN (1, 2) ORDER BY id"); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(series, meta, patches)
		}
		before := state()
		if want := "[{1 1 0} {2 1 7}] [] [{2 2 12 false} {3 2 12 false} {4 3 0 false} {19 7 14 false} {20 7 14 true}]"; before != want {
			t.Fatal(before)
		}
		for _, test := range []struct {
			by   account.Actor
			id   int64
			c    patch.SeriesChange
			kind fault.Kind
			want string
		}{
			{user(0), 1, patch.SeriesChange{Version: ptr(2)}, fault.Denied, "only a maintainer may change the version and the metadata of a series"},
			{user(userAnn), 1, patch.SeriesChange{Version: ptr(2)}, fault.Denied, "only a maintainer may change the version and the metadata of a series"},
			{user(userAnn), 1, patch.SeriesChange{Metadata: set("a", "b")}, fault.Denied, "only a maintainer may change the version and the metadata of a series"},
			{user(userDel), 1, patch.SeriesChange{Patches: accepted}, fault.Denied, "3 patches of the series are not yours to change"},
			{user(0), 1, patch.SeriesChange{Patches: accepted}, fault.Denied, "3 patches of the series are not yours to change"},
			{user(userAnn), 1, patch.SeriesChange{Version: ptr(2), Patches: accepted}, fault.Denied, "only a maintainer may change the version and the metadata of a series"},
			{user(userMia), 99, patch.SeriesChange{Version: ptr(2)}, fault.NotFound, "there is no series 99"},
			{user(userMia), 1, patch.SeriesChange{Version: ptr(-1)}, fault.Invalid, "version -1: want 0 to 32767"},
			{user(userMia), 1, patch.SeriesChange{Version: ptr(32768)}, fault.Invalid, "version 32768: want 0 to 32767"},
			{user(userMia), 1, patch.SeriesChange{Metadata: set("", "b")}, fault.Invalid, `the name "": want 1 to 100 printable characters`},
			{user(userMia), 1, patch.SeriesChange{Metadata: set("a\n", "b")}, fault.Invalid, `the name "a\n": want 1 to 100 printable characters`},
			{user(userMia), 1, patch.SeriesChange{Metadata: set("a", strings.Repeat("ü", 1001))}, fault.Invalid, `the value of "a": want a text of at most 1000 characters`},
			{user(userMia), 1, patch.SeriesChange{Patches: patch.Change{State: ptr(int64(99))}}, fault.Invalid, "there is no state 99"},
			{user(userMia), 1, patch.SeriesChange{Version: ptr(5), Patches: patch.Change{Delegate: ptr(int64(userJoe))}}, fault.Invalid, "the delegate must be a maintainer of the project"},
		} {
			err := patch.UpdateSeries(ctx, db, test.by, noon, test.id, test.c)
			if !fault.Is(err, test.kind) || fault.UserText(err) != test.want && !strings.Contains(fmt.Sprint(err), test.want) {
				t.Errorf("%+v: %v", test.c, err)
			}
			if after := state(); after != before {
				t.Errorf("%+v: %s", test.c, after)
			}
		}
		many := map[string]*string{}
		for i := range 51 {
			many[fmt.Sprint("n", i)] = ptr("v")
		}
		if err := patch.UpdateSeries(ctx, db, root, noon, 1, patch.SeriesChange{Metadata: many}); fault.UserText(err) != "a series may have 50 names, this one would have 51" {
			t.Error(err)
		}
		for _, c := range []struct {
			by account.Actor
			id int64
			patch.SeriesChange
		}{
			{user(userMia), 1, patch.SeriesChange{Version: ptr(3), Metadata: set("ci", "ok", "Bug", "Größe", "gone", "x"), Patches: patch.Change{State: ptr(int64(3)), Archived: ptr(true), Delegate: ptr(int64(userMax))}}},
			{user(userMia), 1, patch.SeriesChange{Version: ptr(3), Metadata: set("ci", "ok")}}, // nothing changes
			{root, 1, patch.SeriesChange{Metadata: map[string]*string{"gone": nil, "never": nil, "ci": ptr("bad")}}},
			{user(userAnn), 1, patch.SeriesChange{Patches: patch.Change{Archived: ptr(false)}}},
			{user(userDel), 2, patch.SeriesChange{Patches: patch.Change{State: ptr(int64(1))}}},
			{root, 4, patch.SeriesChange{Patches: accepted}},
		} {
			if err := patch.UpdateSeries(ctx, db, c.by, noon, c.id, c.SeriesChange); err != nil {
				t.Errorf("%+v: %v", c, err)
			}
		}
		want := "[{1 3 3} {2 1 1}] [{1 Bug Größe} {1 ci bad}] [{2 3 13 false} {3 3 13 false} {4 3 13 false} {19 1 14 false} {20 1 14 true}]"
		if got := state(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		var events, audit []struct {
			Kind  string
			Actor int64
			N     int
		}
		err := db.Select(ctx, &events, "SELECT kind, actor_id AS actor, COUNT(*) AS n FROM event GROUP BY kind, actor_id ORDER BY actor_id, kind")
		if got := fmt.Sprint(events); err != nil || got != "[{patch-archived-changed 11 3} {patch-archived-changed 12 3} {patch-delegated 12 3} {patch-state-changed 12 2} {series-metadata-changed 12 1} {series-version-changed 12 1} {patch-state-changed 14 2} {patch-state-changed 16 1} {series-metadata-changed 16 1}]" {
			t.Error(err, got)
		}
		var payloads []string
		err = db.Select(ctx, &payloads, "SELECT e.payload FROM event e JOIN event_subject s ON s.event_id = e.id AND s.kind = 'series' WHERE e.project_id = 1 AND s.subject_id = 1 ORDER BY e.id")
		if diff := gocmp.Diff([]string{`{"series":1,"previous_version":1,"current_version":3}`, `{"series":1,"previous_metadata":{"Bug":null,"ci":null,"gone":null},"current_metadata":{"Bug":"Größe","ci":"ok","gone":"x"}}`,
			`{"series":1,"previous_metadata":{"ci":"ok","gone":"x"},"current_metadata":{"ci":"bad","gone":null}}`}, payloads); err != nil || diff != "" {
			t.Error(err, diff)
		}
		err = db.Select(ctx, &audit, "SELECT CONCAT(verb, ', ', subject, ', ', detail) AS kind, actor_id AS actor, 1 AS n FROM audit ORDER BY id")
		if got := fmt.Sprint(audit); err != nil || got != "[{series update, series 1, version 3; metadata Bug, ci, gone 12 1} {series update, series 1, metadata ci, gone 16 1}]" {
			t.Error(err, got)
		}
		if diff := gocmp.Diff([]patch.Finding(nil), findings(t, db)); diff != "" {
			t.Error(diff)
		}
	})
}
