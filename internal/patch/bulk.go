// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/job"
)

// MaxSelected is how many patches one change may be for: as many as lists count exactly.
const MaxSelected = CountLimit

// maxPending is how many changes of one user may wait at a time.
const maxPending = 5

// Selection says which patches a change is for. Exactly one of Patches, Series, Found and Work counts, in this order.
type Selection struct {
	Patches []int64
	Series  []int64    // all patches of these, without hidden ones
	Found   *Query     // all that match
	Work    *WorkQuery // all patches of all series that match
	Arrived clock.Time // with Found and Work: no patch whose mail came later; 0: all
}

// IDs finds the patches, at most limit of them.
func (sel Selection) IDs(ctx context.Context, q sqldb.Queryer, limit int) ([]int64, error) {
	ids, _, err := sel.find(ctx, q, limit)
	return ids, err
}

// find is IDs, and how many rows of a list that are: series with Work, else patches.
func (sel Selection) find(ctx context.Context, q sqldb.Queryer, limit int) (ids []int64, rows int, err error) {
	switch {
	case len(sel.Patches) > 0:
		ids = unique(sel.Patches)
		ids = ids[:min(len(ids), limit)]
	case len(sel.Series) > 0:
		ids, _, err = seriesPatches(ctx, q, unique(sel.Series), 0, limit)
	case sel.Found != nil:
		f := *sel.Found
		f.arrived = sel.Arrived
		ids, err = IDs(ctx, q, f, limit)
	case sel.Work != nil:
		series, err := WorkIDs(ctx, q, *sel.Work, limit)
		if err != nil {
			return nil, 0, err
		}
		return seriesPatches(ctx, q, series, sel.Arrived, limit)
	}
	return ids, len(ids), err
}

// seriesPatches finds the patches of series, but those whose mail came after arrived (0: none), and how many of the series have some.
func seriesPatches(ctx context.Context, q sqldb.Queryer, series []int64, arrived clock.Time, limit int) (ids []int64, of int, err error) {
	w := Query{arrived: arrived}.conditions()
	err = sqldb.Chunks(series, func(series []int64) error {
		var some []struct{ ID, Series int64 }
		args := append(append([]any{series}, w.args...), limit-len(ids))
		err := q.Select(ctx, &some, "SELECT p.id, p.series_id AS series FROM patch p WHERE p.series_id IN (?) AND "+strings.Join(w.parts, " AND ")+" ORDER BY p.series_id, p.id LIMIT ?", args...)
		for i, p := range some {
			ids = append(ids, p.ID)
			if i == 0 || p.Series != some[i-1].Series {
				of++
			}
		}
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("find the patches of %d series: %w", len(series), err)
	}
	slices.Sort(ids)
	return ids, of, nil
}

// Request is a change of many patches as a page asks for it.
type Request struct {
	Selection
	Project int64 // where it is asked for; 0: of several
	Change  Change
	Seen    int    // as many patches, with Work series, the actor was told of; if there are more, he is asked. 0: he is told nothing
	Ask     bool   // he wants to be asked
	Back    string // the page that he comes from

	more bool // there are more than Seen
}

// ChangeMany does what a page asks for: up to MaxChanged patches are changed at once, as Update does it but without those that are gone, and the set is done; more are written down, so that
// those are changed that the actor saw, and changed by a job. If he is to be asked, the set is a draft, which Start begins. Nothing selected, and more than MaxSelected patches,
// are fault.Invalid. A set without an ID says that nothing was different.
func ChangeMany(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, r Request) (s ChangeSet, done Changed, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		s, done = ChangeSet{}, Changed{}
		ids, rows, err := r.find(ctx, tx, MaxSelected+1)
		r.more = r.Seen > 0 && rows > r.Seen
		switch {
		case err != nil:
			return err
		case len(ids) == 0 && len(r.Series) > 0:
			return fault.New(fault.Invalid, "the series that were selected are gone, or have no patches")
		case len(ids) == 0:
			return errNothing
		case len(ids) > MaxSelected:
			return fault.New(fault.Invalid, "more than %d patches match; narrow the filter", MaxSelected)
		case len(ids) <= MaxChanged && !r.Ask && !r.more:
			r.Change.SkipGone = true
			if done, err = updateAll(ctx, tx, by, now, ids, r.Change); err != nil {
				return err
			}
			s = ChangeSet{ID: done.Set, State: SetDone}
			done.GoneSeries, err = goneSeries(ctx, tx, r.Series)
			return err
		}
		s, err = r.freeze(ctx, tx, by, now, ids)
		return err
	})
	if err != nil {
		return ChangeSet{}, Changed{}, fmt.Errorf("change many patches: %w", err)
	}
	return s, done, nil
}

