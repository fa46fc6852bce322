// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// CountLimit is up to where a list that no counter covers is counted, unless the query has Totals that count everything.
const CountLimit = 50000

// fewPatches is up to how many patches of a delegate are found by him and sorted.
const fewPatches = 5000

// Page is one page of a list.
type Page struct {
	Rows  []*Row
	Total int  // of all pages
	More  bool // there may be more than Total, on pages behind the last one: they are found from place to place, by Beside
	Page  int
	Pages int
	Last  bool // with More: nothing is behind this one
	Aged  bool // Total is remembered, and something was committed since

	Beyond bool // only the newest MaxMarked patches were looked at, and there are more
}

// Listing is a list whose patches have been counted, but not read.
type Listing struct {
	Total  int  // patches
	More   bool // there may be more
	Aged   bool // Total is remembered, and something was committed since
	Beyond bool // only the newest MaxMarked patches were looked at, and there are more

	f       Query
	exact   bool    // Total is what a page finds now
	found   []int64 // all of them in order, where counting has found them so
	head    []int64 // the first ones in order, likewise
	bunches []bunch // as the counters have them; nil: none covers the query
	name    string  // what its count is remembered by
	seen    moment  // which it is of
	changes int64   // with bunches: the sum of theirs
}

// bunch is patches that are the same to the counters.
type bunch struct {
	Project  int64
	Linkname string
	Archived bool
	State    int64 // 0: none
	Ordering int   // of the state

	Delegate  int64  // 0: nobody; of orders by delegate, like the next
	Delegated string // his name, folded

	Patches  int
	Changes  int64 // see patch_count
	Arrivals int64
}

// List reads one page of patches in four queries, brief rows on PostgreSQL in two where indexes have their order. PerPage must be at least 1.
func List(ctx context.Context, q sqldb.Queryer, f Query) (Page, error) {
	if f.PerPage < 1 {
		return Page{}, fault.New(fault.Invalid, "%d patches on a page: want at least 1", f.PerPage)
	}
	l, err := Find(ctx, q, f)
	if err != nil {
		return Page{Page: 1, Pages: 1}, err
	}
	p := l.page(f.Page, f.PerPage)
	offset := (p.Page - 1) * f.PerPage
	if p.Rows, err = l.Rows(ctx, q, offset, f.PerPage); err != nil || !l.More {
		return p, err
	}
	if end := offset + len(p.Rows); len(p.Rows) < f.PerPage { // nothing is behind it
		p.Total, p.More = end, false
	} else {
		p.Total = max(p.Total, end)
	}
	p.Pages = max(1, (p.Total+f.PerPage-1)/f.PerPage)
	return p, nil
}

// page is one page of the list, the last one there is if it has fewer, without its rows.
func (l *Listing) page(n, per int) Page {
	p := Page{Total: l.Total, More: l.More, Aged: l.Aged, Beyond: l.Beyond, Pages: max(1, (l.Total+per-1)/per)}
	p.Page = min(max(n, 1), p.Pages)
	return p
}

// At reads the page of a list that begins beside a place, see Beside. It has the number that f gives it, however many pages were counted.
func At(ctx context.Context, q sqldb.Queryer, f Query, at Cursor, back bool) (Page, error) {
	l, err := Find(ctx, q, f)
	if err != nil {
		return Page{}, err
	}
	p := l.page(f.Page, f.PerPage)
	if p.Rows, err = l.Beside(ctx, q, at, back, f.PerPage); err != nil {
		return p, err
	}
	switch {
	case len(p.Rows) == 0: // nothing is there any more
		p.Rows, err = l.Rows(ctx, q, (p.Page-1)*f.PerPage, f.PerPage)
	case l.More:
		p.Page = max(f.Page, 1)
		p.Total, p.Last = max(p.Total, len(p.Rows)), !back && len(p.Rows) < f.PerPage
	}
	return p, err
}

// Count counts what a query finds.
func Count(ctx context.Context, q sqldb.Queryer, f Query) (int, error) {
	l, err := Find(ctx, q, f)
	if err != nil {
		return 0, err
	}
	return l.Total, nil
}

