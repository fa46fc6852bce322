// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/mailstore"
)

// added is what an Intake will write.
type added struct {
	messages  []*mailstore.Message
	fresh     map[int64]bool // ids of messages
	patches   []patchRow
	covers    [][]any
	series    int // how many
	comments  []*commentRow
	unplaced  []*commentRow // that are somewhere else now
	needs     []*need
	kin       map[kin]bool
	moved     map[*Series]bool // that have a new sign
	relinked  []int64          // series with another previous version
	overtaken []int64          // series that are one now, or were; 0: none
	grown     map[int64]bool   // series with new patches
	waiting   []mailstore.Waiting
	attached  []*mailstore.Message         // that were pending
	settled   map[int64]*mailstore.Message // that found what they waited for
	events    []event.Event
	tags      map[[2]int64]int // patch, tag → hits
	coverTags map[[2]int64]int // cover, tag → hits
	counts    map[[2]int64]int // state, delegate → patches
}

type patchRow struct {
	NewPatch
	id       int64
	attached bool
}

func newAdded() added {
	return added{fresh: map[int64]bool{}, settled: map[int64]*mailstore.Message{}, kin: map[kin]bool{}, moved: map[*Series]bool{}, grown: map[int64]bool{},
		tags: map[[2]int64]int{}, coverTags: map[[2]int64]int{}, counts: map[[2]int64]int{}}
}

func (a *added) count(state, delegate int64) { a.counts[[2]int64{state, delegate}]++ }

// Write writes everything that was added.
func (in *Intake) Write(ctx context.Context) error {
	steps := []func(context.Context) error{
		in.writeMessages, in.writePatches, in.writeNeeds, in.chain, in.writeSeries, in.writeReferences, in.writeComments, in.writeRollups,
		func(ctx context.Context) error { return event.Append(ctx, in.tx, in.new.events...) },
		in.supersede, in.triage,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return fmt.Errorf("write mail of %s: %w", in.project.Linkname, err)
		}
	}
	return nil
}

func (in *Intake) writeMessages(ctx context.Context) error {
	for _, m := range in.new.messages {
		m.Thread = in.thread(m.Thread)
	}
	if err := mailstore.Insert(ctx, in.tx, in.new.messages); err != nil {
		return err
	}
	waiting := slices.DeleteFunc(in.new.waiting, func(w mailstore.Waiting) bool {
		near := in.near[w.Message.ID]
		return w.Distance > near || w.Distance == near && (near == 0 || w.Message.Kind != KindComment)
	})
	if err := mailstore.Wait(ctx, in.tx, waiting); err != nil {
		return err
	}
	return in.writeThreads(ctx)
}

func (in *Intake) writePatches(ctx context.Context) error {
	var rows, diffs [][]any
	var names []named
	for _, p := range in.new.patches {
		var series, number any
		if p.attached {
			series, number = p.Series.ID, p.Number
		}
		m, key := p.Message, nameFold(p.Name)
		names = append(names, named{p.id, int64(m.Date), key})
		rows = append(rows, []any{p.id, m.ID, in.project.ID, m.Submitter, int64(m.Date), p.Name, key, p.State, sqldb.NullID(p.Delegate), false, series, number,
			sqldb.NullText(p.Hash), sqldb.NullText(p.GitID), sqldb.NullText(p.PullURL)})
		if p.Diff != nil {
			diffs = append(diffs, []any{p.id, p.Charset, p.Diff})
		}
	}
	columns := []string{"id", "message_id", "project_id", "submitter_id", "date", "name", "name_key", "state_id", "delegate_id", "archived", "series_id", "number", "hash", "git_patch_id", "pull_url"}
	if err := in.tx.Insert(ctx, "patch", columns, rows); err != nil {
		return err
	}
	if err := indexWords(ctx, in.tx, names); err != nil {
		return err
	}
	if err := in.tx.Insert(ctx, "patch_diff", []string{"patch_id", "charset", "diff"}, diffs); err != nil {
		return err
	}
	return in.tx.Insert(ctx, "cover", []string{"id", "message_id", "project_id", "submitter_id", "date", "name", "name_fold"}, in.new.covers)
}

func (in *Intake) writeSeries(ctx context.Context) error {
	var rows [][]any
	var reappeared []int64
	for _, s := range in.series {
		if s.unwritten {
			in.new.series++
		}
		if s.dirty && s.Withheld {
			reappeared = append(reappeared, s.ID)
		}
		if s.dirty {
			rows = append(rows, []any{s.ID, sqldb.NullID(s.Project), sqldb.NullID(s.Cover), sqldb.NullText(s.Name), sqldb.NullText(nameFold(s.Name)), int64(s.Date), s.Submitter, s.Version, s.Total, s.Received, sqldb.NullID(s.State),
				sqldb.NullID(s.Previous), sqldb.NullID(int64(s.PreviousBy)), sqldb.NullText(s.ChangeID), sqldb.NullText(s.BaseCommit), sqldb.NullText(s.NameKey), s.Run, s.Threaded, s.Completed})
		}
	}
	slices.SortFunc(rows, func(a, b []any) int { return cmp.Compare(a[0].(int64), b[0].(int64)) })
	columns := []string{"id", "project_id", "cover_id", "name", "name_fold", "date", "submitter_id", "version", "total", "received", "state_id", "previous_id", "previous_by", "change_id", "base_commit", "name_key", "run", "threaded", "completed"}
	if err := in.tx.Upsert(ctx, sqldb.Upsert{Table: "series", Key: columns[:1], Replace: columns[2:], Columns: columns}, rows); err != nil {
		return err
	}
	return refreshSeries(ctx, in.tx, reappeared)
}

func (in *Intake) writeReferences(ctx context.Context) error {
	var rows [][]any
	for msgid, list := range in.refs {
		for _, r := range list {
			if r.dirty {
				rows = append(rows, []any{in.project.ID, msgid, r.series.ID, r.distance, r.awaited})
			}
		}
	}
	u := sqldb.Upsert{Table: "series_reference", Columns: []string{"project_id", "msgid", "series_id", "distance", "awaited"},
		Key: []string{"project_id", "msgid", "series_id"}, Replace: []string{"distance", "awaited"}}
	return in.tx.Upsert(ctx, u, rows)
}
