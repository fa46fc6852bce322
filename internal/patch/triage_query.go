// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// What may be asked of the checks, and of the comments, of a series.
const (
	ChecksFail    = "fail"    // one fails
	ChecksWarn    = "warning" // one warns or fails
	ChecksPending = "pending" // one is pending
	ChecksGreen   = "green"   // there are some, and all succeed
	ChecksNone    = "none"    // there are none

	CommentsOpen = "open" // one asks for something that is not addressed
	CommentsSome = "some"
	CommentsNone = "none"
)

// workChecks and workComments are the conditions.
var workChecks = map[string]string{ChecksFail: "x.fail > 0", ChecksWarn: "x.fail + x.warning > 0", ChecksPending: "x.pending > 0",
	ChecksGreen: "x.success > 0 AND x.fail + x.warning + x.pending = 0", ChecksNone: "x.success + x.fail + x.warning + x.pending = 0"}

var workComments = map[string]string{CommentsOpen: "x.unaddressed > 0", CommentsSome: "x.comments > 0", CommentsNone: "x.comments = 0"}

// Orders of a list of series beside OrderDate, OrderName, OrderSubmitter and OrderDelegate.
const (
	OrderActive  = "active" // by the date of its newest mail
	OrderVersion = "version"
	OrderSize    = "size" // by how many patches it should have
	OrderLane    = "lane"
)

// workWalks are the orders that indexes have, workSorts the others.
var (
	workWalks = map[string]string{OrderDate: "x.date", OrderActive: "x.active_at"}
	workSorts = map[string]string{OrderName: "COALESCE(s.name_fold, '')", OrderSubmitter: "COALESCE(NULLIF(e.name_key, ''), e.email_key)", OrderVersion: "s.version", OrderSize: "s.total",
		OrderLane: "x.lane", OrderDelegate: "x.delegates", OrderComments: "x.comments",
		OrderCheck: "CASE WHEN x.fail > 0 THEN 4 WHEN x.warning > 0 THEN 3 WHEN x.success > 0 AND x.pending = 0 THEN 1 ELSE 2 END",
		OrderTags:  "COALESCE((SELECT SUM(g.hits) FROM patch p JOIN patch_tag g ON g.patch_id = p.id WHERE p.series_id = x.series_id), 0)"}
)

// WorkQuery says which series a list holds, and in which order. A nil list, and an empty text, mean: any.
type WorkQuery struct {
	Projects      []int64
	Lanes         []Lane // nil: all but hidden ones
	Submitters    []int64
	Series        []int64     // these
	Sender        int64       // a user: one of the persons he is has sent it; 0: any
	Delegates     []int64     // of patches that want something; 0 stands for nobody
	States        []int64     // one of its patches is in one of these
	Tags          []int64     // each of its patches has all of these
	NoTags        []int64     // none of its patches has one of these
	Checks        string      // one of the Checks…
	Comments      string      // one of the Comments…
	Version       *int        // nil: any
	Since, Before *clock.Time // date of the series
	IdleSince     *clock.Time // no mail since
	Words         string      // each must be in the name
	Order         string      // one of the orders; "-" before it reverses it; default -date. What is equal is listed by date, the newest first.
	PerPage       int
	Page          int    // from 1, in the orders that no index has
	At            *Mark  // in the orders of dates: what follows it; its Date is that of the order
	Back          bool   // what comes before it
	engine        string // of the database
}

// WorkRow is a series as lists of work show it.
type WorkRow struct {
	ID      int64
	Project int64
	Name    string
	Version int
	Total   int
	Cover   bool
	Sender
	Stand
	Linkname      string   // of the project
	DelegateNames []string `db:"-"`
}

// Checks are how many newest checks are in each state, see CheckStates.
func (r *WorkRow) Checks() [4]int { return [4]int{r.Pending, r.Success, r.Warning, r.Fail} }

// WorkPage is a page of a list of series.
type WorkPage struct {
	Rows         []*WorkRow
	Total        int // of all pages; CountLimit+1: more than CountLimit
	Page, Pages  int // 0: the list is gone through by marks
	Newer, Older *Mark
}

// MaxWorkSort is how many series are sorted at most by an order that no index has, maxTagSort by one that looks at the patches of each.
const (
	MaxWorkSort = 10000
	maxTagSort  = 5000
)

