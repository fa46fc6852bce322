// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// maxArrived is how many patches that came since are looked through; if more came, a search is made anew.
const maxArrived = 2000

// look is what one query sees of a list and of the patches that have some words in their names.
type look struct {
	Listed            int      // patches that the list would have without words, by the counters; -1: they do not know
	Found             int      // patches that the index finds, up to lookAt + 1
	looked            int      // of these, those that were looked at: all, or if there are more than lookAt the first ones
	named, ids        []int64  // of these, those with the words, and those that the list has, in the order of the list if that is of dates and the index finds so
	changes, arrivals int64    // sums of the counters of the list, and of its project; see patch_count
	top               int64    // the highest id of a patch
	came              []Cursor // of a later look: the patches of the project with higher ids than an earlier one has seen
}

// kinds of rows of a look; those of patches are numbers from 0 on.
const (
	lookListed = -1 - iota
	lookChanges
	lookArrivals
	lookTop
	lookFound
)

const (
	lookOther  = iota // has not the words
	lookNamed         // has them, and is not in the list
	lookInList        // is in the list
)

func (n *look) add(kind, value int64) {
	switch kind {
	case lookListed:
		n.Listed = int(value)
	case lookChanges:
		n.changes = value
	case lookArrivals:
		n.arrivals = value
	case lookTop:
		n.top = value
	case lookFound:
		n.Found = int(value)
	default:
		n.looked++
		if kind > lookOther {
			n.named = append(n.named, value)
		}
		if kind == lookInList {
			n.ids = append(n.ids, value)
		}
	}
}

// read asks for the rows of a look; with is what stands before them.
func (n *look) read(ctx context.Context, q sqldb.Queryer, with string, w *where) error {
	n.Listed, n.Found = -1, -1
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var kind, value int64
		if err := rows.Scan(&kind, &value); err != nil {
			return err
		}
		n.add(kind, value)
		return nil
	}, with+w.union(), w.args...)
	if n.Found < 0 {
		n.Found = n.looked
	}
	return err
}

// union joins queries.
func (w *where) union() string {
	text := ""
	for i, part := range w.parts {
		if i > 0 {
			text += " UNION ALL "
		}
		text += part
	}
	return text
}

// sums are the rows of a look that the counters give.
func (f Query) sums(w *where, watched bool) {
	list := f.counters()
	if f.Since == nil && f.Before == nil {
		w.add(fmt.Sprintf("SELECT %d AS kind, COALESCE(SUM(p.patches), 0) AS value FROM patch_count p", lookListed)+list.sql(), list.args...)
	}
	if watched {
		w.add(fmt.Sprintf("SELECT %d AS kind, COALESCE(SUM(p.changes), 0) AS value FROM patch_count p", lookChanges)+list.sql(), list.args...)
		w.add(fmt.Sprintf("SELECT %d AS kind, COALESCE(SUM(p.arrivals), 0) AS value FROM patch_count p WHERE p.project_id = ?", lookArrivals), f.Projects[0])
		w.add(fmt.Sprintf("SELECT %d AS kind, COALESCE(MAX(p.id), 0) AS value FROM patch p", lookTop))
	}
}

// named are the conditions on the name and the project of a patch p, which hold whatever becomes of it.
func (f Query) named() *where {
	w := &where{}
	w.in("+p.project_id", f.Projects)
	w.words(f.engine, "p.name_key", f.words())
	return w
}

