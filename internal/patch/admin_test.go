// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

var stranger = account.Actor{User: 77, Via: "web"}

func TestStates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		s, err := patch.CreateState(ctx, db, account.CLI, now, patch.StateChange{Name: ptr("Needs Ack!")})
		if diff := cmp.Diff(patch.State{ID: 11, Name: "Needs Ack!", Slug: "needs-ack", Ordering: 10, ActionRequired: true}, s); err != nil || diff != "" {
			t.Error(err, diff)
		}
		s, err = patch.UpdateState(ctx, db, account.CLI, now, "NEEDS-ack", patch.StateChange{Name: ptr("Ack"), Slug: ptr("ack"), Ordering: ptr(20), ActionRequired: ptr(false)})
		if diff := cmp.Diff(patch.State{ID: 11, Name: "Ack", Slug: "ack", Ordering: 20}, s); err != nil || diff != "" {
			t.Error(err, diff)
		}
		for _, name := range []string{"ack", "ACK", "Ack"} {
			found, err := patch.FindState(ctx, db, name)
			if diff := cmp.Diff(s, found); err != nil || diff != "" {
				t.Error(name, err, diff)
			}
		}
		_, err = patch.FindState(ctx, db, "nope")
		expectKind(t, "find", err, fault.NotFound, `no state "nope"; there are: new, under-review, accepted, rejected, rfc, not-applicable, changes-requested, awaiting-upstream, superseded, deferred, ack`)
		bad := []struct {
			c    patch.StateChange
			kind fault.Kind
			text string
		}{
			{patch.StateChange{Name: ptr(" ")}, fault.Invalid, `state name " ": want 1 to 100 characters`},
			{patch.StateChange{Name: ptr("日本")}, fault.Invalid, `state slug "": want lower-case letters, digits and -`},
			{patch.StateChange{Name: ptr("x"), Slug: ptr("X y")}, fault.Invalid, `state slug "X y": want lower-case letters, digits and -`},
			{patch.StateChange{Name: ptr("x"), Ordering: ptr(-1)}, fault.Invalid, "ordering -1: want 0 or more"},
			{patch.StateChange{Name: ptr("New")}, fault.Conflict, ""},
			{patch.StateChange{Name: ptr("other"), Slug: ptr("new")}, fault.Conflict, ""},
		}
		for _, b := range bad {
			_, err := patch.CreateState(ctx, db, account.CLI, now, b.c)
			expectKind(t, "create", err, b.kind, b.text)
		}
		_, err = patch.CreateState(ctx, db, stranger, now, patch.StateChange{Name: ptr("x")})
		expectKind(t, "stranger", err, fault.Denied, "only an administrator may state create")
		_, err = patch.UpdateState(ctx, db, account.CLI, now, "ack", patch.StateChange{Ordering: ptr(-1)})
		expectKind(t, "update", err, fault.Invalid, "")
		if err := patch.DeleteState(ctx, db, account.CLI, now, "ack"); err != nil {
			t.Error(err)
		}
		expectKind(t, "delete again", patch.DeleteState(ctx, db, account.CLI, now, "ack"), fault.NotFound, "")
		expectRows(t, db, "SELECT CONCAT_WS(' ', at, via, verb, subject) FROM audit ORDER BY id",
			"1704110400000000 cli state create state needs-ack", "1704110400000000 cli state update state NEEDS-ack", "1704110400000000 cli state delete state ack")
	})
}

func TestDeleteStateInUse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		newProject(t, db, "demo")
		take(t, db, "demo")
		expectKind(t, "delete", patch.DeleteState(t.Context(), db, account.CLI, now, "new"), fault.Conflict, `2 patches are in state "new": move them to another state first`)
		expectKind(t, "delete", patch.DeleteState(t.Context(), db, stranger, now, "rfc"), fault.Denied, "")
		if err := patch.DeleteState(t.Context(), db, account.CLI, now, "rfc"); err != nil {
			t.Error(err)
		}
		if n := len(rows(t, db, "SELECT name FROM state")); n != 9 {
			t.Errorf("%d states", n)
		}
	})
}

