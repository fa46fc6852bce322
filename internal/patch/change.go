// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/project"
)

// Change sets what is not nil.
type Change struct {
	State     *int64
	Delegate  *int64 // 0 takes the patch off everybody
	Archived  *bool
	CommitRef *string  // empty: none
	PullURL   *string  // empty: none
	Related   *[]int64 // of one patch: joins its relation and those of these patches; an empty list takes it out of its own

	AllOrNone bool // who may not edit one of the patches changes none: fault.Denied
	DryRun    bool // finds out what would change, and changes nothing
	SkipGone  bool // patches that do not exist, or are hidden, are left out and named in Changed.Gone

	// If is asked in the transaction, after its locks and before anything is changed; its error ends the change.
	If func(context.Context, *sqldb.Tx) error
}

// Empty tells that there is nothing to change.
func (c Change) Empty() bool {
	return c.State == nil && c.Delegate == nil && c.Archived == nil && c.CommitRef == nil && c.PullURL == nil && c.Related == nil
}

// Changed tells what Update did.
type Changed struct {
	Found   []int64  // ids of the patches that were looked at
	Patches int      // that are different now
	IDs     []int64  // of them
	Refused []string // names of the patches the actor may not edit; they are as before
	Denied  []int64  // ids of those
	Gone    []int64  // ids of patches that do not exist any more, or are hidden; see Change.SkipGone
	Set     int64    // the change set that Undo takes; 0: nothing can be taken back

	GoneSeries []int64 // ids of series that were selected and do not exist any more
}

// held is a patch while it is being changed.
type held struct {
	ID        int64
	Project   int64 `db:"project_id"`
	Name      string
	State     int64 `db:"state"`
	Delegate  int64 `db:"delegate"`
	Archived  bool
	CommitRef string `db:"commit_ref"`
	PullURL   string `db:"pull_url"`
	Relation  int64  // 0: none
	Series    int64  `db:"series"`
	Submitter int64  `db:"submitter"` // user, 0: none
	Withheld  bool   // it is hidden, and counted nowhere
}

// MaxChanged is how many patches are changed at most by one request that names a filter.
const MaxChanged = 1000

var errDry = errors.New("dry run")

// Update changes patches in one transaction: permissions, roll-ups and events included. A patch may be edited by the maintainers of its
// project, the user its submitter is, its delegate, and administrators; others are listed in Changed.Refused. The delegate must
// maintain the project. Ids that do not exist are fault.NotFound.
func Update(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, ids []int64, c Change) (Changed, error) {
	var out Changed
	err := db.Tx(ctx, func(tx *sqldb.Tx) (err error) {
		out, err = updateAll(ctx, tx, by, now, ids, c)
		return err
	})
	if err != nil && !errors.Is(err, errDry) {
		return Changed{Denied: out.Denied}, fmt.Errorf("change %d patches: %w", len(ids), err)
	}
	return out, nil
}

// UpdateFound is Update of all patches that a query finds when they are locked, at most 1,000: more are fault.Invalid.
func UpdateFound(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, f Query, c Change) (Changed, error) {
	var out Changed
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		found, err := IDs(ctx, tx, f, MaxChanged+1)
		switch {
		case err != nil:
			return err
		case len(found) > MaxChanged:
			return fault.New(fault.Invalid, "more than %d patches match; narrow the filter, or name the patches by ids", MaxChanged)
		case len(found) == 0:
			out = Changed{}
			return c.valid(nil)
		}
		if _, err := hold(ctx, tx, found); err != nil {
			return err
		}
		still, err := IDs(ctx, tx, f, MaxChanged+1)
		if err != nil {
			return err
		}
		still = slices.DeleteFunc(still, func(id int64) bool { return !slices.Contains(found, id) }) // of projects that are not locked
		if out = (Changed{}); len(still) > 0 {
			out, err = updateAll(ctx, tx, by, now, still, c)
		}
		return err
	})
	if err != nil && !errors.Is(err, errDry) {
		return Changed{Denied: out.Denied}, fmt.Errorf("change the patches that match: %w", err)
	}
	return out, nil
}

func updateAll(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, ids []int64, c Change) (out Changed, err error) {
	return updateIn(ctx, tx, by, now, newSet(by, now, c), ids, c)
}