// freeze writes down which patches are meant, and queues the job unless the actor is to be asked.
func (r Request) freeze(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, ids []int64) (ChangeSet, error) {
	if err := r.possible(ctx, tx, by, now, ids); err != nil {
		return ChangeSet{}, err
	}
	if err := tidyPending(ctx, tx, by, now); err != nil {
		return ChangeSet{}, err
	}
	s := *newSet(by, now, r.Change)
	s.Project, s.Back, s.Total, s.Expires = r.Project, r.Back, len(ids), now.Add(draftAge)
	if err := s.insert(ctx, tx); err != nil {
		return s, err
	}
	if r.Ask || r.more {
		return s, writeTodo(ctx, tx, s.ID, ids)
	}
	return s, s.begin(ctx, tx, by, now, ids)
}

// possible refuses what would fail for a patch.
func (r Request) possible(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, ids []int64) error {
	c := r.Change
	if c.Empty() {
		return fault.New(fault.Invalid, "No change was chosen; nothing updated")
	}
	u, err := newUpdate(ctx, tx, by, now, c)
	switch {
	case err != nil:
		return err
	case c.Related != nil:
		return fault.New(fault.Invalid, "related patches are given for one patch at a time")
	case c.State != nil && u.book.slug(*c.State) == "":
		return wrongField("state", "there is no state %d", *c.State)
	case c.Delegate != nil && *c.Delegate != 0:
		if err := r.delegable(ctx, tx, u.maintainers, ids); err != nil {
			return err
		}
	}
	return c.valid(nil)
}

// delegable refuses a delegate who does not maintain the projects that the patches are of.
func (r Request) delegable(ctx context.Context, tx *sqldb.Tx, maintainers map[int64]map[int64]bool, ids []int64) error {
	projects := []int64{r.Project}
	if r.Project == 0 {
		projects = nil
		err := sqldb.Chunks(ids, func(ids []int64) error {
			var some []int64
			err := tx.Select(ctx, &some, "SELECT DISTINCT project_id FROM patch WHERE id IN (?)", ids)
			projects = append(projects, some...)
			return err
		})
		if err != nil {
			return fmt.Errorf("find the projects of %d patches: %w", len(ids), err)
		}
	}
	for _, project := range projects {
		if !maintainers[project][*r.Change.Delegate] {
			return wrongField("delegate", "the delegate must be a maintainer of the project")
		}
	}
	return nil
}

// tidyPending forgets what the actor was asked before and never answered, and refuses more than some changes that wait.
func tidyPending(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time) error {
	var waiting int
	if err := tx.Get(ctx, &waiting, "SELECT COUNT(*) FROM change_set WHERE actor_id = ? AND state = 'waiting'", by.User); err != nil {
		return err
	}
	if waiting >= maxPending {
		return fault.New(fault.Conflict, "%d changes of yours are still under way; wait for one to end, or cancel it", waiting)
	}
	_, err := tx.Exec(ctx, "UPDATE change_set SET expires_at = 0 WHERE actor_id = ? AND state = 'draft'", by.User) // the next sweep takes them
	return err
}

func writeTodo(ctx context.Context, tx *sqldb.Tx, set int64, ids []int64) error {
	rows := make([][]any, 0, len(ids))
	for _, id := range ids {
		rows = append(rows, []any{set, id})
	}
	if err := tx.Insert(ctx, "change_todo", []string{"set_id", "patch_id"}, rows); err != nil {
		return fmt.Errorf("write down %d patches: %w", len(ids), err)
	}
	return nil
}

