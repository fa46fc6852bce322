// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
)

// Vocabulary is the states in order and the tags by abbreviation.
type Vocabulary struct {
	States []State
	Tags   []Tag
}

// ReadVocabulary reads both in one query.
func ReadVocabulary(ctx context.Context, q sqldb.Queryer) (Vocabulary, error) {
	var v Vocabulary
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var kind, name, second, third string
		var id int64
		var ordering int
		var flag bool
		if err := rows.Scan(&kind, &id, &name, &second, &third, &ordering, &flag); err != nil {
			return err
		}
		if kind == "state" {
			v.States = append(v.States, State{ID: id, Name: name, Slug: second, Ordering: ordering, ActionRequired: flag})
		} else {
			v.Tags = append(v.Tags, Tag{ID: id, Name: name, Abbrev: second, Pattern: third, ShowColumn: flag})
		}
		return nil
	}, `SELECT 'state' AS kind, id, name, slug AS second, '' AS third, ordering, action_required AS flag FROM state
		UNION ALL SELECT 'tag', id, name, abbrev, pattern, 0, show_column FROM tag ORDER BY kind, ordering, second`)
	if err != nil {
		return v, fmt.Errorf("read states and tags: %w", err)
	}
	return v, nil
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
