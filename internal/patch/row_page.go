// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// PostgreSQL finds and reads the brief rows of a page that it walks to in one query. Each series, sender and delegate of the page is looked up once, and the patches that the walk comes by are not
// looked up again by their ids. Others, which are asked without a round trip, do as well with two, and so does PostgreSQL with ids that are known (readRows).

// pageColumns are what a brief row has of patch p, beside its id.
const pageColumns = ", p.message_id, p.name, p.date, p.archived, p.state_id, p.series_id, p.number, p.submitter_id, p.delegate_id"

// What a row of that query is.
const (
	partPatch = iota
	partTag
	partCheck
	partSeries
	partPerson
	partUser
)

// pageParts reads what belongs to a page.
const pageParts = `SELECT 0 AS part, p.id, m.msgid AS a, p.name AS b, p.date AS n, p.state_id AS o, p.seq, p.series_id, p.submitter_id, p.delegate_id, p.number, p.archived
		FROM page p JOIN message m ON m.id = p.message_id AND m.hidden = FALSE
	UNION ALL SELECT 1, t.patch_id, NULL, NULL, t.tag_id, t.hits, NULL, NULL, NULL, NULL, NULL, NULL FROM page p JOIN patch_tag t ON t.patch_id = p.id
	UNION ALL SELECT 2, c.patch_id, NULL, NULL, c.state, COUNT(*), NULL, NULL, NULL, NULL, NULL, NULL FROM page p JOIN patch_check_latest c ON c.patch_id = p.id GROUP BY c.patch_id, c.state
	UNION ALL SELECT 3, s.id, s.name, NULL, s.version, s.total, NULL, NULL, NULL, NULL, NULL, NULL FROM series s WHERE s.id IN (SELECT series_id FROM page)
	UNION ALL SELECT 4, e.id, e.name, e.email, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM person e WHERE e.id IN (SELECT submitter_id FROM page)
	UNION ALL SELECT 5, u.id, u.username, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM user_account u WHERE u.id IN (SELECT delegate_id FROM page)`

// pageOf reads the page that a query finds, which has seq, id and pageColumns. The planner, which does not know how many rows a LIMIT ? has, must not think that they are thousands.
func pageOf(query string, limit int) string {
	most := fewestRows
	for most < limit {
		most *= 2
	}
	return fmt.Sprintf("WITH page AS MATERIALIZED (SELECT * FROM (%s) found LIMIT %d) ", query, most) + pageParts
}

// atOnce tells whether rows are read so.
func (f Query) atOnce() bool { return f.engine == sqldb.Postgres && f.Brief }

// pageRows are the parts of a page as they were read.
type pageRows struct {
	rows    []*Row
	classes map[int64]int64 // of patches, see segments
	byID    map[int64]*Row
	series  map[int64]*Row // the name, version and total of each
	persons map[int64]*Row
	users   map[int64]string
	marks   []mark
}

type mark struct {
	patch int64
	check bool
	key   int64
	n     int
}

// walked is the query for the patches of a page as indexes have them, in any order: the class (seq), the id, the key (k), and columns.
func walked(parts []segment, key sortKey, columns string) (string, []any) {
	var texts []string
	var args []any
	for i, s := range parts {
		s.columns = columns
		query, more := s.ids(i, key)
		texts = append(texts, "SELECT * FROM ("+query+") s"+strconv.Itoa(i))
		args = append(args, more...)
	}
	return strings.Join(texts, " UNION ALL "), args
}

// steady tells whether indexes have all parts in order and nothing else in between, so that no other plan is better for any values.
func steady(parts []segment, key sortKey) bool {
	for _, s := range parts {
		if slices.ContainsFunc(s.arms, func(f Query) bool { return !f.steady(key) }) {
			return false
		}
	}
	return true
}

func (f Query) steady(key sortKey) bool {
	own := len(f.Delegates) == 1 && f.few && key.by == OrderDate // see Listing.arms
	switch {
	case f.Delegates != nil && !own || f.States != nil && key.by == OrderName:
		return false
	case f.Projects == nil:
		return f.Archived == nil && f.States == nil
	}
	return len(f.Projects) == 1 && len(f.Archived) == 1 && len(f.States) <= 1
}

// readWalk reads a page whose parts are steady, by a plan that is made once, whatever their values.
func readWalk(ctx context.Context, q sqldb.Queryer, parts []segment, key sortKey, limit int) ([]*Row, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	query, args := walked(parts, key, pageColumns)
	p := &pageRows{classes: map[int64]int64{}, byID: map[int64]*Row{}, series: map[int64]*Row{}, persons: map[int64]*Row{}, users: map[int64]string{}}
	if err := sqldb.Read(ctx, q, sqldb.Ask{Query: pageOf(query, limit), Args: args, Row: p.take, Keep: true}); err != nil {
		return nil, fmt.Errorf("list patches: %w", err)
	}
	p.join()
	return p.inOrder(key), nil
}

func (p *pageRows) take(c *sqldb.Cells) error {
	part, id := c.Num(0), c.Num(1)
	switch part {
	case partPatch:
		r := &Row{ID: id, MsgID: c.Text(2), Name: c.Text(3), Date: clock.Time(c.Num(4)), State: c.Num(5), Series: c.Num(7), Submitter: c.Num(8), Delegate: c.Num(9), Number: int(c.Num(10)), Archived: c.Flag(11)}
		p.rows, p.byID[id], p.classes[id] = append(p.rows, r), r, c.Num(6)
	case partTag, partCheck:
		p.marks = append(p.marks, mark{id, part == partCheck, c.Num(4), int(c.Num(5))})
	case partSeries:
		p.series[id] = &Row{SeriesName: c.Text(2), SeriesVersion: int(c.Num(4)), Total: int(c.Num(5))}
	case partPerson:
		p.persons[id] = &Row{SubmitterName: c.Text(2), SubmitterMail: c.Text(3)}
	case partUser:
		p.users[id] = c.Text(2)
	}
	return nil
}

// join gives the rows what belongs to them.
func (p *pageRows) join() {
	for _, r := range p.rows {
		if s := p.series[r.Series]; s != nil {
			r.SeriesName, r.SeriesVersion, r.Total = s.SeriesName, s.SeriesVersion, s.Total
		}
		if s := p.persons[r.Submitter]; s != nil {
			r.SubmitterName, r.SubmitterMail = s.SubmitterName, s.SubmitterMail
		}
		r.DelegateName = p.users[r.Delegate]
	}
	for _, m := range p.marks {
		p.byID[m.patch].mark(m.check, m.key, m.n)
	}
}

// inOrder are the rows by class, key and id.
func (p *pageRows) inOrder(key sortKey) []*Row {
	slices.SortFunc(p.rows, func(a, b *Row) int {
		if n := cmp.Compare(p.classes[a.ID], p.classes[b.ID]); n != 0 {
			return n
		}
		n := 0
		switch key.by {
		case OrderDate:
			n = cmp.Compare(a.Date, b.Date)
		case OrderName:
			n = strings.Compare(a.Name, b.Name)
		}
		if n = cmp.Or(n, cmp.Compare(a.ID, b.ID)); key.desc {
			n = -n
		}
		return n
	})
	return p.rows
}
