// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
)

// triage finds out where the series stand that something came for: of those that are new without reading anything.
func (in *Intake) triage(ctx context.Context) error {
	t := newTriager(in.tx, in.book.words)
	stale, err := in.touched(ctx)
	if err != nil {
		return err
	}
	fresh := in.freshSeries()
	for _, s := range fresh {
		delete(stale, s.ID)
	}
	t.begin()
	t.fromMemory(in, t.seedFresh(in, fresh))
	var ids []int64
	for _, s := range fresh {
		ids = append(ids, s.ID)
	}
	rest := sortedIDs(stale)
	if len(rest) <= maxTriaged { // as of mails that come one by one: all in one
		if err := t.goOn(ctx, in, rest); err != nil {
			return fmt.Errorf("find out where %d series stand: %w", len(rest), err)
		}
		ids, rest = append(ids, rest...), nil
	}
	if err := t.write(ctx, ids); err != nil {
		return fmt.Errorf("write where %d series stand: %w", len(ids), err)
	}
	return t.pieces(ctx, rest)
}

func sortedIDs(of map[int64]bool) []int64 {
	var out []int64
	for id := range of {
		if id != 0 {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// touched are the series that changed, or got or lost a comment.
func (in *Intake) touched(ctx context.Context) (map[int64]bool, error) {
	out := map[int64]bool{}
	for _, s := range in.series {
		if s.dirty {
			out[s.ID] = true
			if s.PreviousBy == SignResend { // it may have become whole
				in.new.overtaken = append(in.new.overtaken, s.Previous)
			}
		}
	}
	for _, id := range in.new.overtaken {
		out[id] = true
	}
	var patches, covers []int64
	for _, list := range [][]*commentRow{in.new.comments, in.new.unplaced} {
		for _, c := range list {
			if id, ok := in.seriesOf[c.target]; ok {
				out[id] = true
			} else {
				patches, covers = append(patches, c.target.Patch), append(covers, c.target.Cover)
			}
		}
	}
	more, err := seriesOf(ctx, in.tx, patches, covers)
	for _, id := range more {
		out[id] = true
	}
	return out, err
}

// freshSeries are those of which all is in memory. Where new versions replace older ones by themselves, one that has a newer version may have changed since it was
// written; so may one that sends a part again, as what it is a part of may have one.
func (in *Intake) freshSeries() (out []*Series) {
	followed := in.overtaken(true)
	for _, s := range in.series {
		if s.unwritten && !s.part() && !(in.project.AutoSupersede && followed[s.ID]) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *Series) int { return int(a.ID - b.ID) })
	return out
}

// overtaken are the series, of those in memory, that others in memory are new versions of. With parts also those of which only some patches were sent again.
func (in *Intake) overtaken(parts bool) map[int64]bool {
	out := map[int64]bool{}
	for _, s := range in.series {
		if s.Previous != 0 && (parts || !s.part()) {
			out[s.Previous] = true
		}
	}
	return out
}

// seedFresh begins the facts of series that this transaction makes.
func (t *triager) seedFresh(in *Intake, fresh []*Series) map[int64]*facts {
	newer, seeds := in.overtaken(false), map[int64]*facts{}
	for _, s := range fresh {
		f := newFacts()
		f.project, f.submitter, f.Date, f.ActiveAt = s.Project, s.Submitter, s.Date, s.Date
		f.total, f.received, f.Newer, f.cover = s.Total, s.Received, newer[s.ID], s.Cover != 0
		seeds[s.ID], t.found[s.ID] = f, f
	}
	return seeds
}

// fromMemory adds to facts what this transaction brings; for series that it makes that is what readSeries, readPatches, readMarks and readComments would find. No mail of it is
// hidden, but for replies that waited, and it has no checks.
func (t *triager) fromMemory(in *Intake, to map[int64]*facts) {
	for _, p := range in.new.patches {
		if p.attached && to[p.Series.ID] != nil {
			m := p.Message
			t.patches[p.id] = &memberFacts{ID: p.id, Series: p.Series.ID, Submitter: m.Submitter, Date: m.Date, State: p.State, Delegate: p.Delegate}
		}
	}
	for _, m := range in.new.messages {
		if s := in.owners[m.ID]; m.Kind == KindCover && s != nil && to[s.ID] != nil && in.targets[m.ID].Cover == s.Cover {
			f := to[s.ID]
			f.ActiveAt = max(f.ActiveAt, m.Date)
		}
	}
	for key, hits := range in.new.tags {
		if p := t.patches[key[0]]; hits > 0 && p != nil && to[p.Series] != nil {
			t.mark(key[0], false, key[1], hits)
		}
	}
	for _, c := range in.new.comments {
		if f := to[in.seriesOf[c.target]]; f != nil && !c.message.Hidden {
			t.comment(f, c)
		}
	}
}

// comment counts a comment of this transaction.
func (t *triager) comment(f *facts, c *commentRow) {
	author := f.submitter
	if p := t.patches[c.target.Patch]; p != nil {
		author = p.Submitter
	} else if c.target.Patch != 0 {
		author = t.authors[c.target.Patch]
	}
	f.Comments++
	if c.message.Submitter != author && !t.program(c.message.Submitter, c.automatic) {
		f.others++
	}
	if c.addressed == false {
		f.Unaddressed++
	}
	f.ActiveAt = max(f.ActiveAt, c.message.Date)
}
