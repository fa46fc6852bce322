// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// A row is what is taken back as a whole: a patch, the place of one in a bundle, a bundle itself, a series itself. Whoever changes a row marks it as changed
// later in all sets that had left it as it was until then, and notes which these were. When he is taken back, the row is as those sets left it, and they are
// unmarked: they can be taken back, too. What nobody wrote down (a new version supersedes) marks for good.

// Fields of a change_row, and the last one of a change_value too, that are none of a patch.
const (
	refusedField   = "refused"   // a patch that the actor may not change
	overtakenField = "overtaken" // a patch that was left alone: old_value who changed it, new_value by which way
	overField      = "over"      // old_value: the sets that had left it as it was until this one
)

// realFields is the condition that a change_row r is of a field of a patch.
const realFields = "r.field NOT IN ('refused', 'overtaken', 'over')"

// maxOver is how many sets of one row are unmarked at most: of what is changed and taken back by turns within minutes the latest.
const maxOver = 20

// marking are the statements for the rows of one kind. Their arguments are ids of rows, a set, and what else names them.
type marking struct {
	standing, mark, unmark string
	more                   []any
}

var patchMarks = marking{
	standing: `SELECT DISTINCT r.patch_id AS id, s.id AS set_id, s.at, s.undone_by, s.finished_at FROM change_row r JOIN change_set s ON s.id = r.set_id
		WHERE r.patch_id IN (?) AND r.later = FALSE AND r.set_id <> ? AND ` + realFields,
	mark:   "UPDATE change_row SET later = TRUE WHERE patch_id IN (?) AND later = FALSE AND set_id <> ?",
	unmark: "UPDATE change_row SET later = FALSE WHERE patch_id IN (?) AND set_id = ?",
}

// placeMarks are of the patches in a bundle.
func placeMarks(bundle int64) marking {
	return marking{
		standing: `SELECT r.patch_id AS id, s.id AS set_id, s.at, s.undone_by, s.finished_at FROM change_place r JOIN change_set s ON s.id = r.set_id
			WHERE r.patch_id IN (?) AND r.later = FALSE AND r.set_id <> ? AND r.bundle_id = ?`,
		mark:   "UPDATE change_place SET later = TRUE WHERE patch_id IN (?) AND later = FALSE AND set_id <> ? AND bundle_id = ?",
		unmark: "UPDATE change_place SET later = FALSE WHERE patch_id IN (?) AND set_id = ? AND bundle_id = ?",
		more:   []any{bundle},
	}
}

// valueMarks are of bundles or series themselves.
func valueMarks(kind string) marking {
	return marking{
		standing: `SELECT DISTINCT r.subject_id AS id, s.id AS set_id, s.at, s.undone_by, s.finished_at FROM change_value r JOIN change_set s ON s.id = r.set_id
			WHERE r.subject_id IN (?) AND r.later = FALSE AND r.set_id <> ? AND r.subject = ?`,
		mark:   "UPDATE change_value SET later = TRUE WHERE subject_id IN (?) AND later = FALSE AND set_id <> ? AND subject = ?",
		unmark: "UPDATE change_value SET later = FALSE WHERE subject_id IN (?) AND set_id = ? AND subject = ?",
		more:   []any{kind},
	}
}

func (m marking) args(ids []int64, set int64) []any { return append([]any{ids, set}, m.more...) }

// standing is a set that left a row as it is.
type standing struct {
	ID       int64
	Set      int64 `db:"set_id"`
	At       clock.Time
	UndoneBy int64      `db:"undone_by"`
	Finished clock.Time `db:"finished_at"`
}

