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
	State   int64 // what all its patches share; 0: none, or they differ
	Name    string
}

// Chain is what stands next to a series, and what is noted about it.
type Chain struct {
	Previous   []Version // one at most
	Next       []Version // newer versions whose previous one it is; the latest last
	DependsOn  []Version // what must be applied before
	Dependents []Version
	Missing    []Need // what must be applied before and is not here
	Metadata   []Metadatum
	Superseded int // patches that a newer version superseded and that can be given their state back
}

// Metadatum is one piece of the metadata of a series.
type Metadatum struct{ Name, Value string }

// maxNext bounds how many neighbours of each kind are read.
const maxNext = 100

// Kinds of the rows that ReadChain reads.
const (
	chainSuperseded = iota
	chainMetadata
	chainMissing
	chainPrevious
	chainNext
	chainDependsOn
	chainDependents // last: there may be many
)

// ReadChain reads what stands next to a series, in one query.
func ReadChain(ctx context.Context, q sqldb.Queryer, s *Series) (Chain, error) {
	var c Chain
	versions := map[int]*[]Version{chainPrevious: &c.Previous, chainNext: &c.Next, chainDependsOn: &c.DependsOn, chainDependents: &c.Dependents}
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var kind int
		var place int64
		var v Version
		var value string
		if err := rows.Scan(&kind, &place, &v.ID, &v.Version, &v.State, &v.Name, &value); err != nil {
			return err
		}
		switch into := versions[kind]; {
		case kind == chainSuperseded:
			c.Superseded = v.Version
		case kind == chainMissing:
			c.Missing = append(c.Missing, Need{Kind: v.Name, Value: value})
		case kind == chainMetadata:
			c.Metadata = append(c.Metadata, Metadatum{v.Name, value})
		case len(*into) < maxNext:
			*into = append(*into, v)
		}
		return nil
	}, chainQuery, s.ID, s.ID, s.ID, s.Previous, s.ID, s.ID, s.ID, 7*maxNext)
	if err != nil {
		return c, fmt.Errorf("read what stands next to series %d: %w", s.ID, err)
	}
	return c, nil
}

const chainQuery = `SELECT 0 AS kind, 0 AS place, 0 AS id, COUNT(*) AS version, 0 AS state, '' AS name, '' AS value FROM patch p JOIN patch_superseded x ON x.patch_id = p.id
		JOIN state t ON t.id = p.state_id WHERE p.series_id = ? AND x.undone = FALSE AND t.slug = 'superseded'
	UNION ALL SELECT 1, 0, 0, 0, 0, g.name, g.value FROM series_metadata g WHERE g.series_id = ?
	UNION ALL SELECT 2, n.position, 0, 0, 0, n.kind, n.value FROM series_need n WHERE n.series_id = ? AND n.target_id IS NULL AND n.kind <> 'supersedes'
	UNION ALL SELECT 3, 0, s.id, s.version, COALESCE(s.state_id, 0), ` + seriesName + `, '' FROM series s WHERE s.id = ? AND ` + shownSeries + `
	UNION ALL SELECT 4, s.date, s.id, s.version, COALESCE(s.state_id, 0), ` + seriesName + `, '' FROM series s WHERE s.previous_id = ? AND ` + shownSeries + `
	UNION ALL SELECT 5, d.position, s.id, s.version, COALESCE(s.state_id, 0), ` + seriesName + `, '' FROM series s JOIN series_dependency d ON d.depends_on_id = s.id WHERE d.series_id = ? AND ` + shownSeries + `
	UNION ALL SELECT 6, s.id, s.id, s.version, COALESCE(s.state_id, 0), ` + seriesName + `, '' FROM series s JOIN series_dependency d ON d.series_id = s.id WHERE d.depends_on_id = ? AND ` + shownSeries + `
	ORDER BY 1, 2, 3, 6, 7 LIMIT ?`

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
