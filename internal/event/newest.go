// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"

	"patchwork.example/pw/internal/base/sqldb"
)

// Newest reads the last events of a project in one query, the last position first, at most limit, without subjects: those of one kind, or without kind of none of the exceptions, that are about one of some subjects, if
// there are any: kind of subject → ids. Where no events are about to get a position these are the newest. Else what happened at the time of the first of those, or later, is left out until
// all of it has a position, so that who has read one event has missed none before it.
func Newest(ctx context.Context, q sqldb.Queryer, project int64, kind string, except []string, about map[string][]int64, limit int) ([]Stored, error) {
	query, args := newest(project, kind, except, about, limit)
	var out []Stored
	err := q.Select(ctx, &out, query, args...)
	return out, wrap(err, "read the newest events")
}

// newest is the query of Newest.
func newest(project int64, kind string, except []string, about map[string][]int64, limit int) (string, []any) {
	var w where
	w.add("project_id = ?", project)
	w.kind(Query{Kind: kind, Except: except})
	w.add("pos IS NOT NULL")
	if len(about) == 0 {
		w.add("at < COALESCE((SELECT MIN(at) FROM ("+oldestWaiting+") waiting), ?)", maxWaiting, int64(math.MaxInt64))
		return "SELECT " + storedColumns + " FROM event WHERE id IN (SELECT id FROM (SELECT id FROM event" + w.sql() + " ORDER BY at DESC, id DESC LIMIT ?) newest) ORDER BY event.pos DESC", append(w.args, limit)
	}
	var u union
	for _, subject := range slices.Sorted(maps.Keys(about)) {
		u.add("SELECT event_id FROM event_subject WHERE kind = ? AND subject_id IN (?)", subject, about[subject])
	}
	w.add("id = s.event_id")
	return "SELECT " + storedColumns + " FROM (" + strings.Join(u.parts, " UNION ") + ") s CROSS JOIN event" + w.sql() + " ORDER BY event.pos DESC LIMIT ?", slices.Concat(u.args, w.args, []any{limit})
}
