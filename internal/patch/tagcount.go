// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
)

// A patch has the tags of its own text and comments (own) and those of the cover letter of its series and the comments on that (cover_tag); patch_tag
// holds the sum.

// tally counts tags anew and compares them with what is stored.
type tally struct {
	tx      *sqldb.Tx
	counter counter
	repair  bool
	wrong   int64
}

func newTally(ctx context.Context, tx *sqldb.Tx, repair bool) (*tally, error) {
	tags, err := Tags(ctx, tx)
	return &tally{tx: tx, counter: newCounter(tags), repair: repair}, err
}

// retag makes the tags of patches and covers, and of the patches of the covers' series, true again. Ids of 0 are passed over.
func retag(ctx context.Context, tx *sqldb.Tx, patches, covers []int64) error {
	t, err := newTally(ctx, tx, true)
	if err != nil {
		return err
	}
	patches, covers = nonzero(patches), nonzero(covers)
	err = sqldb.Chunks(covers, func(ids []int64) error {
		var more []int64
		err := tx.Select(ctx, &more, "SELECT p.id FROM patch p JOIN series s ON s.id = p.series_id WHERE s.cover_id IN (?)", ids)
		patches = append(patches, more...)
		return err
	})
	if err != nil {
		return fmt.Errorf("find the patches of %d covers: %w", len(covers), err)
	}
	// Projects that do not count tags have none.
	for _, of := range []struct {
		ids   []int64
		using string
		count func(context.Context, []int64) error
	}{
		{covers, "SELECT c.id FROM cover c JOIN project j ON j.id = c.project_id WHERE j.use_tags = TRUE AND c.id IN (?) ORDER BY c.id", t.covers},
		{patches, "SELECT p.id FROM patch p JOIN project j ON j.id = p.project_id WHERE j.use_tags = TRUE AND p.id IN (?) ORDER BY p.id", t.patches},
	} {
		err := sqldb.Chunks(of.ids, func(ids []int64) error {
			var counted []int64
			if err := tx.Select(ctx, &counted, of.using, ids); err != nil {
				return err
			}
			return of.count(ctx, counted)
		})
		if err != nil {
			return fmt.Errorf("count tags anew: %w", err)
		}
	}
	return nil
}

func nonzero(ids []int64) []int64 {
	var out []int64
	for _, id := range ids {
		if id != 0 {
			out = append(out, id)
		}
	}
	return out
}

// retagSeries makes the tags of the patches of a series true again; 0: none.
func retagSeries(ctx context.Context, tx *sqldb.Tx, series int64) error {
	if series == 0 {
		return nil
	}
	var ids []int64
	if err := tx.Select(ctx, &ids, "SELECT id FROM patch WHERE series_id = ?", series); err != nil {
		return fmt.Errorf("find the patches of series %d: %w", series, err)
	}
	return retag(ctx, tx, ids, nil)
}

// checkTags counts all tags anew, a slice of the patches at a time.
func checkTags(ctx context.Context, tx *sqldb.Tx, repair bool) (Finding, error) {
	f := Finding{What: "tag counts that are wrong", Repairable: true, Repaired: repair}
	t, err := newTally(ctx, tx, repair)
	if err != nil {
		return f, err
	}
	for _, of := range []struct {
		all   string
		count func(context.Context, []int64) error
	}{
		{"SELECT c.id FROM cover c JOIN project j ON j.id = c.project_id WHERE j.use_tags = TRUE ORDER BY c.id", t.covers},
		{"SELECT p.id FROM patch p JOIN project j ON j.id = p.project_id WHERE j.use_tags = TRUE ORDER BY p.id", t.patches},
	} {
		var ids []int64
		if err := tx.Select(ctx, &ids, of.all); err != nil {
			return f, fmt.Errorf("list what has tags: %w", err)
		}
		for len(ids) > 0 {
			n := min(len(ids), 500)
			if err := of.count(ctx, ids[:n]); err != nil {
				return f, err
			}
			ids = ids[n:]
		}
	}
	f.Rows = t.wrong
	return f, nil
}

