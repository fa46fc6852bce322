// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/project"
)

// Desk is what a list has for who is logged in, beside its rows.
type Desk struct {
	Words   Vocabulary // states and tags
	People  People
	Members []project.Member // who maintains one of the projects, by name
	Bundles []Bundle         // his own of the project, by name
	Saved   []SavedQuery     // his own for such lists of the project, and of all projects, by name
	Todo    int              // see TodoCount
}

// deskBundles bounds the bundles of a desk.
const deskBundles = 100

const todoCount = `SELECT COALESCE(SUM(p.patches), 0) FROM patch_count p JOIN state s ON s.id = p.state_id AND s.action_required = TRUE WHERE p.delegate_id = ? AND p.archived = FALSE`

// DeskQuery says whose desk it is, and at which list.
type DeskQuery struct {
	User                int64
	Project             int64   // 0: the list is of several
	Of                  []int64 // these
	Kind                string  // see SavedPatches
	Submitter, Delegate string  // whom the list names, see ReadWords
}

// ReadDesk reads a desk in one query.
func ReadDesk(ctx context.Context, q sqldb.Queryer, f DeskQuery) (d Desk, err error) {
	of := f.Of
	if len(of) == 0 {
		of = []int64{f.Project}
	}
	more := also{sql: `SELECT 'bundle', x.id, x.name, '', '', x.project_id, x.public FROM bundle x WHERE x.owner_id = ? AND x.project_id = ?
		UNION ALL SELECT 'saved', x.id, x.name, x.query, CASE WHEN x.opens = TRUE THEN 'opens' ELSE '' END, COALESCE(x.project_id, 0), x.public FROM saved_query x
			WHERE x.user_id = ? AND x.kind = ? AND (x.project_id = ? OR x.project_id IS NULL)
		UNION ALL SELECT 'todo', 0, '', '', '', (` + todoCount + `), FALSE
		UNION ALL SELECT 'member', a.id, a.username, '', '', 0, FALSE FROM user_account a WHERE a.id IN (SELECT m.user_id FROM project_maintainer m WHERE m.project_id IN (?))`,
		args: []any{f.User, f.Project, f.User, f.Kind, f.Project, f.User, of}, row: func(w word) { d.take(w, f) }}
	if err = readWords(ctx, q, &d.Words, &d.People, more, f.Submitter, f.Delegate); err != nil {
		return Desk{}, fmt.Errorf("read the desk of user %d: %w", f.User, err)
	}
	slices.SortFunc(d.Bundles, func(a, b Bundle) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	d.Bundles = d.Bundles[:min(len(d.Bundles), deskBundles)]
	slices.SortFunc(d.Saved, func(a, b SavedQuery) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	slices.SortFunc(d.Members, func(a, b project.Member) int { return cmp.Compare(fold.Key(a.Username), fold.Key(b.Username)) })
	return d, nil
}

func (d *Desk) take(w word, f DeskQuery) {
	switch w.Kind {
	case "todo":
		d.Todo = int(w.Number)
	case "saved":
		d.Saved = append(d.Saved, SavedQuery{ID: w.ID, User: f.User, Project: w.Number, Kind: f.Kind, Name: w.Name, Query: w.Second, Public: w.Flag, Opens: w.Third != ""})
	case "member":
		d.Members = append(d.Members, project.Member{ID: w.ID, Username: w.Name})
	case "bundle":
		d.Bundles = append(d.Bundles, Bundle{ID: w.ID, Owner: f.User, Project: w.Number, Name: w.Name, Public: w.Flag})
	}
}

// Opens is the query that the list opens with: that of the project counts more than one for all projects.
func (d Desk) Opens() (SavedQuery, bool) {
	var found SavedQuery
	for _, s := range d.Saved {
		if s.Opens && (found.ID == 0 || s.Project != 0) {
			found = s
		}
	}
	return found, found.ID != 0
}

// TodoCount is how many patches a user has to do in all projects, from the counters: delegated to him, not archived, in a state that requires action.
func TodoCount(ctx context.Context, q sqldb.Queryer, user int64) (n int, err error) {
	if err := q.Get(ctx, &n, todoCount, user); err != nil {
		return 0, fmt.Errorf("count what user %d has to do: %w", user, err)
	}
	return n, nil
}