// Find counts what a query finds, in one query: by the counters where they cover it, else row by row.
func Find(ctx context.Context, q sqldb.Queryer, f Query) (*Listing, error) {
	f, err := f.tidy(q)
	if err != nil {
		return nil, err
	}
	l := &Listing{f: f}
	if f.marked() {
		return l, l.findMarked(ctx, q)
	}
	if !f.counted() {
		return l, l.count(ctx, q)
	}
	if f.Totals != nil && l.far(0) && (f.Keyset() == "" || !f.watched(q)) { // its counters will not tell whether a page is true
		l.seen.stamp = f.Totals.now(ctx, q)
	}
	return l, l.readBunches(ctx, q)
}

func (l *Listing) readBunches(ctx context.Context, q sqldb.Queryer) error {
	w, also, join, group := l.f.counters(), "", "", ""
	if classes, _, _ := l.f.walk(); byDelegate(classes) {
		also, join = ", p.delegate_id, COALESCE(u.username_key, '') AS delegated", " LEFT JOIN user_account u ON u.id = p.delegate_id"
		group = ", p.delegate_id, u.username_key"
	}
	l.bunches, l.Total, l.exact = []bunch{}, 0, true
	ask := sqldb.Ask{Query: `SELECT p.project_id, j.linkname, p.archived, p.state_id, COALESCE(st.ordering, -1) AS ordering, SUM(p.patches) AS patches,
		SUM(p.changes) AS changes, SUM(p.arrivals) AS arrivals` + also + `
		FROM patch_count p JOIN project j ON j.id = p.project_id LEFT JOIN state st ON st.id = p.state_id` + join + w.sql() + `
		GROUP BY p.project_id, j.linkname, p.archived, p.state_id, st.ordering` + group, Args: w.args}
	ask.Row = func(c *sqldb.Cells) error {
		g := bunch{Project: c.Num(0), Linkname: c.Text(1), Archived: c.Flag(2), State: c.Num(3), Ordering: int(c.Num(4)), Patches: int(c.Num(5)), Changes: c.Num(6), Arrivals: c.Num(7)}
		if also != "" {
			g.Delegate, g.Delegated = c.Num(8), c.Text(9)
		}
		l.bunches = append(l.bunches, g)
		return nil
	}
	err := sqldb.Read(ctx, q, ask)
	if err != nil {
		return fmt.Errorf("count patches: %w", err)
	}
	var n look
	for _, g := range l.bunches {
		l.Total += g.Patches
		n.changes, n.arrivals = n.changes+g.Changes, n.arrivals+g.Arrivals
	}
	if l.f.watched(q) {
		l.seen.state = l.f.state(n)
	}
	l.changes = n.changes
	l.bunches = slices.DeleteFunc(l.bunches, func(g bunch) bool { return g.Patches <= 0 })
	return nil
}

// count counts row by row; a number that is only remembered, or that says "more than", is not exact.
func (l *Listing) count(ctx context.Context, q sqldb.Queryer) error {
	f := &l.f
	l.name, l.seen.stamp = f.memory(), f.Totals.now(ctx, q)
	known, ok := f.Totals.recall(l.name, l.seen)
	if ok {
		l.take(known)
		l.seen.state = known.state
		return nil
	}
	if done, err := l.again(ctx, q, known.state); done || err != nil {
		return err
	}
	if f.Totals.aged(known) {
		known.ids, known.head = nil, nil
		l.take(known)
		l.Aged, l.exact = true, false
		return nil
	}
	p, n, err := f.planWords(ctx, q)
	if err != nil {
		return err
	}
	if f.plan = p; f.watched(q) && (len(p.grams) > 0 || f.bounded()) {
		l.seen.state = f.state(n)
	}
	switch {
	case len(p.grams) > 0 && n.Found <= f.lookAt:
		return l.named(ctx, q, n, slices.Clone(n.named))
	case !f.bounded() || len(p.grams) > 0 && n.Listed >= 0 && n.Listed <= f.lookAt:
		return l.countMany(ctx, q, n)
	case len(p.grams) == 0 || f.Keyset() != OrderDate:
		if err := l.amongNewest(ctx, q, n); err != nil {
			return err
		}
	default:
		l.Total, l.More = len(n.ids), true
		if f.streams() {
			l.head = n.ids
		}
	}
	l.remember(false)
	return nil
}

