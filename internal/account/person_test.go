// SPDX-License-Identifier: GPL-2.0-or-later

package account_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// mailFrom is what an intake does with the sender of each mail, one transaction per name.
func mailFrom(t *testing.T, db *sqldb.DB, email string, names ...string) (p account.Person) {
	t.Helper()
	for _, name := range names {
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			persons, err := account.LoadPersons(ctx, tx, []string{email})
			if err != nil {
				return err
			}
			sender, err := persons.Sender(ctx, tx, email, name)
			if err != nil {
				return err
			}
			p = *sender
			return persons.Save(ctx, tx)
		})
	}
	stored, err := account.PersonByID(t.Context(), db, p.ID)
	if err != nil || stored.Name != p.Name || stored.Email != p.Email || stored.NameVotes != p.NameVotes {
		t.Errorf("stored %+v, in memory %+v, %v", stored, p, err)
	}
	return p
}

// A stranger who forges a mail does not rename anybody, and a mail without a name takes no name away (known failure A10); who really
// changes his name is renamed within five mails.
func TestNameRule(t *testing.T) {
	tests := []struct{ names, want string }{
		{"Ann", "Ann"},
		{"Ann Eve", "Ann"},
		{"Ann Eve Ann Eve Ann Eve", "Ann"},
		{"Ann Eve Eve", "Eve"},
		{"Ann Ann Ann Ann Ann Ann Ann Ann Eve Eve Eve Eve", "Ann"},
		{"Ann Ann Ann Ann Ann Ann Ann Ann Eve Eve Eve Eve Eve", "Eve"},
		{"Ann Ann Ann Ann Eve Eve Ann Eve Eve", "Ann"},
		{"Ann - - - - - -", "Ann"},
		{"- - Ann", "Ann"},
		{"-", ""},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for i, test := range tests {
			names := strings.Fields(test.names)
			for k := range names {
				names[k] = strings.Trim(names[k], "-")
			}
			if p := mailFrom(t, db, fmt.Sprintf("p%d@example.org", i), names...); p.Name != test.want {
				t.Errorf("%s: %q, want %q", test.names, p.Name, test.want)
			}
		}
		expectRows(t, db, "SELECT CONCAT_WS(' ', COALESCE(name, 'null'), name_key) FROM person WHERE email IN ('p0@example.org', 'p9@example.org') ORDER BY id", "Ann ann", "null ")
	})
}

// The name of a person who belongs to a user is the user's own affair.
func TestNameOfUser(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		mailFrom(t, db, "ann@example.org", "Ann")
		mailFrom(t, db, "nameless@example.org", "")
		create(t, db, "ann", "ann@example.org")
		create(t, db, "nameless", "nameless@example.org")
		if p := mailFrom(t, db, "ann@example.org", "Eve", "Eve", "Eve", "Eve", "Eve", "Eve"); p.Name != "Ann" || p.User != 1 {
			t.Errorf("%+v", p)
		}
		if p := mailFrom(t, db, "nameless@example.org", "Nell", "Eve", "Eve"); p.Name != "Nell" || p.User != 2 {
			t.Errorf("%+v", p)
		}
	})
}

func TestAdoptPerson(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		mailFrom(t, db, "Ann@Example.org", "Ann")
		mailFrom(t, db, "bob@example.org", "Bob")
		create(t, db, "first", "ANN@example.ORG")
		create(t, db, "second", "ann@example.org") // the person has a user already
		create(t, db, "third", "carl@example.org")
		expectRows(t, db, "SELECT CONCAT_WS(' ', email, COALESCE(user_id, 0)) FROM person ORDER BY email", "Ann@Example.org 1", "bob@example.org 0")
	})
}

func TestPersons(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		old := mailFrom(t, db, "Ann@Example.org", "Ann")
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			p, err := account.LoadPersons(ctx, tx, []string{"ANN@example.org", "bob@example.org", "bob@example.org", ""})
			if err != nil {
				return err
			}
			if p.Find("bob@example.org") != nil || p.Find("aNN@example.org").ID != old.ID {
				t.Error("Find before")
			}
			var senders []string
			for _, mail := range [][2]string{{"ann@EXAMPLE.org", "Ann"}, {"Bob@example.org", ""}, {"BOB@example.org", "Bob"}, {"Ann@Example.org", "Ann"}, {"", "Nobody"}} {
				s, err := p.Sender(ctx, tx, mail[0], mail[1])
				if err != nil {
					return err
				}
				senders = append(senders, s.Email)
			}
			if want := []string{"Ann@Example.org", "Bob@example.org", "Bob@example.org", "Ann@Example.org", ""}; !slices.Equal(senders, want) {
				t.Errorf("%q", senders)
			}
			return p.Save(ctx, tx)
		})
		var got []string
		if err := db.Select(t.Context(), &got, "SELECT CONCAT_WS(' ', email, email_key, COALESCE(name, '-'), name_votes) FROM person ORDER BY email"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"  Nobody 1", "Ann@Example.org ann@example.org Ann 3", "Bob@example.org bob@example.org Bob 1"}, got); diff != "" {
			t.Error(diff)
		}
		if _, err := account.PersonByID(t.Context(), db, 999); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	})
}
