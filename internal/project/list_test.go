// SPDX-License-Identifier: GPL-2.0-or-later

package project_test

import (
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// Maintainers change where things are, and nothing that decides who sends mail to whom.
func TestMaintainersChange(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		name, email, text, yes := "mia", "mia@example.org", "text", true
		u, err := account.CreateUser(t.Context(), db, account.CLI, now, account.UserChange{Username: &name, Email: &email})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := project.Create(t.Context(), db, account.CLI, now, change("alpha", "a.example", "")); err != nil {
			t.Fatal(err)
		}
		mia := account.Actor{User: u.ID, Via: "api"}
		set := func(by account.Actor, c project.Change, kind fault.Kind) {
			t.Helper()
			if _, err := project.Update(t.Context(), db, by, now, "alpha", c); (kind == 0) != (err == nil) || err != nil && !fault.Is(err, kind) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		set(mia, project.Change{WebURL: &text}, fault.Denied)
		set(account.Actor{}, project.Change{WebURL: &text}, fault.Denied)
		if err := project.AddMaintainer(t.Context(), db, account.CLI, now, "alpha", "mia"); err != nil {
			t.Fatal(err)
		}
		set(mia, project.Change{WebURL: &text, SCMURL: &text, WebSCMURL: &text, ListArchiveURL: &text, ListArchiveURLFormat: &text, CommitURLFormat: &text, ShowDependencies: &yes}, 0)
		for _, c := range []project.Change{{Name: &text}, {Linkname: &text}, {ListID: &text}, {ListEmail: &email}, {SubjectMatch: &text}, {Hints: &text}, {NavHTML: &text},
			{SendNotifications: &yes}, {UseTags: &yes}, {AutoSupersede: &yes}} {
			set(mia, c, fault.Denied)
			c.WebURL = &text
			set(mia, c, fault.Denied)
		}
		set(account.CLI, project.Change{Name: &text}, 0)
	})
}
