// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"
)

// goOn finds out where series stand that were here before: from how they stood and what this transaction brings, where that tells all, else by reading all of it. The rows
// are locked first, as by read: how a series stands is written in the transaction that changes it.
func (t *triager) goOn(ctx context.Context, in *Intake, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	surely := in.simplyGrown(ids)
	var grown, unsure []int64
	for _, id := range ids {
		if surely[id] {
			grown = append(grown, id)
		} else {
			unsure = append(unsure, id)
		}
	}
	tagged := map[int64]*taggedPatch{}
	steps := append([]func(context.Context) error{of(ids, t.readStored)}, t.readings(unsure)...)
	steps = append(steps, of(in.taggedBefore(), func(ctx context.Context, patches []int64) error { return t.readTagged(ctx, patches, tagged) }))
	if err := t.tx.Together(ctx, steps...); err != nil {
		return err
	}
	seeds, unknown := t.seedStored(in, grown)
	t.authors = in.authors()
	t.fromMemory(in, seeds)
	for id, p := range tagged {
		if f := seeds[p.series]; f != nil {
			t.gain(f, p, in.new.tags, id)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return t.tx.Together(ctx, t.readings(unknown)...)
}

// simplyGrown finds the series that got nothing but new patches, and comments on what is known: nothing was moved or hidden, and no other version or cover letter came. Where
// patches are superseded by themselves their series were looked at already.
func (in *Intake) simplyGrown(ids []int64) map[int64]bool {
	out := map[int64]bool{}
	if in.project.AutoSupersede || len(in.new.unplaced) > 0 {
		return out
	}
	for _, id := range ids {
		s := in.series[id]
		out[id] = s != nil && !s.unwritten && !s.Withheld && s.PreviousBy != SignResend && s.Submitter == s.stored.submitter && !slices.Contains(in.new.overtaken, id)
	}
	for _, m := range in.new.messages {
		if s := in.owners[m.ID]; m.Kind == KindCover && s != nil {
			out[s.ID] = false
		}
	}
	authors := in.authors()
	for _, c := range in.new.comments {
		if _, ok := authors[c.target.Patch]; c.target.Patch != 0 && !ok {
			out[in.seriesOf[c.target]] = false
		}
	}
	return out
}

// authors are the senders of the patches that are known and shown.
func (in *Intake) authors() map[int64]int64 {
	out := map[int64]int64{}
	for _, m := range in.messages {
		if m.Kind == KindPatch && !m.Hidden {
			out[in.targets[m.ID].Patch] = m.Submitter
		}
	}
	return out
}

// seedStored begins the facts of series with how they stood. Of those that stood nowhere, or of which the row tells not all, it gives the ids.
func (t *triager) seedStored(in *Intake, ids []int64) (seeds map[int64]*facts, unknown []int64) {
	seeds = map[int64]*facts{}
	for _, id := range ids {
		s := in.series[id]
		old, was := t.stored[id]
		if !was || old.Project != s.Project || !old.tellsAll(s) {
			unknown = append(unknown, id)
			continue
		}
		f := newFacts()
		f.Stand, f.others, f.waiting, f.cover = old.Stand, old.Others, old.Waiting, true
		f.project, f.submitter, f.total, f.received = s.Project, s.Submitter, s.Total, s.Received
		f.Date, f.ActiveAt = s.Date, max(f.ActiveAt, s.Date)
		addTally(f.states, old.States)
		addTally(f.tags, old.Tags)
		for item := range strings.FieldsSeq(old.Delegates) {
			if id, err := strconv.ParseInt(item, 10, 64); err == nil {
				f.delegates[id] = true
			}
		}
		seeds[id], t.found[id] = f, f
	}
	return seeds, unknown
}

// longestItem is how long an item of a tally can be, with the space before it.
const longestItem = 32

// tellsAll says whether all facts of a series can be had from how it stood: something of it was shown, no list was cut, and it is no older than the newest of its mails if that was
// its first.
func (old storedStand) tellsAll(s *Series) bool {
	return old.Others >= 0 && old.Lane != LaneHidden && max(len(old.States), len(old.Tags), len(old.Delegates)) <= maxTally-longestItem &&
		(s.Date >= old.Date || old.ActiveAt > old.Date)
}

func addTally(to map[int64]int, list string) {
	for _, t := range readTally(list) {
		to[t.ID] = t.Patches
	}
}

// taggedPatch is a patch that was here before and got tags.
type taggedPatch struct {
	series, state int64
	archived      bool
	hits          map[int64]int // by tag, as it is now
}

// taggedBefore are the patches that were here before and got tags.
func (in *Intake) taggedBefore() []int64 {
	fresh, ids := map[int64]bool{}, map[int64]bool{}
	for _, p := range in.new.patches {
		fresh[p.id] = true
	}
	for key := range in.new.tags {
		ids[key[0]] = !fresh[key[0]]
	}
	for id, before := range ids {
		if !before {
			delete(ids, id)
		}
	}
	return sortedIDs(ids)
}

func (t *triager) readTagged(ctx context.Context, ids []int64, into map[int64]*taggedPatch) error {
	return t.tx.Each(ctx, func(rows *sqlx.Rows) error {
		var id, tag int64
		var hits int
		var p taggedPatch
		err := rows.Scan(&id, &p.series, &p.state, &p.archived, &tag, &hits)
		if into[id] == nil {
			p.hits = map[int64]int{}
			into[id] = &p
		}
		into[id].hits[tag] = hits
		return err
	}, `SELECT p.id, COALESCE(p.series_id, 0), COALESCE(p.state_id, 0), p.archived, t.tag_id, t.hits FROM patch p JOIN message m ON m.id = p.message_id AND m.hidden = FALSE
		JOIN patch_tag t ON t.patch_id = p.id WHERE p.id IN (?)`, ids)
}

// gain counts the tags that a patch did not have before.
func (t *triager) gain(f *facts, p *taggedPatch, more map[[2]int64]int, id int64) {
	was, is := false, false
	for tag, hits := range p.hits {
		before := hits-more[[2]int64{id, tag}] > 0
		was, is = was || before && t.reviews[tag], is || t.reviews[tag]
		if !before {
			f.tags[tag]++
		}
	}
	if is && !was && !p.archived && t.open[p.state] {
		f.Reviewed++
	}
}
