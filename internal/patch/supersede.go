// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
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
)

// SupersededSlug is the slug of the state that patches get when a new version comes. A site that has no such state supersedes nothing by itself.
const SupersededSlug = "superseded"

// maxVersions is how many versions back and forth a chain is followed.
const maxVersions = 32

// link is a series in its chain of versions.
type link struct {
	ID        int64
	Previous  int64 `db:"previous_id"`
	Sender    int64 // user, else minus the person
	Completed bool
	Part      bool // see Series.part
	Date      int64
}

// A person of the same batch is not written yet.
var linkColumns = "SELECT s.id, COALESCE(s.previous_id, 0) AS previous_id, COALESCE(e.user_id, -s.submitter_id) AS sender, s.completed, " + isPart("s") + " AS part, s.date FROM series s LEFT JOIN person e ON e.id = s.submitter_id WHERE "

// supersede changes the state of patches whose new version came: those that still require action, and were not superseded by themselves before. A patch is
// replaced by the one with its number, or by a newer version that is complete; only the same sender replaces.
func (in *Intake) supersede(ctx context.Context) error {
	state := in.book.slugged(SupersededSlug)
	if !in.project.AutoSupersede || state == 0 {
		return nil
	}
	for _, id := range in.new.relinked {
		in.new.grown[id] = true
	}
	links, err := readChains(ctx, in.tx, slices.Collect(maps.Keys(in.new.grown)))
	if err != nil || len(links) < 2 {
		return err
	}
	patches, by, err := in.replaced(ctx, links)
	if err != nil || len(patches) == 0 {
		return err
	}
	held, err := hold(ctx, in.tx, patches)
	if err != nil {
		return err
	}
	u := update{tx: in.tx, by: account.Actor{Via: "intake"}, now: in.now, book: in.book, change: Change{State: &state}, auto: true}
	var rows [][]any
	for _, p := range held {
		rows = append(rows, []any{p.ID, by[p.ID], p.State, int64(in.now), false})
		if err := u.apply(p); err != nil {
			return err
		}
	}
	if err := in.tx.Insert(ctx, "patch_superseded", []string{"patch_id", "by_series_id", "original_state_id", "at", "undone"}, rows); err != nil {
		return err
	}
	return u.write(ctx)
}

// readChains reads the series with these ids and all older and newer versions of them.
func readChains(ctx context.Context, q sqldb.Queryer, ids []int64) (map[int64]link, error) {
	links := map[int64]link{}
	read := func(query string, ids []int64) (fresh []int64, err error) {
		err = sqldb.Chunks(ids, func(ids []int64) error {
			return q.Each(ctx, func(rows *sqlx.Rows) error {
				var l link
				err := rows.StructScan(&l)
				if _, known := links[l.ID]; !known {
					fresh = append(fresh, l.ID)
				}
				links[l.ID] = l
				return err
			}, query, ids)
		})
		return fresh, err
	}
	newer, err := read(linkColumns+"s.id IN (?)", ids)
	for range maxVersions {
		if err != nil || len(newer) == 0 {
			break
		}
		newer, err = read(linkColumns+"s.previous_id IN (?)", newer)
	}
	for range maxVersions {
		var older []int64
		for _, l := range links {
			if _, known := links[l.Previous]; l.Previous != 0 && !known {
				older = append(older, l.Previous)
			}
		}
		if err != nil || len(older) == 0 {
			break
		}
		if older, err = read(linkColumns+"s.id IN (?)", older); len(older) == 0 {
			break
		}
	}
	if err == nil { // what was sent again is replaced with what it is a part of, and the other way round
		_, err = read(linkColumns+"s.previous_id IN (?)", slices.Collect(maps.Keys(links)))
	}
	if err != nil {
		return nil, fmt.Errorf("read versions of series: %w", err)
	}
	return links, nil
}