// lookUp asks the index of words, for up to lookAt + 1 patches, and looks at them; if there are more, at a fifth (on MariaDB at all).
func (f Query) lookUp(ctx context.Context, q sqldb.Queryer, p wordPlan) (n look, err error) {
	w, found := &where{}, &where{}
	hits, order, id := "SELECT w.patch_id AS n FROM patch_words w", "", "w.n"
	switch p.engine {
	case sqldb.SQLite:
		hits, id, order = "SELECT w.rowid AS n FROM patch_words w", fmt.Sprintf("(w.n & %d)", wordPatch), " ORDER BY n DESC"
		if f.byDate() {
			order = " ORDER BY n" + f.keys()[0].direction()
		}
		p.conditions(found)
		f.between(found)
	case sqldb.Postgres:
		found.add("w.grams @> ?", p.asked())
	default:
		hits = "SELECT w0.patch_id AS n" + joinedGrams[len(p.asked())]
		p.conditions(found)
	}
	hits += found.sql() + order + " LIMIT ?"
	found.args = append(found.args, f.lookAt+1)
	f.sums(w, f.watched(q))
	if p.engine == sqldb.MariaDB {
		f.each(w, id, hits, found.args...)
		return n, n.read(ctx, q, "", w)
	}
	w.add(fmt.Sprintf("SELECT %d AS kind, COUNT(*) AS value FROM hits", lookFound))
	f.each(w, id, "SELECT n FROM hits"+order+fmt.Sprintf(" LIMIT (SELECT CASE WHEN COUNT(*) > %[1]d THEN %[2]d ELSE %[1]d END FROM hits)", f.lookAt, f.farPage()))
	w.args = append(found.args, w.args...)
	err = n.read(ctx, q, "WITH hits AS MATERIALIZED ("+hits+") ", w)
	if p.engine == sqldb.SQLite {
		n.order(f.byDate() && !f.keys()[0].desc)
	}
	return n, err
}

// each looks at patches that a query has found. A subquery for each is looked up by its id, whatever the planner thinks of their number.
func (f Query) each(w *where, id, found string, args ...any) {
	on, list := f.named(), f.conditionsButWords()
	on.add("p.id = " + id)
	w.add(fmt.Sprintf("SELECT COALESCE((SELECT CASE WHEN %s THEN %d ELSE %d END FROM patch p%s), %d) AS kind, w.n AS value FROM (%s) w", list.all(), lookInList, lookNamed, on.sql(), lookOther, found),
		slices.Concat(list.args, on.args, args)...)
}

// order makes ids of the numbers that SQLite's index has, in its order.
func (n *look) order(rising bool) {
	for _, list := range [][]int64{n.named, n.ids} {
		slices.Sort(list)
		if !rising {
			slices.Reverse(list)
		}
		for i := range list {
			list[i] &= wordPatch
		}
	}
}

// lookAgain asks what has become of a list, and which patches, with and without the words, came since the highest id was top; 0: that is not asked.
func (f Query) lookAgain(ctx context.Context, q sqldb.Queryer, top int64) (n look, err error) {
	w := &where{}
	f.sums(w, true)
	for i := range w.parts {
		w.parts[i] = "SELECT x.kind, x.value, 0 AS date FROM (" + w.parts[i] + ") x"
	}
	if top != 0 {
		words := &where{parts: []string{"1 = 1"}}
		words.words(f.engine, "p.name_key", f.words())
		w.add(fmt.Sprintf("SELECT * FROM (SELECT CASE WHEN %s THEN %d ELSE %d END AS kind, p.id AS value, p.date FROM patch p WHERE +p.project_id = ? AND p.id > ? ORDER BY p.id LIMIT %d) arrived",
			words.all(), lookNamed, lookOther, maxArrived+1), append(words.args, f.Projects[0], top)...)
	}
	err = q.Each(ctx, func(rows *sqlx.Rows) error {
		var kind, value, date int64
		if err := rows.Scan(&kind, &value, &date); err != nil {
			return err
		}
		if n.add(kind, value); kind >= lookOther {
			n.came = append(n.came, Cursor{ID: value, Date: clock.Time(date)})
		}
		return nil
	}, w.union(), w.args...)
	if err != nil {
		return n, fmt.Errorf("look for what came since: %w", err)
	}
	return n, nil
}

// among finds those of some patches that the list has, in its order.
func (f Query) among(ctx context.Context, q sqldb.Queryer, ids []int64) (found []int64, err error) {
	if found = []int64{}; len(ids) == 0 {
		return found, nil
	}
	f.plan, f.byID = wordPlan{}, true
	w := &where{}
	from := " FROM patch p"
	if f.engine == sqldb.SQLite { // takes half the time for one text that it does for thousands of values
		text, err := json.Marshal(ids)
		if err != nil {
			return nil, err
		}
		from, w.args = " FROM json_each(?) ids CROSS JOIN patch p ON p.id = ids.value", []any{string(text)}
	} else {
		w.add("p.id IN (?)", ids)
	}
	list := f.conditionsButWords()
	w.add(list.all(), list.args...)
	if err = q.Select(ctx, &found, "SELECT p.id"+from+f.joins()+w.sql()+f.orderBy(), w.args...); err != nil {
		return nil, fmt.Errorf("list patches: %w", err)
	}
	return found, nil
}