// updateIn is updateAll, written down in a set that may have changed something else.
func updateIn(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, s *ChangeSet, ids []int64, c Change) (out Changed, err error) {
	if err := c.valid(ids); err != nil {
		return out, err
	}
	if c.Related != nil {
		if _, err := lockRelatives(ctx, tx, append([]int64{ids[0]}, *c.Related...), nil); err != nil {
			return out, err
		}
	}
	patches, gone, err := c.hold(ctx, tx, ids)
	if err != nil {
		return out, err
	}
	out.Gone = gone
	if c.If != nil {
		if err := c.If(ctx, tx); err != nil {
			return out, err
		}
	}
	u, err := newUpdate(ctx, tx, by, now, c)
	if err != nil {
		return out, err
	}
	u.set = s
	for _, p := range patches {
		out.Found = append(out.Found, p.ID)
		if !u.mayEdit(p) {
			out.Refused, out.Denied = append(out.Refused, p.Name), append(out.Denied, p.ID)
			continue
		}
		if c.Related != nil {
			if err := u.relate(ctx, p); err != nil {
				return out, err
			}
		}
		if err := u.apply(p); err != nil {
			return out, err
		}
	}
	out.Patches, out.IDs = len(u.touched), u.touched
	switch {
	case c.DryRun:
		return out, errDry
	case c.AllOrNone && len(out.Denied) > 0:
		return out, fault.New(fault.Denied, "you may not change %d of these %d patches", len(out.Denied), len(patches))
	}
	n := len(patches) + len(gone)
	s.Total, s.Done, s.Changed, s.Refused = s.Total+n, s.Done+n, s.Changed+out.Patches, len(out.Denied)
	s.lose(gone...)
	s.finish(now, SetDone)
	err = u.write(ctx)
	out.Set = s.ID
	return out, err
}

// MaxRef is how long a commit or the address of a pull request may be, in characters.
const MaxRef = 255

func (c Change) valid(ids []int64) error {
	for _, text := range []*string{c.CommitRef, c.PullURL} {
		if text != nil && (utf8.RuneCountInString(*text) > MaxRef || !utf8.ValidString(*text) || strings.Contains(*text, "\x00")) {
			return fault.New(fault.Invalid, "a commit and the address of a pull request may have %d characters", MaxRef)
		}
	}
	if c.Related != nil && len(ids) != 1 {
		return fault.New(fault.Invalid, "related patches are given for one patch at a time")
	}
	return nil
}

// hold is the function hold, without what is gone if that is to be skipped.
func (c Change) hold(ctx context.Context, tx *sqldb.Tx, ids []int64) (there []*held, gone []int64, err error) {
	if !c.SkipGone || len(ids) == 0 {
		there, err = hold(ctx, tx, ids)
		return there, nil, err
	}
	if there, err = holdThere(ctx, tx, unique(ids)); err != nil {
		return nil, nil, err
	}
	there = slices.DeleteFunc(there, func(p *held) bool { return p.Withheld })
	shown := map[int64]bool{}
	for _, p := range there {
		shown[p.ID] = true
	}
	return there, slices.DeleteFunc(slices.Clone(unique(ids)), func(id int64) bool { return shown[id] }), nil
}

// hold locks the projects of the patches and reads what changing them needs.
func hold(ctx context.Context, tx *sqldb.Tx, ids []int64) ([]*held, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) == 0 {
		return nil, errNothing
	}
	out, err := holdThere(ctx, tx, ids)
	if err == nil && len(out) < len(ids) {
		err = fault.New(fault.NotFound, "%d of the patches do not exist", len(ids)-len(out))
	}
	return out, err
}

// errNothing is what Patchwork 3.2 says.
var errNothing = fault.New(fault.Invalid, "No patches selected; nothing updated")

