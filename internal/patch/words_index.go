// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
)

// named is a patch as the index of words knows it.
type named struct {
	ID   int64
	Date int64  // in microseconds
	Name string `db:"name_key"`
}

// On SQLite a row of the index has the number of its date in seconds and, in the lower 30 bits, of its patch. Dates that do not fit, before 1970 and after 2242, are cut.
const (
	wordPatch = 1<<30 - 1
	maxSecond = 1<<33 - 1
)

func wordSecond(date int64) int64 { return min(max(date/1e6, 0), maxSecond) }

func (n named) row() int64 { return wordSecond(n.Date)<<30 | n.ID&wordPatch }

// token is a gram as SQLite's index takes it.
func token(gram int32) string { return strconv.FormatInt(int64(gram), 36) }

func (n named) tokens() string {
	text := make([]byte, 0, 256)
	for _, g := range gramsOf(n.Name) {
		text = append(strconv.AppendInt(text, int64(g), 36), ' ')
	}
	return string(text)
}

// indexWords puts names of patches into the index; none of them may be in it.
func indexWords(ctx context.Context, tx *sqldb.Tx, patches []named) error {
	var rows [][]any
	columns := []string{"patch_id", "grams"}
	switch tx.Engine() {
	case sqldb.SQLite:
		columns[0] = "rowid"
		for _, p := range patches {
			rows = append(rows, []any{p.row(), p.tokens()})
		}
		slices.SortFunc(rows, func(a, b []any) int { return cmp.Compare(a[0].(int64), b[0].(int64)) }) // else each step back writes out what has gathered
	case sqldb.Postgres:
		for _, p := range patches {
			rows = append(rows, []any{p.ID, gramsOf(p.Name)})
		}
	default:
		columns = []string{"gram", "patch_id"}
		for _, p := range patches {
			for _, g := range gramsOf(p.Name) {
				rows = append(rows, []any{g, p.ID})
			}
		}
		return tx.Upsert(ctx, sqldb.Upsert{Table: "patch_words", Columns: columns, Key: columns}, rows) // what a name left behind that somebody changed by hand is no error
	}
	return tx.Insert(ctx, "patch_words", columns, rows)
}

