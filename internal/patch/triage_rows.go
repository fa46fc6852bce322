// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// seriesName is the name of series s. One whose name is not known, because neither its cover letter nor its first patch has come, is called by the first patch that has.
const seriesName = `COALESCE(NULLIF(s.name, ''), (SELECT p.name FROM patch p JOIN message m ON m.id = p.message_id AND m.hidden = FALSE WHERE p.series_id = s.id ORDER BY p.number, p.id LIMIT 1), '')`

// workByID reads rows, of workCells columns.
const (
	workByID = `SELECT x.series_id, x.project_id, ` + seriesName + ` AS name, s.version, s.total, s.cover_id IS NOT NULL AS cover, s.submitter_id, e.name AS submitter_name, e.email, j.linkname,
			x.lane, x.date, x.active_at, x.newer, x.patches, x.open, x.reviewed, x.comments, x.unaddressed, x.pending, x.success, x.warning, x.fail, x.states, x.tags, x.delegates
		FROM series_triage x JOIN series s ON s.id = x.series_id JOIN person e ON e.id = s.submitter_id LEFT JOIN project j ON j.id = x.project_id WHERE x.series_id IN (?)`
	workCells = 26
)

// fill takes the columns of workByID.
func (r *WorkRow) fill(c *sqldb.Cells) {
	n := func(i int) int { return int(c.Num(i)) }
	r.ID, r.Project, r.Name, r.Version, r.Total, r.Cover = c.Num(0), c.Num(1), c.Text(2), n(3), n(4), c.Flag(5)
	r.Submitter, r.SubmitterName, r.SubmitterMail, r.Linkname = c.Num(6), c.Text(7), c.Text(8), c.Text(9)
	r.Lane, r.Date, r.ActiveAt, r.Newer = Lane(c.Num(10)), clock.Time(c.Num(11)), clock.Time(c.Num(12)), c.Flag(13)
	r.Patches, r.Open, r.Reviewed, r.Comments, r.Unaddressed = n(14), n(15), n(16), n(17), n(18)
	r.Pending, r.Success, r.Warning, r.Fail = n(19), n(20), n(21), n(22)
	r.States, r.Tags, r.Delegates = c.Text(23), c.Text(24), c.Text(25)
}

// readWork reads series in the order of ids, in two queries.
func readWork(ctx context.Context, q sqldb.Queryer, ids []int64) ([]*WorkRow, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	ctx = sqldb.Short(ctx, q)
	found := make(map[int64]*WorkRow, len(ids))
	c := sqldb.NewCells(workCells)
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		r := &WorkRow{}
		c.Read(rows)
		r.fill(c)
		found[r.ID] = r
		return c.Err()
	}, workByID, atLeast(ids, fewestRows))
	if err != nil {
		return nil, fmt.Errorf("read %d series: %w", len(ids), err)
	}
	rows := inOrder(ids, found)
	return rows, nameDelegates(ctx, q, rows)
}

func nameDelegates(ctx context.Context, q sqldb.Queryer, rows []*WorkRow) error {
	names := map[int64]string{}
	for _, r := range rows {
		for _, t := range readTally(r.Delegates) {
			names[t.ID] = ""
		}
	}
	if len(names) == 0 {
		names[-1] = "" // the number of queries is the same for every list
	}
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var id int64
		var name string
		err := rows.Scan(&id, &name)
		names[id] = name
		return err
	}, "SELECT id, username FROM user_account WHERE id IN (?)", atLeast(slices.Sorted(maps.Keys(names)), fewestRows))
	for _, r := range rows {
		for _, t := range readTally(r.Delegates) {
			if names[t.ID] != "" {
				r.DelegateNames = append(r.DelegateNames, names[t.ID])
			}
		}
	}
	return err
}

// StandOf reads where a series stands, as lists show it. A series that nobody may see is fault.NotFound.
func StandOf(ctx context.Context, q sqldb.Queryer, series int64) (Stand, error) {
	var s Stand
	if err := q.Get(ctx, &s, "SELECT "+standColumns+" FROM series_triage WHERE series_id = ?", series); err != nil {
		return s, fmt.Errorf("read where series %d stands: %w", series, err)
	}
	return s, nil
}

// StateCounts are how many patches are in each state, the most frequent first.
func (s *Stand) StateCounts() []Tally { return readTally(s.States) }

// TagCounts are how many patches have each tag.
func (s *Stand) TagCounts() []Tally { return readTally(s.Tags) }
