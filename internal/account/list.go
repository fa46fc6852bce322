// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// Find says which persons or users a list has.
type Find struct {
	Text  string   // words that all must be there, without regard to letter case
	Order []string // keys, each with a minus before it to reverse it; then by id
}

// maxWords bounds the words of a Find.
const maxWords = 20

// noun is how lists of a table are searched and sorted.
type noun struct {
	folded []string          // columns that are searched
	plain  []string          // others, which have no folded twin: beyond ASCII their letter case matters
	order  map[string]string // key → column
}

var (
	persons = noun{[]string{"name_key", "email_key"}, nil, map[string]string{"id": "id", "name": "name_key", "email": "email_key"}}
	users   = noun{[]string{"username_key", "email_key"}, []string{"first_name", "last_name"},
		map[string]string{"id": "id", "username": "username_key", "email": "email_key"}}
)

func (n noun) where(f Find) (sql string, args []any, err error) {
	words := strings.FieldsFunc(strings.ReplaceAll(strings.ToValidUTF8(f.Text, "\uFFFD"), "\x00", "\uFFFD"), func(r rune) bool { return r == ' ' || r == ',' })
	if len(words) > maxWords {
		return "", nil, fault.New(fault.Invalid, "a search may have %d words", maxWords)
	}
	var all []string
	for _, w := range words {
		var one []string
		like := func(column, w string) {
			one = append(one, column+" LIKE ? ESCAPE '!'")
			args = append(args, "%"+likeEscape.Replace(w)+"%")
		}
		for _, column := range n.folded {
			like(column, fold.Key(w))
		}
		for _, column := range n.plain {
			like(column, w)
			like("LOWER("+column+")", fold.Key(w))
		}
		all = append(all, "("+strings.Join(one, " OR ")+")")
	}
	if len(all) > 0 {
		sql = " WHERE " + strings.Join(all, " AND ")
	}
	return sql, args, nil
}

func (n noun) sorted(f Find) string {
	var by []string
	direction := ""
	for _, key := range f.Order {
		field, desc := strings.CutPrefix(key, "-")
		column, ok := n.order[field]
		if !ok {
			continue
		}
		direction = ""
		if desc {
			direction = " DESC"
		}
		by = append(by, column+direction)
	}
	return " ORDER BY " + strings.Join(append(by, "id"+direction), ", ") // in the direction of the last key, so that its index gives all
}

func (n noun) count(ctx context.Context, q sqldb.Queryer, f Find, query string) (total int, err error) {
	where, args, err := n.where(f)
	if err != nil {
		return 0, err
	}
	if err := q.Get(ctx, &total, query+where, args...); err != nil {
		return 0, fmt.Errorf("count a list: %w", err)
	}
	return total, nil
}

// PersonsNamed finds persons by their numbers or addresses, the latter without regard to letter case, in one query: as given → number. One that is not
// there is not in the map.
func PersonsNamed(ctx context.Context, q sqldb.Queryer, names []string) (map[string]int64, error) {
	out := map[string]int64{}
	if len(names) == 0 {
		return out, nil
	}
	ids, keys := []int64{-1}, []string{}
	for _, name := range names {
		keys = append(keys, personKey(name))
		if id, err := strconv.ParseInt(name, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	var found []struct {
		ID  int64
		Key string `db:"email_key"`
	}
	if err := q.Select(ctx, &found, "SELECT id, email_key FROM person WHERE email_key IN (?) OR id IN (?)", keys, ids); err != nil {
		return nil, fmt.Errorf("find %d persons: %w", len(names), err)
	}
	for i, name := range names {
		for _, p := range found {
			if strconv.FormatInt(p.ID, 10) == name || out[name] == 0 && p.Key == keys[i] {
				out[name] = p.ID
			}
		}
	}
	return out, nil
}

// CountPersons counts the persons of a list.
func CountPersons(ctx context.Context, q sqldb.Queryer, f Find) (int, error) {
	return persons.count(ctx, q, f, "SELECT COUNT(*) FROM person")
}

// CountUsers counts the users of a list.
func CountUsers(ctx context.Context, q sqldb.Queryer, f Find) (int, error) {
	return users.count(ctx, q, f, "SELECT COUNT(*) FROM user_account")
}

// FindPersons reads a part of a list of persons.
func FindPersons(ctx context.Context, q sqldb.Queryer, f Find, offset, limit int) ([]Person, error) {
	where, args, err := persons.where(f)
	if err != nil {
		return nil, err
	}
	var out []Person
	err = q.Each(ctx, func(rows *sqlx.Rows) error {
		var p Person
		err := rows.Scan(&p.ID, &p.Email, &p.Name, &p.NameVotes, &p.User, &p.Bot)
		out = append(out, p)
		return err
	}, "SELECT id, email, COALESCE(name, ''), name_votes, COALESCE(user_id, 0), bot FROM person"+where+persons.sorted(f)+" LIMIT ? OFFSET ?", append(args, limit, offset)...)
	if err != nil {
		return nil, fmt.Errorf("list persons: %w", err)
	}
	return out, nil
}

// FindUsers reads a part of a list of users, those who were switched off among them.
func FindUsers(ctx context.Context, q sqldb.Queryer, f Find, offset, limit int) ([]User, error) {
	where, args, err := users.where(f)
	if err != nil {
		return nil, err
	}
	var out []User
	err = q.Select(ctx, &out, "SELECT "+userColumns+" FROM user_account"+where+users.sorted(f)+" LIMIT ? OFFSET ?", append(args, limit, offset)...)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return out, nil
}

// UserByID finds a user by number.
func UserByID(ctx context.Context, q sqldb.Queryer, id int64) (User, error) {
	var u User
	err := q.Get(ctx, &u, "SELECT "+userColumns+" FROM user_account WHERE id = ?", id)
	switch {
	case fault.Is(err, fault.NotFound):
		return u, fault.New(fault.NotFound, "no user %d", id)
	case err != nil:
		return u, fmt.Errorf("find user %d: %w", id, err)
	}
	return u, nil
}
