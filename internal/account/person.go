// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// Person is an address that mail came from.
type Person struct {
	ID        int64
	Email     string // as first written
	Name      string // empty: none known
	NameVotes int    // recent mails under Name less those under other names, 0 to nameVotesMax
	User      int64  // 0: belongs to no user
	Bot       *bool  // whether a program sends what comes from here; nil: each mail tells by itself, see mailmsg.Message.Automatic
	dirty     bool
}

// nameVotesMax is how many mails under other names a name outlives: it takes one more to rename a person.
const nameVotesMax = 4

// observe takes note of the display name of one more mail. The name of a person is the one most of the recent mails had, so that
// a stranger who forges one mail does not rename somebody; the name of a person who belongs to a user is the user's own affair.
func (p *Person) observe(name string) {
	if name == "" || p.User != 0 && p.Name != "" {
		return
	}
	switch {
	case name == p.Name && p.NameVotes < nameVotesMax:
		p.NameVotes++
	case name == p.Name:
		return
	case p.Name == "" || p.NameVotes == 0:
		p.Name, p.NameVotes = name, 1
	default:
		p.NameVotes--
	}
	p.dirty = true
}

// PersonByID finds a person by number.
func PersonByID(ctx context.Context, q sqldb.Queryer, id int64) (Person, error) {
	p := Person{ID: id}
	found := false
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		found = true
		return rows.Scan(&p.Email, &p.Name, &p.NameVotes, &p.User, &p.Bot)
	}, "SELECT email, COALESCE(name, ''), name_votes, COALESCE(user_id, 0), bot FROM person WHERE id = ?", id)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "no such person")
	}
	if err != nil {
		return p, fmt.Errorf("find person %d: %w", id, err)
	}
	return p, nil
}

// Persons is the working set of one intake transaction: who the senders of a batch of mails are.
type Persons struct {
	byKey map[string]*Person
	users map[string]int64 // folded address → user, at least of those who are no persons yet
	fresh []*Person
}

// LoadPersons reads the persons who have one of the addresses, and the users who have one that nobody has; in a pipeline, where both are asked at once, of all addresses.
func LoadPersons(ctx context.Context, tx *sqldb.Tx, addresses []string) (*Persons, error) {
	p := &Persons{byKey: make(map[string]*Person, len(addresses))}
	keys := make([]string, 0, len(addresses))
	for _, a := range addresses {
		keys = append(keys, personKey(a))
	}
	err := sqldb.Chunks(keys, func(keys []string) error {
		return tx.Each(ctx, func(rows *sqlx.Rows) error {
			var key string
			var x Person
			if err := rows.Scan(&x.ID, &x.Email, &key, &x.Name, &x.NameVotes, &x.User); err != nil {
				return err
			}
			p.byKey[key] = &x
			return nil
		}, "SELECT id, email, email_key, COALESCE(name, ''), name_votes, COALESCE(user_id, 0) FROM person WHERE email_key IN (?)", keys)
	})
	if err != nil {
		return nil, fmt.Errorf("load persons: %w", err)
	}
	if !tx.Pipelined() {
		keys = slices.DeleteFunc(keys, func(key string) bool { return p.byKey[key] != nil })
	}
	p.users, err = UsersByEmail(ctx, tx, keys)
	return p, err
}

// Sender gives the person who sent a mail with this address and display name, a new one if nobody has the address yet. Letter case of
// the address does not matter.
func (p *Persons) Sender(ctx context.Context, tx *sqldb.Tx, email, name string) (*Person, error) {
	email, name = fold.Cut(email, 255), fold.Cut(name, 255)
	key := personKey(email)
	if x := p.byKey[key]; x != nil {
		x.observe(name)
		return x, nil
	}
	id, err := tx.NextID(ctx, "person")
	if err != nil {
		return nil, err
	}
	x := &Person{ID: id, Email: email, User: p.users[key]}
	x.observe(name)
	p.byKey[key] = x
	p.fresh = append(p.fresh, x)
	return x, nil
}

// Save writes what Sender made and changed.
func (p *Persons) Save(ctx context.Context, tx *sqldb.Tx) error {
	var rows [][]any
	for _, x := range p.fresh {
		rows = append(rows, []any{x.ID, x.Email, personKey(x.Email), sqldb.NullText(x.Name), columnKey(x.Name), x.NameVotes, sqldb.NullID(x.User)})
		x.dirty = false
	}
	err := tx.Insert(ctx, "person", []string{"id", "email", "email_key", "name", "name_key", "name_votes", "user_id"}, rows)
	if err != nil {
		return fmt.Errorf("save persons: %w", err)
	}
	rows = nil
	for _, x := range p.changed() {
		rows = append(rows, []any{x.ID, x.Email, personKey(x.Email), sqldb.NullText(x.Name), columnKey(x.Name), x.NameVotes})
	}
	columns := []string{"id", "email", "email_key", "name", "name_key", "name_votes"}
	u := sqldb.Upsert{Table: "person", Columns: columns, Key: columns[:1], Replace: columns[3:]} // all are there: one statement instead of one for each
	if err := tx.Upsert(ctx, u, rows); err != nil {
		return fmt.Errorf("save the names of %d persons: %w", len(rows), err)
	}
	return nil
}

// changed is in order of ids: transactions that change the same persons then wait for each other instead of deadlocking.
func (p *Persons) changed() []*Person {
	var out []*Person
	for _, x := range p.byKey {
		if x.dirty {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b *Person) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func adoptPerson(ctx context.Context, tx *sqldb.Tx, u User) error {
	_, err := tx.Exec(ctx, "UPDATE person SET user_id = ? WHERE email_key = ? AND user_id IS NULL", u.ID, personKey(u.Email))
	return err
}

// Find is the person with an address, nil if there is none yet.
func (p *Persons) Find(email string) *Person { return p.byKey[personKey(email)] }

// personKey is the folded twin of a person's address, cut as the address is.
func personKey(email string) string { return columnKey(fold.Cut(email, 255)) }

// columnKey folds what is at most 255 characters long; folding can make it longer than its column.
func columnKey(s string) string { return fold.Cut(fold.Key(s), 255) }

// Lookup is a query for ids. It can be part of another.
type Lookup struct {
	SQL  string
	Args []any
}

func (l Lookup) ids(ctx context.Context, q sqldb.Queryer) ([]int64, error) {
	ids := []int64{}
	err := q.Select(ctx, &ids, l.SQL, l.Args...)
	return ids, err
}

// PersonsOf finds the persons a filter means: a number means that person and all who belong to the same user, text means everybody whose name
// holds it without regard to letter case, at most 500. None is an empty list.
func PersonsOf(ctx context.Context, q sqldb.Queryer, filter string) ([]int64, error) {
	ids, err := LookupPersons(filter).ids(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("find persons like %q: %w", filter, err)
	}
	return ids, nil
}

// LookupPersons is how PersonsOf finds them.
func LookupPersons(filter string) Lookup {
	if id, err := strconv.ParseInt(filter, 10, 64); err == nil {
		return Lookup{"SELECT p.id FROM person p WHERE p.id = ? OR p.user_id = (SELECT user_id FROM person WHERE id = ?) ORDER BY p.id LIMIT 500", []any{id, id}}
	}
	return Lookup{"SELECT id FROM person WHERE name_key LIKE ? ESCAPE '!' ORDER BY id LIMIT 500", []any{"%" + likeEscape.Replace(fold.Key(filter)) + "%"}}
}

var likeEscape = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")
