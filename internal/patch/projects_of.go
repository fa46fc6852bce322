// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/sqldb"
)

// ProjectName is what a list of projects shows.
type ProjectName struct{ Linkname, Name string }

// ownSeries bounds how many series of a user are looked at to learn where he has sent some.
const ownSeries = 5000

// ProjectsOf lists the projects that a user maintains, and those that his persons have sent series to: of whoever sent more than 5,000, as far as these tell.
// Two queries.
func ProjectsOf(ctx context.Context, q sqldb.Queryer, user int64, persons []int64) (maintains, contributes []ProjectName, err error) {
	err = q.Select(ctx, &maintains, "SELECT j.linkname, j.name FROM project_maintainer m JOIN project j ON j.id = m.project_id WHERE m.user_id = ? ORDER BY j.name", user)
	if err == nil && len(persons) > 0 {
		err = q.Select(ctx, &contributes, `SELECT j.linkname, j.name FROM project j WHERE j.id IN
			(SELECT s.project_id FROM (SELECT project_id FROM series WHERE submitter_id IN (?) LIMIT ?) s) ORDER BY j.name`, persons, ownSeries)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("list the projects of user %d: %w", user, err)
	}
	return maintains, contributes, nil
}
