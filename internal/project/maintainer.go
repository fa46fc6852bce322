// SPDX-License-Identifier: GPL-2.0-or-later

package project

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
)

// Maintainer is a user who maintains a project.
type Maintainer struct {
	Project  string `json:"project"`
	Username string `json:"username"`
	Email    string `json:"email"`
}

// Maintainers lists who maintains what, by project and user name; linkname empty means all projects.
func Maintainers(ctx context.Context, q sqldb.Queryer, linkname string) ([]Maintainer, error) {
	query := `SELECT p.linkname AS project, u.username, u.email FROM project_maintainer m JOIN project p ON p.id = m.project_id
		JOIN user_account u ON u.id = m.user_id`
	var args []any
	if linkname != "" {
		p, err := ByLinkname(ctx, q, linkname)
		if err != nil {
			return nil, err
		}
		query, args = query+" WHERE p.id = ?", []any{p.ID}
	}
	var out []Maintainer
	if err := q.Select(ctx, &out, query+" ORDER BY p.linkname, u.username_key", args...); err != nil {
		return nil, fmt.Errorf("list maintainers: %w", err)
	}
	return out, nil
}

// AddMaintainer makes a user maintainer of a project; one who is already stays so.
func AddMaintainer(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, linkname, username string) error {
	return changeMaintainer(ctx, db, by, now, "maintainer create", linkname, username, addMaintainer)
}

// RemoveMaintainer ends it; fault.NotFound if he was none.
func RemoveMaintainer(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, linkname, username string) error {
	return changeMaintainer(ctx, db, by, now, "maintainer delete", linkname, username, removeMaintainer)
}

// ReplaceMaintainer makes a user maintainer of a project in place of old; fault.NotFound if old was none.
func ReplaceMaintainer(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, linkname, old, username string) error {
	return changeMaintainer(ctx, db, by, now, "maintainer update", linkname, username, func(ctx context.Context, tx *sqldb.Tx, p Project, u account.User) error {
		before, err := account.UserByName(ctx, tx, old)
		if err != nil {
			return err
		}
		if err := removeMaintainer(ctx, tx, p, before); err != nil {
			return err
		}
		return addMaintainer(ctx, tx, p, u)
	})
}

func addMaintainer(ctx context.Context, tx *sqldb.Tx, p Project, u account.User) error {
	return tx.Upsert(ctx, sqldb.Upsert{Table: "project_maintainer", Columns: []string{"project_id", "user_id"}, Key: []string{"project_id", "user_id"}},
		[][]any{{p.ID, u.ID}})
}

func removeMaintainer(ctx context.Context, tx *sqldb.Tx, p Project, u account.User) error {
	n, err := tx.Exec(ctx, "DELETE FROM project_maintainer WHERE project_id = ? AND user_id = ?", p.ID, u.ID)
	if err == nil && n == 0 {
		return fault.New(fault.NotFound, "%q is not a maintainer of %q", u.Username, p.Linkname)
	}
	return err
}

func changeMaintainer(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, verb, linkname, username string, write func(context.Context, *sqldb.Tx, Project, account.User) error) error {
	if err := by.RequireAdmin("appoint maintainers"); err != nil {
		return err
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		p, err := ByLinkname(ctx, tx, linkname)
		if err != nil {
			return err
		}
		u, err := account.UserByName(ctx, tx, username)
		if err != nil {
			return err
		}
		if err := write(ctx, tx, p, u); err != nil {
			return err
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: verb, Subject: "project " + p.Linkname, Detail: u.Username})
	})
	if err != nil {
		return fmt.Errorf("%s %s %s: %w", verb, linkname, username, err)
	}
	return nil
}

// MaintainerIDs maps each project to the ids of the users who maintain it.
func MaintainerIDs(ctx context.Context, q sqldb.Queryer) (map[int64]map[int64]bool, error) {
	out := map[int64]map[int64]bool{}
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var p, u int64
		if err := rows.Scan(&p, &u); err != nil {
			return err
		}
		if out[p] == nil {
			out[p] = map[int64]bool{}
		}
		out[p][u] = true
		return nil
	}, "SELECT project_id, user_id FROM project_maintainer")
	if err != nil {
		return nil, fmt.Errorf("load maintainers: %w", err)
	}
	return out, nil
}

// Member is a user who maintains a project, as forms offer him.
type Member struct {
	ID       int64
	Username string
}

// MembersOf lists the maintainers of one project by name.
func MembersOf(ctx context.Context, q sqldb.Queryer, project int64) ([]Member, error) {
	var out []Member
	err := q.Select(ctx, &out, `SELECT u.id, u.username FROM project_maintainer m JOIN user_account u ON u.id = m.user_id
		WHERE m.project_id = ? ORDER BY u.username_key`, project)
	if err != nil {
		return nil, fmt.Errorf("list the maintainers of project %d: %w", project, err)
	}
	return out, nil
}

// RequireAnyMaintainer refuses (fault.Denied) who is no administrator and maintains no project; what is what he may not do.
func RequireAnyMaintainer(ctx context.Context, q sqldb.Queryer, by account.Actor, what string) error {
	if by.Admin || by.User == 0 {
		return by.RequireAdmin(what)
	}
	var n int
	if err := q.Get(ctx, &n, "SELECT COUNT(*) FROM project_maintainer WHERE user_id = ?", by.User); err != nil {
		return fmt.Errorf("find out what user %d maintains: %w", by.User, err)
	}
	if n == 0 {
		return fault.New(fault.Denied, "only administrators and who maintains a project may %s", what)
	}
	return nil
}

// IsMaintainer tells whether a user maintains a project.
func IsMaintainer(ctx context.Context, q sqldb.Queryer, project, user int64) (bool, error) {
	var n int
	err := q.Get(ctx, &n, "SELECT COUNT(*) FROM project_maintainer WHERE project_id = ? AND user_id = ?", project, user)
	if err != nil {
		return false, fmt.Errorf("find out who maintains project %d: %w", project, err)
	}
	return n > 0, nil
}

// CompleteMaintainers finds at most limit users who maintain a project and whose user name begins with a text, without regard to letter case. The number of maintainers
// bounds the cost. A text of less than account.CompleteFrom letters finds nobody.
func CompleteMaintainers(ctx context.Context, q sqldb.Queryer, text string, limit int) ([]Member, error) {
	from, upto, ok := account.Prefix(text)
	if !ok || limit < 1 {
		return nil, nil
	}
	var out []Member
	err := q.Select(ctx, &out, `SELECT u.id, u.username FROM user_account u WHERE u.username_key >= ? AND u.username_key < ? AND u.is_active = TRUE
		AND u.id IN (SELECT m.user_id FROM project_maintainer m) ORDER BY u.username_key, u.id LIMIT ?`, from, upto, limit)
	if err != nil {
		return nil, fmt.Errorf("complete a maintainer: %w", err)
	}
	return out, nil
}
