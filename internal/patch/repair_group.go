// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/project"
)

// regrouping is a repair of series at work: the series concerned, changed in memory, then written.
type regrouping struct {
	tx      *sqldb.Tx
	by      account.Actor
	now     clock.Time
	project project.Project
	detail  string

	series  map[int64]*group
	heir    *group // gets what is left of series that have nothing left
	moved   []*member
	done    map[int64]bool // patches that had all their predecessors before
	created []int64
	removed []int64
	events  []event.Event

	uncounted int // of removed: those that no counter had, because they showed no mail
}

// group is a series with its mails.
type group struct {
	Series
	patches map[int]*member // by number
	cover   *member
	derived string // the name it has from its mails
	named   string // what somebody wants it to be called
	full    bool   // it was complete before
	heir    *group // gets what is left if nothing stays; nil: that of the regrouping
	changed bool
}

// member is a patch, or the cover letter, of a series.
type member struct {
	id        int64
	number    int
	name      string
	msgid     string
	inReplyTo string
	message   int64
	submitter int64
	date      clock.Time
	headers   string // read when it is needed
	to        *group // where it has moved; nil: it has not
}

// load locks the project of the series and reads them.
func (r *regrouping) load(ctx context.Context, verb string, ids []int64) (err error) {
	if r.project, err = projectOf(ctx, r.tx, ids); err != nil {
		return err
	}
	if err := ForRepair(ctx, r.tx, r.by, r.project, verb); err != nil {
		return err
	}
	r.series, r.done = map[int64]*group{}, map[int64]bool{}
	var found []*group
	if err := r.tx.Select(ctx, &found, "SELECT "+seriesColumns+" FROM series s WHERE s.id IN (?)", ids); err != nil {
		return fmt.Errorf("read series: %w", err)
	}
	for _, g := range found {
		g.patches = map[int]*member{}
		r.series[g.ID] = g
	}
	for _, id := range ids {
		if r.series[id] == nil { // merged away while we waited for the lock
			return fault.New(fault.NotFound, "there is no series %d", id)
		}
	}
	if err := r.loadMembers(ctx, ids); err != nil {
		return err
	}
	for _, g := range r.series {
		g.derived, g.full = g.deriveName(), g.isFull()
		for _, m := range g.leading() {
			r.done[m.id] = true
		}
	}
	return nil
}

func (r *regrouping) loadMembers(ctx context.Context, ids []int64) error {
	err := scanChunks(ctx, r.tx, ids, "SELECT p.series_id, p.number, "+memberColumns+" FROM patch p JOIN message m ON m.id = p.message_id WHERE p.series_id IN (?) AND p.number IS NOT NULL",
		func(rows *sqlx.Rows) error {
			series, m, err := scanMember(rows)
			r.series[series].patches[m.number] = m
			return err
		})
	if err == nil {
		err = scanChunks(ctx, r.tx, ids, "SELECT s.id, 0, "+memberColumns+" FROM series s JOIN cover p ON p.id = s.cover_id JOIN message m ON m.id = p.message_id WHERE s.id IN (?)",
			func(rows *sqlx.Rows) error {
				series, m, err := scanMember(rows)
				r.series[series].cover = m
				return err
			})
	}
	if err != nil {
		return fmt.Errorf("read the mails of series: %w", err)
	}
	return nil
}

const memberColumns = "p.id, p.name, m.msgid, m.in_reply_to, m.id, m.submitter_id, m.date"

func scanMember(rows *sqlx.Rows) (series int64, m *member, err error) {
	m = &member{}
	err = rows.Scan(&series, &m.number, &m.id, &m.name, &m.msgid, &m.inReplyTo, &m.message, &m.submitter, &m.date)
	return series, m, err
}

func (g *group) deriveName() string {
	switch {
	case g.cover != nil:
		return fold.Cut(withoutPrefix(g.cover.name), 255)
	case g.patches[1] != nil:
		return g.patches[1].name
	}
	return ""
}

func (g *group) isFull() bool { return g.Total > 0 && len(g.leading()) >= g.Total }

// leading are the patches that have all their predecessors.
func (g *group) leading() []*member {
	var out []*member
	for n := 1; g.patches[n] != nil; n++ {
		out = append(out, g.patches[n])
	}
	return out
}

func (g *group) collisions(other *group) (both []int) {
	for n := range other.patches {
		if g.patches[n] != nil {
			both = append(both, n)
		}
	}
	slices.Sort(both)
	return both
}

