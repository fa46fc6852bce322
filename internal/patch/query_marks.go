// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// MaxMarked is how many patches of a list are looked through for what no index finds, the newest ones: marks, and the orders of them.
const MaxMarked = 5000

// Marks is what may be asked of patches beside what indexes have. The zero value asks for nothing.
type Marks struct {
	Tags, NoTags []int64 // it has all of the first, and none of the second
	Checks       string  // one of the Checks…, of the newest checks
	Comments     string  // one of the Comments…, of those that are not hidden
	Version      *int    // of its series; nil: any
}

// none tells whether nothing is asked for.
func (m Marks) none() bool {
	return len(m.Tags) == 0 && len(m.NoTags) == 0 && markChecks[m.Checks] == "" && markComments[m.Comments] == "" && m.Version == nil
}

// Orders of a list of patches beside those that indexes have: by how many comments, by how many tags.
const (
	OrderComments = "comments"
	OrderTags     = "tags"
)

// A subquery of one value is looked up for each patch, whatever a planner thinks of the sizes of tables.
const (
	markTag     = "COALESCE((SELECT g.hits FROM patch_tag g WHERE g.patch_id = p.id AND g.tag_id = ?), 0)"
	markVersion = "COALESCE((SELECT v.version FROM series v WHERE v.id = p.series_id), 0)"
	markWorst   = "(SELECT MAX(l.state) FROM patch_check_latest l WHERE l.patch_id = p.id)"
	markBest    = "(SELECT MIN(l.state) FROM patch_check_latest l WHERE l.patch_id = p.id)"
	markSaid    = "COALESCE((SELECT COUNT(*) FROM patch_comment c JOIN message cm ON cm.id = c.message_id AND cm.hidden = FALSE WHERE c.patch_id = p.id), 0)"
	markOpen    = "COALESCE((SELECT COUNT(*) FROM patch_comment c JOIN message cm ON cm.id = c.message_id AND cm.hidden = FALSE WHERE c.patch_id = p.id AND c.addressed = FALSE), 0)"
)

// The conditions. The states of checks are numbers: pending 0, success 1, warning 2, fail 3.
var (
	markChecks = map[string]string{ChecksFail: markWorst + " = 3", ChecksWarn: markWorst + " >= 2", ChecksPending: markBest + " = 0",
		ChecksGreen: markBest + " = 1 AND " + markWorst + " = 1", ChecksNone: markWorst + " IS NULL"}
	markComments = map[string]string{CommentsOpen: markOpen + " > 0", CommentsSome: markSaid + " > 0", CommentsNone: markSaid + " = 0"}
)

func (m Marks) conditions(w *where) {
	for _, id := range unique(m.Tags) {
		w.add(markTag+" > 0", id)
	}
	for _, id := range unique(m.NoTags) {
		w.add(markTag+" = 0", id)
	}
	if part := markChecks[m.Checks]; part != "" {
		w.add(part)
	}
	if part := markComments[m.Comments]; part != "" {
		w.add(part)
	}
	if m.Version != nil {
		w.add(markVersion+" = ?", *m.Version)
	}
}

// marked tells whether a list is looked through, the newest MaxMarked patches of it.
func (f Query) marked() bool { return f.Newest || !f.Marks.none() }

// findMarked finds all ids of the list, in order, among the newest of what the rest of the query finds.
func (l *Listing) findMarked(ctx context.Context, q sqldb.Queryer) error {
	f := l.f
	rest := f
	rest.Marks, rest.Newest, rest.Order = Marks{}, false, "-"+OrderDate
	all, err := Find(ctx, q, rest)
	if err != nil {
		return err
	}
	if all.More && len(f.words()) > 0 {
		return l.amongNewest(ctx, q, look{Listed: -1})
	}
	l.exact, l.found, l.Aged = true, []int64{}, all.Aged
	if l.Beyond = all.Beyond || all.Total > MaxMarked; all.Total == 0 {
		return nil
	}
	w := &where{}
	from, err := all.newest(w)
	if err != nil {
		return err
	}
	f.Marks.conditions(w)
	f.plan = wordPlan{}
	if err := q.Select(ctx, &l.found, "SELECT p.id"+from+f.joins()+w.sql()+f.orderBy(), w.args...); err != nil {
		return fmt.Errorf("look through patches: %w", err)
	}
	l.Total = len(l.found)
	return nil
}

