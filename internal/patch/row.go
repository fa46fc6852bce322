// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// Row is a patch as lists show it.
type Row struct {
	ID            int64
	Message       int64 `db:"message_id"`
	Project       int64
	MsgID         string // in key form
	LongID        string `db:"long_id"` // the whole Message-ID when MsgID is a cut one, else empty
	Name          string
	Date          clock.Time
	Archived      bool
	State         int64      `db:"state"`
	StateSlug     string     `db:"state_slug"`
	Hash          string     // of the diff; empty: none
	CommitRef     *string    `db:"commit_ref"` // nil: none; that of an imported patch may also be empty
	PullURL       *string    `db:"pull_url"`
	Relation      int64      // the group of patches it is related to; 0: none
	Series        int64      `db:"series"` // 0: none
	SeriesName    string     `db:"series_name"`
	SeriesDate    clock.Time `db:"series_date"`
	SeriesVersion int        `db:"series_version"`
	Number        int        // in the series; 0: none
	Total         int        // of the series
	Submitter     int64
	SubmitterName string `db:"submitter_name"` // may be empty
	SubmitterMail string `db:"submitter_mail"`
	Delegate      int64  // 0: nobody
	DelegateName  string `db:"delegate_name"`
	DelegateFirst string `db:"delegate_first"`
	DelegateLast  string `db:"delegate_last"`
	DelegateMail  string `db:"delegate_mail"`
	Hits          Hits   `db:"-"`
	Checks        [4]int `db:"-"` // newest checks by state: pending, success, warning, fail
}

// Hits are how often each tag was given, but those that were not.
type Hits []Hit

// Hit is how often a tag was given.
type Hit struct {
	Tag   int64
	Times int
}

// Of is how often a tag was given.
func (h Hits) Of(tag int64) int {
	for _, t := range h {
		if t.Tag == tag {
			return t.Times
		}
	}
	return 0
}

// WholeID is the Message-ID as it was sent.
func (r *Row) WholeID() string {
	if r.LongID != "" {
		return r.LongID
	}
	return r.MsgID
}

// CheckState is what the newest checks say together, see CheckStates: one that failed counts more than a warning, that more than one that is pending, and
// that more than success. Without checks it is pending.
func (r *Row) CheckState() int { return CombinedCheck(r.Checks) }

// CombinedCheck is what so many newest checks of each state say together, as CheckState has it.
func CombinedCheck(checks [4]int) int {
	for _, state := range []int{checkFail, checkWarning, checkPending, checkSuccess} {
		if checks[state] > 0 {
			return state
		}
	}
	return checkPending
}

const (
	checkPending = iota
	checkSuccess
	checkWarning
	checkFail
)

const rowColumns = `SELECT p.id, p.message_id, p.project_id AS project, m.msgid, COALESCE(m.msgid_long, '') AS long_id, p.name, p.date, p.archived, COALESCE(p.state_id, 0) AS state,
		COALESCE(st.slug, '') AS state_slug, COALESCE(p.hash, '') AS hash, p.commit_ref, p.pull_url,
		COALESCE(p.related_id, 0) AS relation, COALESCE(p.series_id, 0) AS series, COALESCE(s.name, '') AS series_name, COALESCE(s.date, 0) AS series_date,
		COALESCE(s.version, 0) AS series_version, COALESCE(p.number, 0) AS number, COALESCE(s.total, 0) AS total, p.submitter_id AS submitter,
		COALESCE(e.name, '') AS submitter_name, e.email AS submitter_mail, COALESCE(p.delegate_id, 0) AS delegate, COALESCE(u.username, '') AS delegate_name,
		COALESCE(u.first_name, '') AS delegate_first, COALESCE(u.last_name, '') AS delegate_last, COALESCE(u.email, '') AS delegate_mail`

