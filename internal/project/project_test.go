// SPDX-License-Identifier: GPL-2.0-or-later

package project_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

const now = clock.Time(1_700_000_000_000_000)

func ptr[T any](v T) *T { return &v }

func change(linkname, list, match string) project.Change {
	return project.Change{Linkname: &linkname, Name: ptr("The " + linkname), ListID: &list, ListEmail: ptr("l@example.org"), SubjectMatch: &match}
}

func create(t *testing.T, db *sqldb.DB, c project.Change) project.Project {
	t.Helper()
	p, err := project.Create(t.Context(), db, account.CLI, now, c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCreateAndUpdate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		p := create(t, db, change("erofs", "erofs.example.org", ""))
		want := project.Project{ID: 1, Linkname: "erofs", Name: "The erofs", ListID: "erofs.example.org", ListEmail: "l@example.org", UseTags: true, Hints: "maintainers"}
		for _, name := range []string{"erofs", "1"} {
			got, err := project.ByLinkname(ctx, db, name)
			if diff := cmp.Diff(want, got) + cmp.Diff(want, p); err != nil || diff != "" {
				t.Error(name, err, diff)
			}
		}
		if _, err := project.ByLinkname(ctx, db, "2"); !fault.Is(err, fault.NotFound) || fault.UserText(err) != `no project "2"` {
			t.Error(err)
		}
		all := project.Change{Linkname: ptr("f2fs"), Name: ptr("F2"), ListID: ptr("f2"), ListEmail: ptr("f@2"), SubjectMatch: ptr("x(?!y)"), WebURL: ptr("w"), SCMURL: ptr("s"),
			WebSCMURL: ptr("ws"), ListArchiveURL: ptr("la"), ListArchiveURLFormat: ptr("laf/{}"), CommitURLFormat: ptr("{}/c"), SendNotifications: ptr(true), UseTags: ptr(false),
			ShowDependencies: ptr(true), AutoSupersede: ptr(true), Hints: ptr("anyone"), NavHTML: ptr("<b>")}
		if _, err := project.Update(ctx, db, account.CLI, now, "erofs", all); err != nil {
			t.Fatal(err)
		}
		want = project.Project{ID: 1, Linkname: "f2fs", Name: "F2", ListID: "f2", ListEmail: "f@2", SubjectMatch: "x(?!y)", WebURL: "w", SCMURL: "s", WebSCMURL: "ws",
			ListArchiveURL: "la", ListArchiveURLFormat: "laf/{}", CommitURLFormat: "{}/c", SendNotifications: true, ShowDependencies: true, AutoSupersede: true, Hints: "anyone", NavHTML: "<b>"}
		got, err := project.ByLinkname(ctx, db, "f2fs")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
		got, err = project.Update(ctx, db, account.CLI, now, "f2fs", project.Change{})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Error("nothing changed:", err, diff)
		}
		var audit []string
		if err := db.Select(ctx, &audit, "SELECT CONCAT_WS(' ', via, verb, subject) FROM audit ORDER BY id"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"cli project create project erofs", "cli project update project f2fs", "cli project update project f2fs"}, audit); diff != "" {
			t.Error(diff)
		}
		long := change(strings.Repeat("ä", 255), "long", "")
		long.Name = ptr("Long")
		create(t, db, long) // and its line of the audit trail
	})
}