// bounded tells whether no more is counted than what is looked at to find words.
func (f Query) bounded() bool {
	return f.Totals != nil && f.Totals.rough && len(f.words()) > 0 && !f.narrow()
}

// take makes the list what is remembered of it.
func (l *Listing) take(known fact) {
	l.Total, l.More, l.Beyond, l.exact, l.found, l.head, l.f.plan = known.n, known.more, known.beyond, !known.more, known.ids, known.head, known.plan
}

// again finds the list by what is remembered of it although something was committed since: if that concerned other lists, or patches with these words of which it is known which they are.
func (l *Listing) again(ctx context.Context, q sqldb.Queryer, state string) (done bool, err error) {
	f := &l.f
	if !f.watched(q) || len(f.words()) == 0 {
		return false, nil
	}
	names, known := f.Totals.facts.Get(f.names())
	if state == "" && !known {
		return false, nil
	}
	n, err := f.lookAgain(ctx, q, names.top)
	if err != nil {
		return false, err
	}
	l.seen.state = f.state(n)
	if known, ok := f.Totals.recall(l.name, l.seen); ok {
		l.take(known)
		return true, nil
	}
	if !names.follows(n) || len(names.ids)+len(n.named) > f.lookAt {
		return false, nil
	}
	f.plan = wordPlan{engine: f.engine, grams: wordGrams(f.words()), count: true, page: true}
	return true, l.named(ctx, q, n, slices.Concat(names.ids, n.named))
}

// named finds the list among all patches with its words in their names, and remembers both.
func (l *Listing) named(ctx context.Context, q sqldb.Queryer, n look, ids []int64) (err error) {
	f := &l.f
	if f.watched(q) && f.Since == nil && f.Before == nil {
		f.Totals.keep(f.names(), fact{moment: moment{state: arrivals(n.arrivals)}, top: n.top, ids: ids})
	}
	if l.found = n.ids; !f.streams() || l.found == nil {
		if l.found, err = f.among(ctx, q, ids); err != nil {
			return err
		}
	}
	l.Total, l.exact = len(l.found), true
	l.remember(len(ids) > f.lookAt/dearShare)
	return nil
}

// names is what the patches of a project with some words in their names are remembered by.
func (f Query) names() string { return fmt.Sprint("names ", f.Projects, f.words()) }

// countMany counts what has too many patches to know all of them.
func (l *Listing) countMany(ctx context.Context, q sqldb.Queryer, n look) error {
	f := &l.f
	if f.streams() {
		l.head = n.ids
	}
	from, w := " FROM patch p", f.conditions()
	if f.plan.count {
		from, w = f.indexed()
	}
	query := "SELECT COUNT(*) FROM (SELECT 1 AS x" + from + w.sql() + fmt.Sprintf(" LIMIT %d) counted", CountLimit+1)
	if f.Totals.exact() {
		query = "SELECT COUNT(*)" + from + w.sql()
	}
	if err := q.Get(ctx, &l.Total, query, w.args...); err != nil {
		return fmt.Errorf("count patches: %w", err)
	}
	if l.exact = l.Total <= CountLimit || f.Totals.exact(); !l.exact {
		l.Total, l.More = CountLimit, true
	}
	f.plan.weigh(n, l.Total)
	l.remember(n.Found > f.lookAt/dearShare || f.plan.count && len(f.plan.grams) == 0)
	return nil
}

// memory names what a total, the way to it and the order of what was found depend on.
func (f Query) memory() string {
	key := f.conditions().key()
	if len(f.words()) > 0 {
		key += fmt.Sprint(f.keys())
	}
	return key
}

// remember keeps what was counted, beyond the next commit what was dear to count.
func (l *Listing) remember(dear bool) {
	l.f.Totals.keep(l.name, fact{moment: l.seen, n: l.Total, more: l.More, beyond: l.Beyond, plan: l.f.plan, ids: l.found, head: l.head, dear: dear || l.Total >= CountLimit})
}

