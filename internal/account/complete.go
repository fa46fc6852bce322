// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// Bounds of completions.
const (
	CompleteFrom    = 3  // letters that must be there, as in Patchwork 3.2
	CompleteDefault = 10 // answers, if nobody says how many
	CompleteMost    = 50
)

// Prefix is the range of folded texts that begin with a text: from it on, before Upto. ok: the text is long enough to be completed.
func Prefix(text string) (from, upto string, ok bool) {
	from = fold.Cut(fold.Key(text), 200)
	return from, from + string(utf8.MaxRune), utf8.RuneCountInString(from) >= CompleteFrom
}

// CompletePersons finds at most limit persons whose name begins with a text, then, with addresses, those whose address does, without regard to letter case, in one query of
// two walks of indexes. Of several addresses of one user, or with one name, the first stands for all: a filter by the name finds them. Without addresses the answers have none, and those without a name are not there. A text of less than CompleteFrom letters finds nobody.
func CompletePersons(ctx context.Context, q sqldb.Queryer, text string, addresses bool, limit int) ([]Person, error) {
	from, upto, ok := Prefix(text)
	if !ok || limit < 1 {
		return nil, nil
	}
	const arm = "SELECT * FROM (SELECT %d AS place, %[2]s AS k, id, COALESCE(name, '') AS name, name_key, email, COALESCE(user_id, 0) AS user_id FROM person WHERE %[2]s >= ? AND %[2]s < ? ORDER BY %[2]s, id LIMIT ?) p%[1]d"
	query, args := fmt.Sprintf(arm, 0, "name_key"), []any{from, upto, 4 * limit}
	if addresses {
		query += " UNION ALL " + fmt.Sprintf(arm, 1, "email_key")
		args = append(args, from, upto, 4*limit)
	}
	var out []Person
	seen := map[string]bool{}
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var place int
		var key, name string
		var p Person
		if err := rows.Scan(&place, &key, &p.ID, &p.Name, &name, &p.Email, &p.User); err != nil {
			return err
		}
		if !addresses {
			p.Email = ""
		}
		same := p.namesakes(name)
		again := slices.ContainsFunc(same, func(s string) bool { return seen[s] })
		if !again && len(out) < limit {
			out = append(out, p)
		}
		for _, s := range same {
			seen[s] = true
		}
		return nil
	}, query+" ORDER BY place, k, id", args...)
	if err != nil {
		return nil, fmt.Errorf("complete a person: %w", err)
	}
	return out, nil
}

// namesakes are what two persons have in common who are one line of a completion.
func (p Person) namesakes(nameKey string) []string {
	out := []string{fmt.Sprintf("person %d", p.ID)}
	if p.User != 0 {
		out = append(out, fmt.Sprintf("user %d", p.User))
	}
	if nameKey != "" {
		out = append(out, "name "+nameKey)
	}
	return out
}
