// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
)

// Vocabulary is the states in order, the tags by abbreviation, and the persons of whom an administrator has said whether they are programs.
type Vocabulary struct {
	States []State
	Tags   []Tag
	bots   map[int64]bool // only ReadVocabulary reads them
}

// ReadVocabulary reads all of it in one query.
func ReadVocabulary(ctx context.Context, q sqldb.Queryer) (Vocabulary, error) {
	v, _, err := readWords(ctx, q, " UNION ALL SELECT 'bot', b.id, '', '', '', 0, b.bot FROM ("+account.LookupBots+") b", "", "")
	return v, err
}

// People are those whom the filters of a list mean; nil: nobody was named.
type People struct {
	Submitters []int64 // persons, see account.PersonsOf
	Delegates  []int64 // users, see account.UsersLike; 0 alone is nobody
}

// ReadWords reads states and tags, and in the same query finds whom two filters of a list mean, empty ones nobody.
func ReadWords(ctx context.Context, q sqldb.Queryer, submitter, delegate string) (v Vocabulary, p People, err error) {
	return readWords(ctx, q, "", submitter, delegate)
}

func readWords(ctx context.Context, q sqldb.Queryer, more, submitter, delegate string) (v Vocabulary, p People, err error) {
	v.bots = map[int64]bool{}
	query, args := `SELECT 'state' AS kind, id, name, slug AS second, '' AS third, ordering, action_required AS flag FROM state
		UNION ALL SELECT 'tag', id, name, abbrev, pattern, 0, show_column FROM tag`+more, []any{}
	also := func(kind string, l account.Lookup) []int64 {
		query += " UNION ALL SELECT '" + kind + "', f.id, '', '', '', 0, FALSE FROM (" + l.SQL + ") f"
		args = append(args, l.Args...)
		return []int64{}
	}
	if submitter != "" {
		p.Submitters = also("submitter", account.LookupPersons(submitter))
	}
	switch {
	case strings.EqualFold(delegate, "nobody"):
		p.Delegates = []int64{0}
	case delegate != "":
		p.Delegates = also("user", account.LookupUsers(delegate))
	}
	err = q.Each(ctx, func(rows *sqlx.Rows) error {
		var kind, name, second, third string
		var id int64
		var ordering int
		var flag bool
		if err := rows.Scan(&kind, &id, &name, &second, &third, &ordering, &flag); err != nil {
			return err
		}
		switch kind {
		case "state":
			v.States = append(v.States, State{ID: id, Name: name, Slug: second, Ordering: ordering, ActionRequired: flag})
		case "tag":
			v.Tags = append(v.Tags, Tag{ID: id, Name: name, Abbrev: second, Pattern: third, ShowColumn: flag})
		case "bot":
			v.bots[id] = flag
		case "submitter":
			p.Submitters = append(p.Submitters, id)
		default:
			p.Delegates = append(p.Delegates, id)
		}
		return nil
	}, query+" ORDER BY kind, ordering, second, id", args...)
	if err != nil {
		return v, p, fmt.Errorf("read states and tags: %w", err)
	}
	return v, p, nil
}

// ActionRequired are the ids of the states that want something done.
func (v Vocabulary) ActionRequired() []int64 {
	ids := []int64{}
	for _, s := range v.States {
		if s.ActionRequired {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// StateName is the name of a state, empty for none.
func (v Vocabulary) StateName(id int64) string {
	for _, s := range v.States {
		if s.ID == id {
			return s.Name
		}
	}
	return ""
}
