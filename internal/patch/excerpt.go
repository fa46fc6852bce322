// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"strings"

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

// Opening is who has sent a mail, and the first characters of its text.
type Opening struct {
	Sender
	Text string
}

// Openings are those of mails, by their numbers. What is hidden is not there.
type Openings struct {
	Patches, Covers, PatchComments, CoverComments map[int64]Opening
}

// The queries of ReadOpenings, of one form.
const (
	openColumns = ", x.id, m.submitter_id AS submitter, COALESCE(e.name, '') AS submitter_name, e.email AS submitter_mail, SUBSTR(COALESCE(b.content, ''), 1, ?) AS text"
	openJoins   = ` JOIN message m ON m.id = x.message_id AND m.hidden = FALSE JOIN message_body b ON b.message_id = m.id JOIN person e ON e.id = m.submitter_id WHERE x.id IN (?)`

	openPatches       = "SELECT 'patch' AS kind" + openColumns + " FROM patch x" + openJoins
	openCovers        = "SELECT 'cover' AS kind" + openColumns + " FROM cover x" + openJoins
	openPatchComments = "SELECT 'patch comment' AS kind" + openColumns + " FROM patch_comment x" + openJoins
	openCoverComments = "SELECT 'cover comment' AS kind" + openColumns + " FROM cover_comment x" + openJoins
)

// ReadOpenings reads them in one query; of Series and Checks it knows nothing.
func ReadOpenings(ctx context.Context, q sqldb.Queryer, ids RefIDs, characters int) (Openings, error) {
	o := Openings{map[int64]Opening{}, map[int64]Opening{}, map[int64]Opening{}, map[int64]Opening{}}
	into := map[string]map[int64]Opening{"patch": o.Patches, "cover": o.Covers, "patch comment": o.PatchComments, "cover comment": o.CoverComments}
	var parts []string
	var args []any
	add := func(query string, ids []int64) {
		if len(ids) > 0 {
			parts, args = append(parts, query), append(args, characters, atLeast(ids, fewestRows))
		}
	}
	add(openPatches, ids.Patches)
	add(openCovers, ids.Covers)
	add(openPatchComments, ids.PatchComments)
	add(openCoverComments, ids.CoverComments)
	if len(parts) == 0 {
		return o, nil
	}
	var rows []struct {
		Kind string
		ID   int64
		Opening
	}
	if err := q.Select(ctx, &rows, strings.Join(parts, " UNION ALL "), args...); err != nil {
		return o, fmt.Errorf("read how mails begin: %w", err)
	}
	for _, r := range rows {
		into[r.Kind][r.ID] = r.Opening
	}
	return o, nil
}
