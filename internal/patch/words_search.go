// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
)

const (
	fewFound  = 5000 // so many patches are looked at whatever the list; more only where there is no shorter way
	newestFew = 5000 // among so many of the newest patches of a list single letters are looked for, of which the index has nothing
)

// wordPlan is by which way the patches with some words are found. The zero value goes through the list.
type wordPlan struct {
	engine      string
	grams       []int32 // of the words; none: the index has nothing of them
	count, page bool    // whether the index is asked for the total, and for a page
}

func engineOf(q sqldb.Queryer) string { return q.(interface{ Engine() string }).Engine() }

// planned is what planWords has found out.
type planned struct {
	Listed int     // patches that the list would have without words, by the counters; -1: they do not know
	Found  int     // patches that the index finds, up to fewFound + 1
	Total  int     // of these, those that the list has
	ids    []int64 // they themselves, in the order of the list, where the index finds in it
}

// planWords says how the patches with the words of a query are found: by the index, or by going through the list, whichever has fewer patches to look at. If the index
// finds few, they are counted too.
func (f Query) planWords(ctx context.Context, q sqldb.Queryer) (p wordPlan, n planned, err error) {
	words := f.words()
	if len(words) == 0 || f.narrow() {
		return p, n, nil
	}
	p = wordPlan{engine: f.engine, grams: wordGrams(words), count: true, page: true}
	if len(p.grams) == 0 {
		return p, n, nil
	}
	listed, w := "-1", &where{}
	if f.Since == nil && f.Before == nil {
		w = f.counters()
		listed = "(SELECT COALESCE(SUM(p.patches), 0) FROM patch_count p" + w.sql() + ")"
	}
	if p.engine == sqldb.SQLite && f.byDate() {
		err = f.firstOfWords(ctx, q, p, &n, listed, w.args)
	} else {
		query, args := f.fewOfWords(p)
		err = q.Get(ctx, &n, "SELECT "+listed+" AS listed, f.found, f.total FROM ("+query+") f", append(w.args, args...)...)
	}
	if err != nil {
		return p, n, fmt.Errorf("look for words: %w", err)
	}
	_, _, walk := f.walk()
	switch {
	case n.Listed >= 0 && n.Listed < n.Found: // also if more than fewFound were found
		p.count, p.page = false, !walk
	case n.Found > fewFound && !(p.engine == sqldb.SQLite && f.byDate()):
		p.page = !walk
	}
	return p, n, nil
}

// byDate tells whether a list has the order of dates, in which SQLite's index finds.
func (f Query) byDate() bool {
	keys := f.keys()
	return len(keys) == 2 && keys[0].by == OrderDate && keys[1] == sortKey{OrderID, keys[0].desc}
}

// asked are the grams that are looked up.
func (p wordPlan) asked() []int32 {
	if p.engine == sqldb.MariaDB { // each is a join
		return p.grams[:min(len(p.grams), len(joinedGrams)-1)]
	}
	return p.grams
}

// joinedGrams are the rows of up to four grams of one patch, for MariaDB.
var joinedGrams = [...]string{"", " FROM patch_words w0",
	" FROM patch_words w0 JOIN patch_words w1 ON w1.patch_id = w0.patch_id",
	" FROM patch_words w0 JOIN patch_words w1 ON w1.patch_id = w0.patch_id JOIN patch_words w2 ON w2.patch_id = w0.patch_id",
	" FROM patch_words w0 JOIN patch_words w1 ON w1.patch_id = w0.patch_id JOIN patch_words w2 ON w2.patch_id = w0.patch_id JOIN patch_words w3 ON w3.patch_id = w0.patch_id"}

// fewOfWords counts what the index finds, up to fewFound + 1, and what of that the list has. A subquery for each patch is looked up by its id, whatever the planner
// thinks of their number.
func (f Query) fewOfWords(p wordPlan) (string, []any) {
	on, w := f.conditions(), &where{}
	on.add("p.id = w.id")
	from := "SELECT w.patch_id AS id FROM patch_words w"
	switch p.engine {
	case sqldb.SQLite:
		from = fmt.Sprintf("SELECT w.rowid & %d AS id FROM patch_words w", wordPatch)
		p.conditions(w)
	case sqldb.Postgres:
		w.add("w.grams @> ?", p.grams)
	default:
		from = "SELECT w0.patch_id AS id" + joinedGrams[len(p.asked())]
		p.conditions(w)
	}
	query := "SELECT COUNT(*) AS found, COUNT((SELECT 1 FROM patch p" + on.sql() + ")) AS total FROM (" + from + w.sql() + " LIMIT ?) w"
	return query, append(append(on.args, w.args...), fewFound+1)
}

// firstOfWords does the same where the index finds in the order of the list, and keeps the ids.
func (f Query) firstOfWords(ctx context.Context, q sqldb.Queryer, p wordPlan, n *planned, listed string, args []any) error {
	on, w := f.conditions(), &where{}
	on.add(fmt.Sprintf("p.id = (w.rowid & %d)", wordPatch))
	p.conditions(w)
	n.Listed = -1
	return q.Each(ctx, func(rows *sqlx.Rows) error {
		var id sql.NullInt64
		if err := rows.Scan(&n.Listed, &id); err != nil {
			return err
		}
		if n.Found++; id.Valid {
			n.Total, n.ids = n.Total+1, append(n.ids, id.Int64)
		}
		return nil
	}, "SELECT "+listed+", (SELECT p.id FROM patch p"+on.sql()+") FROM patch_words w"+w.sql()+" ORDER BY w.rowid"+f.keys()[0].direction()+" LIMIT ?",
		append(append(append(args, on.args...), w.args...), fewFound+1)...)
}

