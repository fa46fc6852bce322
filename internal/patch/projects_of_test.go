// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"fmt"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// Projects are listed by name, each once: those that a user maintains, and those that a person of his sent a series to; a reply is none.
func TestProjectsOf(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for _, name := range []string{"zeta", "alpha", "mid", "other"} {
			newProject(t, db, name)
		}
		mia, joe := newUser(t, db, "mia"), newUser(t, db, "joe")
		for _, name := range []string{"zeta", "mid"} {
			if err := project.AddMaintainer(t.Context(), db, account.CLI, now, name, "mia"); err != nil {
				t.Fatal(err)
			}
		}
		bob := func(mail string) string {
			return strings.Replace(mail, "Ann <ann@example.org>", "Bob <bob@example.org>", 1)
		}
		deliver(t, db, letter("zeta", "z1", "", "[PATCH] one", "Text\n"+diffText), letter("zeta", "z2", "", "[PATCH] two", "Text\n"+diffText), letter("alpha", "a1", "", "[PATCH] three", "Text\n"+diffText),
			bob(letter("mid", "m1", "", "[PATCH] four", "Text\n"+diffText)), bob(letter("zeta", "z3", "z1", "Re: [PATCH] one", "Hm.\n")))
		person := func(email string) (id int64) {
			t.Helper()
			if err := db.Get(t.Context(), &id, "SELECT id FROM person WHERE email_key = ?", email); err != nil {
				t.Fatal(err)
			}
			return id
		}
		ann, robert := person("ann@example.org"), person("bob@example.org")
		for _, test := range []struct {
			user    int64
			persons []int64
			want    string
		}{
			{mia.ID, []int64{ann}, "[{mid mid} {zeta zeta}] [{alpha alpha} {zeta zeta}]"},
			{mia.ID, []int64{robert}, "[{mid mid} {zeta zeta}] [{mid mid}]"},
			{joe.ID, []int64{robert, ann}, "[] [{alpha alpha} {mid mid} {zeta zeta}]"},
			{joe.ID, nil, "[] []"},
			{joe.ID, []int64{ann + robert + 1000}, "[] []"},
		} {
			maintains, contributes, err := patch.ProjectsOf(t.Context(), db, test.user, test.persons)
			if got := fmt.Sprint(maintains, contributes); err != nil || got != test.want {
				t.Errorf("user %d, persons %v: %s, %v; want %s", test.user, test.persons, got, err, test.want)
			}
		}
	})
}