func TestConflicts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		create(t, db, change("a", "list", ""))
		create(t, db, change("b", "list", "x"))
		same := change("c", "list", "x")
		const text = `another project has the link name "c", the name "The c", or the list id "list" with the same subject match "x"`
		if _, err := project.Create(ctx, db, account.CLI, now, same); !fault.Is(err, fault.Conflict) || fault.UserText(err) != text {
			t.Error(err)
		}
		for _, c := range []project.Change{{SubjectMatch: ptr("x")}, {Linkname: ptr("b")}, {Name: ptr("The b")}} {
			if _, err := project.Update(ctx, db, account.CLI, now, "a", c); !fault.Is(err, fault.Conflict) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		p, err := project.ByLinkname(ctx, db, "a")
		if err != nil || p.SubjectMatch != "" || p.Name != "The a" {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

func TestRules(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	tests := []struct {
		set  func(*project.Change)
		text string // empty: allowed
	}{
		{func(c *project.Change) { c.Linkname = ptr("Ünïcode_1-2") }, ""},
		{func(c *project.Change) { c.Linkname = ptr("a b") }, `link name "a b": want letters, digits, - and _ only`},
		{func(c *project.Change) { c.Linkname = ptr("a/b") }, `link name "a/b": want letters, digits, - and _ only`},
		{func(c *project.Change) { c.Linkname = ptr("") }, `link name "": want letters, digits, - and _ only`},
		{func(c *project.Change) { c.Name = ptr(" ") }, "a project needs a name"},
		{func(c *project.Change) { c.Name = ptr(strings.Repeat("é", 256)) }, "the name is too long: want at most 255 characters"},
		{func(c *project.Change) { c.ListID = ptr("<x>") }, `list id "<x>": want what stands between < and > in the list's List-Id header`},
		{func(c *project.Change) { c.ListID = nil }, `list id "": want what stands between < and > in the list's List-Id header`},
		{func(c *project.Change) { c.ListEmail = ptr("nobody") }, `list address "nobody": want the address that people send mail to`},
		{func(c *project.Change) { c.Hints = ptr("all") }, `hints "all": want anyone, maintainers or nobody`},
		{func(c *project.Change) { c.SubjectMatch = ptr(`\[(?!v)(?<=x)(a)\1\]`) }, ""},
		{func(c *project.Change) { c.SubjectMatch = ptr("(") }, `subject match "(" is no regular expression`},
		{func(c *project.Change) { c.SubjectMatch = ptr(strings.Repeat("x", 65)) }, "the subject match is too long: want at most 64 characters"},
		{func(c *project.Change) { c.ListArchiveURLFormat = ptr("https://x/{}/{}") }, ""},
		{func(c *project.Change) { c.ListArchiveURLFormat = ptr("https://x/{id}") }, `url format "https://x/{id}": only {} is replaced, other braces are not allowed`},
		{func(c *project.Change) { c.CommitURLFormat = ptr("{") }, `url format "{": only {} is replaced, other braces are not allowed`},
		{func(c *project.Change) { c.WebURL = ptr(strings.Repeat("w", 2001)) }, "the web url is too long: want at most 2000 characters"},
	}
	for i, test := range tests {
		c := change(fmt.Sprint("p", i), fmt.Sprint("list", i), "")
		test.set(&c)
		_, err := project.Create(t.Context(), db, account.CLI, now, c)
		if fault.UserText(err) != test.text && !strings.HasPrefix(fault.UserText(err), test.text+":") || (err == nil) != (test.text == "") || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%d: %v, want %s", i, err, test.text)
		}
	}
	for _, err := range []error{
		func() error {
			_, err := project.Create(t.Context(), db, account.Actor{User: 1}, now, project.Change{})
			return err
		}(),
		func() error {
			_, err := project.Update(t.Context(), db, account.Actor{User: 1}, now, "x", project.Change{Name: new(string)})
			return err
		}(),
	} {
		if !fault.Is(err, fault.Denied) {
			t.Error(err)
		}
	}
}

func TestRoute(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		create(t, db, change("z-open", "one", ""))
		create(t, db, change("b-kernel", "one", `\[kernel`))
		create(t, db, change("a-v2", "one", `v2\b(?!.*kernel)`))
		create(t, db, change("only", "two", "^net"))
		create(t, db, change("broken", "three", "x"))
		create(t, db, change("upper", "Four", ""))
		create(t, db, change("capital", "Seven", ""))
		create(t, db, change("lower", "seven", ""))
		create(t, db, change("multi", "five", "^end$"))
		// Only an import brings a match that is no expression.
		if err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE project SET subject_match = '(' WHERE linkname = 'broken'")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		router, err := project.LoadRouter(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		tests := []struct{ lists, subject, want string }{
			{"one", "[PATCH] fix", "z-open"},
			{"one", "[KERNEL] fix", "b-kernel"}, // without regard to letter case
			{"one", "Re: [PATCH kernel] [kernel]", "b-kernel"},
			{"one", "[v2] fix", "a-v2"}, // a look-ahead
			{"one", "[kernel v2] fix the kernel", "b-kernel"},
			{"one", "[kernel v2] fix", "a-v2"}, // the first by link name
			{"two", "net: fix", "only"},
			{"two", "[PATCH] net: fix", ""},
			{"two one", "[PATCH] fix", "z-open"}, // no project of the first list fits: the next
			{"none two one", "net", "only"},
			{"three", "x (", ""},
			{"four", "x", "upper"},
			{"seven", "x", "lower"}, // as it is spelled comes first
			{"SEVEN", "x", "capital"},
			{"Four", "x", "upper"},
			{"five", "first\nend\nlast", "multi"}, // ^ and $ are the ends of any line
			{"five", "the end", ""},
			{"", "x", ""},
		}
		for _, test := range tests {
			got := ""
			if p := router.Route(strings.Fields(test.lists), test.subject); p != nil {
				got = p.Linkname
			}
			if got != test.want {
				t.Errorf("%s %q: %q, want %q", test.lists, test.subject, got, test.want)
			}
		}
	})
}