// Rows reads limit patches of the list from the offset on, in three queries: ids, and together rows and what decorates them; brief rows on PostgreSQL in one where indexes have their order.
func (l *Listing) Rows(ctx context.Context, q sqldb.Queryer, offset, limit int) ([]*Row, error) {
	if l.Total == 0 && !l.More {
		return nil, nil
	}
	if l.found != nil {
		return readRows(ctx, q, l.found[min(offset, len(l.found)):min(offset+limit, len(l.found))], l.f.Brief)
	}
	if offset+limit <= len(l.head) {
		return readRows(ctx, q, l.head[offset:offset+limit], l.f.Brief)
	}
	if classes, key, ok := l.f.walk(); ok && l.f.atOnce() && l.f.counted() && !l.far(offset+limit) {
		if parts := l.parts(classes, key, offset, limit); steady(parts, key) {
			return readWalk(ctx, q, parts, key, limit)
		}
	}
	ids, err := l.place(ctx, q, offset, limit)
	if err != nil {
		return nil, err
	}
	return readRows(ctx, q, ids, l.f.Brief)
}

// place finds the ids of a page. Where that is dear they are remembered.
func (l *Listing) place(ctx context.Context, q sqldb.Queryer, offset, limit int) (ids []int64, err error) {
	if l.f.Totals == nil || !l.far(offset+limit) {
		return l.walkTo(ctx, q, offset, limit)
	}
	if l.bunches != nil && l.seen == (moment{}) {
		if l.seen.stamp = l.f.Totals.now(ctx, q); l.seen.stamp != "" { // a page is not kept that was found by what was counted before its stamp
			if err = l.readBunches(ctx, q); err != nil {
				return nil, err
			}
		}
	}
	name := fmt.Sprint("page ", l.f.conditions().key(), l.f.keys(), offset, limit)
	if known, ok := l.f.Totals.recall(name, l.seen); ok {
		return known.ids, nil
	}
	same := true
	if classes, _, walk := l.f.walk(); walk && len(classes) == 0 && l.bunches != nil && l.seen.state != "" {
		ids, same, err = l.climb(ctx, q, offset, limit)
	} else {
		ids, err = l.walkTo(ctx, q, offset, limit)
	}
	if err == nil && same && len(ids) <= keptFound {
		l.f.Totals.keep(name, fact{moment: l.seen, ids: ids})
	}
	return ids, err
}

func (l *Listing) walkTo(ctx context.Context, q sqldb.Queryer, offset, limit int) (ids []int64, err error) {
	query, args, err := l.ids(offset, limit)
	if err != nil || query == "" {
		return nil, err
	}
	if err := q.Select(ctx, &ids, query, args...); err != nil {
		return nil, fmt.Errorf("list patches: %w", err)
	}
	return ids, nil
}

// farPage is behind how many patches a page is dear to find even where an index has the order: 1,000.
func (f Query) farPage() int { return max(1, f.lookAt/5) }

// far tells whether a page that ends there is dear to find.
func (l *Listing) far(end int) bool {
	classes, key, walk := l.f.walk()
	return !walk || byDelegate(classes) || end > l.f.farPage() || l.f.Words != "" || key.by == OrderName
}

// ids is the query for the ids of a page, from a narrow index where one has the order; empty if the page is.
func (l *Listing) ids(offset, limit int) (string, []any, error) {
	if l.f.plan.page && l.f.streams() || l.f.plan.sorts(offset+limit) {
		query, args := l.f.pageOfWords(offset, limit)
		return query, args, nil
	}
	classes, key, ok := l.f.walk()
	if !ok || l.f.plan.page {
		return l.sorted(offset, limit)
	}
	parts := l.parts(classes, key, offset, limit)
	if len(parts) == 0 {
		return "", nil, nil
	}
	walk, args := walked(parts, key, "")
	return "SELECT id FROM (" + walk + ") page ORDER BY seq, k" + key.direction() + ", id" + key.direction(), args, nil
}

