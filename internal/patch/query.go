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
	"patchwork.example/pw/internal/format/fold"
)

// Orders of a list; a leading "-" reverses one.
const (
	OrderDate      = "date"
	OrderName      = "name"
	OrderState     = "state"
	OrderSubmitter = "submitter"
	OrderDelegate  = "delegate"
)

// Query says which patches of a project a list holds. A nil list means: any.
type Query struct {
	Project    int64
	States     []int64
	Archived   []bool // nil: both
	Submitters []int64
	Delegates  []int64 // 0 stands for nobody
	Series     int64   // 0: any
	Words      string  // each of its words must be in the name, without regard to letter case
	Order      string  // default -date
	Page       int     // from 1; beyond the last is the last
	PerPage    int
}

// Row is a patch as lists show it.
type Row struct {
	ID            int64
	Message       int64 `db:"message_id"`
	MsgID         string
	Name          string
	Date          clock.Time
	Archived      bool
	State         int64  `db:"state"`
	Series        int64  `db:"series"` // 0: none
	SeriesName    string `db:"series_name"`
	Number        int    // in the series; 0: none
	Total         int    // of the series
	Submitter     int64
	SubmitterName string        `db:"submitter_name"` // may be empty
	SubmitterMail string        `db:"submitter_mail"`
	Delegate      int64         // 0: nobody
	DelegateName  string        `db:"delegate_name"`
	Hits          map[int64]int `db:"-"` // tag → how often
	Checks        [4]int        `db:"-"` // newest checks by state: pending, success, warning, fail
}

// Page is one page of a list.
type Page struct {
	Rows  []*Row
	Total int // of all pages; CountLimit+1: more than CountLimit
	Page  int
	Pages int
}

// CountLimit is up to where a list that no counter covers is counted exactly.
const CountLimit = 50000

// maxWords bounds how many different words may be searched at once; each is a condition of its own.
const maxWords = 32

// tidy takes out what is there twice, which would find rows twice, and refuses what can't be answered.
func (f Query) tidy() (Query, error) {
	if len(f.States) > 1 {
		f.States = slices.Compact(slices.Sorted(slices.Values(f.States)))
	}
	if f.Archived != nil && slices.Contains(f.Archived, true) && slices.Contains(f.Archived, false) {
		f.Archived = nil
	} else if len(f.Archived) > 1 {
		f.Archived = f.Archived[:1]
	}
	if len(f.words()) > maxWords {
		return f, fault.New(fault.Invalid, "too many words: at most %d can be searched at once", maxWords)
	}
	return f, nil
}

// words are the different words that are searched.
func (f Query) words() []string {
	return slices.Compact(slices.Sorted(slices.Values(strings.Fields(fold.Key(f.Words)))))
}

// List reads one page of patches in four queries. PerPage must be at least 1.
func List(ctx context.Context, q sqldb.Queryer, f Query) (Page, error) {
	if f.PerPage < 1 {
		return Page{}, fault.New(fault.Invalid, "%d patches on a page: want at least 1", f.PerPage)
	}
	f, err := f.tidy()
	if err != nil {
		return Page{}, err
	}
	total, err := Count(ctx, q, f)
	if err != nil || total == 0 {
		return Page{Page: 1, Pages: 1}, err
	}
	p := Page{Total: total, Pages: max(1, (total+f.PerPage-1)/f.PerPage)}
	p.Page = min(max(f.Page, 1), p.Pages)
	f.Page = p.Page
	query, args := f.rows()
	if err := q.Select(ctx, &p.Rows, query, args...); err != nil {
		return p, fmt.Errorf("list patches: %w", err)
	}
	return p, decorate(ctx, q, p.Rows)
}

// Count counts what a query finds: from the counters where they cover it, else row by row up to CountLimit+1.
func Count(ctx context.Context, q sqldb.Queryer, f Query) (int, error) {
	var n int
	f, err := f.tidy()
	if err != nil {
		return 0, err
	}
	w := f.conditions("p.state_id", "p.archived", "COALESCE(p.delegate_id, 0)")
	query := "SELECT COUNT(*) FROM (SELECT 1 AS x FROM patch p" + w.sql() + fmt.Sprintf(" LIMIT %d) counted", CountLimit+1)
	if f.Series == 0 && f.Submitters == nil && f.Words == "" {
		w = f.conditions("NULLIF(p.state_id, 0)", "p.archived", "p.delegate_id")
		query = "SELECT COALESCE(SUM(p.patches), 0) FROM patch_count p" + w.sql()
	}
	if err := q.Get(ctx, &n, query, w.args...); err != nil {
		return 0, fmt.Errorf("count patches: %w", err)
	}
	return n, nil
}

