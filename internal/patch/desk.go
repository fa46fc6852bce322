// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
)

// Desk is what a list has for who is logged in, beside its rows.
type Desk struct {
	Bundles []Bundle     // his own of the project, by name
	Saved   []SavedQuery // his own for such lists of the project, and of all projects, by name
	Todo    int          // see TodoCount
}

// deskBundles bounds the bundles of a desk.
const deskBundles = 100

const todoCount = `SELECT COALESCE(SUM(p.patches), 0) FROM patch_count p JOIN state s ON s.id = p.state_id AND s.action_required = TRUE WHERE p.delegate_id = ? AND p.archived = FALSE`

// ReadDesk reads the desk of a user at a list of a project, see SavedPatches, in one query.
func ReadDesk(ctx context.Context, q sqldb.Queryer, user, project int64, kind string) (Desk, error) {
	var d Desk
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var what, name, query string
		var id, of, n int64
		var public, opens bool
		if err := rows.Scan(&what, &id, &of, &name, &query, &public, &opens, &n); err != nil {
			return err
		}
		switch {
		case what == "todo":
			d.Todo = int(n)
		case what == "saved":
			d.Saved = append(d.Saved, SavedQuery{ID: id, User: user, Project: of, Kind: kind, Name: name, Query: query, Public: public, Opens: opens})
		case len(d.Bundles) < deskBundles:
			d.Bundles = append(d.Bundles, Bundle{ID: id, Owner: user, Project: of, Name: name, Public: public})
		}
		return nil
	}, `SELECT 'bundle' AS what, x.id, x.project_id AS project, x.name, '' AS query, x.public, FALSE AS opens, 0 AS n FROM bundle x WHERE x.owner_id = ? AND x.project_id = ?
		UNION ALL SELECT 'saved', x.id, COALESCE(x.project_id, 0), x.name, x.query, x.public, x.opens, 0 FROM saved_query x
			WHERE x.user_id = ? AND x.kind = ? AND (x.project_id = ? OR x.project_id IS NULL)
		UNION ALL SELECT 'todo', 0, 0, '', '', FALSE, FALSE, (`+todoCount+`)
		ORDER BY what, name, id`, user, project, user, kind, project, user)
	if err != nil {
		return Desk{}, fmt.Errorf("read the desk of user %d: %w", user, err)
	}
	return d, nil
}

// Opens is the query that the list opens with: that of the project counts more than one for all projects.
func (d Desk) Opens() (SavedQuery, bool) {
	var found SavedQuery
	for _, s := range d.Saved {
		if s.Opens && (found.ID == 0 || s.Project != 0) {
			found = s
		}
	}
	return found, found.ID != 0
}

// TodoCount is how many patches a user has to do in all projects, from the counters: delegated to him, not archived, in a state that requires action.
func TodoCount(ctx context.Context, q sqldb.Queryer, user int64) (n int, err error) {
	if err := q.Get(ctx, &n, todoCount, user); err != nil {
		return 0, fmt.Errorf("count what user %d has to do: %w", user, err)
	}
	return n, nil
}