// sorted is for the orders that no index has.
func (l *Listing) sorted(offset, limit int) (string, []any, error) {
	if l.f.MaxSort > 0 && l.Total > l.f.MaxSort {
		return "", nil, fault.New(fault.Invalid, "%d patches are too many to be sorted by %s; at most %d can be: ask for fewer, or for an order of id, date or name", l.Total, l.f.Order, l.f.MaxSort)
	}
	if l.f.plan.page {
		query, args := l.f.pageOfWords(offset, limit)
		return query, args, nil
	}
	f, from := l.f, " FROM patch p"+l.f.joins()
	through := f.keys()[0].by == OrderSubmitter && !f.narrow() // person by person, in the order of an index; another one has the patches of each
	if through {
		f.few = f.engine != sqldb.Postgres // which would think that one of 200 patches is of the project, and read them all
		from = " FROM person e CROSS JOIN patch p" + strings.Replace(f.joins(), sortColumns[OrderSubmitter].join, "", 1)
	}
	w := f.conditions()
	if through {
		w.add("p.submitter_id = e.id")
	}
	return "SELECT p.id" + from + w.sql() + f.orderBy() + " LIMIT ? OFFSET ?", append(w.args, limit, offset), nil
}

// Cursor is a place in a list in the order of id, date or name: beside the patch with this id and, if the list is ordered by it, this date or name.
type Cursor struct {
	ID   int64
	Date clock.Time
	Name string
}

// Keyset tells by which of OrderID, OrderDate and OrderName a query is ordered, so that it can be read by cursors; empty for any other order.
func (f Query) Keyset() string {
	classes, key, ok := f.walk()
	if !ok || len(classes) > 0 || f.marked() {
		return ""
	}
	return key.by
}

// Beside reads at most limit patches that follow a cursor, nil for the first ones; with back those before it, in reverse order. It counts nothing, and
// what is far away costs the same. The order must have cursors, see Keyset.
func Beside(ctx context.Context, q sqldb.Queryer, f Query, at *Cursor, back bool, limit int) ([]*Row, error) {
	if f.Keyset() == "" {
		return nil, fault.New(fault.Invalid, "there are cursors only in the order of id, date or name")
	}
	f, err := f.tidy(q)
	if err != nil {
		return nil, err
	}
	l := &Listing{f: f}
	if f.counted() && f.Selects() { // which arms there are
		if err = l.readBunches(ctx, q); err != nil || l.Total == 0 {
			return nil, err
		}
	}
	_, key, _ := f.walk()
	key.desc = key.desc != back
	if f.plan, _, err = f.planWords(ctx, q); err != nil {
		return nil, err
	}
	if f.plan.page {
		ids, err := f.besideOfWords(ctx, q, key, at, limit)
		if err != nil {
			return nil, err
		}
		return readRows(ctx, q, ids, f.Brief)
	}
	l.f = f
	s := segment{arms: l.arms(nil, key, l.bunches), limit: limit, at: at, desc: key.desc}
	query, args := s.ids(0, key)
	var ids []int64
	err = q.Select(ctx, &ids, "SELECT id FROM ("+query+") page ORDER BY k"+key.direction()+", id"+key.direction(), args...)
	if err != nil {
		return nil, fmt.Errorf("list patches: %w", err)
	}
	return readRows(ctx, q, ids, f.Brief)
}

// IDs finds the ids of at most limit patches of a query, in no order.
func IDs(ctx context.Context, q sqldb.Queryer, f Query, limit int) ([]int64, error) {
	f, err := f.tidy(q)
	if err != nil {
		return nil, err
	}
	if f.marked() {
		l, err := Find(ctx, q, f)
		if err != nil {
			return nil, err
		}
		return slices.Sorted(slices.Values(l.found[:min(limit, len(l.found))])), nil
	}
	if f.bounded() { // of some only the newest are listed
		l, err := Find(ctx, q, f)
		if err != nil || l.found != nil {
			return slices.Sorted(slices.Values(l.found[:min(limit, len(l.found))])), err
		}
	}
	if len(f.words()) > 0 && !f.narrow() {
		return f.idsOfWords(ctx, q, limit)
	}
	var ids []int64
	w := f.conditions()
	if err := q.Select(ctx, &ids, "SELECT p.id FROM patch p"+w.sql()+" LIMIT ?", append(w.args, limit)...); err != nil {
		return nil, fmt.Errorf("find patches: %w", err)
	}
	slices.Sort(ids)
	return ids, nil
}
