// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/fault"
)

// SeriesOf is the series of a patch or cover, 0 if it has none.
func (in *Intake) SeriesOf(ctx context.Context, t Target) (int64, error) {
	for _, p := range in.new.patches {
		if p.id == t.Patch && p.attached {
			return p.Series.ID, nil
		}
	}
	for _, s := range in.series {
		if t.Cover != 0 && s.Cover == t.Cover {
			return s.ID, nil
		}
	}
	query, id := "SELECT COALESCE(series_id, 0) FROM patch WHERE id = ?", t.Patch
	if t.Patch == 0 {
		query, id = "SELECT id FROM series WHERE cover_id = ?", t.Cover
	}
	return in.oneID(ctx, query, id)
}

// SeriesNumbered is the series with this id if it is one of the project, else 0.
func (in *Intake) SeriesNumbered(ctx context.Context, id int64) (int64, error) {
	if s := in.series[id]; s != nil {
		return s.ID, nil
	}
	return in.oneID(ctx, "SELECT id FROM series WHERE id = ? AND project_id = ?", id, in.project.ID)
}

func (in *Intake) oneID(ctx context.Context, query string, args ...any) (int64, error) {
	var id int64
	err := in.tx.Get(ctx, &id, query, args...)
	if fault.Is(err, fault.NotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("find a series that is depended on: %w", err)
	}
	return id, nil
}
