// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/mailstore"
)

// added is what an Intake will write.
type added struct {
	messages      []*mailstore.Message
	patches       []patchRow
	covers        [][]any
	patchComments [][]any
	coverComments [][]any
	references    map[string]reference // by key form
	dependencies  [][2]int64
	waiting       []mailstore.Waiting
	attached      []*mailstore.Message
	threads       [][2]int64 // from, to: joined
	events        []event.Event
	tags          map[[2]int64]int // patch, tag → hits
	counts        map[[2]int64]int // state, delegate → patches
}

// reference is where a Message-ID leads: to the series of which it is a mail, or of whose mails it is an ancestor. awaited: an ancestor that is not here.
type reference struct {
	series  int64
	awaited bool
}

type patchRow struct {
	NewPatch
	id       int64
	attached bool
}

func newAdded() added {
	return added{references: map[string]reference{}, tags: map[[2]int64]int{}, counts: map[[2]int64]int{}}
}

func (a *added) count(state, delegate int64) { a.counts[[2]int64{state, delegate}]++ }

// Write writes everything that was added.
func (in *Intake) Write(ctx context.Context) error {
	steps := []func(context.Context) error{
		in.writeMessages, in.writePatches, in.writeSeries, in.writeComments, in.writeRollups,
		func(ctx context.Context) error { return event.Append(ctx, in.tx, in.new.events...) },
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return fmt.Errorf("write mail of %s: %w", in.project.Linkname, err)
		}
	}
	return nil
}

func (in *Intake) writeMessages(ctx context.Context) error {
	if err := mailstore.Insert(ctx, in.tx, in.new.messages); err != nil {
		return err
	}
	waiting := slices.DeleteFunc(in.new.waiting, func(w mailstore.Waiting) bool { return w.Message.Kind != mailstore.Pending })
	if err := mailstore.Wait(ctx, in.tx, waiting); err != nil {
		return err
	}
	for _, m := range in.new.attached {
		if err := mailstore.Attached(ctx, in.tx, m, KindComment, "its parent came later"); err != nil {
			return err
		}
	}
	for _, t := range in.new.threads {
		if err := mailstore.JoinThreads(ctx, in.tx, t[0], t[1]); err != nil {
			return err
		}
	}
	return nil
}

func (in *Intake) writePatches(ctx context.Context) error {
	var rows, diffs [][]any
	for _, p := range in.new.patches {
		var series, number any
		if p.attached {
			series, number = p.Series.ID, p.Number
		}
		m := p.Message
		rows = append(rows, []any{p.id, m.ID, in.project.ID, m.Submitter, int64(m.Date), p.Name, fold.Cut(fold.Key(p.Name), 255), p.State, sqldb.NullID(p.Delegate), false, series, number,
			sqldb.NullText(p.Hash), sqldb.NullText(p.PullURL)})
		if p.Diff != nil {
			diffs = append(diffs, []any{p.id, p.Charset, p.Diff})
		}
	}
	columns := []string{"id", "message_id", "project_id", "submitter_id", "date", "name", "name_key", "state_id", "delegate_id", "archived", "series_id", "number", "hash", "pull_url"}
	if err := in.tx.Insert(ctx, "patch", columns, rows); err != nil {
		return err
	}
	if err := in.tx.Insert(ctx, "patch_diff", []string{"patch_id", "charset", "diff"}, diffs); err != nil {
		return err
	}
	return in.tx.Insert(ctx, "cover", []string{"id", "message_id", "project_id", "submitter_id", "date", "name"}, in.new.covers)
}

func (in *Intake) writeSeries(ctx context.Context) error {
	var rows [][]any
	for _, s := range in.series {
		if s.dirty {
			rows = append(rows, []any{s.ID, sqldb.NullID(s.Project), sqldb.NullID(s.Cover), sqldb.NullText(s.Name), int64(s.Date), s.Submitter, s.Version, s.Total, s.Received, sqldb.NullID(s.State)})
		}
	}
	slices.SortFunc(rows, func(a, b []any) int { return cmp.Compare(a[0].(int64), b[0].(int64)) })
	u := sqldb.Upsert{Table: "series", Key: []string{"id"}, Replace: []string{"cover_id", "name", "received", "state_id"},
		Columns: []string{"id", "project_id", "cover_id", "name", "date", "submitter_id", "version", "total", "received", "state_id"}}
	if err := in.tx.Upsert(ctx, u, rows); err != nil {
		return err
	}
	var references [][]any
	for msgid, r := range in.new.references {
		references = append(references, []any{in.project.ID, msgid, r.series, r.awaited})
	}
	u = sqldb.Upsert{Table: "series_reference", Columns: []string{"project_id", "msgid", "series_id", "awaited"},
		Key: []string{"project_id", "msgid"}, Replace: []string{"series_id", "awaited"}}
	if err := in.tx.Upsert(ctx, u, references); err != nil {
		return err
	}
	return in.writeDependencies(ctx)
}

func (in *Intake) writeDependencies(ctx context.Context) error {
	for _, d := range in.new.dependencies {
		var next int // behind those that other mails of the series named
		if err := in.tx.Get(ctx, &next, "SELECT COALESCE(MAX(position), 0) + 1 FROM series_dependency WHERE series_id = ?", d[0]); err != nil {
			return err
		}
		u := sqldb.Upsert{Table: "series_dependency", Columns: []string{"series_id", "depends_on_id", "position"}, Key: []string{"series_id", "depends_on_id"}}
		if err := in.tx.Upsert(ctx, u, [][]any{{d[0], d[1], next}}); err != nil {
			return err
		}
	}
	return nil
}

func (in *Intake) writeComments(ctx context.Context) error {
	err := in.tx.Insert(ctx, "patch_comment", []string{"id", "message_id", "patch_id", "submitter_id", "date", "addressed"}, in.new.patchComments)
	if err != nil {
		return err
	}
	return in.tx.Insert(ctx, "cover_comment", []string{"id", "message_id", "cover_id", "submitter_id", "date", "addressed"}, in.new.coverComments)
}

// writeRollups adds to the counts that lists show, in order of their keys: transactions that touch the same rows then wait for each
// other instead of deadlocking.
func (in *Intake) writeRollups(ctx context.Context) error {
	var tags, counts [][]any
	for k, n := range in.new.tags {
		tags = append(tags, []any{k[0], k[1], n})
	}
	for k, n := range in.new.counts {
		counts = append(counts, []any{in.project.ID, k[0], k[1], false, n})
	}
	byKey := func(a, b []any) int {
		return cmp.Or(cmp.Compare(a[0].(int64), b[0].(int64)), cmp.Compare(a[1].(int64), b[1].(int64)))
	}
	slices.SortFunc(tags, byKey)
	slices.SortFunc(counts, byKey)
	u := sqldb.Upsert{Table: "patch_tag", Columns: []string{"patch_id", "tag_id", "hits"}, Key: []string{"patch_id", "tag_id"}, Add: []string{"hits"}}
	if err := in.tx.Upsert(ctx, u, tags); err != nil {
		return err
	}
	u = sqldb.Upsert{Table: "patch_count", Columns: []string{"project_id", "state_id", "delegate_id", "archived", "patches"},
		Key: []string{"project_id", "state_id", "archived", "delegate_id"}, Add: []string{"patches"}}
	return in.tx.Upsert(ctx, u, counts)
}
