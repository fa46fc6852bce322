// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"strings"

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
	v := Vocabulary{bots: map[int64]bool{}}
	more := also{sql: "SELECT 'bot', b.id, '', '', '', 0, b.bot FROM (" + account.LookupBots + ") b", row: func(w word) { v.bots[w.ID] = w.Flag }}
	err := readWords(ctx, q, &v, &People{}, more, "", "")
	return v, err
}

// word is a row of the query that reads the vocabulary, and what else a page needs with it.
type word struct {
	Kind          string
	ID            int64
	Name          string
	Second, Third string
	Number        int64
	Flag          bool
}

// also is what else the query reads: rows of word, in any order.
type also struct {
	sql  string
	args []any
	row  func(word)
}

// People are those whom the filters of a list mean; nil: nobody was named.
type People struct {
	Submitters []int64 // persons, see account.PersonsOf
	Delegates  []int64 // users, see account.UsersLike; 0 alone is nobody
}

// AskWords asks for states and tags, and in the same query whom two filters of a list mean, empty ones nobody.
func AskWords(v *Vocabulary, p *People, submitter, delegate string) sqldb.Ask {
	return askWords(v, p, also{}, submitter, delegate)
}

// ReadWords reads the answer to AskWords.
func ReadWords(ctx context.Context, q sqldb.Queryer, submitter, delegate string) (v Vocabulary, p People, err error) {
	err = readWords(ctx, q, &v, &p, also{}, submitter, delegate)
	return v, p, err
}

func readWords(ctx context.Context, q sqldb.Queryer, v *Vocabulary, p *People, more also, submitter, delegate string) error {
	if err := sqldb.Read(ctx, q, askWords(v, p, more, submitter, delegate)); err != nil {
		return fmt.Errorf("read states and tags: %w", err)
	}
	return nil
}

func askWords(v *Vocabulary, p *People, more also, submitter, delegate string) sqldb.Ask {
	query, args := `SELECT 'state' AS kind, id, name, slug AS second, '' AS third, ordering, action_required AS flag FROM state
		UNION ALL SELECT 'tag', id, name, abbrev, pattern, 0, show_column FROM tag`, []any{}
	if more.sql != "" {
		query += " UNION ALL " + more.sql
		args = append(args, more.args...)
	}
	find := func(kind string, l account.Lookup) []int64 {
		query += " UNION ALL SELECT '" + kind + "', f.id, '', '', '', 0, FALSE FROM (" + l.SQL + ") f"
		args = append(args, l.Args...)
		return []int64{}
	}
	if submitter != "" {
		p.Submitters = find("submitter", account.LookupPersons(submitter))
	}
	switch {
	case strings.EqualFold(delegate, "nobody"):
		p.Delegates = []int64{0}
	case delegate != "":
		p.Delegates = find("user", account.LookupUsers(delegate))
	}
	return sqldb.Ask{Query: query + " ORDER BY kind, ordering, second, id", Args: args, Row: func(c *sqldb.Cells) error {
		w := word{c.Text(0), c.Num(1), c.Text(2), c.Text(3), c.Text(4), c.Num(5), c.Flag(6)}
		switch w.Kind {
		case "state":
			v.States = append(v.States, State{ID: w.ID, Name: w.Name, Slug: w.Second, Ordering: int(w.Number), ActionRequired: w.Flag})
		case "tag":
			v.Tags = append(v.Tags, Tag{ID: w.ID, Name: w.Name, Abbrev: w.Second, Pattern: w.Third, ShowColumn: w.Flag})
		case "submitter":
			p.Submitters = append(p.Submitters, w.ID)
		case "user":
			p.Delegates = append(p.Delegates, w.ID)
		default:
			more.row(w)
		}
		return nil
	}}
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