// begin does a set that is written: at once, or by a job.
func (s *ChangeSet) begin(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, ids []int64) error {
	if len(ids) > MaxChanged {
		if err := writeTodo(ctx, tx, s.ID, ids); err != nil {
			return err
		}
		return s.queue(ctx, tx, now)
	}
	if err := s.do(ctx, tx, by, now, ids); err != nil {
		return err
	}
	s.finish(now, SetDone)
	return s.save(ctx, tx)
}

// do changes some patches of the set, or takes their change back. The set has then to be saved.
func (s *ChangeSet) do(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, ids []int64) error {
	s.Done += len(ids)
	u, err := newUpdate(ctx, tx, by, now, s.Change())
	if err != nil {
		return err
	}
	u.set = s
	if s.Undoes != 0 {
		err = u.takeBack(ctx, ids)
	} else {
		err = u.changeThere(ctx, ids)
	}
	if err != nil {
		return err
	}
	return insertRows(ctx, tx, s.ID, u.refusals)
}

// changeThere changes those of some patches that exist, are not hidden, and that the actor may edit.
func (u *update) changeThere(ctx context.Context, ids []int64) error {
	patches, err := holdThere(ctx, u.tx, ids)
	if err != nil {
		return err
	}
	patches = slices.DeleteFunc(patches, func(p *held) bool { return p.Withheld })
	u.set.lose(without(ids, patches)...)
	for _, p := range patches {
		if !u.mayEdit(p) {
			u.refuse(p)
		} else if err := u.apply(p); err != nil {
			return err
		}
	}
	u.set.Changed += len(u.touched)
	return u.write(ctx)
}

// without are those of some patches that are not held.
func without(ids []int64, patches []*held) []int64 {
	there := map[int64]bool{}
	for _, p := range patches {
		there[p.ID] = true
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return there[id] })
}

// refuse counts a patch that the actor may not edit.
func (u *update) refuse(p *held) {
	if u.set.Refused++; u.set.Refused <= maxRefusedNames {
		u.refusals = append(u.refusals, changedRow{Patch: p.ID, Field: refusedField})
	}
}

// Start begins a draft whose actor has said yes: up to MaxChanged patches at once, more by a job. One that is no draft any more is fault.Conflict.
func Start(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, id int64) (s ChangeSet, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		if s, err = holdSet(ctx, tx, by, id); err != nil {
			return err
		}
		switch {
		case s.State != SetDraft:
			return fault.New(fault.Conflict, "this change was begun already")
		case now > s.Expires:
			return fault.New(fault.Conflict, "this was asked too long ago, or something else was asked since; select the patches again")
		}
		s.At = now
		if s.Total > MaxChanged {
			return s.queue(ctx, tx, now)
		}
		return s.all(ctx, tx, by, now)
	})
	if err != nil {
		return ChangeSet{}, fmt.Errorf("begin change %d: %w", id, err)
	}
	return s, nil
}

// all does a whole set at once.
func (s *ChangeSet) all(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time) error {
	more := true
	for more {
		var err error
		if more, err = s.step(ctx, tx, by, now); err != nil {
			return err
		}
	}
	return nil
}

func (s *ChangeSet) queue(ctx context.Context, tx *sqldb.Tx, now clock.Time) error {
	s.State, s.Expires = SetWaiting, now.Add(waitingAge)
	if err := s.save(ctx, tx); err != nil {
		return err
	}
	_, err := job.Enqueue(ctx, tx, now, job.New{Kind: changeJob, Target: fmt.Sprintf("change:%d", s.Project), MaxAttempts: 1000, Payload: changePayload{s.ID}})
	return err
}

// Cancel ends a change that waits or is under way; what was changed stays so, and can be taken back. A draft is forgotten. One that has ended is fault.Conflict.
func Cancel(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, id int64) (s ChangeSet, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		if s, err = holdSet(ctx, tx, by, id); err != nil {
			return err
		}
		if s.Ended() {
			return fault.New(fault.Conflict, "this change has ended already")
		}
		return s.stop(ctx, tx, now, SetCancelled, "")
	})
	if err != nil {
		return ChangeSet{}, fmt.Errorf("cancel change %d: %w", id, err)
	}
	return s, nil
}

