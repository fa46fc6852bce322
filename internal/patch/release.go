// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/sqldb"
)

// ReleaseUser lets go of a user who is about to be deleted: patches delegated to him are nobody's, his checks stay without a user.
func ReleaseUser(ctx context.Context, tx *sqldb.Tx, user int64) error {
	var patches []int64
	err := tx.Select(ctx, &patches, "SELECT DISTINCT patch_id FROM patch_check WHERE user_id = ?", user)
	if err != nil {
		return fmt.Errorf("find checks of user %d: %w", user, err)
	}
	var series []int64
	err = tx.Select(ctx, &series, "SELECT DISTINCT series_id FROM patch WHERE delegate_id = ? AND archived = FALSE AND series_id IS NOT NULL", user)
	if err != nil {
		return fmt.Errorf("find the series of user %d: %w", user, err)
	}
	for _, query := range []string{
		"UPDATE change_row SET later = TRUE WHERE later = FALSE AND patch_id IN (SELECT id FROM patch WHERE delegate_id = ?)",
		"UPDATE patch SET delegate_id = NULL WHERE delegate_id = ?",
		"UPDATE patch_check SET user_id = NULL WHERE user_id = ?",
		"UPDATE change_set SET actor_id = 0 WHERE actor_id = ?",
	} {
		if _, err := tx.Exec(ctx, query, user); err != nil {
			return fmt.Errorf("release user %d: %w", user, err)
		}
	}
	err = sqldb.Chunks(patches, func(ids []int64) error {
		if _, err := tx.Exec(ctx, "DELETE FROM patch_check_latest WHERE patch_id IN (?)", ids); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, recheck+" AND c.patch_id IN (?)", ids)
		return err
	})
	if err != nil {
		return fmt.Errorf("find the newest checks anew: %w", err)
	}
	if err := moveCounts(ctx, tx, user); err != nil {
		return err
	}
	return retriageOf(ctx, tx, patches, nil, series)
}

// moveCounts adds what is counted for a delegate to what is counted for nobody.
func moveCounts(ctx context.Context, tx *sqldb.Tx, user int64) error {
	var counts []struct {
		Project  int64 `db:"project_id"`
		State    int64 `db:"state_id"`
		Archived bool
		Patches  int64
		Changes  int64
		Arrivals int64
	}
	if err := tx.Select(ctx, &counts, "SELECT project_id, state_id, archived, patches, changes, arrivals FROM patch_count WHERE delegate_id = ?", user); err != nil {
		return fmt.Errorf("read the counts of user %d: %w", user, err)
	}
	shifts := map[countKey]shift{}
	for _, c := range counts {
		shifts[countKey{c.Project, c.State, 0, c.Archived}] = shift{c.Patches, c.Arrivals, c.Changes} // a sum over both never falls
	}
	if err := countPatches(ctx, tx, shifts); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "DELETE FROM patch_count WHERE delegate_id = ?", user)
	return err
}

// PurgeProject deletes everything of this domain that hangs on a project.
func PurgeProject(ctx context.Context, tx *sqldb.Tx, project int64) error {
	const ofPatches = " WHERE patch_id IN (SELECT id FROM patch WHERE project_id = ?)"
	const ofSeries = " WHERE series_id IN (SELECT id FROM series WHERE project_id = ?)"
	var relations []int64
	if err := tx.Select(ctx, &relations, "SELECT DISTINCT related_id FROM patch WHERE project_id = ? AND related_id IS NOT NULL", project); err != nil {
		return fmt.Errorf("find the relations of project %d: %w", project, err)
	}
	if err := forgetProjectWords(ctx, tx, project); err != nil {
		return err
	}
	for _, query := range []string{
		"DELETE FROM patch_diff" + ofPatches,
		"DELETE FROM patch_tag" + ofPatches,
		"DELETE FROM patch_check_latest" + ofPatches,
		"DELETE FROM patch_check" + ofPatches,
		"DELETE FROM bundle_patch" + ofPatches,
		"DELETE FROM state_notice" + ofPatches,
		"DELETE FROM patch_superseded" + ofPatches,
		"DELETE FROM change_row" + ofPatches,
		"DELETE FROM change_todo" + ofPatches,
		"DELETE FROM change_place" + ofPatches,
		"DELETE FROM change_value WHERE set_id IN (SELECT id FROM change_set WHERE project_id = ?)",
		"DELETE FROM change_set WHERE project_id = ?",
		"DELETE FROM patch_comment" + ofPatches,
		"DELETE FROM cover_tag WHERE cover_id IN (SELECT id FROM cover WHERE project_id = ?)",
		"DELETE FROM cover_comment WHERE cover_id IN (SELECT id FROM cover WHERE project_id = ?)",
		"DELETE FROM series_dependency" + ofSeries,
		"DELETE FROM series_dependency WHERE depends_on_id IN (SELECT id FROM series WHERE project_id = ?)",
		"DELETE FROM series_metadata" + ofSeries,
		"DELETE FROM series_kin" + ofSeries,
		"DELETE FROM series_look" + ofSeries,
		"DELETE FROM series_need WHERE project_id = ?",
		"DELETE FROM series_reference WHERE project_id = ?",
		"DELETE FROM withheld WHERE kind = 'patch' AND id IN (SELECT id FROM patch WHERE project_id = ?)",
		"DELETE FROM withheld WHERE kind = 'cover' AND id IN (SELECT id FROM cover WHERE project_id = ?)",
		"DELETE FROM withheld WHERE kind = 'series' AND id IN (SELECT id FROM series WHERE project_id = ?)",
		"DELETE FROM patch WHERE project_id = ?",
		"DELETE FROM cover WHERE project_id = ?",
		"DELETE FROM series WHERE project_id = ?",
		"DELETE FROM patch_count WHERE project_id = ?",
		"DELETE FROM list_count WHERE project_id = ?",
		"DELETE FROM series_triage WHERE project_id = ?",
		"DELETE FROM triage_count WHERE project_id = ?",
		"DELETE FROM triage_sweep WHERE project_id = ?",
		"DELETE FROM saved_query WHERE project_id = ?",
		"DELETE FROM bundle WHERE project_id = ?",
		"DELETE FROM delegation_rule WHERE project_id = ?",
	} {
		if _, err := tx.Exec(ctx, query, project); err != nil {
			return fmt.Errorf("delete the patches of project %d: %w", project, err)
		}
	}
	for _, id := range relations {
		if err := settleRelation(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}
