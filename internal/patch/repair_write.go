// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
)

// write writes everything a regrouping changed and raises the events that follow.
func (r *regrouping) write(ctx context.Context) error {
	steps := []func(context.Context) error{r.detach, r.writeGroups, r.attach, r.writeLeads, r.removeEmpty, r.recount, r.complete, r.triage}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return event.Append(ctx, r.tx, r.events...)
}

// detach takes all patches and covers that move out of where they are: no place may be taken twice on the way.
func (r *regrouping) detach(ctx context.Context) error {
	var ids []int64
	for _, m := range r.moved {
		ids = append(ids, m.id)
	}
	err := sqldb.Chunks(ids, func(ids []int64) error {
		_, err := r.tx.Exec(ctx, "UPDATE patch SET series_id = NULL, number = NULL WHERE id IN (?)", ids)
		return err
	})
	for _, g := range r.sorted() {
		if err == nil && g.changed {
			_, err = r.tx.Exec(ctx, "UPDATE series SET cover_id = NULL WHERE id = ?", g.ID)
		}
	}
	if err != nil {
		return fmt.Errorf("take patches out of their series: %w", err)
	}
	return nil
}

func (r *regrouping) writeGroups(ctx context.Context) error {
	for _, g := range r.sorted() {
		if !g.changed {
			continue
		}
		if g.Cover = 0; g.cover != nil {
			g.Cover = g.cover.id
		}
		switch was := g.derived; {
		case g.named != "":
			g.Name = g.named
		case g.Name == "" || g.Name == was: // nobody named it
			g.Name = g.deriveName()
		}
		g.follow()
		columns := []string{"id", "project_id", "received", "cover_id", "name", "name_fold", "name_key", "date", "submitter_id", "version", "total", "change_id", "base_commit", "run", "threaded", "completed"}
		u := sqldb.Upsert{Table: "series", Columns: columns, Key: columns[:1], Replace: columns[3:]}
		err := r.tx.Upsert(ctx, u, [][]any{{g.ID, r.project.ID, 0, sqldb.NullID(g.Cover), sqldb.NullText(g.Name), sqldb.NullText(nameFold(g.Name)), sqldb.NullText(g.NameKey), int64(g.Date), g.Submitter,
			g.Version, g.Total, sqldb.NullText(g.ChangeID), sqldb.NullText(g.BaseCommit), g.Run, g.Threaded, g.Completed}})
		if err != nil {
			return fmt.Errorf("write series %d: %w", g.ID, err)
		}
	}
	return nil
}

// follow gives a series what it has of its mails, as Series.join does: the date of the earliest, the sender and the key of the name of the cover letter,
// else of the first patch.
func (g *group) follow() {
	first := g.cover
	date := clock.Time(0)
	g.Threaded = false
	for _, n := range slices.Sorted(maps.Keys(g.patches)) {
		m := g.patches[n]
		if first == nil {
			first = m
		}
		if date == 0 || m.date < date {
			date = m.date
		}
		g.Threaded = g.Threaded || m.inReplyTo != ""
	}
	if first == nil {
		return // it will be removed
	}
	if g.cover != nil && (date == 0 || g.cover.date < date) {
		date = g.cover.date
	}
	g.Date, g.Submitter, g.NameKey = date, first.submitter, ""
	if first == g.cover || first.number == 1 {
		g.NameKey = NameKey(g.Submitter, first.name)
	}
}

func (r *regrouping) attach(ctx context.Context) error {
	for _, m := range r.moved {
		if _, err := r.tx.Exec(ctx, "UPDATE patch SET series_id = ?, number = ? WHERE id = ?", m.to.ID, m.number, m.id); err != nil {
			return fmt.Errorf("put patch %d into series %d: %w", m.id, m.to.ID, err)
		}
	}
	return nil
}

// empty tells whether a series has nothing left.
func (g *group) empty() bool { return len(g.patches) == 0 && g.cover == nil }

// removeEmpty removes series that have nothing left; what led to them leads to the heir.
func (r *regrouping) removeEmpty(ctx context.Context) error {
	for _, g := range r.sorted() {
		if !g.changed || !g.empty() {
			continue
		}
		heir := g.heir
		if heir == nil {
			heir = r.heir
		}
		if err := r.bequeath(ctx, g, heir); err != nil {
			return fmt.Errorf("give what belongs to series %d to %d: %w", g.ID, heir.ID, err)
		}
		if _, err := r.tx.Exec(ctx, "DELETE FROM series WHERE id = ?", g.ID); err != nil {
			return fmt.Errorf("remove series %d: %w", g.ID, err)
		}
		withheld, err := withhold(ctx, r.tx, "series", g.ID, false)
		if err != nil {
			return err
		}
		if withheld {
			r.uncounted++
		}
		err = event.Forget(ctx, r.tx, event.Subject{Kind: "series", ID: g.ID}, func(kind, _ string) bool {
			return kind == EventSeriesCreated || kind == EventSeriesCompleted || kind == EventSeriesVersion || kind == EventSeriesMetadata
		})
		if err != nil {
			return err
		}
		r.removed = append(r.removed, g.ID)
	}
	return nil
}

// recount makes the roll-ups true.
func (r *regrouping) recount(ctx context.Context) error {
	var patches, written []int64
	for _, g := range r.sorted() {
		if !g.changed || g.empty() {
			continue
		}
		written = append(written, g.ID)
		if err := recountSeries(ctx, r.tx, g.ID); err != nil {
			return err
		}
		for _, m := range g.patches {
			patches = append(patches, m.id)
		}
	}
	if err := countListed(ctx, r.tx, r.project.ID, listedCount{series: len(r.created) - len(r.removed) + r.uncounted}); err != nil {
		return err
	}
	if err := refreshSeries(ctx, r.tx, written); err != nil {
		return err
	}
	return retag(ctx, r.tx, patches, nil)
}

// complete raises what became complete by the repair and was not raised before: patches that have all their predecessors now, series that have all their
// numbers now.
func (r *regrouping) complete(ctx context.Context) error {
	for _, g := range r.sorted() {
		if !g.changed {
			continue
		}
		for _, m := range g.leading() {
			if r.done[m.id] {
				continue
			}
			patch, series := event.Subject{Kind: "patch", ID: m.id}, event.Subject{Kind: "series", ID: g.ID}
			if err := r.raiseOnce(ctx, EventPatchCompleted, Payload{Patch: m.id, Series: g.ID}, patch, series); err != nil {
				return err
			}
		}
		if !g.full && !g.Completed && g.isFull() {
			r.raise(EventSeriesCompleted, Payload{Series: g.ID}, event.Subject{Kind: "series", ID: g.ID})
		}
		if g.isFull() {
			if _, err := r.tx.Exec(ctx, "UPDATE series SET completed = TRUE WHERE id = ?", g.ID); err != nil {
				return fmt.Errorf("complete series %d: %w", g.ID, err)
			}
		}
	}
	return nil
}

// raiseOnce raises an event unless its first subject has one of this kind already.
func (r *regrouping) raiseOnce(ctx context.Context, kind string, p Payload, subjects ...event.Subject) error {
	had, err := event.Has(ctx, r.tx, kind, subjects[0])
	if err == nil && !had {
		r.raise(kind, p, subjects...)
	}
	return err
}

// triage finds out anew where the series stand, and those that they are new versions of.
func (r *regrouping) triage(ctx context.Context) error {
	var ids []int64
	for _, g := range r.series {
		ids = append(ids, g.ID, g.Previous)
	}
	return retriage(ctx, r.tx, ids)
}
