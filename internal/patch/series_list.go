// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/base/sqldb"
)

// recentSeries bounds a list of series.
const recentSeries = 1000

// SeriesList lists the series of a project with their cover letters, the newest first; before is an id to go on below, 0: none.
func SeriesList(ctx context.Context, q sqldb.Queryer, project, before int64, limit int) ([]*SeriesDetail, error) {
	query, args := "SELECT s.id FROM series s WHERE s.project_id = ?", []any{project}
	if before != 0 {
		var at struct{ Date int64 }
		if err := q.Get(ctx, &at, "SELECT date FROM series WHERE id = ?", before); err != nil {
			return nil, notThere(err, "series", before)
		}
		query, args = query+" AND (s.date < ? OR s.date = ? AND s.id < ?)", append(args, at.Date, at.Date, before)
	}
	var ids []int64
	err := q.Select(ctx, &ids, query+" ORDER BY s.date DESC, s.id DESC LIMIT ?", append(args, min(limit, recentSeries))...)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	var out []*SeriesDetail
	err = q.Select(ctx, &out, "SELECT "+seriesColumns+`, COALESCE(m.msgid, '') AS cover_msgid, COALESCE(c.name, '') AS cover_name, COALESCE(m.id, 0) AS cover_message,
			COALESCE(e.name, '') AS submitter_name, e.email AS submitter_mail
		FROM series s JOIN person e ON e.id = s.submitter_id LEFT JOIN cover c ON c.id = s.cover_id LEFT JOIN message m ON m.id = c.message_id WHERE s.id IN (?)`, ids)
	slices.SortFunc(out, func(a, b *SeriesDetail) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	return out, err
}

// SeriesPatch is a patch in its series.
type SeriesPatch struct {
	Number int
	ID     int64
	MsgID  string
	Name   string
	State  string // slug
}

// PatchesOf lists the patches of a series by number.
func PatchesOf(ctx context.Context, q sqldb.Queryer, series int64) ([]SeriesPatch, error) {
	var out []SeriesPatch
	err := q.Select(ctx, &out, `SELECT COALESCE(p.number, 0) AS number, p.id, m.msgid, p.name, COALESCE(t.slug, '') AS state
		FROM patch p JOIN message m ON m.id = p.message_id LEFT JOIN state t ON t.id = p.state_id WHERE p.series_id = ? ORDER BY p.number, p.id`, series)
	if err != nil {
		return nil, fmt.Errorf("list the patches of series %d: %w", series, err)
	}
	return out, nil
}
