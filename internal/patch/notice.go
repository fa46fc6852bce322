// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// Notice is a change of a patch's state that its submitter has not been told of.
type Notice struct {
	Patch       int64
	Name        string
	MsgID       string
	Linkname    string
	ProjectName string `db:"project_name"`
	Was, Now    string // names of states
	Sends       bool   // the project still tells submitters
}

// DueNotices finds up to most persons who are to be told of changes: whose changes are all from before quiet, or one of them from before latest, so that
// somebody whose patches change all the time is told, too. Those who wait longest come first.
func DueNotices(ctx context.Context, q sqldb.Queryer, quiet, latest clock.Time, most int) (persons []int64, err error) {
	if err = q.Select(ctx, &persons, dueNotices, int64(quiet), int64(latest), most); err != nil {
		return nil, fmt.Errorf("find whom to tell of changes: %w", err)
	}
	return slices.DeleteFunc(persons, func(id int64) bool { return id == 0 }), nil
}

// dueNotices has a left join, so that SQLite goes through the notices and not through all patches there are. A notice whose patch is gone is nobody's.
const dueNotices = `SELECT COALESCE(p.submitter_id, 0) AS submitter_id FROM state_notice n LEFT JOIN patch p ON p.id = n.patch_id GROUP BY p.submitter_id
	HAVING MAX(n.modified_at) <= ? OR MIN(COALESCE(n.first_at, n.modified_at)) <= ? ORDER BY MIN(COALESCE(n.first_at, n.modified_at)), p.submitter_id LIMIT ?`

// TakeNotices removes what a person has not been told, in the caller's transaction, and returns it by project and date of the patches. A change that is
// made at the same time waits for the transaction and is told the next time.
func TakeNotices(ctx context.Context, tx *sqldb.Tx, person int64) ([]Notice, error) {
	var ids []int64
	err := tx.Select(ctx, &ids, `SELECT n.patch_id FROM state_notice n WHERE n.patch_id IN (SELECT p.id FROM patch p WHERE p.submitter_id = ?)
		ORDER BY n.patch_id`+tx.LockRows(), person)
	if err != nil {
		return nil, fmt.Errorf("lock the notices of person %d: %w", person, err)
	}
	var out []Notice
	err = sqldb.Chunks(ids, func(ids []int64) error {
		var some []Notice
		err := tx.Select(ctx, &some, `SELECT n.patch_id AS patch, p.name, COALESCE(m.msgid_long, m.msgid) AS msgid, j.linkname, j.name AS project_name,
				COALESCE(old.name, '') AS was, COALESCE(s.name, '') AS now, j.send_notifications AS sends
			FROM state_notice n JOIN patch p ON p.id = n.patch_id JOIN message m ON m.id = p.message_id AND m.hidden = FALSE JOIN project j ON j.id = p.project_id
			LEFT JOIN state old ON old.id = n.original_state_id LEFT JOIN state s ON s.id = p.state_id
			WHERE n.patch_id IN (?) ORDER BY j.linkname, p.date, p.id`, ids)
		if err != nil {
			return err
		}
		out = append(out, some...)
		_, err = tx.Exec(ctx, "DELETE FROM state_notice WHERE patch_id IN (?)", ids)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("take the notices of person %d: %w", person, err)
	}
	return out, nil
}