// chosen finds the patches a Split names.
func (g *group) chosen(what Split) ([]*member, error) {
	picked := map[*member]bool{}
	for _, n := range what.Numbers {
		if g.patches[n] == nil {
			return nil, fault.New(fault.NotFound, "series %d has no patch %d; it has %s", g.ID, n, inWords(slices.Sorted(maps.Keys(g.patches))))
		}
		picked[g.patches[n]] = true
	}
	for _, id := range what.Patches {
		var found *member
		for _, m := range g.patches {
			if m.id == id {
				found = m
			}
		}
		if found == nil {
			return nil, fault.New(fault.NotFound, "patch %d is not in series %d", id, g.ID)
		}
		picked[found] = true
	}
	if len(picked) == 0 && !what.Cover {
		return nil, fault.New(fault.Invalid, "say which patches are to be split off")
	}
	if what.Cover && g.cover == nil {
		return nil, fault.New(fault.NotFound, "series %d has no cover letter", g.ID)
	}
	return slices.SortedFunc(maps.Keys(picked), func(a, b *member) int { return cmp.Compare(a.number, b.number) }), nil
}

// begin makes a new series that is like a, but has nothing yet.
func (r *regrouping) begin(ctx context.Context, a *group) (*group, error) {
	id, err := r.tx.NextID(ctx, "series")
	if err != nil {
		return nil, err
	}
	n := &group{Series: a.Series, patches: map[int]*member{}}
	n.ID, n.Cover, n.Name, n.Previous, n.PreviousBy, n.ChangeID, n.BaseCommit, n.Run, n.Completed = id, 0, "", 0, 0, "", "", NoRun, false
	r.series[id] = n
	r.created = append(r.created, id)
	r.raise(EventSeriesCreated, Payload{Series: id}, event.Subject{Kind: "series", ID: id})
	return n, nil
}

// loose finds a patch, which may be in no series at all.
func (r *regrouping) loose(ctx context.Context, from *group, patch int64) (*member, error) {
	if from != nil {
		for _, m := range from.patches {
			if m.id == patch {
				return m, nil
			}
		}
	}
	var project, series int64
	var m *member
	err := scanChunks(ctx, r.tx, []int64{patch}, "SELECT p.project_id, 0, "+memberColumns+" FROM patch p JOIN message m ON m.id = p.message_id WHERE p.id IN (?)",
		func(rows *sqlx.Rows) (err error) {
			project, m, err = scanMember(rows)
			return err
		})
	if err == nil {
		err = r.tx.Get(ctx, &series, "SELECT COALESCE(series_id, 0) FROM patch WHERE id = ?", patch)
	}
	switch {
	case err != nil:
		return nil, notThere(err, "patch", patch)
	case project != r.project.ID:
		return nil, fault.New(fault.Invalid, "patch %d is of another project than the series", patch)
	case series != 0:
		return nil, fault.New(fault.Conflict, "patch %d was moved meanwhile: try again", patch)
	}
	return m, nil
}

// move puts a patch into a series; from is nil for one that was in none.
func (r *regrouping) move(m *member, from, to *group, number int) {
	if from != nil {
		delete(from.patches, m.number)
		from.changed = true
	}
	m.number, m.to, to.changed = number, to, true
	to.patches[number] = m
	to.Total = max(to.Total, number)
	if !slices.Contains(r.moved, m) {
		r.moved = append(r.moved, m)
	}
}

func (r *regrouping) moveCover(from, to *group) {
	to.cover, from.cover = from.cover, nil
	to.ChangeID, to.BaseCommit, to.Run = cmp.Or(to.ChangeID, from.ChangeID), cmp.Or(to.BaseCommit, from.BaseCommit), max(to.Run, from.Run)
	to.cover.to = to
	from.changed, to.changed = true, true
}

func (r *regrouping) raise(kind string, p Payload, subjects ...event.Subject) {
	r.events = append(r.events, event.Event{Kind: kind, Project: r.project.ID, Actor: r.by.User, At: r.now, Payload: p, Subjects: subjects})
}

// sorted are the series concerned, by id.
func (r *regrouping) sorted() []*group {
	return slices.SortedFunc(maps.Values(r.series), func(a, b *group) int { return cmp.Compare(a.ID, b.ID) })
}

func (r *regrouping) told() Repaired {
	out := Repaired{Created: r.created, Removed: r.removed}
	for _, g := range r.sorted() {
		if g.changed && !slices.Contains(r.created, g.ID) && !slices.Contains(r.removed, g.ID) {
			out.Changed = append(out.Changed, g.ID)
		}
	}
	for _, e := range r.events {
		out.Events = append(out.Events, e.Kind)
	}
	return out
}