// overtake marks rows that a set changes, 0: it is not written yet, in all other sets, and returns by row the sets that can be taken back if this one is.
func (m marking) overtake(ctx context.Context, tx *sqldb.Tx, now clock.Time, set int64, ids []int64) (over map[int64]string, err error) {
	was := map[int64][]standing{}
	err = sqldb.Chunks(ids, func(ids []int64) error {
		var some []standing
		err := tx.Select(ctx, &some, m.standing, m.args(ids, set)...)
		for _, s := range some {
			was[s.ID] = append(was[s.ID], s)
		}
		if err != nil || len(some) == 0 {
			return err
		}
		_, err = tx.Exec(ctx, m.mark, m.args(ids, set)...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("note what was changed once more: %w", err)
	}
	over = map[int64]string{}
	for id, list := range was {
		if text := overText(list, now); text != "" {
			over[id] = text
		}
	}
	return over, nil
}

// overtakeForGood marks rows that are changed by what nobody can take back.
func (m marking) overtakeForGood(ctx context.Context, tx *sqldb.Tx, ids []int64) error {
	err := sqldb.Chunks(ids, func(ids []int64) error {
		_, err := tx.Exec(ctx, m.mark, m.args(ids, 0)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("note what was changed once more: %w", err)
	}
	return nil
}

// overText are the numbers of those sets that can still be taken back, the latest maxOver of them.
func overText(list []standing, now clock.Time) string {
	list = slices.DeleteFunc(list, func(s standing) bool { return s.UndoneBy != 0 || s.Finished != 0 && now > s.Finished.Add(UndoWindow) })
	slices.SortFunc(list, func(a, b standing) int { return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(b.Set, a.Set)) })
	var sets []string
	for _, s := range list[:min(len(list), maxOver)] {
		sets = append(sets, strconv.FormatInt(s.Set, 10))
	}
	return strings.Join(sets, " ")
}

// free unmarks rows in the sets that had left them as they are again.
func (m marking) free(ctx context.Context, tx *sqldb.Tx, over map[int64]string) error {
	by := map[int64][]int64{} // set → rows
	for id, text := range over {
		for word := range strings.FieldsSeq(text) {
			if set, err := strconv.ParseInt(word, 10, 64); err == nil {
				by[set] = append(by[set], id)
			}
		}
	}
	for set, ids := range by {
		err := sqldb.Chunks(ids, func(ids []int64) error {
			_, err := tx.Exec(ctx, m.unmark, m.args(ids, set)...)
			return err
		})
		if err != nil {
			return fmt.Errorf("note what is as change %d left it: %w", set, err)
		}
	}
	return nil
}

// overRows are what is noted of patches, or their places, that a set overtook.
func overRows(over map[int64]string) (list []changedRow) {
	for id, sets := range over {
		list = append(list, changedRow{Patch: id, Field: overField, Old: sets})
	}
	return list
}

// Left is a patch that an undo left alone, because somebody changed it since.
type Left struct {
	MailRef
	By  int64 // the user who did; 0: none
	Via string
}

// The patches of an undo that were left alone are named with a way of ViaVersion if a new version did it, and none if it can't be told.
const ViaVersion = "intake"

// LeftBy reads the first 20 patches that an undo left alone.
func LeftBy(ctx context.Context, q sqldb.Queryer, set int64) ([]Left, error) {
	var rows []struct {
		MailRef
		Old string `db:"old_value"`
		New string `db:"new_value"`
	}
	err := q.Select(ctx, &rows, `SELECT p.id, p.name, COALESCE(m.msgid_long, m.msgid) AS msgid, p.date, p.project_id AS project, r.old_value, r.new_value
		FROM change_row r JOIN patch p ON p.id = r.patch_id JOIN message m ON m.id = p.message_id AND m.hidden = FALSE WHERE r.set_id = ? AND r.field = 'overtaken' ORDER BY p.id`, set)
	if err != nil {
		return nil, fmt.Errorf("read what change %d left alone: %w", set, err)
	}
	var out []Left
	for _, r := range rows {
		by, _ := strconv.ParseInt(r.Old, 10, 64)
		out = append(out, Left{r.MailRef, by, r.New})
	}
	return out, nil
}

// nameLeft names patches that an undo leaves alone, and who changed them, as long as it has not named enough of them.
func (u *update) nameLeft(ctx context.Context, left []*held) error {
	room := max(0, maxRefusedNames-u.set.Overtaken)
	u.set.Overtaken += len(left)
	left = left[:min(len(left), room)]
	if len(left) == 0 {
		return nil
	}
	var ids []int64
	for _, p := range left {
		ids = append(ids, p.ID)
	}
	var rows []struct {
		Patch int64 `db:"patch_id"`
		Actor int64 `db:"actor_id"`
		Via   string
	}
	err := u.tx.Select(ctx, &rows, `SELECT r.patch_id, s.actor_id, s.via FROM change_row r JOIN change_set s ON s.id = r.set_id LEFT JOIN change_set o ON o.id = s.undoes_id
		WHERE r.patch_id IN (?) AND r.later = FALSE AND r.set_id <> ? AND r.set_id <> ? AND (s.undoes_id = 0 OR o.undoes_id <> 0) AND `+realFields+`
		ORDER BY CASE WHEN s.undoes_id = 0 THEN 1 ELSE 0 END, s.at, s.id`, ids, u.set.ID, u.set.Undoes) // not who only came back to that
	if err != nil {
		return fmt.Errorf("find out who changed %d patches: %w", len(ids), err)
	}
	by := map[int64]changedRow{}
	for _, r := range rows { // the last one counts
		by[r.Patch] = changedRow{Old: strconv.FormatInt(r.Actor, 10), New: r.Via}
	}
	for _, p := range left {
		r, known := by[p.ID]
		if !known && u.book.slug(p.State) == SupersededSlug {
			r.New = ViaVersion
		}
		u.refusals = append(u.refusals, changedRow{Patch: p.ID, Field: overtakenField, Old: r.Old, New: r.New})
	}
	return nil
}