func TestMaintainers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		a, b := create(t, db, change("a", "a", "")), create(t, db, change("b", "b", ""))
		for _, name := range []string{"Zoe", "ann"} {
			if _, err := account.CreateUser(ctx, db, account.CLI, now, account.UserChange{Username: &name, Email: ptr(name + "@x")}); err != nil {
				t.Fatal(err)
			}
		}
		steps := []struct {
			err  error
			kind fault.Kind
		}{
			{project.AddMaintainer(ctx, db, account.CLI, now, "a", "zoe"), fault.None},
			{project.AddMaintainer(ctx, db, account.CLI, now, "a", "zoe"), fault.None},
			{project.AddMaintainer(ctx, db, account.CLI, now, "a", "ann"), fault.None},
			{project.AddMaintainer(ctx, db, account.CLI, now, "b", "ann"), fault.None},
			{project.ReplaceMaintainer(ctx, db, account.CLI, now, "b", "ann", "zoe"), fault.None},
			{project.ReplaceMaintainer(ctx, db, account.CLI, now, "b", "ann", "zoe"), fault.NotFound},
			{project.RemoveMaintainer(ctx, db, account.CLI, now, "b", "ann"), fault.NotFound},
			{project.RemoveMaintainer(ctx, db, account.CLI, now, "c", "ann"), fault.NotFound},
			{project.AddMaintainer(ctx, db, account.CLI, now, "a", "nobody"), fault.NotFound},
			{project.AddMaintainer(ctx, db, account.Actor{User: 1}, now, "a", "zoe"), fault.Denied},
		}
		for i, s := range steps {
			if fault.KindOf(s.err) != s.kind {
				t.Errorf("step %d: %v, want %v", i, s.err, s.kind)
			}
		}
		list, err := project.Maintainers(ctx, db, "")
		want := []project.Maintainer{{Project: "a", Username: "ann", Email: "ann@x"}, {Project: "a", Username: "Zoe", Email: "Zoe@x"}, {Project: "b", Username: "Zoe", Email: "Zoe@x"}}
		if diff := cmp.Diff(want, list); err != nil || diff != "" {
			t.Error(err, diff)
		}
		list, err = project.Maintainers(ctx, db, "b")
		if diff := cmp.Diff(want[2:], list); err != nil || diff != "" {
			t.Error(err, diff)
		}
		ids, err := project.MaintainerIDs(ctx, db)
		if diff := cmp.Diff(map[int64]map[int64]bool{a.ID: {1: true, 2: true}, b.ID: {1: true}}, ids); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}