const rowColumns = `SELECT p.id, p.message_id, m.msgid, p.name, p.date, p.archived, COALESCE(p.state_id, 0) AS state, COALESCE(p.series_id, 0) AS series,
		COALESCE(s.name, '') AS series_name, COALESCE(p.number, 0) AS number, COALESCE(s.total, 0) AS total, p.submitter_id AS submitter, COALESCE(e.name, '') AS submitter_name,
		e.email AS submitter_mail, COALESCE(p.delegate_id, 0) AS delegate, COALESCE(u.username, '') AS delegate_name`

const rowJoins = ` JOIN message m ON m.id = p.message_id AND m.hidden = FALSE JOIN person e ON e.id = p.submitter_id LEFT JOIN series s ON s.id = p.series_id
	LEFT JOIN user_account u ON u.id = p.delegate_id LEFT JOIN state st ON st.id = p.state_id`

// rows finds the ids of the page in a narrow index first, where the order is that of an index, and only then reads the rows.
func (f Query) rows() (string, []any) {
	by, reverse := f.order()
	key, ok := map[string]string{OrderDate: "date", OrderName: "name"}[by]
	if !ok {
		return f.sorted(by, reverse)
	}
	direction := ""
	if reverse {
		direction = " DESC"
	}
	var arms []string
	var args []any
	for _, arm := range f.arms() {
		w := arm.conditions("p.state_id", "p.archived", "COALESCE(p.delegate_id, 0)")
		arms = append(arms, "SELECT * FROM (SELECT p.id, p."+key+" AS k FROM patch p"+w.sql()+" ORDER BY p."+key+direction+", p.id"+direction+" LIMIT ?) arm")
		args = append(append(args, w.args...), f.Page*f.PerPage)
	}
	// Every arm is in order by itself; the first pages of all of them hold the first pages of the whole.
	query := "WITH arms AS (" + strings.Join(arms, " UNION ALL ") + "), page AS (SELECT id, k FROM arms ORDER BY k" + direction + ", id" + direction + " LIMIT ? OFFSET ?) " +
		rowColumns + " FROM page JOIN patch p ON p.id = page.id" + rowJoins + " ORDER BY page.k" + direction + ", p.id" + direction
	return query, append(args, f.PerPage, (f.Page-1)*f.PerPage)
}

// arms splits a query into ones that an index answers in order: one per state and archived flag. A filter that finds few rows by itself
// needs no splitting.
func (f Query) arms() []Query {
	if f.Series != 0 || f.Submitters != nil {
		return []Query{f}
	}
	archived := f.Archived
	if archived == nil {
		archived = []bool{false, true}
	}
	var out []Query
	for _, a := range archived {
		arm := f
		arm.Archived = []bool{a}
		by, _ := f.order()
		if by == OrderName || f.States == nil {
			out = append(out, arm)
			continue
		}
		for _, s := range f.States {
			arm.States = []int64{s}
			out = append(out, arm)
		}
	}
	return out
}

// sorted is for the orders that no index has.
func (f Query) sorted(by string, reverse bool) (string, []any) {
	column := map[string]string{OrderState: "COALESCE(st.ordering, -1)", OrderSubmitter: "COALESCE(NULLIF(e.name_key, ''), e.email_key)", OrderDelegate: "COALESCE(u.username_key, '')"}[by]
	direction, second := "", " DESC"
	if reverse {
		direction, second = " DESC", ""
	}
	w := f.conditions("p.state_id", "p.archived", "COALESCE(p.delegate_id, 0)")
	return rowColumns + " FROM patch p" + rowJoins + w.sql() + " ORDER BY " + column + direction + ", p.date" + second + ", p.id" + second + " LIMIT ? OFFSET ?",
		append(w.args, f.PerPage, (f.Page-1)*f.PerPage)
}

func (f Query) order() (by string, reverse bool) {
	by, reverse = strings.CutPrefix(f.Order, "-")
	switch by {
	case OrderDate, OrderName, OrderState, OrderSubmitter, OrderDelegate:
		return by, reverse
	}
	return OrderDate, true
}

// where collects conditions and their arguments.
type where struct {
	parts []string
	args  []any
}

func (w *where) add(part string, args ...any) {
	w.parts = append(w.parts, part)
	w.args = append(w.args, args...)
}

func (w *where) sql() string { return " WHERE " + strings.Join(w.parts, " AND ") }