// stop ends a set before all patches were looked at.
func (s *ChangeSet) stop(ctx context.Context, tx *sqldb.Tx, now clock.Time, state, reason string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM change_todo WHERE set_id = ?", s.ID); err != nil {
		return err
	}
	s.Reason = reason
	s.finish(now, state)
	return s.save(ctx, tx)
}

// chunk is how many patches a job changes in one transaction.
const chunk = 500

// step looks at the next patches of a set.
func (s *ChangeSet) step(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time) (more bool, err error) {
	var ids []int64
	if err := tx.Select(ctx, &ids, "SELECT patch_id FROM change_todo WHERE set_id = ? ORDER BY patch_id LIMIT ?", s.ID, chunk); err != nil {
		return false, err
	}
	if len(ids) > 0 {
		if _, err := tx.Exec(ctx, "DELETE FROM change_todo WHERE set_id = ? AND patch_id IN (?)", s.ID, ids); err != nil {
			return false, err
		}
		if err := s.do(ctx, tx, by, now, ids); err != nil {
			return false, err
		}
	}
	if more = len(ids) == chunk; !more {
		s.finish(now, SetDone)
	}
	return more, s.save(ctx, tx)
}

// changeJob is the kind of job that changes many patches.
const changeJob = "change"

type changePayload struct {
	Set int64 `json:"set"`
}

// Changer does changes of many patches in the background.
type Changer struct {
	db    *sqldb.DB
	clock clock.Clock
}

// NewChanger makes a Changer.
func NewChanger(db *sqldb.DB, c clock.Clock) *Changer { return &Changer{db: db, clock: c} }

// Kind is how its jobs are run.
func (c *Changer) Kind() job.Kind { return job.Kind{Name: changeJob, Handle: c.handle} }

// handle does a set, 500 patches in a transaction each, which takes them off the list of what is to be done: whenever it is killed, the next attempt goes on with
// the rest.
func (c *Changer) handle(ctx context.Context, j job.Job) error {
	var p changePayload
	if err := j.Decode(&p); err != nil {
		return err
	}
	more := true
	for more {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if more, err = c.step(ctx, p.Set); err != nil {
			return c.failed(ctx, p.Set, err)
		}
	}
	return nil
}

// step does the next patches of a set with the rights that its actor has now. A set that was cancelled or forgotten has none.
func (c *Changer) step(ctx context.Context, id int64) (more bool, err error) {
	err = c.db.Tx(ctx, func(tx *sqldb.Tx) error {
		more = false
		s, err := holdSet(ctx, tx, account.Actor{Admin: true}, id)
		if fault.Is(err, fault.NotFound) || err == nil && s.State != SetWaiting {
			return nil
		}
		if err != nil {
			return err
		}
		by, err := s.actorNow(ctx, tx)
		if err != nil {
			return err
		}
		more, err = s.step(ctx, tx, by, c.clock.Now())
		return err
	})
	return more, err
}

// actorNow is who wants the change, as he is now.
func (s *ChangeSet) actorNow(ctx context.Context, q sqldb.Queryer) (account.Actor, error) {
	if s.Actor == 0 && s.Via == account.CLI.Via {
		return account.CLI, nil
	}
	u, err := account.UserByID(ctx, q, s.Actor)
	switch {
	case fault.Is(err, fault.NotFound), err == nil && !u.IsActive:
		return account.Actor{}, fault.New(fault.Denied, "the account of who wanted this is gone, or not active any more")
	case err != nil:
		return account.Actor{}, err
	}
	return account.Actor{User: u.ID, Admin: u.IsAdmin, Via: s.Via}, nil
}

// failed ends a set that can't succeed; what the database is to blame for is tried again.
func (c *Changer) failed(ctx context.Context, id int64, why error) error {
	if fault.UserText(why) == "" || !slices.Contains([]fault.Kind{fault.Invalid, fault.Denied, fault.Conflict, fault.NotFound}, fault.KindOf(why)) {
		return why
	}
	err := c.db.Tx(ctx, func(tx *sqldb.Tx) error {
		s, err := holdSet(ctx, tx, account.Actor{Admin: true}, id)
		if err != nil || s.Ended() {
			return err
		}
		return s.stop(ctx, tx, c.clock.Now(), SetFailed, fault.UserText(why))
	})
	if err != nil {
		return err
	}
	return job.Permanent(why)
}
