// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// The states of a change set.
const (
	SetDraft     = "draft"     // its patches are known, nobody has said yes
	SetWaiting   = "waiting"   // a job does it, or will
	SetDone      = "done"      // every patch was looked at
	SetCancelled = "cancelled" // as far as it had come
	SetFailed    = "failed"    // as far as it had come; Reason says why
)

// How long change sets are good for.
const (
	UndoWindow = 10 * time.Minute   // from the end of a change
	draftAge   = time.Hour          // until it must be confirmed
	waitingAge = 7 * 24 * time.Hour // for a job that nobody runs
	keepSets   = 24 * time.Hour     // from the end of a change
)

// ChangeSet is one change of one or many patches, as it is kept so that it can be taken back.
type ChangeSet struct {
	ID        int64
	Project   int64 `db:"project_id"` // 0: patches of several
	Actor     int64 `db:"actor_id"`   // 0: no user
	Via       string
	At        clock.Time
	State     string
	Wanted    string     // JSON; see Change
	Undoes    int64      `db:"undoes_id"` // the set that this one takes back; 0: none
	UndoneBy  int64      `db:"undone_by"` // the set that takes this one back; 0: none
	Total     int        // patches to be looked at
	Done      int        // of them were
	Changed   int        // are different now
	Refused   int        // may not be changed by the actor
	Overtaken int        // left alone: somebody changed it since
	Lost      int        // do not exist any more, or can't be as wanted; of an undo each patch is in one of these four
	Back      string     // the page that the actor came from; empty: not known
	Reason    string     // why it failed
	Finished  clock.Time `db:"finished_at"` // 0: it has not ended
	Expires   clock.Time `db:"expires_at"`
}

const setColumns = `SELECT s.id, s.project_id, s.actor_id, s.via, s.at, s.state, s.wanted, s.undoes_id, s.undone_by, s.total, s.done, s.changed, s.refused, s.overtaken,
	s.lost, s.back, s.reason, s.finished_at, s.expires_at FROM change_set s`

// wanted is a Change as it is stored.
type wanted struct {
	State     *int64      `json:"state,omitempty"`
	Delegate  *int64      `json:"delegate,omitempty"`
	Archived  *bool       `json:"archived,omitempty"`
	CommitRef *string     `json:"commit_ref,omitempty"`
	PullURL   *string     `json:"pull_url,omitempty"`
	Related   *bool       `json:"related,omitempty"` // whether patches were related, or one taken out of its relation
	Bundle    *BundleEdit `json:"bundle,omitempty"`
	Series    *SeriesEdit `json:"series,omitempty"`
	Gone      []int64     `json:"gone,omitempty"` // no wish: see ChangeSet.Gone
}

func (c Change) stored() string {
	w := wanted{State: c.State, Delegate: c.Delegate, Archived: c.Archived, CommitRef: c.CommitRef, PullURL: c.PullURL}
	if c.Related != nil {
		joined := len(*c.Related) > 0
		w.Related = &joined
	}
	return w.text()
}

func (w wanted) text() string {
	text, _ := json.Marshal(w) // of plain values: it can't fail
	return string(text)
}

func (s ChangeSet) wants() (w wanted) {
	_ = json.Unmarshal([]byte(s.Wanted), &w) // what can't be read wants nothing
	return w
}

// Related tells whether the set related patches, or took one out of its relation; nil: neither.
func (s ChangeSet) Related() *bool { return s.wants().Related }

// Bundle is what the set did to a bundle; nil: nothing.
func (s ChangeSet) Bundle() *BundleEdit { return s.wants().Bundle }

// Series is what the set did to a series itself; nil: nothing.
func (s ChangeSet) Series() *SeriesEdit { return s.wants().Series }

// Gone are the first 20 patches that do not exist any more, or can't be as wanted: those that Lost counts, but of bundles.
func (s ChangeSet) Gone() []int64 { return s.wants().Gone }

// lose counts patches that are gone, or can't be as wanted.
func (s *ChangeSet) lose(ids ...int64) {
	s.Lost += len(ids)
	w := s.wants()
	if room := maxRefusedNames - len(w.Gone); len(ids) > 0 && room > 0 {
		w.Gone = append(w.Gone, ids[:min(room, len(ids))]...)
		s.Wanted = w.text()
	}
}