func (f Query) conditions(state, archived, delegate string) *where {
	w := &where{}
	w.add("p.project_id = ?", f.Project)
	if f.Series != 0 {
		w.add("p.series_id = ?", f.Series)
	}
	if f.Submitters != nil {
		w.add("p.submitter_id IN (?)", orNone(f.Submitters))
	}
	switch {
	case f.Archived == nil:
	case len(f.Archived) == 0:
		w.add("1 = 0")
	default:
		w.add(archived+" = ?", f.Archived[0])
	}
	if f.States != nil {
		w.add(state+" IN (?)", orNone(f.States))
	}
	if f.Delegates != nil {
		w.add(delegate+" IN (?)", orNone(f.Delegates))
	}
	for _, word := range f.words() {
		w.add("p.name_key LIKE ? ESCAPE '!'", "%"+likeEscape.Replace(word)+"%")
	}
	return w
}

var likeEscape = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// orNone is a list that finds nothing in place of an empty one.
func orNone(ids []int64) []int64 {
	if len(ids) == 0 {
		return []int64{-1}
	}
	return ids
}

// decorate adds the tag counts and the newest checks.
func decorate(ctx context.Context, q sqldb.Queryer, rows []*Row) error {
	if len(rows) == 0 {
		return nil
	}
	byID := make(map[int64]*Row, len(rows))
	ids := make([]int64, 0, len(rows))
	for _, r := range rows {
		byID[r.ID] = r
		ids = append(ids, r.ID)
	}
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var id, tag int64
		var hits int
		err := rows.Scan(&id, &tag, &hits)
		if r := byID[id]; r.Hits == nil {
			r.Hits = map[int64]int{tag: hits}
		} else {
			r.Hits[tag] = hits
		}
		return err
	}, "SELECT patch_id, tag_id, hits FROM patch_tag WHERE patch_id IN (?)", ids)
	if err != nil {
		return fmt.Errorf("read tag counts: %w", err)
	}
	err = q.Each(ctx, func(rows *sqlx.Rows) error {
		var id int64
		var state, n int
		err := rows.Scan(&id, &state, &n)
		if err == nil && state >= 0 && state < len(byID[id].Checks) {
			byID[id].Checks[state] = n
		}
		return err
	}, "SELECT patch_id, state, COUNT(*) FROM patch_check_latest WHERE patch_id IN (?) GROUP BY patch_id, state", ids)
	if err != nil {
		return fmt.Errorf("read checks: %w", err)
	}
	return nil
}

// Vocabulary is the states in order and the tags by abbreviation.
type Vocabulary struct {
	States []State
	Tags   []Tag
}

// ReadVocabulary reads both in one query.
func ReadVocabulary(ctx context.Context, q sqldb.Queryer) (Vocabulary, error) {
	var v Vocabulary
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var kind, name, second, third string
		var id int64
		var ordering int
		var flag bool
		if err := rows.Scan(&kind, &id, &name, &second, &third, &ordering, &flag); err != nil {
			return err
		}
		if kind == "state" {
			v.States = append(v.States, State{ID: id, Name: name, Slug: second, Ordering: ordering, ActionRequired: flag})
		} else {
			v.Tags = append(v.Tags, Tag{ID: id, Name: name, Abbrev: second, Pattern: third, ShowColumn: flag})
		}
		return nil
	}, `SELECT 'state' AS kind, id, name, slug AS second, '' AS third, ordering, action_required AS flag FROM state
		UNION ALL SELECT 'tag', id, name, abbrev, pattern, 0, show_column FROM tag ORDER BY kind, ordering, second`)
	if err != nil {
		return v, fmt.Errorf("read states and tags: %w", err)
	}
	return v, nil
}

// ActionRequired are the ids of the states that want something done.
func (v Vocabulary) ActionRequired() []int64 {
	ids := []int64{}
	for _, s := range v.States {
		if s.ActionRequired {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// StateName is the name of a state, empty for none.
func (v Vocabulary) StateName(id int64) string {
	for _, s := range v.States {
		if s.ID == id {
			return s.Name
		}
	}
	return ""
}

// InSeries lists all patches of a series by number.
func InSeries(ctx context.Context, q sqldb.Queryer, series int64) ([]*Row, error) {
	var out []*Row
	err := q.Select(ctx, &out, rowColumns+" FROM patch p"+rowJoins+" WHERE p.series_id = ? ORDER BY p.number, p.id", series)
	if err != nil {
		return nil, fmt.Errorf("list the patches of series %d: %w", series, err)
	}
	return out, decorate(ctx, q, out)
}

// CountByState counts the patches of a project by state, archived ones too.
func CountByState(ctx context.Context, q sqldb.Queryer, project int64) (map[int64]int, error) {
	out := map[int64]int{}
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var state int64
		var n int
		err := rows.Scan(&state, &n)
		out[state] = n
		return err
	}, "SELECT state_id, SUM(patches) FROM patch_count WHERE project_id = ? GROUP BY state_id", project)
	if err != nil {
		return nil, fmt.Errorf("count the patches of project %d: %w", project, err)
	}
	return out, nil
}
