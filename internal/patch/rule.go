// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"strconv"
	"unicode/utf8"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fnmatch"
	"patchwork.example/pw/internal/project"
)

// Rule delegates patches that touch a path to a user.
type Rule struct {
	ID        int64
	ProjectID int64 `db:"project_id"`
	UserID    int64 `db:"user_id"`
	Project   string
	Username  string
	Path      string // shell pattern as Python's fnmatch has it: * also matches /
	Priority  int    // higher ones are tried first
}

const ruleQuery = `SELECT r.id, r.project_id, r.user_id, p.linkname AS project, u.username, r.path, r.priority
	FROM delegation_rule r JOIN project p ON p.id = r.project_id JOIN user_account u ON u.id = r.user_id`

const ruleOrder = " ORDER BY p.linkname, r.priority DESC, r.path"

// Rules lists the delegation rules in the order they are tried; linkname empty means all projects.
func Rules(ctx context.Context, q sqldb.Queryer, linkname string) ([]Rule, error) {
	var out []Rule
	query, args := ruleQuery, []any(nil)
	if linkname != "" {
		p, err := project.ByLinkname(ctx, q, linkname)
		if err != nil {
			return nil, err
		}
		query, args = query+" WHERE r.project_id = ?", []any{p.ID}
	}
	if err := q.Select(ctx, &out, query+ruleOrder, args...); err != nil {
		return nil, fmt.Errorf("list delegation rules: %w", err)
	}
	return out, nil
}

// FindRule finds a rule by its number.
func FindRule(ctx context.Context, q sqldb.Queryer, number string) (Rule, error) {
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return Rule{}, fault.New(fault.Invalid, "delegation rule %q: want its number, see `pw admin delegate-rule list`", number)
	}
	var r Rule
	err = q.Get(ctx, &r, ruleQuery+" WHERE r.id = ?", id)
	if fault.Is(err, fault.NotFound) {
		return r, fault.New(fault.NotFound, "no delegation rule %d", id)
	}
	return r, err
}

// RuleChange sets what is not nil.
type RuleChange struct {
	Project, Username, Path *string
	Priority                *int
}

func (c RuleChange) apply(ctx context.Context, tx *sqldb.Tx, r *Rule) error {
	assign(&r.Project, c.Project)
	assign(&r.Username, c.Username)
	assign(&r.Path, c.Path)
	assign(&r.Priority, c.Priority)
	if r.Path == "" || utf8.RuneCountInString(r.Path) > 255 {
		return fault.New(fault.Invalid, "path %q: want 1 to 255 characters", r.Path)
	}
	p, err := project.ByLinkname(ctx, tx, r.Project)
	if err != nil {
		return err
	}
	u, err := account.UserByName(ctx, tx, r.Username)
	if err != nil {
		return err
	}
	r.ProjectID, r.UserID, r.Project, r.Username = p.ID, u.ID, p.Linkname, u.Username
	return nil
}

// CreateRule makes a rule; Project, Username and Path are required.
func CreateRule(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, c RuleChange) (Rule, error) {
	var r Rule
	err := administer(ctx, db, by, now, "delegate-rule create", "delegation rule", func(tx *sqldb.Tx) (err error) {
		if err := c.apply(ctx, tx, &r); err != nil {
			return err
		}
		if r.ID, err = tx.NextID(ctx, "delegation_rule"); err != nil {
			return err
		}
		err = tx.Insert(ctx, "delegation_rule", []string{"id", "project_id", "user_id", "path", "priority"}, [][]any{{r.ID, r.ProjectID, r.UserID, r.Path, r.Priority}})
		return r.taken(err)
	})
	return r, err
}

// UpdateRule changes a rule.
func UpdateRule(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, number string, c RuleChange) (Rule, error) {
	var r Rule
	err := administer(ctx, db, by, now, "delegate-rule update", "delegation rule "+number, func(tx *sqldb.Tx) (err error) {
		if r, err = FindRule(ctx, tx, number); err != nil {
			return err
		}
		if err := c.apply(ctx, tx, &r); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE delegation_rule SET project_id = ?, user_id = ?, path = ?, priority = ? WHERE id = ?", r.ProjectID, r.UserID, r.Path, r.Priority, r.ID)
		return r.taken(err)
	})
	return r, err
}

func (r Rule) taken(err error) error {
	if fault.Is(err, fault.Conflict) {
		return fault.New(fault.Conflict, "project %q has a rule for the path %q already", r.Project, r.Path)
	}
	return err
}

// DeleteRule deletes a rule.
func DeleteRule(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, number string) error {
	return administer(ctx, db, by, now, "delegate-rule delete", "delegation rule "+number, func(tx *sqldb.Tx) error {
		r, err := FindRule(ctx, tx, number)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DELETE FROM delegation_rule WHERE id = ?", r.ID)
		return err
	})
}

// delegateFor finds who gets a patch that touches files: for each file the first rule that matches decides; a file without a rule,
// or two files of different users, and nobody gets it (0). rules are of one project in the order of Rules.
func delegateFor(rules []Rule, files []string) int64 {
	var user int64
	for _, f := range files {
		u := ruleUser(rules, f)
		if u == 0 || user != 0 && u != user {
			return 0
		}
		user = u
	}
	return user
}

func ruleUser(rules []Rule, file string) int64 {
	for _, r := range rules {
		if fnmatch.Match(r.Path, file) {
			return r.UserID
		}
	}
	return 0
}