// What became of a bundle or a series itself when a change of it was taken back, if it did not come back.
const (
	LeftOvertaken = "overtaken" // somebody changed it since
	LeftRefused   = "refused"   // it is not the actor's to change
	LeftLost      = "lost"      // it is gone
)

// Left says so; empty: it came back, or the set was not about that.
func (s ChangeSet) Left() string {
	if e := s.Series(); e != nil {
		return e.Left
	} else if b := s.Bundle(); b != nil {
		return b.Left
	}
	return ""
}

// Patches counts the patches that are different now: Changed without the series or the bundle itself.
func (s ChangeSet) Patches() int {
	b := s.Bundle()
	if s.Changed > 0 && s.Left() == "" && (s.Series() != nil || b != nil && b.Own) {
		return s.Changed - 1
	}
	return s.Changed // of a series of which only patches were changed there is no Series
}

// What the set is about, in a word: patches, relation, series, bundle-… with what was done to one, or undo.
func (s ChangeSet) What() string {
	w := s.wants()
	switch {
	case s.Undoes != 0:
		return "undo"
	case w.Bundle != nil:
		return "bundle-" + w.Bundle.What
	case w.Series != nil:
		return "series"
	case w.Related != nil && s.Change().Empty():
		return "relation"
	}
	return "patches"
}

// Change is what the set wants of its patches; empty for one that takes another back, or is about relations or a bundle.
func (s ChangeSet) Change() Change {
	w := s.wants()
	return Change{State: w.State, Delegate: w.Delegate, Archived: w.Archived, CommitRef: w.CommitRef, PullURL: w.PullURL}
}

// Ended tells whether nothing more will be changed by the set.
func (s ChangeSet) Ended() bool { return s.Finished != 0 }

// MayUndo is nil if the set can be taken back now; else fault.Conflict says why not.
func (s ChangeSet) MayUndo(now clock.Time) error {
	switch {
	case s.UndoneBy != 0:
		return fault.New(fault.Conflict, "this change was taken back already")
	case !s.Ended():
		return fault.New(fault.Conflict, "this change has not ended; cancel it first")
	case s.Changed == 0:
		return fault.New(fault.Conflict, "this change has changed nothing")
	case now > s.Finished.Add(UndoWindow):
		return fault.New(fault.Conflict, "a change can be taken back for %d minutes", int(UndoWindow.Minutes()))
	}
	return nil
}

func (s *ChangeSet) finish(now clock.Time, state string) {
	s.State, s.Finished, s.Expires = state, now, now.Add(keepSets)
}

func (s *ChangeSet) insert(ctx context.Context, tx *sqldb.Tx) (err error) {
	if s.ID, err = tx.NextID(ctx, "change_set"); err != nil {
		return err
	}
	columns := []string{"id", "project_id", "actor_id", "via", "at", "state", "wanted", "undoes_id", "undone_by", "total", "done", "changed", "refused", "overtaken", "lost",
		"back", "reason", "finished_at", "expires_at"}
	return tx.Insert(ctx, "change_set", columns, [][]any{{s.ID, s.Project, s.Actor, s.Via, int64(s.At), s.State, s.Wanted, s.Undoes, s.UndoneBy, s.Total, s.Done, s.Changed, s.Refused,
		s.Overtaken, s.Lost, s.Back, s.Reason, int64(s.Finished), int64(s.Expires)}})
}

// save writes what may change of a set.
func (s *ChangeSet) save(ctx context.Context, tx *sqldb.Tx) error {
	_, err := tx.Exec(ctx, `UPDATE change_set SET at = ?, state = ?, wanted = ?, undone_by = ?, total = ?, done = ?, changed = ?, refused = ?, overtaken = ?, lost = ?, reason = ?, finished_at = ?, expires_at = ?
		WHERE id = ?`, int64(s.At), s.State, s.Wanted, s.UndoneBy, s.Total, s.Done, s.Changed, s.Refused, s.Overtaken, s.Lost, s.Reason, int64(s.Finished), int64(s.Expires), s.ID)
	return err
}

// ReadSet reads a change set of the actor; those of others are there for administrators only, else fault.NotFound.
func ReadSet(ctx context.Context, q sqldb.Queryer, by account.Actor, id int64) (ChangeSet, error) {
	return readSet(ctx, q, by, id, "")
}

