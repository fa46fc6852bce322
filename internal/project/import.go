// SPDX-License-Identifier: GPL-2.0-or-later

package project

import (
	"context"
	"strings"

	"patchwork.example/pw/internal/base/sqldb"
)

// ImportProjects writes projects of another system, with its ids and without any check but those of the database. Whoever calls it
// reserves the ids (sqldb.Tx.ReserveIDs: project).
func ImportProjects(ctx context.Context, tx *sqldb.Tx, projects []Project) error {
	rows := make([][]any, 0, len(projects))
	for _, p := range projects {
		rows = append(rows, p.row())
	}
	return tx.Insert(ctx, "project", strings.Split(strings.Join(strings.Fields(columns), ""), ","), rows)
}

// ImportedMaintainer says that a user maintains a project.
type ImportedMaintainer struct{ Project, User int64 }

// ImportMaintainers writes who maintains what.
func ImportMaintainers(ctx context.Context, tx *sqldb.Tx, list []ImportedMaintainer) error {
	rows := make([][]any, 0, len(list))
	for _, m := range list {
		rows = append(rows, []any{m.Project, m.User})
	}
	return tx.Insert(ctx, "project_maintainer", []string{"project_id", "user_id"}, rows)
}
