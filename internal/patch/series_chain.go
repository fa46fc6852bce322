// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
)

// Version is a series as another one shows it.
type Version struct {
	ID      int64
	Version int
	Name    string
}

// Chain is what stands next to a series.
type Chain struct {
	Previous   []Version // one at most
	Next       []Version // newer versions whose previous one it is; the latest last
	DependsOn  []Version // what must be applied before
	Dependents []Version
	Superseded int // patches that a newer version superseded and that can be given their state back
}

// maxNext bounds how many neighbours of each kind are read.
const maxNext = 100

// ReadChain reads what stands next to a series, in one query.
func ReadChain(ctx context.Context, q sqldb.Queryer, s *Series) (Chain, error) {
	var c Chain
	into := []*[]Version{&c.Previous, &c.Next, &c.DependsOn, &c.Dependents}
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var kind int
		var place int64
		var v Version
		if err := rows.Scan(&kind, &place, &v.ID, &v.Version, &v.Name); err != nil {
			return err
		}
		switch {
		case kind < 0:
			c.Superseded = v.Version
		case len(*into[kind]) < maxNext:
			*into[kind] = append(*into[kind], v)
		}
		return nil
	}, `SELECT 0 AS kind, 0 AS place, s.id, s.version, COALESCE(s.name, '') AS name FROM series s WHERE s.id = ?
		UNION ALL SELECT 1, s.date, s.id, s.version, COALESCE(s.name, '') FROM series s WHERE s.previous_id = ?
		UNION ALL SELECT 2, d.position, s.id, s.version, COALESCE(s.name, '') FROM series s JOIN series_dependency d ON d.depends_on_id = s.id WHERE d.series_id = ?
		UNION ALL SELECT 3, s.id, s.id, s.version, COALESCE(s.name, '') FROM series s JOIN series_dependency d ON d.series_id = s.id WHERE d.depends_on_id = ?
		UNION ALL SELECT -1, 0, 0, COUNT(*), '' FROM patch p JOIN patch_superseded x ON x.patch_id = p.id JOIN state t ON t.id = p.state_id
			WHERE p.series_id = ? AND x.undone = FALSE AND t.slug = 'superseded'
		ORDER BY 1, 2, 3 LIMIT ?`, s.Previous, s.ID, s.ID, s.ID, s.ID, 4*maxNext)
	if err != nil {
		return c, fmt.Errorf("read what stands next to series %d: %w", s.ID, err)
	}
	return c, nil
}

// MayEditSeries tells whether an actor may change all patches of a series; see Update for the rule.
func MayEditSeries(ctx context.Context, q sqldb.Queryer, by account.Actor, series int64) (bool, error) {
	if by.Admin || by.User == 0 {
		return by.Admin, nil
	}
	var n int
	err := q.Get(ctx, &n, `SELECT COUNT(*) FROM patch p JOIN person e ON e.id = p.submitter_id WHERE p.series_id = ? AND COALESCE(e.user_id, 0) <> ? AND COALESCE(p.delegate_id, 0) <> ?
		AND NOT EXISTS (SELECT 1 FROM project_maintainer m WHERE m.project_id = p.project_id AND m.user_id = ?)`, series, by.User, by.User, by.User)
	if err != nil {
		return false, fmt.Errorf("find out who may change series %d: %w", series, err)
	}
	return n == 0, nil
}