// holdSet locks the set until the transaction ends. Who needs a project locked too locks that later.
func holdSet(ctx context.Context, tx *sqldb.Tx, by account.Actor, id int64) (ChangeSet, error) {
	return readSet(ctx, tx, by, id, tx.LockRows())
}

func readSet(ctx context.Context, q sqldb.Queryer, by account.Actor, id int64, lock string) (ChangeSet, error) {
	var s ChangeSet
	err := q.Get(ctx, &s, setColumns+" WHERE s.id = ?"+lock, id)
	switch {
	case fault.Is(err, fault.NotFound) || err == nil && !by.Admin && (by.User == 0 || by.User != s.Actor):
		return ChangeSet{}, fault.New(fault.NotFound, "there is no change %d", id)
	case err != nil:
		return ChangeSet{}, fmt.Errorf("read change %d: %w", id, err)
	}
	return s, nil
}

// DraftSeries counts the series that the patches of a set are of which it has still to look at.
func DraftSeries(ctx context.Context, q sqldb.Queryer, set int64) (n int, err error) {
	err = q.Get(ctx, &n, "SELECT COUNT(DISTINCT p.series_id) FROM change_todo d JOIN patch p ON p.id = d.patch_id WHERE d.set_id = ?", set)
	if err != nil {
		return 0, fmt.Errorf("count the series of change %d: %w", set, err)
	}
	return n, nil
}

// RecentSets lists the latest changes of a user, at most limit, without those he has not confirmed.
func RecentSets(ctx context.Context, q sqldb.Queryer, user int64, limit int) ([]ChangeSet, error) {
	var out []ChangeSet
	if err := q.Select(ctx, &out, setColumns+" WHERE s.actor_id = ? AND s.state <> 'draft' ORDER BY s.at DESC, s.id DESC LIMIT ?", user, limit); err != nil {
		return nil, fmt.Errorf("list the changes of user %d: %w", user, err)
	}
	return out, nil
}

// maxRefusedNames is how many patches that were refused, or left alone, a set names.
const maxRefusedNames = 20

// RefusedOf reads the names of the first 20 patches that a change was refused for, and the Message-IDs that their pages are at.
func RefusedOf(ctx context.Context, q sqldb.Queryer, set int64) ([]*MailRef, error) {
	var out []*MailRef
	err := q.Select(ctx, &out, `SELECT p.id, p.name, COALESCE(m.msgid_long, m.msgid) AS msgid, p.date, p.project_id AS project FROM change_row r JOIN patch p ON p.id = r.patch_id
		JOIN message m ON m.id = p.message_id AND m.hidden = FALSE WHERE r.set_id = ? AND r.field = 'refused' ORDER BY p.id`, set)
	if err != nil {
		return nil, fmt.Errorf("read what change %d was refused for: %w", set, err)
	}
	return out, nil
}