// holdThere is hold of those that exist.
func holdThere(ctx context.Context, tx *sqldb.Tx, ids []int64) ([]*held, error) {
	var projects []int64
	err := sqldb.Chunks(ids, func(ids []int64) error {
		var some []int64
		err := tx.Select(ctx, &some, "SELECT DISTINCT project_id FROM patch WHERE id IN (?)", ids)
		projects = append(projects, some...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find the projects: %w", err)
	}
	slices.Sort(projects)
	if err := project.Lock(ctx, tx, slices.Compact(projects)); err != nil {
		return nil, err
	}
	var out []*held
	err = sqldb.Chunks(ids, func(ids []int64) error {
		var some []*held
		err := tx.Select(ctx, &some, `SELECT p.id, p.project_id, p.name, COALESCE(p.state_id, 0) AS state, COALESCE(p.delegate_id, 0) AS delegate, p.archived,
				COALESCE(p.commit_ref, '') AS commit_ref, COALESCE(p.pull_url, '') AS pull_url, COALESCE(p.related_id, 0) AS relation,
				COALESCE(p.series_id, 0) AS series, COALESCE(e.user_id, 0) AS submitter, NOT (`+shownPatch+`) AS withheld
			FROM patch p LEFT JOIN person e ON e.id = p.submitter_id WHERE p.id IN (?) ORDER BY p.id`, ids)
		out = append(out, some...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the patches: %w", err)
	}
	return out, nil
}

// update is one Update at work.
type update struct {
	tx          *sqldb.Tx
	by          account.Actor
	now         clock.Time
	book        *Rulebook
	maintainers map[int64]map[int64]bool
	change      Change
	auto        bool       // nobody decided: a new version came
	set         *ChangeSet // what it is written down in; nil: nowhere

	touched, states, delegates, archives, commits, pulls []int64
	series                                               map[int64]bool // whose patches have another state
	stands                                               map[int64]bool // that may stand elsewhere
	counts                                               map[countKey]shift
	before                                               map[int64]int64 // patch → state it had, for those whose state changes
	events                                               []event.Event
	relations                                            relationChange
	rows, refusals                                       []changedRow
}

func newUpdate(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, c Change) (*update, error) {
	maintainers, err := project.MaintainerIDs(ctx, tx)
	if err != nil {
		return nil, err
	}
	book, err := LoadRulebook(ctx, tx)
	if err != nil {
		return nil, err
	}
	return &update{tx: tx, by: by, now: now, book: book, maintainers: maintainers, change: c}, nil
}

func (u *update) mayEdit(p *held) bool {
	return EditsPatch(u.by, u.maintainers[p.Project][u.by.User], p.Submitter, p.Delegate)
}

// apply changes p in memory and notes what must be written for it.
func (u *update) apply(p *held) error {
	old := *p
	c := u.change
	if c.State != nil && *c.State != p.State {
		if u.book.slug(*c.State) == "" {
			return wrongField("state", "there is no state %d", *c.State)
		}
		p.State = *c.State
		u.states = append(u.states, p.ID)
		u.note(p, EventPatchStateChanged, Payload{Patch: p.ID, PreviousState: u.book.slug(old.State), CurrentState: u.book.slug(p.State)})
	}
	if c.Delegate != nil && *c.Delegate != p.Delegate {
		if *c.Delegate != 0 && !u.maintainers[p.Project][*c.Delegate] {
			return wrongField("delegate", "the delegate must be a maintainer of the project")
		}
		p.Delegate = *c.Delegate
		u.delegates = append(u.delegates, p.ID)
		u.note(p, EventPatchDelegated, Payload{Patch: p.ID, PreviousDelegate: old.Delegate, CurrentDelegate: p.Delegate})
	}
	if c.Archived != nil && *c.Archived != p.Archived {
		p.Archived = *c.Archived
		u.archives = append(u.archives, p.ID)
		u.note(p, EventPatchArchived, Payload{Patch: p.ID, Archived: c.Archived})
	}
	u.applyTexts(p)
	u.keep(&old, p)
	if related := u.relations.of(p); *p != old || related {
		u.touched = append(u.touched, p.ID)
	}
	if u.counts == nil {
		u.counts, u.series, u.stands, u.before = map[countKey]shift{}, map[int64]bool{}, map[int64]bool{}, map[int64]int64{}
	}
	was, is := countKey{old.Project, old.State, old.Delegate, old.Archived}, countKey{p.Project, p.State, p.Delegate, p.Archived}
	if was != is && !p.Withheld {
		u.counts[was] = shift{patches: u.counts[was].patches - 1}
		u.counts[is] = shift{patches: u.counts[is].patches + 1}
		u.stands[p.Series] = true
	}
	if p.State != old.State {
		u.before[p.ID] = old.State
		u.series[p.Series] = true
	}
	return nil
}

// applyTexts sets the commit and the address of the pull request.
func (u *update) applyTexts(p *held) {
	if c := u.change.CommitRef; c != nil && *c != p.CommitRef {
		u.note(p, EventPatchCommit, Payload{Patch: p.ID, PreviousCommit: p.CommitRef, CurrentCommit: *c})
		p.CommitRef, u.commits = *c, append(u.commits, p.ID)
	}
	if c := u.change.PullURL; c != nil && *c != p.PullURL {
		u.note(p, EventPatchPullURL, Payload{Patch: p.ID, PreviousPullURL: p.PullURL, CurrentPullURL: *c})
		p.PullURL, u.pulls = *c, append(u.pulls, p.ID)
	}
}

func (u *update) note(p *held, kind string, payload Payload) {
	u.events = append(u.events, event.Event{Kind: kind, Project: p.Project, Actor: u.by.User, At: u.now, Payload: payload,
		Subjects: []event.Subject{{Kind: "patch", ID: p.ID}}})
}

func (u *update) write(ctx context.Context) error {
	set := func(query string, value any, ids []int64) error {
		return sqldb.Chunks(ids, func(ids []int64) error {
			_, err := u.tx.Exec(ctx, query, value, ids)
			return err
		})
	}
	c := u.change
	if len(u.states) > 0 {
		if err := set("UPDATE patch SET state_id = ? WHERE id IN (?)", *c.State, u.states); err != nil {
			return err
		}
	}
	if len(u.delegates) > 0 {
		if err := set("UPDATE patch SET delegate_id = ? WHERE id IN (?)", sqldb.NullID(*c.Delegate), u.delegates); err != nil {
			return err
		}
	}
	if len(u.archives) > 0 {
		if err := set("UPDATE patch SET archived = ? WHERE id IN (?)", *c.Archived, u.archives); err != nil {
			return err
		}
	}
	if len(u.commits) > 0 {
		if err := set("UPDATE patch SET commit_ref = ? WHERE id IN (?)", sqldb.NullText(*c.CommitRef), u.commits); err != nil {
			return err
		}
	}
	if len(u.pulls) > 0 {
		if err := set("UPDATE patch SET pull_url = ? WHERE id IN (?)", sqldb.NullText(*c.PullURL), u.pulls); err != nil {
			return err
		}
	}
	if err := u.relations.write(ctx, u.tx); err != nil {
		return err
	}
	if err := u.writeRollups(ctx); err != nil {
		return err
	}
	if err := u.writeHands(ctx); err != nil {
		return err
	}
	if err := u.record(ctx); err != nil {
		return err
	}
	if err := retriage(ctx, u.tx, slices.Collect(maps.Keys(u.stands))); err != nil {
		return err
	}
	return event.Append(ctx, u.tx, u.events...)
}

func (u *update) writeRollups(ctx context.Context) error {
	if err := countPatches(ctx, u.tx, u.counts); err != nil {
		return err
	}
	for id := range u.series {
		if err := recountSeries(ctx, u.tx, id); err != nil {
			return err
		}
	}
	return u.writeNotices(ctx)
}

// writeNotices remembers the first state each patch had since its submitter was last told; one that is back in it is not news.
func (u *update) writeNotices(ctx context.Context) error {
	var patches []int64
	err := sqldb.Chunks(u.states, func(ids []int64) error {
		var some []int64
		err := u.tx.Select(ctx, &some, "SELECT p.id FROM patch p JOIN project j ON j.id = p.project_id WHERE p.id IN (?) AND j.send_notifications = TRUE", ids)
		patches = append(patches, some...)
		return err
	})
	if err != nil || len(patches) == 0 {
		return err
	}
	var rows [][]any
	for _, id := range patches {
		rows = append(rows, []any{id, u.before[id], int64(u.now), int64(u.now)})
	}
	notices := sqldb.Upsert{Table: "state_notice", Columns: []string{"patch_id", "original_state_id", "modified_at", "first_at"}, Key: []string{"patch_id"}, Replace: []string{"modified_at"}}
	if err := u.tx.Upsert(ctx, notices, rows); err != nil {
		return err
	}
	return sqldb.Chunks(patches, func(ids []int64) error {
		_, err := u.tx.Exec(ctx, "DELETE FROM state_notice WHERE patch_id IN (?) AND original_state_id = ?", ids, *u.change.State)
		return err
	})
}

// EditsPatch is the rule of Update: whether an actor, who maintains the project or not, may change a patch that submitter sent and that is delegated to delegate.
// These are users, 0 for none.
func EditsPatch(by account.Actor, maintains bool, submitter, delegate int64) bool {
	return by.Admin || by.User != 0 && (maintains || by.User == submitter || by.User == delegate)
}

// MayEdit tells whether an actor may change a patch; see Update for the rule.
func MayEdit(ctx context.Context, q sqldb.Queryer, by account.Actor, patch int64) (bool, error) {
	if by.Admin || by.User == 0 {
		return by.Admin, nil
	}
	var n int
	err := q.Get(ctx, &n, `SELECT COUNT(*) FROM patch p JOIN person e ON e.id = p.submitter_id WHERE p.id = ? AND (e.user_id = ? OR p.delegate_id = ?
		OR EXISTS (SELECT 1 FROM project_maintainer m WHERE m.project_id = p.project_id AND m.user_id = ?))`, patch, by.User, by.User, by.User)
	if err != nil {
		return false, fmt.Errorf("find out who may change patch %d: %w", patch, err)
	}
	return n > 0, nil
}