func (t *tally) covers(ctx context.Context, ids []int64) error {
	want := map[[2]int64]int{}
	have, err := t.read(ctx, ids, want, `SELECT p.id, COALESCE(b.content, '') FROM cover p JOIN message_body b ON b.message_id = p.message_id WHERE p.id IN (?)
		UNION ALL SELECT c.cover_id, COALESCE(b.content, '') FROM cover_comment c JOIN message_body b ON b.message_id = c.message_id WHERE c.cover_id IN (?)`,
		"SELECT cover_id, tag_id, hits FROM cover_tag WHERE cover_id IN (?)")
	wrong := differences(want, have)
	t.wrong += wrong
	if err != nil || wrong == 0 || !t.repair {
		return err
	}
	if _, err := t.tx.Exec(ctx, "DELETE FROM cover_tag WHERE cover_id IN (?)", ids); err != nil {
		return fmt.Errorf("repair tag counts: %w", err)
	}
	return t.tx.Insert(ctx, "cover_tag", []string{"cover_id", "tag_id", "hits"}, hitRows(want))
}

// patches trusts the counts of the covers.
func (t *tally) patches(ctx context.Context, ids []int64) error {
	want := map[[2]int64]int{}
	err := sqldb.Chunks(ids, func(ids []int64) error {
		return t.tx.Each(ctx, addTo(want), `SELECT p.id, c.tag_id, c.hits FROM patch p JOIN series s ON s.id = p.series_id JOIN cover_tag c ON c.cover_id = s.cover_id
			WHERE p.id IN (?)`, ids)
	})
	if err != nil {
		return fmt.Errorf("read the tags of cover letters: %w", err)
	}
	have, err := t.read(ctx, ids, want, `SELECT p.id, COALESCE(b.content, '') FROM patch p JOIN message_body b ON b.message_id = p.message_id WHERE p.id IN (?)
		UNION ALL SELECT c.patch_id, COALESCE(b.content, '') FROM patch_comment c JOIN message_body b ON b.message_id = c.message_id WHERE c.patch_id IN (?)`,
		"SELECT patch_id, tag_id, hits FROM patch_tag WHERE patch_id IN (?)")
	wrong := differences(want, have)
	t.wrong += wrong
	if err != nil || wrong == 0 || !t.repair {
		return err
	}
	if _, err := t.tx.Exec(ctx, "DELETE FROM patch_tag WHERE patch_id IN (?)", ids); err != nil {
		return fmt.Errorf("repair tag counts: %w", err)
	}
	return t.tx.Insert(ctx, "patch_tag", []string{"patch_id", "tag_id", "hits"}, hitRows(want))
}

// read adds the tags of texts to want, and gives those that are stored.
func (t *tally) read(ctx context.Context, ids []int64, want map[[2]int64]int, texts, stored string) (have map[[2]int64]int, err error) {
	have = map[[2]int64]int{}
	if len(ids) == 0 {
		return have, nil
	}
	err = t.tx.Each(ctx, func(rows *sqlx.Rows) error {
		var id int64
		var text string
		err := rows.Scan(&id, &text)
		t.counter.count(text, func(tag int64, hits int) { want[[2]int64{id, tag}] += hits })
		return err
	}, texts, ids, ids)
	if err == nil {
		err = t.tx.Each(ctx, addTo(have), stored, ids)
	}
	if err != nil {
		return nil, fmt.Errorf("count tags: %w", err)
	}
	return have, nil
}

func addTo(hits map[[2]int64]int) func(*sqlx.Rows) error {
	return func(rows *sqlx.Rows) error {
		var id, tag int64
		var n int
		err := rows.Scan(&id, &tag, &n)
		hits[[2]int64{id, tag}] += n
		return err
	}
}

func hitRows(hits map[[2]int64]int) [][]any {
	var rows [][]any
	for k, n := range hits {
		rows = append(rows, []any{k[0], k[1], n})
	}
	slices.SortFunc(rows, func(a, b []any) int {
		return cmp.Or(cmp.Compare(a[0].(int64), b[0].(int64)), cmp.Compare(a[1].(int64), b[1].(int64)))
	})
	return rows
}

func differences(a, b map[[2]int64]int) int64 {
	var n int64
	for k, v := range a {
		if b[k] != v {
			n++
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			n++
		}
	}
	return n
}