// replaced finds the patches of older versions that are replaced, and by which series.
func (in *Intake) replaced(ctx context.Context, links map[int64]link) (patches []int64, by map[int64]int64, err error) {
	ids := slices.Sorted(maps.Keys(links))
	numbers := map[[2]int64]bool{} // series, number
	err = sqldb.Chunks(ids, func(ids []int64) error {
		return in.tx.Each(ctx, func(rows *sqlx.Rows) error {
			var series, number int64
			err := rows.Scan(&series, &number)
			numbers[[2]int64{series, number}] = true
			return err
		}, "SELECT series_id, number FROM patch WHERE series_id IN (?) AND number IS NOT NULL", ids)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read numbers: %w", err)
	}
	newer := map[int64][]link{} // series → those that replace it, the nearest version first
	for _, id := range ids {
		n := links[id]
		for o, steps := links[n.Previous], 0; o.ID != 0 && steps < maxVersions; o, steps = links[o.Previous], steps+1 {
			if o.Sender == n.Sender {
				newer[o.ID] = append(newer[o.ID], n)
			}
		}
	}
	for _, part := range links {
		for _, n := range newer[part.Previous] {
			if part.Part && !n.Part && n.Date >= part.Date && n.Sender == part.Sender {
				newer[part.ID] = append(newer[part.ID], n)
			}
		}
	}
	by = map[int64]int64{}
	err = sqldb.Chunks(slices.Sorted(maps.Keys(newer)), func(ids []int64) error {
		return in.tx.Each(ctx, func(rows *sqlx.Rows) error {
			var id, series, number int64
			if err := rows.Scan(&id, &series, &number); err != nil {
				return err
			}
			i := slices.IndexFunc(newer[series], func(n link) bool { return n.Completed || numbers[[2]int64{n.ID, number}] })
			if i >= 0 {
				patches = append(patches, id)
				by[id] = newer[series][i].ID
			}
			return nil
		}, `SELECT p.id, p.series_id, p.number FROM patch p JOIN state t ON t.id = p.state_id WHERE p.series_id IN (?) AND p.number IS NOT NULL AND t.action_required = TRUE
			AND t.slug <> 'superseded' AND NOT EXISTS (SELECT 1 FROM patch_superseded x WHERE x.patch_id = p.id)`, ids)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("find patches of older versions: %w", err)
	}
	return patches, by, nil
}

// Unsupersede gives the patches of a series that became superseded because a newer version came their old states back, as far as nobody changed them since.
// They do not become superseded by themselves again. Who may not edit a patch finds it in Changed.Refused. A series without such patches is
// fault.Conflict, one that does not exist fault.NotFound.
func Unsupersede(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, series int64) (Changed, error) {
	var out Changed
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		out = Changed{}
		states, err := supersededPatches(ctx, tx, series)
		if err != nil {
			return err
		}
		u, err := newUpdate(ctx, tx, by, now, Change{})
		if err != nil {
			return err
		}
		if out, err = u.restore(ctx, states); err != nil {
			return err
		}
		if by.User != 0 {
			return nil
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "series unsupersede", Subject: fmt.Sprintf("series %d", series), Detail: fmt.Sprintf("%d patches", out.Patches)})
	})
	if err != nil {
		return Changed{}, fmt.Errorf("take back that series %d was superseded: %w", series, err)
	}
	return out, nil
}

// supersededPatches are the patches of a series that can be given their old state back, with that state.
func supersededPatches(ctx context.Context, tx *sqldb.Tx, series int64) (map[int64]int64, error) {
	if _, err := ReadSeries(ctx, tx, series); err != nil {
		return nil, err
	}
	states := map[int64]int64{}
	err := tx.Each(ctx, func(rows *sqlx.Rows) error {
		var id, state int64
		err := rows.Scan(&id, &state)
		states[id] = state
		return err
	}, `SELECT p.id, x.original_state_id FROM patch p JOIN patch_superseded x ON x.patch_id = p.id JOIN state t ON t.id = p.state_id JOIN state o ON o.id = x.original_state_id
		WHERE p.series_id = ? AND x.undone = FALSE AND t.slug = 'superseded'`, series)
	if err != nil {
		return nil, fmt.Errorf("find the patches: %w", err)
	}
	if len(states) == 0 {
		return nil, fault.New(fault.Conflict, "no patch of series %d was superseded by a newer version and left alone since", series)
	}
	return states, nil
}

// restore gives patches these states, as far as the actor may change them.
func (u *update) restore(ctx context.Context, states map[int64]int64) (out Changed, err error) {
	patches, err := hold(ctx, u.tx, slices.Collect(maps.Keys(states)))
	if err != nil {
		return out, err
	}
	var wishes []wish
	for _, p := range patches {
		if state := states[p.ID]; u.mayEdit(p) {
			wishes = append(wishes, wish{patch: p, change: Change{State: &state}})
		} else {
			out.Refused = append(out.Refused, p.Name)
		}
	}
	s := newSet(u.by, u.now, Change{})
	s.Total, s.Done, s.Changed, s.Refused = len(patches), len(patches), len(wishes), len(out.Refused)
	s.finish(u.now, SetDone)
	u.set = s
	done, err := u.grant(ctx, wishes)
	out.Patches, out.Set = len(done), s.ID
	return out, err
}

// writeHands remembers that somebody decided about patches that had become superseded by themselves.
func (u *update) writeHands(ctx context.Context) error {
	if u.auto {
		return nil
	}
	return sqldb.Chunks(u.states, func(ids []int64) error {
		_, err := u.tx.Exec(ctx, "UPDATE patch_superseded SET undone = TRUE WHERE patch_id IN (?)", ids)
		return err
	})
}
