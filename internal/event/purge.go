// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/sqldb"
)

// PurgeProject deletes all events of a project.
func PurgeProject(ctx context.Context, tx *sqldb.Tx, project int64) error {
	if err := discountProject(ctx, tx, project); err != nil {
		return fmt.Errorf("delete the events of project %d: %w", project, err)
	}
	for _, query := range []string{
		"DELETE FROM event_subject WHERE event_id IN (SELECT id FROM event WHERE project_id = ?)",
		"DELETE FROM event WHERE project_id = ?",
	} {
		if _, err := tx.Exec(ctx, query, project); err != nil {
			return fmt.Errorf("delete the events of project %d: %w", project, err)
		}
	}
	return nil
}

// ReleaseUser lets go of a user who is about to be deleted: what he did stays, done by nobody.
func ReleaseUser(ctx context.Context, tx *sqldb.Tx, user int64) error {
	for _, query := range []string{"UPDATE event SET actor_id = NULL WHERE actor_id = ?", "DELETE FROM event_count WHERE actor_id = ?",
		"UPDATE audit SET actor_id = NULL WHERE actor_id = ?"} {
		if _, err := tx.Exec(ctx, query, user); err != nil {
			return fmt.Errorf("release user %d: %w", user, err)
		}
	}
	return nil
}