// amongNewest finds what has words that the index has nothing of, or too much: all ids, in order, among the newest of what the list would be without them.
func (l *Listing) amongNewest(ctx context.Context, q sqldb.Queryer, n look) error {
	f := &l.f
	f.plan = wordPlan{engine: f.engine, count: true, page: true}
	from, w := f.indexed()
	f.Marks.conditions(w)
	l.found = []int64{}
	if err := q.Select(ctx, &l.found, "SELECT p.id"+from+f.joins()+w.sql()+f.orderBy(), w.args...); err != nil {
		return fmt.Errorf("look through patches: %w", err)
	}
	l.Total, l.exact, l.Beyond = len(l.found), true, n.Listed < 0 || n.Listed > MaxMarked
	return nil
}

// newest is the FROM of the newest patches of a list, p, whose arguments come first.
func (l *Listing) newest(w *where) (string, error) {
	if l.found != nil {
		w.add("p.id IN (?)", l.found[:min(len(l.found), MaxMarked)])
		return " FROM patch p", nil
	}
	query, args, err := l.ids(0, MaxMarked)
	if err != nil {
		return "", err
	}
	w.args = append(w.args, args...)
	straight := wordPlan{engine: l.f.engine}.straight()
	return " FROM (" + query + ") newest" + straight, nil
}

// CountComments counts the comments of patches, without hidden ones; one without any is not in the map.
func CountComments(ctx context.Context, q sqldb.Queryer, rows []*Row) (map[int64]Said, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make([]int64, 0, len(rows))
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	var found []Said
	err := q.Select(ctx, &found, `SELECT c.patch_id AS patch, COUNT(*) AS comments, SUM(CASE WHEN c.addressed = FALSE THEN 1 ELSE 0 END) AS unaddressed
		FROM patch_comment c JOIN message m ON m.id = c.message_id AND m.hidden = FALSE WHERE c.patch_id IN (?) GROUP BY c.patch_id`, atLeast(ids, fewestRows))
	if err != nil {
		return nil, fmt.Errorf("count the comments of %d patches: %w", len(rows), err)
	}
	out := map[int64]Said{}
	for _, s := range found {
		out[s.Patch] = s
	}
	return out, nil
}

// Said is how many comments a patch has.
type Said struct {
	Patch                 int64
	Comments, Unaddressed int
}

// Beside reads at most limit patches that follow a place in the list, with back those before it, in the order of the list. What is far away costs the same.
// The order must have cursors, see Query.Keyset. Of a list that was found whole they are what stands beside the patch of that place, if it is still there.
func (l *Listing) Beside(ctx context.Context, q sqldb.Queryer, at Cursor, back bool, limit int) ([]*Row, error) {
	_, key, ok := l.f.walk()
	if !ok || l.f.Keyset() == "" {
		return nil, fault.New(fault.Invalid, "there are cursors only in the order of id, date or name")
	}
	key.desc = key.desc != back
	if i := slices.Index(l.found, at.ID); i >= 0 {
		if back {
			return readRows(ctx, q, l.found[max(0, i-limit):i], l.f.Brief)
		}
		return readRows(ctx, q, l.found[i+1:min(i+1+limit, len(l.found))], l.f.Brief)
	}
	var ids []int64
	var err error
	if l.f.plan.page {
		ids, err = l.f.besideOfWords(ctx, q, key, &at, limit)
	} else {
		s := segment{arms: l.arms(nil, key, l.bunches), limit: limit, at: &at, desc: key.desc}
		if parts := []segment{s}; l.f.atOnce() && l.f.counted() && steady(parts, key) {
			rows, err := readWalk(ctx, q, parts, key, limit)
			if back {
				slices.Reverse(rows)
			}
			return rows, err
		}
		query, args := s.ids(0, key)
		err = q.Select(ctx, &ids, "SELECT id FROM ("+query+") page ORDER BY k"+key.direction()+", id"+key.direction(), args...)
	}
	if err != nil {
		return nil, fmt.Errorf("list patches: %w", err)
	}
	if back {
		slices.Reverse(ids)
	}
	return readRows(ctx, q, ids, l.f.Brief)
}