// Lanes counts the series of projects in each lane; nil: of all projects.
func Lanes(ctx context.Context, q sqldb.Queryer, projects []int64) (map[Lane]int, error) {
	w := &where{}
	w.in("project_id", projects)
	out := map[Lane]int{}
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var lane Lane
		var n int
		err := rows.Scan(&lane, &n)
		out[lane] = n
		return err
	}, "SELECT lane, SUM(series) FROM triage_count"+w.sql()+" GROUP BY lane", w.args...)
	if err != nil {
		return nil, fmt.Errorf("count series: %w", err)
	}
	return out, nil
}

// tidy puts defaults in.
func (f WorkQuery) tidy(q sqldb.Queryer) (WorkQuery, error) {
	f.engine = engineOf(q)
	if f.Lanes == nil {
		f.Lanes = append(OpenLanes(), LaneDone)
	}
	name := strings.TrimPrefix(f.Order, "-")
	if workWalks[name] == "" && workSorts[name] == "" {
		f.Order = "-" + OrderDate
	}
	f.Projects, f.Submitters, f.Series, f.Delegates, f.States, f.Tags, f.NoTags = unique(f.Projects), unique(f.Submitters), unique(f.Series), unique(f.Delegates), unique(f.States), unique(f.Tags), unique(f.NoTags)
	switch {
	case f.PerPage < 1:
		return f, fault.New(fault.Invalid, "%d series on a page: want at least 1", f.PerPage)
	case len(wordsOf(f.Words)) > maxWords:
		return f, fault.New(fault.Invalid, "too many words: at most %d can be searched at once", maxWords)
	}
	return f, nil
}

// counted tells whether the counters cover the query.
func (f WorkQuery) counted() bool {
	return !f.narrow() && len(f.conditions().parts) == 0
}

// narrow tells whether the query names few series, or who has few.
func (f WorkQuery) narrow() bool {
	return f.Series != nil || f.Submitters != nil || f.Sender != 0 || f.Delegates != nil && !slices.Contains(f.Delegates, 0)
}

// conditions are those beside project and lane, on series_triage x and series s.
func (f WorkQuery) conditions() *where {
	w := &where{}
	w.in("x.series_id", f.Series)
	w.in("s.submitter_id", f.Submitters)
	if f.Sender != 0 {
		w.add("s.submitter_id IN (SELECT id FROM person WHERE user_id = ?)", f.Sender)
	}
	if f.Delegates != nil {
		f.delegated(w)
	}
	if f.States != nil {
		w.any("CONCAT(' ', x.states) LIKE ?", f.States, func(id int64) any { return fmt.Sprintf("%% %d:%%", id) })
	}
	for _, id := range f.Tags {
		w.add("CONCAT(' ', x.tags, ' ') LIKE ?", "% "+fullTag(id)+" %")
	}
	for _, id := range f.NoTags {
		w.add("CONCAT(' ', x.tags) NOT LIKE ?", fmt.Sprintf("%% %d:%%", id))
	}
	if part := workChecks[f.Checks]; part != "" {
		w.add(part)
	}
	if part := workComments[f.Comments]; part != "" {
		w.add(part)
	}
	if f.Version != nil {
		w.add("s.version = ?", *f.Version)
	}
	if f.Since != nil {
		w.add("x.date >= ?", int64(*f.Since))
	}
	if f.Before != nil {
		w.add("x.date < ?", int64(*f.Before))
	}
	if f.IdleSince != nil {
		w.add("x.active_at < ?", int64(*f.IdleSince))
	}
	w.words(f.engine, "s.name_fold", wordsOf(f.Words))
	return w
}

// join is the rest of a FROM, if a condition needs it.
func (f WorkQuery) join() string {
	if f.Submitters == nil && f.Sender == 0 && f.Version == nil && len(wordsOf(f.Words)) == 0 {
		return ""
	}
	return " JOIN series s ON s.id = x.series_id"
}

// delegated asks for delegates: nobody, or those of patches that want something, which an index finds.
func (f WorkQuery) delegated(w *where) {
	some := slices.DeleteFunc(slices.Clone(f.Delegates), func(id int64) bool { return id == 0 })
	of := "x.series_id IN (SELECT p.series_id FROM patch p WHERE p.delegate_id IN (?) AND p.archived = FALSE AND p.state_id IN (SELECT id FROM state WHERE action_required = TRUE OR slug IN (?)))"
	switch {
	case len(f.Delegates) == 0:
		w.add("1 = 0")
	case len(some) == 0:
		w.add("x.delegates = ''")
	case len(some) == len(f.Delegates):
		w.add(of, some, authorStates)
	default:
		w.add("(x.delegates = '' OR "+of+")", some, authorStates)
	}
}

