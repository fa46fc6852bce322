// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"patchwork.example/pw/internal/base/sqldb"
)

// fewFound is how many patches that an index of words finds are looked at whatever the list, if that is all of them; else a fifth.
const fewFound = 5000

// wordPlan is by which way the patches with some words are found. The zero value goes through the list.
type wordPlan struct {
	engine      string
	grams       []int32 // of the words; none: the index has nothing of them
	count, page bool    // whether the index is asked for the total, and for a page
	walk, sort  float64 // what is gone through for each patch of a page, if the list is walked, and for all, if what the index finds is sorted; 0: not known
}

// weigh notes what is known of a list when it has been counted.
func (p *wordPlan) weigh(n look, total int) {
	if len(p.grams) > 0 && n.Listed > 0 && total > 0 && len(n.ids) > 0 {
		p.walk, p.sort = float64(n.Listed)/float64(total), float64(n.looked)/float64(len(n.ids))*float64(total)
	}
}

// sorts tells whether the index is the shorter way to a page that ends there even if all that it finds must be sorted.
func (p wordPlan) sorts(end int) bool { return p.sort > 0 && p.walk*float64(end) > p.sort }

func engineOf(q sqldb.Queryer) string { return q.(interface{ Engine() string }).Engine() }

// planWords says how the patches with the words of a query are found: by the index, or by going through the list, whichever has fewer patches to look at. If the index
// finds few, they are all known with that.
func (f Query) planWords(ctx context.Context, q sqldb.Queryer) (p wordPlan, n look, err error) {
	words := f.words()
	if len(words) == 0 || f.narrow() {
		return p, n, nil
	}
	p = wordPlan{engine: f.engine, grams: wordGrams(words), count: true, page: true}
	if len(p.grams) == 0 {
		if f.bounded() {
			w := &where{}
			f.sums(w, f.watched(q))
			err = n.read(ctx, q, "", w)
		}
		return p, n, err
	}
	if n, err = f.lookUp(ctx, q, p); err != nil {
		return p, n, fmt.Errorf("look for words: %w", err)
	}
	_, _, walk := f.walk()
	switch {
	case n.Listed >= 0 && n.Listed < n.Found: // also if more were found than are looked at
		p.count, p.page = false, !walk
	case n.Found > f.lookAt && !(p.engine == sqldb.SQLite && f.byDate()):
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
		query, args := segment{arms: newest.split(date), limit: MaxMarked, desc: true}.ids(0, date)
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
	if f.plan.engine == sqldb.SQLite {
		f.between(w)
	}
	return from, f.conditionsTo(w)
}

// between leaves out what SQLite's index has of other dates.
func (f Query) between(w *where) {
	if f.Since != nil {
		w.add("w.rowid >= ?", wordSecond(int64(*f.Since))<<30)
	}
	if f.Before != nil {
		w.add("w.rowid <= ?", wordSecond(int64(*f.Before))<<30|wordPatch)
	}
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