// forgetWords takes patches out of the index, before they are removed or renamed.
func forgetWords(ctx context.Context, tx *sqldb.Tx, ids []int64) error {
	err := sqldb.Chunks(ids, func(ids []int64) error {
		if tx.Engine() == sqldb.Postgres {
			_, err := tx.Exec(ctx, "DELETE FROM patch_words WHERE patch_id IN (?)", ids)
			return err
		}
		var patches []named
		if err := tx.Select(ctx, &patches, "SELECT id, date, name_key FROM patch WHERE id IN (?)", ids); err != nil {
			return err
		}
		for _, p := range patches {
			if err := p.forget(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("take %d patches out of the index of words: %w", len(ids), err)
	}
	return nil
}

func (n named) forget(ctx context.Context, tx *sqldb.Tx) error {
	if tx.Engine() == sqldb.SQLite { // an index that keeps no texts must be told what was put into it
		_, err := tx.Exec(ctx, "INSERT INTO patch_words (patch_words, rowid, grams) VALUES ('delete', ?, ?)", n.row(), n.tokens())
		return err
	}
	var grams []int64
	for _, g := range gramsOf(n.Name) {
		grams = append(grams, int64(g))
	}
	if grams == nil {
		return nil
	}
	_, err := tx.Exec(ctx, "DELETE FROM patch_words WHERE patch_id = ? AND gram IN (?)", n.ID, grams)
	return err
}

// forgetProjectWords takes all patches of a project out of the index.
func forgetProjectWords(ctx context.Context, tx *sqldb.Tx, project int64) error {
	var ids []int64
	if err := tx.Select(ctx, &ids, "SELECT id FROM patch WHERE project_id = ?", project); err != nil {
		return fmt.Errorf("find the patches of project %d: %w", project, err)
	}
	return forgetWords(ctx, tx, ids)
}

// fillPiece is how many patches FillWords puts into the index in one transaction.
const fillPiece = 2000

// FillWords puts into the index of words what was there before it, in transactions of 2,000 patches; whoever comes after one that was cut off goes on where it stood.
// step hears up to which id it has come, and the last. Normally there is nothing to do, which takes one query.
func FillWords(ctx context.Context, db *sqldb.DB, step func(done, last int64)) error {
	for {
		var at struct{ Done, Last int64 }
		var left int
		if err := db.Get(ctx, &left, "SELECT COUNT(*) FROM patch_words_fill"); err != nil || left == 0 {
			return err
		}
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			return fillWords(ctx, tx, &at.Done, &at.Last)
		})
		if err != nil {
			return fmt.Errorf("fill the index of words: %w", err)
		}
		if at.Last == 0 {
			return nil
		}
		step(at.Done, at.Last)
	}
}

// fillWords does one piece; last is 0 if nothing is left.
func fillWords(ctx context.Context, tx *sqldb.Tx, done, last *int64) error {
	var at []struct{ Done, Last int64 }
	err := tx.Select(ctx, &at, "SELECT done, last FROM patch_words_fill WHERE id = 1"+tx.LockRows())
	if *last = 0; err != nil || len(at) == 0 {
		return err
	}
	var patches []named
	err = tx.Select(ctx, &patches, "SELECT id, date, name_key FROM patch WHERE id > ? AND id <= ? ORDER BY id LIMIT ?", at[0].Done, at[0].Last, fillPiece)
	if err != nil {
		return err
	}
	if len(patches) == 0 {
		if _, err = tx.Exec(ctx, "DELETE FROM patch_words_fill WHERE id = 1"); err != nil {
			return err
		}
		return doubtLists(ctx, tx) // searches missed what was not there yet
	}
	if err := indexWords(ctx, tx, patches); err != nil {
		return err
	}
	*done, *last = patches[len(patches)-1].ID, at[0].Last
	_, err = tx.Exec(ctx, "UPDATE patch_words_fill SET done = ? WHERE id = 1", *done)
	return err
}

// wordSum is what is in the index, or should be, whatever its order.
type wordSum struct {
	grams int64
	sum   uint64
}

func (s *wordSum) add(row int64, gram int64) {
	h := uint64(row)*0x9e3779b97f4a7c15 ^ uint64(gram)*0xc2b2ae3d27d4eb4f
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	s.grams, s.sum = s.grams+1, s.sum+(h^h>>32)
}

// checkWords compares the index with the names it is made of; with repair it is made anew. What was not put into it yet is put into it.
func checkWords(ctx context.Context, tx *sqldb.Tx, repair bool) (Finding, error) {
	f := Finding{What: "entries of the index of words that are wrong or missing", Repairable: true, Repaired: repair}
	var want, have wordSum
	sqlite := tx.Engine() == sqldb.SQLite
	err := eachNamed(ctx, tx, func(patches []named) error {
		for _, p := range patches {
			row := p.ID
			if sqlite {
				row = p.row()
			}
			for _, g := range gramsOf(p.Name) {
				want.add(row, int64(g))
			}
		}
		return nil
	})
	if err == nil {
		err = have.read(ctx, tx)
	}
	if err != nil || want == have {
		return f, err
	}
	if f.Rows = max(want.grams-have.grams, have.grams-want.grams, 1); !repair {
		return f, nil
	}
	clear := "DELETE FROM patch_words"
	if sqlite {
		clear = "INSERT INTO patch_words (patch_words) VALUES ('delete-all')"
	}
	for _, query := range []string{clear, "DELETE FROM patch_words_fill"} {
		if _, err := tx.Exec(ctx, query); err != nil {
			return f, err
		}
	}
	return f, eachNamed(ctx, tx, func(patches []named) error { return indexWords(ctx, tx, patches) })
}

func (s *wordSum) read(ctx context.Context, tx *sqldb.Tx) error {
	query := map[string]string{
		sqldb.SQLite:   "SELECT doc, term FROM patch_words_vocab",
		sqldb.Postgres: "SELECT patch_id, unnest(grams) FROM patch_words",
		sqldb.MariaDB:  "SELECT patch_id, gram FROM patch_words",
	}[tx.Engine()]
	base := 10
	if tx.Engine() == sqldb.SQLite {
		base = 36
	}
	return tx.Each(ctx, func(rows *sqlx.Rows) error {
		var row int64
		var gram string
		if err := rows.Scan(&row, &gram); err != nil {
			return err
		}
		g, err := strconv.ParseInt(gram, base, 64)
		s.add(row, g)
		return err
	}, query)
}

// eachNamed goes through all patches, some at a time.
func eachNamed(ctx context.Context, tx *sqldb.Tx, f func([]named) error) error {
	for after := int64(-1); ; {
		var patches []named
		err := tx.Select(ctx, &patches, "SELECT id, date, name_key FROM patch WHERE id > ? ORDER BY id LIMIT ?", after, fillPiece)
		if err != nil || len(patches) == 0 {
			return err
		}
		if err := f(patches); err != nil {
			return err
		}
		after = patches[len(patches)-1].ID
	}
}
