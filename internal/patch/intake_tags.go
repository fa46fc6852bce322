// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"

	"patchwork.example/pw/internal/base/sqldb"
)

// countTags adds the tags of a text (sign 1), or takes them away (-1). Those of a cover letter and of replies to it count for every patch of its series.
func (in *Intake) countTags(t Target, text string, sign int) {
	if !in.project.UseTags {
		return
	}
	in.book.counter.count(text, func(tag int64, hits int) {
		hits *= sign
		if t.Patch != 0 {
			in.new.tags[[2]int64{t.Patch, tag}] += hits
			return
		}
		in.new.coverTags[[2]int64{t.Cover, tag}] += hits
		addHits(in.coverTags, t.Cover, tag, hits)
		if s := in.byCover[t.Cover]; s != nil {
			for _, patch := range s.numbers {
				in.new.tags[[2]int64{patch, tag}] += hits
			}
		}
	})
}

// inherit gives a patch the tags of the cover letter of its series.
func (in *Intake) inherit(patch int64, s *Series) {
	if s.Cover == 0 || !in.project.UseTags {
		return
	}
	for tag, hits := range in.coverTags[s.Cover] {
		in.new.tags[[2]int64{patch, tag}] += hits
	}
}

func addHits(of map[int64]map[int64]int, cover, tag int64, hits int) {
	if of[cover] == nil {
		of[cover] = map[int64]int{}
	}
	of[cover][tag] += hits
}

// writeRollups adds to the counts that lists show, in order of their keys: transactions that touch the same rows then wait for each
// other instead of deadlocking.
func (in *Intake) writeRollups(ctx context.Context) error {
	rows, lower := changedHits(in.new.tags)
	if err := in.tx.Upsert(ctx, sqldb.Upsert{Table: "patch_tag", Columns: []string{"patch_id", "tag_id", "hits"}, Key: []string{"patch_id", "tag_id"}, Add: []string{"hits"}}, rows); err != nil {
		return err
	}
	if err := in.dropNoHits(ctx, "DELETE FROM patch_tag WHERE patch_id IN (?) AND hits <= 0", lower); err != nil {
		return err
	}
	rows, lower = changedHits(in.new.coverTags)
	if err := in.tx.Upsert(ctx, sqldb.Upsert{Table: "cover_tag", Columns: []string{"cover_id", "tag_id", "hits"}, Key: []string{"cover_id", "tag_id"}, Add: []string{"hits"}}, rows); err != nil {
		return err
	}
	if err := in.dropNoHits(ctx, "DELETE FROM cover_tag WHERE cover_id IN (?) AND hits <= 0", lower); err != nil {
		return err
	}
	counts := map[countKey]shift{}
	for k, n := range in.new.counts {
		counts[countKey{in.project.ID, k[0], k[1], false}] = shift{patches: int64(n), arrivals: int64(n)}
	}
	if err := countPatches(ctx, in.tx, counts); err != nil {
		return err
	}
	return countListed(ctx, in.tx, in.project.ID, listedCount{series: in.new.series, covers: len(in.new.covers)})
}

// changedHits are the rows to add, and the patches or covers that may have come to nothing.
func changedHits(hits map[[2]int64]int) (rows [][]any, lower []int64) {
	for k, n := range hits {
		if n == 0 {
			delete(hits, k)
		} else if n < 0 {
			lower = append(lower, k[0])
		}
	}
	return hitRows(hits), lower
}

func (in *Intake) dropNoHits(ctx context.Context, query string, ids []int64) error {
	return sqldb.Chunks(ids, func(ids []int64) error {
		_, err := in.tx.Exec(ctx, query, ids)
		return err
	})
}