// any adds one condition for all ids.
func (w *where) any(part string, ids []int64, arg func(int64) any) {
	if len(ids) == 0 {
		w.add("1 = 0")
		return
	}
	var args []any
	for _, id := range ids {
		args = append(args, arg(id))
	}
	w.add("("+strings.Join(slices.Repeat([]string{part}, len(ids)), " OR ")+")", args...)
}

// searched is how many series of a project and lane are looked through for what no index finds, the latest ones.
const searched = 50000

// maxWorkArms is enough for all open lanes of MaxOwnProjects, and less than the 500 that SQLite takes in one statement.
const maxWorkArms = 300

// arms are the parts of a list that an index has in order: a project and a lane each, or, if the list is narrow or of too many projects, all of it.
func (f WorkQuery) arms(counts map[Lane]int) []where {
	rest := f.conditions()
	if f.narrow() || f.Projects == nil || len(f.Projects)*len(f.Lanes) > maxWorkArms {
		w := rest.clone()
		w.in("+x.project_id", f.Projects)
		w.in("+x.lane", numbers(f.Lanes))
		return []where{w}
	}
	if len(f.Projects) == 0 {
		w := where{}
		w.in("x.project_id", f.Projects)
		return []where{w}
	}
	var out []where
	for _, project := range f.Projects {
		for _, lane := range f.Lanes {
			w := rest.clone()
			w.add("x.project_id = ?", project)
			w.add("x.lane = ?", int(lane))
			if counts[lane] > searched && len(rest.parts) > 0 {
				w.add("x.date >= COALESCE((SELECT l.date FROM series_triage l WHERE l.project_id = ? AND l.lane = ? ORDER BY l.date DESC LIMIT 1 OFFSET ?), 0)", project, int(lane), searched)
			}
			out = append(out, w)
		}
	}
	return out
}

func numbers(lanes []Lane) []int64 {
	out := []int64{}
	for _, l := range lanes {
		out = append(out, int64(l))
	}
	return out
}

// count counts what the query finds, up to CountLimit+1: by the counters, or in one query.
func (f WorkQuery) count(ctx context.Context, q sqldb.Queryer, counts map[Lane]int) (int, error) {
	n := 0
	if f.counted() {
		for _, l := range f.Lanes {
			n += counts[l]
		}
		return n, nil
	}
	query, args := f.counting(counts, CountLimit+1)
	if err := q.Get(ctx, &n, query, args...); err != nil {
		return 0, fmt.Errorf("count series: %w", err)
	}
	return n, nil
}

// counting is the query that counts up to a limit.
func (f WorkQuery) counting(counts map[Lane]int, limit int) (string, []any) {
	var parts []string
	var args []any
	for _, a := range f.arms(counts) {
		parts = append(parts, "SELECT 1 AS n FROM series_triage x"+f.join()+a.sql())
		args = append(args, a.args...)
	}
	return "SELECT COUNT(*) AS n FROM (SELECT n FROM (" + strings.Join(parts, " UNION ALL ") + fmt.Sprintf(") arms LIMIT %d) counted", limit), args
}

// CountWork counts what a query finds, up to CountLimit+1; counts are those of Lanes for its projects.
func CountWork(ctx context.Context, q sqldb.Queryer, f WorkQuery, counts map[Lane]int) (int, error) {
	f.PerPage = 1
	f, err := f.tidy(q)
	if err != nil {
		return 0, err
	}
	return f.count(ctx, q, counts)
}

// ListWork reads a page of series in three queries, and one that counts them where the counters of Lanes do not. Orders that no index has are fault.Invalid for more than
// MaxWorkSort series.
func ListWork(ctx context.Context, q sqldb.Queryer, f WorkQuery, counts map[Lane]int) (WorkPage, error) {
	f, err := f.tidy(q)
	if err != nil {
		return WorkPage{}, err
	}
	p := WorkPage{}
	if p.Total, err = f.count(ctx, q, counts); err != nil || p.Total == 0 {
		return p, err
	}
	var ids []int64
	if workWalks[strings.TrimPrefix(f.Order, "-")] != "" {
		ids, err = f.walk(ctx, q, counts, &p)
	} else {
		ids, err = f.sorted(ctx, q, counts, &p)
	}
	if err != nil {
		return p, err
	}
	p.Rows, err = readWork(ctx, q, ids)
	return p, err
}