func TestTags(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		fixes, err := patch.CreateTag(ctx, db, account.CLI, now, patch.TagChange{Name: ptr("fixes")})
		if diff := cmp.Diff(patch.Tag{ID: 4, Name: "fixes", Pattern: "^fixes:", Abbrev: "F", ShowColumn: true}, fixes); err != nil || diff != "" {
			t.Error(err, diff)
		}
		newProject(t, db, "demo")
		other := newProject(t, db, "untagged")
		execute(t, db, fmt.Sprint("UPDATE project SET use_tags = FALSE WHERE id = ", other.ID))
		take(t, db, "demo")
		take(t, db, "untagged")
		deliver(t, db, letter("demo", "fx@x", "", "[PATCH] fix", "Fixes: 1\nFIXES: 2\n"+diffText))
		expectRows(t, db, tagRows, "<fx@x> F 2", "<p1@demo> A 3", "<p1@demo> R 1", "<p1@demo> T 1", "<p2@demo> A 1")
		fixes, err = patch.UpdateTag(ctx, db, account.CLI, now, "F", patch.TagChange{Name: ptr("Fixes"), Pattern: ptr("^Closes:"), Abbrev: ptr("fx"), ShowColumn: ptr(false)})
		if diff := cmp.Diff(patch.Tag{ID: 4, Name: "Fixes", Pattern: "^Closes:", Abbrev: "fx"}, fixes); err != nil || diff != "" {
			t.Error(err, diff)
		}
		for _, name := range []string{"fixes", "fx"} {
			if found, err := patch.FindTag(ctx, db, name); err != nil || found.ID != 4 {
				t.Error(name, found, err)
			}
		}
		bad := []struct {
			c    patch.TagChange
			kind fault.Kind
			text string
		}{
			{patch.TagChange{}, fault.Invalid, `tag name "": want 1 to 20 characters`},
			{patch.TagChange{Name: ptr(strings.Repeat("é", 21))}, fault.Invalid, `tag name "` + strings.Repeat("é", 21) + `": want 1 to 20 characters`},
			{patch.TagChange{Name: ptr("x"), Abbrev: ptr("abc")}, fault.Invalid, `tag abbreviation "abc": want 1 or 2 characters`},
			{patch.TagChange{Name: ptr("x"), Pattern: ptr(strings.Repeat("p", 51))}, fault.Invalid, `tag pattern "` + strings.Repeat("p", 51) + `": want 1 to 50 characters`},
			{patch.TagChange{Name: ptr("x"), Pattern: ptr("(")}, fault.Invalid, ""},
			{patch.TagChange{Name: ptr("Again")}, fault.Conflict, `another tag has the abbreviation "A"`},
		}
		for _, b := range bad {
			_, err := patch.CreateTag(ctx, db, account.CLI, now, b.c)
			expectKind(t, "create", err, b.kind, b.text)
		}
		_, err = patch.UpdateTag(ctx, db, account.CLI, now, "fx", patch.TagChange{Abbrev: ptr("A")})
		expectKind(t, "update", err, fault.Conflict, `another tag has the abbreviation "A"`)
		_, err = patch.UpdateTag(ctx, db, stranger, now, "fx", patch.TagChange{})
		expectKind(t, "stranger", err, fault.Denied, "")
		if err := patch.DeleteTag(ctx, db, account.CLI, now, "acked-by"); err != nil {
			t.Error(err)
		}
		expectKind(t, "delete again", patch.DeleteTag(ctx, db, account.CLI, now, "acked-by"), fault.NotFound, "")
		expectRows(t, db, tagRows, "<p1@demo> R 1", "<p1@demo> T 1") // the new pattern of fx finds nothing
	})
}

func TestRules(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		newProject(t, db, "demo")
		newProject(t, db, "other")
		ann, bob := newUser(t, db, "annie"), newUser(t, db, "bob")
		create := func(p, u, path string, priority int) (patch.Rule, error) {
			return patch.CreateRule(ctx, db, account.CLI, now, patch.RuleChange{Project: &p, Username: &u, Path: &path, Priority: &priority})
		}
		for _, r := range []struct {
			p, u, path string
			priority   int
		}{{"demo", "bob", "*", 0}, {"demo", "ANNIE", "drivers/*", 5}, {"demo", "bob", "a*", 5}, {"other", "bob", "*", 0}} {
			if _, err := create(r.p, r.u, r.path, r.priority); err != nil {
				t.Fatal(err)
			}
		}
		list, err := patch.Rules(ctx, db, "demo")
		want := []patch.Rule{
			{ID: 3, ProjectID: 1, UserID: bob.ID, Project: "demo", Username: "bob", Path: "a*", Priority: 5},
			{ID: 2, ProjectID: 1, UserID: ann.ID, Project: "demo", Username: "annie", Path: "drivers/*", Priority: 5},
			{ID: 1, ProjectID: 1, UserID: bob.ID, Project: "demo", Username: "bob", Path: "*"},
		}
		if diff := cmp.Diff(want, list); err != nil || diff != "" {
			t.Error(err, diff)
		}
		_, err = create("demo", "bob", "*", 9)
		expectKind(t, "twice", err, fault.Conflict, `project "demo" has a rule for the path "*" already`)
		_, err = create("demo", "bob", "", 9)
		expectKind(t, "no path", err, fault.Invalid, `path "": want 1 to 255 characters`)
		_, err = create("nope", "bob", "x", 9)
		expectKind(t, "no project", err, fault.NotFound, "")
		_, err = create("demo", "nobody", "x", 9)
		expectKind(t, "no user", err, fault.NotFound, "")
		_, err = patch.UpdateRule(ctx, db, account.CLI, now, "3", patch.RuleChange{Path: ptr("*")})
		expectKind(t, "update to one that is there", err, fault.Conflict, "")
		_, err = patch.FindRule(ctx, db, "x")
		expectKind(t, "find", err, fault.Invalid, "delegation rule \"x\": want its number, see `pw admin delegate-rule list`")
		take(t, db, "demo")
		expectRows(t, db, countRows, fmt.Sprintf("1 1 %d 2", ann.ID)) // drivers/net/file: * crosses /
		r, err := patch.UpdateRule(ctx, db, account.CLI, now, "3", patch.RuleChange{Project: ptr("other"), Username: ptr("annie"), Path: ptr("b*"), Priority: ptr(-1)})
		if diff := cmp.Diff(patch.Rule{ID: 3, ProjectID: 2, UserID: ann.ID, Project: "other", Username: "annie", Path: "b*", Priority: -1}, r); err != nil || diff != "" {
			t.Error(err, diff)
		}
		expectKind(t, "stranger", patch.DeleteRule(ctx, db, stranger, now, "3"), fault.Denied, "")
		if err := patch.DeleteRule(ctx, db, account.CLI, now, "3"); err != nil {
			t.Error(err)
		}
		expectKind(t, "delete again", patch.DeleteRule(ctx, db, account.CLI, now, "3"), fault.NotFound, "no delegation rule 3")
	})
}
