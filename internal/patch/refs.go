// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// MailRef is what others say of a patch, a cover letter or a comment that they name: never its text.
type MailRef struct {
	ID      int64
	Project int64
	Parent  int64  // of a comment: the patch or cover letter
	MsgID   string // with brackets
	Date    clock.Time
	Name    string // of a comment empty
	State   string // of a patch: the slug of its state
}

// SeriesRef is what others say of a series.
type SeriesRef struct {
	ID      int64
	Project int64
	Date    clock.Time
	Name    string // empty: none
	Version int
}

// CheckRef is what others say of a check.
type CheckRef struct {
	ID        int64
	Patch     int64
	Date      clock.Time
	State     int    // see CheckStates
	TargetURL string `db:"target_url"`
	Context   string
}

// CheckStates are the names of the states of checks, by number.
func CheckStates() []string { return []string{"pending", "success", "warning", "fail"} }

// Refs holds objects by their ids. What is hidden or deleted is not there.
type Refs struct {
	Patches, Covers, PatchComments, CoverComments map[int64]*MailRef
	Series                                        map[int64]*SeriesRef
	Checks                                        map[int64]*CheckRef
	Tags                                          map[int64][]string // patch → names of the tags it has
}

// RefIDs says which objects ReadRefs is to read.
type RefIDs struct {
	Patches, Covers, PatchComments, CoverComments, Series, Checks []int64
}

// The queries are of one form: what ReadRefs needs of each sort of mail, without hidden ones.
const (
	refPatches = `SELECT x.id, x.name, COALESCE(t.slug, '') AS state, COALESCE(m.msgid_long, m.msgid) AS msgid, x.date, m.project_id AS project
		FROM patch x LEFT JOIN state t ON t.id = x.state_id JOIN message m ON m.id = x.message_id AND m.hidden = FALSE WHERE x.id IN (?)`
	refCovers = `SELECT x.id, x.name, COALESCE(m.msgid_long, m.msgid) AS msgid, x.date, m.project_id AS project
		FROM cover x JOIN message m ON m.id = x.message_id AND m.hidden = FALSE WHERE x.id IN (?)`
	refPatchComments = `SELECT x.id, x.patch_id AS parent, COALESCE(m.msgid_long, m.msgid) AS msgid, x.date, m.project_id AS project
		FROM patch_comment x JOIN message m ON m.id = x.message_id AND m.hidden = FALSE WHERE x.id IN (?)`
	refCoverComments = `SELECT x.id, x.cover_id AS parent, COALESCE(m.msgid_long, m.msgid) AS msgid, x.date, m.project_id AS project
		FROM cover_comment x JOIN message m ON m.id = x.message_id AND m.hidden = FALSE WHERE x.id IN (?)`
)

// ReadRefs reads objects in one query for each sort of them, and one for the tags of the patches.
func ReadRefs(ctx context.Context, q sqldb.Queryer, ids RefIDs) (*Refs, error) {
	r := &Refs{Tags: map[int64][]string{}}
	for _, sort := range []struct {
		to    *map[int64]*MailRef
		ids   []int64
		query string
	}{
		{&r.Patches, ids.Patches, refPatches}, {&r.Covers, ids.Covers, refCovers},
		{&r.PatchComments, ids.PatchComments, refPatchComments}, {&r.CoverComments, ids.CoverComments, refCoverComments},
	} {
		found, err := read(ctx, q, sort.ids, sort.query, func(m *MailRef) int64 { return m.ID })
		if err != nil {
			return nil, err
		}
		*sort.to = found
	}
	var err error
	r.Series, err = read(ctx, q, ids.Series, "SELECT s.id, COALESCE(s.project_id, 0) AS project, s.date, COALESCE(s.name, '') AS name, s.version FROM series s WHERE s.id IN (?) AND "+shownSeries,
		func(s *SeriesRef) int64 { return s.ID })
	if err != nil {
		return nil, err
	}
	r.Checks, err = read(ctx, q, ids.Checks, "SELECT id, patch_id AS patch, date, state, COALESCE(target_url, '') AS target_url, context FROM patch_check WHERE id IN (?)",
		func(c *CheckRef) int64 { return c.ID })
	if err != nil {
		return nil, err
	}
	return r, r.readTags(ctx, q, ids.Patches)
}

func (r *Refs) readTags(ctx context.Context, q sqldb.Queryer, patches []int64) error {
	return sqldb.Chunks(patches, func(patches []int64) error {
		var rows []struct {
			Patch int64
			Name  string
		}
		err := q.Select(ctx, &rows, "SELECT g.patch_id AS patch, t.name FROM patch_tag g JOIN tag t ON t.id = g.tag_id WHERE g.patch_id IN (?) ORDER BY g.patch_id, t.name", patches)
		if err != nil {
			return fmt.Errorf("read the tags of %d patches: %w", len(patches), err)
		}
		for _, row := range rows {
			r.Tags[row.Patch] = append(r.Tags[row.Patch], row.Name)
		}
		return nil
	})
}

func read[T any](ctx context.Context, q sqldb.Queryer, ids []int64, query string, id func(*T) int64) (map[int64]*T, error) {
	out := map[int64]*T{}
	err := sqldb.Chunks(ids, func(ids []int64) error {
		var some []*T
		err := q.Select(ctx, &some, query, ids)
		for _, x := range some {
			out[id(x)] = x
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %d objects: %w", len(ids), err)
	}
	return out, nil
}
