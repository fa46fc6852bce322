// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/sqldb"
)

// Excerpts reads the first characters of the texts of patches, in one query. A patch that is hidden is left out.
func Excerpts(ctx context.Context, q sqldb.Queryer, patches []int64, characters int) (map[int64]string, error) {
	if len(patches) == 0 {
		return nil, nil
	}
	return excerpts(ctx, q, "SELECT p.id, SUBSTR(COALESCE(b.content, ''), 1, ?) AS text FROM patch p"+shownText("p")+" WHERE p.id IN (?)", characters, atLeast(patches, fewestRows))
}

// SeriesExcerpts does the same for series, in one query: of their cover letters, or, where there is none, of their first patches. A series without either is left out.
func SeriesExcerpts(ctx context.Context, q sqldb.Queryer, series []int64, characters int) (map[int64]string, error) {
	if len(series) == 0 {
		return nil, nil
	}
	series = atLeast(series, fewestRows)
	return excerpts(ctx, q, "SELECT s.id, SUBSTR(COALESCE(b.content, ''), 1, ?) AS text FROM series s JOIN cover v ON v.id = s.cover_id"+shownText("v")+" WHERE s.id IN (?)"+
		" UNION ALL SELECT s.id, SUBSTR(COALESCE(b.content, ''), 1, ?) FROM series s JOIN patch p ON p.series_id = s.id AND COALESCE(p.number, 1) = 1"+shownText("p")+
		" WHERE s.id IN (?) AND s.cover_id IS NULL", characters, series, characters, series)
}

// shownText joins the text m of a mail that is not hidden.
func shownText(of string) string {
	return " JOIN message m ON m.id = " + of + ".message_id AND m.hidden = FALSE JOIN message_body b ON b.message_id = m.id"
}

func excerpts(ctx context.Context, q sqldb.Queryer, query string, args ...any) (map[int64]string, error) {
	var rows []struct {
		ID   int64
		Text string
	}
	if err := q.Select(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("read how texts begin: %w", err)
	}
	out := make(map[int64]string, len(rows))
	for _, r := range rows {
		out[r.ID] = r.Text
	}
	return out, nil
}