const rowJoins = ` JOIN message m ON m.id = p.message_id AND m.hidden = FALSE JOIN person e ON e.id = p.submitter_id LEFT JOIN series s ON s.id = p.series_id
	LEFT JOIN user_account u ON u.id = p.delegate_id LEFT JOIN state st ON st.id = p.state_id`

// FullRow is a patch with its texts.
type FullRow struct {
	Row
	Headers string  // as they were received
	Content *string // nil: none
	Charset *string // of Diff; nil or empty: UTF-8
	Diff    []byte  // nil: none
}

// ReadFull reads a patch with its texts, in two queries. One that is hidden or does not exist is fault.NotFound.
func ReadFull(ctx context.Context, q sqldb.Queryer, id int64) (*FullRow, error) {
	var d FullRow
	err := q.Get(ctx, &d, rowColumns+", b.headers, b.content, d.charset, d.diff FROM patch p"+rowJoins+
		" JOIN message_body b ON b.message_id = m.id LEFT JOIN patch_diff d ON d.patch_id = p.id WHERE p.id = ?", id)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "there is no patch %d", id)
	}
	if err != nil {
		return nil, fmt.Errorf("read patch %d: %w", id, err)
	}
	return &d, decorate(ctx, q, []*Row{&d.Row})
}

// InSeries lists all patches of a series by number.
func InSeries(ctx context.Context, q sqldb.Queryer, series int64) ([]*Row, error) {
	out, err := selectRows(ctx, q, rowColumns+" FROM patch p"+rowJoins+" WHERE p.series_id = ? ORDER BY p.number, p.id", series)
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

// fewestRows is how many ids a list of them has at least. PostgreSQL, which does not know lengths, keeps plans for lists of ten: for one of one it would make a new plan
// each time, which takes far longer than to read a row, as it looks cheaper.
const fewestRows = 16

// readRows reads patches in the order of their ids, in two queries, asked together. Those that are hidden, or gone, are left out. Brief rows have what Query.Brief says.
func readRows(ctx context.Context, q sqldb.Queryer, ids []int64, brief bool) ([]*Row, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	ctx = sqldb.Short(ctx, q)
	some := atLeast(ids, fewestRows)
	query := rowsByID
	if brief {
		query = briefByID
	}
	byID := make(map[int64]*Row, len(ids))
	rows := askRows(brief, func(r *Row) { byID[r.ID] = r }, query, some)
	if err := sqldb.Read(ctx, q, rows, askMarks(some, byID)); err != nil {
		return nil, fmt.Errorf("list patches: %w", err)
	}
	return listed(byID, ids), nil
}

// listed are the rows in the order of ids.
func listed(byID map[int64]*Row, ids []int64) []*Row {
	rows := make([]*Row, 0, len(ids))
	for _, id := range ids {
		if r := byID[id]; r != nil {
			rows = append(rows, r)
		}
	}
	return rows
}

// selectRows reads rows as a query gives them, which has the columns of rowColumns.
func selectRows(ctx context.Context, q sqldb.Queryer, query string, args ...any) (out []*Row, err error) {
	err = sqldb.Read(ctx, q, askRows(false, func(r *Row) { out = append(out, r) }, query, args...))
	return out, err
}

// askRows asks for rows by a query that has the columns of rowColumns, or if they are to be brief of briefByID.
func askRows(brief bool, take func(*Row), query string, args ...any) sqldb.Ask {
	fill := (*Row).fill
	if brief {
		fill = (*Row).fillBrief
	}
	return sqldb.Ask{Query: query, Args: args, Row: func(c *sqldb.Cells) error {
		r := &Row{}
		fill(r, c)
		take(r)
		return nil
	}}
}

const rowsByID = rowColumns + " FROM patch p" + rowJoins + " WHERE p.id IN (?)"

// fill takes the columns of rowColumns.
func (r *Row) fill(c *sqldb.Cells) {
	r.ID, r.Message, r.Project, r.MsgID, r.LongID, r.Name, r.Date, r.Archived, r.State = c.Num(0), c.Num(1), c.Num(2), c.Text(3), c.Text(4), c.Text(5), clock.Time(c.Num(6)), c.Flag(7), c.Num(8)
	r.StateSlug, r.Hash, r.CommitRef, r.PullURL = c.Text(9), c.Text(10), c.MaybeText(11), c.MaybeText(12)
	r.Relation, r.Series, r.SeriesName, r.SeriesDate = c.Num(13), c.Num(14), c.Text(15), clock.Time(c.Num(16))
	r.SeriesVersion, r.Number, r.Total, r.Submitter = int(c.Num(17)), int(c.Num(18)), int(c.Num(19)), c.Num(20)
	r.SubmitterName, r.SubmitterMail, r.Delegate, r.DelegateName = c.Text(21), c.Text(22), c.Num(23), c.Text(24)
	r.DelegateFirst, r.DelegateLast, r.DelegateMail = c.Text(25), c.Text(26), c.Text(27)
}

// briefByID reads brief rows.
const briefByID = `SELECT p.id, m.msgid, p.name, p.date, p.archived, p.state_id, p.series_id, s.name AS series_name, s.version, p.number, s.total, p.submitter_id, e.name AS submitter, e.email,
		p.delegate_id, u.username FROM patch p JOIN message m ON m.id = p.message_id AND m.hidden = FALSE JOIN person e ON e.id = p.submitter_id LEFT JOIN series s ON s.id = p.series_id
	LEFT JOIN user_account u ON u.id = p.delegate_id WHERE p.id IN (?)`

// fillBrief takes the columns of briefByID.
func (r *Row) fillBrief(c *sqldb.Cells) {
	r.ID, r.MsgID, r.Name, r.Date, r.Archived, r.State = c.Num(0), c.Text(1), c.Text(2), clock.Time(c.Num(3)), c.Flag(4), c.Num(5)
	r.Series, r.SeriesName, r.SeriesVersion, r.Number, r.Total = c.Num(6), c.Text(7), int(c.Num(8)), int(c.Num(9)), int(c.Num(10))
	r.Submitter, r.SubmitterName, r.SubmitterMail, r.Delegate, r.DelegateName = c.Num(11), c.Text(12), c.Text(13), c.Num(14), c.Text(15)
}

// atLeast repeats the last id until there are n.
func atLeast(ids []int64, n int) []int64 {
	if len(ids) >= n {
		return ids
	}
	return append(slices.Clone(ids), slices.Repeat(ids[len(ids)-1:], n-len(ids))...)
}

// decorate adds the tag counts and the newest checks, in one query.
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
	if err := sqldb.Read(ctx, q, askMarks(atLeast(ids, fewestRows), byID)); err != nil {
		return fmt.Errorf("read tag counts and checks: %w", err)
	}
	return nil
}

// mark takes how often a tag was given, or how many of the newest checks are in a state. A row that is not listed is nil.
func (r *Row) mark(check bool, key int64, n int) {
	switch {
	case r == nil:
	case !check:
		r.Hits = append(r.Hits, Hit{key, n})
	case key >= 0 && key < int64(len(r.Checks)):
		r.Checks[key] = n
	}
}

// askMarks asks for the tags and newest checks of patches, and gives them to their rows.
func askMarks(patches []int64, rows map[int64]*Row) sqldb.Ask {
	return sqldb.Ask{Query: "SELECT patch_id, FALSE AS is_check, tag_id AS k, hits AS n FROM patch_tag WHERE patch_id IN (?)" +
		" UNION ALL SELECT patch_id, TRUE, state, COUNT(*) FROM patch_check_latest WHERE patch_id IN (?) GROUP BY patch_id, state", Args: []any{patches, patches},
		Row: func(c *sqldb.Cells) error {
			rows[c.Num(0)].mark(c.Flag(1), c.Num(2), int(c.Num(3)))
			return nil
		}}
}
