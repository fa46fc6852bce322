// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
)

// maxArrived is how many patches that came since are looked through; if more came, a search is made anew.
const maxArrived = 2000

// look is what one query sees of a list and of the patches that have some words in their names.
type look struct {
	Listed            int     // patches that the list would have without words, by the counters; -1: they do not know
	Found             int     // patches that the index finds, up to lookAt + 1
	named, ids        []int64 // of these, those with the words, and those that the list has, in the order of the list if that is of dates and the index finds so
	changes, arrivals int64   // sums of the counters of the list, and of its project; see patch_count
	top               int64   // the highest id of a patch
	arrived           int     // patches of the project with higher ids than an earlier look has seen
}

// kinds of rows of a look; those of patches are numbers from 0 on.
const (
	lookListed = -1 - iota
	lookChanges
	lookArrivals
	lookTop
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
	default:
		n.Found++
		if kind > lookOther {
			n.named = append(n.named, value)
		}
		if kind == lookInList {
			n.ids = append(n.ids, value)
		}
	}
}

func (n *look) read(ctx context.Context, q sqldb.Queryer, w *where) error {
	n.Listed = -1
	return q.Each(ctx, func(rows *sqlx.Rows) error {
		var kind, value int64
		if err := rows.Scan(&kind, &value); err != nil {
			return err
		}
		n.add(kind, value)
		return nil
	}, w.union(), w.args...)
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

// watched tells whether counters say that what was found in the list is true still: they do for one project, and nobody may see what is not committed.
func (f Query) watched(q sqldb.Queryer) bool {
	_, whole := q.(*sqldb.DB)
	return whole && f.Totals != nil && len(f.Projects) == 1 && !f.narrow() && f.arrived == 0
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

// lookUp asks the index of words, for up to lookAt + 1 patches. A subquery for each patch is looked up by its id, whatever the planner thinks of their number.
func (f Query) lookUp(ctx context.Context, q sqldb.Queryer, p wordPlan) (n look, err error) {
	w, on, list, from := &where{}, f.named(), f.conditionsButWords(), &where{}
	f.sums(w, f.watched(q))
	id, row, index, order := "w.patch_id", "w.patch_id", " FROM patch_words w", ""
	switch p.engine {
	case sqldb.SQLite:
		id, row, order = fmt.Sprintf("(w.rowid & %d)", wordPatch), "w.rowid", " ORDER BY w.rowid DESC"
		if f.byDate() {
			order = " ORDER BY w.rowid" + f.keys()[0].direction()
		}
		p.conditions(from)
		f.between(from)
	case sqldb.Postgres:
		from.add("w.grams @> ?", p.asked())
	default:
		id, row, index = "w.patch_id", "w.patch_id", " FROM (SELECT w0.patch_id"+joinedGrams[len(p.asked())]
		p.conditions(from)
	}
	on.add("p.id = " + id)
	one := fmt.Sprintf("SELECT COALESCE((SELECT CASE WHEN %s THEN %d ELSE %d END FROM patch p%s), %d) AS kind, %s AS value", list.all(), lookInList, lookNamed, on.sql(), lookOther, row)
	args := slices.Concat(list.args, on.args, from.args, []any{f.lookAt + 1})
	switch p.engine {
	case sqldb.SQLite:
		w.add("SELECT * FROM ("+one+index+from.sql()+order+" LIMIT ?) found", args...)
	case sqldb.Postgres:
		w.add(one+" FROM (SELECT w.patch_id"+index+from.sql()+" LIMIT ?) w", args...)
	default:
		w.add(one+index+from.sql()+" LIMIT ?) w", args...)
	}
	err = n.read(ctx, q, w)
	if p.engine == sqldb.SQLite {
		n.order(f.byDate() && !f.keys()[0].desc)
	}
	return n, err
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

// lookAgain asks what has become of a list since an earlier look, and which patches with the words came since.
func (f Query) lookAgain(ctx context.Context, q sqldb.Queryer, since nameSet) (n look, err error) {
	w := &where{}
	f.sums(w, true)
	if since.ids != nil {
		words := &where{}
		words.words(f.engine, "p.name_key", f.words())
		project := &where{}
		project.in("+p.project_id", f.Projects)
		project.add("p.id > ?", since.top)
		w.add(fmt.Sprintf("SELECT * FROM (SELECT CASE WHEN %s THEN %d ELSE %d END AS kind, p.id AS value FROM patch p%s ORDER BY p.id LIMIT %d) arrived", words.all(), lookNamed, lookOther,
			project.sql(), maxArrived+1), slices.Concat(words.args, project.args)...)
	}
	if err = n.read(ctx, q, w); err != nil {
		return n, fmt.Errorf("look for what came since: %w", err)
	}
	n.arrived = n.Found
	return n, nil
}

// state says in a text what a list depends on beside its conditions; as long as it is the same, what was found in the order of id, date or name is true.
func (f Query) state(n look) string {
	switch {
	case f.Keyset() == "":
		return ""
	case f.whole():
		return "arrivals " + strconv.FormatInt(n.arrivals, 10)
	}
	return "changes " + strconv.FormatInt(n.changes, 10)
}

// nameSet is all patches of a project with some words in their names, whatever has become of them.
type nameSet struct {
	arrivals, top int64
	ids           []int64
}

// names says whose patches with which words a nameSet holds.
func (f Query) names() string { return fmt.Sprint(f.Projects, f.words()) }

// with adds what came since, and tells whether that is all that has happened: each patch that came is counted once, and nothing else is.
func (s nameSet) with(n look, most int) (nameSet, bool) {
	if s.ids == nil || n.arrived > maxArrived || n.arrivals-s.arrivals != int64(n.arrived) || len(s.ids)+len(n.named) > most {
		return nameSet{}, false
	}
	return nameSet{n.arrivals, n.top, slices.Concat([]int64{}, s.ids, n.named)}, true
}

// among finds those of some patches that the list has, in its order.
func (f Query) among(ctx context.Context, q sqldb.Queryer, ids []int64) (found []int64, err error) {
	if found = []int64{}; len(ids) == 0 {
		return found, nil
	}
	f.plan, f.byID = wordPlan{}, true
	w := &where{}
	w.add("p.id IN (?)", ids)
	list := f.conditionsButWords()
	w.add(list.all(), list.args...)
	if err = q.Select(ctx, &found, "SELECT p.id FROM patch p"+f.joins()+w.sql()+f.orderBy(), w.args...); err != nil {
		return nil, fmt.Errorf("list patches: %w", err)
	}
	return found, nil
}