// conditions are those on the index, which stands before patch p.
func (p wordPlan) conditions(w *where) {
	switch p.engine {
	case sqldb.SQLite:
		var tokens []string
		for _, g := range p.grams {
			tokens = append(tokens, `"`+token(g)+`"`)
		}
		w.add("w.patch_words MATCH ?", strings.Join(tokens, " AND "))
	case sqldb.Postgres: // a list that is found first, whatever the planner thinks of its length
		w.add("p.id = ANY(ARRAY(SELECT patch_id FROM patch_words WHERE grams @> ?))", p.grams)
	default:
		for i, g := range p.asked() {
			w.add(fmt.Sprintf("w%d.gram = ?", i), g)
		}
	}
}

// indexed is patch p behind the index of words, with all conditions; what the index has nothing of is looked for among the newest patches of the list.
func (f Query) indexed() (from string, w *where) {
	w = &where{}
	if len(f.plan.grams) == 0 {
		newest := f
		newest.Words = ""
		date := sortKey{OrderDate, true}
		query, args := segment{arms: newest.split(date), limit: newestFew, desc: true}.ids(0, date)
		w.args = append(w.args, args...)
		from = " FROM (" + query + ") newest" + f.plan.straight()
		return from, f.conditionsTo(w)
	}
	switch f.plan.engine {
	case sqldb.SQLite:
		from = fmt.Sprintf(" FROM patch_words w CROSS JOIN patch p ON p.id = (w.rowid & %d)", wordPatch)
	case sqldb.Postgres:
		from = " FROM patch p"
	default:
		from = joinedGrams[len(f.plan.asked())] + " STRAIGHT_JOIN patch p ON p.id = w0.patch_id"
	}
	f.plan.conditions(w)
	if f.plan.engine == sqldb.SQLite && f.Since != nil {
		w.add("w.rowid >= ?", wordSecond(int64(*f.Since))<<30)
	}
	if f.plan.engine == sqldb.SQLite && f.Before != nil {
		w.add("w.rowid <= ?", wordSecond(int64(*f.Before))<<30|wordPatch)
	}
	return from, f.conditionsTo(w)
}

// straight joins the patches that were found first, in that order.
func (p wordPlan) straight() string {
	switch p.engine {
	case sqldb.SQLite:
		return " CROSS JOIN patch p ON p.id = newest.id"
	case sqldb.MariaDB:
		return " STRAIGHT_JOIN patch p ON p.id = newest.id"
	}
	return " JOIN patch p ON p.id = newest.id"
}

// streams tells whether the index finds in the order of the list, so that a page ends as soon as it is full.
func (f Query) streams() bool {
	return f.plan.engine == sqldb.SQLite && len(f.plan.grams) > 0 && f.byDate()
}

// pageOfWords is the query for the ids of a page that the index finds.
func (f Query) pageOfWords(offset, limit int) (string, []any) {
	from, w := f.indexed()
	return "SELECT p.id" + from + f.joins() + w.sql() + f.orderBy() + " LIMIT ? OFFSET ?", append(w.args, limit, offset)
}

// orderBy is the order of what the index finds.
func (f Query) orderBy() string {
	if f.streams() {
		return " ORDER BY w.rowid" + f.keys()[0].direction()
	}
	order := []string{}
	for _, k := range f.keys() {
		order = append(order, k.column()+k.direction())
	}
	return " ORDER BY " + strings.Join(order, ", ")
}

// joins are the tables that the order needs.
func (f Query) joins() string {
	joins := ""
	for _, k := range f.keys() {
		joins += sortColumns[k.by].join
	}
	return joins
}

// besideOfWords finds the ids of those that follow a cursor, nil for the first ones, by the index.
func (f Query) besideOfWords(ctx context.Context, q sqldb.Queryer, key sortKey, at *Cursor, limit int) ([]int64, error) {
	from, w := f.indexed()
	if f.Order = key.by; key.desc {
		f.Order = "-" + key.by
	}
	s := segment{at: at, desc: key.desc}
	if at != nil && f.streams() {
		than := " > ?"
		if key.desc {
			than = " < ?"
		}
		w.add("w.rowid"+than, named{ID: at.ID, Date: int64(at.Date)}.row())
		s.at = nil
	}
	s.from(w, walkKeys[key.by], key)
	var ids []int64
	err := q.Select(ctx, &ids, "SELECT p.id"+from+w.sql()+f.orderBy()+" LIMIT ?", append(w.args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("list patches: %w", err)
	}
	return ids, nil
}

// idsOfWords finds the ids of at most limit patches by the index.
func (f Query) idsOfWords(ctx context.Context, q sqldb.Queryer, limit int) ([]int64, error) {
	f.plan = wordPlan{engine: f.engine, grams: wordGrams(f.words())}
	from, w := f.indexed()
	var ids []int64
	if err := q.Select(ctx, &ids, "SELECT p.id"+from+w.sql()+" LIMIT ?", append(w.args, limit)...); err != nil {
		return nil, fmt.Errorf("find patches: %w", err)
	}
	slices.Sort(ids)
	return ids, nil
}
