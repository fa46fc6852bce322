// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
)

// Links is what the text of a mail says of its series' place among others.
type Links struct {
	ChangeID   string // what b4 calls all versions by
	BaseCommit string
	Needs      []Need
}

// Need names a series that must be applied before, or (NeedSupersedes) that is replaced.
type Need struct {
	Kind  string
	Value string // Message-ID in key form, change-id with :vN if it names a version, output of git patch-id, or number
}

// Kinds of Need, by what names the series.
const (
	NeedMessage    = "message"
	NeedChange     = "change"
	NeedPatch      = "patch"
	NeedSeries     = "series"
	NeedSupersedes = "supersedes"
)

// need is a Need of a series, with the series that was found for it.
type need struct {
	Kind     string
	Value    string
	Series   int64 `db:"series_id"`
	Position int
	Target   int64 `db:"target_id"` // 0: not here
}

// declare notes what a mail of a series says it needs.
func (in *Intake) declare(s *Series, needs []Need) {
	for _, n := range needs {
		in.new.needs = append(in.new.needs, &need{Kind: n.Kind, Value: n.Value, Series: s.ID})
	}
}

// needs finds what other series say they need and one of the mails may be.
func (l *loader) needs(ctx context.Context) error {
	values := append(append(append([]string(nil), l.w.Own...), l.w.Changes...), l.w.GitIDs...)
	return sqldb.Chunks(values, func(values []string) error {
		return l.tx.Each(ctx, func(rows *sqlx.Rows) error {
			n := &need{}
			err := rows.StructScan(n)
			l.Intake.needs[n.Value] = append(l.Intake.needs[n.Value], n)
			l.ids = append(l.ids, n.Series)
			if n.Target != 0 {
				l.ids = append(l.ids, n.Target)
			}
			return err
		}, `SELECT kind, value, series_id, position, COALESCE(target_id, 0) AS target_id FROM series_need
			WHERE project_id = ? AND kind IN ('message', 'change', 'patch', 'supersedes') AND value IN (?) ORDER BY kind, value, series_id LIMIT ?`, l.project.ID, values, l.maxKin())
	})
}

// cutVersion cuts the version off a change-id that is named with one; 0: without.
func cutVersion(change string) (id string, version int) {
	if at := strings.LastIndex(change, ":v"); at >= 0 {
		if n, err := strconv.Atoi(change[at+2:]); err == nil {
			return change[:at], n
		}
	}
	return change, 0
}

// find is the series that a need means, of several the newest version; 0: none that is here. It never is the series itself.
func (in *Intake) find(n *need) int64 {
	var found []*Series
	switch n.Kind {
	case NeedMessage, NeedSupersedes:
		found = []*Series{in.Owner(n.Value)}
	case NeedSeries:
		id, _ := strconv.ParseInt(n.Value, 10, 64)
		found = []*Series{in.series[id]}
	case NeedPatch:
		found = in.gitIDs[n.Value]
	case NeedChange:
		id, version := cutVersion(n.Value)
		for _, s := range in.series {
			if s.ChangeID == id && (version == 0 || s.Version == version) {
				found = append(found, s)
			}
		}
	}
	found = slices.DeleteFunc(slices.Clone(found), func(s *Series) bool { return s == nil || s.ID == n.Series })
	if len(found) == 0 {
		return 0
	}
	return slices.MaxFunc(found, func(a, b *Series) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.Date, b.Date), cmp.Compare(a.ID, b.ID))
	}).ID
}

// writeNeeds looks for what the new mails need, and for what needs them, and records the dependencies that follow.
func (in *Intake) writeNeeds(ctx context.Context) error {
	if err := in.placeNeeds(ctx); err != nil {
		return err
	}
	var rows, dependencies, gone [][]any
	write := func(n *need, isNew bool) {
		old := n.Target
		if n.Target = in.find(n); !isNew && n.Target == old || n.Kind == NeedSeries && n.Target == 0 {
			return
		}
		rows = append(rows, []any{in.project.ID, n.Kind, n.Value, n.Series, n.Position, sqldb.NullID(n.Target)})
		if n.Kind == NeedSupersedes {
			in.relate(in.series[n.Series], in.series[n.Target], SignSupersedes)
			return
		}
		if n.Target != 0 {
			dependencies = append(dependencies, []any{n.Series, n.Target, n.Position})
		}
		if old != 0 {
			gone = append(gone, []any{n.Series, old})
		}
	}
	for _, n := range in.new.needs {
		write(n, true)
	}
	for _, list := range in.needs {
		for _, n := range list {
			write(n, false)
		}
	}
	u := sqldb.Upsert{Table: "series_need", Columns: []string{"project_id", "kind", "value", "series_id", "position", "target_id"},
		Key: []string{"project_id", "kind", "value", "series_id"}, Replace: []string{"target_id"}}
	if err := in.tx.Upsert(ctx, u, firstByKey(rows, 1, 2, 3)); err != nil {
		return err
	}
	for _, g := range gone { // a newer version came; another line may still name the older one
		_, err := in.tx.Exec(ctx, `DELETE FROM series_dependency WHERE series_id = ? AND depends_on_id = ?
			AND NOT EXISTS (SELECT 1 FROM series_need n WHERE n.series_id = ? AND n.target_id = ? AND n.kind <> 'supersedes')`, g[0], g[1], g[0], g[1])
		if err != nil {
			return fmt.Errorf("replace a dependency of series %d: %w", g[0], err)
		}
	}
	u = sqldb.Upsert{Table: "series_dependency", Columns: []string{"series_id", "depends_on_id", "position"}, Key: []string{"series_id", "depends_on_id"}}
	return in.tx.Upsert(ctx, u, firstByKey(dependencies, 0, 1))
}

// placeNeeds puts the new needs behind those that other mails of their series named.
func (in *Intake) placeNeeds(ctx context.Context) error {
	next := map[int64]int{}
	var ids []int64
	for _, n := range in.new.needs {
		if _, ok := next[n.Series]; !ok {
			next[n.Series] = 0
			ids = append(ids, n.Series)
		}
	}
	err := sqldb.Chunks(ids, func(ids []int64) error {
		return in.tx.Each(ctx, func(rows *sqlx.Rows) error {
			var id int64
			var last int
			err := rows.Scan(&id, &last)
			next[id] = max(next[id], last)
			return err
		}, "SELECT series_id, MAX(position) FROM series_need WHERE series_id IN (?) GROUP BY series_id", ids)
	})
	for _, n := range in.new.needs {
		next[n.Series]++
		n.Position = next[n.Series]
	}
	return err
}

// firstByKey keeps of rows with the same values in the columns key the first.
func firstByKey(rows [][]any, key ...int) [][]any {
	seen := map[string]bool{}
	return slices.DeleteFunc(rows, func(row []any) bool {
		var k []any
		for _, i := range key {
			k = append(k, row[i])
		}
		text := fmt.Sprintf("%q", k)
		was := seen[text]
		seen[text] = true
		return was
	})
}

// kinPerMail bounds how many series are looked at that have something in common with the mails of a batch, kinPerBatch how low the bound is.
const (
	kinPerMail  = 16
	kinPerBatch = 4096
)

// maxKin is the bound for this batch.
func (in *Intake) maxKin() int { return max(kinPerBatch, kinPerMail*in.mails) }