// PatchRefs reads those of some patches that exist and are not hidden: their names, projects and the Message-IDs that their pages are at.
func PatchRefs(ctx context.Context, q sqldb.Queryer, ids []int64) (map[int64]*MailRef, error) {
	out := map[int64]*MailRef{}
	err := sqldb.Chunks(ids, func(ids []int64) error {
		var some []*MailRef
		err := q.Select(ctx, &some, `SELECT p.id, p.name, COALESCE(m.msgid_long, m.msgid) AS msgid, p.date, p.project_id AS project FROM patch p
			JOIN message m ON m.id = p.message_id AND m.hidden = FALSE WHERE p.id IN (?)`, ids)
		for _, r := range some {
			out[r.ID] = r
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the names of %d patches: %w", len(ids), err)
	}
	return out, nil
}

// changedRow is one field of one patch that changed.
type changedRow struct {
	Patch   int64 `db:"patch_id"`
	project int64
	Field   string
	Old     string `db:"old_value"`
	New     string `db:"new_value"`
	Later   bool
}

// fieldsOf are what of a patch can be taken back, as texts.
func fieldsOf(p *held) map[string]string {
	return map[string]string{"state": strconv.FormatInt(p.State, 10), "delegate": strconv.FormatInt(p.Delegate, 10), "archived": strconv.FormatBool(p.Archived),
		"commit": p.CommitRef, "pull": p.PullURL, relationField: strconv.FormatInt(p.Relation, 10)}
}

// changeFields are their names, in the order in which they are written.
var changeFields = []string{"state", "delegate", "archived", "commit", "pull", relationField}

// relationField is the field of the number of a patch's relation, 0 for none; see relationChange.
const relationField = "relation"

// keep notes what changed of a patch.
func (u *update) keep(old, p *held) {
	was, is := fieldsOf(old), fieldsOf(p)
	for _, field := range changeFields {
		if was[field] != is[field] {
			u.rows = append(u.rows, changedRow{Patch: p.ID, project: p.Project, Field: field, Old: was[field], New: is[field]})
		}
	}
}

// record writes down what changed, so that it can be taken back, and that the patches that earlier changes were about were changed once more.
func (u *update) record(ctx context.Context) error {
	if len(u.rows) == 0 {
		return nil
	}
	var ids []int64
	for _, r := range u.rows {
		ids = append(ids, r.Patch)
	}
	if u.set == nil {
		return patchMarks.overtakeForGood(ctx, u.tx, unique(ids))
	}
	over, err := patchMarks.overtake(ctx, u.tx, u.now, u.set.ID, unique(ids))
	if err != nil {
		return err
	}
	if u.set.ID == 0 {
		u.set.Project = oneProjectOf(u.rows)
		if err := u.set.insert(ctx, u.tx); err != nil {
			return fmt.Errorf("write down the change: %w", err)
		}
	}
	return insertRows(ctx, u.tx, u.set.ID, append(u.rows, overRows(over)...))
}

func insertRows(ctx context.Context, tx *sqldb.Tx, set int64, list []changedRow) error {
	var rows [][]any
	for _, r := range list {
		rows = append(rows, []any{set, r.Patch, r.Field, r.Old, r.New, false})
	}
	if err := tx.Insert(ctx, "change_row", []string{"set_id", "patch_id", "field", "old_value", "new_value", "later"}, rows); err != nil {
		return fmt.Errorf("write down what changed: %w", err)
	}
	return nil
}

// oneProjectOf is the project that all rows are of, 0 if there are several.
func oneProjectOf(rows []changedRow) int64 {
	for _, r := range rows {
		if r.project != rows[0].project {
			return 0
		}
	}
	return rows[0].project
}

// newSet is a set that has not been written.
func newSet(by account.Actor, now clock.Time, c Change) *ChangeSet {
	return &ChangeSet{Actor: by.User, Via: by.Via, At: now, State: SetDraft, Wanted: c.stored()}
}

// SweepSets forgets change sets that are not kept any longer, and returns how many.
func SweepSets(ctx context.Context, db *sqldb.DB, now clock.Time) (total int, err error) {
	const batch = 20
	for {
		var ids []int64
		if err := db.Select(ctx, &ids, "SELECT id FROM change_set WHERE expires_at < ? ORDER BY expires_at, id LIMIT ?", int64(now), batch); err != nil || len(ids) == 0 {
			return total, err
		}
		for _, id := range ids {
			if err := forgetSet(ctx, db, id); err != nil {
				return total, fmt.Errorf("forget change %d: %w", id, err)
			}
		}
		total += len(ids)
	}
}

// forgetSet deletes a set, a thousand patches at a time.
func forgetSet(ctx context.Context, db *sqldb.DB, id int64) error {
	for _, q := range [][2]string{
		{"SELECT patch_id FROM change_todo WHERE set_id = ? ORDER BY patch_id LIMIT ?", "DELETE FROM change_todo WHERE set_id = ? AND patch_id IN (?)"},
		{"SELECT DISTINCT patch_id FROM change_row WHERE set_id = ? ORDER BY patch_id LIMIT ?", "DELETE FROM change_row WHERE set_id = ? AND patch_id IN (?)"},
	} {
		for more := true; more; {
			err := db.Tx(ctx, func(tx *sqldb.Tx) error {
				var ids []int64
				err := tx.Select(ctx, &ids, q[0], id, MaxChanged)
				if more = len(ids) == MaxChanged; err != nil || len(ids) == 0 {
					return err
				}
				_, err = tx.Exec(ctx, q[1], id, ids)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return db.Tx(ctx, func(tx *sqldb.Tx) error {
		for _, q := range []string{"DELETE FROM change_place WHERE set_id = ?", "DELETE FROM change_value WHERE set_id = ?"} { // a bundle, and a series, have few
			if _, err := tx.Exec(ctx, q, id); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "DELETE FROM change_set WHERE id = ?", id)
		return err
	})
}
