// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/sqldb"
)

// Todo is how many patches of a project are somebody's to do: delegated to him, not archived, in a state that requires action.
type Todo struct {
	Linkname string
	Name     string // of the project
	Patches  int
}

// Todos lists what a user has to do, by project, from the counters.
func Todos(ctx context.Context, q sqldb.Queryer, user int64) ([]Todo, error) {
	var out []Todo
	err := q.Select(ctx, &out, `SELECT j.linkname, j.name, SUM(p.patches) AS patches FROM patch_count p JOIN state s ON s.id = p.state_id AND s.action_required = TRUE JOIN project j ON j.id = p.project_id
		WHERE p.delegate_id = ? AND p.archived = FALSE GROUP BY j.linkname, j.name HAVING SUM(p.patches) > 0 ORDER BY j.linkname`, user)
	if err != nil {
		return nil, fmt.Errorf("count what user %d has to do: %w", user, err)
	}
	return out, nil
}
