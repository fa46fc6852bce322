// SPDX-License-Identifier: GPL-2.0-or-later

package project

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// Search lists the projects whose name, link name or list id has all words of text, in an order: of id, name, link_name and list_id, each with a minus
// before it to reverse it; then by id. There are as many projects as administrators make, so that all are read.
func Search(ctx context.Context, q sqldb.Queryer, text string, order []string) ([]Project, error) {
	all, err := All(ctx, q)
	if err != nil {
		return nil, err
	}
	words := strings.FieldsFunc(fold.Key(text), func(r rune) bool { return r == ' ' || r == ',' })
	all = slices.DeleteFunc(all, func(p Project) bool {
		return slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(fold.Key(p.Name+"\n"+p.Linkname+"\n"+p.ListID), w) })
	})
	slices.SortFunc(all, func(a, b Project) int {
		for _, key := range order {
			if n := compareBy(key, a, b); n != 0 {
				return n
			}
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return all, nil
}

func compareBy(key string, a, b Project) int {
	field, reverse := strings.CutPrefix(key, "-")
	if reverse {
		a, b = b, a
	}
	switch field {
	case "id":
		return cmp.Compare(a.ID, b.ID)
	case "name":
		return cmp.Compare(a.Name, b.Name)
	case "link_name":
		return cmp.Compare(a.Linkname, b.Linkname)
	case "list_id":
		return cmp.Compare(a.ListID, b.ListID)
	}
	return 0
}

// ByKey finds a project by its number or, if none has it, its link name, as the REST API of Patchwork 3.2 does.
func ByKey(ctx context.Context, q sqldb.Queryer, key string) (Project, error) {
	var p Project
	id, err := strconv.ParseInt(key, 10, 64)
	if err != nil {
		id = 0
	}
	err = q.Get(ctx, &p, "SELECT "+columns+" FROM project WHERE id = ? OR linkname = ? ORDER BY CASE WHEN id = ? THEN 0 ELSE 1 END LIMIT 1", id, key, id)
	switch {
	case fault.Is(err, fault.NotFound):
		return p, fault.New(fault.NotFound, "no project %q", key)
	case err != nil:
		return p, fmt.Errorf("find project %q: %w", key, err)
	}
	return p, nil
}

// MaintainersOf reads the users who maintain projects, by id.
func MaintainersOf(ctx context.Context, q sqldb.Queryer, projects []int64) (map[int64][]account.User, error) {
	out := map[int64][]account.User{}
	err := sqldb.Chunks(projects, func(projects []int64) error {
		var rows []struct {
			Project int64
			account.User
		}
		err := q.Select(ctx, &rows, `SELECT m.project_id AS project, u.id, u.username, u.first_name, u.last_name, u.email FROM project_maintainer m
			JOIN user_account u ON u.id = m.user_id WHERE m.project_id IN (?) ORDER BY m.project_id, u.id`, projects)
		for _, r := range rows {
			out[r.Project] = append(out[r.Project], r.User)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the maintainers of %d projects: %w", len(projects), err)
	}
	return out, nil
}

// RequireMaintainer is fault.Denied unless the actor maintains a project or is an administrator.
func RequireMaintainer(ctx context.Context, q sqldb.Queryer, by account.Actor, p Project) error {
	if by.Admin {
		return nil
	}
	is, err := IsMaintainer(ctx, q, p.ID, by.User)
	if err == nil && !is {
		err = fault.New(fault.Denied, "only its maintainers and administrators may change the project %q", p.Linkname)
	}
	return err
}

// requireAdmin refuses a change that is not for maintainers.
func (c Change) requireAdmin(by account.Actor) error {
	c.WebURL, c.SCMURL, c.WebSCMURL, c.ListArchiveURL, c.ListArchiveURLFormat, c.CommitURLFormat, c.ShowDependencies = nil, nil, nil, nil, nil, nil, nil
	if by.User == 0 || !c.Empty() {
		return by.RequireAdmin("change projects")
	}
	return nil
}