// WorkIDs finds the ids of all series that a query finds, whatever page it is for, at most limit of them, in two queries. Where ListWork looks at the latest series of a
// group only, so does it.
func WorkIDs(ctx context.Context, q sqldb.Queryer, f WorkQuery, limit int) ([]int64, error) {
	f.PerPage = 1
	f, err := f.tidy(q)
	if err != nil {
		return nil, err
	}
	counts, err := Lanes(ctx, q, f.Projects)
	if err != nil {
		return nil, err
	}
	var parts []string
	var args []any
	for _, a := range f.arms(counts) {
		parts = append(parts, "SELECT x.series_id AS id FROM series_triage x"+f.join()+a.sql())
		args = append(args, a.args...)
	}
	var ids []int64
	if err := q.Select(ctx, &ids, "SELECT id FROM ("+strings.Join(parts, " UNION ALL ")+") found LIMIT ?", append(args, limit)...); err != nil {
		return nil, fmt.Errorf("find all series: %w", err)
	}
	slices.Sort(ids)
	return ids, nil
}

// walking is the query of a page between marks, and one row more: each arm gives as many, which are merged.
func (f WorkQuery) walking(counts map[Lane]int) (string, []any) {
	name, down := strings.CutPrefix(f.Order, "-")
	column, direction, than := workWalks[name], "", ">"
	if down != f.Back {
		direction, than = " DESC", "<"
	}
	var parts []string
	var args []any
	for _, a := range f.arms(counts) {
		if f.At != nil {
			a.add(column+" "+than+"= ? AND ("+column+" "+than+" ? OR x.series_id "+than+" ?)", int64(f.At.Date), int64(f.At.Date), f.At.ID)
		}
		parts = append(parts, "SELECT * FROM (SELECT x.series_id AS id, "+column+" AS date FROM series_triage x"+f.join()+a.sql()+
			" ORDER BY "+column+direction+", x.series_id"+direction+" LIMIT ?) arm")
		args = append(append(args, a.args...), f.PerPage+1)
	}
	return "SELECT id, date FROM (" + strings.Join(parts, " UNION ALL ") + ") page ORDER BY date" + direction + ", id" + direction + " LIMIT ?", append(args, f.PerPage+1)
}

// walk finds the ids of a page between marks.
func (f WorkQuery) walk(ctx context.Context, q sqldb.Queryer, counts map[Lane]int, p *WorkPage) ([]int64, error) {
	query, args := f.walking(counts)
	var found []*Mark
	if err := q.Select(ctx, &found, query, args...); err != nil {
		return nil, fmt.Errorf("list series: %w", err)
	}
	more := len(found) > f.PerPage
	found = found[:min(len(found), f.PerPage)]
	if f.Back {
		slices.Reverse(found)
	}
	if n := len(found); n > 0 {
		if more || f.Back {
			p.Older = found[n-1]
		}
		if f.Back && more || !f.Back && f.At != nil {
			p.Newer = found[0]
		}
	}
	ids := make([]int64, 0, len(found))
	for _, m := range found {
		ids = append(ids, m.ID)
	}
	return ids, nil
}

// sorted finds the ids of a page in an order that no index has.
func (f WorkQuery) sorted(ctx context.Context, q sqldb.Queryer, counts map[Lane]int, p *WorkPage) ([]int64, error) {
	name, down := strings.CutPrefix(f.Order, "-")
	most := MaxWorkSort
	if name == OrderTags {
		most = maxTagSort
	}
	if p.Total > most {
		return nil, fault.New(fault.Invalid, "these are too many series to be sorted by %s; at most %d can be: ask for fewer, or for the order of dates", name, most)
	}
	p.Pages = (p.Total + f.PerPage - 1) / f.PerPage
	p.Page = min(max(f.Page, 1), p.Pages)
	direction, again := "", " DESC"
	if down {
		direction, again = " DESC", ""
	}
	var parts []string
	var args []any
	for _, a := range f.arms(counts) {
		parts = append(parts, "SELECT x.series_id AS id, "+workSorts[name]+" AS k, x.date FROM series_triage x JOIN series s ON s.id = x.series_id JOIN person e ON e.id = s.submitter_id"+a.sql())
		args = append(args, a.args...)
	}
	var ids []int64
	err := q.Select(ctx, &ids, "SELECT id FROM ("+strings.Join(parts, " UNION ALL ")+") page ORDER BY k"+direction+", date"+again+", id"+again+" LIMIT ? OFFSET ?",
		append(args, f.PerPage, (p.Page-1)*f.PerPage)...)
	if err != nil {
		return nil, fmt.Errorf("list series: %w", err)
	}
	return ids, nil
}
